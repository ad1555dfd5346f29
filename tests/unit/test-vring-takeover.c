// SPDX-License-Identifier: MIT
/*
 * test-vring-takeover.c - a worker that dies at any instruction loses no chain
 * and answers none twice
 *
 * A child process serves a ring while its parent steps it one instruction at a
 * time. Whenever shared memory has changed, the parent takes a copy of it as it
 * is, and lets a successor take over there. The second half plays random
 * operations, deaths among them, against a model.
 */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/iov.h"
#include "base/log.h"
#include "protocol/vgpu_ledger.h"
#include "tests/unit/ring_guest.h"

#define NUM		16	/* all that is offered fits the ring: a record */
#define HEADS		4
#define STEPS_MAX	2000000

/* What a death leaves behind, and what tells whether it all was answered. */
struct left {
	struct ring_guest g;
	struct vgpu_ledger_ring *ledger;
};

static size_t ring_bytes(void)
{
	return 4 + 8 * NUM + 2;
}

static void left_init(struct left *l)
{
	guest_init(&l->g, NUM);
	l->ledger = mmap(NULL, sizeof(*l->ledger), PROT_READ | PROT_WRITE,
			 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	g_assert_true(l->ledger != MAP_FAILED);
}

static void left_fini(struct left *l)
{
	munmap(l->ledger, sizeof(*l->ledger));
	guest_fini(&l->g);
}

/* The part of the ledger's ring that this test uses. */
#define LEDGER_PART	(offsetof(struct vgpu_ledger_ring, seq) + 8 * NUM)

static bool left_differs(const struct left *a, const struct left *b)
{
	return memcmp(a->ledger, b->ledger, LEDGER_PART) ||
		memcmp(a->g.used, b->g.used, ring_bytes()) ||
		memcmp(a->g.avail, b->g.avail, 4 + 2 * NUM);
}

static void left_copy(struct left *to, const struct left *from)
{
	memcpy(to->ledger, from->ledger, LEDGER_PART);
	memcpy(to->g.desc, from->g.desc, 16 * NUM);
	memcpy(to->g.avail, from->g.avail, 4 + 2 * NUM + 2);
	memcpy(to->g.used, from->g.used, ring_bytes());
}

static void make_descs(struct ring_guest *g)
{
	for (unsigned int i = 0; i < HEADS; i++)
		guest_desc(g, i, GUEST_BUFFERS + 64 * i, 64, CHAIN_F_WRITE, 0);
}

static struct vring *take_over(struct left *l, struct guest_mem *mem)
{
	struct vring_config config = guest_config(&l->g, GUEST_EVENT_IDX);
	struct vring *vr = vring_new(0, l->ledger);

	config.resume = true;
	g_assert_cmpint(vring_start(vr, &config, mem), >=, 0);
	return vr;
}

static void count_heads(const struct left *l, unsigned int offered[HEADS],
			unsigned int answered[HEADS])
{
	const uint32_t *pairs = (const uint32_t *)(l->g.used + 2);

	memset(offered, 0, HEADS * sizeof(*offered));
	memset(answered, 0, HEADS * sizeof(*answered));
	for (unsigned int i = 0; i < l->g.avail[1]; i++)
		offered[l->g.avail[2 + i]]++;
	for (unsigned int i = 0; i < l->g.used[1]; i++)
		answered[pairs[2 * i]]++;
}

/* From this state on, everything is answered exactly once. */
static void check_take_over(struct left *l)
{
	unsigned int offered[HEADS], answered[HEADS];
	struct guest_mem *mem = guest_table(&l->g);
	struct vring *vr = take_over(l, mem);
	struct vring_elem *elem;
	uint64_t seq = 0;

	while (vring_pop(vr, &elem) > 0) {
		g_assert_cmpuint(elem->seq, >, seq);
		seq = elem->seq;
		vring_push(vr, elem, 1);
	}
	g_assert_false(vring_enable_kick(vr, true));
	g_assert_cmpuint(guest_avail_event(&l->g), ==, l->g.avail[1]);
	/* told in any case: the dead one may not have come to it */
	vring_notify(vr);
	g_assert_true(guest_called(&l->g));
	g_assert_cmpuint(l->g.used[1], ==, l->g.avail[1]);
	count_heads(l, offered, answered);
	for (unsigned int i = 0; i < HEADS; i++)
		g_assert_cmpuint(offered[i], ==, answered[i]);
	vring_free(vr);
	guest_mem_put(mem);
}

/* What the child does: heads return in another order and are used again. */
static void serve(struct left *l, struct vring *vr)
{
	struct vring_elem *a, *b, *c;
	uint16_t head = 0;
	uint32_t len = 0;

	guest_offer(&l->g, 0);
	guest_offer(&l->g, 1);
	guest_offer(&l->g, 2);
	vring_pop(vr, &a);
	vring_pop(vr, &b);
	vring_push(vr, b, 1);
	vring_notify(vr);
	guest_take(&l->g, &head, &len);
	guest_offer(&l->g, head);
	vring_pop(vr, &c);
	vring_pop(vr, &b);
	vring_push(vr, b, 2);
	vring_push(vr, a, 3);
	guest_take(&l->g, &head, &len);
	guest_offer(&l->g, head);
	vring_pop(vr, &a);
	vring_push(vr, a, 4);
	guest_take(&l->g, &head, &len);
	guest_offer(&l->g, head);
	vring_pop(vr, &a);
	vring_push(vr, c, 5);
	vring_push(vr, a, 6);
	vring_notify(vr);
}

static pid_t start_child(struct left *live)
{
	struct guest_mem *mem = guest_table(&live->g);
	struct vring_config config = guest_config(&live->g, GUEST_EVENT_IDX);
	struct vring *vr = vring_new(0, live->ledger);
	pid_t pid;

	g_assert_cmpint(vring_start(vr, &config, mem), ==, 1);
	pid = fork();
	g_assert_cmpint(pid, >=, 0);
	if (!pid) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL))
			_exit(77);
		raise(SIGSTOP);
		serve(live, vr);
		_exit(0);
	}
	vring_free(vr);
	guest_mem_put(mem);
	return pid;
}

