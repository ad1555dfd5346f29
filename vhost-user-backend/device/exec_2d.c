// SPDX-License-Identifier: MIT
/*
 * exec_2d.c - resources, their backing, transfers and scanouts
 */
#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/random.h>
#include "device/exec.h"
#include "device/record.h"
#include "device/resource.h"
#include "device/state.h"
#include "protocol/vgpu_sched.h"
#include "ring/vring.h"
#include "sched/client.h"

#define OK	VIRTIO_GPU_RESP_OK_NODATA

static struct rect to_rect(const struct virtio_gpu_rect *r)
{
	return (struct rect){ r->x, r->y, r->width, r->height };
}

uint32_t exec_create_2d(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_resource_create_2d *req = &cmd->req.create_2d;
	struct resource *res = resource_find(dev, req->resource_id);
	int ret;

	if (res && cmd->elem->replayed && !res->is_3d &&
	    res->args.format == req->format &&
	    res->args.width == req->width && res->args.height == req->height)
		return OK;
	ret = resource_new_2d(dev, req->resource_id, req->format, req->width,
			      req->height);
	if (ret == -EEXIST || !req->resource_id)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (ret)
		return device_error(dev, ret);
	record_resource(dev, resource_find(dev, req->resource_id));
	return OK;
}

uint32_t exec_unref(struct device *dev, struct command *cmd)
{
	struct resource *res = resource_find(dev, cmd->req.unref.resource_id);

	if (!res)
		return cmd->elem->replayed ? OK :
			VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	resource_unref(dev, res);
	record_unref(dev, cmd->req.unref.resource_id);
	return OK;
}

uint32_t exec_attach_backing(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_resource_attach_backing *req =
		&cmd->req.attach;
	struct resource *res = resource_find(dev, req->resource_id);
	int ret;

	if (!res)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (cmd->elem->replayed)
		backing_detach(dev, res);
	ret = backing_attach(dev, res, cmd->data, req->nr_entries);
	if (ret)
		return device_error(dev, ret);
	record_backing(dev, res);
	return OK;
}

uint32_t exec_detach_backing(struct device *dev, struct command *cmd)
{
	struct resource *res = resource_find(dev, cmd->req.detach.resource_id);

	if (!res)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (!res->backing.entries)
		return cmd->elem->replayed ? OK : VIRTIO_GPU_RESP_ERR_UNSPEC;
	backing_detach(dev, res);
	record_backing_detach(dev, res->args.id);
	return OK;
}

/* Where the resource lives in the renderer, this is its business. */
static uint32_t transfer_rendered(struct device *dev, struct command *cmd,
				  struct resource *res, const struct rect *r)
{
	struct renderer_transfer t = {
		.resource = res->args.id,
		.stride = res->args.width * 4,
		.x = r->x, .y = r->y, .w = r->w, .h = r->h, .d = 1,
		.offset = cmd->req.transfer_2d.offset,
	};

	if (res->is_3d)	/* who knows how wide its pixels are */
		t.stride = 0;
	return exec_transfer(dev, cmd, res, &t, true);
}

uint32_t exec_transfer_2d(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_transfer_to_host_2d *req =
		&cmd->req.transfer_2d;
	struct resource *res = resource_find(dev, req->resource_id);
	struct rect r = to_rect(&req->r);
	int ret;

	if (!res)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (!rect_inside(&r, res->args.width, res->args.height))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (!res->pixels)
		return transfer_rendered(dev, cmd, res, &r);
	ret = resource_upload(res, &r, req->offset);
	return ret ? device_error(dev, ret) : OK;
}

uint32_t exec_set_scanout(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_set_scanout *req = &cmd->req.set_scanout;
	struct resource *res = NULL;
	struct rect r = to_rect(&req->r);
	int ret;

	if (req->scanout_id >= dev->config.num_scanouts)
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	if (req->resource_id) {
		res = resource_find(dev, req->resource_id);
		if (!res)
			return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
		if (!rect_inside(&r, res->args.width, res->args.height) ||
		    !resource_is_picture(res))
			return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	}
	ret = scanout_set(dev, req->scanout_id, res, &r);
	record_scanout(dev, req->scanout_id);	/* off, if it failed */
	return ret ? device_error(dev, ret) : OK;
}

uint32_t exec_flush(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_resource_flush *req = &cmd->req.flush;
	struct resource *res = resource_find(dev, req->resource_id);
	struct rect r = to_rect(&req->r);
	int ret;

	if (!res)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (!rect_inside(&r, res->args.width, res->args.height))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (!res->scanouts)
		return OK;
	if (!sched_client_frame(dev->config.sched)) {
		dev->wants_lease = true;	/* all behind it wait too */
		return EXEC_AGAIN;
	}
	atomic_fetch_add_explicit(&dev->report->frames, 1,
				  memory_order_relaxed);
	ret = scanout_flush(dev, res, &r);
	return ret ? device_error(dev, ret) : OK;
}

/* RFC 9562, version 4. */
static int make_uuid(uint8_t uuid[16])
{
	if (getrandom(uuid, 16, GRND_NONBLOCK) != 16)
		return -ENODEV;
	uuid[6] = (uuid[6] & 0x0f) | 0x40;
	uuid[8] = (uuid[8] & 0x3f) | 0x80;
	return 0;
}

uint32_t exec_assign_uuid(struct device *dev, struct command *cmd)
{
	struct resource *res = resource_find(dev, cmd->req.uuid.resource_id);

	if (!res)
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (command_reserve(cmd, sizeof(res->uuid)))
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	if (!res->has_uuid) {
		if (make_uuid(res->uuid))
			return VIRTIO_GPU_RESP_ERR_UNSPEC;
		res->has_uuid = true;
		record_uuid(dev, res);
	}
	memcpy(cmd->data, res->uuid, sizeof(res->uuid));
	cmd->payload = cmd->data;
	cmd->payload_size = sizeof(res->uuid);
	return VIRTIO_GPU_RESP_OK_RESOURCE_UUID;
}
