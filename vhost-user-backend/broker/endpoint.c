// SPDX-License-Identifier: MIT
/*
 * endpoint.c - one connection of a VM: its vgpu-endpoint and their messages
 */
#include "broker/endpoint.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/adopt.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/events.h"
#include "broker/gpu.h"
#include "broker/process.h"
#include "broker/spawn.h"
#include "broker/vm.h"
#include "ipc/ipc.h"
#include "sched/arbiter.h"

struct endpoint {
	struct vm *vm;
	pid_t pid;
	int pidfd;
	struct event_source *exit_source;
	int sock;			/* -1: it closed its end */
	struct event_source *sock_source;
	bool attached;
	bool adopted;			/* not our child */
	bool rejoins;			/* its worker ran before we did */

	pid_t worker_pid;		/* 0: none */
	int worker_pidfd;
	struct event_source *worker_source;
	struct endpoint_info info;
	struct ipc_msg msg;
};

static void worker_gone(struct endpoint *ep)
{
	if (!ep->worker_pid)
		return;
	event_del(ep->worker_source);
	ep->worker_source = NULL;
	arbiter_vm_worker(ep->vm->arbiter_vm, 0);
	close(ep->worker_pidfd);
	ep->worker_pidfd = -1;
	ep->worker_pid = 0;
}

/* The kernel says so before the endpoint does. */
static void on_worker_exit(void *opaque, unsigned int events)
{
	worker_gone(opaque);
}

static void close_channel(struct endpoint *ep)
{
	if (ep->sock < 0)
		return;
	event_del(ep->sock_source);
	ep->sock_source = NULL;
	close(ep->sock);
	ep->sock = -1;
}

static int attach(struct endpoint *ep)
{
	const struct gpu *g = ep->vm->gpu;
	const struct config_vm *c = ep->vm->config;
	bool null = g->config->renderer == CONFIG_NULL;
	struct vgpu_broker_attach a;
	struct arbiter_fds fds;
	char *rejoin;
	int ret;

	ret = arbiter_vm_attach(ep->vm->arbiter_vm, &fds);
	if (ret)
		return ret;
	memset(&a, 0, sizeof(a));
	a.setup.version = VGPU_IPC_VERSION;
	a.setup.flags = VGPU_SETUP_SCHED |
		(c->virgl && g->has_3d ? VGPU_SETUP_VIRGL : 0) |
		(null ? VGPU_SETUP_NULL : 0);
	g_strlcpy(a.setup.vm, c->name, sizeof(a.setup.vm));
	g_strlcpy(a.setup.render_node, g->render_node,
		  sizeof(a.setup.render_node));
	a.setup.num_scanouts = c->outputs;
	a.setup.width = c->width;
	a.setup.height = c->height;
	a.setup.memory_max = c->memory;
	a.setup.max_resources = c->max_resources;
	a.setup.max_contexts = c->max_contexts;
	g_strlcpy(a.cpus, g->config->cpus, sizeof(a.cpus));
	a.cpu_threads = g->config->cpu_threads;
	rejoin = adopt_path(ep->vm->broker);
	g_strlcpy(a.rejoin, rejoin, sizeof(a.rejoin));
	g_free(rejoin);
	ret = ipc_send(ep->sock, VGPU_BROKER_ATTACH, &a, sizeof(a),
		       (int[]){ g->caps_fd, fds.grant_page, fds.report_page,
				fds.grant_fd, fds.want_fd }, 5);
	if (!ret)
		ep->attached = true;
	return ret;
}

static int on_hello(struct endpoint *ep, const struct vgpu_broker_hello *hello)
{
	int ret;

	if (hello->version != VGPU_IPC_VERSION) {
		log_error("VM %s: vgpu-endpoint speaks version %u, this vgpud %u; install both from one build",
			  ep->vm->config->name, hello->version,
			  VGPU_IPC_VERSION);
		return -EPROTO;
	}
	if (ep->attached || strcmp(hello->vm, ep->vm->config->name))
		return -EPROTO;
	ret = attach(ep);
	if (ret)
		log_error("VM %s: its endpoint can not be attached: %s",
			  ep->vm->config->name, strerror(-ret));
	return ret;
}

/*
 * vgpud may run as root and the endpoint not: its word alone must not choose
 * whom we charge and kill. The kernel says whose pidfd it is, and that this is
 * the endpoint's own child.
 */
