// SPDX-License-Identifier: MIT
/*
 * test-sched-client.c - a worker's side of the lease, against a thread that
 * plays vgpud on the same two pages
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/shm.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"
#include "tests/lib/runner.h"
#include "tests/unit/sched_side.h"

#define ROUNDS	3000

/* ---- one thread ---- */

static void test_free_running(void)
{
	struct event_loop *loop = event_loop_new();
	int granted = 0, i;
	struct sched_client *c = sched_client_new(loop, NULL, count_grant,
						  &granted);
	struct vgpu_sched_report *r = sched_client_report(c);

	/* more than the client has room for at first */
	for (i = 0; i < 1000; i++)
		g_assert_true(sched_client_acquire(c));
	g_assert_cmpuint(r->inflight, ==, 1000);
	g_assert_cmpuint(r->oldest_job_ns, !=, 0);
	g_assert_cmpuint(r->busy_since_ns, !=, 0);
	for (i = 0; i < 500; i++)
		sched_client_retire(c);
	for (i = 0; i < 700; i++)
		g_assert_true(sched_client_acquire(c));
	for (i = 0; i < 1200; i++)
		sched_client_retire(c);
	g_assert_cmpuint(r->inflight, ==, 0);
	g_assert_cmpuint(r->jobs, ==, 1700);
	g_assert_cmpuint(r->oldest_job_ns, ==, 0);
	g_assert_cmpuint(r->busy_since_ns, ==, 0);
	g_assert_cmpuint(r->busy_ns, >, 0);
	g_assert_cmpuint(r->gpu_ns, >, 0);
	/* jobs in parallel are not counted twice */
	g_assert_cmpuint(r->gpu_ns, <=, r->busy_ns);
	sched_client_enter(c);
	g_assert_cmpuint(r->submit_started_ns, !=, 0);
	sched_client_leave(c);
	g_assert_cmpuint(r->submit_started_ns, ==, 0);
	sched_client_detach(c);		/* nothing to detach from */
	g_assert_cmpint(granted, ==, 0);
	sched_client_free(c);
	event_loop_free(loop);
}

/* Acquire, wait, be granted, work, be revoked. */
static void test_lease(void)
{
	struct event_loop *loop = event_loop_new();
	struct arbiter_side s;
	struct sched_client *c;
	struct sched_fds fds;
	int granted = 0;

	side_init(&s, true);
	fds = side_copy(&s);
	c = sched_client_new(loop, &fds, count_grant, &granted);
	g_assert_nonnull(c);
	g_assert_cmpint(fds.grant_page, ==, -1);	/* consumed */
	g_assert_cmpuint(s.report->magic, ==, VGPU_SCHED_MAGIC);

	g_assert_false(sched_client_acquire(c));
	g_assert_cmpuint(s.report->want, ==, 1);
	g_assert_cmpuint(s.report->inflight, ==, 0);
	g_assert_cmpuint(s.report->busy_since_ns, !=, 0);
	g_assert_true(drain(s.fds.want_fd));

	atomic_store(&s.grant->lease, 1);
	kick(s.fds.grant_fd);
	event_loop_iterate(loop, 1000);
	g_assert_cmpint(granted, ==, 1);
	g_assert_true(sched_client_acquire(c));
	g_assert_true(sched_client_acquire(c));
	g_assert_cmpuint(s.report->want, ==, 0);
	g_assert_cmpuint(s.report->inflight, ==, 2);
	g_assert_cmpuint(s.report->wait_ns, >, 0);

	/* taken back: what is in flight may end, and then it says so */
	atomic_store(&s.grant->lease, 0);
	g_assert_false(sched_client_acquire(c));
	g_assert_cmpuint(s.report->inflight, ==, 2);
	drain(s.fds.want_fd);
	sched_client_retire(c);
	g_assert_false(drain(s.fds.want_fd));
	sched_client_retire(c);
	g_assert_true(drain(s.fds.want_fd));
	g_assert_cmpuint(s.report->want, ==, 1);

	sched_client_free(c);
	side_fini(&s);
	event_loop_free(loop);
}

