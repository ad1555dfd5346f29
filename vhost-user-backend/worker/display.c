// SPDX-License-Identifier: MIT
/*
 * display.c - pictures and cursors on their way to the endpoint
 *
 * What each output should show is kept here; messages only carry the
 * differences. They add up (a few damage rectangles an output, the last cursor)
 * until a batch of commands is done, and while the endpoint does not read, so
 * that neither memory nor latency grows with a fast guest or a slow display.
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

#define RECTS_MAX	8

struct rect {
	uint32_t x, y, w, h;
};

struct scanout {
	enum scanout_kind kind;
	uint32_t w, h;
	uint8_t *pixels;		/* SCANOUT_PIXELS */
	int fd;				/* memfd or dma-buf, until it is sent */
	struct vhost_user_gpu_dmabuf_scanout2 dmabuf;

	bool changed;			/* (DMABUF_)SCANOUT is to be sent */
	struct rect damage[RECTS_MAX];	/* (DMABUF_)UPDATEs to be sent */
	unsigned int n_damage;
	bool presenting;		/* a DMABUF_UPDATE is unanswered */

	bool cursor_changed, cursor_moved;
	struct vgpu_ipc_cursor_move move;
	struct vhost_user_gpu_cursor_update cursor;
};

struct display {
	struct worker *worker;
	bool dirty;			/* something is to be sent */
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
	s->n_damage = 0;
	/* An update of what is gone may never be answered. */
	s->presenting = false;
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

static int send_updates(struct display *d, uint32_t id, struct scanout *s)
{
	bool dmabuf = s->kind == SCANOUT_DMABUF;
	uint32_t type = dmabuf ? VGPU_IPC_DMABUF_UPDATE : VGPU_IPC_UPDATE;

	while (s->n_damage && !(dmabuf && s->presenting)) {
		const struct rect *r = &s->damage[s->n_damage - 1];
		struct vhost_user_gpu_update msg = {
			.scanout_id = id, .x = r->x, .y = r->y,
			.width = r->w, .height = r->h,
		};
		int ret = send_one(d, type, &msg, sizeof(msg), -1);

		if (ret)
			return ret;
		s->presenting = dmabuf;
		s->n_damage--;
	}
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
	if (!ret)
		ret = send_updates(d, id, s);
	if (!ret)
		ret = send_cursor(d, s);
	return ret;
}

static void on_writable(void *opaque, unsigned int events)
{
	display_flush(opaque);
}

/* A peer that is gone is noticed by the reading side. */
void display_flush(struct display *d)
{
	int ret = 0;

	if (!d->dirty)
		return;
	if (ipc_queue_pending(d->worker->queue))
		ret = -EAGAIN;
	for (uint32_t i = 0; i < VIRTIO_GPU_MAX_SCANOUTS && !ret; i++)
		ret = flush_scanout(d, i);
	d->dirty = ret == -EAGAIN;
	if (d->dirty && !d->writable) {
		d->writable = event_add_fd(d->worker->loop, d->worker->sock,
					   EVENT_OUT, on_writable, d);
	} else if (!d->dirty) {
		event_del(d->writable);
		d->writable = NULL;
	}
}

void display_presented(struct display *d, uint32_t scanout)
{
	d->scanouts[scanout].presenting = false;
	d->dirty = true;
	display_flush(d);
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
		d->dirty = true;
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
		d->dirty = true;
		return NULL;
	}
	s->kind = SCANOUT_PIXELS;
	s->w = w;
	s->h = h;
	s->changed = true;
	d->dirty = true;
	return s->pixels;
}

static struct rect bounds(const struct rect *a, const struct rect *b)
{
	uint32_t right = a->x + a->w > b->x + b->w ? a->x + a->w : b->x + b->w;
	uint32_t bottom = a->y + a->h > b->y + b->h ? a->y + a->h
						    : b->y + b->h;
	struct rect r = {
		.x = a->x < b->x ? a->x : b->x,
		.y = a->y < b->y ? a->y : b->y,
	};

	r.w = right - r.x;
	r.h = bottom - r.y;
	return r;
}

static uint64_t area(const struct rect *r)
{
	return (uint64_t)r->w * r->h;
}

/* Join rectangles where that sends no more pixels; all, if there are many. */
static void add_damage(struct scanout *s, struct rect rect)
{
	for (unsigned int i = 0; i < s->n_damage; i++) {
		struct rect both = bounds(&s->damage[i], &rect);

		if (area(&both) > area(&s->damage[i]) + area(&rect))
			continue;
		s->damage[i] = both;
		return;
	}
	if (s->n_damage == RECTS_MAX) {
		for (unsigned int i = 0; i < RECTS_MAX; i++)
			rect = bounds(&rect, &s->damage[i]);
		s->n_damage = 0;
	}
	s->damage[s->n_damage++] = rect;
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
	add_damage(s, (struct rect){ x, y, w, h });
	d->dirty = true;
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
	d->dirty = true;
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
	d->dirty = true;
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
	d->dirty = true;
}
