// SPDX-License-Identifier: MIT
/*
 * test-policy-bounds.c - what the fair order promises, over random workloads
 *
 * B1: no lag reaches the longest job. B2: VMs with work get alike, by weight.
 * B3: the error of a share shrinks with time. B4: one within its share is
 * served in time. B5: nobody starves. B8: no idle time with work. B9: lags sum
 * to zero, V never turns back. B10: logarithmic cost. Caps (B6) and slots (B7)
 * are in test-policy-modes.c.
 */
#include <time.h>

#include "policy_world.h"

static int any_count(void)
{
	return g_test_rand_int_range(2, WORLD_MAX + 1);
}

/* ---- B1, B8 and B9: VMs come and go, with caps and reserves or without ---- */

static void some_limits(struct world *w)
{
	uint32_t left = POLICY_RESERVE_MAX;
	int i;

	for (i = 0; i < w->n; i++) {
		struct world_vm *vm = &w->vm[i];
		uint32_t part = (uint32_t)g_test_rand_int_range(1, 300000);

		if (g_test_rand_int_range(0, 3) == 0)
			world_cap(w, vm, (uint32_t)
				  g_test_rand_int_range(1000, 500000),
				  any_ns(POLICY_BURST_MIN_NS, 4 * L));
		if (part <= left && g_test_rand_int_range(0, 3) == 0) {
			g_assert_cmpint(policy_set_reserve(&w->policy, &vm->e,
							   part), ==, 0);
			left -= part;
		}
	}
}

/* Idle with work queued: all that have it must have used up their caps. */
static void check_idle(const struct world *w)
{
	int i;

	for (i = 0; i < w->n; i++) {
		const struct world_vm *vm = &w->vm[i];

		if (vm->e.backlogged)
			g_assert_cmpfloat(vm->rate > 0 ?
					  world_tokens(w, vm) : INFINITY, <,
					  (double)POLICY_REFILL_NS + 1);
	}
}

static void run_lags(bool naps, bool limits)
{
	struct world w;
	int round, step;

	for (round = 0; round < 100; round++) {
		world_init(&w, any_count());
		if (naps)
			world_nappers(&w, g_test_rand_int_range(0, w.n));
		if (limits)
			some_limits(&w);
		world_wake_all(&w);
		for (step = 0; step < 2000; step++) {
			policy_advance(&w.policy, w.now);
			if (!policy_pick(&w.policy))
				check_idle(&w);
			world_step(&w);
			world_check_sums(&w);
			world_check_lags(&w, L);
		}
		if (!naps && !limits)
			g_assert_cmpuint(w.idle, ==, 0);
	}
}

static void test_lag_backlogged(void)
{
	run_lags(false, false);
}

static void test_lag_naps(void)
{
	run_lags(true, false);
}

static void test_lag_limits(void)
{
	run_lags(false, true);
}

static void test_lag_all(void)
{
	run_lags(true, true);
}

/*
 * D jobs chosen before the first is charged: D + 1 jobs, the factor of B2, is
 * what random worlds keep; it is not proven. D is not enough: seed
 * R02Sa7305cc672e6a2086482a5197075450b has a lag of 4.19 jobs with D = 4.
 */
static void test_lag_outstanding(void)
{
	struct world w;
	int round, step;

	for (round = 0; round < 100; round++) {
		world_init(&w, any_count());
		w.outstanding = (unsigned int)g_test_rand_int_range(2, 5);
		world_wake_all(&w);
		for (step = 0; step < 2000; step++) {
			world_step(&w);
			world_check_sums(&w);
			world_check_lags(&w, (int64_t)((w.outstanding + 1) * L));
		}
	}
}

/* ---- B2: pairs ---- */

static double progress(const struct world_vm *vm)
{
	return (double)vm->served / vm->e.weight;
}

/*
 * Since a common start: L/w_i + L/w_j. Over any interval, and with D jobs
 * outstanding: D + 1 times that.
 */
static void check_pairs(const struct world *w, double (*least)[WORLD_MAX],
			double (*most)[WORLD_MAX])
{
	int i, j;

	for (i = 0; i < w->n; i++) {
		for (j = 0; j < i; j++) {
			double d = progress(&w->vm[i]) - progress(&w->vm[j]);
			double bound = (double)L / w->vm[i].e.weight +
				(double)L / w->vm[j].e.weight;

			least[i][j] = MIN(least[i][j], d);
			most[i][j] = MAX(most[i][j], d);
			g_assert_cmpfloat(fabs(d), <=, w->outstanding * bound);
			g_assert_cmpfloat(most[i][j] - least[i][j], <=,
					  (w->outstanding + 1) * bound);
		}
	}
}

static void test_pairs(void)
{
	struct world w;
	int round, step;

	for (round = 0; round < 60; round++) {
		double least[WORLD_MAX][WORLD_MAX] = { { 0 } };
		double most[WORLD_MAX][WORLD_MAX] = { { 0 } };

		world_init(&w, g_test_rand_int_range(2, 20));
		w.outstanding = 1 + (unsigned int)round % 3;
		world_wake_all(&w);
		for (step = 0; step < 2000; step++) {
			world_step(&w);
			check_pairs(&w, least, most);
		}
	}
}

/* ---- B3: shares ---- */

static void test_share_error(void)
{
	struct world w;
	int round, step, i;

	for (round = 0; round < 100; round++) {
		double all = 0;

		world_init(&w, any_count());
		for (i = 0; i < w.n; i++)
			all += w.vm[i].e.weight;
		world_wake_all(&w);
		for (step = 0; step < 4000; step++) {
			world_step(&w);
			for (i = 0; i < w.n; i++) {
				double part = w.vm[i].e.weight / all;
				double got = (double)w.vm[i].served /
					(double)w.now;

				g_assert_cmpfloat(fabs(got - part) / part, <=,
						  (double)L / part /
						  (double)w.now);
			}
		}
	}
}

