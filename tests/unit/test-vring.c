// SPDX-License-Identifier: MIT
/*
 * test-vring.c - the split ring: what drivers do, and what they must not do
 */
#include <errno.h>
#include <fcntl.h>

#include "base/iov.h"
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

static void start_at(struct fixture *f, unsigned int num, uint64_t features,
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

static void start(struct fixture *f, unsigned int num, uint64_t features)
{
	start_at(f, num, features, 0);
}

static void end(struct fixture *f)
{
	vring_free(f->vr);
	guest_mem_put(f->mem);
	guest_fini(&f->g);
}

static struct vring_elem *must_pop(struct fixture *f)
{
	struct vring_elem *elem = NULL;

	g_assert_cmpint(vring_pop(f->vr, &elem), ==, 1);
	return elem;
}

static void test_request(void)
{
	struct fixture f;
	struct vring_elem *elem;
	uint16_t head = 0;
	uint32_t len = 0;

	start(&f, 8, 0);
	g_assert_cmpint(vring_pop(f.vr, &elem), ==, 0);
	guest_desc(&f.g, 3, BUF, 24, F_NEXT, 5);
	guest_desc(&f.g, 5, BUF + 0x1000, 100, F_NEXT | F_WRITE, 1);
	guest_desc(&f.g, 1, BUF + 0x2000, 200, F_WRITE, 77);
	memcpy(guest_ptr(&f.g, BUF), "hello", 5);
	guest_offer(&f.g, 3);

	elem = must_pop(&f);
	g_assert_cmpuint(elem->head, ==, 3);
	g_assert_cmpuint(elem->seq, ==, 1);
	g_assert_false(elem->replayed);
	g_assert_cmpuint(elem->n_out, ==, 1);
	g_assert_cmpuint(elem->n_in, ==, 2);
	g_assert_cmpuint(elem->out_len, ==, 24);
	g_assert_cmpuint(elem->in_len, ==, 300);
	g_assert_cmpint(memcmp(elem->iov[0].iov_base, "hello", 5), ==, 0);
	g_assert_cmpint(vring_pop(f.vr, &elem), ==, 0);

	/* A device that claims too much is cut to what was there. */
	vring_push(f.vr, elem, 1000);
	g_assert_true(guest_take(&f.g, &head, &len));
	g_assert_cmpuint(head, ==, 3);
	g_assert_cmpuint(len, ==, 300);
	g_assert_false(guest_called(&f.g));
	vring_notify(f.vr);
	g_assert_true(guest_called(&f.g));
	vring_notify(f.vr);
	g_assert_false(guest_called(&f.g));
	end(&f);
}

static void test_indirect_longer_than_ring(void)
{
	struct fixture f;
	struct chain_desc *table;
	struct vring_elem *elem;

	/* The table lies across the border of the two regions. */
	start(&f, 2, GUEST_INDIRECT);
	for (unsigned int i = 0; i < VRING_MAX_DESCS; i++) {
		struct chain_desc d = {
			.addr = BUF + 32 * i, .len = 16,
			.flags = i + 1 < VRING_MAX_DESCS ? F_NEXT : F_WRITE,
			.next = (uint16_t)(i + 1),
		};

		table = (void *)guest_ptr(&f.g, GUEST_REGION - 1024 + 16 * i);
		*table = d;
	}
	/* The write flag of the table's descriptor means nothing. */
	guest_desc(&f.g, 1, GUEST_REGION - 1024, 16 * VRING_MAX_DESCS,
		   F_INDIRECT | F_WRITE, 0);
	guest_offer(&f.g, 1);
	elem = must_pop(&f);
	g_assert_cmpuint(elem->n_out, ==, VRING_MAX_DESCS - 1);
	g_assert_cmpuint(elem->n_in, ==, 1);
	g_assert_cmpuint(elem->out_len, ==, 16 * (VRING_MAX_DESCS - 1));
	for (unsigned int i = 0; i < VRING_MAX_DESCS; i++)
		g_assert_true((uint8_t *)elem->iov[i].iov_base ==
			      (uint8_t *)elem->iov[0].iov_base + 32 * i);
	vring_push(f.vr, elem, 0);
	end(&f);
}

/* 2.7.5.3.2: normal descriptors, then one that is indirect. */
static void test_indirect_last(void)
{
	struct fixture f;
	struct chain_desc *table;
	struct vring_elem *elem;

	start(&f, 8, GUEST_INDIRECT);
	table = (void *)guest_ptr(&f.g, 0x1000);
	table[0] = (struct chain_desc){ BUF + 0x1000, 8, F_NEXT, 1 };
	table[1] = (struct chain_desc){ BUF + 0x2000, 8, F_WRITE, 0 };
	guest_desc(&f.g, 0, BUF, 8, F_NEXT, 4);
	guest_desc(&f.g, 4, 0x1000, 32, F_INDIRECT, 0);
	guest_offer(&f.g, 0);
	elem = must_pop(&f);
	g_assert_cmpuint(elem->n_out, ==, 2);
	g_assert_cmpuint(elem->n_in, ==, 1);
	vring_push(f.vr, elem, 8);
	end(&f);
}

/* Scattered by regions, joined where our memory is contiguous. */
static void test_buffers_and_regions(void)
{
	struct fixture f;
	struct vring_elem *elem;

	start(&f, 8, 0);
	guest_desc(&f.g, 0, BUF, 16, F_NEXT, 1);
	guest_desc(&f.g, 1, BUF + 16, 16, F_NEXT, 2);
	guest_desc(&f.g, 2, BUF + 32, 16, F_NEXT | F_WRITE, 3);
	guest_desc(&f.g, 3, GUEST_REGION - 8, 24, F_WRITE, 0);
	guest_offer(&f.g, 0);
	elem = must_pop(&f);
	g_assert_cmpuint(elem->n_out, ==, 1);
	g_assert_cmpuint(elem->iov[0].iov_len, ==, 32);
	/* a writable neighbour of a readable one stays apart */
	g_assert_cmpuint(elem->n_in, ==, 3);
	g_assert_cmpuint(elem->iov[1].iov_len, ==, 16);
	g_assert_cmpuint(elem->iov[2].iov_len, ==, 8);
	g_assert_cmpuint(elem->iov[3].iov_len, ==, 16);
	vring_push(f.vr, elem, 0);
	end(&f);
}

/* ---- what a driver must not do ---- */

static void bad_next(struct ring_guest *g)
{
	guest_desc(g, 0, BUF, 16, F_NEXT, 8);
}

static void bad_next_far(struct ring_guest *g)
{
	guest_desc(g, 0, BUF, 16, F_NEXT, 0xffff);
}

static void bad_loop(struct ring_guest *g)
{
	guest_desc(g, 0, BUF, 16, F_NEXT, 1);
	guest_desc(g, 1, BUF, 16, F_NEXT, 0);
}

static void bad_self(struct ring_guest *g)
{
	guest_desc(g, 0, BUF, 16, F_NEXT, 0);
}

static void bad_zero(struct ring_guest *g)
{
	guest_desc(g, 0, BUF, 0, 0, 0);
}

static void bad_zero_second(struct ring_guest *g)
{
	guest_desc(g, 0, BUF, 16, F_NEXT, 1);
	guest_desc(g, 1, BUF, 0, F_WRITE, 0);
}

static void bad_order(struct ring_guest *g)
{
	guest_desc(g, 0, BUF, 16, F_NEXT | F_WRITE, 1);
	guest_desc(g, 1, BUF, 16, 0, 0);
}

static void bad_address(struct ring_guest *g)
{
	guest_desc(g, 0, GUEST_SIZE, 16, 0, 0);
}

static void bad_end(struct ring_guest *g)
{
	guest_desc(g, 0, GUEST_SIZE - 15, 16, F_WRITE, 0);
}

static void bad_wrap(struct ring_guest *g)
{
	guest_desc(g, 0, UINT64_MAX - 7, 16, F_WRITE, 0);
}

static void bad_huge(struct ring_guest *g)
{
	guest_desc(g, 0, 0, UINT32_MAX, F_WRITE, 0);
}

static void bad_indirect_nested(struct ring_guest *g)
{
	struct chain_desc *table = (void *)guest_ptr(g, 0x1000);

	table[0] = (struct chain_desc){ 0x1000, 16, F_INDIRECT, 0 };
	guest_desc(g, 0, 0x1000, 16, F_INDIRECT, 0);
}

static void bad_indirect_next(struct ring_guest *g)
{
	struct chain_desc *table = (void *)guest_ptr(g, 0x1000);

	table[0] = (struct chain_desc){ BUF, 16, 0, 0 };
	guest_desc(g, 0, 0x1000, 16, F_INDIRECT | F_NEXT, 1);
	guest_desc(g, 1, BUF, 16, 0, 0);
}

static void bad_indirect_empty(struct ring_guest *g)
{
	guest_desc(g, 0, 0x1000, 0, F_INDIRECT, 0);
}

static void bad_indirect_odd(struct ring_guest *g)
{
	guest_desc(g, 0, 0x1000, 24, F_INDIRECT, 0);
}

static void bad_indirect_long(struct ring_guest *g)
{
	guest_desc(g, 0, 0x1000, 16 * (VRING_MAX_DESCS + 1), F_INDIRECT, 0);
}

static void bad_indirect_huge(struct ring_guest *g)
{
	guest_desc(g, 0, 0x1000, 0xfffffff0, F_INDIRECT, 0);
}

static void bad_indirect_outside(struct ring_guest *g)
{
	guest_desc(g, 0, GUEST_SIZE - 16, 32, F_INDIRECT, 0);
}

static void bad_indirect_range(struct ring_guest *g)
{
	struct chain_desc *table = (void *)guest_ptr(g, 0x1000);

	/* would be in range of the ring, not of the table */
	table[0] = (struct chain_desc){ BUF, 16, F_NEXT, 2 };
	guest_desc(g, 0, 0x1000, 32, F_INDIRECT, 0);
}

static void bad_indirect_loop(struct ring_guest *g)
{
	struct chain_desc *table = (void *)guest_ptr(g, 0x1000);

	table[0] = (struct chain_desc){ BUF, 16, F_NEXT, 1 };
	table[1] = (struct chain_desc){ BUF, 16, F_NEXT, 0 };
	guest_desc(g, 0, 0x1000, 32, F_INDIRECT, 0);
}

static void bad_total(struct ring_guest *g)
{
	struct chain_desc *table = (void *)guest_ptr(g, 0x1000);

	for (unsigned int i = 0; i < 1024; i++)
		table[i] = (struct chain_desc){
			0, GUEST_SIZE, F_NEXT, (uint16_t)(i + 1)
		};
	guest_desc(g, 0, 0x1000, 16 * 1024, F_INDIRECT, 0);
}

static const struct {
	const char *what;
	void (*make)(struct ring_guest *g);
	uint64_t features;
} bad_chains[] = {
	{ "next out of range", bad_next, 0 },
	{ "next far out of range", bad_next_far, 0 },
	{ "loop of two", bad_loop, 0 },
	{ "loop of one", bad_self, 0 },
	{ "zero length", bad_zero, 0 },
	{ "zero length, second", bad_zero_second, 0 },
	{ "readable after writable", bad_order, 0 },
	{ "address behind memory", bad_address, 0 },
	{ "end behind memory", bad_end, 0 },
	{ "address wraps", bad_wrap, 0 },
	{ "length of 4 GiB", bad_huge, 0 },
	{ "indirect not negotiated", bad_indirect_range, 0 },
	{ "nested indirect", bad_indirect_nested, GUEST_INDIRECT },
	{ "indirect with next", bad_indirect_next, GUEST_INDIRECT },
	{ "empty indirect table", bad_indirect_empty, GUEST_INDIRECT },
	{ "indirect table of one and a half", bad_indirect_odd, GUEST_INDIRECT },
	{ "indirect table too long", bad_indirect_long, GUEST_INDIRECT },
	{ "indirect table of 4 GiB", bad_indirect_huge, GUEST_INDIRECT },
	{ "indirect table behind memory", bad_indirect_outside, GUEST_INDIRECT },
	{ "next out of an indirect table", bad_indirect_range, GUEST_INDIRECT },
	{ "loop in an indirect table", bad_indirect_loop, GUEST_INDIRECT },
	{ "more than 4 GiB in all", bad_total, GUEST_INDIRECT },
};

static void test_bad_chains(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad_chains); i++) {
		struct vring_config config;
		struct vring_elem *good, *elem;
		struct fixture f;
		uint16_t head = 0;
		uint32_t len = 0;

		g_test_message("%s", bad_chains[i].what);
		start(&f, 8, bad_chains[i].features);
		/* One good chain before: it can still be answered. */
		guest_desc(&f.g, 7, BUF, 16, F_WRITE, 0);
		guest_offer(&f.g, 7);
		good = must_pop(&f);
		bad_chains[i].make(&f.g);
		guest_offer(&f.g, 0);
		g_assert_cmpint(vring_pop(f.vr, &elem), <, 0);
		g_assert_cmpint(vring_pop(f.vr, &elem), <, 0);
		g_assert_false(vring_enable_kick(f.vr, true));
		vring_push(f.vr, good, 4);
		g_assert_true(guest_take(&f.g, &head, &len));
		g_assert_cmpuint(head, ==, 7);

		/* A driver that starts anew finds a ring that works. */
		g_assert_cmpuint(vring_stop(f.vr), ==, 1);
		f.g.avail_idx = f.g.last_used = 0;
		f.g.avail[1] = f.g.used[1] = 0;
		config = guest_config(&f.g, 0);
		g_assert_cmpint(vring_start(f.vr, &config, f.mem), ==, 1);
		guest_offer(&f.g, 7);
		vring_push(f.vr, must_pop(&f), 0);
		end(&f);
	}
}

