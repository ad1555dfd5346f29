/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_cmd.h - encoders of virtio-gpu commands
 *
 * Pure functions: native values in, one wire struct out, every byte of it
 * written. They call nothing of the kernel and also build in user space, so
 * that a unit test can feed them to the host's decoder.
 */
#ifndef VGPU_CMD_H
#define VGPU_CMD_H

#ifdef __KERNEL__
#include <linux/types.h>
#else
#include <stddef.h>
#include <stdint.h>
typedef uint32_t u32;
typedef uint64_t u64;
#endif
#include "protocol/vgpu_vendor.h"
#include "protocol/virtio_gpu.h"

/** struct vgpu_rect - rectangle in pixels */
struct vgpu_rect {
	u32 x, y, w, h;
};

/** struct vgpu_box - box in texels */
struct vgpu_box {
	u32 x, y, z, w, h, d;
};

/** struct vgpu_texture - what a 3D resource is */
struct vgpu_texture {
	u32 target, format, bind;
	u32 width, height, depth;
	u32 array_size, last_level, nr_samples, flags;
};

/** struct vgpu_transfer - part of a resource and where it is in its backing */
struct vgpu_transfer {
	struct vgpu_box box;
	u64 offset;
	u32 level, stride, layer_stride;
};

/** union vgpu_cmd - any command; the largest one sets the size */
union vgpu_cmd {
	struct virtio_gpu_ctrl_hdr hdr;
	struct virtio_gpu_resource_create_2d create_2d;
	struct virtio_gpu_resource_create_3d create_3d;
	struct virtio_gpu_resource_unref unref;
	struct virtio_gpu_resource_attach_backing attach_backing;
	struct virtio_gpu_set_scanout set_scanout;
	struct virtio_gpu_resource_flush flush;
	struct virtio_gpu_transfer_to_host_2d transfer_2d;
	struct virtio_gpu_transfer_host_3d transfer_3d;
	struct virtio_gpu_get_capset_info capset_info;
	struct virtio_gpu_get_capset capset;
	struct virtio_gpu_get_edid edid;
	struct virtio_gpu_ctx_create ctx_create;
	struct virtio_gpu_ctx_destroy ctx_destroy;
	struct virtio_gpu_ctx_resource ctx_resource;
	struct virtio_gpu_cmd_submit submit;
	struct virtio_gpu_update_cursor cursor;
	struct virtio_gpu_resource_create_blob create_blob;
	struct virtio_gpu_resource_assign_uuid assign_uuid;
	struct virtio_gpu_resource_map_blob map_blob;
	struct virtio_gpu_resource_unmap_blob unmap_blob;
	struct vgpu_hello hello;
};

/* Each returns the length of the command. */
size_t vgpu_cmd_get_display_info(union vgpu_cmd *c);
size_t vgpu_cmd_get_edid(union vgpu_cmd *c, u32 scanout);
size_t vgpu_cmd_get_capset_info(union vgpu_cmd *c, u32 index);
size_t vgpu_cmd_get_capset(union vgpu_cmd *c, u32 id, u32 version);

size_t vgpu_cmd_create_2d(union vgpu_cmd *c, u32 res, u32 format, u32 width,
			  u32 height);
size_t vgpu_cmd_create_3d(union vgpu_cmd *c, u32 ctx, u32 res,
			  const struct vgpu_texture *t);
size_t vgpu_cmd_unref(union vgpu_cmd *c, u32 res);
/* nr struct virtio_gpu_mem_entry follow as payload */
size_t vgpu_cmd_attach_backing(union vgpu_cmd *c, u32 res, u32 nr);
void vgpu_cmd_mem_entry(struct virtio_gpu_mem_entry *e, u64 addr, u32 length);

size_t vgpu_cmd_transfer_2d(union vgpu_cmd *c, u32 res,
			    const struct vgpu_rect *r, u64 offset);
size_t vgpu_cmd_transfer_to_host(union vgpu_cmd *c, u32 ctx, u32 res,
				 const struct vgpu_transfer *t);
size_t vgpu_cmd_transfer_from_host(union vgpu_cmd *c, u32 ctx, u32 res,
				   const struct vgpu_transfer *t);
/* res 0 turns the scanout off */
size_t vgpu_cmd_set_scanout(union vgpu_cmd *c, u32 scanout, u32 res,
			    const struct vgpu_rect *r);
size_t vgpu_cmd_flush(union vgpu_cmd *c, u32 res, const struct vgpu_rect *r);

/* init: id of a capset, or 0; name of nlen bytes, what is too long is cut */
size_t vgpu_cmd_ctx_create(union vgpu_cmd *c, u32 ctx, u32 init,
			   const char *name, size_t nlen);
size_t vgpu_cmd_ctx_destroy(union vgpu_cmd *c, u32 ctx);
size_t vgpu_cmd_ctx_attach(union vgpu_cmd *c, u32 ctx, u32 res);
size_t vgpu_cmd_ctx_detach(union vgpu_cmd *c, u32 ctx, u32 res);
/* size bytes follow as payload */
size_t vgpu_cmd_submit(union vgpu_cmd *c, u32 ctx, u32 size);

size_t vgpu_cmd_update_cursor(union vgpu_cmd *c, u32 scanout, u32 x, u32 y,
			      u32 res, u32 hot_x, u32 hot_y);
size_t vgpu_cmd_move_cursor(union vgpu_cmd *c, u32 scanout, u32 x, u32 y);

/** struct vgpu_blob - what a blob resource is */
struct vgpu_blob {
	u32 mem, flags;
	u64 id, size;
};

/* nr struct virtio_gpu_mem_entry follow as payload */
size_t vgpu_cmd_create_blob(union vgpu_cmd *c, u32 ctx, u32 res,
			    const struct vgpu_blob *blob, u32 nr);
size_t vgpu_cmd_assign_uuid(union vgpu_cmd *c, u32 res);
size_t vgpu_cmd_map_blob(union vgpu_cmd *c, u32 res, u64 offset);
size_t vgpu_cmd_unmap_blob(union vgpu_cmd *c, u32 res);

/* extensions of our own host, see protocol/vgpu_vendor.h */
size_t vgpu_cmd_hello(union vgpu_cmd *c, u32 features);
size_t vgpu_cmd_notice(union vgpu_cmd *c);

/** vgpu_cmd_set_ring() - put it on a timeline of its context */
void vgpu_cmd_set_ring(union vgpu_cmd *c, u32 ring);

/** vgpu_cmd_set_fence() - ask for the answer to wait for the work */
void vgpu_cmd_set_fence(union vgpu_cmd *c, u64 fence_id);

#endif
