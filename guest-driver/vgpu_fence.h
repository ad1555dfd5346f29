/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_fence.h - fences and the timelines they are ordered on
 */
#ifndef VGPU_FENCE_H
#define VGPU_FENCE_H

#include <linux/dma-fence.h>
#include <linux/kref.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>

/**
 * struct vgpu_timeline - an order in which fences signal
 *
 * The host may answer in any order. dma-buf users rely on the fences of one
 * timeline signalling in order, so one that is early waits for those before.
 */
struct vgpu_timeline {
	struct kref ref;
	u64 context;
	u64 seqno;		/* of the newest fence; control queue's lock */
	/* unsignalled, with a reference each; control queue's lock */
	struct list_head fences;
	u64 gate;		/* round in which it was held up; jobs.lock */

	/* for fdinfo and tracing; control queue's lock */
	u64 client_id;		/* of the open file; fixed */
	unsigned int running;	/* fences the host works on */
	ktime_t busy_since;	/* @running is not 0 since then */
	u64 busy_ns;		/* before that */
	u64 jobs;		/* fences emitted */
};

/** struct vgpu_fence - signals when the host has answered its command */
struct vgpu_fence {
	struct dma_fence base;	/* first: freed as struct dma_fence */
	spinlock_t lock;	/* of @base */
	struct list_head node;	/* timeline->fences; control queue's lock */
	struct vgpu_timeline *timeline;	/* reference until signalled */
	bool answered;		/* control queue's lock */
	bool running;		/* control queue's lock */
	int error;		/* to be set at signalling */
};

struct vgpu_timeline *vgpu_timeline_new(void);
void vgpu_timeline_put(struct vgpu_timeline *tl);

/**
 * vgpu_fence_new() - a fence without a place in its timeline
 *
 * Until vgpu_fence_emit(), which cannot fail, it must not be shown to anybody.
 */
struct vgpu_fence *vgpu_fence_new(struct vgpu_timeline *tl);

static inline void vgpu_fence_get(struct vgpu_fence *fence)
{
	dma_fence_get(&fence->base);
}

static inline void vgpu_fence_put(struct vgpu_fence *fence)
{
	dma_fence_put(&fence->base);
}

/**
 * vgpu_fence_emit() - give it its place, unless it has one
 *
 * Under the control queue's lock.
 */
void vgpu_fence_emit(struct vgpu_fence *fence);

/** vgpu_fence_running() - the host has it; under the control queue's lock */
void vgpu_fence_running(struct vgpu_fence *fence);

/**
 * vgpu_timeline_busy() - nanoseconds in which the host had work of it
 *
 * Under the control queue's lock.
 */
u64 vgpu_timeline_busy(const struct vgpu_timeline *tl);

/**
 * vgpu_fence_answered() - the host is done; under the control queue's lock
 *
 * Moves to @ready, with the timeline's reference, what may now signal.
 */
void vgpu_fence_answered(struct vgpu_fence *fence, int error,
			 struct list_head *ready);

/** vgpu_fence_signal_list() - wake the waiters; without the queue's lock */
void vgpu_fence_signal_list(struct list_head *ready);

#endif
