// SPDX-License-Identifier: MIT
/*
 * endpoint.c - one VM: the front end's requests, the screen, vgpud
 */
#include "endpoint/endpoint.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "endpoint/broker_link.h"
#include "endpoint/caps.h"
#include "endpoint/child.h"
#include "endpoint/endpoint_state.h"
#include "endpoint/screen.h"
#include "ledger/ledger.h"

#define REJOIN_US	1000000
#define BIT(n)	(UINT64_C(1) << (n))

static void tell_state(struct endpoint *ep)
{
	if (ep->broker)
		broker_link_state(ep->broker, ep->frontend != NULL,
				  ep->rings[CONTROL_RING].live);
}

/* ---- the front end's requests ---- */

/* Forget everything that a worker did for the guest. */
static int start_over(struct endpoint *ep)
{
	int ret = life_end(ep);
	unsigned int i;

	if (ret)
		return ret;
	ret = ledger_wipe(ep->ledger_fd);
	if (ret)
		log_error("can not wipe the ledger: %s", strerror(-ret));
	for (i = 0; i < FRONTEND_NUM_RINGS; i++)
		ep->rings[i].handed = false;
	screen_reset(ep->screen);
	return 0;
}

/*
 * QEMU 7.2 and User Mode Linux never say that the device was reset. A ring that
 * does not go on where it stopped says it.
 */
static bool starts_anew(const struct endpoint_ring *er,
			const struct frontend_ring *now)
{
	const struct frontend_ring *last = &er->last;

	return er->handed &&
	       (now->base != last->base || now->num != last->num ||
		now->desc_uaddr != last->desc_uaddr ||
		now->avail_uaddr != last->avail_uaddr ||
		now->used_uaddr != last->used_uaddr);
}

static int ring_start(void *opaque, unsigned int index)
{
	struct endpoint *ep = opaque;
	struct endpoint_ring *er = &ep->rings[index];

	if (starts_anew(er, frontend_ring(ep->frontend, index))) {
		int ret = index == CONTROL_RING ? start_over(ep) : 0;

		if (ret)
			return ret;
		er->handed = false;
	}
	er->live = true;
	if (ep->child)
		life_send_ring(ep, index);
	else
		life_start(ep);
	tell_state(ep);
	return 0;
}

static int ring_stop(void *opaque, unsigned int index, uint16_t *base)
{
	struct endpoint *ep = opaque;
	int ret = life_stop_ring(ep, index, base);

	if (!ret)
		tell_state(ep);
	return ret;
}

static void ring_call(void *opaque, unsigned int index)
{
	struct endpoint *ep = opaque;

	if (ep->rings[index].known)
		life_send_call(ep, index);
}

static int reset(void *opaque)
{
	struct endpoint *ep = opaque;
	unsigned int i;

	for (i = 0; i < FRONTEND_NUM_RINGS; i++)
		ep->rings[i].live = false;
	tell_state(ep);
	return start_over(ep);
}

static void features_changed(void *opaque, uint64_t features)
{
	(void)features;
	life_send_features(opaque);
}

static void mem_changed(void *opaque)
{
	life_send_memory(opaque);
}

/* QEMU puts its own number of scanouts and its own events over ours. */
static int get_config(void *opaque, uint32_t offset, void *buf, uint32_t size)
{
	struct endpoint *ep = opaque;
	struct virtio_gpu_config config = {
		.num_scanouts = ep->config.outputs ? ep->config.outputs : 1,
		.num_capsets = ep->num_capsets,
	};

	if (offset > sizeof(config) || size > sizeof(config) - offset)
		return -EINVAL;
	memcpy(buf, (const uint8_t *)&config + offset, size);
	return 0;
}

/* Only events_clear can be written, and there are no events of ours. */
static int set_config(void *opaque, uint32_t offset, const void *buf,
		      uint32_t size)
{
	const size_t max = sizeof(struct virtio_gpu_config);

	(void)opaque;
	(void)buf;
	return offset > max || size > max - offset ? -EINVAL : 0;
}

static void set_socket(void *opaque, int fd)
{
	struct endpoint *ep = opaque;

	screen_set_socket(ep->screen, fd);
}

static void disconnect(struct endpoint *ep)
{
	life_orphan(ep);
	frontend_free(ep->frontend);
	ep->frontend = NULL;
	screen_free(ep->screen);
	ep->screen = NULL;
	memset(ep->rings, 0, sizeof(ep->rings));
	event_stop_timer(ep->retry_timer);
	fdpass_close(&ep->ledger_fd, 1);
	tell_state(ep);
}

static void closed(void *opaque)
{
	struct endpoint *ep = opaque;

	if (log_allowed(&ep->connect_log))
		log_info("front end disconnected");
	disconnect(ep);
	ep->disconnected(ep->opaque);
}

