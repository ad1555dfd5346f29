// SPDX-License-Identifier: MIT
/*
 * resource.c - textures and buffers of the guest
 */
#include "device/resource.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "device/context.h"
#include "device/pixels.h"
#include "device/quota.h"
#include "device/state.h"
#include "protocol/virtio_gpu.h"

#define TARGET_2D		2
#define TARGET_RECT		5
#define BIND_RENDER_TARGET	(1u << 1)
#define BIND_SAMPLER_VIEW	(1u << 3)
#define BIND_SCANOUT		(1u << 18)

static void *key(uint32_t id)
{
	return GUINT_TO_POINTER(id);
}

struct resource *resource_find(struct device *dev, uint32_t id)
{
	return g_hash_table_lookup(dev->resources, key(id));
}

bool resource_is_picture(const struct resource *res)
{
	return !res->denied && (res->args.target == TARGET_2D ||
				res->args.target == TARGET_RECT) &&
		pixels_known(res->args.format);
}

/* May there be one more of this size under this id? */
static int admit(struct device *dev, const struct renderer_resource *args,
		 uint64_t size)
{
	struct resource *old = resource_find(dev, args->id);

	if (!args->id)
		return -EINVAL;
	/* A guest that saw the error need not free what it did not get. */
	if (old && old->denied)
		resource_unref(dev, old);
	else if (old)
		return -EEXIST;
	if (g_hash_table_size(dev->resources) >= RESOURCE_MAX_COUNT)
		return -ENOMEM;
	return quota_resource(dev, args, size);
}

static struct resource *add(struct device *dev,
			    const struct renderer_resource *args, bool is_3d,
			    uint64_t size)
{
	struct resource *res = calloc(1, sizeof(*res));

	if (!res)
		return NULL;
	res->args = *args;
	res->is_3d = is_3d;
	res->size = size;
	dev->memory += size;
	g_hash_table_insert(dev->resources, key(args->id), res);
	return res;
}

/* The id stays known: see elide.h. */
static void deny(struct device *dev, struct resource *res)
{
	dev->memory -= res->size;
	res->size = 0;
	res->denied = true;
	dev->denied++;
	quota_refused(dev);
}

int resource_pixels(struct resource *res)
{
	/* calloc: never a byte of what was here before */
	res->own = calloc((size_t)res->args.width * res->args.height, 4);
	res->pixels = res->own;
	return res->pixels ? 0 : -ENOMEM;
}

int resource_new_2d(struct device *dev, uint32_t id, uint32_t format,
		    uint32_t w, uint32_t h)
{
	struct renderer_resource args = {
		.id = id, .target = TARGET_2D, .format = format,
		.bind = BIND_RENDER_TARGET | BIND_SAMPLER_VIEW | BIND_SCANOUT,
		.width = w, .height = h, .depth = 1, .array_size = 1,
		.flags = VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP,
	};
	struct resource *res;
	uint64_t size;
	int ret;

	if (!w || w > RESOURCE_MAX_SIZE || !h || h > RESOURCE_MAX_SIZE ||
	    !pixels_known(format))
		return -EINVAL;
	size = (uint64_t)w * h * 4;
	ret = admit(dev, &args, size);
	if (ret == -ENOMEM)
		quota_refused(dev);
	if (ret)
		return ret;
	res = add(dev, &args, false, size);
	if (!res)
		return -ENOMEM;
	if (dev->silent)
		return 0;
	ret = resource_pixels(res);
	if (ret)
		resource_unref(dev, res);
	return ret;
}

int resource_new_3d(struct device *dev, const struct renderer_resource *args)
{
	struct resource *res;
	uint64_t size;
	int ret;

	if (!texture_check(args))
		return -EINVAL;
	size = texture_size(args);
	ret = admit(dev, args, size);
	if (ret && (ret != -ENOMEM || g_hash_table_size(dev->resources) >=
		    RESOURCE_MAX_COUNT))
		return ret;
	res = add(dev, args, true, size);
	if (!res)
		return -ENOMEM;
	if (!ret && !dev->silent)
		ret = resource_need(dev, res);
	if (ret == -ENOMEM)
		deny(dev, res);
	else if (ret)
		resource_unref(dev, res);
	return ret;
}

int resource_new_blob(struct device *dev, uint32_t id, uint64_t size,
		      uint32_t flags)
{
	const struct renderer_resource args = { .id = id };
	struct resource *res;
	int ret = admit(dev, &args, 0);	/* its memory is the guest's */

	if (ret)
		return ret;
	res = add(dev, &args, true, 0);
	if (!res)
		return -ENOMEM;
	res->is_blob = true;
	res->blob_size = size;
	res->blob_flags = flags;
	return 0;
}

