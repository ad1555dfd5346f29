// SPDX-License-Identifier: MIT
/*
 * worker.c - the endpoint's messages, and the device's way out
 */
#include "worker/worker.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/shm.h"
#include "device/device.h"
#include "ipc/queue.h"
#include "ledger/ledger.h"
#include "renderer/renderer.h"
#include "ring/guest_mem.h"
#include "sched/client.h"
#include "worker/crash.h"
#include "worker/display.h"
#include "worker/rings.h"

#define EXIT_LOST	3	/* the GPU was lost */
#define MSG_BATCH	16	/* messages before anything else gets a turn */

void worker_quit(struct worker *w, int exit_code)
{
	w->exit_code = exit_code;
	event_loop_quit(w->loop);
}

static void send_control(struct worker *w, uint32_t type, const void *payload,
			 size_t size)
{
	int ret = ipc_queue_send(w->queue, type, payload, size, NULL, 0);

	if (!ret || ret == -EPIPE || ret == -ECONNRESET)
		return;
	log_error("%s: %s", ipc_type_name(type), strerror(-ret));
	worker_quit(w, EXIT_FAILURE);
}

/* ---- the device's way out ---- */

static void op_complete(void *opaque, struct vring_elem *elem, uint32_t len)
{
	struct worker *w = opaque;

	rings_complete(w->rings, elem, len);
}

static uint8_t *op_pixels(void *opaque, uint32_t scanout, uint32_t width,
			  uint32_t height)
{
	struct worker *w = opaque;

	return display_pixels(w->display, scanout, width, height);
}

static void op_update(void *opaque, uint32_t scanout, uint32_t x, uint32_t y,
		      uint32_t width, uint32_t height)
{
	struct worker *w = opaque;

	display_update(w->display, scanout, x, y, width, height);
}

static bool op_dmabuf_scanout(void *opaque, uint32_t scanout, uint32_t x,
			      uint32_t y, uint32_t width, uint32_t height,
			      const struct renderer_dmabuf *buf)
{
	struct worker *w = opaque;

	return display_dmabuf(w->display, scanout, x, y, width, height, buf);
}

static void op_cursor_update(void *opaque, uint32_t scanout, uint32_t x,
			     uint32_t y, uint32_t hot_x, uint32_t hot_y,
			     const uint32_t *pixels)
{
	struct worker *w = opaque;

	display_cursor_update(w->display, scanout, x, y, hot_x, hot_y, pixels);
}

static void op_cursor_move(void *opaque, uint32_t scanout, uint32_t x,
			   uint32_t y, bool visible)
{
	struct worker *w = opaque;

	display_cursor_move(w->display, scanout, x, y, visible);
}

static void op_get_display_info(void *opaque, uint32_t cookie)
{
	struct vgpu_ipc_cookie msg = { .cookie = cookie };

	send_control(opaque, VGPU_IPC_GET_DISPLAY_INFO, &msg, sizeof(msg));
}

static void op_get_edid(void *opaque, uint32_t cookie, uint32_t scanout)
{
	struct vgpu_ipc_get_edid msg = {
		.cookie = cookie, .scanout_id = scanout,
	};

	send_control(opaque, VGPU_IPC_GET_EDID, &msg, sizeof(msg));
}

static struct renderer *op_make_renderer(void *opaque,
					 const struct renderer_config *from)
{
	struct worker *w = opaque;
	struct renderer_config config = *from;

	config.render_node = w->setup.render_node;
	if (w->setup.flags & VGPU_SETUP_NULL)
		return renderer_null_new(&config);
	if (w->setup.flags & VGPU_SETUP_VIRGL)
		return renderer_virgl_new(&config);
	errno = ENOTSUP;
	return NULL;
}

static void op_lost(void *opaque)
{
	log_error("the GPU was lost");
	_exit(EXIT_LOST);
}

