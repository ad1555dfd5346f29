/* SPDX-License-Identifier: MIT */
/*
 * endpoint_state.h - what endpoint.c, life.c and messages.c share
 */
#ifndef ENDPOINT_ENDPOINT_STATE_H
#define ENDPOINT_ENDPOINT_STATE_H

#include "base/log.h"
#include "endpoint/endpoint.h"
#include "ipc/ipc.h"
#include "vhost-user/frontend.h"

#define CONTROL_RING	0

enum ring_stop {
	RING_STOP_NONE,
	RING_STOP_WAITS,	/* for VRING_STOPPED, the worker's death, or
				   the time limit */
	RING_STOP_DONE,		/* base is known, the front end asks again */
};

/** struct endpoint_ring - one ring between front end and worker */
struct endpoint_ring {
	bool live;		/* to be served */
	bool known;		/* to the present worker */
	bool handed;		/* to some worker, since the last reset: its
				   position is in the ledger */
	enum ring_stop stop;
	/* as it was when it stopped: an equal start goes on */
	struct frontend_ring last;
};

#define LIFE_DEATHS	5	/* so many ... */
#define LIFE_WINDOW_NS	10000000000ull	/* ... within this: slow down */
#define LIFE_RETRY_US	1000000
#define LIFE_STOP_US	700000	/* for a worker to stop a ring */
#define LIFE_REAP_US	200000	/* for a killed worker to be gone */

struct endpoint {
	struct event_loop *loop;
	struct endpoint_config config;
	struct vgpu_ipc_setup setup;	/* flags but those of the moment */
	uint32_t num_capsets;
	void (*disconnected)(void *opaque);
	void *opaque;

	struct frontend *frontend;	/* NULL: not connected */
	struct screen *screen;
	struct endpoint_ring rings[FRONTEND_NUM_RINGS];
	int ledger_fd;
	int idle_call_fd;	/* for a ring without a call descriptor */
	struct log_limit log, connect_log;

	/* life.c */
	struct child *child;		/* NULL: none runs */
	bool killing;			/* and a request waits for its end */
	struct event_source *stop_timer, *reap_timer, *retry_timer;
	uint64_t deaths_ns[LIFE_DEATHS];
	unsigned int deaths, restarts;

	/* broker_link.c */
	struct broker_link *broker;	/* NULL: no vgpud */
	bool attached;			/* vgpud has answered, or never will */
	int waiting_sock;		/* a front end before that; -1: none */
	int sched_fds[4];		/* -1: unscheduled */
	char rejoin[VGPU_SOCKET_MAX];	/* where the next vgpud listens */
	bool rejoining;			/* it has been told, not answered */
	struct event_source *rejoin_timer;
	char cpus[64];			/* CPU list of the worker, "": all */
};

/* ---- life.c: the worker's life ---- */

int life_init(struct endpoint *ep);
void life_fini(struct endpoint *ep);

/** life_start() - start a worker and tell it everything, unless one runs or
 * the control ring is not live */
void life_start(struct endpoint *ep);

/**
 * life_end() - kill the worker, if one runs, for good
 *
 * Return: 0: none runs; -EINPROGRESS: frontend_resume() will be called.
 */
int life_end(struct endpoint *ep);

/** life_orphan() - give up on a worker now: it is killed, nobody waits */
void life_orphan(struct endpoint *ep);

/** life_kill() - kill the worker, if one runs; another one follows */
void life_kill(struct endpoint *ep);

/** life_finish() - kill the worker and wait a little: this program ends */
void life_finish(struct endpoint *ep);

/** life_stop_ring(), see frontend_ops.ring_stop */
int life_stop_ring(struct endpoint *ep, unsigned int index, uint16_t *base);

/** life_ring_stopped() - the worker says where */
void life_ring_stopped(struct endpoint *ep, unsigned int index, uint16_t base);

/* State for the worker, if one runs. */
void life_send_features(struct endpoint *ep);
void life_send_memory(struct endpoint *ep);
void life_send_ring(struct endpoint *ep, unsigned int index);
void life_send_call(struct endpoint *ep, unsigned int index);
void life_send(struct endpoint *ep, uint32_t type, const void *payload,
	       size_t size);

/* ---- messages.c: what the worker says ---- */

void endpoint_message(struct endpoint *ep, struct ipc_msg *msg);

#endif