void resource_unref(struct device *dev, struct resource *res)
{
	scanout_drop(dev, res);
	context_forget(dev, res);
	backing_detach(dev, res);
	if (res->in_renderer)
		dev->renderer->ops->resource_unref(dev->renderer, res->args.id);
	dev->memory -= res->size;
	dev->denied -= res->denied;
	g_hash_table_remove(dev->resources, key(res->args.id));
	free(res->own);
	free(res);
}

/* Contents that are simple enough to be put back by one transfer. */
static bool is_simple(const struct resource *res)
{
	return resource_is_picture(res) && !res->args.last_level &&
		res->args.array_size <= 1 && res->args.nr_samples <= 1;
}

static int transfer_whole(struct device *dev, struct resource *res)
{
	struct renderer_transfer t = {
		.resource = res->args.id,
		.stride = res->args.width * 4,
		.w = res->args.width, .h = res->args.height, .d = 1,
	};

	return dev->renderer->ops->transfer_to_host(dev->renderer, &t);
}

/* The pixels we have kept so far move into the renderer. */
static int move_pixels(struct device *dev, struct resource *res)
{
	struct renderer *r = dev->renderer;
	struct iovec iov = {
		.iov_base = res->pixels, .iov_len = (size_t)res->size,
	};
	int ret;

	ret = r->ops->attach_iov(r, res->args.id, &iov, 1);
	if (ret)
		return ret;
	ret = transfer_whole(dev, res);
	r->ops->detach_iov(r, res->args.id);
	if (ret)
		return ret;
	scanout_keep(dev, res);
	free(res->own);
	res->pixels = res->own = NULL;
	return 0;
}

static int fill(struct device *dev, struct resource *res)
{
	struct backing *b = &res->backing;
	int ret = 0;

	if (res->pixels)
		ret = move_pixels(dev, res);
	if (ret || !b->iov)
		return ret;
	ret = dev->renderer->ops->attach_iov(dev->renderer, res->args.id,
					     b->iov, b->n);
	res->iov_attached = !ret;
	return ret;
}

int resource_need(struct device *dev, struct resource *res)
{
	struct renderer *r;
	int ret;

	if (res->is_blob)
		return -EINVAL;
	if (res->denied)
		return -ENOMEM;
	if (res->in_renderer)
		return 0;
	r = device_renderer(dev);
	if (!r)
		return -ENODEV;
	ret = r->ops->resource_create(r, &res->args);
	if (ret)
		return ret;
	ret = fill(dev, res);
	if (ret) {
		r->ops->resource_unref(r, res->args.id);
		res->iov_attached = false;
		return ret;
	}
	res->in_renderer = true;
	/* One that a predecessor had: what the guest's pages still hold. */
	if (res->is_3d && res->iov_attached && is_simple(res) &&
	    res->backing.size >= res->size)
		transfer_whole(dev, res);
	return 0;
}

/* Where a walk through iovecs is, so that rows need not start at the first. */
struct walk {
	const struct iovec *iov;
	uint64_t start;		/* offset of iov */
};

static void walk_copy(struct walk *w, uint64_t offset, uint8_t *to, size_t len)
{
	while (offset - w->start >= w->iov->iov_len)
		w->start += (w->iov++)->iov_len;
	while (len) {
		size_t skip = (size_t)(offset - w->start);
		size_t part = w->iov->iov_len - skip;

		if (part > len)
			part = len;
		memcpy(to, (const uint8_t *)w->iov->iov_base + skip, part);
		to += part;
		offset += part;
		len -= part;
		if (len)
			w->start += (w->iov++)->iov_len;
	}
}

int resource_upload(struct resource *res, const struct rect *r,
		    uint64_t offset)
{
	const struct backing *b = &res->backing;
	size_t stride = (size_t)res->args.width * 4, row = (size_t)r->w * 4;
	uint64_t need = (uint64_t)stride * (r->h - 1) + row;
	uint8_t *to = res->pixels + stride * r->y + (size_t)r->x * 4;
	struct walk w = { .iov = b->iov };

	if (!b->iov || offset > b->size || need > b->size - offset)
		return -EINVAL;
	if (row == stride) {
		walk_copy(&w, offset, to, (size_t)need);
		return 0;
	}
	for (uint32_t y = 0; y < r->h; y++)
		walk_copy(&w, offset + y * (uint64_t)stride, to + y * stride,
			  row);
	return 0;
}
