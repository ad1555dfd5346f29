/* SPDX-License-Identifier: MIT */
/*
 * client_private.h - shared by the files of the lease client
 */
#ifndef SCHED_CLIENT_PRIVATE_H
#define SCHED_CLIENT_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include "protocol/vgpu_sched.h"
#include "sched/client.h"

#define SET(field, value) \
	atomic_store_explicit(&(field), (value), memory_order_relaxed)
#define GET(field) atomic_load_explicit(&(field), memory_order_relaxed)

/* A job in flight. */
struct job {
	uint64_t submitted_ns;
	uint32_t context;
	uint32_t units;			/* 0: not known */
	char name[VGPU_SCHED_NAME_MAX];
};

struct sched_client {
	const struct vgpu_sched_grant *grant;	/* NULL: free running */
	struct vgpu_sched_report *report;	/* a page, never moved */
	struct sched_fds fds;
	struct event_source *grant_source;
	void (*granted)(void *opaque);
	void *opaque;

	uint64_t waiting_since_ns;	/* 0: no acquire has failed */
	bool full;			/* max_inflight are in flight, and one
					   more waits */
	uint64_t last_retire_ns;
	uint64_t unit_ns, job_ns;	/* average cost of a unit, of a job */
	struct sched_limits limits;	/* vgpud's last, after it went */
	bool had_limits;

	struct event_source *frame_timer;
	uint64_t next_frame_ns;		/* not before, if there is a limit */

	/* the jobs in flight: a ring, oldest at tail */
	struct job *ring;
	uint32_t size;			/* power of two */
	uint32_t tail, count;
	struct job shown;		/* what the report page names */
};

static inline struct job *job_at(struct sched_client *client, uint32_t i)
{
	return &client->ring[(client->tail + i) & (client->size - 1)];
}

/* client_job.c */
void client_show(struct sched_client *client, const struct job *job);
void client_show_oldest(struct sched_client *client);

/* client_limits.c */
void client_on_frame(void *opaque);

#endif
