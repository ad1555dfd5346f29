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
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/shm.h"
#include "sched/average.h"
#include "sched/client_private.h"
#include "sched/clock.h"

G_STATIC_ASSERT(sizeof(struct vgpu_sched_grant) <= VGPU_SCHED_PAGE_SIZE);
G_STATIC_ASSERT(sizeof(struct vgpu_sched_report) <= VGPU_SCHED_PAGE_SIZE);

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
	SET(r->busy_ns, 0);
	SET(r->busy_since_ns, 0);
	SET(r->wait_ns, 0);
	SET(r->frames, 0);
	SET(r->memory, 0);
	SET(r->resources, 0);
	SET(r->contexts, 0);
	SET(r->errors, 0);
	SET(r->refused, 0);
	SET(r->clock, VGPU_CLOCK_NONE);
	SET(r->context, 0);
	for (size_t i = 0; i < VGPU_SCHED_NAME_MAX; i++)
		SET(r->name[i], 0);
	SET(r->name_seq, 0);
	atomic_store(&r->inflight, 0);
	r->magic = VGPU_SCHED_MAGIC;
	/* last: by it vgpud knows that all of this is ours */
	atomic_store(&r->jobs, 0);
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
	client->ring = g_new(struct job, client->size);
	client->frame_timer = event_add_timer(loop, client_on_frame, client);
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
	if (!fds)
		client->report = mmap(NULL, VGPU_SCHED_PAGE_SIZE,
				      PROT_READ | PROT_WRITE,
				      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (client->report == MAP_FAILED) {
		client->report = NULL;
		sched_client_free(client);
		errno = ENOMEM;
		return NULL;
	}
	report_clear(client->report);
	return client;
}

