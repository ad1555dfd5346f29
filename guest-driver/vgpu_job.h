/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_job.h - commands that may not go to the host yet
 */
#ifndef VGPU_JOB_H
#define VGPU_JOB_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct drm_gem_object;
struct vgpu_context;
struct vgpu_deps;
struct vgpu_device;
struct vgpu_job;
struct vgpu_timeline;
struct vgpu_vbuf;

/* What of one context may wait here; more has to wait in its ioctl. */
#define VGPU_JOBS_MAX		64
#define VGPU_JOBS_MAX_BYTES	(64u << 20)

/** struct vgpu_jobs - of one device */
struct vgpu_jobs {
	struct mutex lock;	/* of what follows, and of sending from @list */
	struct list_head list;	/* oldest first */
	struct list_head done;	/* sent, to be freed by @work */
	bool dead;		/* nothing waits any more */
	u64 round;		/* of going through it; lock */
	struct work_struct work;	/* on the control queue's */
	wait_queue_head_t room;
};

void vgpu_jobs_init(struct vgpu_device *dev);

/** vgpu_jobs_stop() - after the queues are dead: everything fails */
void vgpu_jobs_stop(struct vgpu_device *dev);
void vgpu_jobs_fini(struct vgpu_device *dev);

/** vgpu_jobs_wait_room() - interruptible, no locks held; 0 or -ERESTARTSYS */
int vgpu_jobs_wait_room(struct vgpu_device *dev, struct vgpu_context *ctx);

/** vgpu_jobs_needed() - can a command with these go straight to the queue? */
bool vgpu_jobs_needed(struct vgpu_device *dev, const struct vgpu_deps *deps);

/**
 * vgpu_job_new() - room for a command and what it uses
 * @deps: NULL: none; what it holds goes to the job
 *
 * Return: NULL if there is no memory.
 */
struct vgpu_job *vgpu_job_new(struct vgpu_device *dev,
			      struct vgpu_context *ctx, struct vgpu_deps *deps);
void vgpu_job_free(struct vgpu_job *job);

/**
 * vgpu_job_push() - send @cmd when its turn has come
 * @tl: the order it is part of, or NULL: only of its objects'
 * @objs: in a kvmalloc array, which the job takes with the references
 *
 * It comes after everything here that is on the same timeline or uses one of
 * the objects. Takes the command; cannot fail.
 */
void vgpu_job_push(struct vgpu_job *job, struct vgpu_vbuf *cmd, size_t bytes,
		   struct vgpu_timeline *tl, struct drm_gem_object **objs,
		   unsigned int nr_objs);

/**
 * vgpu_job_after() - send @cmd after what uses @obj; it must not be fenced
 *
 * Without memory it goes at once. Takes the command.
 */
void vgpu_job_after(struct vgpu_device *dev, struct vgpu_context *ctx,
		    struct vgpu_vbuf *cmd, struct drm_gem_object *obj);

#endif
