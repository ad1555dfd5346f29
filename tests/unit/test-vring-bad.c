// SPDX-License-Identifier: MIT
/*
 * test-vring-bad.c - the split ring: what drivers must not do
 */
#include <errno.h>
#include <fcntl.h>

#include "tests/unit/ring_fixture.h"

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

/* ---- a guest that writes anything ---- */

static uint64_t random_gpa(void)
{
	switch (g_random_int_range(0, 8)) {
	case 0:
		return (uint64_t)g_random_int() << 32 | g_random_int();
	case 1:
		return GUEST_REGION - (guint)g_random_int_range(0, 64);
	case 2:
		return GUEST_SIZE - (guint)g_random_int_range(0, 64);
	case 3:
		return 0x1000 * (guint)g_random_int_range(0, 4);
	default:
		return BUF + (guint)g_random_int_range(0, 0x100000);
	}
}

static uint32_t random_len(void)
{
	switch (g_random_int_range(0, 8)) {
	case 0:
		return g_random_int();
	case 1:
		return 0;
	case 2:
		return 16 * (guint)g_random_int_range(0, 5000);
	default:
		return 16 * (guint)g_random_int_range(1, 8);
	}
}

static void random_descs(struct chain_desc *d, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		d[i] = (struct chain_desc){
			.addr = random_gpa(), .len = random_len(),
			.flags = (uint16_t)(g_random_int_range(0, 16)
					    ? g_random_int_range(0, 4) : 4),
			.next = (uint16_t)g_random_int_range(0,
							     (gint)n + 2),
		};
}

static bool inside(const struct iovec *iov, const uint8_t *region, size_t size)
{
	const uint8_t *p = iov->iov_base;

	return p >= region && p <= region + size &&
		iov->iov_len <= (size_t)(region + size - p);
}

/* Regions that happen to be neighbours here may share an iovec. */
static bool inside_guest(const struct iovec *iov, const uint8_t *a,
			 const uint8_t *b)
{
	if (a + GUEST_REGION == b || b + GUEST_REGION == a)
		return inside(iov, MIN(a, b), 2 * GUEST_REGION);
	return inside(iov, a, GUEST_REGION) || inside(iov, b, GUEST_REGION);
}

static void check_elem(const struct vring_elem *elem, struct guest_mem *mem)
{
	const uint8_t *a = guest_mem_uaddr(mem, GUEST_UADDR, GUEST_REGION);
	const uint8_t *b = guest_mem_uaddr(mem, GUEST_UADDR_B, GUEST_REGION);
	size_t sum = 0;

	g_assert_cmpuint(elem->n_out + elem->n_in, >, 0);
	for (unsigned int i = 0; i < elem->n_out + elem->n_in; i++) {
		g_assert_true(inside_guest(&elem->iov[i], a, b));
		g_assert_cmpuint(elem->iov[i].iov_len, >, 0);
		sum += elem->iov[i].iov_len;
	}
	g_assert_cmpuint(sum, ==, elem->out_len + elem->in_len);
}

/* Whatever is popped lies in guest memory; the rest breaks the ring. */
static void test_random_bytes(void)
{
	unsigned int popped = 0, broke = 0;
	struct fixture f;

	start(&f, 64, GUEST_INDIRECT | GUEST_EVENT_IDX);
	for (int round = 0; round < 20000; round++) {
		struct vring_config config;
		struct vring_elem *elem;
		int ret;

		random_descs(f.g.desc, 64);
		for (int i = 0; i < 4; i++)
			random_descs((void *)guest_ptr(&f.g, 0x1000u * i), 16);
		for (int i = 0; i < 64; i++)
			f.g.avail[2 + i] = (uint16_t)g_random_int_range(0, 66);
		f.g.avail[1] = (uint16_t)(f.g.used[1] +
					  g_random_int_range(0, 66));
		while ((ret = vring_pop(f.vr, &elem)) > 0) {
			check_elem(elem, f.mem);
			vring_push(f.vr, elem, g_random_int());
			popped++;
		}
		vring_notify(f.vr);
		vring_enable_kick(f.vr, true);
		broke += ret < 0;
		f.g.used[1] = (uint16_t)g_random_int();
		config = guest_config(&f.g, GUEST_INDIRECT | GUEST_EVENT_IDX);
		config.base = f.g.used[1];
		g_assert_cmpint(vring_start(f.vr, &config, f.mem), >=, 0);
	}
	g_test_message("%u chains, %u broken rings", popped, broke);
	g_assert_cmpuint(popped, >, 1000);
	g_assert_cmpuint(broke, >, 1000);
	end(&f);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/vring/bad-chains", test_bad_chains);
	g_test_add_func("/vring/bad-heads", test_bad_heads);
	g_test_add_func("/vring/bad-rings", test_bad_rings);
	g_test_add_func("/vring/random-bytes", test_random_bytes);
	return g_test_run();
}
