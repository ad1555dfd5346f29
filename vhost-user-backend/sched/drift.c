// SPDX-License-Identifier: MIT
/*
 * drift.c - whether a worker tells the truth about its GPU time
 *
 * On a GPU a VM is charged by what its worker claims, and guests may have taken
 * that over. The kernel counts the engine time of each process as well, where
 * the driver does; what a worker does not claim of it is charged all the same.
 * The kernel is ahead by the jobs in flight, and engines may work side by side,
 * so a little is allowed for.
 *
 * On a CPU renderer the kernel's clock is charged anyway, and a lie gains
 * nothing. It is told all the same. What is done under a lease but outside of
 * any job (uploads) is honestly not claimed, so most of it must be missing.
 */
#include "base/event.h"
#include "base/log.h"
#include "sched/clock.h"
#include "sched/lane.h"

#define ALLOWED_NS	20000000ull
#define ALLOWED_PART	20		/* a twentieth */
#define CPU_ENOUGH_NS	1000000000ull	/* under the lease */
#define CPU_PART	8		/* of it, claimed: credible */

static uint64_t allowed(const struct arbiter_vm *vm, uint64_t counted,
			uint64_t now)
{
	uint64_t oldest = atomic_load(&vm->report->oldest_job_ns);
	uint64_t since = MAX(oldest, vm->worker_ns);
	uint64_t ns = ALLOWED_NS + counted / ALLOWED_PART;

	return oldest && since < now ? ns + (now - since) : ns;
}

static void correct(struct arbiter_vm *vm, uint64_t missing)
{
	vm->drift.charged += missing;
	vm->total.drift_ns += missing;
	vm->total.gpu_ns += missing;
	account_charge(vm, missing);
	if (vm->drift.said)
		return;
	vm->drift.said = true;
	log_warning("VM %s: the kernel counts %.0f ms of GPU time more than its worker claims, by the clock \"%s\"; it is charged for that",
		    vm->name, (double)missing / 1e6,
		    clock_name(vm->total.clock));
}

static void cpu_window(struct arbiter_vm *vm)
{
	uint64_t kernel = vm->total.cpu_ns - vm->total.outside_ns;
	uint64_t counted = kernel - vm->drift.kernel, claimed;

	if (vm->drift.known && counted < CPU_ENOUGH_NS)
		return;
	/* a job lasts as long as its CPU time, on as many CPUs as there are */
	claimed = (vm->last.gpu_ns - vm->drift.claimed) *
		MAX(vm->arbiter->totals.cpus, 1);
	if (vm->drift.known && claimed < counted / CPU_PART &&
	    !vm->drift.said) {
		vm->drift.said = true;
		log_warning("VM %s: its worker claims %.0f ms of GPU time where the kernel counts %.0f ms; it is charged by the kernel's clock",
			    vm->name,
			    (double)(vm->last.gpu_ns - vm->drift.claimed) / 1e6,
			    (double)counted / 1e6);
	}
	vm->drift.known = true;
	vm->drift.kernel = kernel;
	vm->drift.claimed = vm->last.gpu_ns;
}

void drift_window(struct arbiter_vm *vm, uint64_t now)
{
	const struct arbiter_config *config = &vm->arbiter->config;
	uint64_t kernel = 0, counted, claimed;

	if (!vm->pid)
		return;
	if (config->cpu_renderer) {
		cpu_window(vm);
		return;
	}
	if ((config->gpu_clock ? config->gpu_clock : clock_fdinfo_read)
		    (vm->pid, &kernel))
		return;
	if (!vm->drift.known || kernel < vm->drift.kernel) {
		vm->drift.known = true;
		vm->drift.kernel = kernel;
		vm->drift.claimed = vm->last.gpu_ns;
		vm->drift.charged = 0;
		return;
	}
	counted = MIN(kernel - vm->drift.kernel, now - vm->worker_ns);
	claimed = vm->last.gpu_ns - vm->drift.claimed + vm->drift.charged +
		allowed(vm, counted, now);
	if (counted > claimed)
		correct(vm, counted - claimed);
}
