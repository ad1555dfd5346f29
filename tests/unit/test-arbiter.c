// SPDX-License-Identifier: MIT
/*
 * test-arbiter.c - the arbiter with workers that are made up
 */
#include "tests/unit/arbiter_play.h"

/* Alone: one grant, whatever it does. */
static void test_alone(void)
{
	struct arbiter_stats s;
	struct worker *a;

	setup(true, 0, 0);
	a = add(0, 100, 1, 0);
	start(a, 2);
	run_jobs(a, 50);
	a->think_ms = 3;		/* now with gaps */
	run_jobs(a, 10);
	s = stats_of(a);
	g_assert_cmpuint(s.grants, ==, 1);
	g_assert_true(s.holds_lease);
	g_assert_cmpuint(s.jobs, ==, a->jobs);
	g_assert_cmpuint(s.cpu_ns, ==, a->cpu_ns);
	g_assert_cmpuint(s.charged_ns, ==, a->cpu_ns);
	g_assert_cmpuint(s.idle_ns, ==, 0);
	g_assert_cmpfloat(s.target, ==, 1);
	teardown();
}

/* Jobs of different length, always one waiting: shares are the weights. */
static void test_weights(void)
{
	struct worker *a, *b;
	double share[WORKERS];

	setup(true, 0, 0);
	a = add(0, 200, 3, 0);
	b = add(1, 100, 7, 0);
	start(a, 3);
	start(b, 3);
	measure(a, 300, share);
	g_assert_cmpfloat_with_epsilon(share[0], 2.0 / 3, 0.03);
	/* live */
	arbiter_vm_set_weight(a->vm, 50);
	measure(b, 100, share);
	g_assert_cmpfloat_with_epsilon(share[0], 1.0 / 3, 0.03);
	g_assert_cmpuint(stats_of(a).weight, ==, 50);
	teardown();
}

/* Three that each wait for a frame and think: still by weight. */
static void test_anticipation(void)
{
	struct worker *a, *b, *c;
	double share[WORKERS];

	setup(true, 0, 0);
	a = add(0, 400, 6, 2);
	b = add(1, 200, 6, 2);
	c = add(2, 200, 6, 2);
	start(a, 1);
	start(b, 1);
	start(c, 1);
	run_jobs(a, 20);	/* gaps are learned */
	measure(a, 200, share);
	g_assert_cmpfloat_with_epsilon(share[0], 0.5, 0.05);
	g_assert_cmpfloat_with_epsilon(share[1], 0.25, 0.05);
	/* and what it cost is known */
	g_assert_cmpuint(stats_of(a).idle_ns, >, 0);
	teardown();
}

/* A long sleeper gets no gap kept for it, and holds up nobody. */
static void test_no_gap_for_sleepers(void)
{
	struct arbiter_stats s;
	struct worker *a, *b;

	setup(true, 0, 0);
	a = add(0, 1000, 20, 100);
	b = add(1, 10, 10, 0);
	start(a, 1);
	start(b, 3);
	run_jobs(a, 15);
	s = stats_of(a);
	/* but for the first gaps, from which it is learned */
	g_assert_cmpuint(s.idle_ns, <, 100 * MS);
	teardown();
}

/* Dead with the lease and jobs in flight: the next has it at once. */
static void test_worker_dies(void)
{
	struct worker *a, *b;

	setup(true, 0, 0);
	a = add(0, 100, 5, 0);
	b = add(1, 100, 5, 0);
	a->stuck = true;
	start(a, 2);
	start(b, 1);
	run_ms(60);
	g_assert_cmpuint(b->jobs, ==, 0);
	g_assert_true(stats_of(a).holds_lease);
	arbiter_vm_worker(a->vm, 0);
	run_jobs(b, 3);
	g_assert_false(stats_of(a).holds_lease);
	g_assert_cmpuint(stats_of(a).memory, ==, 0);
	/* a dead one's old wishes are nobody's */
	run_jobs(b, 3);
	g_assert_cmpuint(stats_of(b).grants, ==, 1);
	teardown();
}

