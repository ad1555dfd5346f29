// SPDX-License-Identifier: MIT
/*
 * vring_io.c - chains taken from and given back to the driver
 */
#include "ring/vring_private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>
#include "ring/guest_mem.h"

/* ---- pop ---- */

static int break_ring(struct vring *vr, int ret, unsigned int head,
		      const char *why)
{
	vr->broken = true;
	log_peer(&vr->limit, "queue %u: broken by the guest at head %u: %s",
		 vr->index, head, why);
	return ret;
}

static int read_chain(struct vring *vr, uint16_t head, bool replayed,
		      struct vring_elem **elem)
{
	const char *why = "";
	struct elem *e = vring_elem_new(vr);
	int ret;

	if (!e)
		return break_ring(vr, -ENOMEM, head, "no memory");
	ret = chain_read(&vr->table, vr->mem, head, &e->e, &why);
	if (ret) {
		vring_elem_recycle(vr, e);
		return break_ring(vr, ret, head, why);
	}
	e->e.mem = guest_mem_get(vr->mem);
	e->e.head = head;
	e->e.replayed = replayed;
	e->incarnation = vr->incarnation;
	e->out_next = vr->out;
	e->out_link = &vr->out;
	if (vr->out)
		vr->out->out_link = &e->out_next;
	vr->out = e;
	*elem = &e->e;
	return 1;
}

static int pop_new(struct vring *vr, struct vring_elem **elem)
{
	struct vgpu_ledger_ring *l = vr->ledger;
	uint16_t ready = (uint16_t)(avail_idx(vr) - vr->last_avail);
	uint64_t seq = vr->next_seq;
	uint16_t head;
	int ret;

	if (!ready)
		return 0;
	if (ready > vr->config.num)
		return break_ring(vr, -EPROTO, vr->last_avail,
				  "avail index jumped");
	head = avail_head(vr, vr->last_avail);
	if (head >= vr->config.num)
		return break_ring(vr, -EPROTO, head, "head out of range");
	if (atomic_load_explicit(&l->seq[head], memory_order_relaxed))
		return break_ring(vr, -EPROTO, head, "head is in use");
	ret = read_chain(vr, head, false, elem);
	if (ret < 0)
		return ret;

	(*elem)->seq = seq;
	vr->next_seq++;
	vr->last_avail++;
	atomic_store_explicit(&l->seq[head], seq, memory_order_release);
	atomic_store_explicit(&l->next_seq, vr->next_seq, memory_order_release);
	atomic_store_explicit(&l->last_avail, vr->last_avail,
			      memory_order_release);
	return 1;
}

int vring_pop(struct vring *vr, struct vring_elem **elem)
{
	uint16_t head;
	int ret;

	if (!vr->running)
		return 0;
	if (vr->broken)
		return -EPROTO;
	if (vr->replay_at == vr->replay_n)
		return pop_new(vr, elem);

	head = vr->replay[vr->replay_at];
	ret = read_chain(vr, head, true, elem);
	if (ret > 0)
		(*elem)->seq = ++vr->replay_at;
	return ret;
}

/* ---- push ---- */

void vring_answer(struct vring *vr, struct elem *e, uint32_t len)
{
	struct vgpu_ledger_ring *l = vr->ledger;
	uint16_t head = e->e.head;
	struct used_elem *slot =
		&vr->used->ring[vr->used_idx & (vr->config.num - 1)];

	if (len > e->e.in_len)
		len = (uint32_t)e->e.in_len;
	vring_unbounce(e, len);
	__atomic_store_n(&slot->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->len, len, __ATOMIC_RELAXED);
	vr->used_idx++;
	atomic_store_explicit(&l->push_idx, vr->used_idx, memory_order_release);
	atomic_store_explicit(&l->push_head, head, memory_order_release);
	__atomic_store_n(&vr->used->idx, vr->used_idx, __ATOMIC_RELEASE);
	atomic_store_explicit(&l->seq[head], 0, memory_order_release);
	atomic_store_explicit(&l->push_head, PUSH_NONE, memory_order_release);
	vr->pushed = true;
	vring_elem_recycle(vr, e);
}

static struct elem *to_elem(struct vring_elem *e)
{
	return (struct elem *)e;
}

void vring_push(struct vring *vr, struct vring_elem *elem, uint32_t len)
{
	struct elem *e = to_elem(elem);

	*e->out_link = e->out_next;
	if (e->out_next)
		e->out_next->out_link = e->out_link;
	if (e->incarnation != vr->incarnation) {
		vring_elem_recycle(vr, e);
		return;
	}
	if (vr->running) {
		vring_answer(vr, e, len);
		return;
	}
	e->len = len;
	e->e.next = NULL;
	*vr->kept_end = e;
	vr->kept_end = (struct elem **)&e->e.next;
}

static bool driver_wants_call(struct vring *vr)
{
	uint16_t event, old = vr->notified_idx;

	if (!vr->event_idx)
		return !(__atomic_load_n(&vr->avail->flags, __ATOMIC_RELAXED) &
			 AVAIL_F_NO_INTERRUPT);
	if (!vr->notified_valid)
		return true;
	/* used_event lies behind the avail ring */
	event = __atomic_load_n(&vr->avail->ring[vr->config.num],
				__ATOMIC_RELAXED);
	return (uint16_t)(vr->used_idx - event - 1) <
		(uint16_t)(vr->used_idx - old);
}

static void call(struct vring *vr)
{
	const uint64_t one = 1;

	if (vr->config.call_fd >= 0 &&
	    write(vr->config.call_fd, &one, sizeof(one)) < 0 &&
	    errno != EAGAIN)
		log_peer(&vr->limit, "queue %u: call: %s", vr->index,
			 strerror(errno));
}

void vring_set_call(struct vring *vr, int call_fd)
{
	if (vr->config.call_fd >= 0)
		close(vr->config.call_fd);
	vr->config.call_fd = -1;
	if (vr->running) {
		vr->config.call_fd = call_fd;
		call(vr);
	} else if (call_fd >= 0) {
		close(call_fd);
	}
}

void vring_notify(struct vring *vr)
{
	bool wanted;

	if (!vr->running || !vr->pushed)
		return;
	/* The used index must be visible before the driver's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wanted = driver_wants_call(vr);
	vr->pushed = false;
	vr->notified_idx = vr->used_idx;
	vr->notified_valid = true;
	if (wanted)
		call(vr);
}

bool vring_enable_kick(struct vring *vr, bool enable)
{
	if (!vr->running || vr->broken)
		return false;
	if (!enable) {
		/* With the event index it is enough not to move it. */
		if (!vr->event_idx)
			__atomic_store_n(&vr->used->flags, USED_F_NO_NOTIFY,
					 __ATOMIC_RELAXED);
		return false;
	}
	if (vr->event_idx)	/* avail_event lies behind the used ring */
		__atomic_store_n((uint16_t *)&vr->used->ring[vr->config.num],
				 vr->last_avail, __ATOMIC_RELAXED);
	else
		__atomic_store_n(&vr->used->flags, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return vr->replay_at < vr->replay_n ||
		avail_idx(vr) != vr->last_avail;
}
