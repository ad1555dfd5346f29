// SPDX-License-Identifier: MIT
/*
 * scanout.c - what the outputs show, and how it gets there
 *
 * As a dma-buf where the renderer can export and the display can take one, else
 * as pixels: the damaged part is converted into memory of the display. A picture
 * that stays, in the display's own format, moves into that memory for as long as
 * it is shown: then a flush copies nothing.
 */
#include "device/scanout.h"

#include <errno.h>
#include <string.h>
#include "device/fence.h"
#include "device/pixels.h"
#include "device/resource.h"
#include "device/state.h"
#include "sched/client.h"

#define STAYS	8	/* flushes without a change: worth two copies */

/* A dma-buf update that waits for the rendering before it. */
struct update {
	uint64_t fence;
	uint32_t scanout, resource;
	struct rect r;		/* of the scanout */
};

bool rect_inside(const struct rect *r, uint32_t w, uint32_t h)
{
	return r->w && r->h && r->w <= w && r->h <= h &&
		r->x <= w - r->w && r->y <= h - r->h;
}

static bool intersect(const struct rect *a, const struct rect *b,
		      struct rect *out)
{
	uint32_t x = a->x > b->x ? a->x : b->x;
	uint32_t y = a->y > b->y ? a->y : b->y;
	uint32_t right = a->x + a->w < b->x + b->w ? a->x + a->w : b->x + b->w;
	uint32_t bottom = a->y + a->h < b->y + b->h ? a->y + a->h : b->y + b->h;

	if (x >= right || y >= bottom)
		return false;
	*out = (struct rect){ x, y, right - x, bottom - y };
	return true;
}

static bool try_dmabuf(struct device *dev, uint32_t id, struct resource *res)
{
	struct renderer *r = dev->renderer;
	struct scanout *s = &dev->scanouts[id];
	struct renderer_dmabuf buf;

	if (!res->in_renderer ||
	    r->ops->export_dmabuf(r, res->args.id, &buf))
		return false;
	return dev->ops->dmabuf_scanout(dev->opaque, id, s->r.x, s->r.y,
					s->r.w, s->r.h, &buf);
}

/* Make the display ready for what the scanout shows. */
static int decide(struct device *dev, uint32_t id, struct resource *res)
{
	struct scanout *s = &dev->scanouts[id];

	s->pixels = NULL;
	if (try_dmabuf(dev, id, res)) {
		s->way = SCANOUT_DMABUF;
		return 0;
	}
	s->pixels = dev->ops->pixels(dev->opaque, id, s->r.w, s->r.h);
	if (!s->pixels)
		return -ENOMEM;
	s->way = SCANOUT_PIXELS;
	return 0;
}

/* The picture moves into the display's memory, and back. */
static void lend(struct resource *res, struct scanout *s)
{
	memcpy(s->pixels, res->own, (size_t)res->size);
	res->pixels = s->pixels;
	s->lent = true;
}

static void take_back(struct device *dev, struct resource *res,
		      struct scanout *s)
{
	/* A silent device ends, and its pictures with it. */
	if (s->lent && !dev->silent)
		memcpy(res->own, s->pixels, (size_t)res->size);
	if (s->lent)
		res->pixels = res->own;
	s->lent = false;
	s->flushes = 0;
}

static bool may_lend(const struct resource *res, const struct scanout *s)
{
	return res->pixels && res->pixels == res->own &&
		pixels_native(res->args.format) &&
		s->r.w == res->args.width && s->r.h == res->args.height;
}

/* The scanout shows nothing from now on; the display is not told here. */
static void forget(struct device *dev, uint32_t id)
{
	struct scanout *s = &dev->scanouts[id];
	struct resource *res = resource_find(dev, s->resource);

	if (res) {
		take_back(dev, res, s);
		res->scanouts &= ~(1u << id);
	}
	s->resource = 0;
	s->r = (struct rect){ 0 };
	s->way = SCANOUT_UNDECIDED;
	s->pixels = NULL;
}

static void turn_off(struct device *dev, uint32_t id)
{
	forget(dev, id);
	dev->ops->pixels(dev->opaque, id, 0, 0);
}