static void test_bad_heads(void)
{
	struct vring_elem *elem;
	struct fixture f;

	/* head out of range */
	start(&f, 8, 0);
	guest_offer(&f.g, 8);
	g_assert_cmpint(vring_pop(f.vr, &elem), <, 0);
	end(&f);

	/* avail index jumps by more than the ring holds */
	start(&f, 8, 0);
	f.g.avail[1] = 9;
	g_assert_true(vring_enable_kick(f.vr, true));
	g_assert_cmpint(vring_pop(f.vr, &elem), <, 0);
	end(&f);

	/* avail index goes back */
	start_at(&f, 8, 0, 100);
	f.g.avail[1] = 99;
	g_assert_cmpint(vring_pop(f.vr, &elem), <, 0);
	end(&f);

	/* the same head twice, not answered in between */
	start(&f, 8, 0);
	guest_desc(&f.g, 0, BUF, 16, 0, 0);
	guest_offer(&f.g, 0);
	guest_offer(&f.g, 0);
	elem = must_pop(&f);
	vring_push(f.vr, elem, 0);
	elem = must_pop(&f);
	guest_offer(&f.g, 0);
	g_assert_cmpint(vring_pop(f.vr, &elem), <, 0);
	vring_push(f.vr, elem, 0);
	end(&f);
}

