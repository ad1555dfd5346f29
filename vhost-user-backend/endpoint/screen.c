// SPDX-License-Identifier: MIT
/*
 * screen.c - what the VM shows: the state, and what changes it
 */
#include "endpoint/screen.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/shm.h"
#include "endpoint/screen_state.h"
#include "protocol/vgpu_ipc.h"

/* What QEMU is asked to allocate for one output. */
#define SIDE_MAX	16384u
#define BYTES_MAX	(256u << 20)

static void on_ready(void *opaque)
{
	screen_send(opaque);
}

/* Whoever waits for a presented frame gets it: there is no one to show it. */
static void presented_all(struct screen *screen)
{
	unsigned int i;

	screen->dmabuf_out = -1;
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		struct screen_scanout *s = &screen->scanouts[i];

		if (!s->dmabuf_waits)
			continue;
		s->dmabuf_waits = false;
		screen->ops->presented(screen->opaque, i);
	}
}

static void on_reply(void *opaque, uint32_t request, const void *data,
		     size_t size)
{
	struct screen *screen = opaque;
	struct screen_scanout *s;
	int id = screen->dmabuf_out;

	(void)size;
	if (request != VHOST_USER_GPU_DMABUF_UPDATE) {
		screen_ask_reply(screen, request, data);
		return;
	}
	screen->dmabuf_out = -1;
	s = id < 0 ? NULL : &screen->scanouts[id];
	if (s && s->dmabuf_waits && !s->dmabuf_damaged) {
		s->dmabuf_waits = false;
		screen->ops->presented(screen->opaque, (uint32_t)id);
	}
	screen_send(screen);
}

static void drop_socket(struct screen *screen)
{
	gpu_socket_free(screen->socket);
	screen->socket = NULL;
	screen_ask_flush(screen);
	presented_all(screen);
}

static void on_closed(void *opaque, const char *why)
{
	struct screen *screen = opaque;

	if (why)
		log_peer(&screen->log, "display socket: %s", why);
	drop_socket(screen);
}

static const struct gpu_socket_ops socket_ops = {
	.ready = on_ready,
	.reply = on_reply,
	.closed = on_closed,
};

static void damage_all(struct screen_scanout *s)
{
	struct damage_rect all = { .width = s->width, .height = s->height };

	damage_clear(&s->damage);
	if (s->kind == SCANOUT_PIXELS)
		damage_add(&s->damage, &all);
	s->dmabuf_damaged = s->kind == SCANOUT_DMABUF;
	s->dmabuf_rect = all;
}

void screen_set_socket(struct screen *screen, int sock)
{
	unsigned int i;

	drop_socket(screen);
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		struct screen_scanout *s = &screen->scanouts[i];

		s->told = SCANOUT_OFF;
		s->announce = s->kind != SCANOUT_OFF;
		damage_all(s);
		s->cursor_image_dirty = s->cursor != NULL;
		s->cursor_pos_dirty = s->cursor_visible;
	}
	screen->negotiated = false;
	screen->tell_features = false;
	screen->features = 0;
	screen->socket = gpu_socket_new(screen->loop, sock, &socket_ops,
					screen);
	screen_ask(screen, ASK_FEATURES, 0, 0);
}

/* Let go of what is shown; the caller says what comes instead. */
static void clear(struct screen_scanout *s)
{
	shm_unmap((void *)s->pixels, (size_t)s->width * s->height * 4);
	s->pixels = NULL;
	fdpass_close(&s->dmabuf_fd, 1);
	damage_clear(&s->damage);
	s->dmabuf_damaged = false;
	s->kind = SCANOUT_OFF;
	s->width = 0;
	s->height = 0;
	s->announce = true;
}

static bool size_ok(uint32_t width, uint32_t height)
{
	return width <= SIDE_MAX && height && height <= SIDE_MAX &&
	       (uint64_t)width * height * 4 <= BYTES_MAX;
}

int screen_scanout(struct screen *screen,
		   const struct vgpu_ipc_scanout *scanout, int fd)
{
	struct screen_scanout *s = &screen->scanouts[scanout->scanout_id];
	uint32_t width = scanout->width, height = scanout->height;
	const void *pixels = NULL;

	if (width && size_ok(width, height))
		pixels = shm_map(fd, (size_t)width * height * 4, false);
	/* a worker that took over: the same picture, from its own memory */
	if (pixels && s->kind == SCANOUT_PIXELS && s->width == width &&
	    s->height == height) {
		shm_unmap((void *)s->pixels, (size_t)width * height * 4);
		s->pixels = pixels;
		return 0;
	}
	clear(s);
	if (pixels) {
		s->kind = SCANOUT_PIXELS;
		s->pixels = pixels;
		s->width = width;
		s->height = height;
	}
	screen_send(screen);
	return width && !pixels ? -EINVAL : 0;
}

