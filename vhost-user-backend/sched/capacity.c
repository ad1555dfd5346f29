// SPDX-License-Identifier: MIT
/*
 * capacity.c - what other load on the host takes from a CPU renderer
 *
 * A second of a CPU that a worker was ready for, and that somebody else had,
 * is lost to the lane, and no fault of any VM. Two figures of the kernel bound
 * it: how long workers were ready without a CPU, which counts their own threads
 * against each other too, and for how long others kept the lane's CPUs busy. The
 * smaller of both is lost for certain.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sched/lane.h"
#include "sched/run_delay.h"

/* Time of all CPUs of the host that was not idle. */
static uint64_t host_busy_ns(void)
{
	unsigned long long user, nice, system, idle, iowait, irq, softirq, steal;
	long hz = sysconf(_SC_CLK_TCK);
	uint64_t ticks = 0;
	FILE *f = fopen("/proc/stat", "re");

	if (!f)
		return 0;
	if (fscanf(f, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &user,
		   &nice, &system, &idle, &iowait, &irq, &softirq,
		   &steal) == 8)
		ticks = user + nice + system + irq + softirq + steal;
	fclose(f);
	return hz > 0 ? ticks * (1000000000ull / (uint64_t)hz) : 0;
}

void capacity_window(struct arbiter *a, uint64_t elapsed)
{
	uint64_t waited = 0, used = 0, busy, others;
	guint i;

	if (!a->config.cpu_renderer || a->config.cpu_clock)
		return;
	for (i = 0; i < a->vms->len; i++) {
		struct arbiter_vm *vm = g_ptr_array_index(a->vms, i);
		uint64_t cpu = vm->total.cpu_ns - vm->window_cpu, delay;

		vm->window_cpu = vm->total.cpu_ns;
		used += cpu;
		/* who sleeps is not asked: it costs a file for each thread */
		if (!vm->pid || cpu < elapsed / 100)
			continue;
		delay = run_delay_of(vm->pid);
		if (vm->window_delay && delay > vm->window_delay)
			waited += delay - vm->window_delay;
		vm->window_delay = delay;
	}
	busy = host_busy_ns();
	others = a->capacity.busy_ns && busy > a->capacity.busy_ns ?
		busy - a->capacity.busy_ns : 0;
	others -= MIN(others, used);
	a->capacity.busy_ns = busy;
	a->totals.lost_ns += MIN(MIN(waited, others),
				 elapsed * a->totals.cpus);
}
