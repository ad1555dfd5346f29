// SPDX-License-Identifier: MIT
/*
 * adopt.c - endpoints that have outlived the vgpud that started them
 */
#include "broker/adopt.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/endpoint.h"
#include "broker/events.h"
#include "broker/listen.h"
#include "broker/vm.h"
#include "ipc/ipc.h"

#define HELLO_US	2000000		/* to say whose VM it has */
#define WAITING_MAX	64		/* that have not said it yet */

struct adopt {
	struct broker *broker;
	struct listener *listener;
	GPtrArray *waiting;
	struct log_limit limit;
	struct ipc_msg msg;
};

struct waiting {
	struct adopt *adopt;
	int sock;
	pid_t pid;
	struct event_source *source, *timer;
};

static void waiting_free(struct waiting *w)
{
	g_ptr_array_remove_fast(w->adopt->waiting, w);
	event_del(w->source);
	event_del(w->timer);
	if (w->sock >= 0)
		close(w->sock);
	g_free(w);
}

static void refuse(struct waiting *w, const char *why)
{
	log_peer(&w->adopt->limit, "an endpoint (pid %d) is not taken back: %s",
		 (int)w->pid, why);
	waiting_free(w);
}

static void take(struct waiting *w, const struct vgpu_broker_hello *hello)
{
	struct vm *vm = vm_find(w->adopt->broker, hello->vm);
	int sock = w->sock;
	pid_t pid = w->pid;

	if (!vm) {
		refuse(w, "its VM is not configured");
		return;
	}
	if (vm->endpoint) {
		refuse(w, "its VM has another");
		return;
	}
	w->sock = -1;
	waiting_free(w);
	vm->endpoint = endpoint_adopt(vm, sock, pid, hello);
	if (!vm->endpoint)
		return;
	vm->connections++;
	log_info("VM %s: its endpoint %d is back", vm->config->name, (int)pid);
	events_post(vm->broker->events, EVENT_CONNECTED, vm->config->name,
		    "its endpoint has found this vgpud");
}

static void on_message(void *opaque, unsigned int events)
{
	struct waiting *w = opaque;
	struct ipc_msg *msg = &w->adopt->msg;
	int ret = ipc_recv(w->sock, IPC_FROM_ENDPOINT_TO_BROKER, msg);

	if (ret == -EAGAIN)
		return;
	if (ret != 1) {
		refuse(w, ret ? "it sends nonsense" : "it has gone");
		return;
	}
	if (msg->type == VGPU_BROKER_HELLO) {
		take(w, &msg->hello);
	} else {
		refuse(w, "it does not say whose it is");
	}
	ipc_msg_close(msg);
}

static void on_late(void *opaque)
{
	refuse(opaque, "it says nothing");
}

static void on_connect(void *opaque, int sock)
{
	struct adopt *adopt = opaque;
	socklen_t len = sizeof(struct ucred);
	struct waiting *w;
	struct ucred peer;

	if (getsockopt(sock, SOL_SOCKET, SO_PEERCRED, &peer, &len) ||
	    (peer.uid && peer.uid != geteuid()) ||
	    adopt->waiting->len >= WAITING_MAX) {
		log_peer(&adopt->limit, "a connection for endpoints is refused");
		close(sock);
		return;
	}
	w = g_new0(struct waiting, 1);
	w->adopt = adopt;
	w->sock = sock;
	w->pid = peer.pid;
	w->source = event_add_fd(adopt->broker->loop, sock, EVENT_IN,
				 on_message, w);
	w->timer = event_add_timer(adopt->broker->loop, on_late, w);
	event_set_timer(w->timer, HELLO_US);
	g_ptr_array_add(adopt->waiting, w);
}

/* No VM may have a name that begins so (config_name_ok). */
char *adopt_path(const struct broker *broker)
{
	return g_build_filename(broker->config->runtime_dir, ".endpoints",
				NULL);
}

struct adopt *adopt_new(struct broker *broker)
{
	struct adopt *adopt = g_new0(struct adopt, 1);
	char *path = adopt_path(broker);

	adopt->broker = broker;
	adopt->waiting = g_ptr_array_new();
	adopt->listener = listener_new_packets(broker->loop, path, on_connect,
					       adopt);
	if (!adopt->listener) {
		log_error("endpoints' %s", listener_error(errno, path));
		adopt_free(adopt);
		adopt = NULL;
	}
	g_free(path);
	return adopt;
}

void adopt_free(struct adopt *adopt)
{
	if (!adopt)
		return;
	while (adopt->waiting->len)
		waiting_free(g_ptr_array_index(adopt->waiting, 0));
	g_ptr_array_free(adopt->waiting, TRUE);
	listener_free(adopt->listener);
	g_free(adopt);
}
