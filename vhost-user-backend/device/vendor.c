// SPDX-License-Identifier: MIT
/*
 * vendor.c - extensions between our own two halves
 *
 * Everything here is off until the driver's hello and after a reset, and then
 * the device is an ordinary virtio GPU.
 */
#include "device/vendor.h"

#include <string.h>
#include "device/command.h"
#include "device/context.h"
#include "device/exec.h"
#include "device/quota.h"
#include "device/record.h"
#include "device/state.h"

bool vendor_may(const struct device *dev, unsigned int feature,
		uint32_t vendor)
{
	return dev->features & 1ull << feature || dev->vendor & vendor;
}

static uint32_t payload(struct command *cmd, const void *data, size_t size,
			uint32_t type)
{
	if (command_reserve(cmd, size))
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	cmd->payload = memcpy(cmd->data, data, size);
	cmd->payload_size = size;
	return type;
}

uint32_t vendor_capset_info(struct device *dev, struct command *cmd)
{
	const uint32_t info[4] = {
		VGPU_VENDOR_CAPSET, VGPU_VENDOR_VERSION,
		sizeof(struct vgpu_vendor_caps), 0,
	};

	return payload(cmd, info, sizeof(info), VIRTIO_GPU_RESP_OK_CAPSET_INFO);
}

uint32_t vendor_capset(struct device *dev, struct command *cmd)
{
	const struct vgpu_vendor_caps caps = {
		.magic = VGPU_VENDOR_MAGIC,
		.version = VGPU_VENDOR_VERSION,
		.features = VGPU_VENDOR_ALL,
		.memory_max = quota_memory(dev),
	};

	if (cmd->req.capset.capset_version > VGPU_VENDOR_VERSION)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	return payload(cmd, &caps, sizeof(caps), VIRTIO_GPU_RESP_OK_CAPSET);
}

/* ---- hello ---- */

static uint32_t notice(struct command *cmd, uint32_t what, uint32_t ctx)
{
	const uint32_t body[2] = { what, ctx };

	return payload(cmd, body, sizeof(body), VGPU_RESP_OK_NOTICE);
}

void vendor_stop(struct device *dev)
{
	while (dev->notices.first) {
		struct command *cmd = dev->notices.first;

		dev->notices.first = cmd->next;
		cmd->response = notice(cmd, VGPU_NOTICE_NONE, 0);
		command_answer(dev, cmd);
	}
	dev->notices.last = NULL;
	dev->nr_notices = 0;
}

uint32_t exec_hello(struct device *dev, struct command *cmd)
{
	const struct vgpu_hello *req = &cmd->req.hello;
	uint32_t body[2] = { VGPU_VENDOR_VERSION, 0 };

	if (!req->version)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	dev->vendor = req->features & VGPU_VENDOR_ALL;
	record_vendor(dev);
	if (!(dev->vendor & VGPU_VENDOR_NOTICE))
		vendor_stop(dev);
	body[1] = dev->vendor;
	return payload(cmd, body, sizeof(body), VGPU_RESP_OK_HELLO);
}

void vendor_take(struct device *dev, uint32_t features)
{
	dev->vendor = features & VGPU_VENDOR_ALL;
}

/* ---- notices ---- */

/* One that was lost with a predecessor, and its owner does not know. */
static struct context *untold(struct device *dev)
{
	GHashTableIter iter;
	void *value;

	g_hash_table_iter_init(&iter, dev->contexts);
	while (g_hash_table_iter_next(&iter, NULL, &value)) {
		struct context *ctx = value;

		if (ctx->lost && !ctx->told)
			return ctx;
	}
	return NULL;
}

uint32_t exec_notice(struct device *dev, struct command *cmd)
{
	struct context *ctx;

	if (command_fenced(cmd))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	ctx = untold(dev);
	if (ctx) {
		ctx->told = true;
		return notice(cmd, VGPU_NOTICE_CONTEXT_LOST, ctx->id);
	}
	if (dev->nr_notices >= VGPU_VENDOR_NOTICES)
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	cmd->next = NULL;
	if (dev->notices.last)
		dev->notices.last->next = cmd;
	else
		dev->notices.first = cmd;
	dev->notices.last = cmd;
	dev->nr_notices++;
	return EXEC_PARKED;
}
