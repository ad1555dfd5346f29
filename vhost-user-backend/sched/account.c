// SPDX-License-Identifier: MIT
/*
 * account.c - what a turn has cost, and what the report pages claim
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/event.h"
#include "sched/clock.h"
#include "sched/lane.h"
#include "sched/run_delay.h"

uint32_t account_inflight(const struct arbiter_vm *vm)
{
	return atomic_load(&vm->report->inflight);
}

bool account_idle(const struct arbiter_vm *vm)
{
	return !atomic_load(&vm->report->inflight) &&
		!atomic_load(&vm->report->want);
}

static uint64_t read_cpu(struct arbiter_vm *vm)
{
	int (*clock)(pid_t, uint64_t *) = vm->arbiter->config.cpu_clock;
	uint64_t ns;

	/* just dead: its last reading stands */
	if ((clock ? clock : clock_cpu_read)(vm->pid, &ns))
		return vm->cpu_last;
	return MAX(ns, vm->cpu_last);
}

/* A claim only grows, and a time by no more than has passed. */
static void take(uint64_t *last, uint64_t *total, uint64_t claim, uint64_t most)
{
	uint64_t delta = claim > *last ? claim - *last : 0;

	delta = MIN(delta, most);
	*last += delta;
	*total += delta;
}

static void read_claims(struct arbiter_vm *vm, uint64_t now)
{
	const struct vgpu_sched_report *r = vm->report;
	struct arbiter_stats *t = &vm->total;
	uint64_t life = now - vm->worker_ns;
	struct claims *last = &vm->last;
	uint64_t busy, since, gpu, jobs = atomic_load(&r->jobs);

	/* the page is its predecessor's until it has come up and cleared it */
	if (vm->stale_jobs && jobs == vm->stale_jobs)
		return;
	vm->stale_jobs = 0;

	/* in this order a reading may lag by one stretch, never exceed it */
	busy = atomic_load(&r->busy_ns);
	since = atomic_load(&r->busy_since_ns);
	if (since && since < now)
		busy += now - MAX(since, vm->worker_ns);

	take(&last->busy_ns, &t->busy_ns, busy, life - last->busy_ns);
	take(&last->wait_ns, &t->wait_ns, atomic_load(&r->wait_ns),
	     life - last->wait_ns);
	gpu = t->gpu_ns;
	take(&last->gpu_ns, &gpu, atomic_load(&r->gpu_ns),
	     life - last->gpu_ns);
	if (!vm->arbiter->config.cpu_renderer)
		t->gpu_ns = gpu;
	take(&last->jobs, &t->jobs, jobs, UINT64_MAX);
	take(&last->frames, &t->frames, atomic_load(&r->frames), UINT64_MAX);
	take(&last->errors, &t->errors, atomic_load(&r->errors), UINT64_MAX);
	t->memory = atomic_load(&r->memory);
	t->resources = atomic_load(&r->resources);
	t->contexts = atomic_load(&r->contexts);
	t->clock = vm->arbiter->config.cpu_renderer ? VGPU_CLOCK_CPU :
		MIN(atomic_load(&r->clock), VGPU_CLOCK_FDINFO);
	take(&last->refused, &t->refused, atomic_load(&r->refused), UINT64_MAX);
}

/* Whether anybody but @vm could have used the time that it used. */
static bool lane_wanted(const struct arbiter_vm *vm)
{
	const struct arbiter *a = vm->arbiter;
	uint32_t n = policy_others(&a->policy, &vm->entity);

	if (a->holder && a->holder != vm && a->holder->entity.ready &&
	    account_idle(a->holder))
		n--;
	return n > 0;
}

void account_charge(struct arbiter_vm *vm, uint64_t cost)
{
	vm->turn_ns += cost;
	vm->contended_cost += cost;
	vm->total.charged_ns += cost;
	policy_charge(&vm->arbiter->policy, &vm->entity, cost);
}

void account_sample(struct arbiter_vm *vm, uint64_t now)
{
	struct arbiter *a = vm->arbiter;
	bool holds = a->holder == vm;
	uint64_t cpu, dcpu, gpu_before, cost;

	if (!vm->pid)
		return;
	cpu = read_cpu(vm);
	dcpu = cpu - vm->cpu_last;
	vm->cpu_last = cpu;
	gpu_before = vm->last.gpu_ns;
	read_claims(vm, now);

	vm->total.cpu_ns += dcpu;
	if (!holds) {
		vm->total.outside_ns += dcpu;
		a->totals.outside_ns += dcpu;
	}
	if (a->config.cpu_renderer) {
		cost = dcpu;
		vm->total.gpu_ns += dcpu;
	} else {
		/* a job is claimed when it ends, it may have begun long ago */
		vm->unclaimed_ns += now - vm->sampled_ns;
		cost = holds ? MIN(vm->last.gpu_ns - gpu_before,
				   vm->unclaimed_ns) : 0;
		vm->unclaimed_ns -= cost;
	}
	vm->sampled_ns = now;
	a->totals.used_ns += a->config.cpu_renderer ? dcpu :
		vm->last.gpu_ns - gpu_before;
	if (holds) {
		vm->used_ns += cost;
		vm->stretch_ns += cost;
	}
	/* a cap counts whatever it uses */
	if (holds || vm->limits.cap || lane_wanted(vm))
		account_charge(vm, cost);
}

