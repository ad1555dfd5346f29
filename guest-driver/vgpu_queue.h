/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_queue.h - a virtqueue and the commands that wait for room in it
 */
#ifndef VGPU_QUEUE_H
#define VGPU_QUEUE_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/wait.h>
#include <linux/workqueue.h>

struct virtqueue;
struct vgpu_fence;
struct vgpu_vbuf;
struct vgpu_watchdog;

enum vgpu_queue_state {
	VGPU_QUEUE_OFF,		/* no virtqueue yet: commands wait */
	VGPU_QUEUE_RUNNING,
	VGPU_QUEUE_STOPPING,	/* it is going away: commands wait */
	VGPU_QUEUE_DEAD,	/* commands complete at once with -ENODEV */
};

/** struct vgpu_queue_look - a queue's counters when somebody last looked */
struct vgpu_queue_look {
	ktime_t when;		/* 0: nobody did */
	u64 kicks, interrupts, completed;
};

/**
 * struct vgpu_queue - a virtqueue with a software queue before it
 *
 * vgpu_queue_submit() never sleeps and never fails for want of room: what
 * the ring cannot take waits in @pending, in order. Tasks that make commands
 * without bound call vgpu_queue_wait_room() before they take any lock.
 */
struct vgpu_queue {
	spinlock_t lock;	/* taken in interrupt context */
	const char *name;
	const char *dev_name;	/* for tracing */
	struct virtqueue *vq;	/* NULL: none */
	enum vgpu_queue_state state;
	struct list_head pending;
	struct list_head inflight;
	unsigned int nr_pending;
	unsigned int nr_inflight;
	unsigned int nr_parked;	/* of these; no answer is due */
	unsigned int chain_max;	/* longest chain that always fits */
	bool unkicked;		/* the ring has what the device was not told */
	u64 fence_id;		/* last one given out */
	u32 epoch;		/* life of the device: grows at a reset */
	wait_queue_head_t room;

	/* answered commands that have a @done to be called */
	struct list_head answered;
	struct work_struct work;
	struct delayed_work retry;	/* no memory to fill the ring with */
	struct workqueue_struct *wq;

	/* what notices that the host is dead */
	struct vgpu_watchdog *dog;
	bool watched;			/* the watchdog looks at us */
	struct vgpu_vbuf *ping;		/* not answered yet */
	unsigned long ping_sent;	/* jiffies */
	unsigned long ping_took;	/* the last one; 0: the watchdog knows */
	unsigned long last_answer;	/* jiffies; of anything */

	u64 submitted, completed, failed, kicks, interrupts;	/* debugfs */
};

/* submit, but leave it to vgpu_queue_kick() to tell the device */
#define VGPU_SUBMIT_MORE	1u

int vgpu_queue_init(struct vgpu_queue *q, const char *name,
		    struct vgpu_watchdog *dog);
/* after the last submit */
void vgpu_queue_fini(struct vgpu_queue *q);

/* a virtqueue to use, where there was none; commands are kept until the start */
void vgpu_queue_set_ring(struct vgpu_queue *q, struct virtqueue *vq);
void vgpu_queue_start(struct vgpu_queue *q);
/* before the device's reset; commands are kept from now on */
void vgpu_queue_stopping(struct vgpu_queue *q);
/* after it: forget the virtqueue, which may then be deleted */
void vgpu_queue_detach(struct vgpu_queue *q);
/* when the device has forgotten it, too: everything completes with @error */
void vgpu_queue_fail(struct vgpu_queue *q, int error);
/* the same, and everything to come completes with -ENODEV */
void vgpu_queue_dead(struct vgpu_queue *q);
/* what belongs to the device's life up to now is refused from here on */
void vgpu_queue_new_epoch(struct vgpu_queue *q);

/**
 * vgpu_queue_wait_room() - wait until the queue is not overfull
 *
 * Call without locks. Return: 0, -ERESTARTSYS (a fatal signal) or -ENODEV.
 */
int vgpu_queue_wait_room(struct vgpu_queue *q);

/**
 * vgpu_queue_submit() - hand over a list of commands
 *
 * They enter the ring in this order, with nothing between them. Takes the
 * commands in every case; the list is empty afterwards. May be called in
 * atomic context. Return: 0, -ENODEV, or -EIO: a command belongs to a life of
 * the device that a reset has ended, and all were answered with that error.
 */
int vgpu_queue_submit(struct vgpu_queue *q, struct list_head *cmds,
		      unsigned int flags);
int vgpu_queue_submit_one(struct vgpu_queue *q, struct vgpu_vbuf *vbuf);

/**
 * vgpu_queue_submit_panic() - put commands into the ring, before all that waits
 *
 * In a panic: waits for nothing and allocates nothing of its own. What the ring
 * did not take is left in the list; the slots that are kept for pings help.
 */
void vgpu_queue_submit_panic(struct vgpu_queue *q, struct list_head *cmds);

/** vgpu_queue_emit() - give a fence its place before its command is queued */
void vgpu_queue_emit(struct vgpu_queue *q, struct vgpu_fence *fence);

/**
 * vgpu_queue_ping() - send @cmd before all that waits, by the slot kept for it
 *
 * One at a time: if there is one without an answer, @cmd fails with -EBUSY. Its
 * answer clears queue->ping, whatever it says. Not in atomic context.
 */
void vgpu_queue_ping(struct vgpu_queue *q, struct vgpu_vbuf *cmd);

/** vgpu_queue_busy() - is there anything without an answer? */
bool vgpu_queue_busy(struct vgpu_queue *q);

/** vgpu_queue_epoch() - which life of the device this is; never 0 */
static inline u32 vgpu_queue_epoch(const struct vgpu_queue *q)
{
	return READ_ONCE(q->epoch);
}

/** vgpu_queue_kick() - tell the device, if that is due */
void vgpu_queue_kick(struct vgpu_queue *q);

/** vgpu_queue_interrupt() - the virtqueue's callback */
void vgpu_queue_interrupt(struct vgpu_queue *q);

/** vgpu_queue_flush() - wait until every @done of answered ones was called */
void vgpu_queue_flush(struct vgpu_queue *q);

#endif
