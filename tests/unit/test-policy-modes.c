// SPDX-License-Identifier: MIT
/*
 * test-policy-modes.c - caps, reserves, slots and turns, over random workloads
 *
 * B6: no window has more than its cap. B7: a slot is worth the same in every
 * round, whatever others do. And what no bound says: a reserve holds at any
 * population and costs its owner nothing, and anything in any order leaves the
 * trees as they should be.
 */
#include <errno.h>
#include <string.h>

#include "policy_world.h"

/* ---- B6: caps ---- */

/* At the start of each job the least, and at its end the most, of x - rate * t. */
static double least_over[WORLD_MAX];

static void check_cap(struct world *w, struct world_vm *vm, uint64_t begin,
		      uint64_t cost)
{
	int i = (int)(vm - w->vm);
	double before = (double)(vm->served - cost) - vm->rate * (double)begin;
	double over = (double)vm->served - vm->rate * (double)w->now;

	least_over[i] = MIN(least_over[i], before);
	if (vm->rate > 0)
		g_assert_cmpfloat(over - least_over[i], <=,
				  vm->burst + (double)vm->longest);
}

static void test_cap_windows(void)
{
	struct world w;
	int round, step, i;

	for (round = 0; round < 150; round++) {
		world_init(&w, g_test_rand_int_range(1, WORLD_MAX + 1));
		memset(least_over, 0, sizeof(least_over));
		w.served = check_cap;
		world_nappers(&w, g_test_rand_int_range(0, w.n + 1));
		for (i = 0; i < w.n; i++) {
			if (i && g_test_rand_int_range(0, 2))
				continue;
			world_cap(&w, &w.vm[i], (uint32_t)
				  g_test_rand_int_range(500, 1000000),
				  any_ns(POLICY_BURST_MIN_NS, 8 * L));
		}
		world_wake_all(&w);
		for (step = 0; step < 3000; step++)
			world_step(&w);
	}
}

/* Nobody else wants the GPU, and still: the cap, not less, and not more. */
static void test_cap_alone(void)
{
	static const uint32_t caps[] = { 1000, 20000, 250000, 500000, 999999 };
	struct world w;
	guint i;

	for (i = 0; i < G_N_ELEMENTS(caps); i++) {
		double share;

		world_init(&w, 1);
		world_cap(&w, &w.vm[0], caps[i], POLICY_BURST_DEFAULT_NS);
		world_wake_all(&w);
		while (w.now < 10000 * 1000 * MS)
			world_step(&w);
		policy_advance(&w.policy, w.now);
		share = (double)w.vm[0].served / (double)w.now;
		/* the burst at the start, and one job at the end */
		g_assert_cmpfloat(fabs(share * 1e6 / caps[i] - 1), <=, 0.005);
		g_assert_cmpuint(w.used + w.idle, ==, w.now);
		g_assert_cmpfloat(fabs((double)policy_throttled_ns(
				&w.policy, &w.vm[0].e) - (double)w.idle), <=,
				  (double)(2 * L));
	}
}

/* Four CPUs: a quarter is one of them. And what is left of a turn is told. */
static void test_cap_capacity(void)
{
	struct policy policy;
	struct policy_entity e;

	policy_init(&policy);
	policy_set_capacity(&policy, 4ull * POLICY_WHOLE);
	policy_advance(&policy, 5 * MS);
	policy_entity_init(&policy, &e, 100, L);
	g_assert_cmpuint(policy_budget(&policy, &e), ==, POLICY_NEVER);
	policy_set_cap(&policy, &e, POLICY_WHOLE / 4, 10 * MS);
	policy_wake(&policy, &e);
	g_assert_cmpuint(policy_budget(&policy, &e), ==, 10 * MS);
	policy_charge(&policy, &e, 4 * MS);
	g_assert_cmpuint(policy_budget(&policy, &e), ==, 6 * MS);
	g_assert_true(policy_pick(&policy) == &e);
	g_assert_cmpuint(policy_next_ns(&policy), ==, POLICY_NEVER);
	policy_charge(&policy, &e, 8 * MS);
	/* two below nothing, and one is enough for a turn */
	g_assert_null(policy_pick(&policy));
	g_assert_cmpuint(policy_others(&policy, NULL), ==, 0);
	g_assert_cmpuint(policy_budget(&policy, &e), ==, 0);
	g_assert_cmpuint(policy_next_ns(&policy), ==, 8 * MS);
	policy_advance(&policy, 8 * MS - 1);
	g_assert_null(policy_pick(&policy));
	policy_advance(&policy, 8 * MS);
	g_assert_true(policy_pick(&policy) == &e);
	/* the last 8 ms took four CPUs 2 ms */
	g_assert_cmpuint(policy_throttled_ns(&policy, &e), ==, MS);
	/* a lower capacity is noticed while it waits */
	policy_charge(&policy, &e, 8 * MS);
	policy_set_capacity(&policy, POLICY_WHOLE);
	policy_advance(&policy, 16 * MS);
	g_assert_null(policy_pick(&policy));
	policy_advance(&policy, 16 * MS + 24 * MS);
	g_assert_true(policy_pick(&policy) == &e);
	/* no cap, no wait */
	policy_charge(&policy, &e, 800 * MS);
	g_assert_null(policy_pick(&policy));
	policy_set_cap(&policy, &e, 0, 0);
	g_assert_true(policy_pick(&policy) == &e);
	policy_entity_fini(&policy, &e);
}

