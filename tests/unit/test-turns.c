// SPDX-License-Identifier: MIT
/*
 * test-turns.c - waits for the lease and turns, as the arbiter tells them
 */
#include <fcntl.h>

#include <glib.h>

#include "base/event.h"
#include "base/histogram.h"
#include "sched/arbiter.h"
#include "sched/client.h"
#include "tests/lib/runner.h"

#define MS	1000000ull

struct worker {
	struct arbiter_vm *vm;
	struct sched_client *client;
	bool wanted, running;
	uint64_t cpu_ns;
	unsigned int turns;
	struct arbiter_turn last;
};

static struct event_loop *loop;
static struct arbiter *arbiter;
static struct worker workers[2];
static uint64_t last_end_ns;

static int fake_cpu_clock(pid_t pid, uint64_t *ns)
{
	*ns = workers[pid - 1].cpu_ns;
	return 0;
}

/* Turns follow each other on one GPU: none begins before the last has ended. */
static void on_turn(void *opaque, const struct arbiter_turn *turn)
{
	struct worker *w = opaque;

	g_assert_cmpuint(turn->granted_ns, >=, last_end_ns);
	g_assert_cmpuint(turn->ended_ns, >=, turn->granted_ns);
	g_assert_cmpuint(turn->ended_ns, <=, event_now_ns());
	last_end_ns = turn->ended_ns;
	w->last = *turn;
	w->turns++;
}

static void on_lease(void *opaque)
{
	struct worker *w = opaque;

	if (w->wanted && sched_client_acquire(w->client)) {
		w->wanted = false;
		w->running = true;
	}
}

static void want(struct worker *w)
{
	w->wanted = true;
	on_lease(w);
}

static void finish(struct worker *w, uint64_t cost)
{
	g_assert_true(w->running);
	w->cpu_ns += cost;
	w->running = false;
	sched_client_retire(w->client);
}

static void serve(unsigned int ms)
{
	uint64_t end = event_now_ns() + ms * MS;

	do {
		event_loop_iterate(loop, 1);
	} while (event_now_ns() < end);
}

static int copy(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, 3);
}

static void setup(void)
{
	const struct arbiter_config config = {
		.cpu_renderer = true, .turn = on_turn,
		.cpu_clock = fake_cpu_clock,
	};
	int i;

	loop = event_loop_new();
	arbiter = arbiter_new(loop, &config);
	for (i = 0; i < 2; i++) {
		struct worker *w = &workers[i];
		struct arbiter_fds fds;
		struct sched_fds mine;

		w->vm = arbiter_vm_new(arbiter, i ? "b" : "a", 100, w);
		g_assert_cmpint(arbiter_vm_attach(w->vm, &fds), ==, 0);
		mine = (struct sched_fds){ copy(fds.grant_page),
			copy(fds.report_page), copy(fds.grant_fd),
			copy(fds.want_fd) };
		w->client = sched_client_new(loop, &mine, on_lease, w);
		arbiter_vm_worker(w->vm, i + 1);
	}
}

static void teardown(void)
{
	int i;

	for (i = 0; i < 2; i++) {
		sched_client_free(workers[i].client);
		arbiter_vm_free(workers[i].vm);
	}
	arbiter_free(arbiter);
	event_loop_free(loop);
}

static void test_waits(void)
{
	struct worker *a = &workers[0], *b = &workers[1];
	struct arbiter_turn turn;
	struct arbiter_stats stats;

	setup();
	g_assert_false(arbiter_vm_turn(a->vm, &turn));
	want(a);
	serve(5);
	g_assert_true(a->running);
	g_assert_true(arbiter_vm_turn(a->vm, &turn));
	g_assert_cmpuint(turn.ended_ns, >=, turn.granted_ns);

	/* a has one job for 60 ms, and for so long b waits */
	want(b);
	serve(60);
	g_assert_false(b->running);
	finish(a, 60 * MS);
	serve(10);
	g_assert_true(b->running);
	g_assert_cmpuint(a->turns, ==, 1);
	g_assert_cmpuint(a->last.charged_ns, >=, 60 * MS);
	g_assert_cmpuint(a->last.ended_ns - a->last.granted_ns, >=, 60 * MS);
	g_assert_true(arbiter_vm_turn(b->vm, &turn));
	g_assert_cmpuint(turn.waited_ns, >=, 55 * MS);

	arbiter_vm_stats(b->vm, &stats);
	g_assert_cmpuint(stats.wait_p50_ns, >=, 55 * MS);
	g_assert_cmpuint(stats.wait_p99_ns, >=, stats.wait_p50_ns);
	arbiter_vm_stats(a->vm, &stats);
	g_assert_cmpuint(stats.wait_p99_ns, <, 55 * MS);
	g_assert_cmpuint(arbiter_vm_waits(a->vm)->count, ==, 1);
	g_assert_cmpuint(arbiter_vm_waits(b->vm)->count, ==, 1);
	finish(b, MS);
	teardown();
}

/* The worker that holds the lease dies: its turn ends then. */
static void test_worker_dies(void)
{
	struct arbiter_turn turn;

	setup();
	want(&workers[0]);
	serve(5);
	g_assert_true(arbiter_vm_turn(workers[0].vm, &turn));
	arbiter_vm_worker(workers[0].vm, 0);
	g_assert_cmpuint(workers[0].turns, ==, 1);
	g_assert_false(arbiter_vm_turn(workers[0].vm, &turn));
	/* and again: there is nothing to end */
	arbiter_vm_worker(workers[0].vm, 1);
	arbiter_vm_worker(workers[0].vm, 0);
	g_assert_cmpuint(workers[0].turns, ==, 1);
	teardown();
}

static double target(const struct worker *w)
{
	struct arbiter_stats stats;

	arbiter_vm_stats(w->vm, &stats);
	return stats.target;
}

/* Targets follow the weights at once, up and down. */
static void test_targets(void)
{
	struct worker *a = &workers[0], *b = &workers[1];

	setup();
	want(a);
	want(b);
	serve(1700);	/* a window of a second in which both have work */
	g_assert_cmpfloat(target(a), ==, 0.5);
	arbiter_vm_set_weight(a->vm, 300);
	g_assert_cmpfloat(target(a), ==, 0.75);
	g_assert_cmpfloat(target(b), ==, 0.25);
	arbiter_vm_set_weight(a->vm, 100);
	g_assert_cmpfloat(target(a), ==, 0.5);
	g_assert_cmpfloat(target(b), ==, 0.5);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	runner_add("/sched/turns/waits", test_waits, 0);
	runner_add("/sched/turns/worker-dies", test_worker_dies, 0);
	runner_add("/sched/turns/targets", test_targets, 0);
	return runner_run();
}