static void refuse(struct fixture *f, struct vring_config config)
{
	config.kick_fd = dup(f->g.kick);
	config.call_fd = -1;
	g_assert_cmpint(vring_start(f->vr, &config, f->mem), <, 0);
	g_assert_false(vring_running(f->vr));
	g_assert_cmpint(fcntl(config.kick_fd, F_GETFD), ==, -1);
}

static void test_bad_rings(void)
{
	struct vring_config good, c;
	struct fixture f;

	start(&f, 8, 0);
	vring_stop(f.vr);
	good = guest_config(&f.g, GUEST_EVENT_IDX);
	close(good.kick_fd);
	close(good.call_fd);
	c = good; c.num = 0; refuse(&f, c);
	c = good; c.num = 7; refuse(&f, c);
	c = good; c.num = 65536; refuse(&f, c);
	c = good; c.desc_uaddr += 8; refuse(&f, c);
	c = good; c.avail_uaddr += 1; refuse(&f, c);
	c = good; c.used_uaddr += 2; refuse(&f, c);
	c = good; c.desc_uaddr = 0; refuse(&f, c);
	c = good; c.avail_uaddr = GUEST_UADDR + GUEST_REGION - 20; refuse(&f, c);
	c = good; c.used_uaddr = GUEST_UADDR + GUEST_REGION - 68; refuse(&f, c);
	c = good; c.used_uaddr = UINT64_MAX - 3; refuse(&f, c);
	/* without the event index the last one would just fit */
	c = good; c.used_uaddr = GUEST_UADDR + GUEST_REGION - 68;
	c.features = 0;
	c.kick_fd = c.call_fd = -1;
	g_assert_cmpint(vring_start(f.vr, &c, f.mem), >=, 0);
	g_assert_cmpint(vring_start(f.vr, &c, NULL), ==, -EFAULT);
	end(&f);
}

