// SPDX-License-Identifier: MIT
/*
 * policy.c - who is next on one GPU: the fair order, and what all modes share
 */
#include "sched/policy.h"

#include <stddef.h>

#include "sched/policy_parts.h"

uint32_t policy_random(struct policy *policy)
{
	/* xorshift32: depth of the trees is all that hangs on it */
	policy->random ^= policy->random << 13;
	policy->random ^= policy->random >> 17;
	policy->random ^= policy->random << 5;
	return policy->random;
}

static uint32_t clamp_weight(uint32_t weight)
{
	if (weight < POLICY_WEIGHT_MIN)
		return POLICY_WEIGHT_MIN;
	return weight > POLICY_WEIGHT_MAX ? POLICY_WEIGHT_MAX : weight;
}

static uint64_t clamp_ns(uint64_t ns)
{
	return ns > POLICY_COST_MAX_NS ? POLICY_COST_MAX_NS : ns;
}

static policy_vtime vtime(uint64_t ns, uint32_t weight)
{
	return (policy_vtime)((clamp_ns(ns) << POLICY_SHIFT) / weight);
}

/* ---- V and who counts in it ---- */

policy_vtime policy_now(const struct policy *policy)
{
	/* v never goes below 0, so this rounds down */
	return policy->weight ? policy->sum / policy->weight : policy->idle_v;
}

static void count(struct policy *policy, struct policy_entity *e)
{
	policy->sum += e->v * e->weight;
	policy->weight += e->weight;
	e->counted = true;
}

static void uncount(struct policy *policy, struct policy_entity *e)
{
	/* the last one takes its clock along: a lane never goes back in time */
	policy->idle_v = policy_now(policy);
	policy->sum -= e->v * e->weight;
	policy->weight -= e->weight;
	e->counted = false;
}

/* Those that left with debt and owe no more. */
static void drop_ghosts(struct policy *policy)
{
	struct policy_node *n;

	while ((n = policy_tree_first(policy->ghosts)) &&
	       n->key <= policy_now(policy)) {
		policy_tree_remove(&policy->ghosts, n);
		uncount(policy, policy_owner(n, fair));
	}
}

/* Who counts is in one of two trees: may be picked, or is there as a ghost. */
static void link_fair(struct policy *policy, struct policy_entity *e)
{
	e->fair.key = e->v;
	e->fair.deadline = e->v + vtime(e->request_ns, e->weight);
	policy_tree_insert(e->ready ? &policy->fair : &policy->ghosts, &e->fair,
			   policy_random(policy));
}

static void unlink_fair(struct policy *policy, struct policy_entity *e)
{
	policy_tree_remove(e->ready ? &policy->fair : &policy->ghosts,
			   &e->fair);
}

/* ---- who may be picked ---- */

void policy_enter(struct policy *policy, struct policy_entity *e)
{
	if (policy->mode != POLICY_FAIR) {
		e->fair.key = (policy_vtime)++policy->turn;
		e->fair.deadline = e->fair.key;
		policy_tree_insert(&policy->fair, &e->fair,
				   policy_random(policy));
		e->ready = true;
		policy->count++;
		return;
	}
	if (e->counted) {
		unlink_fair(policy, e);
	} else {
		e->v = policy_now(policy);
		count(policy, e);
	}
	e->ready = true;
	policy->count++;
	link_fair(policy, e);
	policy_reserve_enter(policy, e);
}

void policy_leave(struct policy *policy, struct policy_entity *e)
{
	unlink_fair(policy, e);
	policy_reserve_leave(policy, e);
	e->ready = false;
	policy->count--;
	if (!e->counted)
		return;
	if (e->v > policy_now(policy)) {
		link_fair(policy, e);
	} else {
		uncount(policy, e);
		drop_ghosts(policy);
	}
}

void policy_wake(struct policy *policy, struct policy_entity *e)
{
	if (e->backlogged)
		return;
	e->backlogged = true;
	if (policy_cap_holds(policy, e))
		policy_throttle(policy, e, policy->now_ns);
	else
		policy_enter(policy, e);
}

void policy_sleep(struct policy *policy, struct policy_entity *e)
{
	if (!e->backlogged)
		return;
	e->backlogged = false;
	if (e->ready)
		policy_leave(policy, e);
	else
		policy_unthrottle(policy, e);
}

/* ---- decisions and charges ---- */

struct policy_entity *policy_pick_fair(const struct policy *policy)
{
	struct policy_node *n = policy_tree_pick(policy->fair,
						 policy_now(policy));

	if (!n)
		n = policy_tree_first(policy->fair);	/* work conserving */
	return n ? policy_owner(n, fair) : NULL;
}

struct policy_entity *policy_pick(const struct policy *policy)
{
	struct policy_node *n;

	switch (policy->mode) {
	case POLICY_FIXED:
		return policy_fixed_pick(policy);
	case POLICY_BEST_EFFORT:
		n = policy_tree_first(policy->fair);
		return n ? policy_owner(n, fair) : NULL;
	default:
		n = policy_tree_pick(policy->reserved, policy->served);
		return n ? policy_owner(n, reserved) : policy_pick_fair(policy);
	}
}

/* Also of one that sleeps: it counts until it has paid. */
static void pay(struct policy *policy, struct policy_entity *e, uint64_t cost)
{
	policy_vtime step = vtime(cost, e->weight);

	if (e->counted) {
		unlink_fair(policy, e);
	} else {
		e->v = policy_now(policy);
		count(policy, e);
	}
	e->v += step;
	policy->sum += step * e->weight;
	link_fair(policy, e);
	drop_ghosts(policy);
}

