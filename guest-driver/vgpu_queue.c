// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_queue.c - a virtqueue and the commands that wait for room in it
 *
 * DOC: the way of a command
 *
 * submit: the fence gets its number, the command goes to the end of @pending,
 * and @pending is moved into the ring as far as there is room: all under one
 * spinlock, so that the order of fences is the order in the ring. Then one
 * kick. interrupt: the answer is checked, the fence signalled in interrupt
 * context, and a command with a @done callback passed on to a worker, which
 * may sleep. The virtqueue's token is the command, so completion searches
 * nothing.
 */
#include <linux/printk.h>
#include <linux/rcupdate.h>
#include <linux/scatterlist.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "vgpu_queue.h"
#include "vgpu_fence.h"
#include "vgpu_trace.h"
#include "vgpu_vbuf.h"
#include "vgpu_watchdog.h"
#include "compat.h"

/* Commands in @pending from which on tasks have to wait. */
#define PENDING_MAX	64
/* Descriptors that only a ping may use: a command and its answer. */
#define RESERVE		2
/* After an allocation failed in submit. */
#define RETRY_DELAY	msecs_to_jiffies(10)

/*
 * Hand a command to the ring. With indirect descriptors it takes one slot,
 * without as many as it has pieces.
 */
static int ring_add(struct vgpu_queue *q, struct vgpu_vbuf *vbuf)
{
	struct scatterlist sg[VGPU_PAYLOAD_CHUNKS + 2], *out = sg, *in;
	struct scatterlist *sgs[2];
	unsigned int nr_out = vgpu_vbuf_count_out(vbuf), nr_in = 0, i;

	sg_init_table(sg, nr_out);
	sg_set_buf(&sg[0], &vbuf->cmd, vbuf->cmd_len);
	for (i = 1; i < nr_out; i++)
		sg_set_buf(&sg[i], vbuf->payload->chunk[i - 1].data,
			   vbuf->payload->chunk[i - 1].len);
	in = &sg[nr_out];
	if (vbuf->resp_len) {
		sg_init_one(in, vbuf->resp, vbuf->resp_len);
		nr_in = 1;
	}
	sgs[0] = out;
	sgs[1] = in;
	return virtqueue_add_sgs(q->vq, sgs, 1, nr_in, vbuf, GFP_ATOMIC);
}

/* With indirect descriptors a chain takes one slot of the ring. */
static bool fits(struct vgpu_queue *q, struct vgpu_vbuf *vbuf)
{
	unsigned int need = vgpu_vbuf_count_out(vbuf) + !!vbuf->resp_len;

	/* alone it may have the whole ring, which is then not full of others */
	if (vbuf == q->ping || q->nr_inflight == q->nr_parked)
		return true;
	if (virtio_has_feature(q->vq->vdev, VIRTIO_RING_F_INDIRECT_DESC))
		need = 1;
	return q->vq->num_free >= need + RESERVE;
}

/* Move what fits from @pending into the ring. */
static void fill_ring(struct vgpu_queue *q)
{
	struct vgpu_vbuf *vbuf, *next;
	int ret;

	lockdep_assert_held(&q->lock);
	if (q->state != VGPU_QUEUE_RUNNING)
		return;
	list_for_each_entry_safe(vbuf, next, &q->pending, node) {
		if (!fits(q, vbuf))
			break;
		/* before the host can answer it */
		list_move_tail(&vbuf->node, &q->inflight);
		ret = ring_add(q, vbuf);
		if (ret) {
			list_move(&vbuf->node, &q->pending);
			if (virtqueue_is_broken(q->vq))
				vgpu_watchdog_broken(q->dog);
			else if (ret != -ENOSPC ||
				 q->nr_inflight == q->nr_parked)
				queue_delayed_work(q->wq, &q->retry,
						   RETRY_DELAY);
			break;
		}
		q->nr_pending--;
		q->nr_inflight++;
		q->nr_parked += vbuf->parked;
		q->unkicked = true;
		vbuf->sent = ktime_get();
		trace_vgpu_cmd_queue(q, vbuf);
		if (vbuf->fence) {
			vgpu_fence_running(vbuf->fence);
			trace_vgpu_job_run(q, vbuf->fence);
		}
	}
}

/* Returns the virtqueue to notify, without the lock but under RCU, or NULL. */
static struct virtqueue *kick_prepare(struct vgpu_queue *q)
{
	if (q->state != VGPU_QUEUE_RUNNING || !q->unkicked)
		return NULL;
	q->unkicked = false;
	if (!virtqueue_kick_prepare(q->vq))
		return NULL;
	q->kicks++;
	trace_vgpu_kick(q);
	return q->vq;
}

