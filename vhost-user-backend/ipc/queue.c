// SPDX-License-Identifier: MIT
/*
 * queue.c - messages that wait until the peer reads
 */
#include "ipc/queue.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "ipc/ipc.h"

struct ipc_queue {
	int sock;
	struct event_loop *loop;
	struct event_source *writable;	/* while something waits */
	GQueue waiting;			/* of struct waiting */
};

struct waiting {
	uint32_t type;
	size_t size, nfds;
	int fds[VGPU_IPC_MAX_FDS];
	uint8_t payload[];
};

static void waiting_free(struct waiting *w)
{
	fdpass_close(w->fds, w->nfds);
	g_free(w);
}

static struct waiting *waiting_new(uint32_t type, const void *payload,
				   size_t size, const int *fds, size_t nfds)
{
	struct waiting *w = g_malloc0(sizeof(*w) + size);
	size_t i;

	w->type = type;
	w->size = size;
	if (size)
		memcpy(w->payload, payload, size);
	for (i = 0; i < nfds; i++) {
		w->fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (w->fds[i] < 0) {
			waiting_free(w);
			return NULL;
		}
		w->nfds++;
	}
	return w;
}

struct ipc_queue *ipc_queue_new(struct event_loop *loop, int sock)
{
	struct ipc_queue *queue = g_new0(struct ipc_queue, 1);

	queue->sock = sock;
	queue->loop = loop;
	g_queue_init(&queue->waiting);
	return queue;
}

static void drop_all(struct ipc_queue *queue)
{
	struct waiting *w;

	while ((w = g_queue_pop_head(&queue->waiting)))
		waiting_free(w);
	event_del(queue->writable);
	queue->writable = NULL;
}

void ipc_queue_free(struct ipc_queue *queue)
{
	if (!queue)
		return;
	drop_all(queue);
	g_free(queue);
}

static void on_writable(void *opaque, unsigned int events)
{
	struct ipc_queue *queue = opaque;
	struct waiting *w;

	(void)events;
	while ((w = g_queue_peek_head(&queue->waiting))) {
		int ret = ipc_send(queue->sock, w->type, w->payload, w->size,
				   w->fds, w->nfds);

		if (ret == -EAGAIN)
			return;
		if (ret) {
			drop_all(queue);
			return;
		}
		waiting_free(g_queue_pop_head(&queue->waiting));
	}
	drop_all(queue);
}

int ipc_queue_send(struct ipc_queue *queue, uint32_t type, const void *payload,
		   size_t size, const int *fds, size_t nfds)
{
	struct waiting *w;
	int ret = -EAGAIN;

	if (g_queue_is_empty(&queue->waiting))
		ret = ipc_send(queue->sock, type, payload, size, fds, nfds);
	if (ret != -EAGAIN)
		return ret;
	if (g_queue_get_length(&queue->waiting) >= IPC_QUEUE_MAX ||
	    nfds > VGPU_IPC_MAX_FDS || size > VGPU_IPC_MAX_SIZE)
		return -ENOBUFS;
	w = waiting_new(type, payload, size, fds, nfds);
	if (!w)
		return -EMFILE;
	g_queue_push_tail(&queue->waiting, w);
	if (!queue->writable)
		queue->writable = event_add_fd(queue->loop, queue->sock,
					       EVENT_OUT, on_writable, queue);
	return 0;
}

size_t ipc_queue_pending(const struct ipc_queue *queue)
{
	return g_queue_get_length((GQueue *)&queue->waiting);
}