static void test_sizes(void)
{
	for (unsigned int num = 1; num <= 32768; num *= 2) {
		struct vring_elem *first = NULL, *last = NULL, *elem;
		struct fixture f;
		uint16_t head = 0;
		uint32_t len = 0;

		/* full, in flight as a whole, over the wrap of the index */
		start_at(&f, num, GUEST_EVENT_IDX, (uint16_t)(65536 - num / 2));
		for (unsigned int i = 0; i < num; i++) {
			guest_desc(&f.g, i, BUF + i, 1, F_WRITE, 0);
			guest_offer(&f.g, (uint16_t)i);
		}
		for (unsigned int i = 0; i < num; i++) {
			elem = must_pop(&f);
			if (last)
				last->next = elem;
			else
				first = elem;
			last = elem;
		}
		g_assert_cmpint(vring_pop(f.vr, &elem), ==, 0);
		for (unsigned int i = 0; i < num; i++) {
			elem = first;
			first = i + 1 < num ? elem->next : NULL;
			vring_push(f.vr, elem, 1);
			g_assert_true(guest_take(&f.g, &head, &len));
			g_assert_cmpuint(head, ==, i);
		}
		g_assert_false(guest_take(&f.g, &head, &len));
		end(&f);
	}
}

/* ---- notification ---- */

