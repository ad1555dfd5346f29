// SPDX-License-Identifier: MIT
/*
 * methods.c - the policy, and what it is compared with
 *
 * The others are as plain as they get: they show that the simulation is the
 * one whose figures are known, and what the policy is worth.
 */
#include <string.h>

#include "tests/sim/lane.h"

#define SLICE_NS	6e6

/* ---- the policy ---- */

static void policy_start(struct lane *lane)
{
	const char *name = lane->load->policy;
	enum policy_mode mode = !strcmp(name, "fixed") ? POLICY_FIXED :
		!strcmp(name, "best-effort") ? POLICY_BEST_EFFORT : POLICY_FAIR;
	int i;

	lane->is_policy = true;
	lane->is_fair = mode == POLICY_FAIR;
	policy_init(&lane->policy);
	policy_set_mode(&lane->policy, mode);
	policy_set_frame(&lane->policy, lane->load->frame_ns);
	for (i = 0; i < lane->n; i++) {
		struct sim_vm *vm = &lane->vm[i];
		const struct group *g = vm->group;

		policy_entity_init(&lane->policy, &vm->entity,
				   (uint32_t)(vm->weight * 100), vm->request);
		if (g->cap > 0)
			policy_set_cap(&lane->policy, &vm->entity,
				       (uint32_t)(g->cap * 1e4), g->burst_ns);
		if (g->reserve > 0 &&
		    policy_set_reserve(&lane->policy, &vm->entity,
				       (uint32_t)(g->reserve * 1e4)))
			g_error("%s: reserves of more than 90 %%",
				lane->load->name);
		policy_set_slot(&lane->policy, &vm->entity, g->slot_ns);
	}
}

static void policy_woken(struct lane *lane, struct sim_vm *vm)
{
	policy_wake(&lane->policy, &vm->entity);
}

static void policy_sleeps(struct lane *lane, struct sim_vm *vm)
{
	policy_sleep(&lane->policy, &vm->entity);
}

static struct sim_vm *policy_picked(struct lane *lane)
{
	return (struct sim_vm *)(void *)policy_pick(&lane->policy);
}

static void policy_charged(struct lane *lane, struct sim_vm *vm, uint64_t cost)
{
	policy_set_request(&lane->policy, &vm->entity, vm->request);
	policy_charge(&lane->policy, &vm->entity, cost);
}

/* ---- in order of arrival ---- */

static void queue_start(struct lane *lane)
{
	lane->queue = g_queue_new();
}

static void enqueue(struct lane *lane, struct sim_vm *vm)
{
	g_queue_push_tail(lane->queue, vm);
}

static struct sim_vm *first(struct lane *lane)
{
	return g_queue_peek_head(lane->queue);
}

static void fifo_charge(struct lane *lane, struct sim_vm *vm, uint64_t cost)
{
	g_queue_pop_head(lane->queue);
}

/* ---- in a ring: a job, a slice, or a deficit each ---- */

static void ring_sleep(struct lane *lane, struct sim_vm *vm)
{
	vm->turn = false;
	g_queue_remove(lane->queue, vm);
}

static void ring_next(struct lane *lane)
{
	struct sim_vm *vm = g_queue_pop_head(lane->queue);

	vm->turn = false;
	g_queue_push_tail(lane->queue, vm);
}

static void robin_charge(struct lane *lane, struct sim_vm *vm, uint64_t cost)
{
	ring_next(lane);
}

static void slice_charge(struct lane *lane, struct sim_vm *vm, uint64_t cost)
{
	lane->turn_ns = vm->turn ? lane->turn_ns : 0;
	vm->turn = true;
	lane->turn_ns += (double)cost;
	if (lane->turn_ns >= SLICE_NS)
		ring_next(lane);
}

static struct sim_vm *drr_pick(struct lane *lane)
{
	struct sim_vm *vm;

	while ((vm = first(lane))) {
		if (!vm->turn) {
			vm->deficit += vm->weight *
				(double)lane->load->longest_ns / 4;
			vm->turn = true;
		}
		if (vm->deficit > 0)
			return vm;
		ring_next(lane);
	}
	return NULL;
}

static void drr_charge(struct lane *lane, struct sim_vm *vm, uint64_t cost)
{
	vm->deficit -= (double)cost;
	if (vm->deficit <= 0)
		ring_next(lane);
}

/* ---- by start tag ---- */

static void sfq_link(struct lane *lane, struct sim_vm *vm)
{
	vm->node.key = (policy_vtime)(vm->tag * 1024);
	vm->node.deadline = vm->node.key;
	lane->policy.random = lane->policy.random * 1664525 + 1013904223;
	policy_tree_insert(&lane->tree, &vm->node, lane->policy.random);
}

static void sfq_start(struct lane *lane)
{
	lane->policy.random = 1;
}

static void sfq_wake(struct lane *lane, struct sim_vm *vm)
{
	vm->tag = MAX(vm->tag, lane->vtime);
	sfq_link(lane, vm);
}

static void sfq_sleep(struct lane *lane, struct sim_vm *vm)
{
	policy_tree_remove(&lane->tree, &vm->node);
}

static struct sim_vm *sfq_pick(struct lane *lane)
{
	struct policy_node *n = policy_tree_first(lane->tree);
	struct sim_vm *vm;

	if (!n)
		return NULL;
	vm = (struct sim_vm *)(void *)((char *)n -
				       offsetof(struct sim_vm, node));
	lane->vtime = vm->tag;
	return vm;
}

static void sfq_charge(struct lane *lane, struct sim_vm *vm, uint64_t cost)
{
	policy_tree_remove(&lane->tree, &vm->node);
	vm->tag += (double)cost / vm->weight;
	sfq_link(lane, vm);
}

static const struct method methods[] = {
	{ "fair", policy_start, NULL, policy_woken, policy_sleeps,
	  policy_picked, policy_charged },
	{ "fixed", policy_start, NULL, policy_woken, policy_sleeps,
	  policy_picked, policy_charged },
	{ "best-effort", policy_start, NULL, policy_woken, policy_sleeps,
	  policy_picked, policy_charged },
	{ "fifo", queue_start, enqueue, NULL, NULL, first, fifo_charge },
	{ "robin", queue_start, NULL, enqueue, ring_sleep, first, robin_charge },
	{ "slice", queue_start, NULL, enqueue, ring_sleep, first, slice_charge },
	{ "drr", queue_start, NULL, enqueue, ring_sleep, drr_pick, drr_charge },
	{ "sfq", sfq_start, NULL, sfq_wake, sfq_sleep, sfq_pick, sfq_charge },
};

const struct method *method_find(const char *name)
{
	guint i;

	for (i = 0; i < G_N_ELEMENTS(methods); i++) {
		if (!strcmp(methods[i].name, name))
			return &methods[i];
	}
	return NULL;
}
