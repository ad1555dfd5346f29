/* SPDX-License-Identifier: MIT */
/*
 * policy.h - who is next on one GPU
 *
 * Pure arithmetic: no clock, no I/O, no allocation. The same object code runs
 * in vgpud and in the virtual-time simulator (tests/sim).
 *
 * DOC: Fair
 *
 * Each entity (a VM) has a virtual time v: GPU time received divided by weight.
 * V is the average of v over back-logged entities, weighted by weight; lag =
 * weight * (V - v) is the GPU time that an entity is owed (negative: its debt)
 * and sums to zero over those that V counts. An entity is eligible when v <= V.
 * policy_pick() gives the eligible entity with the earliest deadline
 * v + request / weight, and the measured cost is charged after completion: no
 * estimate is needed for fairness, only for the order within it. With jobs and
 * requests of at most L, and no job longer than its request, -L < lag < L holds
 * at every decision; requests that are averages of equal VMs keep it, too, but
 * a heavy VM beside light ones with long jobs was seen to be owed 1.6 L.
 *
 * An entity that wakes starts at max(v, V): sleeping earns no credit, and debt
 * is kept. One that leaves with debt stays in the average until V has reached
 * it, so V never turns back and no lag leaves its bound when others come and
 * go. If rounding leaves nobody eligible, the smallest v is taken: the GPU
 * never idles with work queued.
 *
 * DOC: Reserve
 *
 * A second virtual time u runs for entities with a reserve: GPU time received
 * divided by the reserve, against S, all GPU time there was. Who is behind
 * (u <= S) goes before the fair order, by the deadlines of these times, and
 * pays v when the fair order comes to it: at most one job, so that what its
 * reserve is worth beyond its weight is not paid at all. So it gets the larger
 * of both, whoever else is there, the rest is divided among all others by
 * weight, and no lag leaves its bound. What it does not use is theirs too, and
 * being ahead of its reserve by more than two long jobs is forgotten.
 *
 * DOC: Cap
 *
 * A token bucket that fills at `rate` of the capacity up to `burst`. Who has
 * used it up is throttled: not to be picked before enough is there for a turn
 * worth having, whatever the mode. Buckets fill with policy_advance().
 *
 * DOC: Fixed
 *
 * Entities with a slot take turns in a ring; a slot passes whether its owner
 * has work or not, and the part of the frame that is nobody's passes too. A job
 * may outlast its slot: the next one is shorter by as much, or is skipped. The
 * ring stands still while another's job outlasts a slot, so nobody loses by it.
 * Weights and reserves mean nothing here.
 *
 * DOC: Best effort
 *
 * A turn for each with work, in a ring, as long as the caller makes it. Only
 * caps hold.
 *
 * DOC: How to call
 *
 * Before a decision: policy_charge() what was used, then policy_advance() to
 * now, then policy_pick(). policy_next_ns() tells when the answer may change by
 * itself, policy_budget() for how long a turn may last at most. Without caps
 * and in any mode but fixed, time does not matter and policy_advance() may be
 * left out. All operations are O(log N), but policy_set_mode() and an advance
 * past a frame in which nobody had work. Virtual times have 128 bits: 584 years
 * of nanoseconds at weight 1 do not wrap.
 */
#ifndef SCHED_POLICY_H
#define SCHED_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "sched/policy_tree.h"

#define POLICY_WEIGHT_MIN	1
#define POLICY_WEIGHT_MAX	10000
#define POLICY_WEIGHT_DEFAULT	100

/* One charge and one request are clamped to this (18 minutes). */
#define POLICY_COST_MAX_NS	(1ull << 40)

/* Parts of the GPU, in millionths; all reserves of a lane together. */
#define POLICY_WHOLE		1000000u
#define POLICY_RESERVE_MAX	900000u
#define POLICY_CAPACITY_MIN	1000ull
#define POLICY_CAPACITY_MAX	(4096ull * POLICY_WHOLE)

#define POLICY_BURST_MIN_NS	1000ull
#define POLICY_BURST_MAX_NS	1000000000000ull
#define POLICY_BURST_DEFAULT_NS	8000000ull
/* A throttled entity is back with this much, or its burst if that is less. */
#define POLICY_REFILL_NS	1000000ull

#define POLICY_SLOT_MAX_NS	1000000000000ull
#define POLICY_NEVER		UINT64_MAX

enum policy_mode {
	POLICY_FAIR,
	POLICY_FIXED,
	POLICY_BEST_EFFORT,
};

/** struct policy_entity - embedded in its owner; fields are the policy's */
struct policy_entity {
	policy_vtime v;
	uint32_t weight;
	bool backlogged;		/* has work */
	bool ready;			/* and is not throttled */
	bool counted;			/* in V: ready, or left with debt */
	uint64_t request_ns;
	struct policy_node fair;	/* ready; or counted only: ghosts */

	uint32_t reserve;		/* millionths, 0: none */
	uint64_t early_ns;		/* had before its turn, unpaid */
	policy_vtime u;
	struct policy_node reserved;	/* ready, with a reserve */

	uint32_t cap;			/* millionths, 0: none */
	uint64_t burst_ns;
	policy_vtime tokens;		/* millionths of a ns, at refill_ns */
	uint64_t refill_ns;
	uint64_t throttled_ns;		/* in all, to the last time it ended */
	uint64_t throttled_since_ns;
	struct policy_node throttled;	/* back-logged, and not ready */

