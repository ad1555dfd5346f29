// SPDX-License-Identifier: MIT
/*
 * vring.c - a virtqueue's start and stop
 */
#include "ring/vring.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>
#include "protocol/vhost_user.h"
#include "ring/guest_mem.h"
#include "ring/vring_private.h"

#define IOV_FIRST	16	/* of a new element */
#define IOV_KEEP	512	/* an unused element holds no more than this */

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
		free(e->bounce);
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
	while (vr->out) {	/* their owner is gone, or forgets them now */
		struct elem *e = vr->out;

		vr->out = e->out_next;
		e->e.next = NULL;
		free_list(e);
	}
	free_list(vr->kept);
	free_list(vr->unused);
	free(vr->replay);
	free(vr->table.copy);
	if (vr->ledger_is_ours)
		free(vr->ledger);
	free(vr);
}

struct elem *vring_elem_new(struct vring *vr)
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

void vring_elem_recycle(struct vring *vr, struct elem *e)
{
	guest_mem_put(e->e.mem);
	e->e.mem = NULL;
	free(e->bounce);
	e->bounce = NULL;
	e->n_in = 0;
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

static void give_kept(struct vring *vr)
{
	while (vr->kept) {
		struct elem *e = vr->kept;

		vr->kept = (struct elem *)e->e.next;
		vring_answer(vr, e, e->len);
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
		ret = vring_take_over(vr);
		if (ret) {
			vring_stop(vr);
			return ret;
		}
	} else {
		vring_begin(vr, old.num, config->resume ? vr->used_idx : config->base);
		ret = 1;
	}
	vr->started_once = true;
	vr->running = true;
	for (struct elem *e = vr->out; e; e = e->out_next)
		if (e->incarnation == vr->incarnation)
			vring_unbounce(e, 0);
	/* Whoever published last may not have lived to tell. */
	vr->pushed = config->resume;
	vr->notified_valid = false;
	give_kept(vr);
	return ret;
}

uint16_t vring_stop(struct vring *vr)
{
	vr->running = false;
	for (struct elem *e = vr->out; e; e = e->out_next)
		vring_bounce(e);
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

int vring_kick_fd(const struct vring *vr)
{
	return vr->config.kick_fd;
}

