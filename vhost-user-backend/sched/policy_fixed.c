// SPDX-License-Identifier: MIT
/*
 * policy_fixed.c - slots in a ring, with debt: hard shares
 */
#include "sched/policy_parts.h"

struct policy_entity *policy_fixed_pick(const struct policy *policy)
{
	struct policy_entity *e = policy->slot;

	return e && e->ready && policy->now_ns < policy->slot_end_ns ? e : NULL;
}

uint64_t policy_fixed_budget(const struct policy *policy,
			     const struct policy_entity *e)
{
	if (e != policy->slot || policy->now_ns >= policy->slot_end_ns)
		return 0;
	return (uint64_t)((policy_vtime)(policy->slot_end_ns - policy->now_ns) *
			  (policy_vtime)policy->capacity / POLICY_WHOLE);
}

static void add_ns(uint64_t *sum, uint64_t ns)
{
	*sum = *sum < POLICY_NEVER - ns ? *sum + ns : POLICY_NEVER;
}

/*
 * What the owner used since the last policy_advance() and past the end of its
 * slot is debt. What others used is all debt, and the slot stood still.
 */
void policy_fixed_charge(struct policy *policy, struct policy_entity *e,
			 uint64_t cost)
{
	uint64_t wall = policy_wall(policy, cost), now = policy->now_ns;
	uint64_t left = now < policy->slot_end_ns ? policy->slot_end_ns - now : 0;

	if (e == policy->slot)
		wall -= wall < left ? wall : left;
	else if (policy->slot_end_ns)
		add_ns(&policy->slot_end_ns, wall);
	if (e->slot_ns)
		add_ns(&e->debt_ns, wall);
}

static uint64_t rest_of(const struct policy *policy)
{
	return policy->frame_ns > policy->slots_ns ?
		policy->frame_ns - policy->slots_ns : 0;
}

/* All that are in the ring have had @rounds slots pass. */
static void pass_rounds(struct policy *policy, uint64_t rounds)
{
	struct policy_entity *e = policy->slots;

	do {
		policy_vtime paid = (policy_vtime)rounds * e->slot_ns;

		e->debt_ns -= paid < e->debt_ns ? (uint64_t)paid : e->debt_ns;
		e = e->slot_next;
	} while (e != policy->slots);
}

/* How many rounds until somebody has less debt than a slot. */
static uint64_t rounds_in_debt(const struct policy *policy)
{
	const struct policy_entity *e = policy->slots;
	uint64_t least = UINT64_MAX;

	do {
		if (e->debt_ns / e->slot_ns < least)
			least = e->debt_ns / e->slot_ns;
		e = e->slot_next;
	} while (e != policy->slots);
	return least;
}

/* The next in the ring, or (NULL) what of the frame is nobody's. */
static struct policy_entity *after(const struct policy *policy,
				   const struct policy_entity *e)
{
	if (!e)
		return policy->slots;
	return e->slot_next == policy->slots && rest_of(policy) ? NULL :
		e->slot_next;
}

/* Debt of a slot or more: it is skipped, in no time, and the debt is less. */
static void next_slot(struct policy *policy)
{
	struct policy_entity *e = after(policy, policy->slot), *start = e;

	while (e && e->debt_ns >= e->slot_ns) {
		e->debt_ns -= e->slot_ns;
		e = after(policy, e);
		if (e == start)
			pass_rounds(policy, rounds_in_debt(policy));
	}
	policy->slot = e;
	policy->slot_end_ns = policy->now_ns +
		(e ? e->slot_ns - e->debt_ns : rest_of(policy));
	if (e)
		e->debt_ns = 0;
}

void policy_fixed_advance(struct policy *policy)
{
	uint64_t frame = policy->slots_ns + rest_of(policy), late;

	if (!policy->slots) {
		policy->slot_end_ns = POLICY_NEVER;
		return;
	}
	if (policy->now_ns < policy->slot_end_ns)
		return;
	/* the ring turned unseen while nobody had work */
	late = policy->now_ns - policy->slot_end_ns;
	if (!policy->count && policy->slot_end_ns && late >= frame)
		pass_rounds(policy, late / frame);
	next_slot(policy);
}

void policy_fixed_reset(struct policy *policy)
{
	policy->slot = NULL;
	policy->slot_end_ns = 0;
	if (policy->slots)
		pass_rounds(policy, POLICY_NEVER);
}

void policy_set_frame(struct policy *policy, uint64_t frame_ns)
{
	policy->frame_ns = frame_ns < POLICY_SLOT_MAX_NS ? frame_ns :
		POLICY_SLOT_MAX_NS;
}

static void unlink_slot(struct policy *policy, struct policy_entity *e)
{
	bool last = e->slot_next == e;

	if (policy->slot == e) {
		/* over; the next one comes after whom it came after */
		policy->slot = last ? NULL : e->slot_prev;
		policy->slot_end_ns = policy->now_ns;
	}
	if (policy->slots == e)
		policy->slots = last ? NULL : e->slot_next;
	e->slot_next->slot_prev = e->slot_prev;
	e->slot_prev->slot_next = e->slot_next;
	e->debt_ns = 0;
}

static void link_slot(struct policy *policy, struct policy_entity *e)
{
	struct policy_entity *head = policy->slots;

	if (!head) {
		policy->slots = e;
		e->slot_next = e;
		e->slot_prev = e;
		policy->slot_end_ns = 0;
		return;
	}
	e->slot_next = head;
	e->slot_prev = head->slot_prev;
	head->slot_prev->slot_next = e;
	head->slot_prev = e;
}

void policy_set_slot(struct policy *policy, struct policy_entity *e,
		     uint64_t slot_ns)
{
	if (slot_ns > POLICY_SLOT_MAX_NS)
		slot_ns = POLICY_SLOT_MAX_NS;
	if (e->slot_ns && !slot_ns)
		unlink_slot(policy, e);
	else if (!e->slot_ns && slot_ns)
		link_slot(policy, e);
	policy->slots_ns += slot_ns - e->slot_ns;
	e->slot_ns = slot_ns;
}
