/* SPDX-License-Identifier: MIT */
/*
 * vring_private.h - what the files of a vring share
 *
 * vring.c starts and stops, vring_resume.c finds the position in the ledger,
 * vring_io.c pops and pushes.
 *
 * Theory of operation of the ledger's ring (protocol/vgpu_ledger.h). A worker
 * may die between any two stores below; its successor must neither lose a chain
 * nor answer one twice. The order of stores is:
 *
 *   pop:   seq[head] = s;  next_seq = s + 1;  last_avail++
 *   push:  used entry;  push_idx = idx + 1;  push_head = head;
 *          used->idx = idx + 1;  seq[head] = 0;  push_head = none
 *
 * A pop torn before last_avail moved shows as the youngest chain in flight being
 * next on the avail ring too: a driver can not put a head there that it has not
 * got back. A push torn after used->idx moved shows as push_head in flight with
 * used->idx equal to push_idx. push_head is "none" whenever no push is under
 * way, or the next use of the same head would look like that.
 */
#ifndef RING_VRING_PRIVATE_H
#define RING_VRING_PRIVATE_H

#include "base/log.h"
#include "protocol/vgpu_ledger.h"
#include "ring/chain.h"
#include "ring/vring.h"

#define AVAIL_F_NO_INTERRUPT	1
#define USED_F_NO_NOTIFY	1

#define PUSH_NONE	UINT32_MAX

struct avail_ring {
	uint16_t flags;
	uint16_t idx;
	uint16_t ring[];	/* then used_event */
};

struct used_elem {
	uint32_t id;
	uint32_t len;
};

struct used_ring {
	uint16_t flags;
	uint16_t idx;
	struct used_elem ring[];	/* then avail_event */
};

struct elem {
	struct vring_elem e;		/* first */
	unsigned int incarnation;
	uint32_t len;			/* of an answer that is kept */
	struct elem *out_next, **out_link;	/* while it is out */

	/* While the ring is stopped its answer goes here; bounce.c */
	uint8_t *bounce;
	struct iovec first_in;		/* what e.iov[e.n_out] was, and n_in */
	unsigned int n_in;
};

struct vring {
	unsigned int index;
	struct vgpu_ledger_ring *ledger;
	bool ledger_is_ours;

	struct vring_config config;	/* as started last; fds are -1 if none */
	bool started_once;
	bool running;
	bool broken;
	unsigned int incarnation;

	struct guest_mem *mem;		/* NULL unless running */
	struct chain_table table;
	struct avail_ring *avail;
	struct used_ring *used;

	uint16_t last_avail, used_idx;
	uint64_t next_seq;

	bool event_idx;
	bool pushed;			/* since the last notify */
	uint16_t notified_idx;		/* used_idx at the last notify */
	bool notified_valid;

	struct elem *out;		/* popped, and not pushed, by out_next */
	struct elem *kept, **kept_end;	/* answers while stopped, by e.next */
	struct elem *unused;		/* by e.next */

	uint16_t *replay;		/* heads of a predecessor */
	unsigned int replay_n, replay_at;
	struct log_limit limit;
};

/* Elements are reused: none is allocated in the steady state. */
struct elem *vring_elem_new(struct vring *vr);
void vring_elem_recycle(struct vring *vr, struct elem *e);

/* The driver started anew at @base: what was in flight is void. */
void vring_begin(struct vring *vr, unsigned int old_num, uint16_t base);

/* Go on where a predecessor was when it died; 0 or -errno. */
int vring_take_over(struct vring *vr);

/*
 * A guest may use the memory of its chains for something else once the ring has
 * stopped (or be paused, and not expect changes): what the owner of an element
 * writes from then on is held back, and written when the element is answered.
 */
void vring_bounce(struct elem *e);
void vring_unbounce(struct elem *e, size_t len);

/* Answer a chain of the present incarnation; the ring runs. */
void vring_answer(struct vring *vr, struct elem *e, uint32_t len);

static inline uint16_t avail_head(const struct vring *vr, uint16_t at)
{
	return __atomic_load_n(&vr->avail->ring[at & (vr->config.num - 1)],
			       __ATOMIC_RELAXED);
}

static inline uint16_t avail_idx(const struct vring *vr)
{
	return __atomic_load_n(&vr->avail->idx, __ATOMIC_ACQUIRE);
}

#endif