static const struct device_ops device_ops = {
	.complete = op_complete,
	.pixels = op_pixels,
	.update = op_update,
	.dmabuf_scanout = op_dmabuf_scanout,
	.dmabuf_update = op_update,
	.cursor_update = op_cursor_update,
	.cursor_move = op_cursor_move,
	.get_display_info = op_get_display_info,
	.get_edid = op_get_edid,
	.make_renderer = op_make_renderer,
	.lost = op_lost,
};

/* ---- the device ---- */

static void on_poll(void *opaque, unsigned int events)
{
	struct worker *w = opaque;

	device_poll(w->device);
	worker_settle(w);
}

void worker_settle(struct worker *w)
{
	int fd = device_poll_fd(w->device);

	rings_notify(w->rings);
	display_flush(w->display);
	if (fd == w->poll_fd)
		return;
	event_del(w->poll_source);
	w->poll_source = NULL;
	w->poll_fd = fd;
	if (fd >= 0)
		w->poll_source = event_add_fd(w->loop, fd, EVENT_IN, on_poll, w);
}

void worker_reset_device(struct worker *w)
{
	device_reset(w->device);
	device_set_features(w->device, w->features);
	if (w->mem)
		device_set_mem(w->device, w->mem);
}

static void on_granted(void *opaque)
{
	struct worker *w = opaque;

	device_run(w->device);
	worker_settle(w);
}

/* ---- SETUP ---- */

static struct ledger *open_ledger(struct worker *w, int fd)
{
	struct ledger *ledger = ledger_open(fd);

	if (ledger || errno != EBADMSG)
		return ledger;
	/* Better a device that lost its contents than none. */
	log_error("the ledger is not readable; starting with an empty one");
	w->restore = false;
	if (ledger_wipe(fd))
		return NULL;
	return ledger_open(fd);
}

static void on_quiet(void *opaque)
{
	struct worker *w = opaque;

	atomic_store(ledger_crashes(w->ledger), 0);
}

/* Do not die of what killed one's predecessors. */
static void look_back(struct worker *w)
{
	uint32_t crashes = atomic_load(ledger_crashes(w->ledger));

	crash_watch(ledger_crashes(w->ledger));
	w->quiet_timer = event_add_timer(w->loop, on_quiet, w);
	event_set_timer(w->quiet_timer, CRASH_QUIET_US);
	if (!w->restore) {
		ledger_clear(w->ledger);
		return;
	}
	if (crashes >= CRASH_DROP_CHAINS) {
		log_error("%u workers crashed: commands in flight fail",
			  crashes);
		rings_give_up(w->rings);
	}
	if (crashes >= CRASH_DROP_STATE) {
		log_error("%u workers crashed: resources are given up",
			  crashes);
		ledger_clear(w->ledger);
		w->restore = false;
	}
}

static int take_caps(struct worker *w, int fd)
{
	struct vgpu_caps *map = shm_map(fd, sizeof(*map), false);

	if (!map)
		return -errno;
	w->caps = malloc(sizeof(*w->caps));
	if (w->caps)
		memcpy(w->caps, map, sizeof(*map));
	shm_unmap(map, sizeof(*map));
	if (!w->caps)
		return -ENOMEM;
	if (w->caps->magic != VGPU_CAPS_MAGIC ||
	    w->caps->count > VGPU_CAPS_MAX)
		return -EBADMSG;
	for (uint32_t i = 0; i < w->caps->count; i++)
		if (w->caps->sets[i].size > VGPU_CAPSET_MAX_SIZE)
			return -EBADMSG;
	w->caps->renderer[sizeof(w->caps->renderer) - 1] = 0;
	if (!(w->setup.flags & (VGPU_SETUP_VIRGL | VGPU_SETUP_NULL)))
		w->caps->count = 0;
	return 0;
}

