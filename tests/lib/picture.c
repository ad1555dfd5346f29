// SPDX-License-Identifier: MIT
/*
 * picture.c - a 2D resource, and the model of what the display must show
 */
#include "tests/lib/picture.h"

#include <stdlib.h>
#include <string.h>

#include <glib.h>

struct fe *begin_case(const struct fe_options *opts)
{
	struct fe *fe = fe_new(opts);
	int ret;

	g_assert_nonnull(fe);
	ret = fe_up(fe);
	if (ret) {
		g_autofree char *log = fe_log(fe);

		g_printerr("start-up: %s\n%s", g_strerror(-ret), log);
	}
	g_assert_cmpint(ret, ==, 0);
	return fe;
}

void end_case(struct fe *fe)
{
	g_assert_cmpuint(fe_free(fe), ==, 0);
}

uint32_t rgb_of(uint32_t format, uint32_t pixel)
{
	/* which byte of memory holds red, green, blue */
	static const struct {
		uint8_t format, r, g, b;
	} table[] = {
		{ VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 2, 1, 0 },
		{ VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 2, 1, 0 },
		{ VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, 1, 2, 3 },
		{ VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, 1, 2, 3 },
		{ VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, 0, 1, 2 },
		{ VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, 3, 2, 1 },
		{ VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, 3, 2, 1 },
		{ VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, 0, 1, 2 },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(table); i++)
		if (table[i].format == format)
			return (pixel >> 8 * table[i].r & 0xff) << 16 |
			       (pixel >> 8 * table[i].g & 0xff) << 8 |
			       (pixel >> 8 * table[i].b & 0xff);
	g_assert_not_reached();
}

static size_t bytes_of(const struct picture *p)
{
	return (size_t)p->w * p->h * 4;
}

/* Backing in pieces of different sizes, so that rows cross them. */
static int attach_pieces(struct picture *p)
{
	struct virtio_gpu_mem_entry entries[64] = { 0 };
	size_t left = bytes_of(p), at = 0, piece = FE_PAGE;
	uint32_t n = 0;

	while (left) {
		size_t len = n == 63 || left < piece ? left : piece;

		entries[n].addr = p->gpa + at;
		entries[n++].length = (uint32_t)len;
		at += len;
		left -= len;
		piece += FE_PAGE / 2 + 4;
	}
	return fe_attach_entries(p->fe, p->id, entries, n);
}

void picture_create(struct picture *p)
{
	assert_ok(fe_create_2d(p->fe, p->id, p->format, p->w, p->h));
	assert_ok(attach_pieces(p));
	memset(p->host, 0, bytes_of(p));
}

struct picture *picture_new(struct fe *fe, uint32_t id, uint32_t format,
			    uint32_t w, uint32_t h)
{
	struct picture *p = g_new0(struct picture, 1);

	p->fe = fe;
	p->id = id;
	p->format = format;
	p->w = w;
	p->h = h;
	p->gpa = fe_alloc(fe, bytes_of(p));
	p->host = g_malloc(bytes_of(p));
	picture_create(p);
	return p;
}

void picture_free(struct picture *p, bool unref)
{
	if (unref)
		assert_ok(fe_unref(p->fe, p->id));
	fe_release(p->fe, p->gpa, bytes_of(p));
	g_free(p->host);
	g_free(p->screen);
	g_free(p);
}

void picture_show(struct picture *p, uint32_t scanout, uint32_t x, uint32_t y,
		  uint32_t w, uint32_t h)
{
	assert_ok(fe_scanout(p->fe, scanout, p->id, x, y, w, h));
	p->scanout = scanout;
	p->sx = x;
	p->sy = y;
	p->sw = w;
	p->sh = h;
	g_free(p->screen);
	p->screen = g_new0(uint32_t, (size_t)w * h);
}

void picture_paint(struct picture *p)
{
	uint32_t *to = fe_at(p->fe, p->gpa);
	uint32_t v = (uint32_t)g_test_rand_int() | 1;
	size_t i;

	for (i = 0; i < (size_t)p->w * p->h; i++) {
		v = v * 1664525 + 1013904223;
		to[i] = v ^ v >> 15;
	}
}

void picture_transfer(struct picture *p, uint32_t x, uint32_t y, uint32_t w,
		      uint32_t h)
{
	const uint32_t *from = fe_at(p->fe, p->gpa);
	uint32_t row;

	assert_ok(fe_transfer_2d(p->fe, p->id, x, y, w, h,
				 ((uint64_t)y * p->w + x) * 4));
	for (row = y; row < y + h; row++)
		memcpy(p->host + (size_t)row * p->w + x,
		       from + (size_t)row * p->w + x, (size_t)w * 4);
}

void picture_flush(struct picture *p, uint32_t x, uint32_t y, uint32_t w,
		   uint32_t h)
{
	uint32_t row, col;

	assert_ok(fe_flush(p->fe, p->id, x, y, w, h));
	for (row = MAX(y, p->sy); row < MIN(y + h, p->sy + p->sh); row++)
		for (col = MAX(x, p->sx); col < MIN(x + w, p->sx + p->sw);
		     col++)
			p->screen[(size_t)(row - p->sy) * p->sw + col -
				  p->sx] =
				rgb_of(p->format,
				       p->host[(size_t)row * p->w + col]);
}

void picture_push(struct picture *p)
{
	picture_paint(p);
	picture_transfer(p, 0, 0, p->w, p->h);
	picture_flush(p, 0, 0, p->w, p->h);
}

/* Pixels that differ; the first is kept for the message. */
static size_t differ(const struct picture *p, size_t *first)
{
	const struct fe_scanout *s = &p->fe->display.scanouts[p->scanout];
	size_t i, n = 0;

	if (s->width != p->sw || s->height != p->sh)
		return SIZE_MAX;
	for (i = 0; i < (size_t)p->sw * p->sh; i++)
		if ((s->pixels[i] & 0xffffff) != p->screen[i] && !n++)
			*first = i;
	return n;
}

bool picture_same(struct picture *p)
{
	const struct fe_scanout *s = &p->fe->display.scanouts[p->scanout];
	uint64_t end = fe_now_ns() + 3000000000ull;
	size_t n, at = 0;

	fe_settle(p->fe, 0);
	while ((n = differ(p, &at)) && fe_now_ns() < end)
		fe_poll(p->fe, 20);
	if (!n)
		return true;
	if (n == SIZE_MAX)
		g_printerr("scanout %u is %ux%u, not %ux%u\n", p->scanout,
			   s->width, s->height, p->sw, p->sh);
	else
		g_printerr("%zu of %u pixels differ; %zu,%zu is %06x, not %06x\n",
			   n, p->sw * p->sh, at % p->sw, at / p->sw,
			   s->pixels[at] & 0xffffff, p->screen[at]);
	return false;
}
