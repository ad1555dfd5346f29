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

static void check(struct arbiter_vm *vm, uint64_t now)
{
	const struct arbiter_config *c = &vm->arbiter->config;
	char reason[128];
	const char *what;
	uint64_t ns = age(vm, now, &what);

	if (ns < c->soft_ns) {
		vm->reported = false;
		return;
	}
	g_snprintf(reason, sizeof(reason), "%s for %.1f s", what,
		   (double)ns / 1e9);
	if (ns >= c->hard_ns && !vm->killed) {
		vm->killed = true;
		log_warning("VM %s: %s; its worker is killed", vm->name, reason);
		if (c->hung)
			c->hung(vm->opaque, reason);
	} else if (!vm->reported) {
		vm->reported = true;
		log_warning("VM %s: %s; the limit is %.1f s", vm->name, reason,
			    (double)c->hard_ns / 1e9);
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
