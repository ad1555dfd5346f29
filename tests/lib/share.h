/* SPDX-License-Identifier: MIT */
/*
 * share.h - shares of VMs under one vgpud, by the kernel's CPU time
 *
 * "The GPU" is CPU 0, which all workers are confined to; whoever measures, its
 * front ends, vgpud and the endpoints are on another.
 */
#ifndef TESTS_LIB_SHARE_H
#define TESTS_LIB_SHARE_H

#include <stddef.h>
#include <stdint.h>
#include "tests/lib/load.h"
#include "tests/lib/vgpud.h"

#define SHARE_MAX	16

/* Keys of [vgpud] for such a lane. */
#define SHARE_KEYS	"render-node=none\nworker-cpus=0\ncpu-threads=1\n"

/** struct share - one measurement */
struct share {
	size_t n;
	double share[SHARE_MAX];	/* of what all used together */
	double cap[SHARE_MAX];		/* of the wall time */
	uint64_t jobs[SHARE_MAX];
	double active;		/* part of the time that counts: every VM had
				   work or was within its think time */
	double cpu_s, wall_s;	/* used by all, and passed, in that time */
	double kept_idle_s;	/* for clients owed time */
	double others;		/* of CPU 0, taken by others on this host */
};

/** share_confine() - this process and what it starts: off the workers' CPU */
void share_confine(void);

/**
 * share_measure() - of the first @n VMs of @d, which run @loads
 * @cpu_s: seconds of CPU time that all use together, unless @wall_s have
 * passed before
 */
void share_measure(struct vgpud *d, const struct load *loads, size_t n,
		   double cpu_s, double wall_s, struct share *share);

/** share_error() - largest distance from @want, in percentage points */
double share_error(const struct share *share, const double *want);

/** share_busy_ns() - time of the workers' CPU that anybody used, in ticks */
uint64_t share_busy_ns(void);

/** share_cpu_ns() - CPU time of a process, all its threads */
uint64_t share_cpu_ns(pid_t pid);

#endif