/* The command has its answer, or will have none. Called with the lock. */
static void answer(struct vgpu_queue *q, struct vgpu_vbuf *vbuf, int error,
		   struct list_head *ready)
{
	vbuf->error = error;
	q->completed++;
	if (vbuf == q->ping) {
		q->ping = NULL;
		q->ping_took = jiffies - q->ping_sent;
	}
	trace_vgpu_cmd_response(q, vbuf);
	if (error) {
		q->failed++;
		pr_debug_ratelimited("vgpu: %s: command 0x%x: error %d\n",
				     q->name,
				     le32_to_cpu(vbuf->cmd.hdr.type), error);
	}
	if (vbuf->fence)
		vgpu_fence_answered(vbuf->fence, error, ready);
}

/* What follows from answers; called without the lock, in any context. */
static void after_answers(struct vgpu_queue *q, struct list_head *list,
			  struct list_head *ready)
{
	struct vgpu_vbuf *vbuf, *next;
	unsigned long flags;
	LIST_HEAD(slow);

	vgpu_fence_signal_list(ready);
	list_for_each_entry_safe(vbuf, next, list, node) {
		list_del_init(&vbuf->node);
		if (vbuf->done)
			list_add_tail(&vbuf->node, &slow);
		else
			vgpu_vbuf_free(vbuf);
	}
	if (list_empty(&slow))
		return;
	spin_lock_irqsave(&q->lock, flags);
	list_splice_tail(&slow, &q->answered);
	spin_unlock_irqrestore(&q->lock, flags);
	queue_work(q->wq, &q->work);
}

static void call_done(struct work_struct *work)
{
	struct vgpu_queue *q = container_of(work, struct vgpu_queue, work);
	struct vgpu_vbuf *vbuf, *next;
	LIST_HEAD(list);

	spin_lock_irq(&q->lock);
	list_splice_init(&q->answered, &list);
	spin_unlock_irq(&q->lock);
	list_for_each_entry_safe(vbuf, next, &list, node) {
		list_del_init(&vbuf->node);
		vbuf->done(vbuf);
		vgpu_vbuf_free(vbuf);
	}
}

static void retry(struct work_struct *work)
{
	vgpu_queue_kick(container_of(to_delayed_work(work), struct vgpu_queue,
				     retry));
}

void vgpu_queue_kick(struct vgpu_queue *q)
{
	struct virtqueue *notify;
	unsigned long flags;

	rcu_read_lock();
	spin_lock_irqsave(&q->lock, flags);
	fill_ring(q);
	notify = kick_prepare(q);
	spin_unlock_irqrestore(&q->lock, flags);
	if (notify)
		virtqueue_notify(notify);
	rcu_read_unlock();
}

/* From the first command on until there is nothing without an answer. */
static void watch(struct vgpu_queue *q)
{
	lockdep_assert_held(&q->lock);
	if (q->watched || q->state == VGPU_QUEUE_DEAD)
		return;
	q->watched = true;
	q->last_answer = jiffies;
	vgpu_watchdog_start(q->dog);
}

/* Why none of these can be sent; 0: they can. Called with the lock. */
static int refusal(struct vgpu_queue *q, struct list_head *cmds)
{
	struct vgpu_vbuf *vbuf;

	if (q->state == VGPU_QUEUE_DEAD)
		return -ENODEV;
	list_for_each_entry(vbuf, cmds, node)
		if (vbuf->epoch && vbuf->epoch != q->epoch)
			return -EIO;
	return 0;
}

int vgpu_queue_submit(struct vgpu_queue *q, struct list_head *cmds,
		      unsigned int flags)
{
	struct virtqueue *notify = NULL;
	struct vgpu_vbuf *vbuf;
	unsigned long irqflags;
	LIST_HEAD(ready);
	LIST_HEAD(refused);
	int error;

	rcu_read_lock();
	spin_lock_irqsave(&q->lock, irqflags);
	error = refusal(q, cmds);
	list_for_each_entry(vbuf, cmds, node) {
		q->submitted++;
		if (vbuf->fence) {
			vgpu_fence_emit(vbuf->fence);
			vgpu_cmd_set_fence(&vbuf->cmd, ++q->fence_id);
			trace_vgpu_job_queue(q, vbuf->fence);
		}
		if (error)
			answer(q, vbuf, error, &ready);
		else
			q->nr_pending++;
	}
	list_splice_tail_init(cmds, error ? &refused : &q->pending);
	fill_ring(q);
	watch(q);
	if (!(flags & VGPU_SUBMIT_MORE))
		notify = kick_prepare(q);
	spin_unlock_irqrestore(&q->lock, irqflags);

	if (notify)
		virtqueue_notify(notify);
	rcu_read_unlock();
	if (error)
		after_answers(q, &refused, &ready);
	return error;
}

