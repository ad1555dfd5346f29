// SPDX-License-Identifier: MIT
/*
 * vring.c - device side of a split virtqueue
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
#include "ring/vring.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/log.h"
#include "protocol/vgpu_ledger.h"
#include "protocol/vhost_user.h"
#include "ring/chain.h"
#include "ring/guest_mem.h"

#define AVAIL_F_NO_INTERRUPT	1
#define USED_F_NO_NOTIFY	1

#define PUSH_NONE	UINT32_MAX
#define IOV_FIRST	16	/* of a new element */
#define IOV_KEEP	512	/* an unused element holds no more than this */

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

	struct elem *kept, **kept_end;	/* answers while stopped, by e.next */
	struct elem *unused;		/* by e.next */

	uint16_t *replay;		/* heads of a predecessor */
	unsigned int replay_n, replay_at;
	struct log_limit limit;
};

static struct elem *to_elem(struct vring_elem *e)
{
	return (struct elem *)e;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

struct vring *vring_new(unsigned int index, struct vgpu_ledger_ring *ledger)
{
	struct vring *vr = calloc(1, sizeof(*vr));

	if (!vr)
		return NULL;
	vr->index = index;
	vr->config.kick_fd = vr->config.call_fd = -1;
	vr->kept_end = &vr->kept;
	vr->ledger = ledger;
	vr->table.copy = malloc(VRING_MAX_DESCS * sizeof(*vr->table.copy));
	if (!ledger) {
		vr->ledger = calloc(1, sizeof(*vr->ledger));
		vr->ledger_is_ours = true;
	}
	if (!vr->table.copy || !vr->ledger) {
		vring_free(vr);
		return NULL;
	}
	return vr;
}

static void free_list(struct elem *e)
{
	while (e) {
		struct elem *next = (struct elem *)e->e.next;

		guest_mem_put(e->e.mem);
		free(e->e.iov);
		free(e);
		e = next;
	}
}

void vring_free(struct vring *vr)
{
	if (!vr)
		return;
	if (vr->running)
		vring_stop(vr);
	free_list(vr->kept);
	free_list(vr->unused);
	free(vr->replay);
	free(vr->table.copy);
	if (vr->ledger_is_ours)
		free(vr->ledger);
	free(vr);
}

static struct elem *elem_new(struct vring *vr)
{
	struct elem *e = vr->unused;

	if (e) {
		vr->unused = (struct elem *)e->e.next;
		e->e.next = NULL;
		return e;
	}
	e = calloc(1, sizeof(*e));
	if (!e)
		return NULL;
	e->e.iov = malloc(IOV_FIRST * sizeof(*e->e.iov));
	if (!e->e.iov) {
		free(e);
		return NULL;
	}
	e->e.iov_max = IOV_FIRST;
	e->e.vring = vr;
	return e;
}

static void elem_recycle(struct vring *vr, struct elem *e)
{
	guest_mem_put(e->e.mem);
	e->e.mem = NULL;
	if (e->e.iov_max > IOV_KEEP) {
		free(e->e.iov);
		free(e);
		return;
	}
	e->e.next = (struct vring_elem *)vr->unused;
	vr->unused = e;
}

/* ---- start and stop ---- */

static bool aligned(uint64_t uaddr, const void *hva, uint64_t align)
{
	return !((uaddr | (uintptr_t)hva) & (align - 1));
}

/* Find the three areas in @mem; nothing changes unless all are there. */
static int look_up(struct vring *vr, const struct vring_config *c,
		   struct guest_mem *mem)
{
	bool event = c->features & 1ull << VIRTIO_RING_F_EVENT_IDX_BIT;
	uint64_t extra = event ? 2 : 0;
	void *desc, *avail, *used;

