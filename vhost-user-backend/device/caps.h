/* SPDX-License-Identifier: MIT */
/*
 * caps.h - capability sets, frozen when the VM started
 */
#ifndef DEVICE_CAPS_H
#define DEVICE_CAPS_H

#include <stdbool.h>

struct vgpu_caps;

/** caps_check() - can they be given to a guest as they are? */
bool caps_check(const struct vgpu_caps *caps);

#endif
