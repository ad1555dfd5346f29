// SPDX-License-Identifier: MIT
/*
 * vring_resume.c - a virtqueue's position, from the ledger or anew
 */
#include "ring/vring_private.h"

#include <errno.h>
#include <stdlib.h>

void vring_begin(struct vring *vr, unsigned int old_num, uint16_t base)
{
	struct vgpu_ledger_ring *l = vr->ledger;
	unsigned int n = VGPU_LEDGER_RING_MAX;

	/* An unused ring is all zero already, and its pages not there. */
	if (!atomic_load(&l->valid))
		n = 0;
	else if (vr->started_once)
		n = old_num;
	/* Invalid while it is half old and half new. */
	atomic_store(&l->valid, 0);
	for (unsigned int i = 0; i < n; i++)
		atomic_store_explicit(&l->seq[i], 0, memory_order_relaxed);

	vr->incarnation++;
	while (vr->kept) {
		struct elem *e = vr->kept;

		vr->kept = (struct elem *)e->e.next;
		vring_elem_recycle(vr, e);
	}
	vr->kept_end = &vr->kept;
	vr->replay_n = vr->replay_at = 0;
	vr->last_avail = base;
	vr->next_seq = 1;
	atomic_store(&l->push_head, PUSH_NONE);
	atomic_store(&l->next_seq, vr->next_seq);
	atomic_store(&l->last_avail, vr->last_avail);
	atomic_store(&l->valid, 1);
}

struct in_flight {
	uint64_t seq;
	uint16_t head;
};

static int by_seq(const void *a, const void *b)
{
	const struct in_flight *fa = a, *fb = b;

	return fa->seq < fb->seq ? -1 : fa->seq > fb->seq;
}

/* What the ledger says is in flight, oldest first. Return: how many, -ENOMEM */
static int collect(struct vring *vr, struct in_flight **list)
{
	struct vgpu_ledger_ring *l = vr->ledger;
	unsigned int num = vr->config.num, n = 0;
	uint32_t push_head = atomic_load(&l->push_head);

	/* A push that was published before its writer died. */
	if (push_head < num &&
	    (uint16_t)atomic_load(&l->push_idx) == vr->used_idx)
		atomic_store(&l->seq[push_head], 0);
	atomic_store(&l->push_head, PUSH_NONE);

	*list = calloc(num, sizeof(**list));
	if (!*list)
		return -ENOMEM;
	for (unsigned int head = 0; head < num; head++) {
		uint64_t seq = atomic_load_explicit(&l->seq[head],
						    memory_order_relaxed);

		if (seq)
			(*list)[n++] = (struct in_flight){
				.seq = seq, .head = (uint16_t)head,
			};
	}
	qsort(*list, n, sizeof(**list), by_seq);
	return (int)n;
}

int vring_take_over(struct vring *vr)
{
	struct vgpu_ledger_ring *l = vr->ledger;
	struct in_flight *list;
	uint16_t *replay;
	int n;

	n = collect(vr, &list);
	if (n < 0)
		return n;
	replay = realloc(vr->replay, ((size_t)n + 1) * sizeof(*replay));
	if (!replay) {
		free(list);
		return -ENOMEM;
	}
	vr->replay = replay;
	vr->replay_n = (unsigned int)n;
	vr->replay_at = 0;
	for (int i = 0; i < n; i++)
		replay[i] = list[i].head;

	vr->last_avail = (uint16_t)atomic_load(&l->last_avail);
	if (n && avail_idx(vr) != vr->last_avail &&
	    avail_head(vr, vr->last_avail) == replay[n - 1])
		vr->last_avail++;	/* a torn pop */
	/* Numbered afresh: theirs may be anything. */
	for (int i = 0; i < n; i++)
		atomic_store_explicit(&l->seq[replay[i]], (uint64_t)i + 1,
				      memory_order_relaxed);
	vr->next_seq = (uint64_t)n + 1;
	atomic_store(&l->next_seq, vr->next_seq);
	atomic_store(&l->last_avail, vr->last_avail);
	free(list);
	return 0;
}
