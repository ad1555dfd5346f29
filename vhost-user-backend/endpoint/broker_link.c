// SPDX-License-Identifier: MIT
/*
 * broker_link.c - the endpoint's line to vgpud
 */
#include "endpoint/broker_link.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/log.h"
#include "ipc/ipc.h"
#include "ipc/queue.h"

struct broker_link {
	int sock;
	struct event_source *source;
	struct ipc_queue *queue;
	struct vgpu_broker_state state;
	const struct broker_link_ops *ops;
	void *opaque;
	struct ipc_msg msg;
};

/* A vgpud that is gone, or does not read, is met by on_socket(). */
static void send_msg(struct broker_link *link, uint32_t type,
		     const void *payload, size_t size, const int *fds,
		     size_t nfds)
{
	int ret = ipc_queue_send(link->queue, type, payload, size, fds, nfds);

	if (ret && ret != -EPIPE && ret != -ECONNRESET)
		log_warning("vgpud can not be told %s: %s",
			    ipc_type_name(type), strerror(-ret));
}

static void on_socket(void *opaque, unsigned int events)
{
	struct broker_link *link = opaque;
	struct ipc_msg *msg = &link->msg;
	int ret = ipc_recv(link->sock, IPC_FROM_BROKER, msg);

	(void)events;
	if (ret == -EAGAIN)
		return;
	if (ret != 1) {
		log_warning("vgpud %s: going on unscheduled",
			    ret == -EPROTO ? "speaks nonsense" : "is gone");
		event_del(link->source);
		link->source = NULL;
		link->ops->gone(link->opaque);
		return;
	}
	if (msg->type == VGPU_BROKER_ATTACH)
		link->ops->attach(link->opaque, msg);
	else
		link->ops->kill_worker(link->opaque, msg->kill.reason);
	ipc_msg_close(msg);
}

struct broker_link *broker_link_new(struct event_loop *loop, int sock,
				    const char *vm, bool rejoins,
				    const struct broker_link_ops *ops,
				    void *opaque)
{
	struct broker_link *link = g_new0(struct broker_link, 1);
	struct vgpu_broker_hello hello = {
		.version = VGPU_IPC_VERSION,
		.pid = (uint32_t)getpid(),
		.rejoins = rejoins,
	};

	g_strlcpy(hello.vm, vm, sizeof(hello.vm));
	link->sock = sock;
	link->ops = ops;
	link->opaque = opaque;
	link->queue = ipc_queue_new(loop, sock);
	link->source = event_add_fd(loop, sock, EVENT_IN, on_socket, link);
	send_msg(link, VGPU_BROKER_HELLO, &hello, sizeof(hello), NULL, 0);
	return link;
}

void broker_link_free(struct broker_link *link)
{
	if (!link)
		return;
	event_del(link->source);
	ipc_queue_free(link->queue);
	close(link->sock);
	g_free(link);
}

void broker_link_started(struct broker_link *link, pid_t pid, int pidfd,
			 unsigned int restarts)
{
	struct vgpu_broker_worker msg = {
		.pid = (uint32_t)pid,
		.restarts = restarts,
	};

	send_msg(link, VGPU_BROKER_WORKER_STARTED, &msg, sizeof(msg), &pidfd,
		 1);
}

void broker_link_exited(struct broker_link *link, pid_t pid, int status,
			unsigned int restarts)
{
	struct vgpu_broker_worker msg = {
		.pid = (uint32_t)pid,
		.status = status,
		.restarts = restarts,
	};

	send_msg(link, VGPU_BROKER_WORKER_EXITED, &msg, sizeof(msg), NULL, 0);
}

void broker_link_state(struct broker_link *link, bool connected,
		       bool driver_ok)
{
	struct vgpu_broker_state state = { connected, driver_ok };

	if (!memcmp(&state, &link->state, sizeof(state)))
		return;
	link->state = state;
	send_msg(link, VGPU_BROKER_STATE, &state, sizeof(state), NULL, 0);
}