int vgpu_queue_submit_one(struct vgpu_queue *q, struct vgpu_vbuf *vbuf)
{
	LIST_HEAD(list);

	list_add(&vbuf->node, &list);
	return vgpu_queue_submit(q, &list, 0);
}

void vgpu_queue_submit_panic(struct vgpu_queue *q, struct list_head *cmds)
{
	struct virtqueue *notify = NULL;
	struct vgpu_vbuf *vbuf, *next;
	unsigned long flags;

	/* whoever has it may never give it back */
	if (!spin_trylock_irqsave(&q->lock, flags))
		return;
	list_for_each_entry_safe(vbuf, next, cmds, node) {
		if (q->state != VGPU_QUEUE_RUNNING || ring_add(q, vbuf))
			break;
		list_move_tail(&vbuf->node, &q->inflight);
		vbuf->sent = ns_to_ktime(ktime_get_mono_fast_ns());
		q->submitted++;
		q->nr_inflight++;
		q->unkicked = true;
	}
	notify = kick_prepare(q);
	spin_unlock_irqrestore(&q->lock, flags);
	if (notify)
		virtqueue_notify(notify);
}

void vgpu_queue_emit(struct vgpu_queue *q, struct vgpu_fence *fence)
{
	unsigned long flags;

	spin_lock_irqsave(&q->lock, flags);
	vgpu_fence_emit(fence);
	spin_unlock_irqrestore(&q->lock, flags);
}

void vgpu_queue_ping(struct vgpu_queue *q, struct vgpu_vbuf *cmd)
{
	int error = 0;

	spin_lock_irq(&q->lock);
	if (q->state == VGPU_QUEUE_DEAD)
		error = -ENODEV;
	else if (q->ping)
		error = -EBUSY;
	if (!error) {
		q->submitted++;
		q->ping = cmd;
		q->ping_sent = jiffies;
		q->nr_pending++;
		list_add(&cmd->node, &q->pending);
	}
	spin_unlock_irq(&q->lock);
	if (!error) {
		vgpu_queue_kick(q);
		return;
	}
	cmd->error = error;
	if (cmd->done)
		cmd->done(cmd);
	vgpu_vbuf_free(cmd);
}

bool vgpu_queue_busy(struct vgpu_queue *q)
{
	bool busy;

	spin_lock_irq(&q->lock);
	busy = q->nr_inflight > q->nr_parked || q->nr_pending;
	if (!busy)
		q->watched = false;
	spin_unlock_irq(&q->lock);
	return busy;
}

static bool has_room(struct vgpu_queue *q)
{
	return READ_ONCE(q->nr_pending) < PENDING_MAX ||
	       READ_ONCE(q->state) == VGPU_QUEUE_DEAD;
}

int vgpu_queue_wait_room(struct vgpu_queue *q)
{
	if (!has_room(q) && wait_event_killable(q->room, has_room(q)))
		return -ERESTARTSYS;
	return READ_ONCE(q->state) == VGPU_QUEUE_DEAD ? -ENODEV : 0;
}

void vgpu_queue_interrupt(struct vgpu_queue *q)
{
	struct virtqueue *notify;
	struct vgpu_vbuf *vbuf;
	unsigned long flags;
	unsigned int len;
	LIST_HEAD(list);
	LIST_HEAD(ready);

	rcu_read_lock();
	spin_lock_irqsave(&q->lock, flags);
	if (q->state != VGPU_QUEUE_RUNNING) {
		spin_unlock_irqrestore(&q->lock, flags);
		rcu_read_unlock();
		return;
	}
	q->interrupts++;
	trace_vgpu_interrupt(q);
	do {
		virtqueue_disable_cb(q->vq);
		while ((vbuf = virtqueue_get_buf(q->vq, &len))) {
			q->last_answer = jiffies;
			q->nr_inflight--;
			q->nr_parked -= vbuf->parked;
			list_move_tail(&vbuf->node, &list);
			answer(q, vbuf, vgpu_vbuf_check(vbuf, len), &ready);
		}
	} while (!virtqueue_enable_cb(q->vq) && !virtqueue_is_broken(q->vq));
	if (virtqueue_is_broken(q->vq))
		vgpu_watchdog_broken(q->dog);
	fill_ring(q);
	notify = kick_prepare(q);
	spin_unlock_irqrestore(&q->lock, flags);

	if (notify)
		virtqueue_notify(notify);
	rcu_read_unlock();
	if (wq_has_sleeper(&q->room) && has_room(q))
		wake_up_all(&q->room);
	after_answers(q, &list, &ready);
}

