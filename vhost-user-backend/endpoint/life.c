// SPDX-License-Identifier: MIT
/*
 * life.c - start, feed, stop and replace the worker
 *
 * A worker is told state, never operations: whatever has happened before, the
 * next one gets SETUP, FEATURES, MEM_TABLE and the live rings, and goes on from
 * the ledger. The front end notices nothing, unless a ring stop has to wait.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "endpoint/broker_link.h"
#include "endpoint/child.h"
#include "endpoint/endpoint_state.h"
#include "endpoint/screen.h"
#include "ledger/ledger.h"

void life_send(struct endpoint *ep, uint32_t type, const void *payload,
	       size_t size)
{
	if (ep->child)
		child_send(ep->child, type, payload, size, NULL, 0);
}

void life_send_features(struct endpoint *ep)
{
	struct vgpu_ipc_features msg = {
		.features = frontend_features(ep->frontend),
	};

	life_send(ep, VGPU_IPC_FEATURES, &msg, sizeof(msg));
}

void life_send_memory(struct endpoint *ep)
{
	const struct memory *mem = frontend_memory(ep->frontend);
	struct vgpu_ipc_mem_table msg = { .nregions = (uint32_t)mem->n };
	size_t i;

	_Static_assert(MEMORY_MAX_REGIONS <= VGPU_IPC_MAX_FDS, "one message");
	if (!ep->child)
		return;
	for (i = 0; i < mem->n; i++) {
		msg.regions[i].gpa = mem->regions[i].gpa;
		msg.regions[i].size = mem->regions[i].size;
		msg.regions[i].uaddr = mem->regions[i].uaddr;
		msg.regions[i].mmap_offset = mem->regions[i].mmap_offset;
	}
	child_send(ep->child, VGPU_IPC_MEM_TABLE, &msg, sizeof(msg), mem->fds,
		   mem->n);
}

static int call_fd(struct endpoint *ep, unsigned int index)
{
	int fd = frontend_ring(ep->frontend, index)->call_fd;

	return fd >= 0 ? fd : ep->idle_call_fd;
}

void life_send_ring(struct endpoint *ep, unsigned int index)
{
	const struct frontend_ring *ring = frontend_ring(ep->frontend, index);
	struct endpoint_ring *er = &ep->rings[index];
	struct vgpu_ipc_vring msg = {
		.index = index,
		.num = ring->num,
		.base = ring->base,
		.desc_uaddr = ring->desc_uaddr,
		.avail_uaddr = ring->avail_uaddr,
		.used_uaddr = ring->used_uaddr,
	};
	int fds[2] = { ring->kick_fd, call_fd(ep, index) };

	if (!ep->child)
		return;
	/* the present worker knows its own position, another one has to look */
	if (er->handed && !er->known &&
	    ledger_ring_base(ep->ledger_fd, index) >= 0)
		msg.flags = VGPU_VRING_RESUME;
	er->handed = true;
	er->known = true;
	child_send(ep->child, VGPU_IPC_VRING_START, &msg, sizeof(msg), fds, 2);
}

void life_send_call(struct endpoint *ep, unsigned int index)
{
	struct vgpu_ipc_vring_index msg = { index };
	int fd = call_fd(ep, index);

	if (ep->child)
		child_send(ep->child, VGPU_IPC_VRING_CALL, &msg, sizeof(msg),
			   &fd, 1);
}

static void send_setup(struct endpoint *ep)
{
	struct vgpu_ipc_setup setup = ep->setup;
	int fds[6] = { ep->ledger_fd, ep->config.caps_fd };
	size_t nfds = 2;
	unsigned int i;

	for (i = 0; i < FRONTEND_NUM_RINGS; i++) {
		if (ep->rings[i].handed)
			setup.flags |= VGPU_SETUP_TAKEOVER;
	}
	if (ep->sched_fds[0] >= 0) {
		setup.flags |= VGPU_SETUP_SCHED;
		memcpy(fds + 2, ep->sched_fds, sizeof(ep->sched_fds));
		nfds = 6;
	}
	child_send(ep->child, VGPU_IPC_SETUP, &setup, sizeof(setup), fds,
		   nfds);
}