/* The whole VM goes while it holds the lease, or waits for it. */
static void test_detach(void)
{
	struct worker *a, *b;
	struct arbiter_fds fds;
	int i;

	setup(true, 0, 0);
	a = add(0, 100, 5, 0);
	b = add(1, 100, 5, 0);
	start(a, 1);
	start(b, 1);
	run_jobs(a, 2);
	event_stop_timer(a->done);
	arbiter_vm_detach(a->vm);
	run_jobs(b, 5);
	arbiter_vm_detach(a->vm);
	for (i = 0; i < 200; i++)
		g_assert_cmpint(arbiter_vm_attach(a->vm, &fds), ==, 0);
	run_jobs(b, 5);
	teardown();
}

/* Hung: reported, then its worker is to be killed; who waits is not. */
static void test_watchdog(void)
{
	struct worker *a, *b;

	setup(true, 600 * MS, 1200 * MS);
	a = add(0, 100, 5, 0);
	b = add(1, 100, 5, 0);
	a->stuck = true;
	start(a, 1);
	start(b, 1);
	run_ms(900);
	g_assert_cmpuint(hung_count, ==, 0);
	run_ms(1500);
	g_assert_cmpuint(hung_count, ==, 1);
	g_assert_true(hung == a);
	/* as vgpud does */
	arbiter_vm_worker(a->vm, 0);
	run_jobs(b, 3);
	run_ms(1500);
	g_assert_cmpuint(hung_count, ==, 1);
	teardown();
}

/* Long queues of short jobs are no hang. */
static void test_deep_queue_is_no_hang(void)
{
	struct worker *a;

	setup(true, 300 * MS, 600 * MS);
	a = add(0, 100, 40, 0);
	start(a, 60);		/* the last waits for 2.4 s */
	run_jobs(a, 40);
	g_assert_cmpuint(hung_count, ==, 0);
	teardown();
}

/* Stuck inside the submit call, where it can tell nobody. */
static void test_stuck_submit(void)
{
	struct worker *a;

	setup(false, 300 * MS, 600 * MS);
	a = add(0, 100, 5, 0);
	a->stuck = true;
	start(a, 1);
	sched_client_enter(a->client);
	run_ms(1600);
	g_assert_cmpuint(hung_count, ==, 1);
	teardown();
}

/* Asked, was stopped, and is granted: it does not keep the lane for nothing. */
static void test_stopped_before_its_turn(void)
{
	struct worker *a, *b;
	unsigned int before;

	setup(true, 0, 0);
	a = add(0, 1000, 5, 0);
	b = add(1, 10, 5, 0);
	start(b, 3);
	run_jobs(b, 2);
	g_assert_false(sched_client_acquire(a->client));
	/* its wish stays in the page, and nobody hears of the grant */
	sched_client_free(a->client);
	a->client = NULL;
	run_ms(400);
	g_assert_cmpuint(stats_of(a).grants, ==, 1);
	g_assert_false(stats_of(a).holds_lease);
	before = b->jobs;
	run_jobs(b, 40);
	g_assert_cmpuint(stats_of(a).grants, ==, 1);
	g_assert_cmpuint(b->jobs, >=, before + 40);
	teardown();
}

/* It says that it works, and does nothing with the lane. */
static void test_liar_pays(void)
{
	struct arbiter_stats s;
	struct worker *a, *b;
	uint64_t began;

	setup(true, 0, 20000 * MS);
	a = add(0, 100, 0, 1000);
	b = add(1, 100, 5, 0);
	a->stuck = true;
	start(a, 1);
	start(b, 1);
	began = event_now_ns();
	run_ms(300);
	g_assert_cmpuint(b->jobs, ==, 0);
	on_done(a);		/* no CPU time used */
	run_jobs(b, 1);
	s = stats_of(a);
	g_assert_cmpuint(s.cpu_ns, ==, 0);
	g_assert_cmpuint(s.charged_ns, >=, 140 * MS);
	g_assert_cmpuint(s.charged_ns, <=, (event_now_ns() - began) / 2);
	/* and that it owes */
	start(a, 1);
	run_jobs(b, 20);
	g_assert_cmpuint(stats_of(a).grants, ==, 1);
	teardown();
}

