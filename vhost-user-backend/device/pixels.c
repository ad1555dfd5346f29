// SPDX-License-Identifier: MIT
/*
 * pixels.c - the formats of VIRTIO to a8r8g8b8
 *
 * A name gives the bytes in the order of memory; as little-endian words each
 * conversion is a few shifts, which compilers turn into vector code.
 */
#include "device/pixels.h"

#include <string.h>
#include "protocol/virgl.h"
#include "protocol/virtio_gpu.h"

/* Layouts in memory order. */
enum layout { NONE, BGRA, ARGB, RGBA, ABGR };

/* What virgl guests show besides is sRGB, like everything on screens. */
static enum layout layout(uint32_t format)
{
	switch (format) {
	case VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM:
	case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:
	case VIRGL_FORMAT_B8G8R8A8_SRGB:
	case VIRGL_FORMAT_B8G8R8X8_SRGB:
		return BGRA;
	case VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM:
	case VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM:
	case VIRGL_FORMAT_A8R8G8B8_SRGB:
	case VIRGL_FORMAT_X8R8G8B8_SRGB:
		return ARGB;
	case VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM:
	case VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM:
	case VIRGL_FORMAT_R8G8B8A8_SRGB:
	case VIRGL_FORMAT_R8G8B8X8_SRGB:
		return RGBA;
	case VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM:
	case VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM:
	case VIRGL_FORMAT_A8B8G8R8_SRGB:
	case VIRGL_FORMAT_X8B8G8R8_SRGB:
		return ABGR;
	}
	return NONE;
}

bool pixels_known(uint32_t format)
{
	return layout(format) != NONE;
}

bool pixels_native(uint32_t format)
{
	return layout(format) == BGRA;
}

bool pixels_alpha(uint32_t format)
{
	switch (format) {
	case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:
	case VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM:
	case VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM:
	case VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM:
	case VIRGL_FORMAT_B8G8R8X8_SRGB:
	case VIRGL_FORMAT_X8R8G8B8_SRGB:
	case VIRGL_FORMAT_R8G8B8X8_SRGB:
	case VIRGL_FORMAT_X8B8G8R8_SRGB:
		return false;
	}
	return true;
}

static uint32_t get(const uint8_t *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static void put(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof(v));
}

void pixels_convert(uint32_t format, void *to, const void *from, size_t n)
{
	const uint8_t *f = from;
	uint8_t *t = to;
	uint32_t v;

	switch (layout(format)) {
	case BGRA:
	case NONE:
		if (to != from)
			memcpy(to, from, n * 4);
		break;
	case ARGB:
		for (size_t i = 0; i < n * 4; i += 4)
			put(t + i, __builtin_bswap32(get(f + i)));
		break;
	case RGBA:
		for (size_t i = 0; i < n * 4; i += 4) {
			v = get(f + i);
			put(t + i, (v & 0xff00ff00) | (v & 0xff) << 16 |
			    (v >> 16 & 0xff));
		}
		break;
	case ABGR:
		for (size_t i = 0; i < n * 4; i += 4) {
			v = get(f + i);
			put(t + i, v >> 8 | v << 24);
		}
		break;
	}
}
