// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_cmd.c - encoders of virtio-gpu commands
 */
#include "vgpu_cmd.h"

#ifdef __KERNEL__
#include <linux/string.h>
#include <asm/byteorder.h>
#else
#include <endian.h>
#include <string.h>
#define cpu_to_le32(x) htole32(x)
#define cpu_to_le64(x) htole64(x)
#endif

static void set_hdr(union vgpu_cmd *c, size_t len, u32 type, u32 ctx)
{
	memset(c, 0, len);
	c->hdr.type = cpu_to_le32(type);
	c->hdr.ctx_id = cpu_to_le32(ctx);
}

static void set_rect(struct virtio_gpu_rect *to, const struct vgpu_rect *r)
{
	to->x = cpu_to_le32(r->x);
	to->y = cpu_to_le32(r->y);
	to->width = cpu_to_le32(r->w);
	to->height = cpu_to_le32(r->h);
}

size_t vgpu_cmd_get_display_info(union vgpu_cmd *c)
{
	set_hdr(c, sizeof(c->hdr), VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0);
	return sizeof(c->hdr);
}

size_t vgpu_cmd_get_edid(union vgpu_cmd *c, u32 scanout)
{
	set_hdr(c, sizeof(c->edid), VIRTIO_GPU_CMD_GET_EDID, 0);
	c->edid.scanout = cpu_to_le32(scanout);
	return sizeof(c->edid);
}

size_t vgpu_cmd_get_capset_info(union vgpu_cmd *c, u32 index)
{
	set_hdr(c, sizeof(c->capset_info), VIRTIO_GPU_CMD_GET_CAPSET_INFO, 0);
	c->capset_info.capset_index = cpu_to_le32(index);
	return sizeof(c->capset_info);
}

size_t vgpu_cmd_get_capset(union vgpu_cmd *c, u32 id, u32 version)
{
	set_hdr(c, sizeof(c->capset), VIRTIO_GPU_CMD_GET_CAPSET, 0);
	c->capset.capset_id = cpu_to_le32(id);
	c->capset.capset_version = cpu_to_le32(version);
	return sizeof(c->capset);
}

size_t vgpu_cmd_create_2d(union vgpu_cmd *c, u32 res, u32 format, u32 width,
			  u32 height)
{
	set_hdr(c, sizeof(c->create_2d), VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0);
	c->create_2d.resource_id = cpu_to_le32(res);
	c->create_2d.format = cpu_to_le32(format);
	c->create_2d.width = cpu_to_le32(width);
	c->create_2d.height = cpu_to_le32(height);
	return sizeof(c->create_2d);
}

size_t vgpu_cmd_create_3d(union vgpu_cmd *c, u32 ctx, u32 res,
			  const struct vgpu_texture *t)
{
	struct virtio_gpu_resource_create_3d *p = &c->create_3d;

	set_hdr(c, sizeof(*p), VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, ctx);
	p->resource_id = cpu_to_le32(res);
	p->target = cpu_to_le32(t->target);
	p->format = cpu_to_le32(t->format);
	p->bind = cpu_to_le32(t->bind);
	p->width = cpu_to_le32(t->width);
	p->height = cpu_to_le32(t->height);
	p->depth = cpu_to_le32(t->depth);
	p->array_size = cpu_to_le32(t->array_size);
	p->last_level = cpu_to_le32(t->last_level);
	p->nr_samples = cpu_to_le32(t->nr_samples);
	p->flags = cpu_to_le32(t->flags);
	return sizeof(*p);
}

size_t vgpu_cmd_unref(union vgpu_cmd *c, u32 res)
{
	set_hdr(c, sizeof(c->unref), VIRTIO_GPU_CMD_RESOURCE_UNREF, 0);
	c->unref.resource_id = cpu_to_le32(res);
	return sizeof(c->unref);
}

size_t vgpu_cmd_attach_backing(union vgpu_cmd *c, u32 res, u32 nr)
{
	set_hdr(c, sizeof(c->attach_backing),
		VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 0);
	c->attach_backing.resource_id = cpu_to_le32(res);
	c->attach_backing.nr_entries = cpu_to_le32(nr);
	return sizeof(c->attach_backing);
}

void vgpu_cmd_mem_entry(struct virtio_gpu_mem_entry *e, u64 addr, u32 length)
{
	e->addr = cpu_to_le64(addr);
	e->length = cpu_to_le32(length);
	e->padding = 0;
}

