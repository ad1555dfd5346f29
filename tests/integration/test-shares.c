// SPDX-License-Identifier: MIT
/*
 * test-shares.c - two VMs under vgpud, their shares by the kernel's CPU time
 *
 * Each front end keeps some number of command buffers outstanding: a GL program
 * that waits for each frame has one.
 */
#include <signal.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/load.h"
#include "tests/lib/runner.h"
#include "tests/lib/share.h"
#include "tests/lib/vgpud.h"

#define SECONDS		6		/* of CPU, a measurement */
#define PATIENCE	120		/* seconds that it may take */
#define TRIES		3		/* while this host has no quiet CPU */
#define OTHERS_MAX	0.2
#define ACTIVE_MIN	0.7
#ifdef __SANITIZE_ADDRESS__
/* front ends and vgpud are so slow that clients are seldom in time */
#define POINTS_MAX	5.0
#else
#define POINTS_MAX	2.0
#endif

static struct vgpud vgpud;
static struct load_run runs[2];

static void begin(const char *keys, const struct load *a, const struct load *b,
		  const char *vms)
{
	g_autofree char *all = g_strdup_printf(SHARE_KEYS "%s", keys);

	vgpud_start(&vgpud, all, vms);
	load_start(&runs[0], a, vgpud_connect(&vgpud, "a"));
	load_start(&runs[1], b, vgpud_connect(&vgpud, "b"));
	g_assert_true(load_wait(&runs[0], 20, PATIENCE));
	g_assert_true(load_wait(&runs[1], 5, PATIENCE));
}

/*
 * A share is a property of the scheduler only while it has something to share
 * out: where others took the CPU, or kept front ends from theirs, it is measured
 * again, and the last word counts.
 */
static void measure(const char *what, const struct load *loads, double want)
{
	const double wants[2] = { want, 1 - want };
	struct share s;
	int tries = 0;

	do {
		share_measure(&vgpud, loads, 2, SECONDS, PATIENCE, &s);
		g_test_message("%s: %.2f %% (want %.2f) of %.1f s CPU in %.1f s, %.0f %% of the time counted; jobs %d and %d; kept idle %.2f s; %.0f %% of the CPU taken by others",
			       what, 100 * s.share[0], 100 * want, s.cpu_s,
			       s.wall_s, 100 * s.active, (int)s.jobs[0],
			       (int)s.jobs[1], s.kept_idle_s, 100 * s.others);
		if (share_error(&s, wants) <= POINTS_MAX)
			return;
	} while (++tries < TRIES &&
		 (s.others > OTHERS_MAX || s.active < ACTIVE_MIN));
	g_assert_cmpfloat(share_error(&s, wants), <=, POINTS_MAX);
}

static void compete(const struct load *a, const struct load *b)
{
	const struct load loads[2] = { *a, *b };

	begin("", a, b, "[vm a]\nweight=200\n[vm b]\nweight=100\n");
	measure("2:1", loads, 2.0 / 3);
	/* live */
	vgpud_ok(&vgpud, "{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":100}\n");
	usleep(500000);
	measure("1:1", loads, 0.5);
	/* every command was answered */
	g_assert_true(load_stop(&runs[0]));
	g_assert_true(load_stop(&runs[1]));
	vgpud_stop(&vgpud);
}

static void test_queued(void)
{
	const struct load a = { .name = "a", .depth = 3, .blits = 2 };

	compete(&a, &a);
}

/* Equal work is not equal time: one has jobs eight times as long. */
static void test_unequal(void)
{
	const struct load a = { .name = "a", .depth = 3, .blits = 1 };
	const struct load b = { .name = "b", .depth = 3, .blits = 8 };

	compete(&a, &b);
}

/* Each waits for its frame and thinks: 1:1 whatever the weights, but for
 * anticipation. */
static void test_one_outstanding(void)
{
	const struct load a = { .name = "a", .blits = 2, .think_us = 1000 };

	compete(&a, &a);
}

/* Stopped while it waits it would only lose its turn. */
static void stop_in_a_job(pid_t worker)
{
	struct vgpud_vm before[2], after[2];
	unsigned int tries;

	for (tries = 0; tries < 200; tries++) {
		kill(worker, SIGSTOP);
		vgpud_stats(&vgpud, before, 2);
		usleep(300000);
		vgpud_stats(&vgpud, after, 2);
		/* the lane stands still: it is the one that holds it */
		if (after[1].jobs == before[1].jobs)
			return;
		kill(worker, SIGCONT);
		/* its turn comes when what the other has in flight is done */
		usleep(7000 + 5000 * (tries % 16));
	}
	g_error("never caught in a job");
}

/*
 * A worker that does not go on with the lease and a job in flight: it is killed
 * after the timeout, and the other has the GPU again.
 */
static void test_hung(void)
{
	const struct load a = { .name = "a", .depth = 3, .blits = 2 };
	struct vgpud_vm then[2], now[2];
	uint64_t began;

	begin("timeout=5s\n", &a, &a, "[vm a]\n[vm b]\n");
	vgpud_stats(&vgpud, then, 2);
	stop_in_a_job(then[0].worker);
	began = fe_now_ns();
	/* its front end would complain of the context that is lost */
	kill(runs[0].pid, SIGSTOP);
	do {
		g_assert_cmpuint(fe_now_ns() - began, <, 30000000000);
		usleep(100000);
		vgpud_stats(&vgpud, now, 2);
	} while (now[0].worker == then[0].worker);
	g_assert_cmpuint(fe_now_ns() - began, >, 4000000000);
	g_test_message("killed after %.1f s",
		       (double)(fe_now_ns() - began) / 1e9);
	/* the neighbour has lost no more than that time */
	then[1] = now[1];
	do {
		g_assert_cmpuint(fe_now_ns() - began, <, 60000000000);
		usleep(100000);
		vgpud_stats(&vgpud, now, 2);
	} while (now[1].jobs < then[1].jobs + 10);
	g_assert_cmpint(now[1].worker, ==, then[1].worker);
	load_kill(&runs[0]);
	g_assert_true(load_stop(&runs[1]));
	vgpud_stop(&vgpud);
}

/*
 * Both stop and go on all the time, so that each comes when the other has just
 * run dry: nobody's wish is lost.
 */
static void test_stop_and_go(void)
{
	const struct load a = { .name = "a", .depth = 3 };
	unsigned int i;

	begin("renderer=null\n", &a, &a, "[vm a]\n[vm b]\n");
	for (i = 0; i < 100; i++) {
		load_resume(&runs[0]);
		load_resume(&runs[1]);
		usleep(2000 + 100 * (i % 30));
		load_pause(&runs[0]);
		load_pause(&runs[1]);
	}
	g_assert_true(load_stop(&runs[0]));
	g_assert_true(load_stop(&runs[1]));
	vgpud_stop(&vgpud);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	share_confine();
	runner_add("/shares/queued", test_queued, 300);
	runner_add("/shares/unequal", test_unequal, 300);
	runner_add("/shares/one-outstanding", test_one_outstanding, 300);
	runner_add("/shares/stop-and-go", test_stop_and_go, 60);
	runner_add("/shares/hung", test_hung, 300);
	return runner_run();
}