	desc = guest_mem_uaddr(mem, c->desc_uaddr, 16ull * c->num);
	avail = guest_mem_uaddr(mem, c->avail_uaddr, 4 + 2ull * c->num + extra);
	used = guest_mem_uaddr(mem, c->used_uaddr, 4 + 8ull * c->num + extra);
	if (!desc || !avail || !used)
		return -EFAULT;
	if (!aligned(c->desc_uaddr, desc, 16) ||
	    !aligned(c->avail_uaddr, avail, 2) ||
	    !aligned(c->used_uaddr, used, 4))
		return -EINVAL;
	guest_mem_get(mem);
	guest_mem_put(vr->mem);
	vr->mem = mem;
	vr->table.desc = desc;
	vr->avail = avail;
	vr->used = used;
	return 0;
}

static bool same_place(const struct vring_config *a,
		       const struct vring_config *b)
{
	return a->num == b->num && a->desc_uaddr == b->desc_uaddr &&
		a->avail_uaddr == b->avail_uaddr &&
		a->used_uaddr == b->used_uaddr;
}

/* The driver started anew: what was in flight is void. */
static void begin(struct vring *vr, unsigned int old_num, uint16_t base)
{
	struct vgpu_ledger_ring *l = vr->ledger;
	unsigned int n = VGPU_LEDGER_RING_MAX;

	/* An unused ring is all zero already, and its pages not there. */
	if (!atomic_load(&l->valid))
		n = 0;
	else if (vr->started_once)
		n = old_num;
	for (unsigned int i = 0; i < n; i++)
		atomic_store_explicit(&l->seq[i], 0, memory_order_relaxed);

	vr->incarnation++;
	while (vr->kept) {
		struct elem *e = vr->kept;

		vr->kept = (struct elem *)e->e.next;
		elem_recycle(vr, e);
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

static uint16_t avail_head(const struct vring *vr, uint16_t at)
{
	return __atomic_load_n(&vr->avail->ring[at & (vr->config.num - 1)],
			       __ATOMIC_RELAXED);
}

static uint16_t avail_idx(const struct vring *vr)
{
	return __atomic_load_n(&vr->avail->idx, __ATOMIC_ACQUIRE);
}

/* Go on where a predecessor was when it died. */
static int take_over(struct vring *vr)
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

static void push(struct vring *vr, struct elem *e, uint32_t len);

static void give_kept(struct vring *vr)
{
	while (vr->kept) {
		struct elem *e = vr->kept;

		vr->kept = (struct elem *)e->e.next;
		push(vr, e, e->len);
	}
	vr->kept_end = &vr->kept;
}

static int check_config(const struct vring_config *c)
{
	if (!c->num || c->num > VGPU_LEDGER_RING_MAX || c->num & (c->num - 1))
		return -EINVAL;
	return 0;
}

int vring_start(struct vring *vr, const struct vring_config *config,
		struct guest_mem *mem)
{
	struct vring_config old = vr->config;
	int kick_fd = config->kick_fd, call_fd = config->call_fd;
	int ret;

	if (vr->running)
		vring_stop(vr);
	ret = check_config(config);
	if (!ret)
		ret = mem ? look_up(vr, config, mem) : -EFAULT;
	if (ret) {
		close_fd(&kick_fd);
		close_fd(&call_fd);
		return ret;
	}
	close_fd(&vr->config.kick_fd);
	close_fd(&vr->config.call_fd);
	vr->config = *config;
	vr->table.num = config->num;
	vr->table.indirect = config->features &
		1ull << VIRTIO_RING_F_INDIRECT_DESC_BIT;
	vr->event_idx = config->features & 1ull << VIRTIO_RING_F_EVENT_IDX_BIT;
	vr->broken = false;
	vr->used_idx = __atomic_load_n(&vr->used->idx, __ATOMIC_ACQUIRE);

	if (vr->started_once && same_place(&old, config) &&
	    (config->resume || config->base == vr->last_avail)) {
		/* stop and cont: everything is as it was */
	} else if (config->resume && !vr->started_once &&
		   atomic_load(&vr->ledger->valid)) {
		ret = take_over(vr);
		if (ret) {
			vring_stop(vr);
			return ret;
		}
	} else {
		begin(vr, old.num, config->resume ? vr->used_idx : config->base);
		ret = 1;
	}
	vr->started_once = true;
	vr->running = true;
	/* Whoever published last may not have lived to tell. */
	vr->pushed = config->resume;
	vr->notified_valid = false;
	give_kept(vr);
	return ret;
}

uint16_t vring_stop(struct vring *vr)
{
	vr->running = false;
	guest_mem_put(vr->mem);
	vr->mem = NULL;
	vr->table.desc = NULL;
	vr->avail = NULL;
	vr->used = NULL;
	close_fd(&vr->config.kick_fd);
	close_fd(&vr->config.call_fd);
	if (!vr->started_once && atomic_load(&vr->ledger->valid))
		return (uint16_t)atomic_load(&vr->ledger->last_avail);
	return vr->last_avail;
}

bool vring_running(const struct vring *vr)
{
	return vr->running;
}

int vring_set_mem(struct vring *vr, struct guest_mem *mem)
{
	int ret;

	if (!vr->running)
		return 0;
	ret = look_up(vr, &vr->config, mem);
	if (ret)
		vring_stop(vr);
	return ret;
}

void vring_set_call(struct vring *vr, int call_fd)
{
	close_fd(&vr->config.call_fd);
	if (vr->running)
		vr->config.call_fd = call_fd;
	else
		close_fd(&call_fd);
}

int vring_kick_fd(const struct vring *vr)
{
	return vr->config.kick_fd;
}

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
	struct elem *e = elem_new(vr);
	int ret;

	if (!e)
		return break_ring(vr, -ENOMEM, head, "no memory");
	ret = chain_read(&vr->table, vr->mem, head, &e->e, &why);
	if (ret) {
		elem_recycle(vr, e);
		return break_ring(vr, ret, head, why);
	}
	e->e.mem = guest_mem_get(vr->mem);
	e->e.head = head;
	e->e.replayed = replayed;
	e->incarnation = vr->incarnation;
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

static void push(struct vring *vr, struct elem *e, uint32_t len)
{
	struct vgpu_ledger_ring *l = vr->ledger;
	uint16_t head = e->e.head;
	struct used_elem *slot =
		&vr->used->ring[vr->used_idx & (vr->config.num - 1)];

	if (len > e->e.in_len)
		len = (uint32_t)e->e.in_len;
	__atomic_store_n(&slot->id, head, __ATOMIC_RELAXED);
	__atomic_store_n(&slot->len, len, __ATOMIC_RELAXED);
	vr->used_idx++;
	atomic_store_explicit(&l->push_idx, vr->used_idx, memory_order_release);
	atomic_store_explicit(&l->push_head, head, memory_order_release);
	__atomic_store_n(&vr->used->idx, vr->used_idx, __ATOMIC_RELEASE);
	atomic_store_explicit(&l->seq[head], 0, memory_order_release);
	atomic_store_explicit(&l->push_head, PUSH_NONE, memory_order_release);
	vr->pushed = true;
	elem_recycle(vr, e);
}

void vring_push(struct vring *vr, struct vring_elem *elem, uint32_t len)
{
	struct elem *e = to_elem(elem);

	if (e->incarnation != vr->incarnation) {
		elem_recycle(vr, e);
		return;
	}
	if (vr->running) {
		push(vr, e, len);
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

void vring_notify(struct vring *vr)
{
	const uint64_t one = 1;
	bool wanted;

	if (!vr->running || !vr->pushed)
		return;
	/* The used index must be visible before the driver's wish is read. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	wanted = driver_wants_call(vr);
	vr->pushed = false;
	vr->notified_idx = vr->used_idx;
	vr->notified_valid = true;
	if (wanted && vr->config.call_fd >= 0 &&
	    write(vr->config.call_fd, &one, sizeof(one)) < 0 &&
	    errno != EAGAIN)
		log_peer(&vr->limit, "queue %u: call: %s", vr->index,
			 strerror(errno));
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