static void on_message(void *opaque, struct ipc_msg *msg)
{
	endpoint_message(opaque, msg);
}

static void on_exited(void *opaque, int status);

static const struct child_ops child_ops = {
	.message = on_message,
	.exited = on_exited,
};

void life_start(struct endpoint *ep)
{
	struct child_config config = {
		.path = ep->config.worker,
		.name = ep->setup.vm,
		.cpus = ep->cpus,
		.cpu_threads = ep->config.cpu_threads,
	};
	unsigned int i;

	if (ep->child || !ep->rings[CONTROL_RING].live)
		return;
	ep->child = child_start(ep->loop, &config, &child_ops, ep);
	if (!ep->child) {
		log_peer(&ep->log, "can not start a worker: %s; trying again",
			 strerror(errno));
		event_set_timer(ep->retry_timer, LIFE_RETRY_US);
		return;
	}
	event_stop_timer(ep->retry_timer);
	log_debug("worker %d starts", child_pid(ep->child));
	if (ep->broker)
		broker_link_started(ep->broker, child_pid(ep->child),
				    child_pidfd(ep->child), ep->restarts);
	send_setup(ep);
	life_send_features(ep);
	life_send_memory(ep);
	for (i = 0; i < FRONTEND_NUM_RINGS; i++) {
		if (ep->rings[i].live)
			life_send_ring(ep, i);
	}
}

/* A stopped ring's position, from whoever knows it best. */
static uint16_t find_base(struct endpoint *ep, unsigned int index)
{
	int base = -ENOENT;

	if (ep->rings[index].handed)
		base = ledger_ring_base(ep->ledger_fd, index);
	return base >= 0 ? (uint16_t)base :
			   frontend_ring(ep->frontend, index)->base;
}

static void stop_done(struct endpoint *ep, unsigned int index, uint16_t base)
{
	struct endpoint_ring *er = &ep->rings[index];

	er->stop = RING_STOP_DONE;
	er->last = *frontend_ring(ep->frontend, index);
	er->last.base = base;
}

/* The worker is gone, or given up: nothing is left to wait for. */
static void no_worker(struct endpoint *ep)
{
	unsigned int i;

	ep->child = NULL;
	ep->killing = false;
	event_stop_timer(ep->stop_timer);
	event_stop_timer(ep->reap_timer);
	screen_forget(ep->screen);
	for (i = 0; i < FRONTEND_NUM_RINGS; i++) {
		ep->rings[i].known = false;
		if (ep->rings[i].stop == RING_STOP_WAITS)
			stop_done(ep, i, find_base(ep, i));
	}
}

/* Too many quick deaths? */
static bool dies_often(struct endpoint *ep)
{
	uint64_t now = event_now_ns();
	uint64_t *oldest = &ep->deaths_ns[ep->deaths % LIFE_DEATHS];
	bool often = ep->deaths >= LIFE_DEATHS &&
		     now - *oldest < LIFE_WINDOW_NS;

	*oldest = now;
	ep->deaths++;
	return often;
}

static void log_death(struct endpoint *ep, pid_t pid, int status)
{
	if (WIFEXITED(status))
		log_peer(&ep->log, "worker %d left with status %d", pid,
			 WEXITSTATUS(status));
	else
		log_peer(&ep->log, "worker %d was ended by %s", pid,
			 strsignal(WTERMSIG(status)));
}

static void on_exited(void *opaque, int status)
{
	struct endpoint *ep = opaque;
	pid_t pid = child_pid(ep->child);
	bool wanted = ep->killing;

	child_free(ep->child);
	no_worker(ep);
	/* with its rings stopped it is replaced when they start again */
	if (!wanted || ep->rings[CONTROL_RING].live)
		ep->restarts++;
	if (ep->broker)
		broker_link_exited(ep->broker, pid, status, ep->restarts);
	if (!wanted)
		log_death(ep, pid, status);
	if (ep->rings[CONTROL_RING].live) {
		if (dies_often(ep))
			event_set_timer(ep->retry_timer, LIFE_RETRY_US);
		else
			life_start(ep);
	}
	frontend_resume(ep->frontend);
}

