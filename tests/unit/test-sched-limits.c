// SPDX-License-Identifier: MIT
/*
 * test-sched-limits.c - what a worker does about the limits in its grant page,
 * and what it says of the job at work
 */
#include <string.h>

#include <glib.h>

#include "base/event.h"
#include "sched/client_private.h"
#include "tests/lib/runner.h"
#include "tests/unit/sched_side.h"

#define MS	1000000ull

struct play {
	struct event_loop *loop;
	struct arbiter_side s;
	struct sched_client *c;
	int granted;
};

static void play_init(struct play *p)
{
	struct sched_fds fds;

	memset(p, 0, sizeof(*p));
	p->loop = event_loop_new();
	side_init(&p->s, true);
	atomic_store(&p->s.grant->lease, 1);
	fds = side_copy(&p->s);
	p->c = sched_client_new(p->loop, &fds, count_grant, &p->granted);
	g_assert_nonnull(p->c);
}

static void play_fini(struct play *p)
{
	sched_client_free(p->c);
	side_fini(&p->s);
	event_loop_free(p->loop);
}

static void acquire(struct play *p, uint32_t ctx, const char *name)
{
	g_assert_true(sched_client_acquire(p->c));
	sched_client_name(p->c, ctx, name);
}

static void shows(const struct play *p, uint32_t ctx, const char *name)
{
	const struct vgpu_sched_report *r = p->s.report;
	char got[VGPU_SCHED_NAME_MAX];

	for (int i = 0; i < VGPU_SCHED_NAME_MAX; i++)
		got[i] = (char)r->name[i];
	g_assert_cmpuint(r->name_seq % 2, ==, 0);
	g_assert_cmpuint(r->context, ==, ctx);
	g_assert_cmpint(got[VGPU_SCHED_NAME_MAX - 1], ==, 0);
	g_assert_cmpstr(got, ==, name);
}

/* The one in a submit, else the oldest in flight, else nobody. */
static void test_name(void)
{
	char longest[200];
	struct play p;
	uint32_t seq;

	play_init(&p);
	shows(&p, 0, "");
	acquire(&p, 5, "glxgears");
	shows(&p, 5, "glxgears");
	acquire(&p, 6, "Xorg");
	shows(&p, 5, "glxgears");
	sched_client_enter(p.c);
	shows(&p, 6, "Xorg");
	sched_client_leave(p.c);
	shows(&p, 5, "glxgears");
	seq = p.s.report->name_seq;
	acquire(&p, 5, "glxgears");	/* nothing new: nothing written */
	g_assert_cmpuint(p.s.report->name_seq, ==, seq);
	sched_client_retire(p.c);
	shows(&p, 6, "Xorg");
	sched_client_retire(p.c);
	shows(&p, 5, "glxgears");
	sched_client_retire(p.c);
	shows(&p, 0, "");
	/* a submit outside of any job names nobody */
	sched_client_enter(p.c);
	shows(&p, 0, "");
	sched_client_leave(p.c);
	memset(longest, 'x', sizeof(longest));
	longest[199] = 0;
	acquire(&p, 7, longest);
	longest[VGPU_SCHED_NAME_MAX - 1] = 0;
	shows(&p, 7, longest);
	/* more jobs than there was room for at first */
	for (uint32_t i = 0; i < 200; i++)
		acquire(&p, 100 + i, i & 1 ? "odd" : "even");
	for (uint32_t i = 0; i < 200; i++) {
		sched_client_retire(p.c);
		shows(&p, 100 + i, i & 1 ? "odd" : "even");
	}
	play_fini(&p);
}

