/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_gem.h - resources: pages of the guest that the host has a texture of
 */
#ifndef VGPU_GEM_H
#define VGPU_GEM_H

#include <drm/drm_gem_shmem_helper.h>

#include "vgpu_cmd.h"

struct dma_buf_attachment;
struct drm_file;
struct drm_mode_create_dumb;
struct vgpu_device;
struct vgpu_vbuf;

/** struct vgpu_bo - a GEM object and its resource */
struct vgpu_bo {
	struct drm_gem_shmem_object base;
	u32 res_id;
	u32 blob_mem;		/* VIRTIO_GPU_BLOB_MEM_..., 0: no blob */
	u32 blob_flags;
	u64 gate;		/* round in which it was held up; jobs.lock */
	bool imported;		/* pages are another device's */
	bool dumb;		/* pixels come from the guest's pages */
	struct vgpu_vbuf *unref;	/* NULL: the host does not know it */
	struct list_head node;	/* device->bos while @unref is set */
	union vgpu_cmd create;	/* to tell the host again after a reset */
	u32 create_len;
};

static inline struct vgpu_bo *to_vgpu_bo(struct drm_gem_object *obj)
{
	return container_of(to_drm_gem_shmem_obj(obj), struct vgpu_bo, base);
}

/** struct vgpu_bo_params - what to create */
struct vgpu_bo_params {
	size_t size;		/* of the backing */
	bool dumb;
	bool is_3d;		/* else only format, width, height count */
	bool busy;		/* has a fence until the host has created it */
	const struct vgpu_blob *blob;	/* NULL: a texture */
	struct vgpu_texture texture;
};

/** vgpu_bo_create() - on success the caller owns one handle and no reference */
int vgpu_bo_create(struct drm_file *file, struct vgpu_device *dev,
		   const struct vgpu_bo_params *params, u32 *handle,
		   u32 *res_id);

/** vgpu_bo_import() - a blob of another device's pages */
struct drm_gem_object *vgpu_bo_import(struct vgpu_device *dev,
				      struct dma_buf_attachment *attach,
				      struct sg_table *sgt);

/**
 * vgpu_bos_restore() - tell the host of every resource again
 *
 * After a reset: the same ids, formats and pages. Contents that were the
 * host's alone are lost. Under device->bos_lock; queues without waiting.
 */
void vgpu_bos_restore(struct vgpu_device *dev);

/**
 * vgpu_bo_set_format() - let the host read a dumb buffer's pixels as @format
 *
 * A dumb buffer has no format before it is shown, the host's resource has one
 * for good: so it is made anew under its id, if need be. Whoever showed it must
 * tell the host again. Return: 1 (made anew), 0 (nothing to do) or -errno.
 */
int vgpu_bo_set_format(struct vgpu_device *dev, struct vgpu_bo *bo,
		       u32 format);

/** vgpu_bo_format() - what the host reads its pixels as; 0: not known */
u32 vgpu_bo_format(const struct vgpu_bo *bo);

/** vgpu_bo_sync_for_device() - guest's writes become visible to the host */
void vgpu_bo_sync_for_device(struct vgpu_device *dev, struct vgpu_bo *bo);

/* struct drm_driver */
struct drm_gem_object *vgpu_gem_create_object(struct drm_device *drm,
					      size_t size);
int vgpu_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
			 struct drm_mode_create_dumb *args);

#endif
