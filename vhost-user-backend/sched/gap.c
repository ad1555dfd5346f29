// SPDX-License-Identifier: MIT
/*
 * gap.c - how long the lane is kept for a VM that has run dry
 */
#include "sched/average.h"
#include "sched/lane.h"

void gap_learn(struct arbiter_vm *vm, uint64_t gap)
{
	uint64_t most = 4 * vm->arbiter->config.gap_max_ns;

	vm->gap_ns = average_add(vm->gap_ns, MIN(gap, most));
}

/*
 * Long enough for four gaps of five: twice the average. Never longer than
 * what the VM works from gap to gap, and not at all for one that sleeps long.
 */
uint64_t gap_limit(const struct arbiter_vm *vm)
{
	uint64_t most = vm->arbiter->config.gap_max_ns;

	most = MIN(most, MAX(vm->work_ns, vm->stretch_ns));
	if (vm->gap_ns > most)
		return 0;
	return MIN(most, 2 * vm->gap_ns + 50000);
}
