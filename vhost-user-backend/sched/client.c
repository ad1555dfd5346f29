// SPDX-License-Identifier: MIT
/*
 * client.c - a worker's side of the lease
 *
 * One thread. The order of the two accesses in sched_client_acquire() and in
 * sched_client_retire() is the protocol (protocol/vgpu_sched.h): inflight is
 * written before lease is read, both sequentially consistent. Everything else
 * in the report is plain accounting, written relaxed.
 */
#include "sched/client.h"

#include <errno.h>
#include <stdatomic.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/shm.h"
#include "protocol/vgpu_sched.h"

G_STATIC_ASSERT(sizeof(struct vgpu_sched_grant) <= VGPU_SCHED_PAGE_SIZE);
G_STATIC_ASSERT(sizeof(struct vgpu_sched_report) <= VGPU_SCHED_PAGE_SIZE);

#define SET(field, value) \
	atomic_store_explicit(&(field), (value), memory_order_relaxed)
#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)

struct sched_client {
	const struct vgpu_sched_grant *grant;	/* NULL: free running */
	struct vgpu_sched_report *report;
	struct vgpu_sched_report private_report; /* when there is no vgpud */
	struct sched_fds fds;
	struct event_source *grant_source;
	void (*granted)(void *opaque);
	void *opaque;

	uint64_t waiting_since_ns;	/* 0: no acquire has failed */
	uint64_t last_retire_ns;

	/* submit times of the jobs in flight: a ring, oldest at tail */
	uint64_t *submitted;
	uint32_t size;			/* power of two */
	uint32_t tail, count;
};

static void on_grant(void *opaque, unsigned int events);

static void fds_close(struct sched_fds *fds)
{
	int all[] = { fds->grant_page, fds->report_page, fds->grant_fd,
		      fds->want_fd };

	fdpass_close(all, G_N_ELEMENTS(all));
	*fds = (struct sched_fds){ -1, -1, -1, -1 };
}

/* A predecessor may have died in the middle of anything. */
static void report_clear(struct vgpu_sched_report *r)
{
	SET(r->want, 0);
	SET(r->submit_started_ns, 0);
	SET(r->oldest_job_ns, 0);
	SET(r->gpu_ns, 0);
	SET(r->jobs, 0);
	SET(r->busy_ns, 0);
	SET(r->busy_since_ns, 0);
	SET(r->wait_ns, 0);
	SET(r->frames, 0);
	SET(r->memory, 0);
	SET(r->resources, 0);
	SET(r->contexts, 0);
	SET(r->errors, 0);
	atomic_store(&r->inflight, 0);
	r->magic = VGPU_SCHED_MAGIC;
}

static int join(struct sched_client *client, struct event_loop *loop)
{
	struct sched_fds *fds = &client->fds;

	client->grant = shm_map(fds->grant_page, VGPU_SCHED_PAGE_SIZE, false);
	if (!client->grant)
		return -errno;
	if (client->grant->magic != VGPU_SCHED_MAGIC)
		return -EPROTO;
	client->report = shm_map(fds->report_page, VGPU_SCHED_PAGE_SIZE, true);
	if (!client->report)
		return -errno;
	client->grant_source = event_add_fd(loop, fds->grant_fd, EVENT_IN,
					    on_grant, client);
	return 0;
}

struct sched_client *sched_client_new(struct event_loop *loop,
				      struct sched_fds *fds,
				      void (*granted)(void *opaque),
				      void *opaque)
{
	struct sched_client *client = g_new0(struct sched_client, 1);
	int ret;

	client->granted = granted;
	client->opaque = opaque;
	client->size = 64;
	client->submitted = g_new(uint64_t, client->size);
	client->report = &client->private_report;
	client->fds = (struct sched_fds){ -1, -1, -1, -1 };
	if (fds) {
		client->fds = *fds;
		*fds = (struct sched_fds){ -1, -1, -1, -1 };
		ret = join(client, loop);
		if (ret) {
			sched_client_free(client);
			errno = -ret;
			return NULL;
		}
	}
	report_clear(client->report);
	return client;
}

void sched_client_free(struct sched_client *client)
{
	if (!client)
		return;
	event_del(client->grant_source);
	if (client->report != &client->private_report)
		shm_unmap(client->report, VGPU_SCHED_PAGE_SIZE);
	shm_unmap((void *)client->grant, VGPU_SCHED_PAGE_SIZE);
	fds_close(&client->fds);
	g_free(client->submitted);
	g_free(client);
}

