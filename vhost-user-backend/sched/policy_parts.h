/* SPDX-License-Identifier: MIT */
/*
 * policy_parts.h - what the files of the policy share
 */
#ifndef SCHED_POLICY_PARTS_H
#define SCHED_POLICY_PARTS_H

#include <stddef.h>

#include "sched/policy.h"

#define POLICY_SHIFT	16

/* The entity that a node is part of. */
#define policy_owner(node, member) \
	((struct policy_entity *)(void *)((char *)(node) - \
		offsetof(struct policy_entity, member)))

/* How long the whole GPU needs for so much of it. */
static inline uint64_t policy_wall(const struct policy *policy, uint64_t gpu_ns)
{
	return (uint64_t)((policy_vtime)gpu_ns * POLICY_WHOLE /
			  (policy_vtime)policy->capacity);
}

/* policy.c */
uint32_t policy_random(struct policy *policy);
/* May be picked from now on, or no more; its back-log is as it was. */
void policy_enter(struct policy *policy, struct policy_entity *e);
void policy_leave(struct policy *policy, struct policy_entity *e);
struct policy_entity *policy_pick_fair(const struct policy *policy);

/* policy_cap.c */
bool policy_cap_holds(const struct policy *policy,
		      const struct policy_entity *e);
void policy_throttle(struct policy *policy, struct policy_entity *e,
		     uint64_t since_ns);
void policy_unthrottle(struct policy *policy, struct policy_entity *e);
void policy_cap_charge(struct policy *policy, struct policy_entity *e,
		       uint64_t cost);
void policy_cap_advance(struct policy *policy);
uint64_t policy_cap_next(const struct policy *policy);
uint64_t policy_cap_budget(const struct policy *policy,
			   const struct policy_entity *e);

/* policy_reserve.c */
void policy_reserve_enter(struct policy *policy, struct policy_entity *e);
void policy_reserve_leave(struct policy *policy, struct policy_entity *e);
void policy_reserve_request(struct policy *policy, struct policy_entity *e);
/* Return: whether the reserve pays, so that the fair order does not. */
bool policy_reserve_charge(struct policy *policy, struct policy_entity *e,
			   uint64_t cost);

/* policy_fixed.c */
struct policy_entity *policy_fixed_pick(const struct policy *policy);
void policy_fixed_charge(struct policy *policy, struct policy_entity *e,
			 uint64_t cost);
void policy_fixed_advance(struct policy *policy);
uint64_t policy_fixed_budget(const struct policy *policy,
			     const struct policy_entity *e);
void policy_fixed_reset(struct policy *policy);

#endif