size_t vgpu_cmd_transfer_2d(union vgpu_cmd *c, u32 res,
			    const struct vgpu_rect *r, u64 offset)
{
	struct virtio_gpu_transfer_to_host_2d *p = &c->transfer_2d;

	set_hdr(c, sizeof(*p), VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, 0);
	set_rect(&p->r, r);
	p->offset = cpu_to_le64(offset);
	p->resource_id = cpu_to_le32(res);
	return sizeof(*p);
}

static size_t transfer_3d(union vgpu_cmd *c, u32 type, u32 ctx, u32 res,
			  const struct vgpu_transfer *t)
{
	struct virtio_gpu_transfer_host_3d *p = &c->transfer_3d;

	set_hdr(c, sizeof(*p), type, ctx);
	p->box.x = cpu_to_le32(t->box.x);
	p->box.y = cpu_to_le32(t->box.y);
	p->box.z = cpu_to_le32(t->box.z);
	p->box.w = cpu_to_le32(t->box.w);
	p->box.h = cpu_to_le32(t->box.h);
	p->box.d = cpu_to_le32(t->box.d);
	p->offset = cpu_to_le64(t->offset);
	p->resource_id = cpu_to_le32(res);
	p->level = cpu_to_le32(t->level);
	p->stride = cpu_to_le32(t->stride);
	p->layer_stride = cpu_to_le32(t->layer_stride);
	return sizeof(*p);
}

size_t vgpu_cmd_transfer_to_host(union vgpu_cmd *c, u32 ctx, u32 res,
				 const struct vgpu_transfer *t)
{
	return transfer_3d(c, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, ctx, res, t);
}

size_t vgpu_cmd_transfer_from_host(union vgpu_cmd *c, u32 ctx, u32 res,
				   const struct vgpu_transfer *t)
{
	return transfer_3d(c, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, ctx, res,
			   t);
}

size_t vgpu_cmd_set_scanout(union vgpu_cmd *c, u32 scanout, u32 res,
			    const struct vgpu_rect *r)
{
	set_hdr(c, sizeof(c->set_scanout), VIRTIO_GPU_CMD_SET_SCANOUT, 0);
	set_rect(&c->set_scanout.r, r);
	c->set_scanout.scanout_id = cpu_to_le32(scanout);
	c->set_scanout.resource_id = cpu_to_le32(res);
	return sizeof(c->set_scanout);
}

size_t vgpu_cmd_flush(union vgpu_cmd *c, u32 res, const struct vgpu_rect *r)
{
	set_hdr(c, sizeof(c->flush), VIRTIO_GPU_CMD_RESOURCE_FLUSH, 0);
	set_rect(&c->flush.r, r);
	c->flush.resource_id = cpu_to_le32(res);
	return sizeof(c->flush);
}

size_t vgpu_cmd_ctx_create(union vgpu_cmd *c, u32 ctx, u32 init,
			   const char *name, size_t nlen)
{
	struct virtio_gpu_ctx_create *p = &c->ctx_create;

	set_hdr(c, sizeof(*p), VIRTIO_GPU_CMD_CTX_CREATE, ctx);
	if (nlen > sizeof(p->debug_name) - 1)
		nlen = sizeof(p->debug_name) - 1;
	p->nlen = cpu_to_le32((u32)nlen);
	p->context_init = cpu_to_le32(init);
	memcpy(p->debug_name, name, nlen);
	return sizeof(*p);
}

size_t vgpu_cmd_ctx_destroy(union vgpu_cmd *c, u32 ctx)
{
	set_hdr(c, sizeof(c->ctx_destroy), VIRTIO_GPU_CMD_CTX_DESTROY, ctx);
	return sizeof(c->ctx_destroy);
}

static size_t ctx_resource(union vgpu_cmd *c, u32 type, u32 ctx, u32 res)
{
	set_hdr(c, sizeof(c->ctx_resource), type, ctx);
	c->ctx_resource.resource_id = cpu_to_le32(res);
	return sizeof(c->ctx_resource);
}

size_t vgpu_cmd_ctx_attach(union vgpu_cmd *c, u32 ctx, u32 res)
{
	return ctx_resource(c, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, ctx, res);
}

