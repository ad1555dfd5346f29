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

/** sched_client_enter(), _leave() - around a call that works for the job */
void sched_client_enter(struct sched_client *client);
void sched_client_leave(struct sched_client *client);

/** sched_client_retire() - the oldest job in flight is done on the GPU */
void sched_client_retire(struct sched_client *client);

/** sched_client_report() - the worker's figures: frames, memory, ... */
struct vgpu_sched_report *sched_client_report(struct sched_client *client);

#endif