static const struct frontend_ops frontend_ops = {
	.ring_start = ring_start,
	.ring_stop = ring_stop,
	.ring_call = ring_call,
	.reset = reset,
	.features_changed = features_changed,
	.mem_changed = mem_changed,
	.get_config = get_config,
	.set_config = set_config,
	.set_socket = set_socket,
	.closed = closed,
};

/* ---- the screen's answers ---- */

static void presented(void *opaque, uint32_t scanout_id)
{
	struct vgpu_ipc_scanout_id msg = { scanout_id };

	life_send(opaque, VGPU_IPC_DMABUF_PRESENTED, &msg, sizeof(msg));
}

static void display_info(void *opaque, uint32_t cookie,
			 const struct virtio_gpu_display_one *pmodes)
{
	struct vgpu_ipc_display_info msg = { .cookie = cookie };

	memcpy(msg.pmodes, pmodes, sizeof(msg.pmodes));
	life_send(opaque, VGPU_IPC_DISPLAY_INFO, &msg, sizeof(msg));
}

static void edid(void *opaque, uint32_t cookie, const uint8_t *data,
		 size_t size)
{
	struct vgpu_ipc_edid msg = {
		.cookie = cookie,
		.size = (uint32_t)size,
	};

	if (size)
		memcpy(msg.edid, data, size);
	life_send(opaque, VGPU_IPC_EDID, &msg, sizeof(msg));
}

static const struct screen_ops screen_ops = {
	.presented = presented,
	.display_info = display_info,
	.edid = edid,
};

/* ---- vgpud ---- */

static void read_caps(struct endpoint *ep)
{
	struct vgpu_caps *caps = g_new(struct vgpu_caps, 1);

	ep->num_capsets = 0;
	if (!(ep->setup.flags & VGPU_SETUP_VIRGL))
		goto out;
	if (!caps_read(ep->config.caps_fd, caps) && caps->count)
		ep->num_capsets = caps->count + 1;	/* and our own */
	else
		ep->setup.flags &= ~(uint32_t)VGPU_SETUP_VIRGL;
out:
	g_free(caps);
}

static int serve(struct endpoint *ep, int sock)
{
	struct screen_config screen = {
		.width = ep->setup.width,
		.height = ep->setup.height,
	};
	uint64_t features = BIT(VIRTIO_GPU_F_EDID) |
			    BIT(VIRTIO_GPU_F_RESOURCE_UUID);

	ep->ledger_fd = ledger_create();
	if (ep->ledger_fd < 0) {
		log_error("can not make a ledger: %s",
			  strerror(-ep->ledger_fd));
		close(sock);
		return ep->ledger_fd;
	}
	if (ep->setup.flags & VGPU_SETUP_VIRGL)
		features |= BIT(VIRTIO_GPU_F_VIRGL);
	ep->screen = screen_new(ep->loop, &screen, &screen_ops, ep);
	ep->frontend = frontend_new(ep->loop, sock, features, &frontend_ops,
				    ep);
	if (log_allowed(&ep->connect_log))
		log_info("front end connected");
	tell_state(ep);
	return 0;
}

static void broker_answered(struct endpoint *ep)
{
	int sock = ep->waiting_sock;

	ep->attached = true;
	ep->waiting_sock = -1;
	if (sock >= 0 && serve(ep, sock))
		ep->disconnected(ep->opaque);
}

/*
 * A vgpud has come back. What the VM was started with stays as it is; the
 * worker that runs is told whom to ask from now on.
 */
static void attach_again(struct endpoint *ep, struct ipc_msg *msg)
{
	const struct vgpu_ipc_setup *from = &msg->attach.setup;

	ep->rejoining = false;
	ep->setup.memory_max = from->memory_max;
	ep->setup.max_resources = from->max_resources;
	ep->setup.max_contexts = from->max_contexts;
	memcpy(ep->rejoin, msg->attach.rejoin, sizeof(ep->rejoin));
	memcpy(ep->sched_fds, &msg->fds[1], sizeof(ep->sched_fds));
	msg->nfds = 1;		/* the capability sets are known */
	tell_state(ep);
	log_info("vgpud is back: scheduled again");
	if (!ep->child)
		return;
	broker_link_started(ep->broker, child_pid(ep->child),
			    child_pidfd(ep->child), ep->restarts);
	child_send(ep->child, VGPU_IPC_SCHED_ATTACH, NULL, 0, ep->sched_fds,
		   G_N_ELEMENTS(ep->sched_fds));
}

