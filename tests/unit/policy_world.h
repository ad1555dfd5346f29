/* SPDX-License-Identifier: MIT */
/*
 * policy_world.h - a lane in virtual time for tests of the policy
 *
 * Jobs are not preempted, and their cost is charged when they end; with
 * `outstanding` above one, as many jobs are chosen before the first of them is
 * charged. VMs that nap sleep for a while after some of their jobs. What each
 * has got is counted here, never taken from the policy.
 */
#ifndef TESTS_UNIT_POLICY_WORLD_H
#define TESTS_UNIT_POLICY_WORLD_H

#include <math.h>
#include <stdlib.h>

#include <glib.h>

#include "sched/policy.h"

#define WORLD_MAX	48
#define MS		1000000ull
#define L		(8 * MS)
#define FLIGHT_MAX	4

struct world_vm {
	struct policy_entity e;
	uint64_t longest;		/* job */
	unsigned int nap;		/* percent of jobs that a nap follows */
	uint64_t nap_ns;		/* longest nap */
	uint64_t wake_ns;		/* while it naps */
	uint64_t served;
	/* a bucket of the test's own, in ns */
	double rate, burst, tokens;
	uint64_t filled_ns;
};

struct world {
	struct policy policy;
	struct world_vm vm[WORLD_MAX];
	int n;
	unsigned int outstanding;
	struct world_vm *flight[FLIGHT_MAX];	/* chosen, not charged */
	unsigned int flights;
	uint64_t now, used, idle;
	policy_vtime last_v;
	void (*served)(struct world *w, struct world_vm *vm, uint64_t begin,
		       uint64_t cost);
};

static inline uint64_t any_ns(uint64_t least, uint64_t most)
{
	return least + (uint64_t)(g_test_rand_double() *
				  (double)(most - least));
}

static inline uint32_t any_weight(void)
{
	/* light and heavy ones as often as each other */
	return (uint32_t)exp(g_test_rand_double_range(0, log(10000)));
}

static inline struct world_vm *vm_of(struct policy_entity *e)
{
	return e ? (struct world_vm *)(void *)e : NULL;
}

static inline void world_init(struct world *w, int n)
{
	int i;

	*w = (struct world){ .n = n, .outstanding = 1 };
	policy_init(&w->policy);
	for (i = 0; i < n; i++) {
		struct world_vm *vm = &w->vm[i];

		vm->longest = any_ns(L / 100, L);
		policy_entity_init(&w->policy, &vm->e, any_weight(),
				   vm->longest);
	}
}

static inline void world_wake_all(struct world *w)
{
	int i;

	for (i = 0; i < w->n; i++)
		policy_wake(&w->policy, &w->vm[i].e);
}

static inline void world_nappers(struct world *w, int from)
{
	int i;

	for (i = from; i < w->n; i++) {
		w->vm[i].nap = (unsigned int)g_test_rand_int_range(1, 101);
		w->vm[i].nap_ns = any_ns(1, 4 * L);
	}
}

static inline void world_cap(struct world *w, struct world_vm *vm,
			     uint32_t millionths, uint64_t burst)
{
	policy_set_cap(&w->policy, &vm->e, millionths, burst);
	vm->rate = millionths / 1e6;
	vm->burst = (double)burst;
	vm->tokens = (double)burst;
	vm->filled_ns = w->now;
}

static inline double world_tokens(const struct world *w,
				  const struct world_vm *vm)
{
	return MIN(vm->burst, vm->tokens + vm->rate *
		   (double)(w->now - vm->filled_ns));
}

/* Whoever has slept enough, in order. */
static inline void world_wakes(struct world *w, uint64_t until)
{
	for (;;) {
		struct world_vm *first = NULL;
		int i;

		for (i = 0; i < w->n; i++) {
			struct world_vm *vm = &w->vm[i];

			if (vm->wake_ns && vm->wake_ns <= until &&
			    (!first || vm->wake_ns < first->wake_ns))
				first = vm;
		}
		if (!first)
			return;
		first->wake_ns = 0;
		policy_wake(&w->policy, &first->e);
	}
}

static inline uint64_t world_next_wake(const struct world *w)
{
	uint64_t next = policy_next_ns(&w->policy);
	int i;

	for (i = 0; i < w->n; i++) {
		if (w->vm[i].wake_ns && w->vm[i].wake_ns < next)
			next = w->vm[i].wake_ns;
	}
	return next;
}

static inline void world_job(struct world *w, struct world_vm *vm)
{
	uint64_t cost = any_ns(1, vm->longest), begin = w->now;

	/* the bucket drains from the start of the job */
	vm->tokens = world_tokens(w, vm) - (double)cost;
	vm->filled_ns = begin;
	world_wakes(w, w->now + cost);
	w->now += cost;
	w->used += cost;
	vm->served += cost;
	policy_charge(&w->policy, &vm->e, cost);
	policy_advance(&w->policy, w->now);
	if (w->served)
		w->served(w, vm, begin, cost);
	if (vm->nap && g_test_rand_int_range(0, 100) < (int)vm->nap &&
	    vm->e.backlogged) {
		policy_sleep(&w->policy, &vm->e);
		vm->wake_ns = w->now + any_ns(1, vm->nap_ns);
	}
}

/*
 * One job, or (false) idle until something happens. Nobody is chosen for time
 * that it may not use.
 */
static inline bool world_step(struct world *w)
{
	struct world_vm *vm;
	unsigned int i;

	world_wakes(w, w->now);
	policy_advance(&w->policy, w->now);
	while (w->flights < w->outstanding) {
		vm = vm_of(policy_pick(&w->policy));
		if (!vm)
			break;
		if (vm->rate > 0)
			g_assert_cmpfloat(world_tokens(w, vm), >, -1); /* B9 */
		w->flight[w->flights++] = vm;
	}
	if (!w->flights) {
		uint64_t next = world_next_wake(w);

		g_assert_cmpuint(next, !=, POLICY_NEVER);
		next = MAX(next, w->now + 1);
		w->idle += next - w->now;
		w->now = next;
		return false;
	}
	vm = w->flight[0];
	w->flights--;
	for (i = 0; i < w->flights; i++)
		w->flight[i] = w->flight[i + 1];
	world_job(w, vm);
	return true;
}

/* B9: V never turns back, and what one is owed is what others owe. */
static inline void world_check_sums(struct world *w)
{
	policy_vtime now = policy_now(&w->policy);
	int64_t sum = 0;
	int i, counted = 0;

	g_assert_true(now >= w->last_v);
	w->last_v = now;
	for (i = 0; i < w->n; i++) {
		if (!w->vm[i].e.counted)
			continue;
		counted++;
		sum += policy_lag(&w->policy, &w->vm[i].e);
	}
	g_assert_cmpint(llabs(sum), <=, counted + 2 +
			(int64_t)(w->policy.weight >> 16));
}

/* B1 */
static inline void world_check_lags(const struct world *w, int64_t bound)
{
	int i;

	for (i = 0; i < w->n; i++) {
		int64_t lag = policy_lag(&w->policy, &w->vm[i].e);

		g_assert_cmpint(lag, >, -bound);
		g_assert_cmpint(lag, <, bound);
	}
}

#endif
