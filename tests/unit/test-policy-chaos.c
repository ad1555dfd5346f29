// SPDX-License-Identifier: MIT
/*
 * test-policy-chaos.c - anything in any order, in all modes
 *
 * After each call the trees hold who they should, and each decision is the one
 * that a search through all entities gives.
 */
#include <errno.h>

#include "policy_world.h"

struct lists {
	GHashTable *fair, *ghosts, *reserved, *throttled;
};

static struct world w;

/* Every node into a set; keys ascend, minima are right, heap order holds. */
static void walk(const struct policy_node *n, GHashTable *set,
		 const struct policy_node **last)
{
	policy_vtime least;

	if (!n)
		return;
	least = n->deadline;
	walk(n->left, set, last);
	if (*last)
		g_assert_true((*last)->key <= n->key);
	*last = n;
	g_assert_true(g_hash_table_add(set, (void *)(uintptr_t)n));
	walk(n->right, set, last);
	if (n->left) {
		g_assert_cmpuint(n->left->priority, >=, n->priority);
		least = MIN(least, n->left->min_deadline);
	}
	if (n->right) {
		g_assert_cmpuint(n->right->priority, >=, n->priority);
		least = MIN(least, n->right->min_deadline);
	}
	g_assert_true(n->min_deadline == least);
}

static GHashTable *tree(const struct policy_node *root)
{
	GHashTable *set = g_hash_table_new(NULL, NULL);
	const struct policy_node *last = NULL;

	walk(root, set, &last);
	return set;
}

static void check_entity(const struct policy_entity *e, const struct lists *l)
{
	bool is_fair = w.policy.mode == POLICY_FAIR;

	g_assert_cmpint(e->ready, ==, g_hash_table_contains(l->fair, &e->fair));
	g_assert_cmpint(e->backlogged && !e->ready, ==,
			g_hash_table_contains(l->throttled, &e->throttled));
	g_assert_cmpint(e->ready && e->reserve && is_fair, ==,
			g_hash_table_contains(l->reserved, &e->reserved));
	g_assert_cmpint(e->counted && !e->ready, ==,
			g_hash_table_contains(l->ghosts, &e->fair));
	if (e->ready)
		g_assert_true(e->backlogged);
	/* whoever sleeps and counts has debt */
	if (e->counted && !e->ready)
		g_assert_true(e->v > policy_now(&w.policy));
	g_assert_true(is_fair || !e->counted);
	g_assert_cmpuint(e->weight, >=, POLICY_WEIGHT_MIN);
	g_assert_cmpuint(e->weight, <=, POLICY_WEIGHT_MAX);
}

static void check_all(void)
{
	struct lists l = {
		tree(w.policy.fair), tree(w.policy.ghosts),
		tree(w.policy.reserved), tree(w.policy.throttled),
	};
	uint64_t slots = 0, weight = 0;
	uint32_t reserve = 0, ready = 0;
	int i;

	for (i = 0; i < w.n; i++) {
		const struct policy_entity *e = &w.vm[i].e;

		check_entity(e, &l);
		slots += e->slot_ns;
		weight += e->counted ? e->weight : 0;
		reserve += e->reserve;
		ready += e->ready;
	}
	g_assert_cmpuint(w.policy.count, ==, ready);
	g_assert_cmpuint(g_hash_table_size(l.fair), ==, ready);
	g_assert_cmpuint(w.policy.slots_ns, ==, slots);
	g_assert_cmpuint(w.policy.weight, ==, weight);
	g_assert_cmpuint(w.policy.reserve, ==, reserve);
	g_hash_table_unref(l.fair);
	g_hash_table_unref(l.ghosts);
	g_hash_table_unref(l.reserved);
	g_hash_table_unref(l.throttled);
}

/* The same decision without a tree. */
static bool earlier(const struct policy_entity *a, const struct policy_entity *b)
{
	return !b || a->fair.deadline < b->fair.deadline;
}

static void check_fair(const struct policy_entity *got)
{
	policy_vtime now = policy_now(&w.policy);
	const struct policy_entity *best = NULL, *least = NULL, *first = NULL;
	int i;

	for (i = 0; i < w.n; i++) {
		const struct policy_entity *e = &w.vm[i].e;

		if (!e->ready)
			continue;
		if (!least || e->v < least->v)
			least = e;
		if (e->v <= now && earlier(e, best))
			best = e;
		if (e->reserve && e->u <= w.policy.served && (!first ||
		    e->reserved.deadline < first->reserved.deadline))
			first = e;
	}
	if (!least)
		g_assert_null(got);
	else if (first)
		g_assert_true(got->reserved.deadline == first->reserved.deadline);
	else if (best)
		g_assert_true(got->fair.deadline == best->fair.deadline);
	else
		g_assert_true(got->v == least->v);
}

