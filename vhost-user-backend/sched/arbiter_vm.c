// SPDX-License-Identifier: MIT
/*
 * arbiter_vm.c - the VMs of one GPU: coming, going, and their workers
 */
#include <unistd.h>

#include "base/event.h"
#include "sched/lane.h"

struct arbiter_vm *arbiter_vm_new(struct arbiter *a, const char *name,
				  uint32_t weight, void *opaque)
{
	struct arbiter_vm *vm = g_new0(struct arbiter_vm, 1);

	vm->arbiter = a;
	vm->name = g_strdup(name);
	vm->opaque = opaque;
	vm->fds = (struct arbiter_fds){ -1, -1, -1, -1 };
	vm->gap_ns = a->config.gap_max_ns / 4;
	vm->limits.weight = weight;
	limits_init(vm);
	policy_entity_init(&a->policy, &vm->entity, weight, a->config.slice_ns);
	g_ptr_array_add(a->vms, vm);
	limits_slots(a);
	return vm;
}

void arbiter_vm_free(struct arbiter_vm *vm)
{
	if (!vm)
		return;
	arbiter_vm_detach(vm);
	limits_fini(vm);
	policy_entity_fini(&vm->arbiter->policy, &vm->entity);
	vm->arbiter->competing -= vm->competing;
	g_ptr_array_remove_fast(vm->arbiter->vms, vm);
	limits_slots(vm->arbiter);
	g_free(vm->name);
	g_free(vm);
}

int arbiter_vm_attach(struct arbiter_vm *vm, struct arbiter_fds *fds)
{
	int ret;

	arbiter_vm_detach(vm);
	ret = pages_make(vm);
	if (ret) {
		pages_drop(vm);
		return ret;
	}
	limits_publish(vm);
	vm->want_source = event_add_fd(vm->arbiter->loop, vm->fds.want_fd,
				       EVENT_IN, lane_want, vm);
	vm->attached = true;
	*fds = vm->fds;
	return 0;
}

void arbiter_vm_detach(struct arbiter_vm *vm)
{
	if (!vm->attached)
		return;
	arbiter_vm_worker(vm, 0);
	event_del(vm->want_source);
	vm->want_source = NULL;
	pages_drop(vm);
	vm->attached = false;
}

/* What it held is back now, and what it had is gone. */
static void worker_gone(struct arbiter_vm *vm, uint64_t now)
{
	uint64_t count;

	lane_lost(vm, now);
	vm->pid = 0;
	vm->idle_since_ns = 0;
	vm->total.memory = 0;
	vm->total.resources = 0;
	vm->total.contexts = 0;
	/* what it may have asked for is not its successor's wish */
	while (read(vm->fds.want_fd, &count, sizeof(count)) > 0)
		;
	vm->wanted_early = false;
	lane_changed(vm->arbiter, now);
}

void arbiter_vm_worker(struct arbiter_vm *vm, pid_t pid)
{
	uint64_t now = event_now_ns();

	if (!vm->attached)
		return;
	if (vm->pid)
		worker_gone(vm, now);
	if (!pid)
		return;
	vm->pid = pid;
	account_worker_start(vm, now);
	watchdog_start(vm->arbiter);
	if (vm->wanted_early && atomic_load(&vm->report->want))
		lane_wake(vm, now);
	vm->wanted_early = false;
}

void arbiter_vm_adopt(struct arbiter_vm *vm, pid_t pid)
{
	arbiter_vm_worker(vm, pid);
	/* what it has used before is not charged, and not of this lane's time */
	if (vm->pid)
		account_adopted(vm);
}
