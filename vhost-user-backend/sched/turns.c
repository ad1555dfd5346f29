// SPDX-License-Identifier: MIT
/*
 * turns.c - how long VMs wait for the lease, and who held it when
 */
#include <string.h>

#include "base/event.h"
#include "sched/lane.h"

#define RECENT_WINDOWS	5

/* It asks for the lease. */
void turns_wait(struct arbiter_vm *vm, uint64_t now)
{
	vm->waiting_ns = now;
}

void turns_begin(struct arbiter_vm *vm, uint64_t now)
{
	uint64_t waited = vm->waiting_ns ? now - vm->waiting_ns : 0;

	vm->waiting_ns = 0;
	vm->turn = (struct arbiter_turn){
		.granted_ns = now,
		.waited_ns = waited,
	};
	histogram_add(&vm->waits, waited);
	histogram_add(&vm->recent[0], waited);
}

/* The lease is back, or its worker is gone; back-logged, it waits again. */
void turns_end(struct arbiter_vm *vm, uint64_t now)
{
	void (*tell)(void *, const struct arbiter_turn *) =
		vm->arbiter->config.turn;

	vm->waiting_ns = vm->entity.backlogged ? now : 0;
	if (!vm->turn.granted_ns)
		return;
	vm->turn.ended_ns = now;
	vm->turn.charged_ns = vm->turn_ns;
	if (tell)
		tell(vm->opaque, &vm->turn);
	vm->turn.granted_ns = 0;
}

void turns_window(struct arbiter_vm *vm)
{
	if (++vm->recent_windows < RECENT_WINDOWS)
		return;
	vm->recent_windows = 0;
	vm->recent[1] = vm->recent[0];
	memset(&vm->recent[0], 0, sizeof(vm->recent[0]));
}

void turns_stats(const struct arbiter_vm *vm, struct arbiter_stats *stats)
{
	struct histogram both = vm->recent[0];

	histogram_merge(&both, &vm->recent[1]);
	stats->wait_p50_ns = histogram_percentile(&both, 50);
	stats->wait_p99_ns = histogram_percentile(&both, 99);
}

const struct histogram *arbiter_vm_waits(const struct arbiter_vm *vm)
{
	return &vm->waits;
}

bool arbiter_vm_turn(struct arbiter_vm *vm, struct arbiter_turn *turn)
{
	if (!vm->turn.granted_ns)
		return false;
	*turn = vm->turn;
	turn->ended_ns = event_now_ns();
	turn->charged_ns = vm->turn_ns;
	return true;
}
