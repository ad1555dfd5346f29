/* SPDX-License-Identifier: MIT */
/*
 * arbiter_play.h - the arbiter with workers that are made up
 *
 * A fake worker is the real client on the pages that the arbiter gave out; its
 * jobs take as long as a timer says, and its CPU time is that sum, so shares do
 * not hang on how busy this host is.
 */
#ifndef TESTS_UNIT_ARBITER_PLAY_H
#define TESTS_UNIT_ARBITER_PLAY_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "protocol/vgpu_sched.h"
#include "sched/arbiter.h"
#include "sched/client.h"
#include "tests/lib/runner.h"

#define MS	1000000ull
#define WORKERS	4

struct worker {
	struct arbiter_vm *vm;
	struct sched_client *client;
	struct event_source *done;	/* the running job ends */
	struct event_source *next;	/* the program thinks of another */
	unsigned int queued, running;
	unsigned int job_ms, think_ms;
	uint64_t cpu_ns;
	bool stuck;			/* jobs do not end */
	unsigned int jobs;
};

static struct event_loop *loop;
static struct arbiter *arbiter;
static struct worker workers[WORKERS];
static struct worker *hung;
static unsigned int hung_count;
static char hung_reason[256];

static inline int fake_cpu_clock(pid_t pid, uint64_t *ns)
{
	*ns = workers[pid - 1].cpu_ns;
	return 0;
}

static inline void on_hung(void *opaque, const char *reason)
{
	hung = opaque;
	hung_count++;
	g_strlcpy(hung_reason, reason, sizeof(hung_reason));
	g_test_message("hung: %s", reason);
}

static inline void setup(bool cpu, uint64_t soft_ns, uint64_t hard_ns)
{
	const struct arbiter_config config = {
		.cpu_renderer = cpu, .soft_ns = soft_ns, .hard_ns = hard_ns,
		.hung = on_hung, .cpu_clock = fake_cpu_clock,
	};

	loop = event_loop_new();
	arbiter = arbiter_new(loop, &config);
	g_assert_nonnull(arbiter);
}

static inline void try_next(void *opaque)
{
	struct worker *w = opaque;

	while (w->queued && sched_client_acquire(w->client)) {
		w->queued--;
		if (!w->running++ && !w->stuck)
			event_set_timer(w->done, w->job_ms * 1000);
	}
}

static inline void on_think(void *opaque)
{
	struct worker *w = opaque;

	w->queued++;
	try_next(w);
}

static inline void on_done(void *opaque)
{
	struct worker *w = opaque;

	w->cpu_ns += w->job_ms * MS;
	w->jobs++;
	w->running--;
	sched_client_retire(w->client);
	if (w->running)
		event_set_timer(w->done, w->job_ms * 1000);
	if (w->think_ms) {
		event_set_timer(w->next, w->think_ms * 1000);
	} else {
		w->queued++;
		try_next(w);
	}
}

static inline struct sched_fds copy(const struct arbiter_fds *fds)
{
	return (struct sched_fds){
		fcntl(fds->grant_page, F_DUPFD_CLOEXEC, 3),
		fcntl(fds->report_page, F_DUPFD_CLOEXEC, 3),
		fcntl(fds->grant_fd, F_DUPFD_CLOEXEC, 3),
		fcntl(fds->want_fd, F_DUPFD_CLOEXEC, 3),
	};
}

static inline struct worker *add(int i, uint32_t weight, unsigned int job_ms,
			  unsigned int think_ms)
{
	struct worker *w = &workers[i];
	struct arbiter_fds fds;
	struct sched_fds mine;
	char name[8];

	g_snprintf(name, sizeof(name), "vm%d", i);
	*w = (struct worker){ .job_ms = job_ms, .think_ms = think_ms };
	w->vm = arbiter_vm_new(arbiter, name, weight, w);
	g_assert_cmpint(arbiter_vm_attach(w->vm, &fds), ==, 0);
	mine = copy(&fds);
	w->client = sched_client_new(loop, &mine, try_next, w);
	w->done = event_add_timer(loop, on_done, w);
	w->next = event_add_timer(loop, on_think, w);
	arbiter_vm_worker(w->vm, i + 1);
	return w;
}

static inline void start(struct worker *w, unsigned int jobs)
{
	w->queued += jobs;
	try_next(w);
}

static inline void teardown(void)
{
	int i;

	for (i = 0; i < WORKERS; i++) {
		struct worker *w = &workers[i];

		if (!w->vm)
			continue;
		arbiter_vm_free(w->vm);
		sched_client_free(w->client);
		event_del(w->done);
		event_del(w->next);
		memset(w, 0, sizeof(*w));
	}
	arbiter_free(arbiter);
	event_loop_free(loop);
}

/* Run the loop until one worker has done that many jobs. */
static inline void run_jobs(struct worker *w, unsigned int jobs)
{
	uint64_t end = event_now_ns() + 40000 * MS;
	unsigned int until = w->jobs + jobs;

	while (w->jobs < until) {
		g_assert_cmpuint(event_now_ns(), <, end);
		event_loop_iterate(loop, 1000);
	}
}

static inline void run_ms(unsigned int ms)
{
	uint64_t end = event_now_ns() + ms * MS;

	while (event_now_ns() < end)
		event_loop_iterate(loop, 10);
}

static inline struct arbiter_stats stats_of(struct worker *w)
{
	struct arbiter_stats s;

	arbiter_vm_stats(w->vm, &s);
	return s;
}

/* Share of each in what all used while one of them did that many jobs. */
static inline void measure(struct worker *w, unsigned int jobs, double *share)
{
	uint64_t before[WORKERS], all = 0;
	int i;

	for (i = 0; i < WORKERS; i++)
		before[i] = workers[i].cpu_ns;
	run_jobs(w, jobs);
	for (i = 0; i < WORKERS; i++)
		all += workers[i].cpu_ns - before[i];
	for (i = 0; i < WORKERS; i++)
		share[i] = (double)(workers[i].cpu_ns - before[i]) / (double)all;
}

static inline void limit(struct worker *w, struct arbiter_limits limits)
{
	limits.weight = limits.weight ? limits.weight : 100;
	arbiter_vm_set_limits(w->vm, &limits);
}

#endif