/* ---- reserves ---- */

static void any_reserves(struct world *w)
{
	uint32_t left = POLICY_RESERVE_MAX;
	int i;

	for (i = 0; i < w->n; i++) {
		uint32_t part = (uint32_t)(g_test_rand_double() * left);

		if (g_test_rand_int_range(0, 3) == 0)
			continue;
		g_assert_cmpint(policy_set_reserve(&w->policy, &w->vm[i].e,
						   part), ==, 0);
		left -= part;
	}
	g_assert_cmpint(policy_set_reserve(&w->policy, &w->vm[0].e,
			w->vm[0].e.reserve + left + 1), ==, -ENOSPC);
	g_assert_cmpuint(w->policy.reserve, ==, POLICY_RESERVE_MAX - left);
}

/*
 * In any window in which it has work a VM gets its reserve but for three jobs:
 * two that it was ahead by, and one that it does not interrupt.
 */
static void test_reserve_windows(void)
{
	struct world w;
	int round, step, i;

	for (round = 0; round < 150; round++) {
		double least[WORLD_MAX];

		world_init(&w, g_test_rand_int_range(2, WORLD_MAX + 1));
		any_reserves(&w);
		world_nappers(&w, g_test_rand_int_range(0, w.n));
		world_wake_all(&w);
		for (i = 0; i < w.n; i++)
			least[i] = 0;
		for (step = 0; step < 4000; step++) {
			world_step(&w);
			for (i = 0; i < w.n; i++) {
				const struct world_vm *vm = &w.vm[i];
				double behind = vm->e.reserve / 1e6 *
					(double)w.used - (double)vm->served;

				if (!vm->e.backlogged || behind < least[i])
					least[i] = behind;
				g_assert_cmpfloat(behind - least[i], <=,
						  3 * (double)L);
			}
		}
	}
}

/* Shares when all have work: reserve or weight, whichever is more. */
static void fill(const struct world *w, double *share)
{
	bool by_reserve[WORLD_MAX] = { false };
	bool again = true;
	int i;

	while (again) {
		double weights = 0, rest = 1;

		for (i = 0; i < w->n; i++) {
			if (by_reserve[i])
				rest -= w->vm[i].e.reserve / 1e6;
			else
				weights += w->vm[i].e.weight;
		}
		again = false;
		for (i = 0; i < w->n; i++) {
			double reserve = w->vm[i].e.reserve / 1e6;

			if (by_reserve[i])
				continue;
			share[i] = rest * w->vm[i].e.weight / weights;
			if (share[i] >= reserve)
				continue;
			by_reserve[i] = true;
			share[i] = reserve;
			again = true;
		}
	}
}

/* Also after half of them have gone: what they reserved is the others'. */
static void test_reserve_shares(void)
{
	struct world w;
	int round, half, step, i;

	for (round = 0; round < 24; round++) {
		world_init(&w, 2 * g_test_rand_int_range(1, 9));
		any_reserves(&w);
		world_wake_all(&w);
		for (half = 0; half < 2; half++) {
			uint64_t before[WORLD_MAX], used = w.used;
			double share[WORLD_MAX];

			for (i = 0; i < w.n; i++)
				before[i] = w.vm[i].served;
			for (step = 0; step < 40000; step++)
				world_step(&w);
			fill(&w, share);
			for (i = 0; i < w.n; i++) {
				double got = (double)(w.vm[i].served -
					before[i]) / (double)(w.used - used);

				g_assert_cmpfloat(fabs(got - share[i]), <=,
						  0.004);
			}
			w.n /= 2;
			for (i = w.n; half == 0 && i < 2 * w.n; i++)
				policy_entity_fini(&w.policy, &w.vm[i].e);
		}
	}
}

