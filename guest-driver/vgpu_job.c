// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_job.c - commands that may not go to the host yet
 *
 * DOC: in-fences do not block
 *
 * A command with an unsignalled in-fence waits here and its ioctl returns. Its
 * own fence has a place in its timeline from then on. The order of commands in
 * the ring is what one program relies on when it uses what another has drawn,
 * so a later command waits behind it if it is on the same timeline or uses one
 * of its objects; everything else passes. As long as nothing waits here, which
 * is nearly always, commands go straight to the queue and this costs one look
 * at an empty list.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <drm/drm_gem.h>

#include "vgpu_job.h"
#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_fence.h"
#include "vgpu_gem.h"
#include "vgpu_sync.h"
#include "vgpu_vbuf.h"

/** struct dep - a fence that a job waits for */
struct dep {
	struct dma_fence_cb cb;
	struct dma_fence *fence;
	struct vgpu_job *job;
};

struct vgpu_job {
	struct list_head node;	/* jobs->list; jobs->lock */
	struct vgpu_device *dev;
	struct vgpu_context *ctx;	/* a reference */
	struct vgpu_timeline *tl;	/* a reference, or NULL */
	struct vgpu_vbuf *cmd;
	size_t bytes;
	struct drm_gem_object **objs;	/* a reference each */
	unsigned int nr_objs;
	atomic_t waits;		/* fences to come */
	u32 nr_deps;
	struct dep deps[];
};

struct vgpu_job *vgpu_job_new(struct vgpu_device *dev,
			      struct vgpu_context *ctx, struct vgpu_deps *deps)
{
	u32 nr = deps ? deps->nr : 0, i;
	struct vgpu_job *job;

	job = kvzalloc(struct_size(job, deps, nr), GFP_KERNEL_ACCOUNT);
	if (!job)
		return NULL;
	INIT_LIST_HEAD(&job->node);
	job->dev = dev;
	job->ctx = ctx;
	vgpu_context_get(ctx);
	job->nr_deps = nr;
	for (i = 0; i < nr; i++) {
		INIT_LIST_HEAD(&job->deps[i].cb.node);
		job->deps[i].job = job;
		job->deps[i].fence = deps->fences[i];
	}
	if (deps)
		deps->nr = 0;
	return job;
}

/* May free objects and the context, which queue commands in turn. */
void vgpu_job_free(struct vgpu_job *job)
{
	u32 i;

	if (!job)
		return;
	for (i = 0; i < job->nr_deps; i++) {
		dma_fence_remove_callback(job->deps[i].fence, &job->deps[i].cb);
		dma_fence_put(job->deps[i].fence);
	}
	for (i = 0; i < job->nr_objs; i++)
		drm_gem_object_put(job->objs[i]);
	kvfree(job->objs);
	vgpu_vbuf_free(job->cmd);
	vgpu_timeline_put(job->tl);
	vgpu_context_put(job->ctx);
	kvfree(job);
}

/* Has to wait for its fences, or for one before it that does. */
static bool blocked(struct vgpu_job *job, u64 round)
{
	unsigned int i;

	if (atomic_read(&job->waits))
		return true;
	if (job->tl && job->tl->gate == round)
		return true;
	for (i = 0; i < job->nr_objs; i++)
		if (to_vgpu_bo(job->objs[i])->gate == round)
			return true;
	return false;
}

/* And what comes behind it. */
static void block(struct vgpu_job *job, u64 round)
{
	unsigned int i;

	if (job->tl)
		job->tl->gate = round;
	for (i = 0; i < job->nr_objs; i++)
		to_vgpu_bo(job->objs[i])->gate = round;
}

static void send(struct vgpu_job *job)
{
	struct vgpu_vbuf *cmd = job->cmd;

	job->cmd = NULL;
	vgpu_queue_submit_one(&job->dev->ctrl, cmd);
	atomic_dec(&job->ctx->jobs);
	atomic_long_sub(job->bytes, &job->ctx->job_bytes);
}

/* Send what can go, and leave it to the worker to free it. */
static void go_through(struct vgpu_device *dev)
{
	struct vgpu_jobs *jobs = &dev->jobs;
	struct vgpu_job *job, *next;

	lockdep_assert_held(&jobs->lock);
	jobs->round++;
	list_for_each_entry_safe(job, next, &jobs->list, node) {
		if (blocked(job, jobs->round)) {
			block(job, jobs->round);
			continue;
		}
		list_move_tail(&job->node, &jobs->done);
		send(job);
	}
}

/* Freeing an object or a context takes locks and queues commands. */
static void free_done(struct vgpu_device *dev)
{
	struct vgpu_job *job, *next;
	LIST_HEAD(done);

	mutex_lock(&dev->jobs.lock);
	list_splice_init(&dev->jobs.done, &done);
	mutex_unlock(&dev->jobs.lock);
	if (list_empty(&done))
		return;
	wake_up_all(&dev->jobs.room);
	list_for_each_entry_safe(job, next, &done, node) {
		list_del_init(&job->node);
		vgpu_job_free(job);
	}
}