/* While it holds the lease and nobody waits there is no system call. */
static void test_silent(void)
{
	struct event_loop *loop = event_loop_new();
	struct arbiter_side s;
	struct sched_client *c;
	struct sched_fds fds;
	int granted = 0, i;

	side_init(&s, true);
	fds = side_copy(&s);
	c = sched_client_new(loop, &fds, count_grant, &granted);
	atomic_store(&s.grant->lease, 5);
	for (i = 0; i < 100; i++) {
		g_assert_true(sched_client_acquire(c));
		sched_client_retire(c);
	}
	g_assert_false(drain(s.fds.want_fd));

	/* somebody waits: it says when it runs dry, and keeps a few in flight */
	atomic_store(&s.grant->notify, 1);
	for (i = 0; i < VGPU_SCHED_DEPTH; i++)
		g_assert_true(sched_client_acquire(c));
	g_assert_false(sched_client_acquire(c));
	/* it waits for itself: nobody else is to wake up */
	g_assert_false(drain(s.fds.want_fd));
	sched_client_retire(c);
	g_assert_false(drain(s.fds.want_fd));
	/* no lease is missing, so it goes on by itself */
	event_loop_iterate(loop, 1000);
	g_assert_cmpint(granted, ==, 1);
	g_assert_true(sched_client_acquire(c));
	for (i = 0; i < VGPU_SCHED_DEPTH; i++)
		sched_client_retire(c);
	g_assert_true(drain(s.fds.want_fd));
	sched_client_free(c);
	side_fini(&s);
	event_loop_free(loop);
}

/* The job that waited is gone when the lease comes: it wants no more. */
static void test_lost_interest(void)
{
	struct event_loop *loop = event_loop_new();
	struct arbiter_side s;
	struct sched_client *c;
	struct sched_fds fds;
	int granted = 0;

	side_init(&s, true);
	fds = side_copy(&s);
	c = sched_client_new(loop, &fds, count_grant, &granted);
	g_assert_false(sched_client_acquire(c));
	atomic_store(&s.grant->lease, 1);
	kick(s.fds.grant_fd);
	event_loop_iterate(loop, 1000);
	g_assert_cmpint(granted, ==, 1);
	g_assert_cmpuint(s.report->want, ==, 0);
	g_assert_cmpuint(s.report->busy_since_ns, ==, 0);
	sched_client_free(c);
	side_fini(&s);
	event_loop_free(loop);
}

static void test_detach(void)
{
	struct event_loop *loop = event_loop_new();
	struct arbiter_side s;
	struct sched_client *c;
	struct sched_fds fds;
	int granted = 0, i;

	side_init(&s, true);
	fds = side_copy(&s);
	c = sched_client_new(loop, &fds, count_grant, &granted);
	g_assert_false(sched_client_acquire(c));
	sched_client_detach(c);
	/* not from inside the call, but from the loop */
	g_assert_cmpint(granted, ==, 0);
	event_loop_iterate(loop, 1000);
	g_assert_cmpint(granted, ==, 1);
	for (i = 0; i < 10; i++)
		g_assert_true(sched_client_acquire(c));
	for (i = 0; i < 10; i++)
		sched_client_retire(c);
	sched_client_detach(c);
	sched_client_free(c);
	side_fini(&s);
	event_loop_free(loop);
}

/*
 * Another vgpud, once the first is gone: figures go on in its pages, at the old
 * address, work in flight retires there, and more needs its lease.
 */
static void attach_another(bool scheduled)
{
	struct event_loop *loop = event_loop_new();
	struct arbiter_side first, second, bad;
	const struct vgpu_sched_report *report;
	struct sched_client *c;
	struct sched_fds fds;
	int granted = 0;

	side_init(&first, true);
	side_init(&second, true);
	side_init(&bad, false);
	bad.grant->magic = 1;
	fds = side_copy(&first);
	c = sched_client_new(loop, scheduled ? &fds : NULL, count_grant,
			     &granted);
	if (!scheduled)
		fdpass_close((int *)&fds, 4);
	report = sched_client_report(c);
	if (scheduled) {
		/* not while there is one */
		fds = side_copy(&second);
		g_assert_cmpint(sched_client_attach(c, loop, &fds), <, 0);
		sched_client_detach(c);
	}
	g_assert_true(sched_client_acquire(c));
	g_assert_true(sched_client_acquire(c));
	sched_client_retire(c);
	sched_client_report(c)->memory = 4711;

	fds = side_copy(&bad);
	g_assert_cmpint(sched_client_attach(c, loop, &fds), <, 0);
	g_assert_cmpint(fds.grant_page, ==, -1);	/* consumed */
	g_assert_true(sched_client_acquire(c));
	sched_client_retire(c);

	fds = side_copy(&second);
	g_assert_cmpint(sched_client_attach(c, loop, &fds), ==, 0);
	g_assert_true(sched_client_report(c) == report);
	g_assert_cmpuint(second.report->magic, ==, VGPU_SCHED_MAGIC);
	g_assert_cmpuint(second.report->jobs, ==, 2);
	g_assert_cmpuint(second.report->inflight, ==, 1);
	g_assert_cmpuint(second.report->memory, ==, 4711);
	g_assert_false(sched_client_acquire(c));
	g_assert_cmpuint(second.report->want, ==, 1);
	g_assert_true(drain(second.fds.want_fd));
	sched_client_retire(c);
	g_assert_cmpuint(second.report->inflight, ==, 0);
	second.grant->lease = 1;
	kick(second.fds.grant_fd);
	event_loop_iterate(loop, 1000);
	g_assert_cmpint(granted, >=, 1);
	g_assert_true(sched_client_acquire(c));
	sched_client_free(c);
	side_fini(&first);
	side_fini(&second);
	side_fini(&bad);
	event_loop_free(loop);
}

