// SPDX-License-Identifier: MIT
/*
 * fe_ring.c - the driver's side of a split virtqueue
 *
 * Every head has one page of guest memory, its slot: an indirect table, a small
 * request and a small response. What is bigger gets pages of its own.
 */
#include "tests/lib/fe.h"

#include <errno.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SLOT_TABLE	0
#define SLOT_CMD	1024
#define SLOT_RESP	2048
#define SLOT_CMD_MAX	(SLOT_RESP - SLOT_CMD)
#define POISON		0xa5

static void clear_memory(struct fe_ring *r)
{
	unsigned int i;

	memset(r->desc, 0, r->num * sizeof(*r->desc));
	memset(r->avail, 0, sizeof(*r->avail) + 2 * r->num + 2);
	memset(r->used, 0, sizeof(*r->used) +
	       r->num * sizeof(struct vring_used_elem) + 2);
	for (i = 0; i + 1 < r->num; i++)
		r->desc[i].next = (uint16_t)(i + 1);
	r->free_head = 0;
	r->num_free = (uint16_t)r->num;
	r->avail_idx = r->last_used = r->kicked_idx = r->base = 0;
}

int fe_ring_init(struct fe *fe, unsigned int index, unsigned int num)
{
	struct fe_ring *r = &fe->ring[index];

	r->fe = fe;
	r->index = index;
	r->num = num;
	r->desc_gpa = fe_alloc(fe, num * sizeof(struct vring_desc));
	r->avail_gpa = fe_alloc(fe, 6 + 2ul * num);
	r->used_gpa = index ? fe_alloc_low(fe, 6 + 8ul * num) :
			      fe_alloc(fe, 6 + 8ul * num);
	r->slots_gpa = fe_alloc(fe, (size_t)num * FE_PAGE);
	r->desc = fe_at(fe, r->desc_gpa);
	r->avail = fe_at(fe, r->avail_gpa);
	r->used = fe_at(fe, r->used_gpa);
	r->inflight = calloc(num, sizeof(*r->inflight));
	r->kick_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->call_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->err_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	r->masked_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	clear_memory(r);
	return r->masked_fd < 0 ? -errno : 0;
}

void fe_ring_clear(struct fe_ring *r)
{
	uint64_t value;
	unsigned int i;

	for (i = 0; i < r->num; i++) {
		if (!r->inflight[i])
			continue;
		r->inflight[i]->dropped = true;
		r->inflight[i] = NULL;
	}
	r->outstanding = 0;
	if (read(r->call_fd, &value, sizeof(value)) < 0 && errno != EAGAIN)
		fe_fault(r->fe, "call eventfd: %s", strerror(errno));
	clear_memory(r);
}

void fe_ring_free(struct fe_ring *r)
{
	if (!r->inflight)
		return;
	close(r->kick_fd);
	close(r->call_fd);
	close(r->err_fd);
	close(r->masked_fd);
	free(r->inflight);
	r->inflight = NULL;
}

void fe_publish(struct fe_ring *r, uint16_t head)
{
	r->avail->ring[r->avail_idx & (r->num - 1)] = head;
	atomic_thread_fence(memory_order_release);
	r->avail_idx++;
	*(volatile uint16_t *)&r->avail->idx = r->avail_idx;
}

void fe_ring_kick_now(struct fe_ring *r)
{
	uint64_t one = 1;

	r->kicks++;
	r->kicked_idx = r->avail_idx;
	if (write(r->kick_fd, &one, sizeof(one)) != sizeof(one))
		fe_fault(r->fe, "kick eventfd: %s", strerror(errno));
}

void fe_kick(struct fe *fe, unsigned int queue)
{
	struct fe_ring *r = &fe->ring[queue];
	uint16_t old = r->kicked_idx, now = r->avail_idx;

	if (old == now)
		return;
	atomic_thread_fence(memory_order_seq_cst);
	if (r->event_idx) {
		/* the device's event index lies behind its ring */
		const void *end = r->used->ring + r->num;
		uint16_t event = *(const volatile uint16_t *)end;

		r->kicked_idx = now;
		if (!vring_need_event(event, now, old))
			return;
	} else {
		r->kicked_idx = now;
		if (*(volatile uint16_t *)&r->used->flags &
		    VRING_USED_F_NO_NOTIFY)
			return;
	}
	fe_ring_kick_now(r);
}

static void finish(struct fe_ring *r, struct fe_req *req, uint32_t len)
{
	struct fe *fe = r->fe;
	size_t i;

	req->done = true;
	req->len = len;
	req->order = ++fe->answers;
	r->inflight[req->head] = NULL;
	r->outstanding--;
	if (len > req->resp_size)
		fe_fault(fe, "%u bytes written into %zu", len, req->resp_size);
	else if (!fe->opts.no_poison)
		for (i = len; i < req->resp_size; i++)
			if (req->resp[i] != POISON) {
				fe_fault(fe, "byte %zu changed, length %u",
					 i, len);
				break;
			}
	if (req->complete)
		req->complete(req);
}

