// SPDX-License-Identifier: MIT
/*
 * test-rings.c - rings that no driver would make
 *
 * A broken ring costs the guest this ring until it resets the device: no
 * crash, no hang, the VMM is answered, and the log says what was wrong.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <glib.h>
#include <linux/virtio_ring.h>

#include "tests/lib/fe.h"
#include "tests/lib/picture.h"
#include "tests/lib/proc.h"
#include "tests/lib/runner.h"

#define XRGB	VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM
#define W	VRING_DESC_F_WRITE
#define N	VRING_DESC_F_NEXT
#define I	VRING_DESC_F_INDIRECT

static void show_something(struct fe *fe)
{
	struct picture *p = picture_new(fe, 1, XRGB, 16, 16);

	picture_show(p, 0, 0, 0, 16, 16);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
}

static void put(struct fe *fe, unsigned int i, uint64_t addr, uint32_t len,
		uint16_t flags, uint16_t next)
{
	fe->ring[0].desc[i] = (struct vring_desc){ addr, len, flags, next };
}

/* Available as descriptor 0; the device must live, a reset must cure it. */
static void offer(struct fe *fe)
{
	struct fe_ring *r = &fe->ring[0];
	pid_t worker;

	/* it is started beside the first messages, and may have no name yet */
	while (!(worker = fe_worker(fe)))
		g_usleep(1000);
	fe_publish(r, 0);
	fe_ring_kick_now(r);
	g_usleep(20000);
	g_assert_true(fe_vu_alive(fe));
	/* a guest must not be able to kill it: it would do so for ever */
	g_assert_cmpint(fe_worker(fe), ==, worker);
	/* an answer to a bad chain is no fault; look only that it goes on */
	r->last_used = r->used->idx;
	g_assert_cmpint(fe_reboot(fe), ==, 0);
	assert_ok(fe_create_2d(fe, 1, XRGB, 8, 8));
	assert_ok(fe_unref(fe, 1));
}

struct desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags, next;
};

#define ADDR	0xaddull	/* replaced by pages of guest memory */

static void chains(void)
{
	static const struct desc list[][3] = {
		/* outside of memory, in the hole, across its edge, wrapping */
		{ { 1ull << 40, 64, 0, 0 } },
		{ { FE_LOW_END, 64, 0, 0 } },
		{ { FE_LOW_END - 8, 64, 0, 0 } },
		{ { FE_HIGH_START - 8, 64, 0, 0 } },
		{ { ~0ull - 8, 64, 0, 0 } },
		{ { ADDR, 0xffffffff, 0, 0 } },
		/* loops, and links out of the table */
		{ { ADDR, 64, N, 0 } },
		{ { ADDR, 64, N, 1 }, { ADDR, 64, N, 0 } },
		{ { ADDR, 64, N, 1024 } },
		{ { ADDR, 64, N, 65535 } },
		/* readable behind writable; nothing to read; nothing at all */
		{ { ADDR, 64, W | N, 1 }, { ADDR, 64, 0, 0 } },
		{ { ADDR, 64, W, 0 } },
		{ { ADDR, 0, 0, 0 } },
		{ { ADDR, 0, W, 0 } },
		{ { ADDR, 0, N, 1 }, { ADDR, 0, W, 0 } },
		/* no room for an answer, too little, not writable */
		{ { ADDR, 64, 0, 0 } },
		{ { ADDR, 64, N, 1 }, { ADDR, 1, W, 0 } },
		{ { ADDR, 64, N, 1 }, { ADDR, 23, W, 0 } },
		{ { ADDR, 64, N, 1 }, { 1ull << 40, 24, W, 0 } },
		{ { ADDR, 64, N, 1 }, { FE_LOW_END - 8, 24, W, 0 } },
		/* indirect: bad table, sizes, nesting, with next */
		{ { ADDR, 0, I, 0 } },
		{ { ADDR, 15, I, 0 } },
		{ { ADDR, 17, I, 0 } },
		{ { 1ull << 40, 32, I, 0 } },
		{ { FE_LOW_END - 16, 32, I, 0 } },
		{ { ADDR, 0x7ffffff0, I, 0 } },
		{ { ADDR, 0xfffffff0, I, 0 } },
		{ { ADDR, 32, I | N, 1 }, { ADDR, 24, W, 0 } },
		{ { ADDR, 32, I | W, 0 } },
		{ { ADDR, 64, N, 1 }, { ADDR, 32, I, 0 } },
		{ { ADDR, 64, 0xffff, 0 } },
		{ { ADDR, 64, 0x8000, 0 } },
	};
	struct fe *fe = begin_case(NULL);
	size_t i, j;

	for (i = 0; i < G_N_ELEMENTS(list); i++) {
		uint64_t page = fe_alloc(fe, FE_PAGE);

		for (j = 0; j < 3; j++)
			put(fe, (unsigned int)j, list[i][j].addr == ADDR ?
			    page + 256 * j : list[i][j].addr, list[i][j].len,
			    list[i][j].flags, list[i][j].next);
		offer(fe);
		fe_release(fe, page, FE_PAGE);
	}
	show_something(fe);
	end_case(fe);
}

