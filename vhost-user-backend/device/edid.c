// SPDX-License-Identifier: MIT
/*
 * edid.c - an EDID (VESA E-EDID 1.4) where the front end has none
 */
#include "device/edid.h"

#include <stdio.h>
#include <string.h>

#define REFRESH		60u
#define ACTIVE_MAX	4095u
#define DPI		96u

/* Reduced blanking, as in VESA's CVT: 160 pixels, at least 460 us of lines. */
struct timing {
	uint32_t hactive, hblank, hfront, hsync;
	uint32_t vactive, vblank, vfront, vsync;
	uint32_t clock_10khz;
	uint32_t mm_w, mm_h;
};

static uint32_t clamp(uint32_t v, uint32_t min, uint32_t max)
{
	return v < min ? min : v > max ? max : v;
}

static void make_timing(struct timing *t, uint32_t w, uint32_t h)
{
	uint64_t clock;

	t->hactive = clamp(w, 64, ACTIVE_MAX);
	t->vactive = clamp(h, 64, ACTIVE_MAX);
	t->hblank = 160;
	t->hfront = 48;
	t->hsync = 32;
	t->vblank = t->vactive * 29 / 1000 + 12;
	t->vfront = 3;
	t->vsync = 5;
	/* Rounded up, so that nobody computes less than 60 Hz. */
	clock = (uint64_t)(t->hactive + t->hblank) *
		(t->vactive + t->vblank) * REFRESH;
	clock = (clock + 9999) / 10000;
	t->clock_10khz = clock > 0xffff ? 0xffff : (uint32_t)clock;
	t->mm_w = clamp(t->hactive * 254 / (DPI * 10), 1, ACTIVE_MAX);
	t->mm_h = clamp(t->vactive * 254 / (DPI * 10), 1, ACTIVE_MAX);
}

static void detailed(uint8_t *d, const struct timing *t)
{
	d[0] = t->clock_10khz & 0xff;
	d[1] = (uint8_t)(t->clock_10khz >> 8);
	d[2] = t->hactive & 0xff;
	d[3] = t->hblank & 0xff;
	d[4] = (uint8_t)((t->hactive >> 8) << 4 | t->hblank >> 8);
	d[5] = t->vactive & 0xff;
	d[6] = t->vblank & 0xff;
	d[7] = (uint8_t)((t->vactive >> 8) << 4 | t->vblank >> 8);
	d[8] = t->hfront & 0xff;
	d[9] = t->hsync & 0xff;
	d[10] = (uint8_t)((t->vfront & 15) << 4 | (t->vsync & 15));
	d[11] = (uint8_t)((t->hfront >> 8) << 6 | (t->hsync >> 8) << 4 |
			  (t->vfront >> 4) << 2 | t->vsync >> 4);
	d[12] = t->mm_w & 0xff;
	d[13] = t->mm_h & 0xff;
	d[14] = (uint8_t)((t->mm_w >> 8) << 4 | t->mm_h >> 8);
	d[17] = 0x1e;	/* digital, separate sync, both positive */
}

/* A display descriptor with a text of up to 13 characters. */
static void text(uint8_t *d, uint8_t tag, const char *s)
{
	size_t n = strnlen(s, 13);

	d[3] = tag;
	memset(d + 5, ' ', 13);
	memcpy(d + 5, s, n);
	if (n < 13)
		d[5 + n] = '\n';
}

static void range_limits(uint8_t *d)
{
	d[3] = 0xfd;
	d[5] = 24;	/* Hz, vertical */
	d[6] = 120;
	d[7] = 15;	/* kHz, horizontal */
	d[8] = 250;
	d[9] = 66;	/* 660 MHz */
	d[10] = 1;	/* range limits only */
	d[11] = '\n';
	memset(d + 12, ' ', 6);
}

/* Chromaticity of sRGB with D65, as 10-bit fractions. */
static const uint8_t srgb[10] = {
	0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54,
};

/* 1920x1080, 1680x1050, 1280x1024, 1440x900, 1280x800 at 60 Hz; 3 unused */
static const uint8_t standard[16] = {
	0xd1, 0xc0, 0xb3, 0x00, 0x81, 0x80, 0x95, 0x00, 0x81, 0x00,
	1, 1, 1, 1, 1, 1,
};

void edid_make(uint8_t edid[EDID_SIZE], unsigned int output, uint32_t w,
	       uint32_t h)
{
	static const uint8_t magic[8] = {
		0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0,
	};
	char name[14], serial[14];
	struct timing t;
	uint8_t sum = 0;

	make_timing(&t, w, h);
	memset(edid, 0, EDID_SIZE);
	memcpy(edid, magic, sizeof(magic));
	edid[8] = 0x58;		/* "VGP", five bits a letter */
	edid[9] = 0xf0;
	edid[10] = 1;		/* product */
	edid[12] = (uint8_t)(output + 1);	/* serial number */
	edid[16] = 1;		/* week, year - 1990 */
	edid[17] = 36;
	edid[18] = 1;		/* EDID 1.4 */
	edid[19] = 4;
	edid[20] = 0xa5;	/* digital, 8 bits a colour, DisplayPort */
	edid[21] = (uint8_t)clamp(t.mm_w / 10, 1, 255);	/* cm */
	edid[22] = (uint8_t)clamp(t.mm_h / 10, 1, 255);
	edid[23] = 120;		/* gamma 2.2 */
	edid[24] = 0x06;	/* sRGB, the first timing is preferred */
	memcpy(edid + 25, srgb, sizeof(srgb));
	edid[35] = 0x21;	/* 640x480, 800x600 at 60 Hz */
	edid[36] = 0x08;	/* 1024x768 at 60 Hz */
	memcpy(edid + 38, standard, sizeof(standard));

	snprintf(name, sizeof(name), "vgpu %u", (output + 1) & 0xff);
	snprintf(serial, sizeof(serial), "%u", (output + 1) & 0xff);
	detailed(edid + 54, &t);
	text(edid + 72, 0xfc, name);
	range_limits(edid + 90);
	text(edid + 108, 0xff, serial);

	for (int i = 0; i < EDID_SIZE - 1; i++)
		sum = (uint8_t)(sum + edid[i]);
	edid[EDID_SIZE - 1] = (uint8_t)-sum;
}
