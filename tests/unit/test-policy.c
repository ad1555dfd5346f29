// SPDX-License-Identifier: MIT
/*
 * test-policy.c - bounds of the scheduling policy, over random workloads
 */
#include <math.h>
#include <stdlib.h>

#include <glib.h>

#include "sched/policy.h"

#define VMS	64
#define MS	1000000ull
#define L	(8 * MS)
#define SHIFT	16

struct world {
	struct policy policy;
	struct policy_entity e[VMS];
	uint64_t served[VMS];
	int n;
};

static uint64_t random_cost(uint64_t longest)
{
	return (uint64_t)g_test_rand_double_range(1, (double)longest);
}

static void world_init(struct world *w, int n, bool equal)
{
	int i;

	*w = (struct world){ .n = n };
	policy_init(&w->policy);
	for (i = 0; i < n; i++) {
		uint32_t weight = equal ? 100 :
			(uint32_t)g_test_rand_int_range(1, 1000);

		policy_entity_init(&w->policy, &w->e[i], weight, L);
	}
}

static void wake_all(struct world *w)
{
	int i;

	for (i = 0; i < w->n; i++)
		policy_wake(&w->policy, &w->e[i]);
}

/* The same decision without a tree: earliest deadline among the eligible. */
static void check_pick(const struct world *w, const struct policy_entity *got)
{
	policy_vtime now = policy_now(&w->policy);
	const struct policy_entity *best = NULL, *least = NULL;
	int i;

	for (i = 0; i < w->n; i++) {
		const struct policy_entity *e = &w->e[i];

		if (!e->backlogged)
			continue;
		if (!least || e->v < least->v)
			least = e;
		if (e->v <= now &&
		    (!best || e->fair.deadline < best->fair.deadline))
			best = e;
	}
	if (!least) {
		g_assert_null(got);
		return;
	}
	/* B8: work is queued, so somebody is chosen */
	g_assert_nonnull(got);
	g_assert_true(got->backlogged);
	if (best) {
		g_assert_true(got->v <= now);
		g_assert_true(got->fair.deadline == best->fair.deadline);
	} else {
		g_assert_true(got->v == least->v);
	}
}

static void check_lags(const struct world *w, int64_t bound)
{
	int64_t sum = 0;
	int i, counted = 0;

	for (i = 0; i < w->n; i++) {
		int64_t lag = policy_lag(&w->policy, &w->e[i]);

		if (!w->e[i].counted)
			continue;
		counted++;
		sum += lag;
		if (!bound)
			continue;
		g_assert_cmpint(lag, >, -bound);	/* B1 */
		g_assert_cmpint(lag, <, bound);
	}
	/* B9, but for rounding: V in 1/65536 of a weighted nanosecond each */
	g_assert_cmpint(llabs(sum), <=,
			counted + 2 + (int64_t)(w->policy.weight >> SHIFT));
}

static void serve(struct world *w, uint64_t longest)
{
	struct policy_entity *e = policy_pick(&w->policy);
	policy_vtime before = policy_now(&w->policy);
	uint64_t cost = random_cost(longest);

	check_pick(w, e);
	if (!e)
		return;
	w->served[e - w->e] += cost;
	policy_charge(&w->policy, e, cost);
	/* B9: serving never turns V back */
	g_assert_true(policy_now(&w->policy) >= before);
}

static void test_bounds(void)
{
	struct world w;
	int round, step, i, j;

	for (round = 0; round < 40; round++) {
		world_init(&w, g_test_rand_int_range(2, VMS + 1), round & 1);
		wake_all(&w);
		for (step = 0; step < 3000; step++) {
			serve(&w, L);
			check_lags(&w, L);
		}
		/* B2, since all began with no lag */
		for (i = 0; i < w.n; i++) {
			for (j = 0; j < i; j++) {
				double a = (double)w.served[i] / w.e[i].weight;
				double b = (double)w.served[j] / w.e[j].weight;
				double bound = (double)L / w.e[i].weight +
					(double)L / w.e[j].weight;

				g_assert_cmpfloat(fabs(a - b), <=, bound);
			}
		}
	}
}

