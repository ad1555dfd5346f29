// SPDX-License-Identifier: MIT
/*
 * runlist.c - commands in, executed in order, answered
 *
 * The run list holds what was decoded and can not go on: the command at its
 * head waits for a lease or for fences, and all behind it wait too. Nothing
 * else ever waits there.
 */
#include <stdatomic.h>
#include "base/iov.h"
#include "device/command.h"
#include "device/fence.h"
#include "device/state.h"
#include "device/vendor.h"
#include "protocol/vgpu_sched.h"
#include "renderer/renderer.h"
#include "ring/vring.h"

/* Private memory that commands in the run list may take. */
#define PENDING_MAX	(128u << 20)

static void count_error(struct device *dev)
{
	atomic_fetch_add_explicit(&dev->report->errors, 1,
				  memory_order_relaxed);
}

/* Header and payload as far as there is room. Return: bytes written */
static uint32_t write_answer(struct vring_elem *elem,
			     const struct virtio_gpu_ctrl_hdr *hdr,
			     const void *payload, size_t size)
{
	const struct iovec *in = elem->iov + elem->n_out;
	size_t n;

	n = iov_from_buf(in, elem->n_in, 0, hdr, sizeof(*hdr));
	if (n == sizeof(*hdr) && size)
		n += iov_from_buf(in, elem->n_in, n, payload, size);
	return (uint32_t)n;
}

void command_answer(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_ctrl_hdr *req = &cmd->req.hdr;
	struct virtio_gpu_ctrl_hdr hdr = {
		.type = cmd->response,
		.ctx_id = req->ctx_id,
	};
	struct vring_elem *elem = cmd->elem;
	uint32_t len;

	/* Half a payload is of no use to anybody. */
	if (cmd->payload_size && elem->in_len < sizeof(hdr) + cmd->payload_size) {
		hdr.type = VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
		cmd->payload_size = 0;
	}
	hdr.flags = req->flags & (VIRTIO_GPU_FLAG_FENCE |
				  VIRTIO_GPU_FLAG_INFO_RING_IDX);
	if (hdr.flags & VIRTIO_GPU_FLAG_FENCE)
		hdr.fence_id = req->fence_id;
	if (hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX)
		hdr.ring_idx = req->ring_idx;
	if (hdr.type >= VIRTIO_GPU_RESP_ERR_UNSPEC)
		count_error(dev);
	len = write_answer(elem, &hdr, cmd->payload, cmd->payload_size);
	command_free(dev, cmd);
	dev->ops->complete(dev->opaque, elem, len);
}

/* There is no memory even to remember the command. */
static void answer_nothing(struct device *dev, struct vring_elem *elem)
{
	struct virtio_gpu_ctrl_hdr hdr = {
		.type = VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY,
	};

	count_error(dev);
	dev->ops->complete(dev->opaque, elem,
			   write_answer(elem, &hdr, NULL, 0));
}

static void list_add(struct list *list, struct command *cmd)
{
	cmd->next = NULL;
	if (list->last)
		list->last->next = cmd;
	else
		list->first = cmd;
	list->last = cmd;
}

static struct command *list_take(struct list *list)
{
	struct command *cmd = list->first;

	list->first = cmd->next;
	if (!list->first)
		list->last = NULL;
	return cmd;
}

/* Return: false if it has to wait, and nothing was done */
static bool execute(struct device *dev, struct command *cmd)
{
	uint32_t ret = cmd->refused;

	if (!ret)
		ret = cmd->type->exec(dev, cmd);
	if (ret == EXEC_AGAIN)
		return false;
	if (ret == EXEC_PARKED)
		return true;
	cmd->response = ret;
	if (ret >= VIRTIO_GPU_RESP_ERR_UNSPEC && !cmd->refused)
		log_debug("%s: error 0x%x", cmd->type->name, ret);
	fence_complete(dev, cmd);
	return true;
}

static bool full(const struct device *dev, const struct vring_elem *elem)
{
	return dev->run.first && dev->pending + elem->out_len > PENDING_MAX;
}

static void enter(struct device *dev, unsigned int queue,
		  struct vring_elem *elem)
{
	struct command *cmd = command_decode(dev, queue, elem);
	bool passes;

	if (!cmd) {
		answer_nothing(dev, elem);
		return;
	}
	/* Whoever waits for a fence must not see a later one first. */
	passes = !command_fenced(cmd) &&
		(cmd->refused || cmd->type->flags & TYPE_QUERY);
	if (passes && execute(dev, cmd))
		return;
	dev->pending += cmd->data_size;
	list_add(&dev->run, cmd);
}

static void run_list(struct device *dev)
{
	while (dev->run.first && !dev->wants_lease && !dev->paused &&
	       !dev->lost) {
		struct command *cmd = dev->run.first;
		size_t size = cmd->data_size;

		/* From here on it may be answered by whoever comes back. */
		list_take(&dev->run);
		if (!execute(dev, cmd)) {
			cmd->next = dev->run.first;
			dev->run.first = cmd;
			if (!dev->run.last)
				dev->run.last = cmd;
			return;
		}
		dev->pending -= size;
		fence_retire(dev);
	}
}

static void run(struct device *dev)
{
	if (dev->running)
		return;
	dev->running = true;
	run_list(dev);
	while (dev->raw && !dev->paused && !full(dev, dev->raw)) {
		struct vring_elem *elem = dev->raw;

		dev->raw = elem->next;
		if (!dev->raw)
			dev->raw_end = &dev->raw;
		elem->next = NULL;
		enter(dev, VIRTIO_GPU_QUEUE_CONTROL, elem);
		run_list(dev);
	}
	dev->running = false;
	fence_retire(dev);
	device_figures(dev);
}

void device_process(struct device *dev, unsigned int queue,
		    struct vring_elem *elem)
{
	/* a question is how a driver finds out whether we live */
	if (queue == VIRTIO_GPU_QUEUE_CONTROL &&
	    (dev->raw || full(dev, elem)) && !command_asks(elem)) {
		elem->next = NULL;
		*dev->raw_end = elem;
		dev->raw_end = &elem->next;
	} else {
		enter(dev, queue, elem);
	}
	run(dev);
}

void device_run(struct device *dev)
{
	dev->wants_lease = false;
	run(dev);
}

void device_pause(struct device *dev, bool pause)
{
	dev->paused = pause;
	if (pause)
		vendor_stop(dev);
}

void device_poll(struct device *dev)
{
	if (dev->renderer)
		dev->renderer->ops->poll(dev->renderer);
	fence_retire(dev);
	run(dev);
}