static int join_scheduler(struct worker *w, int *fds)
{
	struct sched_fds sched = { -1, -1, -1, -1 };
	bool scheduled = w->setup.flags & VGPU_SETUP_SCHED;

	if (scheduled) {
		sched = (struct sched_fds){
			.grant_page = fds[2], .report_page = fds[3],
			.grant_fd = fds[4], .want_fd = fds[5],
		};
		fds[2] = fds[3] = fds[4] = fds[5] = -1;
	}
	w->sched = sched_client_new(w->loop, scheduled ? &sched : NULL,
				    on_granted, w);
	return w->sched ? 0 : -EINVAL;
}

static int make_device(struct worker *w)
{
	const char *split = getenv("VGPU_SPLIT");	/* for tests */
	struct device_config config = {
		.caps = w->caps,
		.num_scanouts = w->setup.num_scanouts,
		.width = w->setup.width,
		.height = w->setup.height,
		.memory_max = w->setup.memory_max,
		.max_resources = w->setup.max_resources,
		.max_contexts = w->setup.max_contexts,
		.split_always = split && !strcmp(split, "all"),
		.ledger = w->ledger,
		.sched = w->sched,
		.ops = &device_ops,
		.opaque = w,
	};

	if (config.split_always)
		log_info("VGPU_SPLIT: command buffers are cut at every command");
	w->display = display_new(w);
	w->rings = rings_new(w);
	if (!w->display || !w->rings)
		return -ENOMEM;
	w->device = device_new(&config);
	return w->device ? 0 : -ENOMEM;
}

static int handle_setup(struct worker *w, struct ipc_msg *msg)
{
	int ret;

	w->setup = msg->setup;
	w->restore = w->setup.flags & VGPU_SETUP_TAKEOVER;
	if (w->setup.version != VGPU_IPC_VERSION) {
		log_error("endpoint speaks version %u, this worker %u",
			  w->setup.version, VGPU_IPC_VERSION);
		return -EPROTO;
	}
	w->ledger = open_ledger(w, msg->fds[0]);
	if (!w->ledger)
		return -errno;
	ret = take_caps(w, msg->fds[1]);
	if (!ret)
		ret = join_scheduler(w, msg->fds);
	if (!ret)
		ret = make_device(w);
	if (ret) {
		log_error("setup: %s", strerror(-ret));
		return ret;
	}
	look_back(w);
	send_control(w, VGPU_IPC_READY, NULL, 0);
	return 0;
}

/* ---- the other messages ---- */

/* A vgpud has come back; without it the worker goes on as it is. */
static void handle_sched_attach(struct worker *w, struct ipc_msg *msg)
{
	struct sched_fds fds = {
		.grant_page = msg->fds[0],
		.report_page = msg->fds[1],
		.grant_fd = msg->fds[2],
		.want_fd = msg->fds[3],
	};
	int ret;

	msg->nfds = 0;
	ret = sched_client_attach(w->sched, w->loop, &fds);
	if (ret)
		log_warning("the scheduler can not be joined: %s",
			    strerror(-ret));
}

static int handle_mem_table(struct worker *w, struct ipc_msg *msg)
{
	struct vgpu_ipc_mem_region *regions = msg->mem_table.regions;
	struct guest_mem *mem = guest_mem_new(regions, msg->fds, msg->nfds);
	int ret;

	if (!mem) {
		ret = -errno;
		log_error("memory table: %s", strerror(-ret));
		return ret;
	}
	guest_mem_put(w->mem);
	w->mem = mem;
	device_set_mem(w->device, mem);
	rings_set_mem(w->rings);
	if (w->restore) {
		w->restore = false;
		ret = device_restore(w->device);
		if (ret)
			log_error("can not take everything over: %s",
				  strerror(-ret));
		worker_settle(w);
	}
	return 0;
}

static void handle_vring_start(struct worker *w, struct ipc_msg *msg)
{
	int kick = msg->fds[0], call = msg->fds[1];

	msg->fds[0] = msg->fds[1] = -1;
	rings_start(w->rings, &msg->vring, kick, call);
}