static void test_max_inflight(void)
{
	struct play p;

	play_init(&p);
	atomic_store(&p.s.grant->max_inflight, 3);
	for (int i = 0; i < 3; i++)
		g_assert_true(sched_client_acquire(p.c));
	g_assert_false(sched_client_acquire(p.c));
	g_assert_cmpuint(p.s.report->inflight, ==, 3);
	/* it wants, but vgpud can do nothing about it: no wake-up */
	g_assert_cmpuint(p.s.report->want, ==, 1);
	g_assert_false(drain(p.s.fds.want_fd));
	g_assert_cmpuint(p.s.report->wait_ns, ==, 0);
	event_loop_iterate(p.loop, 0);
	g_assert_cmpint(p.granted, ==, 0);
	sched_client_retire(p.c);
	event_loop_iterate(p.loop, 1000);
	g_assert_cmpint(p.granted, ==, 1);
	g_assert_cmpuint(p.s.report->want, ==, 0);
	g_assert_true(sched_client_acquire(p.c));
	/* smaller while it works, then none at all */
	atomic_store(&p.s.grant->max_inflight, 1);
	g_assert_false(sched_client_acquire(p.c));
	sched_client_retire(p.c);
	g_assert_false(sched_client_acquire(p.c));
	atomic_store(&p.s.grant->max_inflight, 0);
	g_assert_true(sched_client_acquire(p.c));
	g_assert_cmpuint(p.s.report->want, ==, 0);
	/* vgpud goes while a job waits */
	atomic_store(&p.s.grant->max_inflight, 1);
	g_assert_false(sched_client_acquire(p.c));
	drain(p.s.fds.grant_fd);
	p.granted = 0;
	sched_client_detach(p.c);
	event_loop_iterate(p.loop, 1000);
	g_assert_cmpint(p.granted, ==, 1);
	g_assert_true(sched_client_acquire(p.c));
	play_fini(&p);
}

/* The lease is taken while the VM is full: it says when it has drained. */
static void test_max_inflight_revoked(void)
{
	struct play p;

	play_init(&p);
	atomic_store(&p.s.grant->max_inflight, 1);
	g_assert_true(sched_client_acquire(p.c));
	g_assert_false(sched_client_acquire(p.c));
	atomic_store(&p.s.grant->lease, 0);
	sched_client_retire(p.c);
	g_assert_true(drain(p.s.fds.want_fd));
	event_loop_iterate(p.loop, 1000);
	g_assert_cmpint(p.granted, ==, 1);
	g_assert_false(sched_client_acquire(p.c));
	g_assert_cmpuint(p.s.report->want, ==, 1);
	g_assert_true(drain(p.s.fds.want_fd));
	play_fini(&p);
}

/* Frames as fast as they go, for so long. Return: how many */
static unsigned int frames_in(struct play *p, uint64_t ns)
{
	uint64_t end = event_now_ns() + ns;
	unsigned int n = 0;

	while (event_now_ns() < end) {
		if (sched_client_frame(p->c))
			n++;
		else
			event_loop_iterate(p->loop, 100);
	}
	return n;
}

static void test_frames(void)
{
	struct play p;
	unsigned int n;

	play_init(&p);
	for (int i = 0; i < 1000; i++)
		g_assert_true(sched_client_frame(p.c));
	atomic_store(&p.s.grant->frame_ns, 10 * MS);
	n = frames_in(&p, 500 * MS);
	g_test_message("%u frames in 500 ms at 100 a second", n);
	g_assert_cmpuint(n, <=, 52);
	/* a loaded machine makes fewer; but it is not one wait a frame late */
	g_assert_cmpuint(n, >=, 20);
	/* waiting for a frame is no wish for the GPU */
	g_assert_cmpuint(p.s.report->want, ==, 0);
	g_assert_cmpuint(p.s.report->busy_since_ns, ==, 0);

	/* an hour a frame, and then that was a mistake */
	atomic_store(&p.s.grant->frame_ns, 3600 * 1000 * MS);
	sched_client_frame(p.c);
	g_assert_false(sched_client_frame(p.c));
	p.granted = 0;
	event_loop_iterate(p.loop, 20);
	g_assert_cmpint(p.granted, ==, 0);
	atomic_store(&p.s.grant->frame_ns, 0);
	kick(p.s.fds.grant_fd);
	event_loop_iterate(p.loop, 1000);
	g_assert_cmpint(p.granted, ==, 1);
	g_assert_true(sched_client_frame(p.c));
	atomic_store(&p.s.grant->frame_ns, MS);
	g_assert_cmpuint(frames_in(&p, 20 * MS), >, 1);
	/* what nobody means */
	atomic_store(&p.s.grant->frame_ns, UINT64_MAX);
	sched_client_frame(p.c);
	g_assert_false(sched_client_frame(p.c));
	sched_client_detach(p.c);
	g_assert_true(sched_client_frame(p.c));
	play_fini(&p);
}