static void check_pick(void)
{
	const struct policy_entity *got = policy_pick(&w.policy);

	if (got)
		g_assert_true(got->ready);
	switch (w.policy.mode) {
	case POLICY_FAIR:
		check_fair(got);
		break;
	case POLICY_BEST_EFFORT:
		g_assert_cmpint(got != NULL, ==, w.policy.count > 0);
		break;
	case POLICY_FIXED:
		if (!got)
			break;
		g_assert_true(got == w.policy.slot && got->slot_ns);
		g_assert_cmpuint(w.policy.slot_end_ns, >, w.policy.now_ns);
		break;
	}
}

static void set_something(struct policy_entity *e)
{
	struct policy *p = &w.policy;
	int all = (int)POLICY_WHOLE + 1;

	switch (g_test_rand_int_range(0, 8)) {
	case 0:
		policy_set_weight(p, e, (uint32_t)g_test_rand_int());
		break;
	case 1:
		policy_set_weight(p, e, any_weight());
		break;
	case 2:
		policy_set_request(p, e, any_ns(0, L));
		break;
	case 3:
		policy_set_cap(p, e, (uint32_t)g_test_rand_int_range(0, all),
			       any_ns(0, 4 * L));
		break;
	case 4:
		policy_set_cap(p, e, 0, 0);
		break;
	case 5: {
		uint32_t part = (uint32_t)g_test_rand_int() >>
			g_test_rand_int_range(0, 32);
		bool fits = (uint64_t)p->reserve - e->reserve + part <=
			POLICY_RESERVE_MAX;

		g_assert_cmpint(policy_set_reserve(p, e, part), ==,
				fits ? 0 : -ENOSPC);
		break;
	}
	case 6:
		policy_set_slot(p, e, any_ns(0, L));
		break;
	default:
		policy_set_slot(p, e, 0);
	}
}

static void set_lane(void)
{
	switch (g_test_rand_int_range(0, 4)) {
	case 0:
		policy_set_frame(&w.policy, g_test_rand_int_range(0, 3) ?
				 any_ns(0, 64 * L) : UINT64_MAX);
		break;
	case 1:
		policy_set_capacity(&w.policy, g_test_rand_int_range(0, 3) ?
				    any_ns(0, 8 * POLICY_WHOLE) : UINT64_MAX);
		break;
	default:
		policy_set_mode(&w.policy, (enum policy_mode)
				g_test_rand_int_range(0, 3));
	}
}

static void anything(struct policy_entity *e)
{
	struct policy *p = &w.policy;
	struct policy_entity *next;

	switch (g_test_rand_int_range(0, 24)) {
	case 0:	/* goes away, and another comes */
		policy_entity_fini(p, e);
		policy_entity_init(p, e, any_weight(), L);
		break;
	case 1:
		set_lane();
		break;
	case 2: case 3: case 4: case 5:
		set_something(e);
		break;
	case 6: case 7: case 8: case 9:
		policy_wake(p, e);
		break;
	case 10: case 11:
		policy_sleep(p, e);
		break;
	case 12:	/* work outside its turn */
		policy_charge(p, e, any_ns(0, L));
		break;
	case 13:
		policy_charge(p, e, g_test_rand_int_range(0, 20) ? 0 :
			      UINT64_MAX);
		break;
	case 14:	/* a clock that goes back is not believed */
		policy_advance(p, w.now - MIN(w.now, any_ns(0, L)));
		break;
	default:
		w.now += any_ns(0, g_test_rand_int_range(0, 50) ? L : 4000 * L);
		next = policy_pick(p);
		if (next)
			policy_charge(p, next, any_ns(1, L));
		policy_advance(p, w.now);
	}
}

static void test_chaos(void)
{
	int round, step, i;

	for (round = 0; round < 150; round++) {
		world_init(&w, g_test_rand_int_range(1, 20));
		for (step = 0; step < 3000; step++) {
			anything(&w.vm[g_test_rand_int_range(0, w.n)].e);
			check_all();
			check_pick();
			if (w.policy.mode == POLICY_FAIR) {
				w.last_v = 0;	/* weights change it a little */
				world_check_sums(&w);
			}
		}
		for (i = 0; i < w.n; i++)
			policy_entity_fini(&w.policy, &w.vm[i].e);
		w.n = 0;
		check_all();
		g_assert_true(w.policy.sum == 0);
		g_assert_null(w.policy.slots);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/chaos", test_chaos);
	return g_test_run();
}
