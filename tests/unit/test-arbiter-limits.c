// SPDX-License-Identifier: MIT
/*
 * test-arbiter-limits.c - caps, reserves, slots, and who is kept off the lane
 */
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "tests/unit/arbiter_play.h"

/* Alone and always busy, and yet not more than its cap. */
static void test_cap_alone(void)
{
	struct worker *a;
	uint64_t began, wall;

	setup(false, 0, 0);
	a = add(0, 100, 2, 0);
	limit(a, (struct arbiter_limits){ .cap = 250000, .burst_ns = 10 * MS });
	start(a, 2);
	run_ms(200);
	began = event_now_ns();
	wall = a->jobs;
	run_ms(2000);
	/* jobs of 2 ms in the time there was; timers may be late, not early */
	g_assert_cmpuint((a->jobs - wall) * 2 * MS, <=,
			 (event_now_ns() - began) / 4 + 20 * MS);
	g_assert_cmpuint((a->jobs - wall) * 2 * MS, >=,
			 (event_now_ns() - began) / 10);
	g_assert_cmpuint(stats_of(a).throttled_ns, >, 500 * MS);
	/* lifted, it has all again */
	limit(a, (struct arbiter_limits){ 0 });
	run_jobs(a, 50);
	g_assert_true(stats_of(a).holds_lease);
	teardown();
}

/* Beside another: what the cap leaves is the other's. */
static void test_cap_beside(void)
{
	struct worker *a, *b;
	double share[WORKERS];

	setup(false, 0, 0);
	a = add(0, 100, 2, 0);
	b = add(1, 100, 2, 0);
	limit(a, (struct arbiter_limits){ .cap = 200000, .burst_ns = 5 * MS });
	start(a, 2);
	start(b, 2);
	run_jobs(b, 30);
	measure(b, 400, share);
	g_assert_cmpfloat(share[0], <=, 0.25);
	g_assert_cmpfloat(share[0], >=, 0.10);
	teardown();
}

/* Little weight, and a reserve: it has that much among heavy ones. */
static void test_reserve(void)
{
	struct worker *a, *b, *c;
	double share[WORKERS];

	setup(true, 0, 0);
	a = add(0, 10, 3, 0);
	b = add(1, 1000, 3, 0);
	c = add(2, 1000, 3, 0);
	limit(a, (struct arbiter_limits){ .weight = 10, .reserve = 400000 });
	start(a, 2);
	start(b, 2);
	start(c, 2);
	run_jobs(b, 20);
	measure(b, 200, share);
	g_assert_cmpfloat_with_epsilon(share[0], 0.4, 0.04);
	g_assert_cmpfloat_with_epsilon(share[1], 0.3, 0.04);
	teardown();
}

/* Parts of the frame, used or not: the other's is not for the taking. */
static void test_fixed(void)
{
	struct worker *a, *b;
	uint64_t began;

	setup(false, 0, 0);
	arbiter_configure(arbiter, ARBITER_FIXED, 0, 0);
	a = add(0, 100, 1, 0);
	b = add(1, 300, 1, 0);
	(void)b;
	start(a, 2);
	began = event_now_ns();
	run_ms(1500);
	g_assert_cmpuint(a->jobs * MS, <=,
			 (event_now_ns() - began) / 4 + 30 * MS);
	g_assert_cmpuint(a->jobs * MS, >=, (event_now_ns() - began) / 12);
	g_assert_cmpfloat_with_epsilon(stats_of(a).target, 0.25, 0.001);
	teardown();
}

/* No lease while it is suspended, whatever it asks; what waits goes on then. */
static void test_suspend(void)
{
	struct worker *a, *b;
	unsigned int before;

	setup(true, 0, 0);
	a = add(0, 100, 2, 0);
	b = add(1, 100, 2, 0);
	start(a, 2);
	start(b, 2);
	run_jobs(a, 10);
	arbiter_vm_suspend(a->vm, true);
	run_ms(50);		/* what is in flight ends */
	before = a->jobs;
	run_jobs(b, 50);
	g_assert_cmpuint(a->jobs, ==, before);
	g_assert_false(stats_of(a).holds_lease);
	g_assert_true(stats_of(a).suspended);
	/* a new worker is as suspended as the old one */
	arbiter_vm_worker(a->vm, 0);
	arbiter_vm_worker(a->vm, 1);
	run_jobs(b, 20);
	g_assert_cmpuint(a->jobs, ==, before);
	sched_client_acquire(a->client);
	arbiter_vm_suspend(a->vm, false);
	run_jobs(b, 1);
	run_ms(100);
	g_assert_cmpuint(stats_of(a).grants, >, 1);
	teardown();
}