static int on_worker_started(struct endpoint *ep, struct ipc_msg *msg)
{
	pid_t pid;

	if (!ep->attached)
		return -EPROTO;
	pid = process_of_pidfd(msg->fds[0]);
	if (pid == -ESRCH)
		return 0;	/* it has ended already */
	if (pid <= 0 || !process_descends(pid, ep->pid)) {
		log_warning("VM %s: its endpoint names a worker that is not its own",
			    ep->vm->config->name);
		return 0;	/* it gets no lease, that is enough */
	}
	worker_gone(ep);
	ep->worker_pid = pid;
	ep->worker_pidfd = msg->fds[0];
	msg->fds[0] = -1;
	ep->worker_source = event_add_fd(ep->vm->broker->loop,
					 ep->worker_pidfd, EVENT_IN,
					 on_worker_exit, ep);
	ep->info.restarts = msg->worker.restarts;
	if (ep->rejoins)
		arbiter_vm_adopt(ep->vm->arbiter_vm, pid);
	else
		arbiter_vm_worker(ep->vm->arbiter_vm, pid);
	ep->rejoins = false;
	log_debug("VM %s: worker %d", ep->vm->config->name, (int)pid);
	events_post(ep->vm->broker->events, EVENT_WORKER_STARTED,
		    ep->vm->config->name, "worker %d, %u restarts", (int)pid,
		    ep->info.restarts);
	return 0;
}

static void on_worker_exited(struct endpoint *ep,
			     const struct vgpu_broker_worker *worker)
{
	char buf[64];

	worker_gone(ep);
	ep->info.restarts = worker->restarts;
	if (worker->status)
		events_post(ep->vm->broker->events, EVENT_WORKER_EXITED,
			    ep->vm->config->name, "its worker %s",
			    spawn_status(worker->status, buf, sizeof(buf)));
	if (worker->status)
		log_debug("VM %s: its worker %s", ep->vm->config->name,
			  spawn_status(worker->status, buf, sizeof(buf)));
}

static int handle(struct endpoint *ep, struct ipc_msg *msg)
{
	switch (msg->type) {
	case VGPU_BROKER_HELLO:
		return on_hello(ep, &msg->hello);
	case VGPU_BROKER_WORKER_STARTED:
		return on_worker_started(ep, msg);
	case VGPU_BROKER_WORKER_EXITED:
		on_worker_exited(ep, &msg->worker);
		return 0;
	case VGPU_BROKER_STATE:
		if (msg->state.driver_ok && !ep->info.driver_ok)
			events_post(ep->vm->broker->events, EVENT_DRIVER,
				    ep->vm->config->name,
				    "a driver in the guest has started");
		ep->info.connected = msg->state.connected;
		ep->info.driver_ok = msg->state.driver_ok;
		return 0;
	default:
		return -EPROTO;
	}
}

static void on_message(void *opaque, unsigned int events)
{
	struct endpoint *ep = opaque;
	int ret = ipc_recv(ep->sock, IPC_FROM_ENDPOINT_TO_BROKER, &ep->msg);

	if (ret == -EAGAIN)
		return;
	if (ret > 0) {
		ret = handle(ep, &ep->msg);
		ipc_msg_close(&ep->msg);
		if (!ret)
			return;
		log_warning("VM %s: %s from its endpoint is refused: %s",
			    ep->vm->config->name, ipc_type_name(ep->msg.type),
			    strerror(-ret));
	} else if (ret < 0) {
		log_warning("VM %s: its endpoint sends nonsense: %s",
			    ep->vm->config->name, strerror(-ret));
	}
	/* without this channel it can not be scheduled: it has to end */
	close_channel(ep);
	worker_gone(ep);
	if (ret < 0)
		endpoint_stop(ep, true);
}

static void on_endpoint_exit(void *opaque, unsigned int events)
{
	struct endpoint *ep = opaque;
	struct vm *vm = ep->vm;
	char buf[64];
	int status = 0;

	if (!ep->adopted && waitpid(ep->pid, &status, WNOHANG) != ep->pid)
		return;
	ep->pid = 0;
	events_post(vm->broker->events, EVENT_DISCONNECTED, vm->config->name,
		    "its endpoint %s",
		    spawn_status(status, buf, sizeof(buf)));
	if (status && !vm->broker->stopping)
		log_warning("VM %s: its endpoint %s; the socket is open for a new connection",
			    vm->config->name,
			    spawn_status(status, buf, sizeof(buf)));
	else
		log_info("VM %s: disconnected", vm->config->name);
	endpoint_free(ep);
	vm_endpoint_gone(vm);
}

