/* SPDX-License-Identifier: MIT */
/*
 * frontend.h - the back end's side of one vhost-user connection
 *
 * Owns the socket and every descriptor that the front end handed over. Knows
 * rings only as numbers and addresses; what they carry is its owner's business,
 * told through struct frontend_ops.
 *
 * A request goes through these steps. Each operation marked (1) may return
 * -EINPROGRESS: the request, and all behind it, then wait until the owner calls
 * frontend_resume(), and the operation is called again.
 *
 *   quiesce   ring_stop(1) or reset(1), where the request calls for it
 *   handle    change our state, make the reply
 *   activate  ring_start(1) for rings that are now started and enabled
 *   answer    send the reply, or the acknowledgement if one is wanted
 */
#ifndef VHOST_USER_FRONTEND_H
#define VHOST_USER_FRONTEND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "vhost-user/memory.h"

#define FRONTEND_NUM_RINGS	2

struct event_loop;
struct frontend;

/** struct frontend_ring - what the front end said of one ring */
struct frontend_ring {
	uint32_t num;
	uint16_t base;		/* next avail index, while not active */
	uint64_t desc_uaddr, avail_uaddr, used_uaddr;
	int kick_fd, call_fd, err_fd;	/* -1: none */
	bool has_addr;
	bool started;		/* a kick descriptor came, no GET_VRING_BASE */
	bool enabled;
	bool active;		/* ring_start() was called and has returned 0 */
};

struct frontend_ops {
	/* a ring may be served from now on; (1) */
	int (*ring_start)(void *opaque, unsigned int index);
	/* no access to guest memory after this has returned 0; (1) */
	int (*ring_stop)(void *opaque, unsigned int index, uint16_t *base);
	/* the call descriptor of an active ring changed; may be none */
	void (*ring_call)(void *opaque, unsigned int index);
	/* back to the state after power-on, rings stopped; (1) */
	int (*reset)(void *opaque);
	void (*features_changed)(void *opaque, uint64_t features);
	void (*mem_changed)(void *opaque);
	/* 0 or -errno: the guest reads outside of the configuration space */
	int (*get_config)(void *opaque, uint32_t offset, void *buf,
			  uint32_t size);
	int (*set_config)(void *opaque, uint32_t offset, const void *buf,
			  uint32_t size);
	/* GPU_SET_SOCKET; the descriptor is the owner's from now on */
	void (*set_socket)(void *opaque, int fd);
	/* The connection is over. Called once; may free the front end. */
	void (*closed)(void *opaque);
};

/**
 * frontend_new() - serve a connected socket
 * @sock: taken over
 * @features: device feature bits to offer; those of the transport are added
 */
struct frontend *frontend_new(struct event_loop *loop, int sock,
			      uint64_t features,
			      const struct frontend_ops *ops, void *opaque);
void frontend_free(struct frontend *fe);

/** frontend_resume() - what returned -EINPROGRESS can go on */
void frontend_resume(struct frontend *fe);

const struct frontend_ring *frontend_ring(const struct frontend *fe,
					  unsigned int index);
const struct memory *frontend_memory(const struct frontend *fe);

/** frontend_features() - what the guest acknowledged */
uint64_t frontend_features(const struct frontend *fe);

#endif