static void one_round(struct fixture *f)
{
	guest_desc(&f->g, 0, BUF, 16, F_WRITE, 0);
	guest_offer(&f->g, 0);
	vring_push(f->vr, must_pop(f), 0);
}

static void test_call_event_idx(void)
{
	struct fixture f;

	start_at(&f, 8, GUEST_EVENT_IDX, 65534);
	guest_set_used_event(&f.g, 65534);
	one_round(&f);
	vring_notify(f.vr);
	g_assert_true(guest_called(&f.g));
	/* wants to hear of the third from here, over the wrap */
	guest_set_used_event(&f.g, 1);
	one_round(&f);
	vring_notify(f.vr);
	one_round(&f);
	vring_notify(f.vr);
	g_assert_false(guest_called(&f.g));
	one_round(&f);
	vring_notify(f.vr);
	g_assert_true(guest_called(&f.g));
	/* a batch that passes the event calls once */
	guest_set_used_event(&f.g, 3);
	for (int i = 0; i < 5; i++)
		one_round(&f);
	vring_notify(f.vr);
	g_assert_true(guest_called(&f.g));
	/* an event that is behind does not call */
	guest_set_used_event(&f.g, 0);
	one_round(&f);
	vring_notify(f.vr);
	g_assert_false(guest_called(&f.g));
	end(&f);
}

static void test_call_flags(void)
{
	struct fixture f;

	start(&f, 8, 0);
	f.g.avail[0] = 1;	/* no interrupt */
	one_round(&f);
	vring_notify(f.vr);
	g_assert_false(guest_called(&f.g));
	f.g.avail[0] = 0;
	vring_notify(f.vr);
	g_assert_false(guest_called(&f.g));
	one_round(&f);
	vring_notify(f.vr);
	g_assert_true(guest_called(&f.g));
	/* a call descriptor may come and go */
	vring_set_call(f.vr, -1);
	one_round(&f);
	vring_notify(f.vr);
	g_assert_false(guest_called(&f.g));
	vring_set_call(f.vr, dup(f.g.call));
	/* what it missed, if it missed anything */
	g_assert_true(guest_called(&f.g));
	one_round(&f);
	vring_notify(f.vr);
	g_assert_true(guest_called(&f.g));
	end(&f);
}

static void test_kick(void)
{
	struct fixture f;

	start(&f, 8, 0);
	vring_enable_kick(f.vr, false);
	g_assert_cmpuint(f.g.used[0], ==, 1);
	g_assert_false(vring_enable_kick(f.vr, true));
	g_assert_cmpuint(f.g.used[0], ==, 0);
	guest_desc(&f.g, 0, BUF, 16, F_WRITE, 0);
	guest_offer(&f.g, 0);
	g_assert_true(vring_enable_kick(f.vr, true));
	vring_push(f.vr, must_pop(&f), 0);
	end(&f);

	start_at(&f, 8, GUEST_EVENT_IDX, 65535);
	g_assert_false(vring_enable_kick(f.vr, true));
	g_assert_cmpuint(guest_avail_event(&f.g), ==, 65535);
	one_round(&f);
	g_assert_cmpuint(guest_avail_event(&f.g), ==, 65535);
	g_assert_false(vring_enable_kick(f.vr, true));
	g_assert_cmpuint(guest_avail_event(&f.g), ==, 0);
	g_assert_cmpuint(f.g.used[0], ==, 0);
	end(&f);
}