static void test_every_instruction(void)
{
	struct left live, last;
	unsigned int steps = 0, deaths = 0;
	int status;
	pid_t pid;

	left_init(&live);
	left_init(&last);
	make_descs(&live.g);
	pid = start_child(&live);
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		g_test_skip("this machine does not let a parent trace");
		goto out;
	}
	left_copy(&last, &live);
	while (WIFSTOPPED(status)) {
		g_assert_cmpuint(steps++, <, STEPS_MAX);
		g_assert_cmpint(ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL), ==,
				0);
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		if (left_differs(&live, &last)) {
			struct left copy;

			left_copy(&last, &live);
			left_init(&copy);
			left_copy(&copy, &live);
			check_take_over(&copy);
			left_fini(&copy);
			deaths++;
		}
	}
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), ==, 0);
	g_test_message("%u instructions, %u states", steps, deaths);
	/* 6 pops of 3 stores, 6 pushes of 7, 6 offers of 2: at least */
	g_assert_cmpuint(deaths, >, 60);
out:
	left_fini(&live);
	left_fini(&last);
}

/* ---- a successor's own order, and bad ledgers ---- */

static void test_order(void)
{
	struct left l;
	struct guest_mem *mem;
	struct vring *vr;
	struct vring_elem *elem, *held[HEADS];

	left_init(&l);
	make_descs(&l.g);
	mem = guest_table(&l.g);
	vr = take_over(&l, mem);	/* nothing there: starts at used->idx */
	for (uint16_t i = 0; i < HEADS; i++)
		guest_offer(&l.g, (uint16_t)(HEADS - 1 - i));
	for (unsigned int i = 0; i < HEADS; i++)
		g_assert_cmpint(vring_pop(vr, &held[i]), ==, 1);
	g_assert_cmpuint(held[1]->head, ==, 2);
	vring_push(vr, held[1], 0);
	vring_free(vr);			/* dies, with three in flight */

	vr = take_over(&l, mem);
	guest_offer(&l.g, 2);
	for (unsigned int i = 0; i < HEADS; i++) {
		static const uint16_t want[] = { 3, 1, 0, 2 };

		g_assert_true(vring_enable_kick(vr, true));
		g_assert_cmpint(vring_pop(vr, &elem), ==, 1);
		g_assert_cmpuint(elem->head, ==, want[i]);
		g_assert_cmpint(elem->replayed, ==, i < 3);
		vring_push(vr, elem, 0);
	}
	g_assert_cmpint(vring_pop(vr, &elem), ==, 0);
	vring_free(vr);
	guest_mem_put(mem);
	left_fini(&l);
}

