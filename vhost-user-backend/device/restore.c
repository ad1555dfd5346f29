// SPDX-License-Identifier: MIT
/*
 * restore.c - taking over from a worker that died
 *
 * First the ledger is read, with the checks that a guest's commands get, and
 * only remembered; then what the guest sees is put back. What lives in the
 * renderer comes back when it is used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "device/context.h"
#include "device/record.h"
#include "device/resource.h"
#include "device/state.h"
#include "device/vendor.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_ledger.h"

static void take_resource(struct device *dev,
			  const struct vgpu_ledger_resource *r)
{
	struct renderer_resource args = {
		.id = r->id, .target = r->target, .format = r->format,
		.bind = r->bind, .width = r->width, .height = r->height,
		.depth = r->depth, .array_size = r->array_size,
		.last_level = r->last_level, .nr_samples = r->nr_samples,
		.flags = r->flags,
	};
	struct resource *old = resource_find(dev, r->id);
	int ret;

	/* A dump may be followed by the record that caused it. */
	if (old && old->is_3d == !!r->is_3d &&
	    !memcmp(&old->args, &args, sizeof(args)))
		return;
	if (old)
		resource_unref(dev, old);
	if (r->is_3d)
		ret = resource_new_3d(dev, &args);
	else
		ret = resource_new_2d(dev, r->id, r->format, r->width,
				      r->height);
	if (ret)
		log_peer(&dev->limit, "take-over: resource %u: %s", r->id,
			    strerror(-ret));
}

static void take_backing(struct device *dev,
			 const struct vgpu_ledger_backing *b, size_t size)
{
	struct resource *res = resource_find(dev, b->id);
	const struct virtio_gpu_mem_entry *entries = (const void *)(b + 1);
	int ret;

	if (!res || b->nr_entries > (size - sizeof(*b)) / sizeof(*entries) ||
	    b->nr_entries > COMMAND_ENTRIES_MAX)
		return;
	backing_detach(dev, res);
	ret = backing_attach(dev, res, entries, b->nr_entries);
	if (ret)
		log_peer(&dev->limit, "take-over: backing of resource %u: %s", b->id,
			    strerror(-ret));
}

static void take_scanout(struct device *dev,
			 const struct vgpu_ledger_scanout *s)
{
	struct resource *res = resource_find(dev, s->resource_id);
	struct rect r = { s->x, s->y, s->width, s->height };

	if (s->scanout_id >= dev->config.num_scanouts)
		return;
	if (res && (!resource_is_picture(res) ||
		    !rect_inside(&r, res->args.width, res->args.height)))
		res = NULL;
	scanout_set(dev, s->scanout_id, res, &r);
}

static void take_cursor(struct device *dev, const struct vgpu_ledger_cursor *c)
{
	if (c->scanout_id >= dev->config.num_scanouts)
		return;
	dev->scanouts[c->scanout_id].cursor = (struct scanout_cursor){
		.resource = resource_find(dev, c->resource_id) ?
			c->resource_id : 0,
		.shown = c->resource_id,
		.x = c->x, .y = c->y, .hot_x = c->hot_x, .hot_y = c->hot_y,
	};
}

static void take_context(struct device *dev,
			 const struct vgpu_ledger_context *c)
{
	char name[sizeof(c->name) + 1] = "";

	memcpy(name, c->name, sizeof(c->name));
	context_lost(dev, c->id, c->context_init, name);
}

static void take_uuid(struct device *dev, const struct vgpu_ledger_uuid *u)
{
	struct resource *res = resource_find(dev, u->id);

	if (!res)
		return;
	memcpy(res->uuid, u->uuid, sizeof(res->uuid));
	res->has_uuid = true;
}

static void take_blob(struct device *dev, const struct vgpu_ledger_blob *b)
{
	struct resource *old = resource_find(dev, b->id);
	int ret;

	if (old && old->is_blob && old->blob_size == b->size)
		return;
	if (old)
		resource_unref(dev, old);
	ret = resource_new_blob(dev, b->id, b->size, b->flags);
	if (ret)
		log_peer(&dev->limit, "take-over: blob %u: %s", b->id,
			 strerror(-ret));
}

static void take_id(struct device *dev, uint32_t type, uint32_t id)
{
	struct resource *res = resource_find(dev, id);

	switch (type) {
	case VGPU_LEDGER_RESOURCE_UNREF:
		if (res)
			resource_unref(dev, res);
		break;
	case VGPU_LEDGER_BACKING_DETACH:
		if (res)
			backing_detach(dev, res);
		break;
	case VGPU_LEDGER_CONTEXT_DESTROY:
		context_destroy(dev, id);
		break;
	}
}