static void test_attach(void)
{
	attach_another(true);
	attach_another(false);
}

/* A successor of a worker that died with figures and jobs in its page. */
static void test_successor(void)
{
	struct event_loop *loop = event_loop_new();
	struct arbiter_side s;
	struct sched_client *c;
	struct sched_fds fds;
	int granted = 0;

	side_init(&s, true);
	atomic_store(&s.grant->lease, 9);
	fds = side_copy(&s);
	c = sched_client_new(loop, &fds, count_grant, &granted);
	g_assert_true(sched_client_acquire(c));
	sched_client_report(c)->memory = 77;
	sched_client_free(c);
	g_assert_cmpuint(s.report->inflight, ==, 1);
	fds = side_copy(&s);
	c = sched_client_new(loop, &fds, count_grant, &granted);
	g_assert_cmpuint(s.report->inflight, ==, 0);
	g_assert_cmpuint(s.report->memory, ==, 0);
	g_assert_cmpuint(s.report->busy_since_ns, ==, 0);
	g_assert_cmpuint(s.report->oldest_job_ns, ==, 0);
	sched_client_free(c);
	side_fini(&s);
	event_loop_free(loop);
}

/* Pages that are not what vgpud makes; the runner sees leaked descriptors. */
static void test_bad_pages(void)
{
	struct event_loop *loop = event_loop_new();
	struct arbiter_side s;
	int bad;

	side_init(&s, true);
	for (bad = 0; bad < 5; bad++) {
		struct sched_fds fds = side_copy(&s);
		int *slot = bad & 1 ? &fds.grant_page : &fds.report_page;

		if (bad == 4) {
			s.grant->magic = 1;
		} else {
			close(*slot);
			if (bad < 2) {	/* could shrink below us */
				*slot = memfd_create("bad", MFD_CLOEXEC |
						     MFD_ALLOW_SEALING);
				g_assert_cmpint(ftruncate(*slot, 4096), ==, 0);
			} else {	/* too small */
				*slot = shm_create("bad", 100);
			}
		}
		errno = 0;
		g_assert_null(sched_client_new(loop, &fds, count_grant, NULL));
		g_assert_cmpint(errno, !=, 0);
		g_assert_cmpint(fds.want_fd, ==, -1);
	}
	side_fini(&s);
	event_loop_free(loop);
}

/* ---- two threads ---- */

struct hammer {
	struct arbiter_side side;
	struct event_loop *loop;
	struct sched_client *client;
	_Atomic bool done;
	uint64_t exclusive;		/* whose lease it is may touch it: not
					   atomic, so that TSan checks the lease */
	uint64_t inside, outside;
	unsigned int revocations, waits, inflight, random;
};

static void pause_a_little(unsigned int *random)
{
	volatile unsigned int spin;

	*random = *random * 1103515245 + 12345;
	for (spin = *random >> 22; spin; spin--)
		;
}

static void await_drain(struct hammer *h)
{
	struct arbiter_side *s = &h->side;

	while (atomic_load(&s->report->inflight) && !atomic_load(&h->done)) {
		drain(s->fds.want_fd);
		g_usleep(1);
	}
}

