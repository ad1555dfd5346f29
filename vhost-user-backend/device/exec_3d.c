// SPDX-License-Identifier: MIT
/*
 * exec_3d.c - contexts, 3D resources and transfers
 */
#include <errno.h>
#include <string.h>
#include "device/caps.h"
#include "device/context.h"
#include "device/exec.h"
#include "device/fence.h"
#include "device/record.h"
#include "device/resource.h"
#include "device/state.h"
#include "device/vendor.h"
#include "renderer/renderer.h"
#include "ring/vring.h"
#include "sched/client.h"

#define OK	VIRTIO_GPU_RESP_OK_NODATA

uint32_t exec_ctx_create(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_ctx_create *req = &cmd->req.ctx_create;
	char name[CONTEXT_NAME_MAX + 1] = "";
	uint32_t id = req->hdr.ctx_id, init = 0;
	int ret;

	if (req->nlen > sizeof(req->debug_name))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	memcpy(name, req->debug_name, req->nlen);
	if (context_find(dev, id) && cmd->elem->replayed)
		return OK;
	/* else it is padding */
	if (vendor_may(dev, VIRTIO_GPU_F_CONTEXT_INIT,
		       VGPU_VENDOR_CONTEXT_INIT))
		init = req->context_init;
	if (init && !caps_have(dev->caps, init))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	ret = context_create(dev, id, init, name);
	if (ret == -ENOMEM && context_find(dev, id))
		record_context(dev, context_find(dev, id));
	if (ret == -ENOMEM)
		return device_error(dev, ret);
	if (ret)
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	record_context(dev, context_find(dev, id));
	return OK;
}

uint32_t exec_ctx_destroy(struct device *dev, struct command *cmd)
{
	uint32_t id = cmd->req.hdr.ctx_id;
	struct context *ctx = context_find(dev, id);

	/* The renderer loses fences of others when a context goes. */
	if (ctx && ctx->in_renderer && !fence_idle(dev))
		return EXEC_AGAIN;
	if (!context_known(dev, id))
		return cmd->elem->replayed ? OK :
			VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	context_destroy(dev, id);
	record_context_destroy(dev, id);
	return OK;
}

static uint32_t find_both(struct device *dev, struct command *cmd,
			  struct context **ctx, struct resource **res)
{
	*ctx = context_find(dev, cmd->req.hdr.ctx_id);
	if (!*ctx)
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	*res = resource_find(dev, cmd->req.ctx_resource.resource_id);
	if (!*res)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	return 0;
}

uint32_t exec_ctx_attach(struct device *dev, struct command *cmd)
{
	struct context *ctx;
	struct resource *res;
	uint32_t error = find_both(dev, cmd, &ctx, &res);

	if (error)
		return error;
	return context_attach(dev, ctx, res) ?
		VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY : OK;
}

uint32_t exec_ctx_detach(struct device *dev, struct command *cmd)
{
	struct context *ctx;
	struct resource *res;
	uint32_t error = find_both(dev, cmd, &ctx, &res);

	if (error)
		return error;
	context_detach(dev, ctx, res);
	return OK;
}

uint32_t exec_create_3d(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_resource_create_3d *req = &cmd->req.create_3d;
	struct renderer_resource args = {
		.id = req->resource_id,
		.target = req->target, .format = req->format,
		.bind = req->bind, .width = req->width, .height = req->height,
		.depth = req->depth, .array_size = req->array_size,
		.last_level = req->last_level, .nr_samples = req->nr_samples,
		.flags = req->flags,
	};
	struct resource *res = resource_find(dev, args.id);
	int ret;

	if (res && cmd->elem->replayed && res->is_3d && !res->denied &&
	    !memcmp(&res->args, &args, sizeof(args)))
		return OK;
	ret = resource_new_3d(dev, &args);
	if (ret == -EEXIST || !args.id)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (ret == -ENOMEM && resource_find(dev, args.id))
		record_resource(dev, resource_find(dev, args.id));
	if (ret)
		return device_error(dev, ret);
	record_resource(dev, resource_find(dev, args.id));
	return OK;
}

uint32_t exec_transfer(struct device *dev, struct command *cmd,
		       struct resource *res, const struct renderer_transfer *t,
		       int to_host)
{
	struct context *ctx = context_find(dev, t->context);
	struct renderer *r;
	int ret;

	if (res->denied)
		return OK;
	r = device_renderer(dev);
	if (!r)
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	if (!fence_acquire(dev))
		return EXEC_AGAIN;
	sched_client_name(dev->config.sched, t->context, ctx ? ctx->name : "");
	sched_client_enter(dev->config.sched);
	ret = resource_need(dev, res);
	if (!ret && !res->iov_attached)
		ret = -EINVAL;
	if (!ret)
		ret = to_host ? r->ops->transfer_to_host(r, t) :
			r->ops->transfer_from_host(r, t);
	sched_client_leave(dev->config.sched);
	if (ret)
		fence_cancel(dev);
	else
		fence_emit(dev, t->context);
	return ret ? device_error(dev, ret) : OK;
}

static uint32_t level_size(uint32_t size, uint32_t level)
{
	return size >> level ? size >> level : 1;
}

static bool span_inside(uint32_t start, uint32_t len, uint32_t size)
{
	return len && len <= size && start <= size - len;
}

/* Layers may be in y or z: the renderer knows; nothing wraps behind this. */
static bool box_inside(const struct virtio_gpu_box *b,
		       const struct renderer_resource *args, uint32_t level)
{
	uint32_t layers = args->array_size > 6 ? args->array_size : 6;
	uint32_t h, d;

	if (level > args->last_level)
		return false;
	h = level_size(args->height, level);
	d = level_size(args->depth, level);
	return span_inside(b->x, b->w, level_size(args->width, level)) &&
		span_inside(b->y, b->h, h > layers ? h : layers) &&
		span_inside(b->z, b->d, d > layers ? d : layers);
}

uint32_t exec_transfer_3d(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_transfer_host_3d *req = &cmd->req.transfer_3d;
	struct renderer_transfer t = {
		.resource = req->resource_id, .context = req->hdr.ctx_id,
		.level = req->level, .stride = req->stride,
		.layer_stride = req->layer_stride,
		.x = req->box.x, .y = req->box.y, .z = req->box.z,
		.w = req->box.w, .h = req->box.h, .d = req->box.d,
		.offset = req->offset,
	};
	struct resource *res = resource_find(dev, req->resource_id);
	struct context *ctx = context_find(dev, t.context);
	int ret;

	if (t.context && !ctx)
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	if (!res)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (ctx && !g_hash_table_contains(ctx->attached,
					  GUINT_TO_POINTER(res->args.id)))
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (!box_inside(&req->box, &res->args, t.level))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (ctx && ctx->refused)
		return OK;
	ret = ctx ? context_need(dev, ctx) : 0;
	if (ret)
		return device_error(dev, ret);
	return exec_transfer(dev, cmd, res, &t,
			     req->hdr.type == VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D);
}
