/* SPDX-License-Identifier: MIT */
/*
 * ring_fixture.h - a started ring between ring_guest.h and ring/vring.h
 */
#ifndef TESTS_UNIT_RING_FIXTURE_H
#define TESTS_UNIT_RING_FIXTURE_H

#include "tests/unit/ring_guest.h"

#define F_NEXT		CHAIN_F_NEXT
#define F_WRITE		CHAIN_F_WRITE
#define F_INDIRECT	CHAIN_F_INDIRECT
#define BUF		GUEST_BUFFERS

struct fixture {
	struct ring_guest g;
	struct guest_mem *mem;
	struct vring *vr;
};

static inline void start_at(struct fixture *f, unsigned int num, uint64_t features,
		     uint16_t base)
{
	struct vring_config config;

	guest_init(&f->g, num);
	f->g.avail_idx = f->g.last_used = base;
	f->g.avail[1] = f->g.used[1] = base;
	f->mem = guest_table(&f->g);
	f->vr = vring_new(0, NULL);
	config = guest_config(&f->g, features);
	config.base = base;
	g_assert_cmpint(vring_start(f->vr, &config, f->mem), ==, 1);
}

static inline void start(struct fixture *f, unsigned int num, uint64_t features)
{
	start_at(f, num, features, 0);
}

static inline void end(struct fixture *f)
{
	vring_free(f->vr);
	guest_mem_put(f->mem);
	guest_fini(&f->g);
}

static inline struct vring_elem *must_pop(struct fixture *f)
{
	struct vring_elem *elem = NULL;

	g_assert_cmpint(vring_pop(f->vr, &elem), ==, 1);
	return elem;
}

#endif
