// SPDX-License-Identifier: MIT
/*
 * frontend.c - one vhost-user connection: the steps of a request
 */
#include "vhost-user/frontend.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "vhost-user/state.h"

#define BIT(n)	(UINT64_C(1) << (n))

#define TRANSPORT_FEATURES (BIT(VIRTIO_F_NOTIFY_ON_EMPTY_BIT) | \
			    BIT(VIRTIO_F_ANY_LAYOUT_BIT) | \
			    BIT(VIRTIO_RING_F_INDIRECT_DESC_BIT) | \
			    BIT(VIRTIO_RING_F_EVENT_IDX_BIT) | \
			    BIT(VHOST_USER_F_PROTOCOL_FEATURES_BIT) | \
			    BIT(VIRTIO_F_VERSION_1_BIT))

/* then signals and the other descriptors get their turn */
#define REQUESTS_A_TURN	32

static bool wants_active(const struct frontend *fe,
			 const struct frontend_ring *ring)
{
	bool negotiated = fe->features & BIT(VHOST_USER_F_PROTOCOL_FEATURES_BIT);

	return ring->started && ring->has_addr && ring->num &&
	       (ring->enabled || !negotiated);
}

static int stop_ring(struct frontend *fe, unsigned int i)
{
	struct frontend_ring *ring = &fe->rings[i];
	int ret;

	if (!ring->active)
		return 0;
	ret = fe->ops->ring_stop(fe->opaque, i, &ring->base);
	if (!ret)
		ring->active = false;
	return ret;
}

static int step_quiesce(struct frontend *fe, const struct request *req,
			const struct message *msg)
{
	switch (req->quiesce) {
	case QUIESCE_NONE:
		return 0;
	case QUIESCE_RING:
		return stop_ring(fe, request_ring(req, msg));
	case QUIESCE_DISABLE:
		return msg->state.num ? 0 :
		       stop_ring(fe, request_ring(req, msg));
	case QUIESCE_STATUS:
		return msg->u64 ? 0 : fe->ops->reset(fe->opaque);
	case QUIESCE_ALL:
		return fe->ops->reset(fe->opaque);
	}
	return 0;
}

static int step_activate(struct frontend *fe)
{
	unsigned int i;

	for (i = 0; i < FRONTEND_NUM_RINGS; i++) {
		struct frontend_ring *ring = &fe->rings[i];
		int ret;

		if (ring->active || !wants_active(fe, ring))
			continue;
		ret = fe->ops->ring_start(fe->opaque, i);
		if (ret)
			return ret;
		ring->active = true;
	}
	return 0;
}

static int step_answer(struct frontend *fe, const struct request *req,
		       struct message *msg)
{
	bool want_ack = (msg->header.flags & VHOST_USER_NEED_REPLY_MASK) &&
			(fe->protocol_features &
			 BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK));
	uint64_t ack = fe->result ? 1 : 0;

	if (fe->result)
		log_peer(&fe->log, "front end: %s refused: %s",
			 req ? req->name : "unknown request",
			 strerror(-fe->result));
	if (req && req->reply == REPLY_OWN && !fe->result)
		return message_reply(fe->sock, &fe->writer,
				     msg->header.request, msg->data,
				     fe->reply_size);
	if (req && req->reply == REPLY_OWN)
		return fe->result;
	if (want_ack)
		return message_reply(fe->sock, &fe->writer,
				     msg->header.request, &ack, sizeof(ack));
	/* it would not learn that its request failed; unknown ones are new */
	return req ? fe->result : 0;
}

static int read_request(struct frontend *fe)
{
	struct message *msg = &fe->reader.msg;
	const struct request *req;
	const char *wrong;
	int ret;

	if (message_writing(&fe->writer)) {
		ret = message_flush(fe->sock, &fe->writer);
		if (ret)
			return ret;
	}
	ret = message_read(fe->sock, &fe->reader);
	if (ret == -EPROTO)
		log_warning("front end: malformed message: %s",
			    fe->reader.why);
	if (ret == 0)
		return -ECONNRESET;
	if (ret != 1)
		return ret;
	req = request_find(msg->header.request);
	wrong = req ? request_check(req, msg) : NULL;
	if (wrong) {
		log_warning("front end: malformed %s: %s", req->name, wrong);
		return -EPROTO;
	}
	fe->result = req ? 0 : -EOPNOTSUPP;
	fe->reply_size = 0;
	fe->step = STEP_QUIESCE;
	return 0;
}

