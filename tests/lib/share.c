// SPDX-License-Identifier: MIT
/*
 * share.c - shares of VMs under one vgpud, by the kernel's CPU time
 *
 * Time is cut into pieces. One in which a front end had no work and was not
 * thinking either, because this host had no CPU for it, says nothing of the
 * scheduler and does not count; the part that does is told.
 */
#include "tests/lib/share.h"

#include <math.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/fe.h"

#define PIECE_US	250000
#define LATE_MAX	0.15	/* of a piece */

struct reading {
	uint64_t wall, cpu[SHARE_MAX], cpu0_busy;
	struct vgpud_vm vm[SHARE_MAX];
};

void share_confine(void)
{
	cpu_set_t set;

	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		return;
	CPU_ZERO(&set);
	CPU_SET(1, &set);
	g_assert_cmpint(sched_setaffinity(0, sizeof(set), &set), ==, 0);
}

uint64_t share_cpu_ns(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	g_assert_cmpint(clock_getcpuclockid(pid, &clock), ==, 0);
	g_assert_cmpint(clock_gettime(clock, &t), ==, 0);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t share_busy_ns(void)
{
	unsigned long long t[8] = { 0 }, tick = 1000000000ull /
		(unsigned long long)sysconf(_SC_CLK_TCK);
	char line[256];
	FILE *f = fopen("/proc/stat", "re");

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "cpu0 %llu %llu %llu %llu %llu %llu %llu %llu",
			   &t[0], &t[1], &t[2], &t[3], &t[4], &t[5], &t[6],
			   &t[7]) == 8)
			break;
	if (f)
		fclose(f);
	/* not idle, not waiting for I/O; stolen is busy too */
	return (t[0] + t[1] + t[2] + t[5] + t[6] + t[7]) * tick;
}

static void take(struct vgpud *d, size_t n, struct reading *r)
{
	size_t i;

	vgpud_stats(d, r->vm, n);
	r->wall = fe_now_ns();
	r->cpu0_busy = share_busy_ns();
	for (i = 0; i < n; i++) {
		g_assert_cmpint(r->vm[i].worker, >, 0);
		r->cpu[i] = share_cpu_ns(r->vm[i].worker);
	}
}

/* The part of a piece for which a front end was neither here nor there. */
static double late(const struct load *load, const struct vgpud_vm *a,
		   const struct vgpud_vm *b, double wall)
{
	double busy = (double)(b->busy - a->busy);

	if (load->period_us)
		return 0;
	busy += (double)(b->jobs - a->jobs) * load->think_us * 1000;
	return 1 - MIN(1, busy / wall);
}

struct sum {
	double cpu[SHARE_MAX], wall, all_wall, all_busy, all_cpu;
};

static void add(struct sum *sum, struct share *share, const struct load *loads,
		const struct reading *a, const struct reading *b)
{
	double wall = (double)(b->wall - a->wall), most = 0;
	size_t i;

	sum->all_wall += wall;
	sum->all_busy += (double)(b->cpu0_busy - a->cpu0_busy);
	for (i = 0; i < share->n; i++) {
		g_assert_cmpint(b->vm[i].worker, ==, a->vm[i].worker);
		sum->all_cpu += (double)(b->cpu[i] - a->cpu[i]);
		most = MAX(most, late(&loads[i], &a->vm[i], &b->vm[i], wall));
	}
	if (most > LATE_MAX)
		return;
	sum->wall += wall;
	for (i = 0; i < share->n; i++) {
		sum->cpu[i] += (double)(b->cpu[i] - a->cpu[i]);
		share->jobs[i] += (uint64_t)(b->vm[i].jobs - a->vm[i].jobs);
		share->kept_idle_s += (double)(b->vm[i].idle - a->vm[i].idle) /
			1e9;
	}
}

void share_measure(struct vgpud *d, const struct load *loads, size_t n,
		   double cpu_s, double wall_s, struct share *share)
{
	struct reading *r = g_new0(struct reading, 2);
	struct sum sum = { .wall = 0 };
	double used = 0;
	unsigned int k;
	size_t i;

	g_assert_cmpuint(n, <=, SHARE_MAX);
	*share = (struct share){ .n = n };
	take(d, n, &r[0]);
	for (k = 1; used < cpu_s * 1e9 && sum.all_wall < wall_s * 1e9; k++) {
		usleep(PIECE_US);
		take(d, n, &r[k & 1]);
		add(&sum, share, loads, &r[~k & 1], &r[k & 1]);
		for (used = 0, i = 0; i < n; i++)
			used += sum.cpu[i];
	}
	g_free(r);
	share->active = sum.wall / sum.all_wall;
	share->cpu_s = used / 1e9;
	share->wall_s = sum.wall / 1e9;
	share->others = MAX(0, (sum.all_busy - sum.all_cpu) / sum.all_wall);
	for (i = 0; i < n && used > 0; i++) {
		share->share[i] = sum.cpu[i] / used;
		share->cap[i] = sum.cpu[i] / sum.wall;
	}
}

double share_error(const struct share *share, const double *want)
{
	double most = 0;
	size_t i;

	for (i = 0; i < share->n; i++)
		most = MAX(most, fabs(share->share[i] - want[i]));
	return 100 * most;
}