static void attach(void *opaque, struct ipc_msg *msg)
{
	struct endpoint *ep = opaque;
	const struct vgpu_broker_attach *from = &msg->attach;
	const uint32_t kept = VGPU_SETUP_VIRGL | VGPU_SETUP_NULL;

	if (ep->rejoining && from->setup.version == VGPU_IPC_VERSION) {
		attach_again(ep, msg);
		return;
	}
	if (ep->attached || from->setup.version != VGPU_IPC_VERSION) {
		log_warning("vgpud: ATTACH out of place ignored");
		return;
	}
	ep->setup = from->setup;
	ep->setup.flags &= kept;
	memcpy(ep->rejoin, from->rejoin, sizeof(ep->rejoin));
	memcpy(ep->cpus, from->cpus, sizeof(ep->cpus));
	ep->config.cpu_threads = from->cpu_threads;
	ep->config.outputs = from->setup.num_scanouts;
	close(ep->config.caps_fd);
	ep->config.caps_fd = msg->fds[0];
	memcpy(ep->sched_fds, &msg->fds[1], sizeof(ep->sched_fds));
	msg->nfds = 0;
	read_caps(ep);
	broker_answered(ep);
}

static void kill_worker(void *opaque, const char *reason)
{
	struct endpoint *ep = opaque;

	log_warning("vgpud ends the worker: %s", reason);
	life_kill(ep);
}

static void broker_gone(void *opaque)
{
	struct endpoint *ep = opaque;

	broker_link_free(ep->broker);
	ep->broker = NULL;
	ep->rejoining = false;
	if (ep->sched_fds[0] >= 0)
		life_send(ep, VGPU_IPC_SCHED_DETACH, NULL, 0);
	fdpass_close(ep->sched_fds, G_N_ELEMENTS(ep->sched_fds));
	if (!ep->attached)
		broker_answered(ep);
	if (ep->rejoin[0])
		event_set_timer(ep->rejoin_timer, REJOIN_US);
}

static const struct broker_link_ops broker_ops = {
	.attach = attach,
	.kill_worker = kill_worker,
	.gone = broker_gone,
};

/* Another vgpud may be there now. */
static void on_rejoin(void *opaque)
{
	struct endpoint *ep = opaque;
	int sock = fdpass_connect(ep->rejoin, SOCK_SEQPACKET | SOCK_NONBLOCK);

	if (sock < 0) {
		event_set_timer(ep->rejoin_timer, REJOIN_US);
		return;
	}
	ep->rejoining = true;
	ep->broker = broker_link_new(ep->loop, sock, ep->config.name, true,
				     &broker_ops, ep);
}

/* ---- life of the endpoint ---- */

int endpoint_serve(struct endpoint *ep, int sock)
{
	if (ep->attached)
		return serve(ep, sock);
	ep->waiting_sock = sock;
	return 0;
}

static void init_setup(struct endpoint *ep)
{
	const struct endpoint_config *config = &ep->config;
	struct vgpu_ipc_setup *setup = &ep->setup;

	setup->version = VGPU_IPC_VERSION;
	if (config->virgl)
		setup->flags |= VGPU_SETUP_VIRGL;
	if (config->null_renderer)
		setup->flags |= VGPU_SETUP_NULL;
	g_strlcpy(setup->vm, config->name, sizeof(setup->vm));
	if (config->render_node)
		g_strlcpy(setup->render_node, config->render_node,
			  sizeof(setup->render_node));
	setup->num_scanouts = config->outputs ? config->outputs :
						VIRTIO_GPU_MAX_SCANOUTS;
	setup->width = config->width;
	setup->height = config->height;
	setup->memory_max = config->memory_max;
	if (config->cpus)
		g_strlcpy(ep->cpus, config->cpus, sizeof(ep->cpus));
}

struct endpoint *endpoint_open(struct event_loop *loop,
			       const struct endpoint_config *config,
			       void (*disconnected)(void *opaque),
			       void *opaque)
{
	struct endpoint *ep = g_new0(struct endpoint, 1);
	size_t i;
	int ret;

	ep->loop = loop;
	ep->config = *config;
	ep->disconnected = disconnected;
	ep->opaque = opaque;
	ep->waiting_sock = -1;
	ep->ledger_fd = -1;
	for (i = 0; i < G_N_ELEMENTS(ep->sched_fds); i++)
		ep->sched_fds[i] = -1;
	init_setup(ep);
	read_caps(ep);
	ret = life_init(ep);
	if (ret) {
		close(config->caps_fd);
		g_free(ep);
		errno = -ret;
		return NULL;
	}
	ep->rejoin_timer = event_add_timer(loop, on_rejoin, ep);
	if (config->broker_fd >= 0)
		ep->broker = broker_link_new(loop, config->broker_fd,
					     config->name, false, &broker_ops,
					     ep);
	else
		ep->attached = true;
	return ep;
}

void endpoint_close(struct endpoint *ep)
{
	if (!ep)
		return;
	if (ep->frontend) {
		life_finish(ep);
		disconnect(ep);
	}
	life_fini(ep);
	broker_link_free(ep->broker);
	event_del(ep->rejoin_timer);
	fdpass_close(&ep->waiting_sock, 1);
	fdpass_close(ep->sched_fds, G_N_ELEMENTS(ep->sched_fds));
	close(ep->config.caps_fd);
	g_free(ep);
}
