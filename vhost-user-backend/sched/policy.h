/* SPDX-License-Identifier: MIT */
/*
 * policy.h - who is next on one GPU: EEVDF on measured GPU time
 *
 * Pure arithmetic: no clock, no I/O, no allocation. The same object code runs
 * in vgpud and in the virtual-time simulator (tests/sim).
 *
 * DOC: Theory of operation
 *
 * Each entity (a VM) has a virtual time v: GPU time received divided by weight.
 * V is the average of v over back-logged entities, weighted by weight; lag =
 * weight * (V - v) is the GPU time that an entity is owed (negative: its debt)
 * and sums to zero over the back-logged. An entity is eligible when v <= V.
 * policy_pick() gives the eligible entity with the earliest deadline
 * v + request / weight, and the measured cost is charged after completion: no
 * estimate is needed for fairness, only for the order within it. With jobs of
 * at most L, -L < lag < L holds at every decision.
 *
 * An entity that wakes starts at max(v, V): sleeping earns no credit, and debt
 * is kept. If rounding leaves nobody eligible, the smallest v is taken: the GPU
 * never idles with work queued.
 *
 * Back-logged entities are nodes of a treap ordered by v, each with the
 * earliest deadline of its subtree, so that every operation is O(log N). Virtual
 * times have 128 bits: 584 years of nanoseconds at weight 1 do not wrap.
 */
#ifndef SCHED_POLICY_H
#define SCHED_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#define POLICY_WEIGHT_MIN	1
#define POLICY_WEIGHT_MAX	10000
#define POLICY_WEIGHT_DEFAULT	100

/* One charge and one request are clamped to this (18 minutes). */
#define POLICY_COST_MAX_NS	(1ull << 40)

typedef __int128 policy_vtime;	/* weighted nanoseconds << 16 */

/** struct policy_entity - embedded in its owner; fields are the policy's */
struct policy_entity {
	policy_vtime v, deadline;
	uint32_t weight;
	bool backlogged;
	uint64_t request_ns;

	/* node of the treap while back-logged */
	struct policy_entity *left, *right;
	policy_vtime min_deadline;
	uint32_t priority;
};

/** struct policy - one lane; zero-initialise with policy_init() */
struct policy {
	struct policy_entity *root;
	policy_vtime sum;		/* of weight * v, back-logged */
	uint64_t weight;		/* of the back-logged */
	policy_vtime idle_v;		/* V when nobody is back-logged */
	uint32_t count;			/* of the back-logged */
	uint32_t random;
};

void policy_init(struct policy *policy);

/** policy_entity_init() - a sleeping entity that is owed and owes nothing */
void policy_entity_init(struct policy *policy, struct policy_entity *entity,
			uint32_t weight, uint64_t request_ns);

/** policy_wake() - the entity has work; nothing if it had already */
void policy_wake(struct policy *policy, struct policy_entity *entity);

/** policy_sleep() - it has none; also before an entity goes away */
void policy_sleep(struct policy *policy, struct policy_entity *entity);

/** policy_pick() - whose turn it is, NULL if nobody has work. Changes nothing. */
struct policy_entity *policy_pick(const struct policy *policy);

/** policy_charge() - it has used @cost_ns of the GPU, back-logged or not */
void policy_charge(struct policy *policy, struct policy_entity *entity,
		   uint64_t cost_ns);

/** policy_set_weight() - from now on; what it is owed or owes is kept */
void policy_set_weight(struct policy *policy, struct policy_entity *entity,
		       uint32_t weight);

/** policy_set_request() - expected cost of its next turn: latency only */
void policy_set_request(struct policy *policy, struct policy_entity *entity,
			uint64_t request_ns);

/** policy_now() - V */
policy_vtime policy_now(const struct policy *policy);

/** policy_lag() - nanoseconds of GPU time it is owed; negative: its debt */
int64_t policy_lag(const struct policy *policy,
		   const struct policy_entity *entity);

#endif