/* Ours too: a lease that came back and that we had no CPU to notice. */
static uint64_t run_delay(const struct arbiter_vm *vm)
{
	if (vm->arbiter->config.cpu_clock)
		return 0;
	return run_delay_of(vm->pid) + run_delay_of(getpid());
}

void account_contended(struct arbiter_vm *vm)
{
	vm->contended_cost = 0;
	vm->delay_base = run_delay(vm);
}

/*
 * Half of the time for which it kept the lane from others, less the time in
 * which the host had no CPU for it or us.
 */
void account_floor(struct arbiter_vm *vm, uint64_t now)
{
	uint64_t since = vm->arbiter->contended_ns;
	uint64_t held = since ? now - MIN(now, since) : 0, delay;

	if (vm->contended_cost >= held / 2)
		return;
	delay = run_delay(vm);
	delay -= MIN(delay, vm->delay_base);
	held -= MIN(held, delay);
	if (vm->contended_cost < held / 2)
		account_charge(vm, held / 2 - vm->contended_cost);
}

void account_worker_start(struct arbiter_vm *vm, uint64_t now)
{
	memset(&vm->last, 0, sizeof(vm->last));
	vm->stale_jobs = atomic_load(&vm->report->jobs);
	memset(&vm->drift, 0, sizeof(vm->drift));
	vm->worker_ns = now;
	vm->sampled_ns = now;
	vm->cpu_last = 0;
	vm->window_delay = 0;
	vm->jobs_seen = 0;
	vm->progress_ns = now;
	vm->reported = false;
	vm->killed = false;
	vm->turn_ns = 0;
}

void account_adopted(struct arbiter_vm *vm)
{
	vm->stale_jobs = 0;	/* the page was never another's */
	vm->cpu_last = read_cpu(vm);
}

/* Once a second: what each has used since the last time. */
bool account_window(struct arbiter *a, uint64_t now)
{
	uint64_t elapsed = now - a->window_ns, all = 0;
	bool any = false;
	guint i;

	for (i = 0; i < a->vms->len; i++) {
		struct arbiter_vm *vm = g_ptr_array_index(a->vms, i);

		any |= vm->pid != 0;
		account_sample(vm, now);
		drift_window(vm, now);
		all += vm->total.gpu_ns - vm->window_used;
	}
	a->competing = 0;
	for (i = 0; i < a->vms->len; i++) {
		struct arbiter_vm *vm = g_ptr_array_index(a->vms, i);
		uint64_t used = vm->total.gpu_ns - vm->window_used;
		uint64_t busy = vm->total.busy_ns - vm->window_busy;

		turns_window(vm);
		vm->share = all ? (double)used / (double)all : 0;
		vm->busy = MIN(1.0, (double)busy / (double)elapsed);
		vm->window_used = vm->total.gpu_ns;
		vm->window_busy = vm->total.busy_ns;
		/* busy for a hundredth of the time is not competing */
		vm->competing = vm->pid && vm->busy > 0.01 ?
			vm->entity.weight : 0;
		a->competing += vm->competing;
	}
	a->window_ns = now;
	capacity_window(a, elapsed);
	return any;
}

/* What its weight is worth now, within its reserve and cap. */
static double target(const struct arbiter_vm *vm, double weight)
{
	double reserve = (double)vm->limits.reserve / POLICY_WHOLE;
	double cap = (double)vm->limits.cap / POLICY_WHOLE;

	if (vm->arbiter->config.policy == ARBITER_FIXED)
		weight = (double)limits_part(vm) / POLICY_WHOLE;
	else if (vm->arbiter->config.policy == ARBITER_FAIR)
		weight = MAX(weight, reserve);
	return cap > 0 ? MIN(weight, cap) : weight;
}

void arbiter_vm_stats(struct arbiter_vm *vm, struct arbiter_stats *stats)
{
	struct arbiter *a = vm->arbiter;
	uint64_t weights = a->competing - vm->competing + vm->entity.weight;

	account_sample(vm, event_now_ns());
	*stats = vm->total;
	stats->weight = vm->entity.weight;
	stats->target = target(vm, (double)vm->entity.weight / (double)weights);
	stats->throttled_ns = policy_throttled_ns(&a->policy, &vm->entity);
	stats->share = vm->share;
	stats->busy = vm->busy;
	stats->holds_lease = a->holder == vm;
	stats->limits = vm->limits;
	stats->suspended = vm->suspended;
	stats->held = limits_blocked(vm, event_now_ns()) && !vm->suspended;
	stats->lag_ns = policy_lag(&a->policy, &vm->entity);
	turns_stats(vm, stats);
}

void arbiter_totals(const struct arbiter *a, struct arbiter_totals *totals)
{
	*totals = a->totals;
}