/* ---- stop, cont, new memory ---- */

static void test_stop_and_cont(void)
{
	struct vring_config config;
	struct vring_elem *a, *b;
	struct fixture f;
	uint16_t head = 0;
	uint32_t len = 0;

	start(&f, 8, 0);
	for (uint16_t i = 0; i < 3; i++) {
		guest_desc(&f.g, i, BUF + 16 * i, 16, F_WRITE, 0);
		guest_offer(&f.g, i);
	}
	a = must_pop(&f);
	b = must_pop(&f);
	g_assert_cmpuint(vring_stop(f.vr), ==, 2);
	g_assert_cmpint(vring_pop(f.vr, &a), ==, 0);
	vring_push(f.vr, b, 7);
	vring_notify(f.vr);
	g_assert_false(guest_take(&f.g, &head, &len));

	config = guest_config(&f.g, 0);
	config.base = 2;
	g_assert_cmpint(vring_start(f.vr, &config, f.mem), ==, 0);
	g_assert_true(guest_take(&f.g, &head, &len));
	g_assert_cmpuint(head, ==, 1);
	g_assert_cmpuint(len, ==, 7);
	vring_notify(f.vr);
	g_assert_true(guest_called(&f.g));
	vring_push(f.vr, a, 3);
	g_assert_true(guest_take(&f.g, &head, &len));
	g_assert_cmpuint(head, ==, 0);
	a = must_pop(&f);
	g_assert_cmpuint(a->head, ==, 2);

	/* The driver starts anew: what is out, and what is kept, is void. */
	vring_stop(f.vr);
	f.g.avail_idx = f.g.last_used = 0;
	f.g.avail[1] = f.g.used[1] = 0;
	config = guest_config(&f.g, 0);
	g_assert_cmpint(vring_start(f.vr, &config, f.mem), ==, 1);
	vring_push(f.vr, a, 3);
	g_assert_false(guest_take(&f.g, &head, &len));
	guest_offer(&f.g, 2);
	a = must_pop(&f);
	vring_stop(f.vr);
	vring_push(f.vr, a, 3);
	f.g.avail[1] = 0;
	config = guest_config(&f.g, 0);
	g_assert_cmpint(vring_start(f.vr, &config, f.mem), ==, 1);
	g_assert_false(guest_take(&f.g, &head, &len));
	end(&f);
}

static void write_in(struct vring_elem *elem, char value, size_t len)
{
	char buf[64];

	memset(buf, value, sizeof(buf));
	iov_from_buf(elem->iov + elem->n_out, elem->n_in, 0, buf, len);
}