/* Claims on a GPU: no more than the time under the lease, no less than half. */
static void test_gpu_claims(void)
{
	struct vgpu_sched_report *r;
	struct arbiter_stats s;
	struct worker *a, *b;
	uint64_t before, wall;

	before = event_now_ns();
	setup(false, 0, 0);
	a = add(0, 100, 3, 0);
	b = add(1, 100, 3, 0);
	start(a, 2);
	run_jobs(a, 2);
	r = sched_client_report(a->client);
	r->gpu_ns = UINT64_MAX / 2;	/* a million years */
	r->busy_ns = UINT64_MAX / 2;
	r->wait_ns = UINT64_MAX;
	run_ms(30);
	s = stats_of(a);
	wall = event_now_ns() - before;
	g_assert_cmpuint(s.charged_ns, <=, wall);
	g_assert_cmpuint(s.gpu_ns, <=, wall);
	g_assert_cmpuint(s.busy_ns, <=, wall);
	g_assert_cmpuint(s.wait_ns, <=, wall);
	/* back to nothing: totals do not follow */
	r->gpu_ns = 0;
	r->busy_ns = 0;
	r->jobs = 0;
	s = stats_of(a);
	g_assert_cmpuint(s.jobs, >=, 2);
	/* says that its jobs cost nothing, and keeps the lane from another */
	start(b, 2);
	while (stats_of(a).grants < 20) {
		r->gpu_ns = 0;
		event_loop_iterate(loop, 10);
	}
	s = stats_of(a);
	g_assert_cmpuint(s.charged_ns, >, 20 * 3 * MS / 2);
	g_assert_cmpuint(b->jobs, >, a->jobs / 4);
	teardown();
}

/*
 * A worker that a new vgpud finds is no successor: its figures are its own, also
 * when it has nothing to do from then on.
 */
static void test_adopted_figures(void)
{
	struct vgpu_sched_report *r;
	struct worker *a;

	setup(true, 0, 0);
	a = add(0, 100, 3, 0);
	arbiter_vm_worker(a->vm, 0);
	r = sched_client_report(a->client);
	r->jobs = 7;
	r->memory = 4711;
	arbiter_vm_adopt(a->vm, 1);
	g_assert_cmpuint(stats_of(a).jobs, ==, 7);
	g_assert_cmpuint(stats_of(a).memory, ==, 4711);
	teardown();
}

/* What a worker claimed is not its successor's, however long that takes to come up. */
static void test_successor_claims(void)
{
	struct vgpu_sched_report *r;
	struct worker *a;
	uint64_t jobs, gpu_ns;

	setup(false, 0, 0);
	a = add(0, 100, 3, 0);
	start(a, 2);
	run_jobs(a, 5);
	event_stop_timer(a->done);
	r = sched_client_report(a->client);
	r->gpu_ns = 10 * MS;
	jobs = stats_of(a).jobs;
	gpu_ns = stats_of(a).gpu_ns;
	g_assert_cmpuint(jobs, >=, 5);
	arbiter_vm_worker(a->vm, 0);
	arbiter_vm_worker(a->vm, 1);
	run_ms(20);
	g_assert_cmpuint(stats_of(a).jobs, ==, jobs);
	g_assert_cmpuint(stats_of(a).gpu_ns, ==, gpu_ns);
	r->gpu_ns = 0;
	r->jobs = 0;
	g_assert_cmpuint(stats_of(a).jobs, ==, jobs);
	r->jobs = 1;
	g_assert_cmpuint(stats_of(a).jobs, ==, jobs + 1);
	teardown();
}