static void test_quota(void)
{
	struct sched_limits l = { 1, 2, 3 };
	struct sched_client *alone;
	struct play p;

	play_init(&p);
	g_assert_true(sched_client_limits(p.c, &l));
	g_assert_cmpuint(l.memory_max + l.max_resources + l.max_contexts, ==,
			 0);
	atomic_store(&p.s.grant->memory_max, 1ull << 40);
	atomic_store(&p.s.grant->max_resources, 10);
	atomic_store(&p.s.grant->max_contexts, 20);
	g_assert_true(sched_client_limits(p.c, &l));
	g_assert_cmpuint(l.memory_max, ==, 1ull << 40);
	/* vgpud's death lifts no quota */
	sched_client_detach(p.c);
	memset(&l, 0, sizeof(l));
	g_assert_true(sched_client_limits(p.c, &l));
	g_assert_cmpuint(l.memory_max, ==, 1ull << 40);
	g_assert_cmpuint(l.max_resources, ==, 10);
	g_assert_cmpuint(l.max_contexts, ==, 20);

	alone = sched_client_new(p.loop, NULL, count_grant, &p.granted);
	l.max_contexts = 99;
	g_assert_false(sched_client_limits(alone, &l));
	g_assert_cmpuint(l.max_contexts, ==, 99);
	sched_client_free(alone);
	play_fini(&p);
}

static void test_units(void)
{
	struct play p;
	uint64_t now, start;

	play_init(&p);
	g_assert_cmpuint(p.c->unit_ns, ==, 0);
	g_assert_true(sched_client_acquire(p.c));
	sched_client_retire(p.c);
	g_assert_cmpuint(p.c->unit_ns, ==, 0);	/* no units */
	for (int i = 0; i < 3; i++) {
		g_assert_true(sched_client_acquire(p.c));
		sched_client_units(p.c, 10);
		g_usleep(3000);
		sched_client_retire(p.c);
		g_assert_cmpuint(p.c->unit_ns, >=, 300000);
	}
	g_assert_cmpuint(p.s.report->clock, ==, VGPU_CLOCK_FENCE);
	/* the kernel's time stamp counts, if it can be true */
	now = p.s.report->gpu_ns;
	start = event_now_ns();
	g_assert_true(sched_client_acquire(p.c));
	g_usleep(3000);
	sched_client_retire_at(p.c, start + MS);
	g_assert_cmpuint(p.s.report->clock, ==, VGPU_CLOCK_SYNC_FILE);
	g_assert_cmpuint(p.s.report->gpu_ns - now, <=, MS);
	g_assert_true(sched_client_acquire(p.c));
	sched_client_retire_at(p.c, UINT64_MAX);
	g_assert_cmpuint(p.s.report->clock, ==, VGPU_CLOCK_FENCE);
	now = p.s.report->gpu_ns;
	g_assert_true(sched_client_acquire(p.c));
	sched_client_retire_at(p.c, 1);		/* before it began */
	g_assert_cmpuint(p.s.report->gpu_ns, ==, now);
	g_assert_false(sched_client_contended(p.c));
	atomic_store(&p.s.grant->notify, 1);
	g_assert_true(sched_client_contended(p.c));
	sched_client_detach(p.c);
	g_assert_false(sched_client_contended(p.c));
	play_fini(&p);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	runner_add("/sched/limits/name", test_name, 0);
	runner_add("/sched/limits/max-inflight", test_max_inflight, 0);
	runner_add("/sched/limits/max-inflight-revoked",
		   test_max_inflight_revoked, 0);
	runner_add("/sched/limits/frames", test_frames, 0);
	runner_add("/sched/limits/quota", test_quota, 0);
	runner_add("/sched/limits/units", test_units, 0);
	return runner_run();
}
