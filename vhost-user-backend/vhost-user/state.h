/* SPDX-License-Identifier: MIT */
/*
 * state.h - what frontend.c and request.c share
 */
#ifndef VHOST_USER_STATE_H
#define VHOST_USER_STATE_H

#include "base/log.h"
#include "vhost-user/frontend.h"
#include "vhost-user/message.h"

enum frontend_step {
	STEP_READ,		/* no request, or an incomplete one */
	STEP_QUIESCE,
	STEP_HANDLE,
	STEP_ACTIVATE,
	STEP_ANSWER,
};

struct frontend {
	struct event_loop *loop;
	struct event_source *source;
	int sock;
	const struct frontend_ops *ops;
	void *opaque;

	uint64_t offered;		/* features */
	uint64_t features;		/* acknowledged by the guest */
	uint64_t protocol_features;	/* acknowledged by the front end */
	uint64_t status;
	int backend_fd;			/* back-end channel; nothing is sent */
	struct memory memory;
	struct frontend_ring rings[FRONTEND_NUM_RINGS];

	enum frontend_step step;
	struct message_reader reader;
	struct message_writer writer;
	int result;			/* of the handler */
	size_t reply_size;		/* of the payload, in the message */
	struct log_limit log;
};

/** enum request_reply - whether the request has a reply of its own */
enum request_reply {
	REPLY_ACK,		/* none: acknowledged if that was wanted */
	REPLY_OWN,		/* the handler leaves it in the message */
};

/** enum request_quiesce - what has to be still before the handler runs */
enum request_quiesce {
	QUIESCE_NONE,
	QUIESCE_RING,		/* the ring named by the payload */
	QUIESCE_DISABLE,	/* the same if the payload says "disable" */
	QUIESCE_STATUS,		/* everything, if the payload says 0 */
	QUIESCE_ALL,
};

/** enum request_index - where the payload names a ring */
enum request_index {
	INDEX_NONE,
	INDEX_STATE,		/* in its first 32 bits */
	INDEX_FD,		/* in the low byte, with the NOFD flag */
};

/** struct request - the contract of one request; request_find() */
struct request {
	const char *name;
	uint16_t min_size, max_size;
	uint8_t min_fds, max_fds;
	enum request_reply reply;
	enum request_quiesce quiesce;
	enum request_index index;
	/* 0 or -errno; REPLY_OWN: sets fe->reply_size */
	int (*handle)(struct frontend *fe, struct message *msg);
};

/** request_find() - NULL for requests that we do not know */
const struct request *request_find(uint32_t request);

/**
 * request_check() - size, descriptors and ring index of a complete message
 *
 * Return: NULL, or what is wrong.
 */
const char *request_check(const struct request *req, const struct message *msg);

/** request_ring() - the ring that a checked message names */
unsigned int request_ring(const struct request *req, const struct message *msg);

/** frontend_reset_rings() - as after power-on, descriptors closed */
void frontend_reset_rings(struct frontend *fe);

#endif
