/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_sync.h - what a command of user space waits for, and what waits for it
 */
#ifndef VGPU_SYNC_H
#define VGPU_SYNC_H

#include <linux/types.h>

struct dma_fence;
struct drm_device;
struct drm_file;
struct drm_vgpu_execbuffer;
struct vgpu_event;
struct vgpu_fence;

/* Fences that one command may wait for, syncobjs that it may name. */
#define VGPU_SYNC_MAX	(64u << 10)

/** struct vgpu_deps - unsignalled fences of other timelines */
struct vgpu_deps {
	u64 own;		/* context of the timeline that needs no wait */
	u32 nr, room;
	struct dma_fence **fences;	/* a reference each */
};

/** vgpu_deps_add() - everything in @fence, be it a chain or an array */
int vgpu_deps_add(struct vgpu_deps *deps, struct dma_fence *fence);
void vgpu_deps_fini(struct vgpu_deps *deps);

/** struct vgpu_syncobjs - those of one command, with a reference each */
struct vgpu_syncobjs {
	struct vgpu_syncobj *list;
	u32 nr;
};

/** vgpu_syncobjs_in() - add what they hold to @deps; keep those to reset */
int vgpu_syncobjs_in(struct vgpu_syncobjs *s, struct drm_file *file,
		     const struct drm_vgpu_execbuffer *args,
		     struct vgpu_deps *deps);

/** vgpu_syncobjs_out() - get hold of them, so that nothing can fail later */
int vgpu_syncobjs_out(struct vgpu_syncobjs *s, struct drm_file *file,
		      const struct drm_vgpu_execbuffer *args);

/** vgpu_syncobjs_set() - let each hold @fence; NULL: nothing */
void vgpu_syncobjs_set(struct vgpu_syncobjs *s, struct dma_fence *fence);
void vgpu_syncobjs_fini(struct vgpu_syncobjs *s);

/**
 * vgpu_event_new() - reserve room in the file's event queue
 *
 * Return: an event, to be armed or dropped, or an ERR_PTR.
 */
struct vgpu_event *vgpu_event_new(struct drm_device *drm,
				  struct drm_file *file);
void vgpu_event_drop(struct vgpu_event *event);
/** vgpu_event_arm() - send it when @fence signals; gives it away */
void vgpu_event_arm(struct vgpu_event *event, struct vgpu_fence *fence);

#endif
