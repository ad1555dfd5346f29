/* SPDX-License-Identifier: MIT */
/*
 * child.h - one running vgpu-worker and the socket to it
 */
#ifndef ENDPOINT_CHILD_H
#define ENDPOINT_CHILD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct child;
struct event_loop;
struct ipc_msg;

struct child_config {
	const char *path;		/* of the program */
	const char *name;		/* of the VM */
	const char *cpus;
	unsigned int cpu_threads;
};

struct child_ops {
	/* descriptors that were not taken are closed afterwards */
	void (*message)(void *opaque, struct ipc_msg *msg);
	/* reaped, after its last message; call child_free() */
	void (*exited)(void *opaque, int status);
};

/** child_start() - NULL with errno set */
struct child *child_start(struct event_loop *loop,
			  const struct child_config *config,
			  const struct child_ops *ops, void *opaque);

/** child_send() - idempotent state, in order; a child that can not take it is
 * killed. Descriptors stay the caller's. */
void child_send(struct child *child, uint32_t type, const void *payload,
		size_t size, const int *fds, size_t nfds);

/** child_kill() - SIGKILL; it says nothing more, exited() comes */
void child_kill(struct child *child);

/** child_orphan() - nothing more is told; it frees itself when it has ended */
void child_orphan(struct child *child);

/** child_free() - killed if it still runs */
void child_free(struct child *child);

pid_t child_pid(const struct child *child);
int child_pidfd(const struct child *child);

#endif
