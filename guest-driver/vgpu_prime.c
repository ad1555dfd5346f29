// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_prime.c - sharing of objects by dma-buf
 *
 * Objects of this device come back as themselves; that, and export to other
 * devices, is what the DRM core does. Buffers of other devices are refused:
 * without blob resources the host has no texture for them.
 */
#include <linux/err.h>
#include <drm/drm_prime.h>

#include "vgpu_prime.h"

struct dma_buf *vgpu_prime_export(struct drm_gem_object *obj, int flags)
{
	return drm_gem_prime_export(obj, flags);
}

struct drm_gem_object *
vgpu_prime_import_sg_table(struct drm_device *drm,
			   struct dma_buf_attachment *attach,
			   struct sg_table *sgt)
{
	return ERR_PTR(-ENODEV);
}
