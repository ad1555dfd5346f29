/* SPDX-License-Identifier: MIT */
/*
 * lane.h - what the files of the arbiter share
 */
#ifndef SCHED_LANE_H
#define SCHED_LANE_H

#include <glib.h>

#include "base/histogram.h"
#include "protocol/vgpu_sched.h"
#include "sched/arbiter.h"
#include "sched/policy.h"

/** struct claims - one reading of a report page, clamped to be monotonic */
struct claims {
	uint64_t gpu_ns, busy_ns, wait_ns;
	uint64_t jobs, frames, errors, refused;
};

enum lane_state {
	LANE_FREE,		/* nobody holds the lease */
	LANE_ALONE,		/* held, nobody waits, no timer */
	LANE_SLICE,		/* held, another waits, timer: end of slice */
	LANE_GAP,		/* held by one who is idle, timer: end of gap */
	LANE_DRAIN,		/* taken back, jobs still in flight */
};

/** struct capacity - readings of the last window */
struct capacity {
	uint64_t busy_ns;		/* of the host's CPUs, whoever had them */
};

struct arbiter {
	struct arbiter_config config;
	struct policy policy;
	GPtrArray *vms;
	struct event_loop *loop;

	enum lane_state state;
	struct arbiter_vm *holder;	/* NULL: LANE_FREE */
	uint64_t woken_ns;		/* when one woke beside a holder */
	uint64_t lease;			/* last number given out */
	uint64_t contended_ns;		/* since when another waits, 0: not */
	uint64_t state_ns;		/* start of slice, gap or drain */
	int timer_fd;
	struct event_source *timer_source;

	struct event_source *tick;	/* watchdog and windows */
	bool ticking;			/* while there are workers */
	unsigned int idle_windows;
	uint64_t competing;		/* weights of those with work */
	uint64_t window_ns;		/* start of this window */
	struct arbiter_totals totals;
	struct capacity capacity;
};

struct arbiter_vm {
	struct arbiter *arbiter;
	char *name;
	void *opaque;
	struct policy_entity entity;
	struct arbiter_limits limits;

	/* kept off the lane: by an operator, or until some time */
	bool suspended;
	uint64_t held_until_ns;
	struct event_source *hold_timer;
	unsigned int strikes;

	/* attached */
	bool attached;
	struct arbiter_fds fds;
	struct vgpu_sched_grant *grant;
	const struct vgpu_sched_report *report;
	struct event_source *want_source;

	/* a worker runs */
	pid_t pid;			/* 0: none */
	bool wanted_early;		/* want came before the worker */
	uint64_t worker_ns;		/* since when */
	uint64_t cpu_last;		/* its CPU clock, last reading */
	struct claims last;		/* its claims, last reading */
	uint64_t stale_jobs;		/* the page is of before it; 0: its own */

	/* the turn, and what was learned from earlier ones */
	uint64_t sampled_ns;		/* last charge */
	uint64_t unclaimed_ns;		/* time of this turn, less what the
					   worker has claimed of it */
	uint64_t turn_ns;		/* charged in this turn */
	uint64_t used_ns;		/* of it, what was measured */
	uint64_t contended_cost;	/* of it, since another waits */
	uint64_t delay_base;		/* run_delay_of() then */
	uint64_t request_ns;		/* average of used_ns */
	uint64_t stretch_ns;		/* measured since the turn began or the
					   last gap ended */
	uint64_t work_ns;		/* average of stretches */
	uint64_t idle_since_ns;		/* ran dry, 0: has work */
	uint64_t gpu_at_idle;		/* claim then */
	uint64_t gap_ns;		/* average gap */
	unsigned int idle_slices;	/* at an end with nothing in flight */

	/* turns.c: waits for leases */
	uint64_t waiting_ns;		/* since when, 0: not */
	struct arbiter_turn turn;	/* while it holds the lease */
	struct histogram waits;		/* all of them */
	struct histogram recent[2];	/* this and the last few windows */
	unsigned int recent_windows;	/* in recent[0] */

	/* the kernel's figure against the claims; drift.c */
	struct {
		bool known, said;
		uint64_t kernel, claimed;	/* at the first look */
		uint64_t charged;		/* of the difference */
	} drift;

	/* watchdog */
	uint64_t jobs_seen, progress_ns;
	bool reported, killed;

	/* totals, and at the start of this and results of the last window */
	struct arbiter_stats total;
	uint64_t window_used, window_busy, window_cpu;
	uint64_t window_delay;		/* run_delay_of() then */
	double share, busy;
	uint32_t competing;		/* its part of the arbiter's */
};

/* account.c */
void account_sample(struct arbiter_vm *vm, uint64_t now);
void account_charge(struct arbiter_vm *vm, uint64_t cost);
void account_contended(struct arbiter_vm *vm);
void account_floor(struct arbiter_vm *vm, uint64_t now);
void account_worker_start(struct arbiter_vm *vm, uint64_t now);
void account_adopted(struct arbiter_vm *vm);
/* Return: whether there is any worker. */
bool account_window(struct arbiter *arbiter, uint64_t now);
bool account_idle(const struct arbiter_vm *vm);
uint32_t account_inflight(const struct arbiter_vm *vm);

/* turns.c */
void turns_wait(struct arbiter_vm *vm, uint64_t now);
void turns_begin(struct arbiter_vm *vm, uint64_t now);
void turns_end(struct arbiter_vm *vm, uint64_t now);
void turns_window(struct arbiter_vm *vm);
void turns_stats(const struct arbiter_vm *vm, struct arbiter_stats *stats);

/* drift.c; once a second, after account_sample() */
void drift_window(struct arbiter_vm *vm, uint64_t now);

/* pages.c; after a failure drop what there is */
int pages_make(struct arbiter_vm *vm);
void pages_drop(struct arbiter_vm *vm);

/* limits.c */
bool limits_blocked(const struct arbiter_vm *vm, uint64_t now);
void limits_init(struct arbiter_vm *vm);
void limits_fini(struct arbiter_vm *vm);
void limits_publish(struct arbiter_vm *vm);
uint64_t limits_slice(const struct arbiter_vm *vm);
enum policy_mode limits_mode(enum arbiter_policy policy);
uint32_t limits_part(const struct arbiter_vm *vm);
void limits_slots(struct arbiter *arbiter);

/* gap.c */
void gap_learn(struct arbiter_vm *vm, uint64_t gap);
/* Return: how long to wait for its next job, 0: not at all. */
uint64_t gap_limit(const struct arbiter_vm *vm);

/* arbiter.c, for the other files */
void lane_timer(void *opaque, unsigned int events);	/* timer_fd */
void lane_want(void *opaque, unsigned int events);	/* of the want eventfd */
void lane_wake(struct arbiter_vm *vm, uint64_t now);
void lane_lost(struct arbiter_vm *vm, uint64_t now);
void lane_block(struct arbiter_vm *vm, uint64_t now);
void lane_unblock(struct arbiter_vm *vm, uint64_t now);
void lane_changed(struct arbiter *arbiter, uint64_t now);

/* capacity.c */
void capacity_window(struct arbiter *arbiter, uint64_t elapsed);

/* watchdog.c */
void watchdog_init(struct arbiter *arbiter);
void watchdog_start(struct arbiter *arbiter);

#endif