/* ---- B4 and B5: latency ---- */

struct conforming {
	uint64_t arrival, next, most;	/* most: latency allowed, without L */
	uint64_t period;
};

static struct conforming light[WORLD_MAX];

static void on_served(struct world *w, struct world_vm *vm, uint64_t begin,
		      uint64_t cost)
{
	struct conforming *c = &light[vm - w->vm];

	if (!c->period)
		return;
	g_assert_cmpuint(w->now - c->arrival, <=, c->most + L);
	c->next = MAX(w->now + 1, c->arrival + c->period +
		      any_ns(0, c->period / 4));
	c->arrival = c->next;
	policy_sleep(&w->policy, &vm->e);
	vm->wake_ns = c->next;
}

/*
 * Some VMs have one job in a period in which their share is worth one; all
 * others are greedy.
 */
static void test_latency(void)
{
	struct world w;
	int round, step, i;

	for (round = 0; round < 150; round++) {
		double all = 0;
		int lights;

		world_init(&w, any_count());
		w.served = on_served;
		lights = g_test_rand_int_range(1, w.n);
		for (i = 0; i < w.n; i++)
			all += w.vm[i].e.weight;
		for (i = 0; i < w.n; i++) {
			struct world_vm *vm = &w.vm[i];

			light[i] = (struct conforming){ 0 };
			if (i >= lights) {
				policy_wake(&w.policy, &vm->e);
				continue;
			}
			light[i].most = (uint64_t)((double)vm->longest * all /
						   vm->e.weight);
			light[i].period = light[i].most + 1;
			light[i].arrival = any_ns(1, light[i].period);
			vm->wake_ns = light[i].arrival;
		}
		for (step = 0; step < 3000; step++)
			world_step(&w);
	}
}

/* What the last job was worth, then until its deadline, then a job of another. */
static double longest_wait(const struct world_vm *vm, double all, uint64_t last)
{
	return all / vm->e.weight * (double)(last + vm->longest) + (double)L;
}

static void test_no_starvation(void)
{
	struct world w;
	int round, step, i;

	for (round = 0; round < 100; round++) {
		uint64_t end[WORLD_MAX] = { 0 }, cost[WORLD_MAX] = { 0 };
		double all = 0;

		world_init(&w, any_count());
		for (i = 0; i < w.n; i++)
			all += w.vm[i].e.weight;
		world_wake_all(&w);
		for (step = 0; step < 4000; step++) {
			struct world_vm *vm = vm_of(policy_pick(&w.policy));
			uint64_t begin = w.now;

			i = (int)(vm - w.vm);
			g_assert_cmpfloat((double)(begin - end[i]), <=,
					  longest_wait(vm, all, cost[i]));
			world_step(&w);
			end[i] = w.now;
			cost[i] = w.now - begin;
		}
		/* nor anybody who never had a turn */
		for (i = 0; i < w.n; i++)
			g_assert_cmpfloat((double)(w.now - end[i]), <=,
					  longest_wait(&w.vm[i], all, cost[i]));
	}
}

/* ---- B10: cost ---- */

static unsigned int depth_of(const struct policy_node *n)
{
	unsigned int a, b;

	if (!n)
		return 0;
	a = depth_of(n->left);
	b = depth_of(n->right);
	return 1 + MAX(a, b);
}

/* A decision and its charge, in ns, at best; keys in an unkind order. */
static double cost_of(int n, unsigned int *depth)
{
	struct policy_entity *e = g_new0(struct policy_entity, n);
	struct policy policy;
	double best = INFINITY;
	int i, pass;

	policy_init(&policy);
	for (i = 0; i < n; i++) {
		policy_entity_init(&policy, &e[i], 100, L);
		policy_wake(&policy, &e[i]);
		policy_charge(&policy, &e[i], (uint64_t)i);
	}
	for (pass = 0; pass < 8; pass++) {
		struct timespec a, b;

		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
		for (i = 0; i < 4096; i++)
			policy_charge(&policy, policy_pick(&policy), L);
		clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
		best = MIN(best, ((double)(b.tv_sec - a.tv_sec) * 1e9 +
				  (double)(b.tv_nsec - a.tv_nsec)) / 4096);
	}
	*depth = depth_of(policy.fair);
	g_free(e);
	return best;
}

static void test_cost(void)
{
	unsigned int depth;
	double few, many;

	few = cost_of(64, &depth);
	g_assert_cmpuint(depth, <=, 4 * 6 + 6);
	many = cost_of(16384, &depth);
	g_assert_cmpuint(depth, <=, 4 * 14 + 6);
	g_test_message("%.0f ns with 64, %.0f ns with 16384", few, many);
	/* 14 levels instead of 6, and caches; a list would be 256 times */
	g_assert_cmpfloat(many, <, 32 * few);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/b1-b8-b9/back-logged", test_lag_backlogged);
	g_test_add_func("/policy/b1-b8-b9/naps", test_lag_naps);
	g_test_add_func("/policy/b1-b8-b9/limits", test_lag_limits);
	g_test_add_func("/policy/b1-b8-b9/naps-and-limits", test_lag_all);
	g_test_add_func("/policy/b1/outstanding", test_lag_outstanding);
	g_test_add_func("/policy/b2/pairs", test_pairs);
	g_test_add_func("/policy/b3/share-error", test_share_error);
	g_test_add_func("/policy/b4/latency", test_latency);
	g_test_add_func("/policy/b5/no-starvation", test_no_starvation);
	g_test_add_func("/policy/b10/cost", test_cost);
	return g_test_run();
}