/* Whatever the ledger says, the successor stays inside the ring. */
static void test_hostile_ledger(void)
{
	for (int round = 0; round < 2000; round++) {
		struct vring_elem *elem, *list = NULL;
		struct guest_mem *mem;
		struct vring *vr;
		struct left l;
		unsigned int n = 0;

		left_init(&l);
		make_descs(&l.g);
		for (size_t i = 0; i < LEDGER_PART; i++)
			((uint8_t *)l.ledger)[i] = (uint8_t)g_random_int();
		for (unsigned int i = 0; i < NUM; i++)
			if (g_random_boolean())
				atomic_store(&l.ledger->seq[i], 0);
		atomic_store(&l.ledger->valid, 1);
		if (g_random_boolean())
			atomic_store(&l.ledger->last_avail,
				     (uint32_t)g_random_int_range(0, 20));
		l.g.avail[1] = (uint16_t)g_random_int_range(0, NUM);
		l.g.used[1] = (uint16_t)g_random_int_range(0, NUM);
		mem = guest_table(&l.g);
		vr = take_over(&l, mem);
		while (vring_pop(vr, &elem) > 0) {
			g_assert_cmpuint(elem->head, <, NUM);
			g_assert_cmpuint(n++, <=, 2 * NUM);
			elem->next = list;
			list = elem;
		}
		while (list) {
			elem = list;
			list = elem->next;
			vring_push(vr, elem, 1);
		}
		vring_free(vr);
		guest_mem_put(mem);
		left_fini(&l);
	}
}

/* ---- random operations against a model ---- */

enum { MODEL_NUM = 32 };

struct model {
	struct ring_guest g;
	struct guest_mem *mem;
	struct vgpu_ledger_ring *ledger;
	struct vring *vr;
	uint64_t features;
	bool stopped;

	bool busy[MODEL_NUM];		/* descriptor belongs to a chain */
	uint32_t tag[MODEL_NUM];	/* by head: which request; 0: none */
	unsigned int used_descs[MODEL_NUM];
	unsigned int links[MODEL_NUM][3];
	uint32_t next_tag, offered, answered;

	struct vring_elem *held[MODEL_NUM];
	unsigned int n_held;
};

static void model_start(struct model *m, bool resume, uint16_t base)
{
	struct vring_config config = guest_config(&m->g, m->features);

	config.resume = resume;
	config.base = base;
	g_assert_cmpint(vring_start(m->vr, &config, m->mem), >=, 0);
	m->stopped = false;
}

/* A chain of one to three descriptors, or an indirect one, carrying a tag. */
static void model_offer(struct model *m)
{
	unsigned int want = (unsigned int)g_random_int_range(1, 4), n = 0;
	unsigned int d[3] = { 0 };
	bool indirect = g_random_boolean();

	if (indirect)
		want = 1;
	for (unsigned int i = 0; i < MODEL_NUM && n < want; i++)
		if (!m->busy[i])
			d[n++] = i;
	if (n < want)
		return;
	for (unsigned int i = 0; i < n; i++) {
		m->busy[d[i]] = true;
		m->links[d[0]][i] = d[i];
		guest_desc(&m->g, d[i], GUEST_BUFFERS + 4096 * d[i],
			   i ? 64 : 4, (i ? CHAIN_F_WRITE : 0) |
			   (i + 1 < n ? CHAIN_F_NEXT : 0),
			   i + 1 < n ? (uint16_t)d[i + 1] : 0);
	}
	if (indirect) {
		struct chain_desc *t = (void *)guest_ptr(&m->g,
			0x1000 + 64 * d[0]);

		t[0] = (struct chain_desc){ GUEST_BUFFERS + 4096 * d[0], 4,
			CHAIN_F_NEXT, 1 };
		t[1] = (struct chain_desc){ GUEST_REGION - 32, 64,
			CHAIN_F_WRITE, 0 };
		guest_desc(&m->g, d[0], 0x1000 + 64 * d[0], 32,
			   CHAIN_F_INDIRECT, 0);
	}
	m->used_descs[d[0]] = n;
	m->tag[d[0]] = ++m->next_tag;
	memcpy(guest_ptr(&m->g, GUEST_BUFFERS + 4096 * d[0]), &m->next_tag, 4);
	guest_offer(&m->g, (uint16_t)d[0]);
	m->offered++;
}

