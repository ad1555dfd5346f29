// SPDX-License-Identifier: MIT
/*
 * watchdog.c - jobs that do not end
 *
 * It lives here because a worker inside a submit can not watch itself. The age
 * of a job counts from its submission or from the last job that retired,
 * whichever is later: a deep queue is not a hang, and waiting for a grant is
 * none either. A worker that claims to be fine but does not give a lease back
 * is caught by the age of the drain, which is ours.
 */
#include "base/event.h"
#include "base/log.h"
#include "sched/lane.h"

#define TICK_US		500000
#define WINDOW_NS	1000000000ull
#define LEAST_NS	1000000000ull	/* that strikes leave of a limit */

static uint64_t since(uint64_t now, uint64_t then)
{
	return then && then < now ? now - then : 0;
}

static uint64_t age(struct arbiter_vm *vm, uint64_t now, const char **what)
{
	const struct arbiter *a = vm->arbiter;
	uint64_t jobs = atomic_load(&vm->report->jobs);
	uint64_t oldest = atomic_load(&vm->report->oldest_job_ns);
	uint64_t submit = atomic_load(&vm->report->submit_started_ns);
	uint64_t drain = a->state == LANE_DRAIN ? since(now, a->state_ns) : 0;
	uint64_t most, job;

	if (jobs != vm->jobs_seen) {
		vm->jobs_seen = jobs;
		vm->progress_ns = now;
	}
	job = oldest ? since(now, MAX(oldest, vm->progress_ns)) : 0;
	submit = since(now, submit);
	drain = MIN(drain, since(now, vm->progress_ns));
	most = MAX(MAX(job, submit), drain);
	*what = most == submit ? "a command buffer is being submitted" :
		most == job ? "a GPU job has been running" :
		"the GPU has not been given back";
	return most;
}

/*
 * Whose job it is, as the worker claims: context and debug name. Text of a
 * guest; it may be anything but has an end.
 */
static void name_job(const struct arbiter_vm *vm, char *to, size_t size)
{
	const struct vgpu_sched_report *r = vm->report;
	uint32_t context = atomic_load(&r->context), seq;
	char name[VGPU_SCHED_NAME_MAX + 1] = "";
	int i, tries;

	to[0] = '\0';
	if (!context)
		return;
	for (tries = 0; tries < 4; tries++) {
		seq = atomic_load(&r->name_seq);
		for (i = 0; i < VGPU_SCHED_NAME_MAX; i++) {
			name[i] = (char)atomic_load(&r->name[i]);
			if (name[i] && g_ascii_iscntrl(name[i]))
				name[i] = '?';
		}
		if (!(seq & 1) && seq == atomic_load(&r->name_seq))
			break;
	}
	g_snprintf(to, size, " (context %u%s%s)", context, *name ? ", " : "",
		   name);
}

/* Less patience with one that has hung before, while others wait for it. */
static uint64_t hard_limit(const struct arbiter_vm *vm)
{
	const struct arbiter *a = vm->arbiter;
	uint64_t most = vm->limits.timeout_ns ? vm->limits.timeout_ns :
		a->config.hard_ns;
	uint64_t less = most >> MIN(vm->strikes, 16);

	if (!vm->strikes || !a->contended_ns || most <= LEAST_NS)
		return most;
	return MAX(less, LEAST_NS);
}

static uint64_t soft_limit(const struct arbiter_vm *vm)
{
	return vm->limits.timeout_ns ? vm->limits.timeout_ns / 2 :
		vm->arbiter->config.soft_ns;
}

static void check(struct arbiter_vm *vm, uint64_t now)
{
	const struct arbiter_config *c = &vm->arbiter->config;
	uint64_t hard = hard_limit(vm), ns;
	char reason[256], job[128];
	const char *what;

	ns = age(vm, now, &what);
	if (ns < MIN(soft_limit(vm), hard)) {
		vm->reported = false;
		return;
	}
	name_job(vm, job, sizeof(job));
	g_snprintf(reason, sizeof(reason), "%s for %.1f s%s", what,
		   (double)ns / 1e9, job);
	if (ns >= hard && !vm->killed) {
		vm->killed = true;
		log_warning("VM %s: %s; its worker is killed", vm->name, reason);
		if (c->hung)
			c->hung(vm->opaque, reason);
	} else if (!vm->reported) {
		vm->reported = true;
		log_warning("VM %s: %s; the limit is %.1f s", vm->name, reason,
			    (double)hard / 1e9);
		if (c->slow)
			c->slow(vm->opaque, reason);
	}
}

static void on_tick(void *opaque)
{
	struct arbiter *a = opaque;
	uint64_t now = event_now_ns();

	if (a->holder)
		check(a->holder, now);
	if (now - a->window_ns >= WINDOW_NS - TICK_US * 500)
		a->idle_windows = account_window(a, now) ? 0 :
			a->idle_windows + 1;
	/* without workers no wake-ups, once the figures say so */
	if (a->idle_windows < 2)
		event_set_timer(a->tick, TICK_US);
	else
		a->ticking = false;
}

void watchdog_init(struct arbiter *a)
{
	a->tick = event_add_timer(a->loop, on_tick, a);
}

void watchdog_start(struct arbiter *a)
{
	if (a->ticking)
		return;
	a->ticking = true;
	a->idle_windows = 0;
	a->window_ns = event_now_ns();
	event_set_timer(a->tick, TICK_US);
}
