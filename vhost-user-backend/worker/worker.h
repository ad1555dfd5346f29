/* SPDX-License-Identifier: MIT */
/*
 * worker.h - the parts of vgpu-worker and what they share
 *
 * One thread, one loop. worker.c takes the endpoint's messages, rings.c moves
 * chains between guest and device, display.c takes pictures to the endpoint.
 */
#ifndef WORKER_WORKER_H
#define WORKER_WORKER_H

#include <stdbool.h>
#include <stdint.h>
#include "ipc/ipc.h"

struct device;
struct display;
struct event_loop;
struct event_source;
struct guest_mem;
struct ipc_queue;
struct ledger;
struct rings;
struct sched_client;
struct vgpu_caps;

/** struct worker - one VM's device, and everything that serves it */
struct worker {
	struct event_loop *loop;
	int sock;			/* to the endpoint */
	struct event_source *sock_source;
	struct ipc_queue *queue;	/* what must not be lost */
	struct ipc_msg msg;		/* the one being handled */
	int exit_code;

	/* from SETUP on; device is NULL before */
	struct vgpu_ipc_setup setup;
	struct vgpu_caps *caps;		/* private, checked copy */
	struct ledger *ledger;
	struct sched_client *sched;
	struct device *device;
	struct display *display;
	struct rings *rings;

	struct event_source *poll_source;	/* the device's fences */
	int poll_fd;

	struct guest_mem *mem;
	uint64_t features;
	bool restore;			/* take over at the first memory table */
	struct event_source *quiet_timer;
};

/** worker_run() - serve @sock (consumed) until the endpoint goes. Return: exit code */
int worker_run(int sock);

/**
 * worker_settle() - after every call into the device: tell the guest what was
 * answered and the endpoint what is to be seen, watch the descriptor on which
 * the device waits
 */
void worker_settle(struct worker *w);

/** worker_reset_device() - the guest's driver starts anew */
void worker_reset_device(struct worker *w);

/** worker_quit() - leave the loop */
void worker_quit(struct worker *w, int exit_code);

/** worker_probe() - the program's --probe. Return: exit code */
int worker_probe(int fd, const char *render_node, const char *renderer);

#endif
