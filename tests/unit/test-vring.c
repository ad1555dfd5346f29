// SPDX-License-Identifier: MIT
/*
 * test-vring.c - the split ring: what drivers do
 */
#include "base/iov.h"
#include "tests/unit/ring_fixture.h"

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
	g_test_add_func("/vring/sizes", test_sizes);
	g_test_add_func("/vring/call-event-idx", test_call_event_idx);
	g_test_add_func("/vring/call-flags", test_call_flags);
	g_test_add_func("/vring/kick", test_kick);
	g_test_add_func("/vring/stop-and-cont", test_stop_and_cont);
	g_test_add_func("/vring/stopped-memory", test_stopped_memory);
	g_test_add_func("/vring/new-memory", test_new_memory);
	return g_test_run();
}