static double jain(const struct world *w)
{
	double sum = 0, squares = 0;
	int i;

	for (i = 0; i < w->n; i++) {
		double y = (double)w->served[i] / w->e[i].weight;

		sum += y;
		squares += y * y;
	}
	return sum * sum / (w->n * squares);
}

static void test_jain(void)
{
	struct world w;
	int n, step;

	for (n = 2; n <= VMS; n *= 2) {
		world_init(&w, n, true);
		/* light ones need longer for the same share error (B3) */
		for (step = 0; step < n; step++)
			policy_set_weight(&w.policy, &w.e[step], (uint32_t)
					  g_test_rand_int_range(50, 401));
		wake_all(&w);
		for (step = 0; step < 5000 * n; step++)
			serve(&w, 2 * MS);
		g_assert_cmpfloat(jain(&w), >=, 0.9999);
	}
}

/* What is served follows weights that change all the time; lag is kept. */
static void test_live_weights(void)
{
	struct world w;
	double due[VMS] = { 0 };
	int round, step, i;

	for (round = 0; round < 20; round++) {
		world_init(&w, g_test_rand_int_range(2, VMS + 1), false);
		wake_all(&w);
		for (i = 0; i < w.n; i++)
			due[i] = 0;
		for (step = 0; step < 4000; step++) {
			struct policy_entity *e = policy_pick(&w.policy);
			uint64_t cost = random_cost(L);

			check_pick(&w, e);
			for (i = 0; i < w.n; i++)
				due[i] += (double)cost * w.e[i].weight /
					(double)w.policy.weight;
			w.served[e - w.e] += cost;
			policy_charge(&w.policy, e, cost);
			if (step % 10)
				continue;
			i = g_test_rand_int_range(0, w.n);
			policy_set_weight(&w.policy, &w.e[i], (uint32_t)
					  g_test_rand_int_range(1, 10001));
			check_lags(&w, 0);
		}
		/*
		 * Within two jobs of what was due at each instant; the second is
		 * for who was owed one and became light before it came.
		 */
		for (i = 0; i < w.n; i++)
			g_assert_cmpfloat(fabs(due[i] - (double)w.served[i]), <,
					  2 * (double)L);
	}
}

/* Anything in any order: the tree agrees with the simple search. */
static void test_chaos(void)
{
	struct world w;
	int round, step;

	for (round = 0; round < 30; round++) {
		world_init(&w, g_test_rand_int_range(2, VMS + 1), false);
		for (step = 0; step < 3000; step++) {
			struct policy_entity *e =
				&w.e[g_test_rand_int_range(0, w.n)];

			switch (g_test_rand_int_range(0, 8)) {
			case 0:
				policy_wake(&w.policy, e);
				break;
			case 1:
				policy_sleep(&w.policy, e);
				break;
			case 2:
				policy_set_weight(&w.policy, e, (uint32_t)
						  g_test_rand_int_range(0, 20000));
				break;
			case 3:
				policy_set_request(&w.policy, e,
						   random_cost(L));
				break;
			case 4:	/* goes away, and another comes */
				policy_entity_fini(&w.policy, e);
				policy_entity_init(&w.policy, e, 77, L);
				policy_wake(&w.policy, e);
				break;
			case 5:	/* work outside its turn */
				policy_charge(&w.policy, e, random_cost(L));
				break;
			default:
				serve(&w, L);
			}
			check_pick(&w, policy_pick(&w.policy));
			check_lags(&w, 0);
			g_assert_cmpuint(e->weight, >=, POLICY_WEIGHT_MIN);
			g_assert_cmpuint(e->weight, <=, POLICY_WEIGHT_MAX);
		}
	}
}

