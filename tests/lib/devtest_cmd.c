// SPDX-License-Identifier: MIT
/*
 * devtest_cmd.c - commands that the device's tests use everywhere
 */
#include <string.h>
#include "tests/lib/devtest.h"

void devtest_create_2d(struct devtest *t, uint32_t id, uint32_t format,
		       uint32_t w, uint32_t h, uint32_t want)
{
	struct virtio_gpu_resource_create_2d req = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		.resource_id = id, .format = format, .width = w, .height = h,
	};

	devtest_ask(t, req, want);
}

void devtest_attach(struct devtest *t, uint32_t id, uint32_t offset,
		    uint32_t size, uint32_t want)
{
	struct {
		struct virtio_gpu_resource_attach_backing req;
		struct virtio_gpu_mem_entry entry;
	} req = {
		.req.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.req.resource_id = id, .req.nr_entries = 1,
		.entry.addr = DEVTEST_GPA + offset, .entry.length = size,
	};

	devtest_ask(t, req, want);
}

void devtest_unref(struct devtest *t, uint32_t id, uint32_t want)
{
	struct virtio_gpu_resource_unref req = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF, .resource_id = id,
	};

	devtest_ask(t, req, want);
}

void devtest_transfer(struct devtest *t, uint32_t id, uint32_t w, uint32_t h,
		      uint32_t want)
{
	struct virtio_gpu_transfer_to_host_2d req = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = { 0, 0, w, h }, .resource_id = id,
	};

	devtest_ask(t, req, want);
}

void devtest_scanout(struct devtest *t, uint32_t scanout, uint32_t id,
		     uint32_t x, uint32_t y, uint32_t w, uint32_t h,
		     uint32_t want)
{
	struct virtio_gpu_set_scanout req = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT,
		.r = { x, y, w, h }, .scanout_id = scanout, .resource_id = id,
	};

	devtest_ask(t, req, want);
}

void devtest_flush(struct devtest *t, uint32_t id, uint32_t x, uint32_t y,
		   uint32_t w, uint32_t h, uint32_t want)
{
	struct virtio_gpu_resource_flush req = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { x, y, w, h }, .resource_id = id,
	};

	devtest_ask(t, req, want);
}

void devtest_ctx_create(struct devtest *t, uint32_t ctx, uint32_t want)
{
	struct virtio_gpu_ctx_create req = {
		.hdr.type = VIRTIO_GPU_CMD_CTX_CREATE, .hdr.ctx_id = ctx,
		.nlen = 4, .debug_name = "test",
	};

	devtest_ask(t, req, want);
}

void devtest_ctx(struct devtest *t, uint32_t type, uint32_t ctx, uint32_t id,
		 uint32_t want)
{
	struct virtio_gpu_ctx_resource req = {
		.hdr.type = type, .hdr.ctx_id = ctx, .resource_id = id,
	};

	devtest_ask(t, req, want);
}

void devtest_create_3d(struct devtest *t, uint32_t id, uint32_t w, uint32_t h,
		       uint32_t want)
{
	struct virtio_gpu_resource_create_3d req = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.resource_id = id, .target = 2,
		.format = VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, .bind = 2,
		.width = w, .height = h, .depth = 1, .array_size = 1,
	};

	devtest_ask(t, req, want);
}

struct devtest_cmd *devtest_submit(struct devtest *t, uint32_t ctx,
				   uint64_t fence)
{
	struct {
		struct virtio_gpu_cmd_submit req;
		uint32_t words[4];
	} req = {
		.req.hdr.type = VIRTIO_GPU_CMD_SUBMIT_3D,
		.req.hdr.flags = fence ? VIRTIO_GPU_FLAG_FENCE : 0,
		.req.hdr.fence_id = fence, .req.hdr.ctx_id = ctx,
		.req.size = sizeof(req.words),
	};

	return devtest_send(t, 0, &req, sizeof(req),
			    sizeof(struct virtio_gpu_ctrl_hdr));
}

struct devtest_cmd *devtest_words(struct devtest *t, uint32_t ctx,
				  uint64_t fence, const uint32_t *words,
				  size_t n)
{
	struct virtio_gpu_cmd_submit req = {
		.hdr.type = VIRTIO_GPU_CMD_SUBMIT_3D,
		.hdr.flags = fence ? VIRTIO_GPU_FLAG_FENCE : 0,
		.hdr.fence_id = fence, .hdr.ctx_id = ctx,
		.size = (uint32_t)(n * 4),
	};
	g_autofree uint8_t *out = g_malloc(sizeof(req) + n * 4);

	memcpy(out, &req, sizeof(req));
	if (n)
		memcpy(out + sizeof(req), words, n * 4);
	return devtest_send(t, 0, out, sizeof(req) + n * 4,
			    sizeof(struct virtio_gpu_ctrl_hdr));
}

struct devtest_cmd *devtest_nop(struct devtest *t, uint64_t fence)
{
	struct virtio_gpu_set_scanout req = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT,
		.hdr.flags = VIRTIO_GPU_FLAG_FENCE, .hdr.fence_id = fence,
		.scanout_id = 3,
	};

	return devtest_send(t, 0, &req, sizeof(req),
			    sizeof(struct virtio_gpu_ctrl_hdr));
}
