/* SPDX-License-Identifier: MIT */
/*
 * ring_guest.h - a guest's side of a split ring, in a memfd, for tests that
 * need every bit of it under control
 *
 * Two regions, neighbours in guest-physical space and far apart in the file,
 * so that what crosses the border is scattered.
 */
#ifndef TESTS_UNIT_RING_GUEST_H
#define TESTS_UNIT_RING_GUEST_H

#include <glib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include "base/shm.h"
#include "protocol/vgpu_ipc.h"
#include "protocol/vhost_user.h"
#include "ring/chain.h"
#include "ring/guest_mem.h"
#include "ring/vring.h"

#define GUEST_REGION	0x400000ull
#define GUEST_SIZE	(2 * GUEST_REGION)
#define GUEST_UADDR	0x7f1200000000ull
#define GUEST_UADDR_B	0x7f4200000000ull
#define GUEST_FILE_B	(3 * GUEST_REGION)
#define GUEST_FILE_SIZE	(4 * GUEST_REGION)

#define GUEST_DESC	0x10000ull
#define GUEST_AVAIL	0x100000ull
#define GUEST_USED	0x140000ull
#define GUEST_BUFFERS	0x200000ull

struct ring_guest {
	int memfd;
	uint8_t *map;
	unsigned int num;
	struct chain_desc *desc;
	uint16_t *avail;	/* flags, idx, ring, used_event */
	uint16_t *used;		/* flags, idx; then pairs; then avail_event */
	uint16_t avail_idx, last_used;
	int kick, call;
};

static inline uint8_t *guest_ptr(struct ring_guest *g, uint64_t gpa)
{
	g_assert_cmpuint(gpa, <, GUEST_SIZE);
	return gpa < GUEST_REGION ? g->map + gpa
				  : g->map + GUEST_FILE_B + gpa - GUEST_REGION;
}

static inline void guest_regions(struct vgpu_ipc_mem_region regions[2])
{
	regions[0] = (struct vgpu_ipc_mem_region){
		.gpa = 0, .size = GUEST_REGION, .uaddr = GUEST_UADDR,
	};
	regions[1] = (struct vgpu_ipc_mem_region){
		.gpa = GUEST_REGION, .size = GUEST_REGION,
		.uaddr = GUEST_UADDR_B, .mmap_offset = GUEST_FILE_B,
	};
}

static inline void guest_init(struct ring_guest *g, unsigned int num)
{
	memset(g, 0, sizeof(*g));
	g->memfd = shm_create("guest", GUEST_FILE_SIZE);
	g_assert_cmpint(g->memfd, >=, 0);
	g->map = shm_map(g->memfd, GUEST_FILE_SIZE, true);
	g_assert_nonnull(g->map);
	g->num = num;
	g->desc = (void *)guest_ptr(g, GUEST_DESC);
	g->avail = (void *)guest_ptr(g, GUEST_AVAIL);
	g->used = (void *)guest_ptr(g, GUEST_USED);
	g->kick = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	g->call = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static inline void guest_fini(struct ring_guest *g)
{
	shm_unmap(g->map, GUEST_FILE_SIZE);
	close(g->memfd);
	close(g->kick);
	close(g->call);
}

static inline struct guest_mem *guest_table(struct ring_guest *g)
{
	struct vgpu_ipc_mem_region regions[2];
	int fds[2] = { dup(g->memfd), dup(g->memfd) };
	struct guest_mem *mem;

	guest_regions(regions);
	mem = guest_mem_new(regions, fds, 2);
	g_assert_nonnull(mem);
	return mem;
}

static inline struct vring_config guest_config(struct ring_guest *g,
					       uint64_t features)
{
	return (struct vring_config){
		.num = g->num,
		.features = features,
		.desc_uaddr = GUEST_UADDR + GUEST_DESC,
		.avail_uaddr = GUEST_UADDR + GUEST_AVAIL,
		.used_uaddr = GUEST_UADDR + GUEST_USED,
		.kick_fd = dup(g->kick),
		.call_fd = dup(g->call),
	};
}

#define GUEST_EVENT_IDX	(1ull << VIRTIO_RING_F_EVENT_IDX_BIT)
#define GUEST_INDIRECT	(1ull << VIRTIO_RING_F_INDIRECT_DESC_BIT)

static inline void guest_desc(struct ring_guest *g, unsigned int i,
			      uint64_t addr, uint32_t len, uint16_t flags,
			      uint16_t next)
{
	g->desc[i] = (struct chain_desc){ addr, len, flags, next };
}

/* Make a head available, without a kick. */
static inline void guest_offer(struct ring_guest *g, uint16_t head)
{
	g->avail[2 + (g->avail_idx & (g->num - 1))] = head;
	g->avail_idx++;
	__atomic_store_n(&g->avail[1], g->avail_idx, __ATOMIC_RELEASE);
}

/* The next answer; false if there is none. */
static inline bool guest_take(struct ring_guest *g, uint16_t *head,
			      uint32_t *len)
{
	uint32_t *pair = (uint32_t *)(g->used + 2) +
		2 * (g->last_used & (g->num - 1));

	if (__atomic_load_n(&g->used[1], __ATOMIC_ACQUIRE) == g->last_used)
		return false;
	g->last_used++;
	*head = (uint16_t)pair[0];
	*len = pair[1];
	return true;
}

static inline void guest_set_used_event(struct ring_guest *g, uint16_t at)
{
	g->avail[2 + g->num] = at;
}

static inline uint16_t guest_avail_event(struct ring_guest *g)
{
	return g->used[2 + 4 * g->num];
}

static inline bool guest_called(struct ring_guest *g)
{
	uint64_t count;

	return read(g->call, &count, sizeof(count)) == sizeof(count);
}

static inline void guest_kick(struct ring_guest *g)
{
	uint64_t one = 1;

	g_assert_cmpint(write(g->kick, &one, sizeof(one)), ==, sizeof(one));
}

#endif
