/* SPDX-License-Identifier: MIT */
/*
 * endpoint.h - one VM, as long as its front end is connected
 *
 * Holds what must survive a worker: sockets, guest memory descriptors, ring
 * positions, the ledger, what is on the screen. Starts a worker when the guest
 * starts its control ring, and another one when that dies.
 */
#ifndef ENDPOINT_ENDPOINT_H
#define ENDPOINT_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include "protocol/vgpu_ipc.h"

struct endpoint;
struct event_loop;

/** struct endpoint_config - strings stay the caller's */
struct endpoint_config {
	const char *name;		/* of the VM */
	const char *worker;		/* program */
	bool virgl;			/* 3D was asked for */
	bool null_renderer;		/* tests */
	const char *render_node;	/* NULL: none */
	uint32_t outputs;		/* 0: what the front end says */
	uint32_t width, height;
	uint64_t memory_max;
	const char *cpus;		/* NULL: all */
	unsigned int cpu_threads;
	int caps_fd;			/* sealed; taken over */
	int broker_fd;			/* to vgpud; taken over; -1: none */
};

/**
 * endpoint_open() - ready to serve
 * @disconnected: the front end is gone, and all that belonged to it
 */
struct endpoint *endpoint_open(struct event_loop *loop,
			       const struct endpoint_config *config,
			       void (*disconnected)(void *opaque),
			       void *opaque);
void endpoint_close(struct endpoint *ep);

/**
 * endpoint_serve() - serve a connected front end, one at a time
 * @sock: taken over
 *
 * Under a vgpud that has not answered yet, serving starts when it has.
 * Return: 0 or -errno.
 */
int endpoint_serve(struct endpoint *ep, int sock);

#endif
