/* SPDX-License-Identifier: MIT */
/*
 * arbiter.h - vgpud's side of the lease: one GPU, one lane
 *
 * DOC: Theory of operation
 *
 * One VM at a time holds the lease (protocol/vgpu_sched.h). While nobody else
 * waits it keeps it, idle or not, and neither side makes a system call. When
 * another wants the GPU, the policy is asked whether that one goes first, and
 * if not, again when the holder has had its slice. If the holder is not the
 * answer, the lease is taken back: at once when nothing is in flight, else when
 * the worker says that it has drained. Then the cost is charged and the next is
 * granted.
 *
 * Anticipation: a holder that runs dry in its slice but is still the one that
 * the policy would choose keeps the lease for a short gap, learned from its
 * earlier ones and never longer than what it works from gap to gap. Otherwise
 * VMs with one job outstanding would alternate 1:1 whatever their weights.
 *
 * The charge is the CPU time of the worker process on a CPU renderer (the
 * kernel's figure; work outside leases too, while somebody else has work), and
 * the worker's claim of GPU time, at most the time under the lease, on a GPU.
 * Who holds the lane while another waits is charged at least half of that
 * time, whatever it claims or does with it; time in which the host had no CPU
 * for it does not count.
 *
 * Everything in a report page is a claim of a process that guests may have
 * taken over: read once, clamped, never waited for without a limit.
 */
#ifndef SCHED_ARBITER_H
#define SCHED_ARBITER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct arbiter;
struct arbiter_vm;
struct event_loop;
struct histogram;

/** struct arbiter_turn - one stretch in which one VM held the lease */
struct arbiter_turn {
	uint64_t granted_ns, ended_ns;	/* CLOCK_MONOTONIC */
	uint64_t waited_ns;		/* before it was granted */
	uint64_t charged_ns;
};

enum arbiter_policy {
	ARBITER_FAIR,
	ARBITER_FIXED,
	ARBITER_BEST_EFFORT,
};

/** struct arbiter_limits - of a VM; 0 is none, or the default */
struct arbiter_limits {
	uint32_t weight;
	uint32_t reserve, cap;		/* parts of a million of the GPU */
	uint64_t burst_ns;		/* that the cap lets through at once */
	uint64_t slice_ns;
	uint64_t timeout_ns;		/* hard limit of the watchdog */
	/* for the worker, in its grant page */
	uint64_t frame_ns, memory_max;
	uint32_t max_inflight, max_resources, max_contexts;
};

/** struct arbiter_config - times in nanoseconds; 0: the default */
struct arbiter_config {
	bool cpu_renderer;
	unsigned int cpus;		/* of a CPU renderer, 0: all */
	enum arbiter_policy policy;
	uint64_t slice_ns;		/* 4 ms */
	uint64_t gap_max_ns;		/* 2 ms, CPU renderer 30 ms */
	uint64_t soft_ns;		/* 2 s, CPU renderer 10 s */
	uint64_t hard_ns;		/* 10 s, CPU renderer 60 s */
	/* past the hard limit: kill the worker of this VM */
	void (*hung)(void *vm, const char *reason);
	/* past the soft limit: said once a job; NULL: only in the log */
	void (*slow)(void *vm, const char *reason);
	/* the lease came back from this VM; NULL: nobody wants to know */
	void (*turn)(void *vm, const struct arbiter_turn *turn);
	/* CPU time of a process, 0 or -errno; NULL: ask the kernel (tests) */
	int (*cpu_clock)(pid_t pid, uint64_t *ns);
	/* GPU time of a process, the same; not on a CPU renderer */
	int (*gpu_clock)(pid_t pid, uint64_t *ns);
};

/** struct arbiter_fds - for the worker; they stay the arbiter's */
struct arbiter_fds {
	int grant_page, report_page, grant_fd, want_fd;
};

