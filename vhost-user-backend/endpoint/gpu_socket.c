// SPDX-License-Identifier: MIT
/*
 * gpu_socket.c - the display socket that GPU_SET_SOCKET handed over
 */
#include "endpoint/gpu_socket.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "protocol/vhost_user_gpu.h"
#include "protocol/virtio_gpu.h"

#define HEAD		sizeof(struct vhost_user_gpu_header)
#define REPLY_MAX	sizeof(struct virtio_gpu_resp_edid)

struct gpu_socket {
	struct event_source *source;
	int sock;
	const struct gpu_socket_ops *ops;
	void *opaque;
	bool want;

	/* outgoing: HEAD, then the payload */
	uint8_t *out;
	size_t out_len, out_sent;
	int out_fd;			/* ours, until its first byte is out */

	/* incoming */
	struct vhost_user_gpu_header head;
	uint8_t reply[REPLY_MAX];
	size_t got;
};

/* Size of the reply to a request; -1: it has none. */
static ssize_t reply_size(uint32_t request)
{
	switch (request) {
	case VHOST_USER_GPU_GET_PROTOCOL_FEATURES:
		return sizeof(uint64_t);
	case VHOST_USER_GPU_GET_DISPLAY_INFO:
		return sizeof(struct virtio_gpu_resp_display_info);
	case VHOST_USER_GPU_GET_EDID:
		return sizeof(struct virtio_gpu_resp_edid);
	case VHOST_USER_GPU_DMABUF_UPDATE:
		return 0;
	}
	return -1;
}

static void arm(struct gpu_socket *gs)
{
	event_set_fd(gs->source, EVENT_IN |
		     (gs->want || !gpu_socket_idle(gs) ? EVENT_OUT : 0));
}

bool gpu_socket_idle(const struct gpu_socket *gs)
{
	return gs->out_sent == gs->out_len;
}

void *gpu_socket_stage(struct gpu_socket *gs, uint32_t request, size_t size)
{
	struct vhost_user_gpu_header head = {
		.request = request,
		.size = (uint32_t)size,
	};

	assert(gpu_socket_idle(gs) && size <= GPU_SOCKET_MAX);
	memcpy(gs->out, &head, HEAD);
	gs->out_len = HEAD + size;
	gs->out_sent = 0;
	return gs->out + HEAD;
}

/* Return: 0: all out; -EAGAIN; -errno. */
static int flush(struct gpu_socket *gs)
{
	while (!gpu_socket_idle(gs)) {
		ssize_t n = fdpass_send(gs->sock, gs->out + gs->out_sent,
					gs->out_len - gs->out_sent,
					&gs->out_fd, gs->out_fd >= 0 ? 1 : 0);

		if (n < 0)
			return (int)n;
		fdpass_close(&gs->out_fd, 1);
		gs->out_sent += (size_t)n;
	}
	return 0;
}

void gpu_socket_send(struct gpu_socket *gs, int fd)
{
	if (fd >= 0)
		gs->out_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	/* a broken socket stays writable: the loop meets the error again */
	flush(gs);
	arm(gs);
}

void gpu_socket_want(struct gpu_socket *gs, bool want)
{
	gs->want = want;
	arm(gs);
}

/* Read on. Return: 1: a reply is complete; -EAGAIN; other -errno: give up. */
static int read_reply(struct gpu_socket *gs)
{
	ssize_t size = 0;

	for (;;) {
		void *to = (uint8_t *)&gs->head + gs->got;
		size_t len = HEAD - gs->got;
		ssize_t n;

		if (gs->got >= HEAD) {
			size = reply_size(gs->head.request);
			if (size < 0 || gs->head.size != (size_t)size)
				return -EPROTO;
			to = gs->reply + (gs->got - HEAD);
			len = HEAD + (size_t)size - gs->got;
			if (!len)
				return 1;
		}
		n = fdpass_recv(gs->sock, to, len, NULL, NULL);
		if (n <= 0)
			return n ? (int)n : -ECONNRESET;
		gs->got += (size_t)n;
	}
}

static void close_socket(struct gpu_socket *gs, int ret)
{
	const char *why = strerror(-ret);

	if (ret == -ECONNRESET || ret == -EPIPE)
		why = NULL;
	else if (ret == -EPROTO)
		why = "malformed reply";
	event_del(gs->source);
	gs->source = NULL;
	gs->ops->closed(gs->opaque, why);
}

/*
 * The owner may free the socket only in closed(), so that reply() and ready()
 * may be followed by more work here.
 */
static void on_socket(void *opaque, unsigned int events)
{
	struct gpu_socket *gs = opaque;
	int ret;

	while ((ret = read_reply(gs)) == 1) {
		gs->got = 0;
		gs->ops->reply(gs->opaque, gs->head.request, gs->reply,
			       gs->head.size);
	}
	if (ret == -EAGAIN && (events & (EVENT_OUT | EVENT_HUP)))
		ret = flush(gs);
	if (ret && ret != -EAGAIN) {
		close_socket(gs, ret);
		return;
	}
	if (gpu_socket_idle(gs) && gs->want)
		gs->ops->ready(gs->opaque);
	arm(gs);
}

struct gpu_socket *gpu_socket_new(struct event_loop *loop, int sock,
				  const struct gpu_socket_ops *ops,
				  void *opaque)
{
	struct gpu_socket *gs = g_new0(struct gpu_socket, 1);

	gs->sock = sock;
	gs->ops = ops;
	gs->opaque = opaque;
	gs->out = g_malloc(HEAD + GPU_SOCKET_MAX);
	gs->out_fd = -1;
	gs->source = event_add_fd(loop, sock, EVENT_IN, on_socket, gs);
	return gs;
}

void gpu_socket_free(struct gpu_socket *gs)
{
	if (!gs)
		return;
	event_del(gs->source);
	fdpass_close(&gs->out_fd, 1);
	close(gs->sock);
	g_free(gs->out);
	g_free(gs);
}