struct endpoint *endpoint_new(struct vm *vm, int front_end)
{
	struct endpoint *ep = g_new0(struct endpoint, 1);
	const char *path = vm->broker->config->endpoint;
	char *name = g_strdup_printf("--name=%s", vm->config->name);
	char *fd_arg = g_strdup_printf("--fd=%d", SPAWN_FD);
	char *broker_arg = g_strdup_printf("--broker-fd=%d", SPAWN_FD + 1);
	char *virgl_arg = vm->config->virgl && vm->gpu->has_3d ?
		(char *)"--virgl" : NULL;
	char *worker_arg = g_strdup_printf("--worker=%s",
					   vm->broker->config->worker);
	char *argv[] = { (char *)path, fd_arg, name, broker_arg, worker_arg,
			 virgl_arg, NULL };
	int pair[2] = { -1, -1 };

	ep->vm = vm;
	ep->sock = -1;
	ep->worker_pidfd = -1;
	ep->pid = (pid_t)ipc_pair(pair);
	if (!ep->pid)
		ep->pid = spawn(path, argv, (int[]){ front_end, pair[1] }, 2,
				&ep->pidfd);
	g_free(name);
	g_free(fd_arg);
	g_free(broker_arg);
	g_free(worker_arg);
	close(front_end);
	if (pair[1] >= 0)
		close(pair[1]);
	if (ep->pid < 0) {
		log_error("VM %s: %s can not be started: %s; install it, or name yours with endpoint = in [vgpud]",
			  vm->config->name, path, strerror((int)-ep->pid));
		if (pair[0] >= 0)
			close(pair[0]);
		g_free(ep);
		return NULL;
	}
	ep->sock = pair[0];
	ep->sock_source = event_add_fd(vm->broker->loop, ep->sock, EVENT_IN,
				       on_message, ep);
	ep->exit_source = event_add_fd(vm->broker->loop, ep->pidfd, EVENT_IN,
				       on_endpoint_exit, ep);
	return ep;
}

struct endpoint *endpoint_adopt(struct vm *vm, int sock, pid_t pid,
				const struct vgpu_broker_hello *hello)
{
	struct endpoint *ep = g_new0(struct endpoint, 1);

	ep->vm = vm;
	ep->sock = sock;
	ep->pid = pid;
	ep->adopted = true;
	ep->rejoins = true;
	ep->worker_pidfd = -1;
	ep->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (ep->pidfd < 0 || on_hello(ep, hello)) {
		log_warning("VM %s: its endpoint %d can not be taken back",
			    vm->config->name, (int)pid);
		ep->pid = 0;		/* it has done nothing: it lives on */
		endpoint_free(ep);
		return NULL;
	}
	ep->sock_source = event_add_fd(vm->broker->loop, ep->sock, EVENT_IN,
				       on_message, ep);
	ep->exit_source = event_add_fd(vm->broker->loop, ep->pidfd, EVENT_IN,
				       on_endpoint_exit, ep);
	return ep;
}

void endpoint_leave(struct endpoint *ep)
{
	ep->pid = 0;
}

void endpoint_free(struct endpoint *ep)
{
	if (!ep)
		return;
	worker_gone(ep);
	close_channel(ep);
	event_del(ep->exit_source);
	if (ep->pid) {
		spawn_signal(ep->pidfd, SIGKILL);
		if (!ep->adopted)
			spawn_wait(ep->pid, ep->pidfd, 1000);
	}
	if (ep->pidfd >= 0)
		close(ep->pidfd);
	if (ep->attached)
		arbiter_vm_detach(ep->vm->arbiter_vm);
	g_free(ep);
}

void endpoint_stop(struct endpoint *ep, bool kill)
{
	spawn_signal(ep->pidfd, kill ? SIGKILL : SIGTERM);
}

void endpoint_kill_worker(struct endpoint *ep, const char *reason)
{
	struct vgpu_broker_kill msg;

	memset(&msg, 0, sizeof(msg));
	g_strlcpy(msg.reason, reason, sizeof(msg.reason));
	if (ep->sock >= 0)
		ipc_send(ep->sock, VGPU_BROKER_KILL_WORKER, &msg, sizeof(msg),
			 NULL, 0);
	spawn_signal(ep->worker_pidfd, SIGKILL);
}

void endpoint_info(const struct endpoint *ep, struct endpoint_info *info)
{
	*info = ep->info;
	info->pid = ep->pid;
	info->worker_pid = ep->worker_pid;
}
