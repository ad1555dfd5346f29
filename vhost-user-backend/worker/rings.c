// SPDX-License-Identifier: MIT
/*
 * rings.c - the virtqueues of a worker: kick, pop, device, push, call
 */
#include "worker/rings.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/event.h"
#include "base/iov.h"
#include "base/log.h"
#include "device/device.h"
#include "ipc/queue.h"
#include "ledger/ledger.h"
#include "ring/vring.h"
#include "worker/worker.h"

/* So much, and the endpoint is listened to, and told, again. */
#define BATCH		64
#define BATCH_NS	2000000

struct queue {
	struct rings *rings;
	unsigned int index;
	struct vring *vring;
	struct event_source *kick;	/* while the ring runs */
	struct event_source *more;	/* timer: go on after a full batch */
};

struct rings {
	struct worker *worker;
	bool give_up;			/* on chains of predecessors */
	struct queue queues[VIRTIO_GPU_NUM_QUEUES];
};

static void quiesce(struct queue *q)
{
	event_del(q->kick);
	q->kick = NULL;
	event_stop_timer(q->more);
}

static void broken(struct queue *q)
{
	struct vgpu_ipc_vring_index msg = { .index = q->index };

	quiesce(q);
	ipc_queue_send(q->rings->worker->queue, VGPU_IPC_VRING_BROKEN, &msg,
		       sizeof(msg), NULL, 0);
}

/* An error is an answer: the device is not asked. */
static void refuse(struct vring_elem *elem)
{
	struct virtio_gpu_ctrl_hdr hdr = { 0 };
	size_t len;

	iov_to_buf(elem->iov, elem->n_out, 0, &hdr, sizeof(hdr));
	hdr.type = VIRTIO_GPU_RESP_ERR_UNSPEC;
	hdr.flags &= VIRTIO_GPU_FLAG_FENCE | VIRTIO_GPU_FLAG_INFO_RING_IDX;
	len = iov_from_buf(elem->iov + elem->n_out, elem->n_in, 0, &hdr,
			   sizeof(hdr));
	vring_push(elem->vring, elem, (uint32_t)len);
}

static void process(struct queue *q, struct vring_elem *elem)
{
	if (elem->replayed && q->rings->give_up)
		refuse(elem);
	else
		device_process(q->rings->worker->device, q->index, elem);
}

/* Serve the queue until it is empty, but no longer than a batch. */
static void serve(struct queue *q)
{
	uint64_t end = event_now_ns() + BATCH_NS;
	struct vring_elem *elem;
	unsigned int n = 0;
	bool more = true;
	int ret = 0;

	vring_enable_kick(q->vring, false);
	while (more) {
		ret = vring_pop(q->vring, &elem);
		if (ret > 0) {
			process(q, elem);
			more = ++n < BATCH && event_now_ns() < end;
		} else {
			more = !ret && vring_enable_kick(q->vring, true);
		}
	}
	worker_settle(q->rings->worker);
	if (ret < 0)
		broken(q);
	else if (ret > 0)
		event_set_timer(q->more, 0);
}

static void on_kick(void *opaque, unsigned int events)
{
	struct queue *q = opaque;
	uint64_t count;
	ssize_t n = read(vring_kick_fd(q->vring), &count, sizeof(count));

	/* Not an eventfd, or broken: it would wake us for ever. */
	if (n == 0 || (n < 0 && (errno != EAGAIN || events & EVENT_HUP))) {
		log_error("queue %u: kick: %s", q->index,
			  n ? strerror(errno) : "end of file");
		quiesce(q);
		return;
	}
	serve(q);
}

static void on_more(void *opaque)
{
	serve(opaque);
}

struct rings *rings_new(struct worker *w)
{
	struct rings *rings = calloc(1, sizeof(*rings));

	if (!rings)
		return NULL;
	rings->worker = w;
	for (unsigned int i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++) {
		struct queue *q = &rings->queues[i];

		q->rings = rings;
		q->index = i;
		q->more = event_add_timer(w->loop, on_more, q);
		q->vring = vring_new(i, ledger_ring(w->ledger, i));
		if (!q->vring) {
			rings_free(rings);
			return NULL;
		}
	}
	return rings;
}

void rings_free(struct rings *rings)
{
	if (!rings)
		return;
	for (unsigned int i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++) {
		event_del(rings->queues[i].kick);
		event_del(rings->queues[i].more);
		vring_free(rings->queues[i].vring);
	}
	free(rings);
}

void rings_start(struct rings *rings, const struct vgpu_ipc_vring *vring,
		 int kick_fd, int call_fd)
{
	struct worker *w = rings->worker;
	struct queue *q = &rings->queues[vring->index];
	struct vring_config config = {
		.index = vring->index,
		.num = vring->num,
		.features = w->features,
		.desc_uaddr = vring->desc_uaddr,
		.avail_uaddr = vring->avail_uaddr,
		.used_uaddr = vring->used_uaddr,
		.base = (uint16_t)vring->base,
		.resume = vring->flags & VGPU_VRING_RESUME,
		.kick_fd = kick_fd,
		.call_fd = call_fd,
	};
	int ret;

	quiesce(q);
	ret = vring_start(q->vring, &config, w->mem);
	if (ret < 0) {
		log_error("queue %u: can not start: %s", vring->index,
			  strerror(-ret));
		broken(q);
		return;
	}
	log_debug("queue %u: %s, %u descriptors", vring->index,
		  ret ? "starts" : "goes on", vring->num);
	/* A driver that starts anew knows of nothing that was. */
	if (ret && vring->index == VIRTIO_GPU_QUEUE_CONTROL && !config.resume)
		worker_reset_device(w);
	if (vring->index == VIRTIO_GPU_QUEUE_CONTROL) {
		device_pause(w->device, false);
		device_run(w->device);
	}
	if (kick_fd >= 0)
		q->kick = event_add_fd(w->loop, kick_fd, EVENT_IN, on_kick, q);
	serve(q);
}

uint16_t rings_stop(struct rings *rings, unsigned int index)
{
	if (index == VIRTIO_GPU_QUEUE_CONTROL)
		device_pause(rings->worker->device, true);
	quiesce(&rings->queues[index]);
	return vring_stop(rings->queues[index].vring);
}

void rings_set_call(struct rings *rings, unsigned int index, int call_fd)
{
	vring_set_call(rings->queues[index].vring, call_fd);
}

void rings_give_up(struct rings *rings)
{
	rings->give_up = true;
}

void rings_set_mem(struct rings *rings)
{
	for (unsigned int i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++) {
		struct queue *q = &rings->queues[i];

		if (!vring_running(q->vring))
			continue;
		if (vring_set_mem(q->vring, rings->worker->mem)) {
			log_error("queue %u: not in the new memory table", i);
			rings_stop(rings, i);
			broken(q);
		}
	}
}

void rings_complete(struct rings *rings, struct vring_elem *elem, uint32_t len)
{
	vring_push(elem->vring, elem, len);
}

void rings_notify(struct rings *rings)
{
	for (unsigned int i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		vring_notify(rings->queues[i].vring);
}
