/* SPDX-License-Identifier: MIT */
/*
 * pixels.h - the formats of VIRTIO to a8r8g8b8
 */
#ifndef DEVICE_PIXELS_H
#define DEVICE_PIXELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** pixels_known() - can pixels_convert() read the format? */
bool pixels_known(uint32_t format);

/** pixels_native() - is it a8r8g8b8 or x8r8g8b8 as it is? */
bool pixels_native(uint32_t format);

/** pixels_alpha() - does it have an alpha channel? */
bool pixels_alpha(uint32_t format);

/**
 * pixels_convert() - to a8r8g8b8 (B, G, R, A in memory); X becomes A as it is
 *
 * @to and @from may be the same, or else must not overlap.
 */
void pixels_convert(uint32_t format, void *to, const void *from, size_t n);

#endif
