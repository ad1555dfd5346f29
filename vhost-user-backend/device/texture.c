// SPDX-License-Identifier: MIT
/*
 * texture.c - what a 3D resource may be, and how much memory it takes
 */
#include "device/resource.h"

#define TARGET_BUFFER		0
#define TARGET_3D		3
#define TARGET_CUBE		4
#define TARGET_MAX		8	/* cube array */
#define BUFFER_MAX		0x7fffffffu
#define SAMPLES_MAX		32u
#define UNKNOWN_FORMAT		4096u	/* 16 bytes a texel: none has more */

/*
 * Bytes of 16 x 16 texels by format, in units of 128: as virglrenderer accounts
 * for them (found by asking for the smallest upload it takes). 0: unknown.
 */
static const uint8_t units[] = {
	[1] = 8, [2] = 8, [3] = 8, [4] = 8, [5] = 4, [6] = 4, [7] = 4, [8] = 8,
	[9] = 2, [10] = 2, [13] = 4, [16] = 4, [17] = 8, [18] = 8, [20] = 8,
	[21] = 8, [28] = 8, [29] = 16, [30] = 24, [31] = 32, [48] = 4, [49] = 8,
	[51] = 16, [56] = 4, [57] = 8, [59] = 16, [64] = 2, [65] = 4, [67] = 8,
	[74] = 2, [75] = 4, [77] = 8, [91] = 4, [92] = 8, [94] = 16, [95] = 2,
	[100] = 8, [101] = 8, [104] = 8, [105] = 1, [106] = 1, [107] = 2,
	[108] = 2, [109] = 1, [110] = 1, [111] = 2, [112] = 2, [113] = 1,
	[114] = 1, [115] = 2, [116] = 2, [121] = 8, [122] = 4, [124] = 8,
	[125] = 8, [126] = 16, [131] = 8, [134] = 8, [135] = 4, [136] = 8,
	[139] = 2, [141] = 4, [148] = 2, [152] = 4, [155] = 4, [156] = 4,
	[159] = 8, [160] = 8, [177] = 2, [178] = 4, [180] = 8, [181] = 2,
	[182] = 4, [184] = 8, [185] = 4, [186] = 8, [188] = 16, [189] = 4,
	[190] = 8, [192] = 16, [193] = 8, [194] = 16, [195] = 24, [196] = 32,
	[197] = 8, [198] = 16, [199] = 24, [200] = 32, [201] = 2, [203] = 2,
	[205] = 2, [207] = 2, [209] = 4, [211] = 4, [213] = 4, [215] = 4,
	[217] = 8, [219] = 8, [221] = 8, [223] = 8, [225] = 8, [229] = 8,
	[230] = 8, [231] = 8, [232] = 8, [233] = 8, [234] = 16, [235] = 16,
	[236] = 16, [237] = 16, [238] = 16, [253] = 8, [255] = 2, [256] = 2,
	[257] = 2, [258] = 2, [308] = 8, [311] = 4, [312] = 2, [313] = 4,
};

static uint32_t bytes_256(uint32_t format)
{
	if (format >= sizeof(units) || !units[format])
		return UNKNOWN_FORMAT;
	return units[format] * 128u;
}

/* Stored as blocks of 4 x 4 texels? */
static bool is_block(uint32_t format)
{
	return (format >= 105 && format <= 116) ||
		(format >= 255 && format <= 258);
}

static uint32_t minify(uint32_t size, uint32_t level)
{
	return size >> level ? size >> level : 1;
}

static bool levels_fit(const struct renderer_resource *args)
{
	uint32_t size = args->width > args->height ? args->width : args->height;

	if (args->target == TARGET_3D && args->depth > size)
		size = args->depth;
	return args->last_level < 32 && size >> args->last_level;
}

bool texture_check(const struct renderer_resource *args)
{
	if (args->target > TARGET_MAX || !args->format)
		return false;
	if (args->target == TARGET_BUFFER)
		return args->width && args->width <= BUFFER_MAX &&
			args->height <= 1 && args->depth <= 1 &&
			args->array_size <= 1 && !args->last_level &&
			args->nr_samples <= 1;
	if (!args->width || args->width > RESOURCE_MAX_SIZE ||
	    !args->height || args->height > RESOURCE_MAX_SIZE ||
	    !args->depth || args->depth > RESOURCE_MAX_SIZE ||
	    args->array_size > RESOURCE_MAX_SIZE ||
	    args->nr_samples > SAMPLES_MAX)
		return false;
	if (args->target != TARGET_3D && args->depth != 1)
		return false;
	return levels_fit(args);
}

/* At most 2^46 texels of 16 bytes and 32 samples, and twice that for levels. */
uint64_t texture_size(const struct renderer_resource *args)
{
	uint64_t samples = args->nr_samples ? args->nr_samples : 1;
	uint64_t layers = args->array_size ? args->array_size : 1;
	uint64_t bytes = bytes_256(args->format), total = 0;

	if (args->target == TARGET_BUFFER)
		return args->width;
	if (args->target == TARGET_CUBE && layers < 6)
		layers = 6;
	for (uint32_t l = 0; l <= args->last_level; l++) {
		uint64_t x = minify(args->width, l);
		uint64_t y = minify(args->height, l);
		uint64_t z = args->target == TARGET_3D ?
			minify(args->depth, l) : layers;
		uint64_t n;

		if (is_block(args->format))
			n = ((x + 3) / 4) * ((y + 3) / 4) * bytes / 16;
		else
			n = x * y * bytes / 256;
		total += n * z * samples;
	}
	return total;
}