static void jobs_work(struct work_struct *work)
{
	struct vgpu_device *dev = container_of(work, struct vgpu_device,
					       jobs.work);

	mutex_lock(&dev->jobs.lock);
	go_through(dev);
	mutex_unlock(&dev->jobs.lock);
	free_done(dev);
}

/* In any context, under the lock of a fence that is not ours. */
static void dep_signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_job *job = container_of(cb, struct dep, cb)->job;
	struct vgpu_device *dev = job->dev;

	/* freeing the job waits for us, by the lock of the fence */
	if (atomic_dec_and_test(&job->waits))
		queue_work(dev->ctrl.wq, &dev->jobs.work);
}

/* Under the lock, so that it cannot be sent half armed. */
static void arm(struct vgpu_job *job)
{
	u32 i;

	atomic_set(&job->waits, job->nr_deps);
	for (i = 0; i < job->nr_deps; i++)
		if (dma_fence_add_callback(job->deps[i].fence,
					   &job->deps[i].cb, dep_signalled))
			atomic_dec(&job->waits);
}

void vgpu_job_push(struct vgpu_job *job, struct vgpu_vbuf *cmd, size_t bytes,
		   struct vgpu_timeline *tl, struct drm_gem_object **objs,
		   unsigned int nr_objs)
{
	struct vgpu_device *dev = job->dev;
	struct vgpu_jobs *jobs = &dev->jobs;

	job->cmd = cmd;
	job->bytes = bytes;
	job->objs = objs;
	job->nr_objs = nr_objs;
	job->tl = tl;
	if (tl)
		kref_get(&tl->ref);
	atomic_inc(&job->ctx->jobs);
	atomic_long_add(bytes, &job->ctx->job_bytes);

	mutex_lock(&jobs->lock);
	if (cmd->fence)
		vgpu_queue_emit(&dev->ctrl, cmd->fence);
	list_add_tail(&job->node, &jobs->list);
	if (!jobs->dead)
		arm(job);
	go_through(dev);
	if (!list_empty(&jobs->done))
		queue_work(dev->ctrl.wq, &jobs->work);
	mutex_unlock(&jobs->lock);
}

void vgpu_job_after(struct vgpu_device *dev, struct vgpu_context *ctx,
		    struct vgpu_vbuf *cmd, struct drm_gem_object *obj)
{
	struct drm_gem_object **objs = NULL;
	struct vgpu_job *job = NULL;

	if (vgpu_jobs_needed(dev, NULL)) {
		objs = kvmalloc_array(1, sizeof(*objs), GFP_KERNEL);
		job = objs ? vgpu_job_new(dev, ctx, NULL) : NULL;
	}
	if (!job) {
		kvfree(objs);
		vgpu_queue_submit_one(&dev->ctrl, cmd);
		return;
	}
	drm_gem_object_get(obj);
	objs[0] = obj;
	vgpu_job_push(job, cmd, 0, NULL, objs, 1);
}

bool vgpu_jobs_needed(struct vgpu_device *dev, const struct vgpu_deps *deps)
{
	/* what another task adds at this moment is in no order with us */
	return (deps && deps->nr) || !list_empty_careful(&dev->jobs.list);
}

static bool has_room(struct vgpu_device *dev, struct vgpu_context *ctx)
{
	return (atomic_read(&ctx->jobs) < VGPU_JOBS_MAX &&
		atomic_long_read(&ctx->job_bytes) < VGPU_JOBS_MAX_BYTES) ||
	       READ_ONCE(dev->jobs.dead);
}

int vgpu_jobs_wait_room(struct vgpu_device *dev, struct vgpu_context *ctx)
{
	if (has_room(dev, ctx))
		return 0;
	/* it may be the task's own turn to signal what all this waits for */
	if (wait_event_interruptible(dev->jobs.room, has_room(dev, ctx)))
		return -ERESTARTSYS;
	return 0;
}

void vgpu_jobs_init(struct vgpu_device *dev)
{
	mutex_init(&dev->jobs.lock);
	INIT_LIST_HEAD(&dev->jobs.list);
	INIT_LIST_HEAD(&dev->jobs.done);
	INIT_WORK(&dev->jobs.work, jobs_work);
	init_waitqueue_head(&dev->jobs.room);
}

void vgpu_jobs_stop(struct vgpu_device *dev)
{
	struct vgpu_job *job;
	u32 i;

	mutex_lock(&dev->jobs.lock);
	WRITE_ONCE(dev->jobs.dead, true);
	list_for_each_entry(job, &dev->jobs.list, node) {
		for (i = 0; i < job->nr_deps; i++)
			dma_fence_remove_callback(job->deps[i].fence,
						  &job->deps[i].cb);
		atomic_set(&job->waits, 0);
	}
	go_through(dev);
	mutex_unlock(&dev->jobs.lock);
	free_done(dev);
	wake_up_all(&dev->jobs.room);
}

void vgpu_jobs_fini(struct vgpu_device *dev)
{
	cancel_work_sync(&dev->jobs.work);
	free_done(dev);
	mutex_destroy(&dev->jobs.lock);
}
