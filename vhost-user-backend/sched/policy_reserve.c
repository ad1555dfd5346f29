// SPDX-License-Identifier: MIT
/*
 * policy_reserve.c - the part of the GPU that an entity has whatever comes
 */
#include <errno.h>

#include <sys/param.h>

#include "sched/policy_parts.h"

/*
 * How far ahead of its reserve is remembered, in long jobs of the lane: by so
 * much is the fair order early or late. Less, and one whose weight is worth
 * about its reserve gets more than both; more, and it waits longer for its
 * reserve when others come.
 */
#define AHEAD_JOBS	2

/* Of S: what @ns of an entity's own time is when it gets just its reserve. */
static policy_vtime stretch(const struct policy_entity *e, uint64_t ns)
{
	if (ns > POLICY_COST_MAX_NS)
		ns = POLICY_COST_MAX_NS;
	return ((policy_vtime)ns << POLICY_SHIFT) * POLICY_WHOLE / e->reserve;
}

static void link_reserved(struct policy *policy, struct policy_entity *e)
{
	e->reserved.key = e->u;
	e->reserved.deadline = e->u + stretch(e, e->request_ns);
	policy_tree_insert(&policy->reserved, &e->reserved,
			   policy_random(policy));
}

static bool linked(const struct policy *policy, const struct policy_entity *e)
{
	return e->reserve && e->ready && policy->mode == POLICY_FAIR;
}

/* Being behind from before it slept is no credit. */
void policy_reserve_enter(struct policy *policy, struct policy_entity *e)
{
	if (!linked(policy, e))
		return;
	if (e->u < policy->served)
		e->u = policy->served;
	link_reserved(policy, e);
}

void policy_reserve_leave(struct policy *policy, struct policy_entity *e)
{
	if (linked(policy, e))
		policy_tree_remove(&policy->reserved, &e->reserved);
}

void policy_reserve_request(struct policy *policy, struct policy_entity *e)
{
	if (linked(policy, e))
		policy_tree_deadline(policy->reserved, &e->reserved,
				     e->u + stretch(e, e->request_ns));
}

bool policy_reserve_charge(struct policy *policy, struct policy_entity *e,
			   uint64_t cost)
{
	policy_vtime before = policy->served, step, ahead;
	bool in_tree = linked(policy, e), paid;

	policy->served += (policy_vtime)cost << POLICY_SHIFT;
	policy->job_ns = MAX(cost, policy->job_ns - policy->job_ns / 256);
	if (!e->reserve)
		return false;
	paid = in_tree && e->u <= before && policy_pick_fair(policy) != e;
	if (in_tree)
		policy_tree_remove(&policy->reserved, &e->reserved);
	else if (e->u < before)
		e->u = before;
	step = stretch(e, cost);
	e->u += step;
	/* ahead by nothing, if nobody else could have used the time */
	ahead = policy->served;
	if (policy_others(policy, e))
		ahead += AHEAD_JOBS * stretch(e, policy->job_ns);
	if (e->u > ahead)
		e->u = ahead;
	if (in_tree)
		link_reserved(policy, e);
	if (paid)
		e->early_ns = MIN(e->early_ns + cost, MAX(cost, e->request_ns));
	return paid;
}

int policy_set_reserve(struct policy *policy, struct policy_entity *e,
		       uint32_t millionths)
{
	uint32_t others = policy->reserve - e->reserve;

	if (millionths > POLICY_RESERVE_MAX - others)
		return -ENOSPC;
	policy_reserve_leave(policy, e);
	policy->reserve = others + millionths;
	e->reserve = millionths;
	/* neither behind nor ahead of what it is from now on */
	e->u = policy->served;
	e->early_ns = 0;
	policy_reserve_enter(policy, e);
	return 0;
}
