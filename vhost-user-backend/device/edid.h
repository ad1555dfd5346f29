/* SPDX-License-Identifier: MIT */
/*
 * edid.h - an EDID (VESA E-EDID 1.4) where the front end has none
 */
#ifndef DEVICE_EDID_H
#define DEVICE_EDID_H

#include <stdint.h>

#define EDID_SIZE	128

/**
 * edid_make() - one block
 * @output: 0..15; becomes part of name and serial number
 * @w, @h: preferred mode at 60 Hz; what an EDID can not say is made smaller
 */
void edid_make(uint8_t edid[EDID_SIZE], unsigned int output, uint32_t w,
	       uint32_t h);

#endif