/* vgpud: grant, take back at any instant, use the lane, grant again. */
static void *play_vgpud(void *opaque)
{
	struct hammer *h = opaque;
	struct arbiter_side *s = &h->side;
	unsigned int random = 1;
	uint64_t lease = 0;
	int i;

	for (i = 0; i < ROUNDS && !atomic_load(&h->done); i++) {
		atomic_store(&s->grant->notify, random >> 20 & 1);
		atomic_store(&s->grant->lease, ++lease);
		kick(s->fds.grant_fd);
		pause_a_little(&random);
		if (i % 8 == 0)
			g_usleep(50);
		atomic_store(&s->grant->lease, 0);
		if (atomic_load(&s->report->inflight)) {
			h->waits++;
			await_drain(h);
		}
		/* the lease is back: nobody else is in there */
		h->exclusive++;
		h->outside++;
		pause_a_little(&random);
	}
	h->revocations = (unsigned int)i;
	atomic_store(&h->done, true);
	atomic_store(&s->grant->lease, ++lease);
	kick(s->fds.grant_fd);
	return NULL;
}

static void hammer_work(void *opaque)
{
	struct hammer *h = opaque;

	while (!atomic_load(&h->done) && sched_client_acquire(h->client)) {
		h->exclusive++;
		h->inside++;
		h->inflight++;
		pause_a_little(&h->random);
		/* sometimes two in flight */
		if (h->inflight > 1 || h->random >> 30) {
			while (h->inflight) {
				h->inflight--;
				sched_client_retire(h->client);
			}
		}
	}
	while (h->inflight) {
		h->inflight--;
		sched_client_retire(h->client);
	}
}

/*
 * TSan follows addresses, not pages: both sides have to use one mapping for it
 * to see how they synchronise.
 */
static void share_mapping(struct hammer *h)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, found = 0;
	char line[512], mode[8];

	g_assert_nonnull(maps);
	while (fgets(line, sizeof(line), maps)) {
		if (strstr(line, "memfd:grant") &&
		    sscanf(line, "%lx-%lx %7s", &start, &end, mode) == 3 &&
		    mode[1] == '-')
			found = start;
	}
	fclose(maps);
	g_assert_cmpuint(found, !=, 0);
	g_assert_cmpint(mprotect((void *)found, VGPU_SCHED_PAGE_SIZE,
				 PROT_READ | PROT_WRITE), ==, 0);
	shm_unmap(h->side.grant, VGPU_SCHED_PAGE_SIZE);
	h->side.grant = (void *)found;
	shm_unmap((void *)h->side.report, VGPU_SCHED_PAGE_SIZE);
	h->side.report = sched_client_report(h->client);
}

static void test_hammer(void)
{
	struct hammer h = { .random = 7 };
	struct sched_fds fds;
	pthread_t thread;

	side_init(&h.side, false);
	h.loop = event_loop_new();
	fds = side_copy(&h.side);
	h.client = sched_client_new(h.loop, &fds, hammer_work, &h);
	share_mapping(&h);
	g_assert_false(sched_client_acquire(h.client));
	g_assert_cmpint(pthread_create(&thread, NULL, play_vgpud, &h), ==, 0);
	while (!atomic_load(&h.done))
		event_loop_iterate(h.loop, 100);
	pthread_join(thread, NULL);
	/* no increment was lost, so the two were never inside together */
	g_assert_cmpuint(h.exclusive, ==, h.inside + h.outside);
	g_assert_cmpuint(h.revocations, ==, ROUNDS);
	g_assert_cmpuint(h.inside, >, 0);
	g_test_message("%u revocations, %u of them under a job, %u jobs",
		       h.revocations, h.waits, (unsigned int)h.inside);
	h.side.grant = NULL;	/* the client's */
	h.side.report = NULL;
	sched_client_free(h.client);
	side_fini(&h.side);
	event_loop_free(h.loop);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	runner_add("/sched/client/free-running", test_free_running, 0);
	runner_add("/sched/client/lease", test_lease, 0);
	runner_add("/sched/client/silent", test_silent, 0);
	runner_add("/sched/client/lost-interest", test_lost_interest, 0);
	runner_add("/sched/client/detach", test_detach, 0);
	runner_add("/sched/client/attach-again", test_attach, 0);
	runner_add("/sched/client/successor", test_successor, 0);
	runner_add("/sched/client/bad-pages", test_bad_pages, 0);
	runner_add("/sched/client/hammer", test_hammer, 0);
	return runner_run();
}
