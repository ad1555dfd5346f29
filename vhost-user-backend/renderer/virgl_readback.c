// SPDX-License-Identifier: MIT
/*
 * virgl_readback.c - from textures to the guest's memory and to the display
 *
 * Where GL fails to read, virglrenderer copies memory of its own that nobody
 * has written. So it reads into ours, and only what was read goes on.
 */
#define VIRGL_RENDERER_UNSTABLE_APIS
#include <errno.h>
#include <stdlib.h>
#include <virglrenderer.h>
#include "base/iov.h"
#include "protocol/virgl.h"
#include "renderer/virgl_private.h"

/* Its layout is part of the interface, its name is not in the header. */
struct virgl_box {
	uint32_t x, y, z, w, h, d;
};

/* Formats whose unit is a block of pixels, by ranges of their numbers. */
static bool is_block_format(uint32_t format)
{
	static const uint16_t ranges[][2] = {
		{ 105, 118 },	/* DXT, RGTC, 4:2:2 */
		{ 127, 127 },	/* one bit */
		{ 143, 146 },	/* LATC */
		{ 226, 228 },	/* ETC1, 4:2:2 */
		{ 255, 258 },	/* BPTC */
		{ 269, 306 },	/* ETC2, ASTC */
		{ 348, 370 },	/* ASTC 3D, ATC */
		{ 395, 396 },	/* FXT1 */
		{ 457, 470 },	/* ASTC float */
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(ranges); i++)
		if (format >= ranges[i][0] && format <= ranges[i][1])
			return true;
	return false;
}

uint32_t virgl_pixel_size(uint32_t id, const struct renderer_resource *res)
{
	struct virgl_renderer_resource_info info = { 0 };

	if (res->target == VIRGL_TARGET_BUFFER || is_block_format(res->format))
		return 0;
	if (virgl_renderer_resource_get_info((int)id, &info) || !info.width ||
	    info.stride % info.width)
		return 0;
	return info.stride / info.width;
}

static uint32_t mini(uint32_t size, uint32_t level)
{
	size = level < 32 ? size >> level : 0;
	return size ? size : 1;
}

static int read_direct(struct virgl *v, const struct renderer_transfer *t)
{
	struct virgl_box box = { t->x, t->y, t->z, t->w, t->h, t->d };
	int ret;

	virgl_work_begin(v, t->context);
	ret = virgl_renderer_transfer_read_iov(t->resource, t->context,
					       t->level, t->stride,
					       t->layer_stride, &box,
					       t->offset, NULL, 0);
	virgl_work_end(v, t->context);
	return ret ? -EINVAL : 0;
}

/* Before reading: work of other contexts may still be on its way. */
static void wait_for_others(struct virgl *v)
{
	virgl_fences_gpu_wait(&v->fences);
	virgl_gl_wait(&v->gl);
}

/* One layer, rows packed, into @to of exactly w * h pixels. */
static int read_layer(struct virgl *v, const struct renderer_transfer *t,
		      uint32_t z, uint32_t stride, void *to, size_t size)
{
	struct virgl_box box = { t->x, t->y, z, t->w, t->h, 1 };
	struct iovec iov = { to, size };
	int ret;

	virgl_work_begin(v, t->context);
	ret = virgl_renderer_transfer_read_iov(t->resource, t->context,
					       t->level, stride, 0, &box, 0,
					       &iov, 1);
	virgl_work_end(v, t->context);
	/* a guest's context has had its errors looked at */
	if (!ret && glGetError() != GL_NO_ERROR)
		ret = EINVAL;
	return ret ? -EINVAL : 0;
}

static int scratch(struct virgl *v, size_t size)
{
	void *more;

	if (size <= v->scratch_size)
		return 0;
	more = realloc(v->scratch, size);
	if (!more)
		return -ENOMEM;
	v->scratch = more;
	v->scratch_size = size;
	return 0;
}

static int scatter(const struct virgl_res *res, const uint8_t *from,
		   uint64_t at, uint32_t rows, size_t row, uint32_t stride)
{
	uint32_t y;

	for (y = 0; y < rows; y++, at += stride, from += row)
		if (iov_from_buf(res->iov, res->niov, at, from, row) != row)
			return -EINVAL;
	return 0;
}

/*
 * The box must lie in the level: virglrenderer checks it as well, but by then
 * we would have made room for it.
 */
static bool box_fits(const struct virgl_res *res,
		     const struct renderer_transfer *t)
{
	const struct renderer_resource *i = &res->info;
	uint32_t w = mini(i->width, t->level), h = mini(i->height, t->level);
	uint32_t layers = i->target == VIRGL_TARGET_3D ?
			  mini(i->depth, t->level) : MAX(i->array_size, 1);

	if (i->target == VIRGL_TARGET_CUBE)
		layers = 6;
	return t->level <= i->last_level &&
	       t->x <= w && t->w <= w - t->x && t->w &&
	       t->y <= h && t->h <= h - t->y && t->h &&
	       t->z <= layers && t->d <= layers - t->z && t->d;
}

