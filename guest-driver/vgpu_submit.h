/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_submit.h - rendering commands and transfers of user space
 */
#ifndef VGPU_SUBMIT_H
#define VGPU_SUBMIT_H

#include <linux/types.h>

struct drm_file;
struct drm_vgpu_execbuffer;
struct vgpu_device;
struct vgpu_transfer;

/* What one EXECBUFFER may ask the kernel to allocate. */
#define VGPU_SUBMIT_MAX_BYTES	(64u << 20)
#define VGPU_SUBMIT_MAX_BOS	(64u << 10)

/** vgpu_submit() - EXECBUFFER; its flags were checked */
int vgpu_submit(struct vgpu_device *dev, struct drm_file *file,
		struct drm_vgpu_execbuffer *args);

/** vgpu_submit_plain() - commands alone, of @size bytes at the user's @from */
int vgpu_submit_plain(struct vgpu_device *dev, struct drm_file *file, u64 from,
		      u32 size);

/** vgpu_submit_transfer() - copy between an object's backing and texture */
int vgpu_submit_transfer(struct vgpu_device *dev, struct drm_file *file,
			 u32 handle, const struct vgpu_transfer *t,
			 bool to_host);

#endif