void screen_update(struct screen *screen,
		   const struct vhost_user_gpu_update *update)
{
	struct screen_scanout *s = &screen->scanouts[update->scanout_id];
	struct damage_rect r = { update->x, update->y, update->width,
				 update->height };

	if (s->kind != SCANOUT_PIXELS || !damage_clip(&r, s->width, s->height))
		return;
	damage_add(&s->damage, &r);
	screen_send(screen);
}

int screen_dmabuf(struct screen *screen,
		  const struct vhost_user_gpu_dmabuf_scanout2 *scanout, int fd)
{
	const struct vhost_user_gpu_dmabuf_scanout base = scanout->base;
	struct screen_scanout *s = &screen->scanouts[base.scanout_id];
	int own = -1;

	if (base.width && size_ok(base.width, base.height) &&
	    base.fd_width && size_ok(base.fd_width, base.fd_height))
		own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	clear(s);
	if (own >= 0) {
		s->kind = SCANOUT_DMABUF;
		s->dmabuf = *scanout;
		s->dmabuf_fd = own;
		s->width = base.width;
		s->height = base.height;
	}
	screen_send(screen);
	return base.width && own < 0 ? -EINVAL : 0;
}

void screen_dmabuf_update(struct screen *screen,
			  const struct vhost_user_gpu_update *update)
{
	struct screen_scanout *s = &screen->scanouts[update->scanout_id];
	struct damage_rect r = { update->x, update->y, update->width,
				 update->height };

	if (s->kind != SCANOUT_DMABUF || !damage_clip(&r, s->width, s->height) ||
	    !screen->socket) {
		screen->ops->presented(screen->opaque, update->scanout_id);
		return;
	}
	/* two at once become all of it; rare, the worker waits for each */
	if (s->dmabuf_damaged)
		r = (struct damage_rect){ 0, 0, s->width, s->height };
	s->dmabuf_rect = r;
	s->dmabuf_damaged = true;
	s->dmabuf_waits = true;
	screen_send(screen);
}

void screen_cursor(struct screen *screen,
		   const struct vhost_user_gpu_cursor_update *cursor)
{
	struct screen_scanout *s = &screen->scanouts[cursor->pos.scanout_id];

	if (!s->cursor)
		s->cursor = g_new0(struct vhost_user_gpu_cursor_update, 1);
	*s->cursor = *cursor;
	if (s->cursor->hot_x >= VHOST_USER_GPU_CURSOR_SIZE)
		s->cursor->hot_x = VHOST_USER_GPU_CURSOR_SIZE - 1;
	if (s->cursor->hot_y >= VHOST_USER_GPU_CURSOR_SIZE)
		s->cursor->hot_y = VHOST_USER_GPU_CURSOR_SIZE - 1;
	s->cursor_pos = cursor->pos;
	s->cursor_visible = true;
	s->cursor_image_dirty = true;
	screen_send(screen);
}

void screen_cursor_move(struct screen *screen,
			const struct vgpu_ipc_cursor_move *move)
{
	struct screen_scanout *s = &screen->scanouts[move->pos.scanout_id];

	s->cursor_pos = move->pos;
	s->cursor_visible = move->visible;
	s->cursor_pos_dirty = true;
	screen_send(screen);
}

void screen_get_display_info(struct screen *screen, uint32_t cookie)
{
	screen_ask(screen, ASK_DISPLAY_INFO, cookie, 0);
}

void screen_get_edid(struct screen *screen, uint32_t cookie,
		     uint32_t scanout_id)
{
	screen_ask(screen, ASK_EDID, cookie, scanout_id);
}

void screen_forget(struct screen *screen)
{
	unsigned int i;

	for (i = 0; i < screen->n_asks; i++) {
		if (screen->asks[i].kind != ASK_FEATURES)
			screen->asks[i].answered = true;
	}
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		screen->scanouts[i].dmabuf_waits = false;
}

void screen_reset(struct screen *screen)
{
	unsigned int i;

	screen_forget(screen);
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		struct screen_scanout *s = &screen->scanouts[i];

		clear(s);
		if (s->cursor_visible) {
			s->cursor_visible = false;
			s->cursor_pos_dirty = true;
		}
		g_free(s->cursor);
		s->cursor = NULL;
	}
	screen_send(screen);
}

struct screen *screen_new(struct event_loop *loop,
			  const struct screen_config *config,
			  const struct screen_ops *ops, void *opaque)
{
	struct screen *screen = g_new0(struct screen, 1);
	unsigned int i;

	screen->loop = loop;
	screen->config = *config;
	screen->ops = ops;
	screen->opaque = opaque;
	screen->dmabuf_out = -1;
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		screen->scanouts[i].dmabuf_fd = -1;
	screen->timer = event_add_timer(loop, screen_ask_expire, screen);
	return screen;
}

void screen_free(struct screen *screen)
{
	unsigned int i;

	if (!screen)
		return;
	gpu_socket_free(screen->socket);
	event_del(screen->timer);
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		clear(&screen->scanouts[i]);
		g_free(screen->scanouts[i].cursor);
	}
	g_free(screen);
}