/* Having slept through ten seconds is no claim to three of them. */
static void test_reserve_no_credit(void)
{
	struct world w;
	uint64_t had;
	int i;

	world_init(&w, 2);
	policy_set_weight(&w.policy, &w.vm[0].e, 1);
	policy_set_weight(&w.policy, &w.vm[1].e, 10000);
	g_assert_cmpint(policy_set_reserve(&w.policy, &w.vm[0].e, 300000), ==,
			0);
	world_wake_all(&w);
	world_step(&w);
	policy_sleep(&w.policy, &w.vm[0].e);
	policy_charge(&w.policy, &w.vm[1].e, 10000 * MS);
	policy_wake(&w.policy, &w.vm[0].e);
	had = w.vm[0].served;
	w.used = 0;
	for (i = 0; i < 1000; i++)
		world_step(&w);
	g_assert_cmpfloat(fabs((double)(w.vm[0].served - had) - 0.3 *
			       (double)w.used), <=, 3 * (double)L);
}

/* Nor is having had much more than its reserve a reason to wait for it. */
static void test_reserve_no_debt(void)
{
	struct world w;
	uint64_t had;
	int i;

	world_init(&w, 2);
	policy_set_weight(&w.policy, &w.vm[0].e, 10000);
	policy_set_weight(&w.policy, &w.vm[1].e, 1);
	g_assert_cmpint(policy_set_reserve(&w.policy, &w.vm[0].e, 300000), ==,
			0);
	world_wake_all(&w);
	for (i = 0; i < 1000; i++)
		world_step(&w);
	policy_set_weight(&w.policy, &w.vm[0].e, 1);
	policy_set_weight(&w.policy, &w.vm[1].e, 10000);
	had = w.vm[0].served;
	w.used = 0;
	for (i = 0; i < 100; i++)
		world_step(&w);
	g_assert_cmpfloat((double)(w.vm[0].served - had), >=,
			  0.3 * (double)w.used - 3 * (double)L);
}

/* ---- B7: slots ---- */

/*
 * VM 0 is the metronome: four jobs fill its slot. Whenever its slot begins all
 * others have had as many slots as it. Some nap, some come late, one is capped,
 * and their slots pass. What is nobody's of the frame passes, too.
 */
static void check_round(const struct world *w, uint64_t rounds, int steady)
{
	int i;

	for (i = 1; i < steady; i++) {
		double due = (double)rounds * (double)w->vm[i].e.slot_ns;

		g_assert_cmpfloat(fabs((double)w->vm[i].served - due), <,
				  (double)L);
	}
	for (; i < w->n; i++)
		g_assert_cmpfloat((double)w->vm[i].served, <,
				  (double)rounds * (double)w->vm[i].e.slot_ns +
				  (double)L);
}

static void test_slots(void)
{
	struct world w;
	int round, i;

	for (round = 0; round < 80; round++) {
		uint64_t frame, least = 0, rounds;
		int steady;

		world_init(&w, g_test_rand_int_range(2, WORLD_MAX + 1));
		policy_set_mode(&w.policy, POLICY_FIXED);
		steady = g_test_rand_int_range(2, w.n + 1);
		world_nappers(&w, steady);
		for (i = 0; i < w.n; i++) {
			policy_set_slot(&w.policy, &w.vm[i].e,
					any_ns(L / 8, 2 * L));
			least += w.vm[i].e.slot_ns;
		}
		policy_set_slot(&w.policy, &w.vm[0].e, L);
		frame = w.policy.slots_ns;
		if (round & 1)
			frame += any_ns(1, 4 * L);
		policy_set_frame(&w.policy, frame);
		world_wake_all(&w);
		for (rounds = 0; rounds < 200; rounds++) {
			do {
				policy_advance(&w.policy, w.now);
				if (policy_pick(&w.policy) == &w.vm[0].e)
					break;
				world_step(&w);
			} while (true);
			check_round(&w, rounds, steady);
			for (i = 0; i < 4; i++) {
				g_assert_true(policy_pick(&w.policy) ==
					      &w.vm[0].e);
				policy_charge(&w.policy, &w.vm[0].e, L / 4);
				w.now += L / 4;
				world_wakes(&w, w.now);
				policy_advance(&w.policy, w.now);
			}
		}
		/* a round takes a frame, whoever had work, but for debts */
		g_assert_cmpfloat(fabs((double)w.now - 200 * (double)frame), <=,
				  (double)frame + w.n * (double)L);
	}
}