unsigned int fe_reap(struct fe_ring *r)
{
	unsigned int n = 0;

	while (r->last_used != *(volatile uint16_t *)&r->used->idx) {
		const struct vring_used_elem *e =
			&r->used->ring[r->last_used & (r->num - 1)];
		struct fe_req *req;

		atomic_thread_fence(memory_order_acquire);
		r->last_used++;
		n++;
		req = e->id < r->num ? r->inflight[e->id] : NULL;
		if (req)
			finish(r, req, e->len);
		else
			fe_fault(r->fe, "queue %u: head %u answered, %s",
				 r->index, e->id, "but it was not in flight");
	}
	return n;
}

/* How many descriptors a request takes from the table itself. */
static unsigned int table_cost(const struct fe_ring *r, unsigned int n)
{
	return r->indirect && n > 1 ? 1 : n;
}

static void fill_chain(struct fe_ring *r, struct vring_desc *d, unsigned int n,
		       const uint64_t *gpa, const uint32_t *len,
		       unsigned int nout, bool indirect)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		d->addr = gpa[i];
		d->len = len[i];
		d->flags = (i < nout ? 0 : VRING_DESC_F_WRITE) |
			   (i + 1 < n ? VRING_DESC_F_NEXT : 0);
		if (indirect) {
			d->next = (uint16_t)(i + 1);
			d++;
		} else {
			/* keeps its link in the free list */
			d = &r->desc[d->next];
		}
	}
}

static void put_chain(struct fe_ring *r, struct fe_req *req, unsigned int n,
		      const uint64_t *gpa, const uint32_t *len,
		      unsigned int nout)
{
	struct vring_desc *d = &r->desc[req->head];
	uint64_t slot = r->slots_gpa + (uint64_t)req->head * FE_PAGE;
	unsigned int cost = table_cost(r, n), i;
	uint16_t next = req->head;

	for (i = 0; i < cost; i++)
		next = r->desc[next].next;
	r->free_head = next;
	r->num_free -= (uint16_t)cost;
	if (cost == n) {
		fill_chain(r, d, n, gpa, len, nout, false);
		return;
	}
	fill_chain(r, fe_at(r->fe, slot + SLOT_TABLE), n, gpa, len, nout, true);
	d->addr = slot + SLOT_TABLE;
	d->len = n * (uint32_t)sizeof(*d);
	d->flags = VRING_DESC_F_INDIRECT;
}

/* Wait until @n descriptors are free. */
static int make_room(struct fe *fe, struct fe_ring *r, unsigned int n)
{
	uint64_t end = fe_now_ns() + (uint64_t)fe->timeout_ms * 1000000;

	while (r->num_free < n) {
		fe_kick(fe, r->index);
		if (!fe_reap(r) && fe_poll(fe, 100) < 0)
			return -EPIPE;
		if (fe_now_ns() > end)
			return -ETIMEDOUT;
	}
	return 0;
}

struct fe_req *fe_send(struct fe *fe, unsigned int queue,
		       const struct iovec *out, size_t n, size_t resp_size)
{
	struct fe_ring *r = &fe->ring[queue];
	size_t i, size = 0, small = resp_size <= FE_RESP_MAX ? 0 : resp_size;
	uint64_t gpa[3], slot;
	struct fe_req *req;
	uint32_t len[3];
	unsigned int nd = 0;
	uint8_t *to;

	if (make_room(fe, r, 3))
		return NULL;
	for (i = 0; i < n; i++)
		size += out[i].iov_len;
	req = calloc(1, sizeof(*req));
	req->ring = r;
	req->head = r->free_head;
	req->resp_size = resp_size;
	slot = r->slots_gpa + (uint64_t)req->head * FE_PAGE;
	req->extra_size = (size > SLOT_CMD_MAX ? size : 0) + small;
	if (req->extra_size)
		req->extra_gpa = fe_alloc(fe, req->extra_size);
	req->cmd_gpa = size > SLOT_CMD_MAX ? req->extra_gpa + small :
					     slot + SLOT_CMD;
	req->resp_gpa = small ? req->extra_gpa : slot + SLOT_RESP;
	req->resp = fe_at(fe, req->resp_gpa);
	if (!fe->opts.no_poison)
		memset(req->resp, POISON, resp_size);
	for (to = fe_at(fe, req->cmd_gpa), i = 0; i < n; i++) {
		memcpy(to, out[i].iov_base, out[i].iov_len);
		to += out[i].iov_len;
	}
	if (size) {
		gpa[nd] = req->cmd_gpa;
		len[nd++] = (uint32_t)size;
	}
	if (resp_size) {
		gpa[nd] = req->resp_gpa;
		len[nd++] = (uint32_t)resp_size;
	}
	put_chain(r, req, nd, gpa, len, size ? 1 : 0);
	r->inflight[req->head] = req;
	r->outstanding++;
	fe_publish(r, req->head);
	return req;
}

