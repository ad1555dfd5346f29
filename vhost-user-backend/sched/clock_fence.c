// SPDX-License-Identifier: MIT
/*
 * clock_fence.c - wall time of a job, from its submission to its fence
 *
 * Right while one VM at a time has the lease: then what the GPU does between
 * the two is this VM's work. Jobs run one after the other, so a job begins when
 * it was submitted or when the one before it was done.
 */
#include "sched/clock.h"

#include <glib.h>
#include "protocol/vgpu_sched.h"

const char *clock_name(uint32_t clock)
{
	static const char *const names[] = {
		[VGPU_CLOCK_NONE] = "none",
		[VGPU_CLOCK_CPU] = "cpu",
		[VGPU_CLOCK_FENCE] = "fence",
		[VGPU_CLOCK_SYNC_FILE] = "sync-file",
		[VGPU_CLOCK_FDINFO] = "fdinfo",
	};

	return clock < G_N_ELEMENTS(names) ? names[clock] : "unknown";
}

uint64_t clock_fence_cost(uint64_t submitted, uint64_t last_done, uint64_t done)
{
	uint64_t start = MAX(submitted, last_done);

	return done > start ? done - start : 0;
}
