// SPDX-License-Identifier: MIT
/*
 * device.c - the virtio-gpu device: its life, and what the rest of the worker
 * tells it
 *
 * DOC: one command. device_process() (runlist.c) has it decoded (decode.c) into
 * a private copy and puts it on the run list, unless it may pass. The run list
 * executes in order (exec_2d.c, exec_3d.c, cursor.c, caps.c, display.c); what
 * works on the GPU asks for a lease and leaves a fence (fence.c). Answers are
 * given at once or, for fenced commands, in order. Effects are written to the
 * ledger (record.c) before the answer, and read by restore.c.
 */
#include "device/device.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include "device/caps.h"
#include "device/context.h"
#include "device/fence.h"
#include "device/record.h"
#include "device/resource.h"
#include "device/state.h"
#include "device/vendor.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_sched.h"
#include "renderer/renderer.h"
#include "ring/guest_mem.h"
#include "ring/vring.h"
#include "sched/client.h"

struct device *device_new(const struct device_config *config)
{
	struct device *dev;

	if (!config->num_scanouts ||
	    config->num_scanouts > VIRTIO_GPU_MAX_SCANOUTS ||
	    (config->caps && !caps_check(config->caps))) {
		errno = EINVAL;
		return NULL;
	}
	dev = calloc(1, sizeof(*dev));
	if (!dev)
		return NULL;
	dev->config = *config;
	dev->ops = config->ops;
	dev->opaque = config->opaque;
	dev->report = sched_client_report(config->sched);
	if (config->caps && config->caps->count)
		dev->caps = config->caps;
	dev->raw_end = &dev->raw;
	g_queue_init(&dev->jobs);
	g_queue_init(&dev->updates);
	dev->parked = g_hash_table_new(NULL, NULL);
	dev->resources = g_hash_table_new(NULL, NULL);
	dev->contexts = g_hash_table_new(NULL, NULL);
	if (config->ledger)
		ledger_set_dump(config->ledger, record_dump, dev);
	return dev;
}

/* ---- what the files share ---- */

struct renderer *device_renderer(struct device *dev)
{
	struct renderer_config config = {
		.fences_retired = fence_callback,
		.opaque = dev,
	};

	if (dev->renderer || dev->no_renderer)
		return dev->renderer;
	dev->renderer = dev->ops->make_renderer(dev->opaque, &config);
	dev->no_renderer = !dev->renderer;
	if (dev->no_renderer)
		log_error("there is no renderer: 3D commands fail");
	return dev->renderer;
}

uint32_t device_error(struct device *dev, int ret)
{
	switch (ret) {
	case -EIO:
		dev->lost = true;
		dev->ops->lost(dev->opaque);
		return EXEC_AGAIN;
	case -ENOMEM:
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	case -EINVAL:
	case -EFAULT:
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	return VIRTIO_GPU_RESP_ERR_UNSPEC;
}

void device_figures(struct device *dev)
{
	struct vgpu_sched_report *r = dev->report;

	atomic_store_explicit(&r->memory, dev->memory, memory_order_relaxed);
	atomic_store_explicit(&r->resources,
			      g_hash_table_size(dev->resources) - dev->denied,
			      memory_order_relaxed);
	atomic_store_explicit(&r->contexts,
			      g_hash_table_size(dev->contexts) - dev->refused,
			      memory_order_relaxed);
}

/* ---- the end ---- */

/* Given back without an answer: nobody waits for it any more. */
static void drop(struct device *dev, struct command *cmd)
{
	struct vring_elem *elem = cmd->elem;

	command_free(dev, cmd);
	dev->ops->complete(dev->opaque, elem, 0);
}

static void drop_list(struct device *dev, struct list *list)
{
	while (list->first) {
		struct command *cmd = list->first;

		list->first = cmd->next;
		drop(dev, cmd);
	}
	list->last = NULL;
}

static void drop_commands(struct device *dev)
{
	GHashTableIter iter;
	void *cmd;

	drop_list(dev, &dev->run);
	g_hash_table_iter_init(&iter, dev->parked);
	while (g_hash_table_iter_next(&iter, NULL, &cmd)) {
		g_hash_table_iter_remove(&iter);
		if (!command_fenced(cmd))	/* else it is on the list */
			drop(dev, cmd);
	}
	drop_list(dev, &dev->fenced);
	drop_list(dev, &dev->timelines);
	drop_list(dev, &dev->notices);
	dev->nr_notices = 0;
	while (dev->raw) {
		struct vring_elem *elem = dev->raw;

		dev->raw = elem->next;
		dev->ops->complete(dev->opaque, elem, 0);
	}
	dev->raw_end = &dev->raw;
	dev->pending = 0;
}

static void drop_renderer(struct device *dev)
{
	GHashTableIter iter;
	void *value;

	if (dev->renderer)
		dev->renderer->ops->free(dev->renderer);
	dev->renderer = NULL;
	dev->no_renderer = false;
	fence_reset(dev);
	g_queue_clear_full(&dev->updates, g_free);

	g_hash_table_iter_init(&iter, dev->contexts);
	while (g_hash_table_iter_next(&iter, NULL, &value))
		((struct context *)value)->in_renderer = false;
	g_hash_table_iter_init(&iter, dev->resources);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		((struct resource *)value)->in_renderer = false;
		((struct resource *)value)->iov_attached = false;
	}
}