/* Bytes of chance in the whole page, while others work. */
static void test_garbage_page(void)
{
	struct vgpu_sched_report *r;
	struct worker *a, *b;
	int round, i;

	setup(true, 0, 0);
	a = add(0, 100, 2, 0);
	b = add(1, 100, 2, 0);
	start(a, 2);
	start(b, 2);
	r = sched_client_report(a->client);
	for (round = 0; round < 300; round++) {
		uint32_t *words = (uint32_t *)r;

		for (i = 0; i < (int)sizeof(*r) / 4; i++)
			words[i] = (uint32_t)g_test_rand_int();
		event_loop_iterate(loop, 2);
		stats_of(a);
	}
	/* its worker is killed for it in the end, and then */
	event_stop_timer(a->done);
	arbiter_vm_worker(a->vm, 0);
	run_jobs(b, 5);
	teardown();
}

/* The worker can not write what only vgpud may. */
static void test_grant_page_is_sealed(void)
{
	struct arbiter_fds fds;
	struct arbiter_vm *vm;
	void *map;

	setup(true, 0, 0);
	vm = arbiter_vm_new(arbiter, "vm", 100, NULL);
	g_assert_cmpint(arbiter_vm_attach(vm, &fds), ==, 0);
	g_assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
			   fds.grant_page, 0) == MAP_FAILED);
	map = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fds.grant_page, 0);
	g_assert_true(map != MAP_FAILED);
	g_assert_cmpint(mprotect(map, 4096, PROT_READ | PROT_WRITE), !=, 0);
	munmap(map, 4096);
	g_assert_cmpint(ftruncate(fds.grant_page, 0), !=, 0);
	g_assert_cmpint(ftruncate(fds.report_page, 0), !=, 0);
	arbiter_vm_free(vm);
	teardown();
}

/* A worker asks before vgpud knows that it runs. */
static void test_wants_early(void)
{
	struct worker *a;

	setup(true, 0, 0);
	a = add(0, 100, 2, 0);
	arbiter_vm_worker(a->vm, 0);
	start(a, 1);
	run_ms(20);
	g_assert_cmpuint(a->jobs, ==, 0);
	arbiter_vm_worker(a->vm, 1);
	run_jobs(a, 3);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	runner_add("/sched/arbiter/alone", test_alone, 0);
	runner_add("/sched/arbiter/weights", test_weights, 0);
	runner_add("/sched/arbiter/anticipation", test_anticipation, 0);
	runner_add("/sched/arbiter/no-gap-for-sleepers",
		   test_no_gap_for_sleepers, 0);
	runner_add("/sched/arbiter/worker-dies", test_worker_dies, 0);
	runner_add("/sched/arbiter/detach", test_detach, 0);
	runner_add("/sched/arbiter/watchdog", test_watchdog, 0);
	runner_add("/sched/arbiter/deep-queue-is-no-hang",
		   test_deep_queue_is_no_hang, 0);
	runner_add("/sched/arbiter/stuck-submit", test_stuck_submit, 0);
	runner_add("/sched/arbiter/stopped-before-its-turn",
		   test_stopped_before_its_turn, 0);
	runner_add("/sched/arbiter/liar-pays", test_liar_pays, 0);
	runner_add("/sched/arbiter/gpu-claims", test_gpu_claims, 0);
	runner_add("/sched/arbiter/successor-claims", test_successor_claims, 0);
	runner_add("/sched/arbiter/adopted-figures", test_adopted_figures, 0);
	runner_add("/sched/arbiter/garbage-page", test_garbage_page, 0);
	runner_add("/sched/arbiter/grant-page-is-sealed",
		   test_grant_page_is_sealed, 0);
	runner_add("/sched/arbiter/wants-early", test_wants_early, 0);
	return runner_run();
}
