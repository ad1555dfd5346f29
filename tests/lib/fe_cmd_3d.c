// SPDX-License-Identifier: MIT
/*
 * fe_cmd_3d.c - virtio-gpu 3D commands, and the smallest virgl streams
 */
#include "tests/lib/fe.h"

#include <stdlib.h>
#include <string.h>

int fe_ctx_create(struct fe *fe, uint32_t ctx, const char *name)
{
	struct virtio_gpu_ctx_create cmd = {
		.hdr = { .type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = ctx },
		.nlen = (uint32_t)strlen(name),
	};

	memcpy(cmd.debug_name, name, strlen(name));
	return fe_simple(fe, &cmd, sizeof(cmd));
}

int fe_ctx_destroy(struct fe *fe, uint32_t ctx)
{
	struct virtio_gpu_ctx_destroy cmd = {
		.hdr = { .type = VIRTIO_GPU_CMD_CTX_DESTROY, .ctx_id = ctx },
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

static int ctx_resource(struct fe *fe, uint32_t type, uint32_t ctx,
			uint32_t id)
{
	struct virtio_gpu_ctx_resource cmd = {
		.hdr = { .type = type, .ctx_id = ctx }, .resource_id = id,
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

int fe_ctx_attach(struct fe *fe, uint32_t ctx, uint32_t id)
{
	return ctx_resource(fe, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, ctx, id);
}

int fe_ctx_detach(struct fe *fe, uint32_t ctx, uint32_t id)
{
	return ctx_resource(fe, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, ctx, id);
}

int fe_create_3d(struct fe *fe, const struct virtio_gpu_resource_create_3d *r)
{
	struct virtio_gpu_resource_create_3d cmd = *r;

	cmd.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D;
	return fe_simple(fe, &cmd, sizeof(cmd));
}

#define PIPE_TEXTURE_2D		2
#define BIND_RENDER_TARGET	(1 << 1)
#define BIND_SAMPLER_VIEW	(1 << 3)
#define BIND_SCANOUT		(1 << 18)

int fe_texture(struct fe *fe, uint32_t id, uint32_t format, uint32_t w,
	       uint32_t h)
{
	struct virtio_gpu_resource_create_3d r = {
		.resource_id = id, .target = PIPE_TEXTURE_2D, .format = format,
		.bind = BIND_RENDER_TARGET | BIND_SAMPLER_VIEW | BIND_SCANOUT,
		.width = w, .height = h, .depth = 1, .array_size = 1,
		.flags = VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP,
	};

	return fe_create_3d(fe, &r);
}

int fe_transfer_3d(struct fe *fe, bool to_host, uint32_t ctx, uint32_t id,
		   uint32_t w, uint32_t h, uint64_t offset)
{
	struct virtio_gpu_transfer_host_3d cmd = {
		.hdr = {
			.type = to_host ? VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D :
					  VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
			.ctx_id = ctx,
		},
		.box = { .w = w, .h = h, .d = 1 },
		.offset = offset, .resource_id = id,
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

struct fe_req *fe_submit_send(struct fe *fe, uint32_t ctx, const void *buf,
			      uint32_t size, uint64_t fence)
{
	struct virtio_gpu_cmd_submit cmd = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = ctx,
			.flags = fence ? VIRTIO_GPU_FLAG_FENCE : 0,
			.fence_id = fence,
		},
		.size = size,
	};
	struct iovec iov[2] = {
		{ &cmd, sizeof(cmd) }, { (void *)buf, size },
	};

	return fe_send(fe, VIRTIO_GPU_QUEUE_CONTROL, iov, 2,
		       sizeof(struct virtio_gpu_ctrl_hdr));
}

int fe_submit(struct fe *fe, uint32_t ctx, const void *buf, uint32_t size,
	      uint64_t fence)
{
	struct fe_req *req = fe_submit_send(fe, ctx, buf, size, fence);
	int ret = fe_wait(req);

	if (!ret) {
		struct virtio_gpu_ctrl_hdr hdr;

		ret = fe_resp_type(req);
		memcpy(&hdr, req->resp, sizeof(hdr));
		if (ret >= 0 && fence && hdr.fence_id != fence)
			fe_fault(fe, "fence %llu answered as %llu",
				 (unsigned long long)fence,
				 (unsigned long long)hdr.fence_id);
	}
	fe_req_free(req);
	return ret;
}

/* virgl: length << 16 | object << 8 | command */
#define VIRGL(cmd, obj, len)	((uint32_t)(len) << 16 | (obj) << 8 | (cmd))
#define VIRGL_NOP			0
#define VIRGL_CREATE_OBJECT		1
#define VIRGL_SET_FRAMEBUFFER_STATE	5
#define VIRGL_CLEAR			7
#define VIRGL_OBJECT_SURFACE		8
#define VIRGL_CLEAR_COLOR0		(1 << 2)

size_t fe_virgl_nop(uint32_t *buf)
{
	buf[0] = VIRGL(VIRGL_NOP, 0, 0);
	return 1;
}

size_t fe_virgl_clear(uint32_t *buf, uint32_t surface, uint32_t id,
		      uint32_t format, const float rgba[4])
{
	size_t n = 0;

	if (id) {
		buf[n++] = VIRGL(VIRGL_CREATE_OBJECT, VIRGL_OBJECT_SURFACE, 5);
		buf[n++] = surface;
		buf[n++] = id;
		buf[n++] = format;
		buf[n++] = 0;		/* level */
		buf[n++] = 0;		/* layers */
		buf[n++] = VIRGL(VIRGL_SET_FRAMEBUFFER_STATE, 0, 3);
		buf[n++] = 1;		/* colour buffers */
		buf[n++] = 0;		/* no depth buffer */
		buf[n++] = surface;
	}
	buf[n++] = VIRGL(VIRGL_CLEAR, 0, 8);
	buf[n++] = VIRGL_CLEAR_COLOR0;
	memcpy(buf + n, rgba, 16);
	n += 4;
	buf[n++] = 0;			/* depth, 64 bits */
	buf[n++] = 0;
	buf[n++] = 0;			/* stencil */
	return n;
}