static void handle_vring_stop(struct worker *w, const struct ipc_msg *msg)
{
	struct vgpu_ipc_vring_stopped reply = {
		.index = msg->vring_index.index,
	};

	reply.base = rings_stop(w->rings, reply.index);
	send_control(w, VGPU_IPC_VRING_STOPPED, &reply, sizeof(reply));
}

static int handle(struct worker *w, struct ipc_msg *msg)
{
	if (!w->device != (msg->type == VGPU_IPC_SETUP)) {
		log_error("%s is out of order", ipc_type_name(msg->type));
		return -EPROTO;
	}
	switch (msg->type) {
	case VGPU_IPC_SETUP:
		return handle_setup(w, msg);
	case VGPU_IPC_FEATURES:
		w->features = msg->features.features;
		device_set_features(w->device, w->features);
		break;
	case VGPU_IPC_MEM_TABLE:
		return handle_mem_table(w, msg);
	case VGPU_IPC_VRING_START:
		handle_vring_start(w, msg);
		break;
	case VGPU_IPC_VRING_CALL:
		rings_set_call(w->rings, msg->vring_index.index, msg->fds[0]);
		msg->fds[0] = -1;
		break;
	case VGPU_IPC_VRING_STOP:
		handle_vring_stop(w, msg);
		break;
	case VGPU_IPC_DISPLAY_INFO:
		device_display_info(w->device, msg->display_info.cookie,
				    msg->display_info.pmodes);
		worker_settle(w);
		break;
	case VGPU_IPC_EDID:
		device_edid(w->device, msg->edid.cookie, msg->edid.edid,
			    msg->edid.size);
		worker_settle(w);
		break;
	case VGPU_IPC_DMABUF_PRESENTED:
		display_presented(w->display, msg->scanout_id.scanout_id);
		break;
	case VGPU_IPC_SCHED_DETACH:
		sched_client_detach(w->sched);
		on_granted(w);
		break;
	case VGPU_IPC_SCHED_ATTACH:
		handle_sched_attach(w, msg);
		break;
	}
	return 0;
}

static void on_message(void *opaque, unsigned int events)
{
	struct worker *w = opaque;

	for (int i = 0; i < MSG_BATCH; i++) {
		int ret = ipc_recv(w->sock, IPC_FROM_ENDPOINT, &w->msg);

		if (ret == -EAGAIN)
			return;
		if (ret == 0) {
			worker_quit(w, EXIT_SUCCESS);
			return;
		}
		if (ret > 0) {
			log_debug("%s", ipc_type_name(w->msg.type));
			ret = handle(w, &w->msg);
			ipc_msg_close(&w->msg);
		}
		if (ret < 0) {
			log_error("endpoint: %s", strerror(-ret));
			worker_quit(w, EXIT_FAILURE);
			return;
		}
	}
}

static void worker_free(struct worker *w)
{
	event_del(w->quiet_timer);
	event_del(w->poll_source);
	event_del(w->sock_source);
	device_free(w->device);
	rings_free(w->rings);
	display_free(w->display);
	sched_client_free(w->sched);
	ledger_close(w->ledger);
	guest_mem_put(w->mem);
	free(w->caps);
	ipc_queue_free(w->queue);
	event_loop_free(w->loop);
	close(w->sock);
	free(w);
}

int worker_run(int sock)
{
	struct worker *w = calloc(1, sizeof(*w));
	int exit_code;

	if (!w) {
		close(sock);
		return EXIT_FAILURE;
	}
	w->sock = sock;
	w->poll_fd = -1;
	w->loop = event_loop_new();
	w->queue = ipc_queue_new(w->loop, sock);
	w->sock_source = event_add_fd(w->loop, sock, EVENT_IN, on_message, w);
	event_loop_run(w->loop);
	exit_code = w->exit_code;
	worker_free(w);
	return exit_code;
}