/* Suspended alone, with the lease: it is taken back. */
static void test_suspend_alone(void)
{
	struct worker *a;
	unsigned int before;

	setup(true, 0, 0);
	a = add(0, 100, 2, 0);
	start(a, 2);
	run_jobs(a, 5);
	arbiter_vm_suspend(a->vm, true);
	run_ms(50);
	before = a->jobs;
	run_ms(100);
	g_assert_cmpuint(a->jobs, ==, before);
	arbiter_vm_suspend(a->vm, false);
	run_jobs(a, 5);
	teardown();
}

/* Kept off after a hang, and back by itself. */
static void test_strike(void)
{
	struct worker *a, *b;
	uint64_t began;

	setup(true, 0, 0);
	a = add(0, 100, 2, 0);
	b = add(1, 100, 2, 0);
	start(b, 2);
	run_jobs(b, 3);
	arbiter_vm_strike(a->vm, 1, 300 * MS);
	began = event_now_ns();
	start(a, 1);
	run_ms(150);
	g_assert_cmpuint(a->jobs, ==, 0);
	g_assert_true(stats_of(a).held);
	run_jobs(a, 1);
	g_assert_cmpuint(event_now_ns() - began, >=, 300 * MS);
	g_assert_false(stats_of(a).held);
	teardown();
}

/* The worker says whose job it is; the report has it, control bytes or not. */
static void test_hang_names(void)
{
	struct vgpu_sched_report *r;
	struct worker *a;
	int i;

	setup(true, 300 * MS, 600 * MS);
	a = add(0, 100, 5, 0);
	a->stuck = true;
	start(a, 1);
	r = sched_client_report(a->client);
	r->context = 7;
	for (i = 0; i < VGPU_SCHED_NAME_MAX; i++)
		r->name[i] = "glx\ngears"[i % 9];
	run_ms(1500);
	g_assert_cmpuint(hung_count, ==, 1);
	g_assert_nonnull(strstr(hung_reason, "(context 7, glx?gears"));
	teardown();
}

/* A limit of its own, in place of the lane's. */
static void test_own_timeout(void)
{
	struct worker *a;

	setup(true, 0, 0);
	a = add(0, 100, 5, 0);
	limit(a, (struct arbiter_limits){ .timeout_ns = 600 * MS });
	a->stuck = true;
	start(a, 1);
	run_ms(1600);
	g_assert_cmpuint(hung_count, ==, 1);
	teardown();
}

/* What only the worker can keep is in its page, at once. */
static void test_limits_page(void)
{
	const struct vgpu_sched_grant *g;
	struct arbiter_fds fds;
	struct arbiter_vm *vm;

	setup(true, 0, 0);
	vm = arbiter_vm_new(arbiter, "vm", 100, NULL);
	g_assert_cmpint(arbiter_vm_attach(vm, &fds), ==, 0);
	g = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fds.grant_page, 0);
	g_assert_cmpuint(g->memory_max, ==, 0);
	arbiter_vm_set_limits(vm, &(struct arbiter_limits){
		.weight = 5, .frame_ns = 16 * MS, .memory_max = 1 << 30,
		.max_inflight = 3, .max_resources = 44, .max_contexts = 5 });
	g_assert_cmpuint(g->frame_ns, ==, 16 * MS);
	g_assert_cmpuint(g->memory_max, ==, 1 << 30);
	g_assert_cmpuint(g->max_inflight, ==, 3);
	g_assert_cmpuint(g->max_resources, ==, 44);
	g_assert_cmpuint(g->max_contexts, ==, 5);
	munmap((void *)g, 4096);
	arbiter_vm_free(vm);
	teardown();
}

/* A process that does nothing but use CPU 0, or as much of it as it gets. */
static pid_t burn(void)
{
	pid_t pid = fork();
	cpu_set_t set;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	CPU_ZERO(&set);
	CPU_SET(0, &set);
	sched_setaffinity(0, sizeof(set), &set);
	for (;;)
		;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	g_assert_cmpint(waitpid(pid, NULL, 0), ==, pid);
}

/*
 * A worker that uses the CPU without a lease, and another program that takes
 * half of that CPU from it: both are known, by the kernel's figures.
 */
static void test_outside_and_lost(void)
{
	const struct arbiter_config config = { .cpu_renderer = true, .cpus = 1 };
	pid_t worker = burn(), other = burn();
	struct arbiter_totals totals;
	struct arbiter_stats stats;
	struct arbiter_fds fds;
	struct arbiter_vm *vm;

	loop = event_loop_new();
	arbiter = arbiter_new(loop, &config);
	vm = arbiter_vm_new(arbiter, "a", 100, NULL);
	g_assert_cmpint(arbiter_vm_attach(vm, &fds), ==, 0);
	arbiter_vm_worker(vm, worker);
	run_ms(4200);
	arbiter_vm_stats(vm, &stats);
	arbiter_totals(arbiter, &totals);
	g_test_message("outside %.3f s, lost %.3f s",
		       (double)totals.outside_ns / 1e9,
		       (double)totals.lost_ns / 1e9);
	g_assert_cmpuint(stats.outside_ns, >, 100 * MS);
	g_assert_cmpuint(totals.outside_ns, ==, stats.outside_ns);
	g_assert_cmpuint(totals.used_ns, ==, stats.cpu_ns);
	/* it was ready all the time and had half of the CPU at the most */
	g_assert_cmpuint(totals.lost_ns, >, 500 * MS);
	g_assert_cmpuint(totals.lost_ns, <, 4500 * MS);
	end(worker);
	end(other);
	arbiter_vm_free(vm);
	teardown();
}