/** struct arbiter_stats - totals since the VM was added, and the last second */
struct arbiter_stats {
	uint32_t weight;
	double target;			/* share among those with work */
	double share;			/* of what all used, last second */
	double busy;			/* fraction of the last second */
	bool holds_lease;
	uint64_t charged_ns;		/* by the scheduler */
	uint64_t gpu_ns;		/* GPU time (CPU renderer: CPU time) */
	uint64_t cpu_ns;		/* of the workers, by the kernel */
	uint64_t outside_ns;		/* part of cpu_ns without the lease */
	uint64_t idle_ns;		/* lane idle, kept for this VM */
	uint64_t throttled_ns;		/* had work, and its cap kept it */
	uint64_t wait_ns, busy_ns;
	uint64_t wait_p50_ns, wait_p99_ns; /* for a lease, last 5 to 10 s */
	uint64_t grants, jobs, frames, errors;
	uint64_t memory;		/* now */
	uint32_t resources, contexts;	/* now */
	uint64_t refused;		/* allocations, by a limit */
	uint32_t clock;			/* enum vgpu_sched_clock: what the
					   charge is by */
	uint64_t drift_ns;		/* GPU time that the kernel counted and
					   the worker did not claim */
	struct arbiter_limits limits;
	bool suspended;			/* by arbiter_vm_suspend() */
	bool held;			/* after a hang, for some time */
	int64_t lag_ns;
};

struct arbiter *arbiter_new(struct event_loop *loop,
			    const struct arbiter_config *config);
void arbiter_free(struct arbiter *arbiter);	/* all VMs first */

/** arbiter_configure() - change what it was made with; 0: the default */
void arbiter_configure(struct arbiter *arbiter, enum arbiter_policy policy,
		       uint64_t slice_ns, uint64_t timeout_ns);

/** struct arbiter_totals - of the whole lane, since it was made */
struct arbiter_totals {
	uint64_t used_ns;		/* by all VMs, those that went too */
	uint64_t outside_ns;		/* CPU time of workers without a lease */
	uint64_t idle_ns;		/* lane idle, kept for VMs */
	uint64_t lost_ns;		/* CPU renderer: work was ready and
					   others had the CPUs */
	unsigned int cpus;		/* of a CPU renderer: its capacity */
};

void arbiter_totals(const struct arbiter *arbiter, struct arbiter_totals *totals);

struct arbiter_vm *arbiter_vm_new(struct arbiter *arbiter, const char *name,
				  uint32_t weight, void *opaque);
void arbiter_vm_free(struct arbiter_vm *vm);

void arbiter_vm_set_weight(struct arbiter_vm *vm, uint32_t weight);

/** arbiter_vm_set_limits() - from now on, the weight too */
void arbiter_vm_set_limits(struct arbiter_vm *vm,
			   const struct arbiter_limits *limits);

/** arbiter_vm_suspend() - it gets no lease; what is in flight ends */
void arbiter_vm_suspend(struct arbiter_vm *vm, bool suspended);

/**
 * arbiter_vm_strike() - it has hung, or done no better
 * @strikes: so often lately: while others wait its limit is halved each time
 * @hold_ns: it gets no lease for that long
 */
void arbiter_vm_strike(struct arbiter_vm *vm, unsigned int strikes,
		       uint64_t hold_ns);

/** arbiter_vm_attach() - new pages for a new front end; 0 or -errno */
int arbiter_vm_attach(struct arbiter_vm *vm, struct arbiter_fds *fds);
void arbiter_vm_detach(struct arbiter_vm *vm);

/** arbiter_vm_worker() - its worker runs as @pid, or (0) is gone */
void arbiter_vm_worker(struct arbiter_vm *vm, pid_t pid);

/** arbiter_vm_adopt() - the same for one that ran before this arbiter did */
void arbiter_vm_adopt(struct arbiter_vm *vm, pid_t pid);

/** arbiter_vm_stats() - charged up to now */
void arbiter_vm_stats(struct arbiter_vm *vm, struct arbiter_stats *stats);

/** arbiter_vm_waits() - how long it waited for each lease, since it was added */
const struct histogram *arbiter_vm_waits(const struct arbiter_vm *vm);

/** arbiter_vm_turn() - its turn up to now; false if it does not hold the lease */
bool arbiter_vm_turn(struct arbiter_vm *vm, struct arbiter_turn *turn);

#endif