static void on_retry(void *opaque)
{
	life_start(opaque);
}

/* Nobody waits for its end any more. */
static void abandon(struct endpoint *ep)
{
	pid_t pid = child_pid(ep->child);

	child_orphan(ep->child);
	no_worker(ep);
	if (ep->broker)
		broker_link_exited(ep->broker, pid, SIGKILL, ep->restarts);
}

void life_orphan(struct endpoint *ep)
{
	unsigned int i;
	int fd;

	if (!ep->child)
		return;
	abandon(ep);
	/* the next front end starts without what this one left */
	for (i = 0; i < FRONTEND_NUM_RINGS; i++)
		ep->rings[i].handed = false;
	fd = ledger_create();
	if (fd < 0)
		return;
	close(ep->ledger_fd);
	ep->ledger_fd = fd;
}

/*
 * Killed, but the kernel does not get rid of it: do not wait for that. It
 * executes nothing of its own any more, so its ledger is at rest and good for
 * a successor.
 */
static void on_reap(void *opaque)
{
	struct endpoint *ep = opaque;

	log_warning("worker %d does not end", child_pid(ep->child));
	abandon(ep);
	life_start(ep);
	frontend_resume(ep->frontend);
}

int life_end(struct endpoint *ep)
{
	if (!ep->child)
		return 0;
	if (!ep->killing) {
		ep->killing = true;
		child_kill(ep->child);
		event_set_timer(ep->reap_timer, LIFE_REAP_US);
	}
	return -EINPROGRESS;
}

void life_kill(struct endpoint *ep)
{
	if (ep->child)
		child_kill(ep->child);
}

void life_finish(struct endpoint *ep)
{
	child_free(ep->child);
	ep->child = NULL;
}

int life_stop_ring(struct endpoint *ep, unsigned int index, uint16_t *base)
{
	struct endpoint_ring *er = &ep->rings[index];
	struct vgpu_ipc_vring_index msg = { index };

	er->live = false;
	if (er->stop == RING_STOP_NONE && er->known) {
		er->stop = RING_STOP_WAITS;
		life_send(ep, VGPU_IPC_VRING_STOP, &msg, sizeof(msg));
		event_set_timer(ep->stop_timer, LIFE_STOP_US);
	}
	if (er->stop == RING_STOP_WAITS)
		return -EINPROGRESS;
	if (er->stop == RING_STOP_NONE)
		stop_done(ep, index, find_base(ep, index));
	*base = er->last.base;
	er->stop = RING_STOP_NONE;
	return 0;
}

void life_ring_stopped(struct endpoint *ep, unsigned int index, uint16_t base)
{
	if (ep->rings[index].stop != RING_STOP_WAITS)
		return;
	event_stop_timer(ep->stop_timer);
	stop_done(ep, index, base);
	frontend_resume(ep->frontend);
}

/* The front end must not wait longer: without this worker, then. */
static void on_stop_late(void *opaque)
{
	struct endpoint *ep = opaque;

	log_warning("worker %d does not stop a ring: killed",
		    child_pid(ep->child));
	life_end(ep);
}

int life_init(struct endpoint *ep)
{
	ep->idle_call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (ep->idle_call_fd < 0)
		return -errno;
	ep->stop_timer = event_add_timer(ep->loop, on_stop_late, ep);
	ep->reap_timer = event_add_timer(ep->loop, on_reap, ep);
	ep->retry_timer = event_add_timer(ep->loop, on_retry, ep);
	return 0;
}

void life_fini(struct endpoint *ep)
{
	event_del(ep->stop_timer);
	event_del(ep->reap_timer);
	event_del(ep->retry_timer);
	fdpass_close(&ep->idle_call_fd, 1);
}