/* Return: 0 when the step is done, -EINPROGRESS or -EAGAIN to wait, -errno. */
static int run_step(struct frontend *fe)
{
	struct message *msg = &fe->reader.msg;
	const struct request *req = request_find(msg->header.request);
	int ret = 0;

	switch (fe->step) {
	case STEP_READ:
		return read_request(fe);
	case STEP_QUIESCE:
		if (req)
			ret = step_quiesce(fe, req, msg);
		if (ret)
			return ret;
		fe->step = STEP_HANDLE;
		break;
	case STEP_HANDLE:
		if (req)
			fe->result = req->handle(fe, msg);
		fe->step = STEP_ACTIVATE;
		break;
	case STEP_ACTIVATE:
		ret = step_activate(fe);
		if (ret)
			return ret;
		fe->step = STEP_ANSWER;
		break;
	case STEP_ANSWER:
		ret = step_answer(fe, req, msg);
		if (ret && ret != -EAGAIN)
			return ret;
		message_done(&fe->reader);
		fe->step = STEP_READ;
		break;
	}
	return ret;
}

/* May free the front end: nothing of it is touched afterwards. */
static void run(struct frontend *fe)
{
	unsigned int done = 0;
	int ret;

	do {
		ret = run_step(fe);
		if (!ret && fe->step == STEP_READ)
			done++;
	} while (!ret && done < REQUESTS_A_TURN);

	if (ret == -EINPROGRESS) {
		event_set_fd(fe->source, 0);
	} else if (ret == 0 || ret == -EAGAIN) {
		event_set_fd(fe->source, message_writing(&fe->writer) ?
					 EVENT_OUT : EVENT_IN);
	} else {
		event_del(fe->source);
		fe->source = NULL;
		fe->ops->closed(fe->opaque);
	}
}

static void on_socket(void *opaque, unsigned int events)
{
	struct frontend *fe = opaque;

	/* hung up while a request waits: nobody is left to answer */
	if (fe->step != STEP_READ && (events & EVENT_HUP)) {
		event_del(fe->source);
		fe->source = NULL;
		fe->ops->closed(fe->opaque);
		return;
	}
	if (fe->step == STEP_READ)
		run(fe);
}

void frontend_resume(struct frontend *fe)
{
	if (fe->step != STEP_READ && fe->source)
		run(fe);
}

struct frontend *frontend_new(struct event_loop *loop, int sock,
			      uint64_t features,
			      const struct frontend_ops *ops, void *opaque)
{
	struct frontend *fe = g_new0(struct frontend, 1);
	unsigned int i;

	fe->loop = loop;
	fe->sock = sock;
	fe->offered = features | TRANSPORT_FEATURES;
	fe->ops = ops;
	fe->opaque = opaque;
	fe->backend_fd = -1;
	for (i = 0; i < FRONTEND_NUM_RINGS; i++) {
		fe->rings[i].kick_fd = -1;
		fe->rings[i].call_fd = -1;
		fe->rings[i].err_fd = -1;
	}
	fe->source = event_add_fd(loop, sock, EVENT_IN, on_socket, fe);
	return fe;
}

void frontend_reset_rings(struct frontend *fe)
{
	unsigned int i;

	for (i = 0; i < FRONTEND_NUM_RINGS; i++) {
		struct frontend_ring *ring = &fe->rings[i];

		/* call and err were given before the first start: they stay */
		fdpass_close(&ring->kick_fd, 1);
		ring->base = 0;
		ring->has_addr = false;
		ring->started = false;
		ring->enabled = false;
		ring->active = false;
	}
}

void frontend_free(struct frontend *fe)
{
	unsigned int i;

	if (!fe)
		return;
	event_del(fe->source);
	frontend_reset_rings(fe);
	for (i = 0; i < FRONTEND_NUM_RINGS; i++) {
		fdpass_close(&fe->rings[i].call_fd, 1);
		fdpass_close(&fe->rings[i].err_fd, 1);
	}
	memory_fini(&fe->memory);
	message_done(&fe->reader);
	fdpass_close(&fe->backend_fd, 1);
	close(fe->sock);
	g_free(fe);
}

const struct frontend_ring *frontend_ring(const struct frontend *fe,
					  unsigned int index)
{
	return &fe->rings[index];
}

const struct memory *frontend_memory(const struct frontend *fe)
{
	return &fe->memory;
}

uint64_t frontend_features(const struct frontend *fe)
{
	return fe->features;
}
