// SPDX-License-Identifier: MIT
/*
 * policy_cap.c - token buckets: who has had all that its cap allows
 */
#include "sched/policy_parts.h"

#define MILLION	1000000

/* Millionths of a nanosecond of GPU time that a nanosecond brings. */
static policy_vtime rate_of(const struct policy *policy,
			    const struct policy_entity *e)
{
	policy_vtime rate = (policy_vtime)e->cap * policy->capacity /
		POLICY_WHOLE;

	return rate ? rate : 1;
}

static policy_vtime full(const struct policy_entity *e)
{
	return (policy_vtime)e->burst_ns * MILLION;
}

/* Without this much there is no turn. */
static policy_vtime enough(const struct policy_entity *e)
{
	return (policy_vtime)MILLION * (e->burst_ns < POLICY_REFILL_NS ?
					e->burst_ns : POLICY_REFILL_NS);
}

static policy_vtime tokens_now(const struct policy *policy,
			       const struct policy_entity *e)
{
	policy_vtime tokens = e->tokens + rate_of(policy, e) *
		(policy->now_ns - e->refill_ns);

	return tokens < full(e) ? tokens : full(e);
}

static void refill(const struct policy *policy, struct policy_entity *e)
{
	e->tokens = tokens_now(policy, e);
	e->refill_ns = policy->now_ns;
}

bool policy_cap_holds(const struct policy *policy,
		      const struct policy_entity *e)
{
	return e->cap && tokens_now(policy, e) < enough(e);
}

static void link_throttled(struct policy *policy, struct policy_entity *e)
{
	policy_vtime rate = rate_of(policy, e), missing;

	refill(policy, e);
	missing = enough(e) - e->tokens;
	e->throttled.key = (policy_vtime)policy->now_ns +
		(missing > 0 ? (missing + rate - 1) / rate : 0);
	e->throttled.deadline = e->throttled.key;
	policy_tree_insert(&policy->throttled, &e->throttled,
			   policy_random(policy));
}

void policy_throttle(struct policy *policy, struct policy_entity *e,
		     uint64_t since_ns)
{
	e->throttled_since_ns = since_ns;
	link_throttled(policy, e);
}

static uint64_t since_throttled(const struct policy *policy,
				const struct policy_entity *e)
{
	return policy->now_ns > e->throttled_since_ns ?
		policy->now_ns - e->throttled_since_ns : 0;
}

void policy_unthrottle(struct policy *policy, struct policy_entity *e)
{
	policy_tree_remove(&policy->throttled, &e->throttled);
	e->throttled_ns += since_throttled(policy, e);
}

uint64_t policy_throttled_ns(const struct policy *policy,
			     const struct policy_entity *e)
{
	return e->throttled_ns + (e->backlogged && !e->ready ?
				  since_throttled(policy, e) : 0);
}

void policy_cap_charge(struct policy *policy, struct policy_entity *e,
		       uint64_t cost)
{
	if (!e->cap)
		return;
	refill(policy, e);
	e->tokens -= (policy_vtime)cost * MILLION;
	if (e->ready && e->tokens <= 0) {
		policy_leave(policy, e);
		/* the time it used is since the last policy_advance() */
		policy_throttle(policy, e, policy->now_ns +
				policy_wall(policy, cost));
	} else if (e->backlogged && !e->ready) {
		policy_tree_remove(&policy->throttled, &e->throttled);
		link_throttled(policy, e);
	}
}

void policy_cap_advance(struct policy *policy)
{
	struct policy_node *n;

	while ((n = policy_tree_first(policy->throttled)) &&
	       n->key <= (policy_vtime)policy->now_ns) {
		struct policy_entity *e = policy_owner(n, throttled);

		if (policy_cap_holds(policy, e)) {
			/* the capacity is less than when this was computed */
			policy_tree_remove(&policy->throttled, n);
			link_throttled(policy, e);
			continue;
		}
		policy_unthrottle(policy, e);
		policy_enter(policy, e);
	}
}

uint64_t policy_cap_next(const struct policy *policy)
{
	struct policy_node *n = policy_tree_first(policy->throttled);

	if (!n || n->key >= (policy_vtime)POLICY_NEVER)
		return POLICY_NEVER;
	return (uint64_t)n->key;
}

uint64_t policy_cap_budget(const struct policy *policy,
			   const struct policy_entity *e)
{
	policy_vtime tokens;

	if (!e->cap)
		return POLICY_NEVER;
	tokens = tokens_now(policy, e);
	return tokens > 0 ? (uint64_t)((tokens + MILLION - 1) / MILLION) : 0;
}

void policy_set_cap(struct policy *policy, struct policy_entity *e,
		    uint32_t millionths, uint64_t burst_ns)
{
	bool throttled = e->backlogged && !e->ready;

	if (throttled)
		policy_unthrottle(policy, e);
	if (burst_ns < POLICY_BURST_MIN_NS)
		burst_ns = POLICY_BURST_MIN_NS;
	if (burst_ns > POLICY_BURST_MAX_NS)
		burst_ns = POLICY_BURST_MAX_NS;
	if (e->cap)
		refill(policy, e);
	else
		e->tokens = (policy_vtime)burst_ns * MILLION;
	e->refill_ns = policy->now_ns;
	e->cap = millionths < POLICY_WHOLE ? millionths : POLICY_WHOLE;
	e->burst_ns = burst_ns;
	if (e->tokens > full(e))
		e->tokens = full(e);
	if (throttled && policy_cap_holds(policy, e))
		policy_throttle(policy, e, policy->now_ns);
	else if (throttled)
		policy_enter(policy, e);
}

void policy_set_capacity(struct policy *policy, uint64_t millionths)
{
	if (millionths < POLICY_CAPACITY_MIN)
		millionths = POLICY_CAPACITY_MIN;
	policy->capacity = millionths < POLICY_CAPACITY_MAX ? millionths :
		POLICY_CAPACITY_MAX;
}
