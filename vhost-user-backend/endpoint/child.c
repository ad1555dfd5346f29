// SPDX-License-Identifier: MIT
/*
 * child.c - one running vgpu-worker and the socket to it
 */
#include "endpoint/child.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/log.h"
#include "endpoint/spawn.h"
#include "ipc/ipc.h"
#include "ipc/queue.h"

/* then the front end gets its turn */
#define MESSAGES_A_TURN	64
#define REAP_TIMEOUT_MS	200

struct child {
	pid_t pid;
	int pidfd, sock;
	bool killed;		/* no signal is sent any more */
	bool reaped;
	struct event_source *exit_source, *sock_source;
	struct ipc_queue *queue;
	const struct child_ops *ops;	/* NULL: orphan */
	void *opaque;
	struct ipc_msg msg;
};

/* Nothing that a killed worker still has to say matters. */
static void hush(struct child *child)
{
	event_del(child->sock_source);
	child->sock_source = NULL;
}

void child_kill(struct child *child)
{
	if (child->killed)
		return;
	child->killed = true;
	hush(child);
	kill(child->pid, SIGKILL);
}

/* Return: whether there may be more. */
static bool read_message(struct child *child)
{
	int ret = ipc_recv(child->sock, IPC_FROM_WORKER, &child->msg);

	if (ret == 1) {
		child->ops->message(child->opaque, &child->msg);
		ipc_msg_close(&child->msg);
		return child->sock_source != NULL;
	}
	if (ret == -EAGAIN)
		return false;
	if (ret == -EPROTO)
		log_error("worker %d: malformed message", child->pid);
	/* closed or broken: it is of no use any more */
	child_kill(child);
	hush(child);
	return false;
}

static void on_socket(void *opaque, unsigned int events)
{
	struct child *child = opaque;
	unsigned int n = 0;

	(void)events;
	while (n++ < MESSAGES_A_TURN && read_message(child))
		;
}

static void on_exit_fd(void *opaque, unsigned int events)
{
	struct child *child = opaque;
	int status = 0;

	(void)events;
	if (waitpid(child->pid, &status, WNOHANG) == 0)
		return;
	child->reaped = true;
	child->killed = true;
	while (child->sock_source && read_message(child))
		;
	event_del(child->exit_source);
	child->exit_source = NULL;
	if (child->ops)
		child->ops->exited(child->opaque, status);
	else
		child_free(child);
}

struct child *child_start(struct event_loop *loop,
			  const struct child_config *config,
			  const struct child_ops *ops, void *opaque)
{
	char *name = g_strdup_printf("--name=%s", config->name);
	const char *argv[] = {
		"vgpu-worker", "--ipc-fd=" G_STRINGIFY(SPAWN_FD), name, NULL,
	};
	struct spawn_config spawning = {
		.path = config->path,
		.argv = argv,
		.cpus = config->cpus,
		.cpu_threads = config->cpu_threads,
	};
	struct child *child = NULL;
	int socks[2], pidfd;
	int ret = ipc_pair(socks);
	pid_t pid;

	if (ret)
		goto out;
	spawning.fd = socks[1];
	pid = spawn_worker(&spawning, &pidfd);
	close(socks[1]);
	if (pid < 0) {
		ret = (int)pid;
		close(socks[0]);
		goto out;
	}
	child = g_new0(struct child, 1);
	child->pid = pid;
	child->pidfd = pidfd;
	child->sock = socks[0];
	child->ops = ops;
	child->opaque = opaque;
	child->queue = ipc_queue_new(loop, child->sock);
	child->sock_source = event_add_fd(loop, child->sock, EVENT_IN,
					  on_socket, child);
	child->exit_source = event_add_fd(loop, pidfd, EVENT_IN, on_exit_fd,
					  child);
out:
	g_free(name);
	errno = -ret;
	return child;
}

void child_send(struct child *child, uint32_t type, const void *payload,
		size_t size, const int *fds, size_t nfds)
{
	int ret;

	if (child->killed)
		return;
	ret = ipc_queue_send(child->queue, type, payload, size, fds, nfds);
	if (!ret || ret == -EPIPE || ret == -ECONNRESET)
		return;		/* 0, or exited() will come */
	log_error("worker %d: can not be told %s: %s", child->pid,
		  ipc_type_name(type), strerror(-ret));
	child_kill(child);
}

void child_orphan(struct child *child)
{
	child_kill(child);
	ipc_queue_free(child->queue);
	child->queue = NULL;
	child->ops = NULL;
}

void child_free(struct child *child)
{
	if (!child)
		return;
	child_kill(child);
	if (!child->reaped) {
		struct pollfd p = { .fd = child->pidfd, .events = POLLIN };

		poll(&p, 1, REAP_TIMEOUT_MS);
		waitpid(child->pid, NULL, WNOHANG);
	}
	hush(child);
	event_del(child->exit_source);
	ipc_queue_free(child->queue);
	close(child->sock);
	close(child->pidfd);
	g_free(child);
}

pid_t child_pid(const struct child *child)
{
	return child->pid;
}

int child_pidfd(const struct child *child)
{
	return child->pidfd;
}
