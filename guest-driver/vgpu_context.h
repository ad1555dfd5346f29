/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_context.h - an open device file and its rendering context on the host
 */
#ifndef VGPU_CONTEXT_H
#define VGPU_CONTEXT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/xarray.h>
#include <drm/drm_file.h>

struct drm_device;
struct drm_gem_object;
struct drm_vgpu_context_init;
struct drm_vgpu_execbuffer;
struct vgpu_device;
struct vgpu_timeline;
struct vgpu_vbuf;

/* Rings of one context; the wire and the UAPI have no more. */
#define VGPU_MAX_RINGS		64
#define VGPU_CONTEXT_NAME_MAX	64

/* Of no life of the device: what has it is refused by the queue. */
#define VGPU_EPOCH_NEVER	0xffffffffu

/**
 * struct vgpu_context - what belongs to one open device file
 *
 * The host's context is made by the first command that needs it, and then
 * gets every resource the file has a handle of. It ends when the file is closed
 * and the last of its commands is with the host.
 */
struct vgpu_context {
	struct kref ref;
	struct vgpu_device *dev;
	struct list_head node;	/* device->files */
	struct mutex lock;	/* of what names it */
	u32 id;			/* 0: no 3D */
	bool created;		/* lock */
	u32 epoch;		/* life of the device it was created in */
	struct vgpu_vbuf *destroy;	/* made in advance; lock */
	struct xarray handles;	/* resource id -> number of handles; lock */
	struct vgpu_timeline *timeline;	/* of what names no ring */
	/* of resources being created: never behind a command that waits */
	struct vgpu_timeline *memory;

	/* by CONTEXT_INIT; fixed once @created */
	u32 capset;
	u64 poll_rings;		/* that send events */
	unsigned int nr_rings;
	struct vgpu_timeline **rings;
	char name[VGPU_CONTEXT_NAME_MAX];

	atomic_t jobs;		/* of it in device->jobs, and their bytes */
	atomic_long_t job_bytes;
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

/** vgpu_context_init() - CONTEXT_INIT */
int vgpu_context_init(struct vgpu_device *dev, struct vgpu_context *ctx,
		      const struct drm_vgpu_context_init *args);

/** vgpu_context_timeline() - what EXECBUFFER names; NULL: there is none */
struct vgpu_timeline *
vgpu_context_timeline(struct vgpu_context *ctx,
		      const struct drm_vgpu_execbuffer *args);

/** vgpu_context_lost() - the host says that it has lost the context @id */
void vgpu_context_lost(struct vgpu_device *dev, u32 id);

static inline void vgpu_context_get(struct vgpu_context *ctx)
{
	kref_get(&ctx->ref);
}

void vgpu_context_put(struct vgpu_context *ctx);

/* struct drm_driver */
int vgpu_context_open(struct drm_device *drm, struct drm_file *file);
void vgpu_context_postclose(struct drm_device *drm, struct drm_file *file);
/* struct drm_gem_object_funcs */
int vgpu_context_gem_open(struct drm_gem_object *obj, struct drm_file *file);
void vgpu_context_gem_close(struct drm_gem_object *obj, struct drm_file *file);

#endif