static void indirect_tables(void)
{
	static const struct desc list[][2] = {
		{ { ADDR, 32, I, 0 } },			/* nested */
		{ { ADDR, 32, N, 1 }, { ADDR, 16, I, 0 } },
		{ { ADDR, 32, N, 0 } },			/* loop */
		{ { ADDR, 32, N, 1 }, { ADDR, 32, N, 0 } },
		{ { ADDR, 32, N, 2 } },			/* out of the table */
		{ { ADDR, 32, N, 0xffff } },
		{ { 1ull << 50, 32, 0, 0 } },
		{ { ADDR, 32, W | N, 1 }, { ADDR, 32, 0, 0 } },
		{ { ADDR, 0xffffffff, N, 1 }, { ADDR, 0xffffffff, W, 0 } },
	};
	struct fe *fe = begin_case(NULL);
	size_t i, j;

	for (i = 0; i < G_N_ELEMENTS(list); i++) {
		uint64_t page = fe_alloc(fe, FE_PAGE);
		struct vring_desc *t = fe_at(fe, page);

		for (j = 0; j < 2; j++)
			t[j] = (struct vring_desc){
				list[i][j].addr == ADDR ? page + 512 + 256 * j :
				list[i][j].addr, list[i][j].len,
				list[i][j].flags, list[i][j].next,
			};
		put(fe, 0, page, 32, I, 0);
		offer(fe);
		fe_release(fe, page, FE_PAGE);
	}
	end_case(fe);
}

/* A table of 65536 descriptors of 4 GiB each. */
static void long_chain(void)
{
	struct fe *fe = begin_case(NULL);
	uint64_t table = fe_alloc(fe, 65536 * 16), page = fe_alloc(fe, FE_PAGE);
	struct vring_desc *t = fe_at(fe, table);
	unsigned int i;

	for (i = 0; i < 65536; i++)
		t[i] = (struct vring_desc){ page, FE_PAGE, N,
					    (uint16_t)(i + 1) };
	t[65535].flags = W;
	put(fe, 0, table, 65536 * 16, I, 0);
	offer(fe);
	/* as many as a chain may have, every one the same page */
	for (i = 0; i < 1024; i++)
		t[i] = (struct vring_desc){ page, FE_PAGE, i < 1023 ? N : W,
					    (uint16_t)(i + 1) };
	put(fe, 0, table, 1024 * 16, I, 0);
	offer(fe);
	end_case(fe);
}

static void avail_index(void)
{
	static const uint16_t jumps[] = { 1025, 2000, 32768, 65535 };
	struct fe *fe = begin_case(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(jumps); i++) {
		struct fe_ring *r = &fe->ring[0];

		r->avail->idx = (uint16_t)(r->avail_idx + jumps[i]);
		fe_ring_kick_now(r);
		g_usleep(20000);
		g_assert_true(fe_vu_alive(fe));
		g_assert_cmpint(fe_reboot(fe), ==, 0);
		show_something(fe);
	}
	g_assert_true(fe_log_has(fe, "[vm]"));
	end_case(fe);
}

/* The same head twice while it is in flight. */
static void head_twice(void)
{
	struct fe *fe = begin_case(NULL);
	uint64_t page = fe_alloc(fe, FE_PAGE);
	int i;

	for (i = 0; i < 100; i++) {
		put(fe, 0, page, 64, N, 1);
		put(fe, 1, page + 512, 1024, W, 0);
		fe_publish(&fe->ring[0], 0);
		fe_publish(&fe->ring[0], 0);
		fe_publish(&fe->ring[0], 1);
	}
	offer(fe);
	show_something(fe);
	end_case(fe);
}

/* Random rings: whatever happens, the VMM is served and a reset cures. */
static void random_rings(void)
{
	struct fe *fe = begin_case(NULL);
	int round;

	for (round = 0; round < 150; round++) {
		struct fe_ring *r = &fe->ring[0];
		uint64_t page = fe_alloc(fe, FE_PAGE);
		uint8_t *bytes = fe_at(fe, page);
		unsigned int i;

		for (i = 0; i < FE_PAGE; i++)
			bytes[i] = (uint8_t)g_test_rand_int_range(0, 8);
		for (i = 0; i < 16; i++)
			put(fe, i, page + (uint64_t)g_test_rand_int_range(0, 256)
			    * 16, (uint32_t)g_test_rand_int_range(0, 512),
			    (uint16_t)g_test_rand_int_range(0, 8),
			    (uint16_t)g_test_rand_int_range(0, 17));
		for (i = 0; i < 16; i++)
			fe_publish(r, (uint16_t)g_test_rand_int_range(0, 17));
		offer(fe);
		fe_release(fe, page, FE_PAGE);
	}
	show_something(fe);
	end_case(fe);
}

/* Kicks without work must cost next to nothing and break nothing. */
static void empty_kicks(void)
{
	struct fe *fe = begin_case(NULL);
	int i;

	for (i = 0; i < 2000; i++) {
		fe_ring_kick_now(&fe->ring[0]);
		fe_ring_kick_now(&fe->ring[1]);
	}
	show_something(fe);
	end_case(fe);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/rings/chains", chains, 0);
	runner_add("/rings/indirect-tables", indirect_tables, 0);
	runner_add("/rings/long-chain", long_chain, 0);
	runner_add("/rings/avail-index", avail_index, 0);
	runner_add("/rings/head-twice", head_twice, 0);
	runner_add("/rings/random", random_rings, 120);
	runner_add("/rings/empty-kicks", empty_kicks, 0);
	return runner_run();
}
