// SPDX-License-Identifier: MIT
/*
 * record.c - the device's state, written to the ledger
 *
 * A record follows what it tells of and precedes the answer. Should the ledger
 * be full, the guest goes on and only its recovery is at stake.
 */
#include "device/record.h"

#include <errno.h>
#include <string.h>
#include "device/context.h"
#include "device/resource.h"
#include "device/state.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_ledger.h"

static void append2(struct device *dev, uint32_t type, const void *head,
		    size_t head_size, const void *tail, size_t tail_size)
{
	struct ledger *ledger = dev->config.ledger;

	if (!ledger || dev->silent ||
	    !ledger_append2(ledger, type, head, head_size, tail, tail_size))
		return;
	if (!dev->ledger_full)
		log_error("the ledger is full: what is made from now on will not survive this worker");
	dev->ledger_full = true;
}

static void append(struct device *dev, uint32_t type, const void *payload,
		   size_t size)
{
	append2(dev, type, payload, size, NULL, 0);
}

static void append_id(struct device *dev, uint32_t type, uint32_t id)
{
	struct vgpu_ledger_id record = { .id = id };

	append(dev, type, &record, sizeof(record));
}

static void record_blob(struct device *dev, const struct resource *res)
{
	struct vgpu_ledger_blob record = {
		.id = res->args.id, .flags = res->blob_flags,
		.size = res->blob_size,
	};

	append(dev, VGPU_LEDGER_BLOB, &record, sizeof(record));
}

void record_vendor(struct device *dev)
{
	append_id(dev, VGPU_LEDGER_VENDOR, dev->vendor);
}

void record_resource(struct device *dev, const struct resource *res)
{
	const struct renderer_resource *a = &res->args;
	struct vgpu_ledger_resource record = {
		.id = a->id, .is_3d = res->is_3d, .target = a->target,
		.format = a->format, .bind = a->bind, .width = a->width,
		.height = a->height, .depth = a->depth,
		.array_size = a->array_size, .last_level = a->last_level,
		.nr_samples = a->nr_samples, .flags = a->flags,
	};

	if (res->is_blob)
		record_blob(dev, res);
	else
		append(dev, VGPU_LEDGER_RESOURCE, &record, sizeof(record));
}

void record_unref(struct device *dev, uint32_t id)
{
	append_id(dev, VGPU_LEDGER_RESOURCE_UNREF, id);
}

void record_uuid(struct device *dev, const struct resource *res)
{
	struct vgpu_ledger_uuid record = { .id = res->args.id };

	memcpy(record.uuid, res->uuid, sizeof(record.uuid));
	append(dev, VGPU_LEDGER_UUID, &record, sizeof(record));
}

void record_backing(struct device *dev, const struct resource *res)
{
	const struct backing *b = &res->backing;
	struct vgpu_ledger_backing record = {
		.id = res->args.id, .nr_entries = (uint32_t)b->nr_entries,
	};

	append2(dev, VGPU_LEDGER_BACKING, &record, sizeof(record), b->entries,
		b->nr_entries * sizeof(*b->entries));
}

void record_backing_detach(struct device *dev, uint32_t id)
{
	append_id(dev, VGPU_LEDGER_BACKING_DETACH, id);
}

void record_context(struct device *dev, const struct context *ctx)
{
	struct vgpu_ledger_context record = {
		.id = ctx->id, .context_init = ctx->context_init,
	};

	memcpy(record.name, ctx->name, sizeof(record.name));
	append(dev, VGPU_LEDGER_CONTEXT, &record, sizeof(record));
}

void record_context_destroy(struct device *dev, uint32_t id)
{
	append_id(dev, VGPU_LEDGER_CONTEXT_DESTROY, id);
}

void record_scanout(struct device *dev, uint32_t id)
{
	const struct scanout *s = &dev->scanouts[id];
	struct vgpu_ledger_scanout record = {
		.scanout_id = id, .resource_id = s->resource,
		.x = s->r.x, .y = s->r.y, .width = s->r.w, .height = s->r.h,
	};

	append(dev, VGPU_LEDGER_SCANOUT, &record, sizeof(record));
}

void record_cursor(struct device *dev, uint32_t id)
{
	const struct scanout_cursor *c = &dev->scanouts[id].cursor;
	struct vgpu_ledger_cursor record = {
		.scanout_id = id, .resource_id = c->resource,
		.x = c->x, .y = c->y, .hot_x = c->hot_x, .hot_y = c->hot_y,
	};

	append(dev, VGPU_LEDGER_CURSOR, &record, sizeof(record));
}

int record_dump(void *opaque, struct ledger *ledger)
{
	struct device *dev = opaque;
	GHashTableIter iter;
	void *value;

	dev->ledger_full = false;
	if (dev->vendor)
		record_vendor(dev);
	g_hash_table_iter_init(&iter, dev->resources);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct resource *res = value;

		record_resource(dev, res);
		if (res->backing.entries)
			record_backing(dev, res);
		if (res->has_uuid)
			record_uuid(dev, res);
	}
	g_hash_table_iter_init(&iter, dev->contexts);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		record_context(dev, value);
	for (uint32_t i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		if (dev->scanouts[i].resource)
			record_scanout(dev, i);
		if (dev->scanouts[i].cursor.resource)
			record_cursor(dev, i);
	}
	return dev->ledger_full ? -ENOSPC : 0;
}