static void test_no_credit(void)
{
	struct world w;
	int i;

	world_init(&w, 2, true);
	policy_wake(&w.policy, &w.e[0]);
	for (i = 0; i < 1000; i++)
		policy_charge(&w.policy, &w.e[0], L);
	/* slept through eight seconds, and is owed nothing for it */
	policy_wake(&w.policy, &w.e[1]);
	g_assert_cmpint(policy_lag(&w.policy, &w.e[1]), ==, 0);
	for (i = 0; i < 1000; i++)
		serve(&w, L);
	g_assert_cmpfloat((double)w.served[1], <,
			  (double)(w.served[0] + 2 * L));
}

static void test_debt_kept(void)
{
	struct world w;
	int i, turns = 0;

	world_init(&w, 2, true);
	wake_all(&w);
	policy_charge(&w.policy, &w.e[1], 100 * L);
	/* a nap does not wipe it out */
	policy_sleep(&w.policy, &w.e[1]);
	for (i = 0; i < 10; i++)
		policy_charge(&w.policy, &w.e[0], L);
	policy_wake(&w.policy, &w.e[1]);
	while (policy_pick(&w.policy) == &w.e[0]) {
		policy_charge(&w.policy, &w.e[0], L);
		turns++;
	}
	g_assert_cmpint(turns, >=, 88);
	g_assert_cmpint(turns, <=, 91);
}

/* A second of CPU now and then while asleep is charged like any other. */
static void test_charge_asleep(void)
{
	struct world w;

	world_init(&w, 2, true);
	policy_wake(&w.policy, &w.e[0]);
	policy_charge(&w.policy, &w.e[1], L);
	policy_wake(&w.policy, &w.e[1]);
	g_assert_cmpint(policy_lag(&w.policy, &w.e[1]), <, 0);
	g_assert_true(policy_pick(&w.policy) == &w.e[0]);
}

/* Decades at the lightest weight, and costs that no clock could give. */
static void test_no_overflow(void)
{
	struct world w;
	int i;

	world_init(&w, 3, true);
	policy_set_weight(&w.policy, &w.e[0], 1);
	policy_set_weight(&w.policy, &w.e[1], 1);
	policy_set_weight(&w.policy, &w.e[2], 10000);
	wake_all(&w);
	for (i = 0; i < 2000000; i++) {
		struct policy_entity *e = policy_pick(&w.policy);

		policy_charge(&w.policy, e, i % 1000 ? POLICY_COST_MAX_NS :
			      UINT64_MAX);
		w.served[e - w.e]++;
	}
	check_lags(&w, POLICY_COST_MAX_NS + 1);
	/* 60 000 years of GPU time later the shares are still right */
	g_assert_cmpfloat_with_epsilon((double)w.served[0], 2e6 / 10002, 2);
	g_assert_cmpfloat_with_epsilon((double)w.served[1], 2e6 / 10002, 2);
}

static void test_empty(void)
{
	struct policy policy;
	struct policy_entity e;

	policy_init(&policy);
	g_assert_null(policy_pick(&policy));
	policy_entity_init(&policy, &e, 0, L);
	g_assert_cmpuint(e.weight, ==, 1);
	policy_sleep(&policy, &e);
	policy_wake(&policy, &e);
	policy_wake(&policy, &e);
	g_assert_cmpuint(policy.count, ==, 1);
	g_assert_true(policy_pick(&policy) == &e);
	policy_sleep(&policy, &e);
	g_assert_null(policy_pick(&policy));
	g_assert_cmpuint(policy.weight, ==, 0);
	g_assert_true(policy.sum == 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sched/policy/empty", test_empty);
	g_test_add_func("/sched/policy/bounds", test_bounds);
	g_test_add_func("/sched/policy/jain", test_jain);
	g_test_add_func("/sched/policy/live-weights", test_live_weights);
	g_test_add_func("/sched/policy/chaos", test_chaos);
	g_test_add_func("/sched/policy/no-credit", test_no_credit);
	g_test_add_func("/sched/policy/debt-kept", test_debt_kept);
	g_test_add_func("/sched/policy/charge-asleep", test_charge_asleep);
	g_test_add_func("/sched/policy/no-overflow", test_no_overflow);
	return g_test_run();
}