static void model_pop(struct model *m)
{
	struct vring_elem *elem;
	uint32_t tag;
	int ret = vring_pop(m->vr, &elem);

	g_assert_cmpint(ret, >=, 0);
	if (!ret)
		return;
	g_assert_false(m->stopped);
	g_assert_cmpuint(m->n_held, <, MODEL_NUM);
	memcpy(&tag, elem->iov[0].iov_base, 4);
	g_assert_cmpuint(tag, ==, m->tag[elem->head]);
	m->held[m->n_held++] = elem;
}

/* The request's tag goes back, where there is room for it. */
static void model_answer(struct model *m, struct vring_elem *elem)
{
	uint32_t tag = m->tag[elem->head];

	iov_from_buf(elem->iov + elem->n_out, elem->n_in, 0, &tag, 4);
}

static void model_push(struct model *m)
{
	unsigned int i;

	if (!m->n_held)
		return;
	i = (unsigned int)g_random_int_range(0, (gint)m->n_held);
	model_answer(m, m->held[i]);
	vring_push(m->vr, m->held[i], 4);
	m->held[i] = m->held[--m->n_held];
}

static void model_check_answer(struct model *m, uint16_t head)
{
	const struct chain_desc *d = &m->g.desc[head];
	uint32_t got;

	if (d->flags & CHAIN_F_NEXT) {
		memcpy(&got, guest_ptr(&m->g, m->g.desc[d->next].addr), 4);
		g_assert_cmpuint(got, ==, m->tag[head]);
	}
}

static void model_take(struct model *m)
{
	uint16_t head = 0;
	uint32_t len = 0;

	while (guest_take(&m->g, &head, &len)) {
		g_assert_cmpuint(head, <, MODEL_NUM);
		g_assert_cmpuint(m->tag[head], !=, 0);
		model_check_answer(m, head);
		m->tag[head] = 0;
		for (unsigned int i = 0; i < m->used_descs[head]; i++)
			m->busy[m->links[head][i]] = false;
		m->answered++;
	}
}

static void model_die(struct model *m)
{
	m->n_held = 0;
	vring_free(m->vr);
	m->vr = vring_new(0, m->ledger);
	model_start(m, true, 0);
}

static void model_stop(struct model *m)
{
	uint16_t base;

	if (!m->stopped) {
		base = vring_stop(m->vr);
		g_assert_cmpuint(base, ==,
				 atomic_load(&m->ledger->last_avail) & 0xffff);
		m->stopped = true;
		return;
	}
	model_start(m, false, vring_stop(m->vr));
}

static void test_random(gconstpointer data)
{
	struct model m = { .features = GPOINTER_TO_SIZE(data) };
	unsigned int deaths = 0;

	guest_init(&m.g, MODEL_NUM);
	m.ledger = g_malloc0(sizeof(*m.ledger));
	m.mem = guest_table(&m.g);
	m.vr = vring_new(0, m.ledger);
	model_start(&m, false, 0);
	while (m.offered < 100000) {
		switch (g_random_int_range(0, 64)) {
		case 0 ... 20:
			model_offer(&m);
			break;
		case 21 ... 40:
			model_pop(&m);
			break;
		case 41 ... 60:
			model_push(&m);
			break;
		case 61:
			model_take(&m);
			break;
		case 62:
			model_stop(&m);
			break;
		default:
			if (g_random_int_range(0, 8))
				break;
			model_die(&m);
			deaths++;
		}
	}
	if (m.stopped)
		model_stop(&m);
	for (int i = 0; i < 4 * MODEL_NUM; i++) {
		model_pop(&m);
		model_push(&m);
	}
	model_take(&m);
	g_assert_cmpuint(m.answered, ==, m.offered);
	g_assert_cmpuint(m.n_held, ==, 0);
	g_assert_cmpuint(deaths, >, 100);
	vring_free(m.vr);
	guest_mem_put(m.mem);
	g_free(m.ledger);
	guest_fini(&m.g);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/vring/takeover/every-instruction",
			test_every_instruction);
	g_test_add_func("/vring/takeover/order", test_order);
	g_test_add_func("/vring/takeover/hostile-ledger", test_hostile_ledger);
	g_test_add_data_func("/vring/random/event-index",
			     GSIZE_TO_POINTER(GUEST_EVENT_IDX | GUEST_INDIRECT),
			     test_random);
	g_test_add_data_func("/vring/random/flags",
			     GSIZE_TO_POINTER(GUEST_INDIRECT), test_random);
	return g_test_run();
}