/* One that ran for ten seconds has no slot until all others had as much. */
static void test_slot_debt(void)
{
	struct policy policy;
	struct policy_entity e[3];
	uint64_t now = 0, had = 0;
	int i;

	policy_init(&policy);
	policy_set_mode(&policy, POLICY_FIXED);
	for (i = 0; i < 3; i++) {
		policy_entity_init(&policy, &e[i], 100, MS);
		policy_set_slot(&policy, &e[i], 5 * MS);
		policy_wake(&policy, &e[i]);
	}
	policy_advance(&policy, now);
	g_assert_true(policy_pick(&policy) == &e[0]);
	g_assert_cmpuint(policy_budget(&policy, &e[0]), ==, 5 * MS);
	g_assert_cmpuint(policy_budget(&policy, &e[1]), ==, 0);
	policy_charge(&policy, &e[0], 10000 * MS);
	g_assert_cmpint(policy_lag(&policy, &e[0]), ==, -9995 * (int64_t)MS);
	policy_advance(&policy, now += 10000 * MS);
	while (policy_pick(&policy) != &e[0]) {
		struct policy_entity *next = policy_pick(&policy);

		g_assert_nonnull(next);
		policy_charge(&policy, next, MS);
		policy_advance(&policy, now += MS);
		had += MS;
	}
	g_assert_cmpuint(had, ==, 2 * 10000 * MS);
	/* and a debt is worked off while nobody has work, by the clock */
	policy_charge(&policy, &e[0], 10000 * MS);
	policy_advance(&policy, now += 10000 * MS);
	for (i = 0; i < 3; i++)
		policy_sleep(&policy, &e[i]);
	g_assert_cmpuint(policy_next_ns(&policy), ==, POLICY_NEVER);
	policy_advance(&policy, now += 2 * 3 * 10000 * MS);
	g_assert_cmpint(policy_lag(&policy, &e[0]), ==, 0);
	for (i = 0; i < 3; i++)
		policy_entity_fini(&policy, &e[i]);
	g_assert_null(policy.slots);
	g_assert_cmpuint(policy.slots_ns, ==, 0);
}

/* ---- best effort ---- */

static void test_turns(void)
{
	struct world w;
	int round, step, i;

	for (round = 0; round < 80; round++) {
		unsigned int turns[WORLD_MAX] = { 0 };

		world_init(&w, g_test_rand_int_range(1, WORLD_MAX + 1));
		policy_set_mode(&w.policy, POLICY_BEST_EFFORT);
		world_wake_all(&w);
		for (step = 0; step < 2000; step++) {
			struct world_vm *vm = vm_of(policy_pick(&w.policy));

			g_assert_nonnull(vm);	/* B8 */
			i = g_test_rand_int_range(0, w.n);
			/* what others use outside their turns changes nothing */
			if (vm != &w.vm[i])
				policy_charge(&w.policy, &w.vm[i].e, MS);
			g_assert_true(vm_of(policy_pick(&w.policy)) == vm);
			world_job(&w, vm);
			turns[vm - w.vm]++;
			for (i = 0; i < w.n; i++) {
				unsigned int all = (unsigned int)(step + 1) /
					(unsigned int)w.n;

				g_assert_cmpuint(turns[i], >=, all);
				g_assert_cmpuint(turns[i], <=, all + 1);
			}
		}
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/policy/b6/cap-windows", test_cap_windows);
	g_test_add_func("/policy/b6/cap-alone", test_cap_alone);
	g_test_add_func("/policy/b6/capacity", test_cap_capacity);
	g_test_add_func("/policy/reserve/windows", test_reserve_windows);
	g_test_add_func("/policy/reserve/shares", test_reserve_shares);
	g_test_add_func("/policy/reserve/no-credit", test_reserve_no_credit);
	g_test_add_func("/policy/reserve/no-debt", test_reserve_no_debt);
	g_test_add_func("/policy/b7/slots", test_slots);
	g_test_add_func("/policy/b7/debt", test_slot_debt);
	g_test_add_func("/policy/best-effort/turns", test_turns);
	return g_test_run();
}