/* Nothing is written while the ring is stopped, and nothing is lost. */
static void test_stopped_memory(void)
{
	struct vring_config config;
	struct vring_elem *e[4];
	struct fixture f;
	uint8_t *guest;

	start(&f, 8, 0);
	for (uint16_t i = 0; i < 4; i++) {
		/* one of them is scattered over the border */
		guest_desc(&f.g, i, i == 1 ? GUEST_REGION - 8 : BUF + 64 * i,
			   32, i == 3 ? 0 : CHAIN_F_WRITE, 0);
		guest_offer(&f.g, i);
		e[i] = must_pop(&f);
	}
	guest = guest_ptr(&f.g, BUF);
	write_in(e[2], 'a', 32);
	g_assert_cmpint(vring_stop(f.vr), ==, 4);
	vring_stop(f.vr);
	write_in(e[0], 'x', 32);
	vring_push(f.vr, e[0], 20);
	write_in(e[1], 'y', 32);
	vring_push(f.vr, e[1], 32);
	write_in(e[2], 'z', 32);
	write_in(e[3], '!', 32);
	g_assert_cmpint(guest[0], ==, 0);
	g_assert_cmpint(guest[128], ==, 'a');
	g_assert_cmpint(*guest_ptr(&f.g, GUEST_REGION), ==, 0);

	config = guest_config(&f.g, 0);
	config.base = 4;
	g_assert_cmpint(vring_start(f.vr, &config, f.mem), ==, 0);
	g_assert_cmpint(guest[19], ==, 'x');
	g_assert_cmpint(guest[20], ==, 0);
	g_assert_cmpint(*guest_ptr(&f.g, GUEST_REGION - 8), ==, 'y');
	g_assert_cmpint(*guest_ptr(&f.g, GUEST_REGION + 23), ==, 'y');
	/* what was not answered is written where it belongs again */
	g_assert_cmpint(guest[128], ==, 'a');
	write_in(e[2], 'b', 32);
	g_assert_cmpint(guest[159], ==, 'b');
	vring_push(f.vr, e[2], 32);
	vring_push(f.vr, e[3], 0);
	g_assert_cmpuint(f.g.used[1], ==, 4);

	/* void with its driver: never written */
	guest_desc(&f.g, 0, BUF, 32, CHAIN_F_WRITE, 0);
	guest_offer(&f.g, 0);
	e[0] = must_pop(&f);
	vring_stop(f.vr);
	write_in(e[0], 'v', 32);
	f.g.avail_idx = f.g.avail[1] = f.g.used[1] = 0;
	config = guest_config(&f.g, 0);
	g_assert_cmpint(vring_start(f.vr, &config, f.mem), ==, 1);
	write_in(e[0], 'v', 32);
	vring_push(f.vr, e[0], 32);
	g_assert_cmpint(guest[0], ==, 'x');
	end(&f);
}

static void test_new_memory(void)
{
	struct vgpu_ipc_mem_region small = {
		.gpa = 0, .size = 0x1000, .uaddr = GUEST_UADDR,
	};
	struct guest_mem *other, *tiny;
	struct vring_elem *elem;
	struct fixture f;
	uint16_t head = 0;
	uint32_t len = 0;
	int fd;

	start(&f, 8, 0);
	guest_desc(&f.g, 0, BUF, 16, F_WRITE, 0);
	guest_offer(&f.g, 0);
	elem = must_pop(&f);
	other = guest_table(&f.g);
	g_assert_cmpint(vring_set_mem(f.vr, other), ==, 0);
	guest_mem_put(other);
	/* made from the old table, and still valid */
	memset(elem->iov[0].iov_base, 0x42, 16);
	vring_push(f.vr, elem, 16);
	g_assert_true(guest_take(&f.g, &head, &len));
	g_assert_cmpuint(*guest_ptr(&f.g, BUF + 15), ==, 0x42);

	/* a table without the ring: it stops, and is not touched */
	fd = dup(f.g.memfd);
	tiny = guest_mem_new(&small, &fd, 1);
	g_assert_nonnull(tiny);
	g_assert_cmpint(vring_set_mem(f.vr, tiny), ==, -EFAULT);
	g_assert_false(vring_running(f.vr));
	g_assert_cmpint(vring_pop(f.vr, &elem), ==, 0);
	g_assert_cmpint(vring_set_mem(f.vr, tiny), ==, 0);
	guest_mem_put(tiny);
	end(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vring/request", test_request);
	g_test_add_func("/vring/indirect-longer-than-ring",
			test_indirect_longer_than_ring);
	g_test_add_func("/vring/indirect-last", test_indirect_last);
	g_test_add_func("/vring/buffers-and-regions", test_buffers_and_regions);
	g_test_add_func("/vring/bad-chains", test_bad_chains);
	g_test_add_func("/vring/bad-heads", test_bad_heads);
	g_test_add_func("/vring/bad-rings", test_bad_rings);
	g_test_add_func("/vring/sizes", test_sizes);
	g_test_add_func("/vring/call-event-idx", test_call_event_idx);
	g_test_add_func("/vring/call-flags", test_call_flags);
	g_test_add_func("/vring/kick", test_kick);
	g_test_add_func("/vring/stop-and-cont", test_stop_and_cont);
	g_test_add_func("/vring/stopped-memory", test_stopped_memory);
	g_test_add_func("/vring/new-memory", test_new_memory);
	return g_test_run();
}
