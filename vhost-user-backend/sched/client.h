/* SPDX-License-Identifier: MIT */
/*
 * client.h - a worker's side of the lease (protocol/vgpu_sched.h)
 */
#ifndef SCHED_CLIENT_H
#define SCHED_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

struct event_loop;
struct sched_client;
struct vgpu_sched_report;

/** struct sched_fds - descriptors of VGPU_SETUP_SCHED; consumed */
struct sched_fds {
	int grant_page;		/* read-only */
	int report_page;
	int grant_fd;		/* vgpud wakes us */
	int want_fd;		/* we wake vgpud */
};

/**
 * sched_client_new() - join the scheduler, or run freely
 * @fds: NULL: no vgpud, every acquire succeeds, figures are kept privately
 * @granted: called when a lease came after an acquire that failed
 *
 * The figures in the report start at zero. Return: NULL with errno set when a
 * page is not what vgpud makes.
 */
struct sched_client *sched_client_new(struct event_loop *loop,
				      struct sched_fds *fds,
				      void (*granted)(void *opaque),
				      void *opaque);
void sched_client_free(struct sched_client *client);

/**
 * sched_client_attach() - there is a vgpud again, after a detach
 *
 * Figures go on, and the report stays where it is; what is in flight retires as
 * before. Return: 0, or -errno and everything is as it was.
 */
int sched_client_attach(struct sched_client *client, struct event_loop *loop,
			struct sched_fds *fds);

/** sched_client_detach() - vgpud is gone: run freely from now on */
void sched_client_detach(struct sched_client *client);

/**
 * sched_client_acquire() - may one more GPU job be submitted now?
 *
 * True: it counts as in flight until sched_client_retire(). False: vgpud was
 * told; try again when granted() is called. No system call while a lease is
 * held.
 */
bool sched_client_acquire(struct sched_client *client);

/** sched_client_name() - the job just acquired is of this guest context */
void sched_client_name(struct sched_client *client, uint32_t context,
		       const char *name);

/**
 * sched_client_units() - what the job just acquired consists of: draws
 *
 * From jobs with units the client learns what one costs.
 */
void sched_client_units(struct sched_client *client, uint32_t units);

/**
 * sched_client_units_allowed() - how many units the next job may have
 * @left: there are
 * @most_ns: GPU time of a job beside a VM that comes and goes; beside one that
 *	always waits it is twice as much
 *
 * Return: at least 1; UINT32_MAX: no limit.
 */
uint32_t sched_client_units_allowed(const struct sched_client *client,
				    uint32_t left, uint64_t most_ns);

/** sched_client_contended() - does another VM want the GPU? */
bool sched_client_contended(const struct sched_client *client);

/**
 * sched_client_frame() - may one more frame be shown now?
 *
 * False: the VM has a frame limit, and it is too early; granted() is called
 * when it is time.
 */
bool sched_client_frame(struct sched_client *client);

/** struct sched_limits - of a VM; 0: none */
struct sched_limits {
	uint64_t memory_max;
	uint32_t max_resources, max_contexts;
};

/**
 * sched_client_limits() - what vgpud says now, or said last
 *
 * Return: false where there never was a vgpud; @limits is not touched.
 */
bool sched_client_limits(const struct sched_client *client,
			 struct sched_limits *limits);

/** sched_client_enter(), _leave() - around a call that works for the job */
void sched_client_enter(struct sched_client *client);
void sched_client_leave(struct sched_client *client);

/** sched_client_retire() - the oldest job in flight is done on the GPU */
void sched_client_retire(struct sched_client *client);

/**
 * sched_client_retire_at() - the same, with the kernel's time stamp
 * @done_ns: CLOCK_MONOTONIC; 0: there is none
 */
void sched_client_retire_at(struct sched_client *client, uint64_t done_ns);

/** sched_client_report() - the worker's figures: frames, memory, ... */
struct vgpu_sched_report *sched_client_report(struct sched_client *client);

#endif