struct fe_req *fe_send_cmd(struct fe *fe, unsigned int queue, const void *cmd,
			   size_t size, size_t resp_size)
{
	struct iovec iov = { (void *)cmd, size };

	return fe_send(fe, queue, &iov, 1, resp_size);
}

/* Give the head's descriptors back to the free list. */
static void free_chain(struct fe_ring *r, uint16_t head)
{
	uint16_t last = head;
	unsigned int n = 1;

	while (r->desc[last].flags & VRING_DESC_F_NEXT) {
		last = r->desc[last].next;
		n++;
	}
	r->desc[last].next = r->free_head;
	r->free_head = head;
	r->num_free += (uint16_t)n;
}

void fe_req_free(struct fe_req *req)
{
	struct fe_ring *r;

	if (!req)
		return;
	r = req->ring;
	if (!req->dropped) {
		if (!req->done) {
			/* still the device's: forget it, never reuse it */
			r->inflight[req->head] = NULL;
			r->outstanding--;
		} else {
			free_chain(r, req->head);
		}
	}
	if (req->extra_size && (req->done || req->dropped))
		fe_release(r->fe, req->extra_gpa, req->extra_size);
	free(req);
}

int fe_wait_for(struct fe_req *req, int timeout_ms)
{
	uint64_t end = fe_now_ns() + (uint64_t)timeout_ms * 1000000;
	struct fe *fe;

	if (!req)
		return -EPIPE;
	fe = req->ring->fe;
	fe_kick(fe, req->ring->index);
	while (!req->done) {
		uint64_t now = fe_now_ns();

		if (req->dropped)
			return -ECANCELED;
		if (now >= end)
			return -ETIMEDOUT;
		if (fe_poll(fe, (int)((end - now) / 1000000) + 1) < 0)
			return -EPIPE;
	}
	return 0;
}

int fe_wait(struct fe_req *req)
{
	return fe_wait_for(req, req ? req->ring->fe->timeout_ms : 0);
}

int fe_drain(struct fe *fe)
{
	uint64_t end = fe_now_ns() + (uint64_t)fe->timeout_ms * 1000000;

	fe_kick(fe, 0);
	fe_kick(fe, 1);
	while (fe->ring[0].outstanding || fe->ring[1].outstanding) {
		if (fe_poll(fe, 100) < 0)
			return -EPIPE;
		if (fe_now_ns() > end)
			return -ETIMEDOUT;
	}
	return 0;
}

int fe_resp_type(const struct fe_req *req)
{
	struct virtio_gpu_ctrl_hdr hdr;

	if (req->len < sizeof(hdr) || req->resp_size < sizeof(hdr))
		return -EPROTO;
	memcpy(&hdr, req->resp, sizeof(hdr));
	return (int)hdr.type;
}

/* Ask for a call at the next answer. Return: how many came meanwhile. */
static unsigned int arm(struct fe_ring *r)
{
	unsigned int n = fe_reap(r);

	if (r->event_idx) {
		*(volatile uint16_t *)&vring_used_event(r) = r->last_used;
		atomic_thread_fence(memory_order_seq_cst);
		n += fe_reap(r);
	}
	return n;
}

int fe_poll(struct fe *fe, int timeout_ms)
{
	struct pollfd p[5] = {
		{ fe->ring[0].call_fd, POLLIN, 0 },
		{ fe->ring[1].call_fd, POLLIN, 0 },
		{ fe->display.frozen ? -1 : fe->display.sock, POLLIN, 0 },
		{ fe->channel, POLLIN, 0 },
		{ fe->sock, 0, 0 },
	};
	int i, did = 0;
	uint64_t value;
	char buf[256];

	if (fe->running)
		did = arm(&fe->ring[0]) + arm(&fe->ring[1]) > 0;
	if (did)
		timeout_ms = 0;
	else if (fe->display.dmabuf_due_ns && timeout_ms > 5)
		timeout_ms = 5;
	if (poll(p, 5, timeout_ms) < 0 && errno != EINTR)
		return -errno;
	for (i = 0; i < 2; i++)
		if (p[i].revents & POLLIN &&
		    read(fe->ring[i].call_fd, &value, sizeof(value)) > 0) {
			fe->ring[i].calls += value;
			did = 1;
			fe_reap(&fe->ring[i]);
		}
	if (p[2].revents || fe->display.dmabuf_due_ns)
		did |= fe_display_serve(fe);
	if (p[3].revents & POLLIN && read(fe->channel, buf, sizeof(buf)) <= 0) {
		close(fe->channel);
		fe->channel = -1;
	}
	if (p[4].revents & (POLLHUP | POLLERR) && !did)
		return -EPIPE;
	return did;
}

void fe_settle(struct fe *fe, int quiet_ms)
{
	while (fe_poll(fe, quiet_ms) > 0)
		;
}

bool fe_until(struct fe *fe, const unsigned int *value, unsigned int wanted)
{
	uint64_t end = fe_now_ns() + (uint64_t)fe->timeout_ms * 1000000;

	while (*value < wanted) {
		if (fe_now_ns() > end || fe_poll(fe, 50) < 0)
			return false;
	}
	return true;
}