void sched_client_free(struct sched_client *client)
{
	if (!client)
		return;
	event_del(client->frame_timer);
	event_del(client->grant_source);
	shm_unmap(client->report, VGPU_SCHED_PAGE_SIZE);
	shm_unmap((void *)client->grant, VGPU_SCHED_PAGE_SIZE);
	fds_close(&client->fds);
	g_free(client->ring);
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

static void not_full(struct sched_client *client)
{
	if (!client->full)
		return;
	client->full = false;
	SET(client->report->want, 0);
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
	not_full(client);
	client->granted(client->opaque);
	account_busy(client, event_now_ns());
}

void sched_client_detach(struct sched_client *client)
{
	if (!client->grant)
		return;
	client->had_limits = sched_client_limits(client, &client->limits);
	shm_unmap((void *)client->grant, VGPU_SCHED_PAGE_SIZE);
	client->grant = NULL;
	/* a failed acquire is tried again from the loop, as after a grant */
	if (client->waiting_since_ns || client->full)
		kick(client->fds.grant_fd);
}

/* The figures so far go to the new page, and that to the old one's address. */
static int move_report(struct sched_client *client, int fd)
{
	void *page = shm_map(fd, VGPU_SCHED_PAGE_SIZE, true);

	if (!page)
		return -errno;
	memcpy(page, client->report, sizeof(*client->report));
	shm_unmap(page, VGPU_SCHED_PAGE_SIZE);
	if (mmap(client->report, VGPU_SCHED_PAGE_SIZE, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED)
		return -errno;
	return 0;
}

int sched_client_attach(struct sched_client *client, struct event_loop *loop,
			struct sched_fds *fds)
{
	const struct vgpu_sched_grant *grant;
	int ret = -EPROTO;

	grant = client->grant ? NULL :
		shm_map(fds->grant_page, VGPU_SCHED_PAGE_SIZE, false);
	if (grant && grant->magic == VGPU_SCHED_MAGIC)
		ret = move_report(client, fds->report_page);
	if (ret) {
		shm_unmap((void *)grant, VGPU_SCHED_PAGE_SIZE);
		fds_close(fds);
		return ret;
	}
	event_del(client->grant_source);
	fds_close(&client->fds);
	client->fds = *fds;
	*fds = (struct sched_fds){ -1, -1, -1, -1 };
	client->grant = grant;
	client->grant_source = event_add_fd(loop, client->fds.grant_fd,
					    EVENT_IN, on_grant, client);
	/* a job that waits, waits for this vgpud */
	kick(client->fds.grant_fd);
	return 0;
}

static void push_job(struct sched_client *client, uint64_t now)
{
	uint32_t i;

	if (client->count == client->size) {
		struct job *bigger = g_new(struct job, client->size * 2);

		for (i = 0; i < client->count; i++)
			bigger[i] = *job_at(client, i);
		g_free(client->ring);
		client->ring = bigger;
		client->size *= 2;
		client->tail = 0;
	}
	*job_at(client, client->count) = (struct job){ .submitted_ns = now };
	if (!client->count++)
		SET(client->report->oldest_job_ns, now);
}

void sched_client_units(struct sched_client *client, uint32_t units)
{
	g_return_if_fail(client->count);
	job_at(client, client->count - 1)->units = units;
}

/* Another VM comes and goes, and each time waits for what is in flight. */
static bool is_shared(const struct sched_client *client)
{
	return client->grant && GET(client->grant->shared);
}

bool sched_client_contended(const struct sched_client *client)
{
	return is_shared(client) ||
		(client->grant && atomic_load(&client->grant->notify));
}

uint32_t sched_client_units_allowed(const struct sched_client *client,
				    uint32_t left, uint64_t most_ns)
{
	uint64_t fit, jobs;

	if (!sched_client_contended(client))
		return UINT32_MAX;
	/* who only waits for its share cares less for when */
	if (!is_shared(client))
		most_ns *= 2;
	fit = client->unit_ns ? MAX(most_ns / client->unit_ns, 1) : 1;
	if (left <= fit)
		return UINT32_MAX;
	/* of the same length, rather than a short one at the end */
	jobs = (left + fit - 1) / fit;
	return (uint32_t)((left + jobs - 1) / jobs);
}

/* Enough to keep the GPU busy is in flight, and another VM wants it. */
static bool is_deep(const struct sched_client *client)
{
	uint32_t least = is_shared(client) ? 1 : 2;

	if (client->count < least || !sched_client_contended(client))
		return false;
	return !client->job_ns || client->count >= VGPU_SCHED_DEPTH ||
		client->count * client->job_ns >= VGPU_SCHED_QUEUE_NS;
}

static bool must_wait(struct sched_client *client)
{
	const struct vgpu_sched_grant *grant = client->grant;

	return grant && (!atomic_load(&grant->lease) || is_deep(client));
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
	 * just undone. But who has a lease waits for its own jobs, and if it is
	 * taken back now, the last of them tells.
	 */
	if (!client->count || !atomic_load(&client->grant->lease))
		kick(client->fds.want_fd);
}

/* Its own limit: nothing that vgpud could do about it. */
static bool is_full(struct sched_client *client)
{
	uint32_t max = client->grant ? GET(client->grant->max_inflight) : 0;

	return max && client->count >= max;
}

bool sched_client_acquire(struct sched_client *client)
{
	struct vgpu_sched_report *r = client->report;
	uint64_t now;

	if (is_full(client)) {
		client->full = true;	/* tried again at a retire */
		SET(r->want, 1);	/* but not without work */
		return false;
	}

	atomic_store(&r->inflight, client->count + 1);
	if (must_wait(client)) {
		atomic_store(&r->inflight, client->count);
		wait_for_turn(client);
		return false;
	}
	now = event_now_ns();
	stop_waiting(client, now);
	not_full(client);
	push_job(client, now);
	account_busy(client, now);
	return true;
}

void sched_client_enter(struct sched_client *client)
{
	if (client->count)
		client_show(client, job_at(client, client->count - 1));
	SET(client->report->submit_started_ns, event_now_ns());
}

void sched_client_leave(struct sched_client *client)
{
	SET(client->report->submit_started_ns, 0);
	client_show_oldest(client);
}

static void learn(struct sched_client *client, const struct job *job,
		  uint64_t cost)
{
	client->job_ns = average_add(client->job_ns, cost);
	if (!job->units)
		return;
	client->unit_ns = average_add(client->unit_ns, cost / job->units);
}

void sched_client_retire_at(struct sched_client *client, uint64_t done_ns)
{
	struct vgpu_sched_report *r = client->report;
	enum vgpu_sched_clock clock;
	uint64_t now, lease, cost;
	struct job *job;
	bool again;

	g_return_if_fail(client->count);
	now = event_now_ns();
	job = job_at(client, 0);
	clock = done_ns && done_ns <= now ? VGPU_CLOCK_SYNC_FILE :
		VGPU_CLOCK_FENCE;
	if (clock == VGPU_CLOCK_FENCE)
		done_ns = now;
	cost = clock_fence_cost(job->submitted_ns, client->last_retire_ns,
				done_ns);
	client->last_retire_ns = MAX(client->last_retire_ns, done_ns);
	learn(client, job, cost);
	client->tail = (client->tail + 1) & (client->size - 1);
	client->count--;

	SET(r->oldest_job_ns,
	    client->count ? job_at(client, 0)->submitted_ns : 0);
	client_show_oldest(client);
	SET(r->clock, clock);
	SET(r->gpu_ns, GET(r->gpu_ns) + cost);
	SET(r->jobs, GET(r->jobs) + 1);
	account_busy(client, now);
	atomic_store(&r->inflight, client->count);
	if (!client->grant)
		return;
	lease = atomic_load(&client->grant->lease);
	/* it waited for the depth, not for a lease */
	again = (lease && client->waiting_since_ns) || client->full;
	if (again)
		kick(client->fds.grant_fd);
	if (!client->count && (!lease || (!again &&
					  atomic_load(&client->grant->notify))))
		kick(client->fds.want_fd);
}

void sched_client_retire(struct sched_client *client)
{
	sched_client_retire_at(client, 0);
}

struct vgpu_sched_report *sched_client_report(struct sched_client *client)
{
	return client->report;
}