static int read_box(struct virgl *v, const struct virgl_res *res,
		    const struct renderer_transfer *t)
{
	uint64_t row = (uint64_t)t->w * res->pixel, size = row * t->h;
	uint32_t stride = t->stride, z;
	uint64_t layer = t->layer_stride;
	int ret;

	if (!stride)
		stride = mini(res->info.width, t->level) * res->pixel;
	if (!layer)
		layer = (uint64_t)stride * mini(res->info.height, t->level);
	if (stride < row || size > UINT32_MAX)
		return -EINVAL;
	ret = scratch(v, size);
	for (z = 0; z < t->d && !ret; z++) {
		ret = read_layer(v, t, t->z + z, (uint32_t)row, v->scratch,
				 size);
		if (!ret)
			ret = scatter(res, v->scratch, t->offset + z * layer,
				      t->h, row, stride);
	}
	return ret;
}

int virgl_transfer_from_host(struct renderer *r,
			     const struct renderer_transfer *t)
{
	struct virgl *v = to_virgl(r);
	struct virgl_res *res = virgl_find(v, t->resource);
	int ret;

	if (v->lost)
		return -EIO;
	if (!res || !res->iov)
		return -EINVAL;
	if (res->pixel && !box_fits(res, t))
		return -EINVAL;
	if (!t->context)
		virgl_to_ctx0(v);
	wait_for_others(v);
	ret = res->pixel ? read_box(v, res, t) : read_direct(v, t);
	if (ret && virgl_gl_lost(&v->gl))
		v->lost = true;
	return v->lost ? -EIO : ret;
}

static bool is_scanout_format(uint32_t format)
{
	switch (format) {
	case VIRGL_FORMAT_B8G8R8A8_UNORM ... VIRGL_FORMAT_X8R8G8B8_UNORM:
	case VIRGL_FORMAT_R8G8B8A8_UNORM:
	case VIRGL_FORMAT_X8B8G8R8_UNORM:
	case VIRGL_FORMAT_A8B8G8R8_UNORM:
	case VIRGL_FORMAT_R8G8B8X8_UNORM:
	case VIRGL_FORMAT_A8B8G8R8_SRGB ... VIRGL_FORMAT_R8G8B8A8_SRGB:
	case VIRGL_FORMAT_R8G8B8X8_SRGB:
		return true;
	default:
		return false;
	}
}

static struct virgl_res *find_scanout(struct virgl *v, uint32_t id)
{
	struct virgl_res *res = virgl_find(v, id);

	if (!res || res->pixel != 4 || !is_scanout_format(res->info.format) ||
	    (res->info.target != VIRGL_TARGET_2D &&
	     res->info.target != VIRGL_TARGET_RECT))
		return NULL;
	return res;
}

int virgl_read_pixels(struct renderer *r, uint32_t id, uint32_t x, uint32_t y,
		      uint32_t w, uint32_t h, void *to, size_t stride)
{
	struct virgl *v = to_virgl(r);
	struct virgl_res *res = find_scanout(v, id);
	struct renderer_transfer t = {
		.resource = id, .x = x, .y = y, .w = w, .h = h, .d = 1,
	};

	if (v->lost)
		return -EIO;
	if (!res || !box_fits(res, &t) || stride % 4 ||
	    stride < (size_t)w * 4 || stride > UINT32_MAX)
		return -EINVAL;
	virgl_to_ctx0(v);
	wait_for_others(v);
	return read_layer(v, &t, 0, (uint32_t)stride, to,
			  stride * (h - 1) + (size_t)w * 4);
}

int virgl_export_dmabuf(struct renderer *r, uint32_t id,
			struct renderer_dmabuf *out)
{
	struct virgl *v = to_virgl(r);
	struct virgl_renderer_resource_info info = { 0 };
	struct virgl_res *res = find_scanout(v, id);
	int ret;

	if (v->lost)
		return -EIO;
	if (!res || res->info.nr_samples > 1)
		return -EINVAL;
	if (!v->egl.dmabuf)
		return -ENOTSUP;
	virgl_to_ctx0(v);
	if (virgl_renderer_resource_get_info((int)id, &info) || !info.tex_id)
		return -EINVAL;
	*out = (struct renderer_dmabuf){
		.fd = -1, .width = res->info.width, .height = res->info.height,
		.y_0_top = info.flags & 1,
	};
	ret = virgl_egl_export(&v->egl, info.tex_id, out);
	while (glGetError() != GL_NO_ERROR && !v->lost)
		v->lost = virgl_gl_lost(&v->gl);
	return ret;
}
