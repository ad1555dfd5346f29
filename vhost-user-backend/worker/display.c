// SPDX-License-Identifier: MIT
/*
 * display.c - pictures and cursors on their way to the endpoint
 *
 * What each output should show is kept here; messages only carry the
 * differences. When the endpoint does not read, differences add up (one damage
 * rectangle an output, the last cursor) and go when it reads again, so that
 * neither memory nor latency grows with a slow display.
 */
#include "worker/display.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "base/event.h"
#include "base/log.h"
#include "base/shm.h"
#include "ipc/queue.h"
#include "protocol/vgpu_ipc.h"
#include "renderer/renderer.h"
#include "worker/worker.h"

#define SIZE_MAX_PIXELS	16384u		/* width and height */

enum scanout_kind {
	SCANOUT_OFF,
	SCANOUT_PIXELS,
	SCANOUT_DMABUF,
};

struct rect {
	uint32_t x, y, w, h;		/* w == 0: empty */
};

struct scanout {
	enum scanout_kind kind;
	uint32_t w, h;
	uint8_t *pixels;		/* SCANOUT_PIXELS */
	int fd;				/* memfd or dma-buf, until it is sent */
	struct vhost_user_gpu_dmabuf_scanout2 dmabuf;

	bool changed;			/* (DMABUF_)SCANOUT is to be sent */
	struct rect damage;		/* (DMABUF_)UPDATE is to be sent */
	bool presenting;		/* a DMABUF_UPDATE is unanswered */

	bool cursor_changed, cursor_moved;
	struct vgpu_ipc_cursor_move move;
	struct vhost_user_gpu_cursor_update cursor;
};

struct display {
	struct worker *worker;
	struct event_source *writable;	/* while the endpoint does not read */
	struct scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
};