void vgpu_queue_set_ring(struct vgpu_queue *q, struct virtqueue *vq)
{
	spin_lock_irq(&q->lock);
	q->vq = vq;
	q->state = VGPU_QUEUE_STOPPING;
	q->chain_max = virtqueue_get_vring_size(vq);
	q->unkicked = false;
	q->ping_took = 0;
	spin_unlock_irq(&q->lock);
}

void vgpu_queue_start(struct vgpu_queue *q)
{
	spin_lock_irq(&q->lock);
	q->state = VGPU_QUEUE_RUNNING;
	q->last_answer = jiffies;
	spin_unlock_irq(&q->lock);
	vgpu_queue_kick(q);
	if (wq_has_sleeper(&q->room))
		wake_up_all(&q->room);
}

void vgpu_queue_stopping(struct vgpu_queue *q)
{
	spin_lock_irq(&q->lock);
	if (q->state != VGPU_QUEUE_DEAD)
		q->state = VGPU_QUEUE_STOPPING;
	spin_unlock_irq(&q->lock);
}

/*
 * The commands in the ring are found by our own list; what the ring's tokens
 * say is only drained.
 */
void vgpu_queue_detach(struct vgpu_queue *q)
{
	spin_lock_irq(&q->lock);
	if (q->vq) {
		while (virtqueue_detach_unused_buf(q->vq))
			;
		q->vq = NULL;
	}
	spin_unlock_irq(&q->lock);
	/* whoever is about to notify the virtqueue */
	synchronize_rcu();
}

/*
 * Only now are commands and backing the guest's again: a transport may tell
 * the device to stop no sooner than its virtqueues are deleted (virtio_uml).
 */
void vgpu_queue_fail(struct vgpu_queue *q, int error)
{
	struct vgpu_vbuf *vbuf;
	LIST_HEAD(list);
	LIST_HEAD(ready);

	spin_lock_irq(&q->lock);
	list_splice_tail_init(&q->inflight, &list);
	list_splice_tail_init(&q->pending, &list);
	q->nr_inflight = 0;
	q->nr_parked = 0;
	q->nr_pending = 0;
	list_for_each_entry(vbuf, &list, node)
		answer(q, vbuf, error, &ready);
	spin_unlock_irq(&q->lock);

	wake_up_all(&q->room);
	after_answers(q, &list, &ready);
}

void vgpu_queue_dead(struct vgpu_queue *q)
{
	spin_lock_irq(&q->lock);
	q->state = VGPU_QUEUE_DEAD;
	spin_unlock_irq(&q->lock);
	vgpu_queue_fail(q, -ENODEV);
}

void vgpu_queue_new_epoch(struct vgpu_queue *q)
{
	spin_lock_irq(&q->lock);
	if (!++q->epoch)
		q->epoch = 1;
	spin_unlock_irq(&q->lock);
}

void vgpu_queue_flush(struct vgpu_queue *q)
{
	flush_work(&q->work);
}

int vgpu_queue_init(struct vgpu_queue *q, const char *name,
		    struct vgpu_watchdog *dog)
{
	spin_lock_init(&q->lock);
	q->name = name;
	q->dog = dog;
	q->state = VGPU_QUEUE_OFF;
	q->epoch = 1;
	INIT_LIST_HEAD(&q->pending);
	INIT_LIST_HEAD(&q->inflight);
	INIT_LIST_HEAD(&q->answered);
	init_waitqueue_head(&q->room);
	INIT_WORK(&q->work, call_done);
	INIT_DELAYED_WORK(&q->retry, retry);
	q->wq = alloc_workqueue("vgpu-%s", WQ_HIGHPRI | WQ_MEM_RECLAIM |
				WQ_UNBOUND, 0, name);
	return q->wq ? 0 : -ENOMEM;
}

void vgpu_queue_fini(struct vgpu_queue *q)
{
	if (!q->wq)
		return;
	cancel_delayed_work_sync(&q->retry);
	destroy_workqueue(q->wq);
	q->wq = NULL;
}
