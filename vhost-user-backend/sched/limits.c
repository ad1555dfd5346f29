// SPDX-License-Identifier: MIT
/*
 * limits.c - what a VM may do, and who is kept off the lane
 */
#include <unistd.h>

#include "base/event.h"
#include "sched/lane.h"

#define SLOT_MIN_NS	100000ull

bool limits_blocked(const struct arbiter_vm *vm, uint64_t now)
{
	return vm->suspended || now < vm->held_until_ns;
}

static void on_hold_over(void *opaque)
{
	struct arbiter_vm *vm = opaque;
	uint64_t now = event_now_ns();

	if (now < vm->held_until_ns) {
		event_set_timer(vm->hold_timer,
				(vm->held_until_ns - now) / 1000 + 1);
		return;
	}
	vm->held_until_ns = 0;
	lane_unblock(vm, now);
}

void limits_init(struct arbiter_vm *vm)
{
	vm->hold_timer = event_add_timer(vm->arbiter->loop, on_hold_over, vm);
}

void limits_fini(struct arbiter_vm *vm)
{
	event_del(vm->hold_timer);
}

uint64_t limits_slice(const struct arbiter_vm *vm)
{
	return vm->limits.slice_ns ? vm->limits.slice_ns :
		vm->arbiter->config.slice_ns;
}

/* Its worker reads them where it needs them; nothing else is shared. */
void limits_publish(struct arbiter_vm *vm)
{
	const struct arbiter_limits *l = &vm->limits;
	struct vgpu_sched_grant *g = vm->grant;

	if (!g)
		return;
	atomic_store(&g->frame_ns, l->frame_ns);
	atomic_store(&g->memory_max, l->memory_max);
	atomic_store(&g->max_inflight, l->max_inflight);
	atomic_store(&g->max_resources, l->max_resources);
	atomic_store(&g->max_contexts, l->max_contexts);
}

void arbiter_vm_suspend(struct arbiter_vm *vm, bool suspended)
{
	uint64_t now = event_now_ns();

	if (vm->suspended == suspended)
		return;
	vm->suspended = suspended;
	if (suspended) {
		lane_block(vm, now);
		return;
	}
	/* whoever lifts it, lifts what led to it */
	vm->held_until_ns = 0;
	vm->strikes = 0;
	lane_unblock(vm, now);
}

void arbiter_vm_strike(struct arbiter_vm *vm, unsigned int strikes,
		       uint64_t hold_ns)
{
	uint64_t now = event_now_ns();

	vm->strikes = strikes;
	if (!hold_ns)
		return;
	vm->held_until_ns = now + hold_ns;
	event_set_timer(vm->hold_timer, hold_ns / 1000 + 1);
	lane_block(vm, now);
}

enum policy_mode limits_mode(enum arbiter_policy policy)
{
	switch (policy) {
	case ARBITER_FIXED:
		return POLICY_FIXED;
	case ARBITER_BEST_EFFORT:
		return POLICY_BEST_EFFORT;
	default:
		return POLICY_FAIR;
	}
}

/*
 * With policy fixed each VM has a part of every frame, used or not: its reserve,
 * and who has none divides what the reserves leave, by weight.
 */
uint32_t limits_part(const struct arbiter_vm *vm)
{
	const struct arbiter *a = vm->arbiter;
	uint64_t weights = 0, reserved = 0;
	guint i;

	if (vm->limits.reserve)
		return vm->limits.reserve;
	for (i = 0; i < a->vms->len; i++) {
		const struct arbiter_vm *other = g_ptr_array_index(a->vms, i);

		reserved += other->limits.reserve;
		if (!other->limits.reserve)
			weights += other->entity.weight;
	}
	if (reserved >= POLICY_WHOLE || !weights)
		return 0;
	return (uint32_t)((POLICY_WHOLE - reserved) * vm->entity.weight /
			  weights);
}

/* Slots for all; the frame has a slice for each VM. */
void limits_slots(struct arbiter *a)
{
	uint64_t frame = a->vms->len * a->config.slice_ns;
	guint i;

	if (a->config.policy != ARBITER_FIXED)
		return;
	for (i = 0; i < a->vms->len; i++) {
		struct arbiter_vm *vm = g_ptr_array_index(a->vms, i);
		uint64_t slot = frame / 1000 * limits_part(vm) / 1000;

		policy_set_slot(&a->policy, &vm->entity,
				MAX(slot, SLOT_MIN_NS));
	}
	policy_set_frame(&a->policy, frame);
}

void arbiter_vm_set_weight(struct arbiter_vm *vm, uint32_t weight)
{
	struct arbiter *a = vm->arbiter;
	uint64_t now = event_now_ns();

	if (a->holder)
		account_sample(a->holder, now);
	policy_set_weight(&a->policy, &vm->entity, weight);
	vm->limits.weight = vm->entity.weight;
	if (vm->competing) {
		/* the difference may be negative, and weights have 32 bits */
		a->competing -= vm->competing;
		a->competing += vm->entity.weight;
		vm->competing = vm->entity.weight;
	}
	limits_slots(a);
}

void arbiter_vm_set_limits(struct arbiter_vm *vm,
			   const struct arbiter_limits *limits)
{
	struct policy *policy = &vm->arbiter->policy;
	uint64_t one = 1, now = event_now_ns();

	vm->limits = *limits;
	arbiter_vm_set_weight(vm, limits->weight);
	policy_advance(policy, now);
	/* the sum was checked by who configures; without it none is kept */
	if (policy_set_reserve(policy, &vm->entity, limits->reserve)) {
		vm->limits.reserve = 0;
		policy_set_reserve(policy, &vm->entity, 0);
	}
	policy_set_cap(policy, &vm->entity, limits->cap,
		       limits->burst_ns ? limits->burst_ns :
		       POLICY_BURST_DEFAULT_NS);
	limits_publish(vm);
	lane_changed(vm->arbiter, now);
	/* a job may wait for what is allowed now; full is readable as well */
	if (vm->attached && write(vm->fds.grant_fd, &one, sizeof(one)) < 0)
		return;
}