	uint64_t slot_ns;		/* 0: none */
	uint64_t debt_ns;		/* of its next slots */
	struct policy_entity *slot_next, *slot_prev;
};

/** struct policy - one lane; initialise with policy_init() */
struct policy {
	enum policy_mode mode;
	uint32_t count;			/* of the ready */
	uint32_t random;
	uint64_t now_ns;		/* last policy_advance() */
	uint64_t capacity;		/* millionths of GPU ns in a ns */

	/* fair */
	struct policy_node *fair;	/* ready, by v (other modes: by turn) */
	struct policy_node *ghosts;	/* left with debt, by v */
	policy_vtime sum;		/* of weight * v, counted */
	uint64_t weight;		/* of the counted */
	policy_vtime idle_v;		/* V when nobody is counted */

	struct policy_node *reserved;	/* ready, by u */
	policy_vtime served;		/* S */
	uint64_t job_ns;		/* a long one, of late */
	uint32_t reserve;		/* of all entities */

	struct policy_node *throttled;	/* by when they are ready again */

	uint64_t turn;			/* other modes: last one given out */

	/* fixed */
	struct policy_entity *slots;	/* ring */
	struct policy_entity *slot;	/* owner of this slot, NULL: nobody */
	uint64_t slots_ns, frame_ns;
	uint64_t slot_end_ns;
};

void policy_init(struct policy *policy);

/** policy_set_mode() - all start anew: nobody is owed or owes anything */
void policy_set_mode(struct policy *policy, enum policy_mode mode);

/**
 * policy_set_capacity() - GPU time in a nanosecond, in millionths
 *
 * POLICY_WHOLE (the default) for a GPU, that many times the CPUs of a CPU
 * renderer. Caps are parts of it; a slot lasts that much shorter than the GPU
 * time in it.
 */
void policy_set_capacity(struct policy *policy, uint64_t millionths);

/** policy_set_frame() - length of a round of slots; 0, or less: their sum */
void policy_set_frame(struct policy *policy, uint64_t frame_ns);

/** policy_advance() - it is @now_ns, by a clock that never goes back */
void policy_advance(struct policy *policy, uint64_t now_ns);

/** policy_next_ns() - when policy_pick() may change by itself, or NEVER */
uint64_t policy_next_ns(const struct policy *policy);

/** policy_entity_init() - a sleeping entity that is owed and owes nothing */
void policy_entity_init(struct policy *policy, struct policy_entity *entity,
			uint32_t weight, uint64_t request_ns);

/** policy_entity_fini() - before it goes away; its reserve and slot are free */
void policy_entity_fini(struct policy *policy, struct policy_entity *entity);

/** policy_wake() - the entity has work; nothing if it had already */
void policy_wake(struct policy *policy, struct policy_entity *entity);

/** policy_sleep() - it has none */
void policy_sleep(struct policy *policy, struct policy_entity *entity);

/** policy_pick() - whose turn it is, or NULL. Changes nothing. */
struct policy_entity *policy_pick(const struct policy *policy);

/** policy_others() - how many but @entity (may be NULL) could be picked */
static inline uint32_t policy_others(const struct policy *policy,
				     const struct policy_entity *entity)
{
	return policy->count - (entity && entity->ready);
}

/** policy_budget() - GPU time until a cap or a slot ends its turn, or NEVER */
uint64_t policy_budget(const struct policy *policy,
		       const struct policy_entity *entity);

/** policy_charge() - it has used @cost_ns of the GPU, back-logged or not */
void policy_charge(struct policy *policy, struct policy_entity *entity,
		   uint64_t cost_ns);

/** policy_set_weight() - from now on; what it is owed or owes is kept */
void policy_set_weight(struct policy *policy, struct policy_entity *entity,
		       uint32_t weight);

/** policy_set_request() - expected cost of its next turn: latency only */
void policy_set_request(struct policy *policy, struct policy_entity *entity,
			uint64_t request_ns);

/** policy_set_cap() - at most @millionths of the capacity (0: no cap) */
void policy_set_cap(struct policy *policy, struct policy_entity *entity,
		    uint32_t millionths, uint64_t burst_ns);

/**
 * policy_set_reserve() - at least @millionths of the GPU while it has work
 * Return: 0, or -ENOSPC: all reserves would exceed POLICY_RESERVE_MAX, and
 * nothing has changed.
 */
int policy_set_reserve(struct policy *policy, struct policy_entity *entity,
		       uint32_t millionths);

/** policy_set_slot() - its part of each frame in fixed mode, 0: none */
void policy_set_slot(struct policy *policy, struct policy_entity *entity,
		     uint64_t slot_ns);

/** policy_throttled_ns() - for how long its cap has kept it from work */
uint64_t policy_throttled_ns(const struct policy *policy,
			     const struct policy_entity *entity);

/** policy_now() - V */
policy_vtime policy_now(const struct policy *policy);

/** policy_lag() - nanoseconds of GPU time it is owed; negative: its debt */
int64_t policy_lag(const struct policy *policy,
		   const struct policy_entity *entity);

#endif