static size_t least_size(uint32_t type)
{
	switch (type) {
	case VGPU_LEDGER_RESOURCE:
		return sizeof(struct vgpu_ledger_resource);
	case VGPU_LEDGER_BACKING:
		return sizeof(struct vgpu_ledger_backing);
	case VGPU_LEDGER_CONTEXT:
		return sizeof(struct vgpu_ledger_context);
	case VGPU_LEDGER_SCANOUT:
		return sizeof(struct vgpu_ledger_scanout);
	case VGPU_LEDGER_CURSOR:
		return sizeof(struct vgpu_ledger_cursor);
	case VGPU_LEDGER_BLOB:
		return sizeof(struct vgpu_ledger_blob);
	case VGPU_LEDGER_UUID:
		return sizeof(struct vgpu_ledger_uuid);
	}
	return sizeof(struct vgpu_ledger_id);
}

static int visit(void *opaque, uint32_t type, const void *payload, size_t size)
{
	struct device *dev = opaque;

	if (size < least_size(type)) {
		log_peer(&dev->limit, "take-over: record of type %u is too short", type);
		return 0;
	}
	switch (type) {
	case VGPU_LEDGER_RESOURCE:
		take_resource(dev, payload);
		break;
	case VGPU_LEDGER_BACKING:
		take_backing(dev, payload, size);
		break;
	case VGPU_LEDGER_CONTEXT:
		take_context(dev, payload);
		break;
	case VGPU_LEDGER_SCANOUT:
		take_scanout(dev, payload);
		break;
	case VGPU_LEDGER_CURSOR:
		take_cursor(dev, payload);
		break;
	case VGPU_LEDGER_UUID:
		take_uuid(dev, payload);
		break;
	case VGPU_LEDGER_BLOB:
		take_blob(dev, payload);
		break;
	case VGPU_LEDGER_VENDOR:
		vendor_take(dev, ((const struct vgpu_ledger_id *)payload)->id);
		break;
	case VGPU_LEDGER_RESOURCE_UNREF:
	case VGPU_LEDGER_BACKING_DETACH:
	case VGPU_LEDGER_CONTEXT_DESTROY:
		take_id(dev, type, ((const struct vgpu_ledger_id *)payload)->id);
		break;
	}
	return 0;	/* unknown: a newer worker's, of no use to us */
}

/* Everything the guest ever uploaded is still in its pages, or newer. */
static int fill(struct device *dev, struct resource *res)
{
	uint32_t stride = res->args.width * 4;
	struct rect all = { 0, 0, res->args.width, res->args.height };
	int ret = backing_resolve(dev, res);

	if (ret)
		log_peer(&dev->limit, "take-over: resource %u: its pages are not in memory",
			    res->args.id);
	if (res->is_3d)
		return 0;
	ret = resource_pixels(res);
	if (ret)
		return ret;
	/* A guest need not have pages for all of it. */
	if (res->backing.size / stride < all.h)
		all.h = (uint32_t)(res->backing.size / stride);
	if (all.h)
		resource_upload(res, &all, 0);
	return 0;
}

static int fill_all(struct device *dev)
{
	GList *all = g_hash_table_get_values(dev->resources);
	int ret = 0;

	for (GList *l = all; l; l = l->next)
		if (fill(dev, l->data)) {
			resource_unref(dev, l->data);
			ret = -ENOMEM;
		}
	g_list_free(all);
	return ret;
}

static void show(struct device *dev, uint32_t id)
{
	struct scanout *s = &dev->scanouts[id];
	struct resource *res = resource_find(dev, s->resource);
	struct rect r = s->r;

	if (s->cursor.resource)
		cursor_show(dev, id);
	/*
	 * What a context drew is gone: rather the last picture until the guest
	 * flushes a new one than a black one.
	 */
	if (!res || res->is_3d)
		return;
	if (!scanout_set(dev, id, res, &r))
		scanout_flush(dev, res, &r);
}

int device_restore(struct device *dev)
{
	int ret;

	if (!dev->config.ledger)
		return 0;
	if (!dev->mem)
		return -EINVAL;
	dev->silent = true;
	ret = ledger_replay(dev->config.ledger, visit, dev);
	dev->silent = false;
	if (!ret)
		ret = fill_all(dev);
	for (uint32_t id = 0; id < dev->config.num_scanouts; id++)
		show(dev, id);
	log_info("took over %u resources, %u contexts, %llu KiB",
		 g_hash_table_size(dev->resources),
		 g_hash_table_size(dev->contexts),
		 (unsigned long long)(dev->memory >> 10));
	device_figures(dev);
	return ret;
}