struct display *display_new(struct worker *w)
{
	struct display *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->worker = w;
	for (unsigned int i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		d->scanouts[i].fd = -1;
	return d;
}

/* Forget what the scanout shows, not its cursor. */
static void scanout_clear(struct scanout *s)
{
	shm_unmap(s->pixels, (size_t)s->w * s->h * 4);
	s->pixels = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->w = s->h = 0;
	s->damage.w = 0;
	s->kind = SCANOUT_OFF;
}

void display_free(struct display *d)
{
	if (!d)
		return;
	event_del(d->writable);
	for (unsigned int i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		scanout_clear(&d->scanouts[i]);
	free(d);
}

/* ---- sending ---- */

static int send_one(struct display *d, uint32_t type, const void *payload,
		    size_t size, int fd)
{
	return ipc_send(d->worker->sock, type, payload, size, &fd, fd >= 0);
}

static int send_scanout(struct display *d, uint32_t id, struct scanout *s)
{
	struct vgpu_ipc_scanout msg = {
		.scanout_id = id, .width = s->w, .height = s->h,
	};
	int ret;

	if (s->kind == SCANOUT_DMABUF)
		ret = send_one(d, VGPU_IPC_DMABUF_SCANOUT, &s->dmabuf,
			       sizeof(s->dmabuf), s->fd);
	else
		ret = send_one(d, VGPU_IPC_SCANOUT, &msg, sizeof(msg), s->fd);
	if (ret)
		return ret;
	s->changed = false;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	return 0;
}

static int send_update(struct display *d, uint32_t id, struct scanout *s)
{
	struct vhost_user_gpu_update msg = {
		.scanout_id = id, .x = s->damage.x, .y = s->damage.y,
		.width = s->damage.w, .height = s->damage.h,
	};
	bool dmabuf = s->kind == SCANOUT_DMABUF;
	int ret;

	if (dmabuf && s->presenting)
		return 0;
	ret = send_one(d, dmabuf ? VGPU_IPC_DMABUF_UPDATE : VGPU_IPC_UPDATE,
		       &msg, sizeof(msg), -1);
	if (ret)
		return ret;
	s->presenting = dmabuf;
	s->damage.w = 0;
	return 0;
}

static int send_cursor(struct display *d, struct scanout *s)
{
	int ret = 0;

	if (s->cursor_changed)
		ret = send_one(d, VGPU_IPC_CURSOR_UPDATE, &s->cursor,
			       sizeof(s->cursor), -1);
	if (ret)
		return ret;
	s->cursor_changed = false;
	if (s->cursor_moved)
		ret = send_one(d, VGPU_IPC_CURSOR_MOVE, &s->move,
			       sizeof(s->move), -1);
	if (!ret)
		s->cursor_moved = false;
	return ret;
}

static int flush_scanout(struct display *d, uint32_t id)
{
	struct scanout *s = &d->scanouts[id];
	int ret = 0;

	if (s->changed)
		ret = send_scanout(d, id, s);
	if (!ret && s->damage.w)
		ret = send_update(d, id, s);
	if (!ret)
		ret = send_cursor(d, s);
	return ret;
}

static void flush(struct display *d);

static void on_writable(void *opaque, unsigned int events)
{
	flush(opaque);
}

/* Send what differs. A peer that is gone is noticed by the reading side. */
static void flush(struct display *d)
{
	int ret = 0;

	if (ipc_queue_pending(d->worker->queue))
		ret = -EAGAIN;
	for (uint32_t i = 0; i < VIRTIO_GPU_MAX_SCANOUTS && !ret; i++)
		ret = flush_scanout(d, i);
	if (ret == -EAGAIN) {
		if (!d->writable)
			d->writable = event_add_fd(d->worker->loop,
						   d->worker->sock, EVENT_OUT,
						   on_writable, d);
		return;
	}
	event_del(d->writable);
	d->writable = NULL;
}

void display_presented(struct display *d, uint32_t scanout)
{
	d->scanouts[scanout].presenting = false;
	flush(d);
}

/* ---- what the device says ---- */

uint8_t *display_pixels(struct display *d, uint32_t scanout, uint32_t w,
			uint32_t h)
{
	struct scanout *s;
	size_t size;

	if (scanout >= VIRTIO_GPU_MAX_SCANOUTS)
		return NULL;
	s = &d->scanouts[scanout];
	/* A page flip: nothing changes but the pixels. */
	if (w && s->kind == SCANOUT_PIXELS && s->w == w && s->h == h)
		return s->pixels;
	if (!w || !h) {
		s->changed |= s->kind != SCANOUT_OFF;
		scanout_clear(s);
		flush(d);
		return NULL;
	}
	if (w > SIZE_MAX_PIXELS || h > SIZE_MAX_PIXELS)
		return NULL;

	s->changed |= s->kind != SCANOUT_OFF;
	scanout_clear(s);
	size = (size_t)w * h * 4;
	s->fd = shm_create("vgpu-scanout", size);
	if (s->fd >= 0)
		s->pixels = shm_map(s->fd, size, true);
	if (!s->pixels) {
		log_error("scanout %u: no memory for %u x %u", scanout, w, h);
		scanout_clear(s);
		flush(d);
		return NULL;
	}
	s->kind = SCANOUT_PIXELS;
	s->w = w;
	s->h = h;
	s->changed = true;
	flush(d);
	return s->pixels;
}

static void add_damage(struct rect *to, uint32_t x, uint32_t y, uint32_t w,
		       uint32_t h)
{
	uint32_t right, bottom;

	if (!to->w) {
		*to = (struct rect){ x, y, w, h };
		return;
	}
	right = to->x + to->w > x + w ? to->x + to->w : x + w;
	bottom = to->y + to->h > y + h ? to->y + to->h : y + h;
	to->x = to->x < x ? to->x : x;
	to->y = to->y < y ? to->y : y;
	to->w = right - to->x;
	to->h = bottom - to->y;
}

void display_update(struct display *d, uint32_t scanout, uint32_t x, uint32_t y,
		    uint32_t w, uint32_t h)
{
	struct scanout *s;

	if (scanout >= VIRTIO_GPU_MAX_SCANOUTS)
		return;
	s = &d->scanouts[scanout];
	if (x >= s->w || y >= s->h)
		return;
	w = w < s->w - x ? w : s->w - x;
	h = h < s->h - y ? h : s->h - y;
	if (!w || !h)
		return;
	add_damage(&s->damage, x, y, w, h);
	flush(d);
}

bool display_dmabuf(struct display *d, uint32_t scanout, uint32_t x, uint32_t y,
		    uint32_t w, uint32_t h, const struct renderer_dmabuf *buf)
{
	struct scanout *s = &d->scanouts[scanout];

	if (scanout >= VIRTIO_GPU_MAX_SCANOUTS || !w || !h ||
	    !(d->worker->caps->flags & VGPU_CAPS_DMABUF)) {
		close(buf->fd);
		return false;
	}
	scanout_clear(s);
	s->kind = SCANOUT_DMABUF;
	s->w = w;
	s->h = h;
	s->fd = buf->fd;
	s->dmabuf = (struct vhost_user_gpu_dmabuf_scanout2){
		.base = {
			.scanout_id = scanout, .x = x, .y = y,
			.width = w, .height = h, .fd_width = buf->width,
			.fd_height = buf->height, .fd_stride = buf->stride,
			.fd_flags = buf->y_0_top ?
				VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP : 0,
			.fd_drm_fourcc = (int32_t)buf->fourcc,
		},
		.modifier = buf->modifier,
	};
	s->changed = true;
	flush(d);
	return true;
}

void display_cursor_update(struct display *d, uint32_t scanout, uint32_t x,
			   uint32_t y, uint32_t hot_x, uint32_t hot_y,
			   const uint32_t *pixels)
{
	struct vhost_user_gpu_cursor_update *cursor;

	if (scanout >= VIRTIO_GPU_MAX_SCANOUTS)
		return;
	cursor = &d->scanouts[scanout].cursor;
	cursor->pos = (struct vhost_user_gpu_cursor_pos){ scanout, x, y };
	cursor->hot_x = hot_x;
	cursor->hot_y = hot_y;
	memcpy(cursor->data, pixels, sizeof(cursor->data));
	d->scanouts[scanout].cursor_changed = true;
	d->scanouts[scanout].cursor_moved = false;
	flush(d);
}

void display_cursor_move(struct display *d, uint32_t scanout, uint32_t x,
			 uint32_t y, bool visible)
{
	struct scanout *s;

	if (scanout >= VIRTIO_GPU_MAX_SCANOUTS)
		return;
	s = &d->scanouts[scanout];
	s->move = (struct vgpu_ipc_cursor_move){
		.pos = { scanout, x, y }, .visible = visible,
	};
	s->cursor_moved = true;
	flush(d);
}
