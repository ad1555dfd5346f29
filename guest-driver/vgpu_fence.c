// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_fence.c - fences and the timelines they are ordered on
 */
#include <linux/module.h>
#include <linux/slab.h>

#include "vgpu_fence.h"
#include "vgpu_trace.h"
#include "compat.h"

static struct vgpu_fence *to_vgpu_fence(struct dma_fence *f)
{
	return container_of(f, struct vgpu_fence, base);
}

static void timeline_free(struct kref *ref)
{
	kfree(container_of(ref, struct vgpu_timeline, ref));
}

void vgpu_timeline_put(struct vgpu_timeline *tl)
{
	if (tl)
		kref_put(&tl->ref, timeline_free);
}

static const char *driver_name(struct dma_fence *f)
{
	return "virtio_gpu";
}

static const char *timeline_name(struct dma_fence *f)
{
	return "context";
}

/*
 * A sync file may outlive every open device file, and with it the last hold
 * on this module. So every fence holds the module. (All fences are made for an
 * open file, and go with its objects: they do not keep the module for ever.)
 */
static void fence_release(struct dma_fence *f)
{
	struct vgpu_fence *fence = to_vgpu_fence(f);

	vgpu_timeline_put(fence->timeline);	/* never submitted */
	dma_fence_free(f);
	module_put(THIS_MODULE);
}

static const struct dma_fence_ops fence_ops = {
	VGPU_FENCE_64BIT_SEQNO
	.get_driver_name = driver_name,
	.get_timeline_name = timeline_name,
	.release = fence_release,
};

struct vgpu_timeline *vgpu_timeline_new(void)
{
	struct vgpu_timeline *tl = kzalloc(sizeof(*tl), GFP_KERNEL);

	if (!tl)
		return NULL;
	kref_init(&tl->ref);
	INIT_LIST_HEAD(&tl->fences);
	tl->context = dma_fence_context_alloc(1);
	return tl;
}

struct vgpu_fence *vgpu_fence_new(struct vgpu_timeline *tl)
{
	struct vgpu_fence *fence = kzalloc(sizeof(*fence), GFP_KERNEL);

	if (!fence)
		return NULL;
	spin_lock_init(&fence->lock);
	INIT_LIST_HEAD(&fence->node);
	fence->timeline = tl;
	kref_get(&tl->ref);
	__module_get(THIS_MODULE);
	vgpu_fence_init(fence, &fence_ops, tl->context, 0);
	return fence;
}

void vgpu_fence_emit(struct vgpu_fence *fence)
{
	struct vgpu_timeline *tl = fence->timeline;

	if (fence->base.seqno)
		return;
	fence->base.seqno = ++tl->seqno;
	tl->jobs++;
	/* the timeline's: its command may be gone before its turn comes */
	dma_fence_get(&fence->base);
	list_add_tail(&fence->node, &tl->fences);
}

void vgpu_fence_running(struct vgpu_fence *fence)
{
	struct vgpu_timeline *tl = fence->timeline;

	fence->running = true;
	if (!tl->running++)
		tl->busy_since = ktime_get();
}

u64 vgpu_timeline_busy(const struct vgpu_timeline *tl)
{
	u64 ns = tl->busy_ns;

	if (tl->running)
		ns += ktime_to_ns(ktime_sub(ktime_get(), tl->busy_since));
	return ns;
}

/* The host is done with it, or will never be. */
static void stop_running(struct vgpu_fence *fence)
{
	struct vgpu_timeline *tl = fence->timeline;

	if (!fence->running)
		return;
	fence->running = false;
	if (tl->running == 1)
		tl->busy_ns = vgpu_timeline_busy(tl);
	tl->running--;
}

void vgpu_fence_answered(struct vgpu_fence *fence, int error,
			 struct list_head *ready)
{
	struct vgpu_timeline *tl = fence->timeline;
	struct vgpu_fence *f, *next;

	stop_running(fence);
	fence->answered = true;
	fence->error = error;
	list_for_each_entry_safe(f, next, &tl->fences, node) {
		if (!f->answered)
			break;
		list_move_tail(&f->node, ready);
	}
}

void vgpu_fence_signal_list(struct list_head *ready)
{
	struct vgpu_fence *f, *next;

	list_for_each_entry_safe(f, next, ready, node) {
		struct vgpu_timeline *tl = f->timeline;

		list_del_init(&f->node);
		f->timeline = NULL;
		if (f->error)
			dma_fence_set_error(&f->base, f->error);
		trace_vgpu_job_done(f);
		dma_fence_signal(&f->base);
		dma_fence_put(&f->base);
		vgpu_timeline_put(tl);
	}
}
