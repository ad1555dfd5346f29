/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_context.h - an open device file and its rendering context on the host
 */
#ifndef VGPU_CONTEXT_H
#define VGPU_CONTEXT_H

#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <drm/drm_file.h>

struct drm_device;
struct drm_gem_object;
struct vgpu_device;
struct vgpu_timeline;
struct vgpu_vbuf;

/**
 * struct vgpu_context - what belongs to one open device file
 *
 * The host's context is made by the first command that needs it, and then
 * gets every resource the file has a handle of.
 */
struct vgpu_context {
	struct mutex lock;	/* of what names it */
	u32 id;			/* 0: no 3D */
	bool created;		/* lock */
	u32 epoch;		/* life of the device it was created in */
	struct vgpu_vbuf *destroy;	/* made in advance; lock */
	struct xarray handles;	/* resource id -> number of handles; lock */
	struct vgpu_timeline *timeline;
};

static inline struct vgpu_context *to_vgpu_context(struct drm_file *file)
{
	return file->driver_priv;
}

/**
 * vgpu_context_need() - create it on the host, unless that was done
 *
 * Return: 0, -EIO (it was lost in a reset of the device), or another error.
 */
int vgpu_context_need(struct vgpu_device *dev, struct vgpu_context *ctx);

/* struct drm_driver */
int vgpu_context_open(struct drm_device *drm, struct drm_file *file);
void vgpu_context_postclose(struct drm_device *drm, struct drm_file *file);
/* struct drm_gem_object_funcs */
int vgpu_context_gem_open(struct drm_gem_object *obj, struct drm_file *file);
void vgpu_context_gem_close(struct drm_gem_object *obj, struct drm_file *file);

#endif