size_t vgpu_cmd_ctx_detach(union vgpu_cmd *c, u32 ctx, u32 res)
{
	return ctx_resource(c, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, ctx, res);
}

size_t vgpu_cmd_submit(union vgpu_cmd *c, u32 ctx, u32 size)
{
	set_hdr(c, sizeof(c->submit), VIRTIO_GPU_CMD_SUBMIT_3D, ctx);
	c->submit.size = cpu_to_le32(size);
	return sizeof(c->submit);
}

size_t vgpu_cmd_update_cursor(union vgpu_cmd *c, u32 scanout, u32 x, u32 y,
			      u32 res, u32 hot_x, u32 hot_y)
{
	vgpu_cmd_move_cursor(c, scanout, x, y);
	c->hdr.type = cpu_to_le32(VIRTIO_GPU_CMD_UPDATE_CURSOR);
	c->cursor.resource_id = cpu_to_le32(res);
	c->cursor.hot_x = cpu_to_le32(hot_x);
	c->cursor.hot_y = cpu_to_le32(hot_y);
	return sizeof(c->cursor);
}

size_t vgpu_cmd_move_cursor(union vgpu_cmd *c, u32 scanout, u32 x, u32 y)
{
	set_hdr(c, sizeof(c->cursor), VIRTIO_GPU_CMD_MOVE_CURSOR, 0);
	c->cursor.pos.scanout_id = cpu_to_le32(scanout);
	c->cursor.pos.x = cpu_to_le32(x);
	c->cursor.pos.y = cpu_to_le32(y);
	return sizeof(c->cursor);
}

size_t vgpu_cmd_create_blob(union vgpu_cmd *c, u32 ctx, u32 res,
			    const struct vgpu_blob *blob, u32 nr)
{
	struct virtio_gpu_resource_create_blob *p = &c->create_blob;

	set_hdr(c, sizeof(*p), VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, ctx);
	p->resource_id = cpu_to_le32(res);
	p->blob_mem = cpu_to_le32(blob->mem);
	p->blob_flags = cpu_to_le32(blob->flags);
	p->nr_entries = cpu_to_le32(nr);
	p->blob_id = cpu_to_le64(blob->id);
	p->size = cpu_to_le64(blob->size);
	return sizeof(*p);
}

size_t vgpu_cmd_assign_uuid(union vgpu_cmd *c, u32 res)
{
	set_hdr(c, sizeof(c->assign_uuid), VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
		0);
	c->assign_uuid.resource_id = cpu_to_le32(res);
	return sizeof(c->assign_uuid);
}

size_t vgpu_cmd_map_blob(union vgpu_cmd *c, u32 res, u64 offset)
{
	set_hdr(c, sizeof(c->map_blob), VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB, 0);
	c->map_blob.resource_id = cpu_to_le32(res);
	c->map_blob.offset = cpu_to_le64(offset);
	return sizeof(c->map_blob);
}

size_t vgpu_cmd_unmap_blob(union vgpu_cmd *c, u32 res)
{
	set_hdr(c, sizeof(c->unmap_blob), VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
		0);
	c->unmap_blob.resource_id = cpu_to_le32(res);
	return sizeof(c->unmap_blob);
}

size_t vgpu_cmd_hello(union vgpu_cmd *c, u32 features)
{
	set_hdr(c, sizeof(c->hello), VGPU_CMD_HELLO, 0);
	c->hello.version = cpu_to_le32(VGPU_VENDOR_VERSION);
	c->hello.features = cpu_to_le32(features);
	return sizeof(c->hello);
}

size_t vgpu_cmd_notice(union vgpu_cmd *c)
{
	set_hdr(c, sizeof(c->hdr), VGPU_CMD_NOTICE, 0);
	return sizeof(c->hdr);
}

void vgpu_cmd_set_ring(union vgpu_cmd *c, u32 ring)
{
	c->hdr.flags |= cpu_to_le32(VIRTIO_GPU_FLAG_INFO_RING_IDX);
	c->hdr.ring_idx = (__u8)ring;
}

void vgpu_cmd_set_fence(union vgpu_cmd *c, u64 fence_id)
{
	c->hdr.flags |= cpu_to_le32(VIRTIO_GPU_FLAG_FENCE);
	c->hdr.fence_id = cpu_to_le64(fence_id);
}
