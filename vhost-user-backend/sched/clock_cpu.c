// SPDX-License-Identifier: MIT
/*
 * clock_cpu.c - CPU time of a process: the GPU time of a CPU renderer
 */
#include "sched/clock.h"

#include <errno.h>
#include <time.h>

int clock_cpu_read(pid_t pid, uint64_t *ns)
{
	struct timespec t;
	clockid_t id;
	int ret = clock_getcpuclockid(pid, &id);

	if (ret)
		return -ret;
	if (clock_gettime(id, &t))
		return -errno;
	*ns = (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
	return 0;
}