/*
 * Served before its turn, on its reserve, it pays when its turn comes: nobody
 * is moved from his place, and nobody is served twice.
 */
static void charge_fair(struct policy *policy, struct policy_entity *e,
			uint64_t cost)
{
	if (!policy_reserve_charge(policy, e, cost))
		pay(policy, e, cost);
	while (policy->reserve && (e = policy_pick_fair(policy)) &&
	       e->early_ns) {
		pay(policy, e, e->early_ns);
		e->early_ns = 0;
	}
}

/* To the end of the ring, if it was its turn. */
static void charge_turn(struct policy *policy, struct policy_entity *e)
{
	if (!e->ready || policy_tree_first(policy->fair) != &e->fair)
		return;
	policy_leave(policy, e);
	policy_enter(policy, e);
}

void policy_charge(struct policy *policy, struct policy_entity *e,
		   uint64_t cost_ns)
{
	uint64_t cost = clamp_ns(cost_ns);

	switch (policy->mode) {
	case POLICY_FAIR:
		charge_fair(policy, e, cost);
		break;
	case POLICY_BEST_EFFORT:
		charge_turn(policy, e);
		break;
	case POLICY_FIXED:
		policy_fixed_charge(policy, e, cost);
		break;
	}
	policy_cap_charge(policy, e, cost);
}

void policy_advance(struct policy *policy, uint64_t now_ns)
{
	if (now_ns > policy->now_ns)
		policy->now_ns = now_ns;
	policy_cap_advance(policy);
	if (policy->mode == POLICY_FIXED)
		policy_fixed_advance(policy);
}

uint64_t policy_next_ns(const struct policy *policy)
{
	uint64_t cap = policy_cap_next(policy);
	uint64_t slot = policy->mode == POLICY_FIXED && policy->count ?
		policy->slot_end_ns : POLICY_NEVER;

	return cap < slot ? cap : slot;
}

uint64_t policy_budget(const struct policy *policy,
		       const struct policy_entity *e)
{
	uint64_t cap = policy_cap_budget(policy, e);
	uint64_t slot = policy->mode == POLICY_FIXED ?
		policy_fixed_budget(policy, e) : POLICY_NEVER;

	return cap < slot ? cap : slot;
}

/* ---- what there is, and its settings ---- */

void policy_init(struct policy *policy)
{
	*policy = (struct policy){
		.random = 2463534242u,
		.capacity = POLICY_WHOLE,
	};
}

void policy_entity_init(struct policy *policy, struct policy_entity *e,
			uint32_t weight, uint64_t request_ns)
{
	*e = (struct policy_entity){
		.v = policy_now(policy),
		.u = policy->served,
		.weight = clamp_weight(weight),
		.request_ns = request_ns,
	};
}

static void drop_ghost(struct policy *policy, struct policy_entity *e)
{
	policy_tree_remove(&policy->ghosts, &e->fair);
	uncount(policy, e);
	drop_ghosts(policy);
}

void policy_entity_fini(struct policy *policy, struct policy_entity *e)
{
	policy_sleep(policy, e);
	if (e->counted)
		drop_ghost(policy, e);
	policy_set_reserve(policy, e, 0);
	policy_set_slot(policy, e, 0);
}

void policy_set_mode(struct policy *policy, enum policy_mode mode)
{
	struct policy_node *n, *ready = NULL;

	if (mode == policy->mode)
		return;
	while ((n = policy_tree_first(policy->fair))) {
		policy_leave(policy, policy_owner(n, fair));
		if (policy_owner(n, fair)->counted)
			drop_ghost(policy, policy_owner(n, fair));
		n->right = ready;
		ready = n;
	}
	while ((n = policy_tree_first(policy->ghosts)))
		drop_ghost(policy, policy_owner(n, fair));
	policy->mode = mode;
	policy_fixed_reset(policy);
	while ((n = ready)) {
		ready = n->right;
		policy_enter(policy, policy_owner(n, fair));
	}
}

/* lag is kept: weight * (V - v) before and after, so V does not move. */
void policy_set_weight(struct policy *policy, struct policy_entity *e,
		       uint32_t weight)
{
	policy_vtime now = policy_now(policy);
	policy_vtime behind = (now - e->v) * e->weight;

	weight = clamp_weight(weight);
	if (weight == e->weight)
		return;
	if (!e->counted) {
		e->weight = weight;
		return;
	}
	unlink_fair(policy, e);
	uncount(policy, e);
	e->weight = weight;
	e->v = now - behind / weight;
	if (e->v < 0)
		e->v = 0;
	count(policy, e);
	link_fair(policy, e);
	drop_ghosts(policy);
}

void policy_set_request(struct policy *policy, struct policy_entity *e,
			uint64_t request_ns)
{
	if (request_ns == e->request_ns)
		return;
	e->request_ns = request_ns;
	if (!e->ready || policy->mode != POLICY_FAIR)
		return;
	policy_tree_deadline(policy->fair, &e->fair,
			     e->v + vtime(request_ns, e->weight));
	policy_reserve_request(policy, e);
}

int64_t policy_lag(const struct policy *policy, const struct policy_entity *e)
{
	policy_vtime lag = (policy_now(policy) - e->v) * e->weight;

	if (policy->mode == POLICY_FIXED)
		return -(int64_t)e->debt_ns;
	if (!e->counted)
		return 0;
	/* rounds towards zero, as a remainder below a nanosecond is nothing */
	return (int64_t)(lag / ((policy_vtime)1 << POLICY_SHIFT));
}
