/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_prime.h - sharing of objects by dma-buf
 */
#ifndef VGPU_PRIME_H
#define VGPU_PRIME_H

struct dma_buf;
struct dma_buf_attachment;
struct drm_device;
struct drm_gem_object;
struct sg_table;

/* struct drm_gem_object_funcs; struct drm_driver */
struct dma_buf *vgpu_prime_export(struct drm_gem_object *obj, int flags);
struct drm_gem_object *vgpu_prime_import(struct drm_device *drm,
					 struct dma_buf *buf);
struct drm_gem_object *
vgpu_prime_import_sg_table(struct drm_device *drm,
			   struct dma_buf_attachment *attach,
			   struct sg_table *sgt);

#endif