/* After the renderer: contexts first, resources are attached to them. */
static void drop_objects(struct device *dev)
{
	GList *ids = g_hash_table_get_keys(dev->contexts), *l;

	for (l = ids; l; l = l->next) {
		context_destroy(dev, GPOINTER_TO_UINT(l->data));
		record_context_destroy(dev, GPOINTER_TO_UINT(l->data));
	}
	g_list_free(ids);

	ids = g_hash_table_get_keys(dev->resources);
	for (l = ids; l; l = l->next) {
		uint32_t id = GPOINTER_TO_UINT(l->data);

		resource_unref(dev, resource_find(dev, id));
		record_unref(dev, id);
	}
	g_list_free(ids);
}

static void drop_cursors(struct device *dev)
{
	for (uint32_t id = 0; id < dev->config.num_scanouts; id++) {
		struct scanout_cursor *c = &dev->scanouts[id].cursor;

		bool shown = c->shown;

		*c = (struct scanout_cursor){ 0 };
		if (!shown)
			continue;
		cursor_show(dev, id);
		record_cursor(dev, id);
	}
}

void device_reset(struct device *dev)
{
	drop_commands(dev);
	drop_renderer(dev);
	drop_cursors(dev);
	drop_objects(dev);
	guest_mem_put(dev->mem);
	dev->mem = NULL;
	dev->features = 0;
	dev->vendor = 0;
	record_vendor(dev);
	dev->wants_lease = false;
	dev->lost = false;
	memset(dev->modes, 0, sizeof(dev->modes));
	device_figures(dev);
}

void device_free(struct device *dev)
{
	if (!dev)
		return;
	/* A successor may go on with what the ledger and the display hold. */
	dev->silent = true;
	drop_commands(dev);
	drop_renderer(dev);
	drop_objects(dev);
	guest_mem_put(dev->mem);
	if (dev->config.ledger)
		ledger_set_dump(dev->config.ledger, NULL, NULL);
	g_hash_table_destroy(dev->parked);
	g_hash_table_destroy(dev->resources);
	g_hash_table_destroy(dev->contexts);
	while (dev->pool) {
		struct command *cmd = dev->pool;

		dev->pool = cmd->next;
		free(cmd->data);
		free(cmd);
	}
	free(dev);
}

/* ---- what changes around it ---- */

void device_set_features(struct device *dev, uint64_t features)
{
	dev->features = features;
}

void device_set_mem(struct device *dev, struct guest_mem *mem)
{
	struct guest_mem *old = dev->mem;
	GHashTableIter iter;
	void *value;
	int ret;

	dev->mem = mem ? guest_mem_get(mem) : NULL;
	g_hash_table_iter_init(&iter, dev->resources);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct resource *res = value;

		ret = backing_resolve(dev, res);
		if (ret)
			log_peer(&dev->limit, "resource %u: its pages are not in the new memory table",
				 res->args.id);
	}
	/* The renderer no longer knows of the old addresses. */
	guest_mem_put(old);
}

int device_poll_fd(struct device *dev)
{
	if (!dev->renderer)
		return -1;
	return dev->renderer->ops->poll_fd(dev->renderer);
}