/* Anything at any time, while all of them work: and then all still do. */
static void change_something(void)
{
	static const enum arbiter_policy policies[] = {
		ARBITER_FAIR, ARBITER_FIXED, ARBITER_BEST_EFFORT,
	};
	struct worker *w = &workers[g_test_rand_int_range(0, 3)];
	struct arbiter_limits limits = {
		.weight = (uint32_t)g_test_rand_int_range(1, 10001),
		.reserve = (uint32_t)g_test_rand_int_range(0, 4) * 100000,
		.cap = (uint32_t)g_test_rand_int_range(0, 4) * 250000,
		.burst_ns = (uint64_t)g_test_rand_int_range(0, 3) * 5 * MS,
		.slice_ns = (uint64_t)g_test_rand_int_range(0, 3) * MS,
	};

	switch (g_test_rand_int_range(0, 6)) {
	case 0:
		arbiter_configure(arbiter, policies[g_test_rand_int_range(0, 3)],
				  (uint64_t)g_test_rand_int_range(1, 6) * MS, 0);
		break;
	case 1:
		arbiter_vm_suspend(w->vm, g_test_rand_bit());
		break;
	case 2:
		arbiter_vm_strike(w->vm, 1, (uint64_t)
				  g_test_rand_int_range(0, 30) * MS);
		break;
	default:
		arbiter_vm_set_limits(w->vm, &limits);
		break;
	}
}

static void test_chaos(void)
{
	struct arbiter_totals totals;
	uint64_t used = 0;
	int round, i;

	setup(true, 0, 0);
	for (i = 0; i < 3; i++)
		start(add(i, 100, 1 + (unsigned int)i, (unsigned int)i), 2);
	for (round = 0; round < 400; round++) {
		change_something();
		run_ms(5);
	}
	arbiter_configure(arbiter, ARBITER_FAIR, 0, 0);
	for (i = 0; i < 3; i++) {
		arbiter_vm_suspend(workers[i].vm, true);
		arbiter_vm_suspend(workers[i].vm, false);
		limit(&workers[i], (struct arbiter_limits){ 0 });
	}
	run_jobs(&workers[0], 30);
	run_jobs(&workers[1], 30);
	run_jobs(&workers[2], 30);
	for (i = 0; i < 3; i++)
		used += stats_of(&workers[i]).cpu_ns;
	arbiter_totals(arbiter, &totals);
	g_assert_cmpuint(totals.used_ns, ==, used);
	teardown();
}

/* Two lanes in one vgpud: who is busy on one is nothing to the other. */
static void test_two_lanes(void)
{
	struct arbiter *one;
	struct worker *a, *b;

	setup(true, 0, 0);
	one = arbiter;
	a = add(0, 100, 5, 0);
	a->stuck = true;
	start(a, 1);
	arbiter = arbiter_new(loop, &(struct arbiter_config){
		.cpu_renderer = true, .cpu_clock = fake_cpu_clock });
	b = add(1, 1, 2, 0);
	start(b, 2);
	run_jobs(b, 50);
	g_assert_cmpuint(stats_of(b).grants, ==, 1);
	g_assert_true(stats_of(a).holds_lease);
	g_assert_true(stats_of(b).holds_lease);
	arbiter_vm_free(a->vm);
	sched_client_free(a->client);
	event_del(a->done);
	event_del(a->next);
	memset(a, 0, sizeof(*a));
	arbiter_free(one);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	runner_add("/sched/limits/cap-alone", test_cap_alone, 0);
	runner_add("/sched/limits/cap-beside", test_cap_beside, 0);
	runner_add("/sched/limits/reserve", test_reserve, 0);
	runner_add("/sched/limits/fixed", test_fixed, 0);
	runner_add("/sched/limits/suspend", test_suspend, 0);
	runner_add("/sched/limits/suspend-alone", test_suspend_alone, 0);
	runner_add("/sched/limits/strike", test_strike, 0);
	runner_add("/sched/limits/hang-names", test_hang_names, 0);
	runner_add("/sched/limits/own-timeout", test_own_timeout, 0);
	runner_add("/sched/limits/limits-page", test_limits_page, 0);
	runner_add("/sched/limits/outside-and-lost", test_outside_and_lost, 0);
	runner_add("/sched/limits/chaos", test_chaos, 0);
	runner_add("/sched/limits/two-lanes", test_two_lanes, 0);
	return runner_run();
}