int scanout_set(struct device *dev, uint32_t id, struct resource *res,
		const struct rect *r)
{
	struct scanout *s = &dev->scanouts[id];
	int ret;

	if (!res) {
		turn_off(dev, id);
		return 0;
	}
	forget(dev, id);
	s->resource = res->args.id;
	s->r = *r;
	res->scanouts |= 1u << id;
	if (dev->silent)
		return 0;
	ret = res->is_3d ? resource_need(dev, res) : 0;
	if (!ret)
		ret = decide(dev, id, res);
	if (ret && ret != -EIO)
		turn_off(dev, id);
	return ret;
}

void scanout_keep(struct device *dev, struct resource *res)
{
	for (uint32_t id = 0; id < VIRTIO_GPU_MAX_SCANOUTS; id++)
		if (res->scanouts & 1u << id)
			dev->scanouts[id].lent = false;
}

void scanout_drop(struct device *dev, struct resource *res)
{
	/* The display has its own copy of a cursor; a successor has not. */
	for (uint32_t id = 0; id < VIRTIO_GPU_MAX_SCANOUTS; id++)
		if (dev->scanouts[id].cursor.resource == res->args.id)
			dev->scanouts[id].cursor.resource = 0;
	for (uint32_t id = 0; res->scanouts; id++) {
		if (!(res->scanouts & 1u << id))
			continue;
		if (dev->silent)
			forget(dev, id);
		else
			turn_off(dev, id);
	}
}

/* Bring rectangle @r of the resource to where the display shows it. */
static int copy_out(struct device *dev, struct resource *res,
		    const struct scanout *s, const struct rect *r)
{
	struct renderer *rend = dev->renderer;
	size_t stride = (size_t)s->r.w * 4, from = (size_t)res->args.width * 4;
	uint8_t *to = s->pixels + (r->y - s->r.y) * stride +
		(size_t)(r->x - s->r.x) * 4;
	const uint8_t *pixels = to;
	int ret;

	if (res->pixels) {
		pixels = res->pixels + r->y * from + (size_t)r->x * 4;
	} else {
		sched_client_enter(dev->config.sched);
		ret = rend->ops->read_pixels(rend, res->args.id, r->x, r->y,
					     r->w, r->h, to, stride);
		sched_client_leave(dev->config.sched);
		if (ret)
			return ret;
		from = stride;
	}
	for (uint32_t y = 0; y < r->h; y++)
		pixels_convert(res->args.format, to + y * stride,
			       pixels + y * from, r->w);
	return 0;
}

static void defer(struct device *dev, uint32_t id, const struct rect *r)
{
	struct update *u = g_new(struct update, 1);

	*u = (struct update){
		.fence = dev->emitted, .scanout = id,
		.resource = dev->scanouts[id].resource, .r = *r,
	};
	g_queue_push_tail(&dev->updates, u);
}

static int flush_one(struct device *dev, uint32_t id, struct resource *res,
		     const struct rect *damage)
{
	struct scanout *s = &dev->scanouts[id];
	struct rect r;
	int ret;

	if (s->way == SCANOUT_UNDECIDED) {
		ret = decide(dev, id, res);
		if (ret)
			return ret;
		damage = &s->r;
	}
	if (!intersect(damage, &s->r, &r))
		return 0;
	if (s->way == SCANOUT_PIXELS && !s->lent) {
		ret = copy_out(dev, res, s, &r);
		if (ret)
			return ret;
		if (++s->flushes >= STAYS && may_lend(res, s))
			lend(res, s);
	}
	r.x -= s->r.x;
	r.y -= s->r.y;
	if (s->way == SCANOUT_PIXELS)
		dev->ops->update(dev->opaque, id, r.x, r.y, r.w, r.h);
	else
		defer(dev, id, &r);
	return 0;
}

int scanout_flush(struct device *dev, struct resource *res,
		  const struct rect *damage)
{
	int ret = res->pixels ? 0 : resource_need(dev, res);

	for (uint32_t id = 0; id < VIRTIO_GPU_MAX_SCANOUTS && !ret; id++)
		if (res->scanouts & 1u << id)
			ret = flush_one(dev, id, res, damage);
	return ret;
}

void scanout_ready(struct device *dev)
{
	struct update *u;

	while ((u = g_queue_peek_head(&dev->updates)) &&
	       u->fence <= dev->retired) {
		const struct scanout *s = &dev->scanouts[u->scanout];

		g_queue_pop_head(&dev->updates);
		if (s->resource == u->resource && s->way == SCANOUT_DMABUF)
			dev->ops->dmabuf_update(dev->opaque, u->scanout, u->r.x,
						u->r.y, u->r.w, u->r.h);
		g_free(u);
	}
}