static void kick(int fd)
{
	uint64_t one = 1;

	/* can fail only when the counter is full: then it is readable anyway */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

/* Busy: a job waits or is in flight. Called after either has changed. */
static void account_busy(struct sched_client *client, uint64_t now)
{
	struct vgpu_sched_report *r = client->report;
	uint64_t since = GET(r->busy_since_ns);
	bool busy = client->count || client->waiting_since_ns;

	if (busy && !since) {
		SET(r->busy_since_ns, now);
	} else if (!busy && since) {
		SET(r->busy_since_ns, 0);
		SET(r->busy_ns, GET(r->busy_ns) + (now - since));
	}
}

static void stop_waiting(struct sched_client *client, uint64_t now)
{
	struct vgpu_sched_report *r = client->report;

	if (!client->waiting_since_ns)
		return;
	SET(r->wait_ns, GET(r->wait_ns) + (now - client->waiting_since_ns));
	client->waiting_since_ns = 0;
	SET(r->want, 0);
}

static void on_grant(void *opaque, unsigned int events)
{
	struct sched_client *client = opaque;
	uint64_t count;

	if (read(client->fds.grant_fd, &count, sizeof(count)) < 0)
		return;
	/*
	 * The waiting job may be gone (a reset), and then nobody calls acquire:
	 * stop wanting here. What still waits asks again in the callback.
	 */
	stop_waiting(client, event_now_ns());
	client->granted(client->opaque);
	account_busy(client, event_now_ns());
}

void sched_client_detach(struct sched_client *client)
{
	if (!client->grant)
		return;
	shm_unmap((void *)client->grant, VGPU_SCHED_PAGE_SIZE);
	client->grant = NULL;
	/* a failed acquire is tried again from the loop, as after a grant */
	if (client->waiting_since_ns)
		kick(client->fds.grant_fd);
}

static void push_job(struct sched_client *client, uint64_t now)
{
	uint32_t i;

	if (client->count == client->size) {
		uint64_t *bigger = g_new(uint64_t, client->size * 2);

		for (i = 0; i < client->count; i++)
			bigger[i] = client->submitted[(client->tail + i) &
						      (client->size - 1)];
		g_free(client->submitted);
		client->submitted = bigger;
		client->size *= 2;
		client->tail = 0;
	}
	client->submitted[(client->tail + client->count) &
			  (client->size - 1)] = now;
	if (!client->count++)
		SET(client->report->oldest_job_ns, now);
}

/* No lease; or, while another VM waits, enough to keep the GPU busy. */
static bool must_wait(struct sched_client *client)
{
	const struct vgpu_sched_grant *grant = client->grant;

	if (!grant)
		return false;
	if (!atomic_load(&grant->lease))
		return true;
	return client->count >= VGPU_SCHED_DEPTH && atomic_load(&grant->notify);
}

static void wait_for_turn(struct sched_client *client)
{
	struct vgpu_sched_report *r = client->report;
	uint64_t now = event_now_ns();

	if (!client->waiting_since_ns)
		client->waiting_since_ns = now;
	account_busy(client, now);
	atomic_store(&r->want, 1);
	/*
	 * Also when want was set before: vgpud may have seen the count that was
	 * just undone.
	 */
	kick(client->fds.want_fd);
}

bool sched_client_acquire(struct sched_client *client)
{
	struct vgpu_sched_report *r = client->report;
	uint64_t now;

	atomic_store(&r->inflight, client->count + 1);
	if (must_wait(client)) {
		atomic_store(&r->inflight, client->count);
		wait_for_turn(client);
		return false;
	}
	now = event_now_ns();
	stop_waiting(client, now);
	push_job(client, now);
	account_busy(client, now);
	return true;
}

void sched_client_enter(struct sched_client *client)
{
	SET(client->report->submit_started_ns, event_now_ns());
}

void sched_client_leave(struct sched_client *client)
{
	SET(client->report->submit_started_ns, 0);
}

void sched_client_retire(struct sched_client *client)
{
	struct vgpu_sched_report *r = client->report;
	uint64_t now, start, lease;

	g_return_if_fail(client->count);
	now = event_now_ns();
	start = MAX(client->submitted[client->tail], client->last_retire_ns);
	client->last_retire_ns = now;
	client->tail = (client->tail + 1) & (client->size - 1);
	client->count--;

	SET(r->oldest_job_ns,
	    client->count ? client->submitted[client->tail] : 0);
	SET(r->gpu_ns, GET(r->gpu_ns) + (now - start));
	SET(r->jobs, GET(r->jobs) + 1);
	account_busy(client, now);
	atomic_store(&r->inflight, client->count);
	if (!client->grant)
		return;
	lease = atomic_load(&client->grant->lease);
	if (!client->count && (!lease || atomic_load(&client->grant->notify)))
		kick(client->fds.want_fd);
	/* it waited for the depth, not for a lease */
	if (lease && client->waiting_since_ns)
		kick(client->fds.grant_fd);
}

struct vgpu_sched_report *sched_client_report(struct sched_client *client)
{
	return client->report;
}
