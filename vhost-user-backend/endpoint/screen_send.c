// SPDX-License-Identifier: MIT
/*
 * screen_send.c - what the display socket is told next
 *
 * Order: negotiation, questions, outputs, cursors, then pixels in pieces, one
 * output after the other. An output is announced before its pixels, always:
 * QEMU does not check.
 */
#include <string.h>

#include "endpoint/screen_state.h"

#define BIT(n)		(UINT64_C(1) << (n))
#define PIECE_PIXELS	((GPU_SOCKET_MAX - sizeof(struct vhost_user_gpu_update)) \
			 / 4)
/* then the vhost-user socket gets its turn */
#define MESSAGES_A_TURN	8

static void send_payload(struct screen *screen, uint32_t request,
			 const void *payload, size_t size, int fd)
{
	void *to = gpu_socket_stage(screen->socket, request, size);

	if (size)
		memcpy(to, payload, size);
	gpu_socket_send(screen->socket, fd);
}

static void send_ask(struct screen *screen, struct screen_ask *ask)
{
	struct vhost_user_gpu_edid_request edid = { ask->scanout_id };

	ask->sent = true;
	switch (ask->kind) {
	case ASK_FEATURES:
	case ASK_BARRIER:
		send_payload(screen, VHOST_USER_GPU_GET_PROTOCOL_FEATURES,
			     NULL, 0, -1);
		break;
	case ASK_DISPLAY_INFO:
		send_payload(screen, VHOST_USER_GPU_GET_DISPLAY_INFO,
			     NULL, 0, -1);
		break;
	case ASK_EDID:
		send_payload(screen, VHOST_USER_GPU_GET_EDID, &edid,
			     sizeof(edid), -1);
		break;
	}
}

/* Return: whether something was sent, here and below. */
static bool send_questions(struct screen *screen)
{
	struct screen_ask *ask = screen_ask_next(screen);

	if (screen->tell_features) {
		send_payload(screen, VHOST_USER_GPU_SET_PROTOCOL_FEATURES,
			     &screen->features, sizeof(screen->features), -1);
		screen->tell_features = false;
		return true;
	}
	if (ask)
		send_ask(screen, ask);
	return ask != NULL;
}

static void announce_dmabuf(struct screen *screen, struct screen_scanout *s)
{
	bool v2 = screen->features & BIT(VHOST_USER_GPU_PROTOCOL_F_DMABUF2);

	if (v2)
		send_payload(screen, VHOST_USER_GPU_DMABUF_SCANOUT2,
			     &s->dmabuf, sizeof(s->dmabuf), s->dmabuf_fd);
	else
		send_payload(screen, VHOST_USER_GPU_DMABUF_SCANOUT,
			     &s->dmabuf.base, sizeof(s->dmabuf.base),
			     s->dmabuf_fd);
}

static bool announce(struct screen *screen, unsigned int id)
{
	struct screen_scanout *s = &screen->scanouts[id];
	struct vhost_user_gpu_scanout msg = { .scanout_id = id };
	struct vhost_user_gpu_dmabuf_scanout off = { .scanout_id = id };
	enum scanout_kind was = s->told;

	if (!s->announce)
		return false;
	s->announce = false;
	s->told = s->kind;
	if (s->kind == SCANOUT_DMABUF) {
		announce_dmabuf(screen, s);
		return true;
	}
	if (s->kind == SCANOUT_PIXELS) {
		msg.width = s->width;
		msg.height = s->height;
	} else if (was == SCANOUT_OFF) {
		return false;
	} else if (was == SCANOUT_DMABUF) {
		send_payload(screen, VHOST_USER_GPU_DMABUF_SCANOUT, &off,
			     sizeof(off), -1);
		return true;
	}
	send_payload(screen, VHOST_USER_GPU_SCANOUT, &msg, sizeof(msg), -1);
	return true;
}

static bool send_cursor(struct screen *screen, struct screen_scanout *s)
{
	bool image = s->cursor_image_dirty && s->cursor;

	/* the image shows the cursor too: while hidden it has to wait */
	if (image && s->cursor_visible) {
		s->cursor_image_dirty = false;
		s->cursor_pos_dirty = false;
		s->cursor->pos = s->cursor_pos;
		send_payload(screen, VHOST_USER_GPU_CURSOR_UPDATE, s->cursor,
			     sizeof(*s->cursor), -1);
		return true;
	}
	if (!s->cursor_pos_dirty)
		return false;
	s->cursor_pos_dirty = false;
	send_payload(screen, s->cursor_visible ? VHOST_USER_GPU_CURSOR_POS :
		     VHOST_USER_GPU_CURSOR_POS_HIDE, &s->cursor_pos,
		     sizeof(s->cursor_pos), -1);
	return true;
}

static bool send_dmabuf_update(struct screen *screen, unsigned int id)
{
	struct screen_scanout *s = &screen->scanouts[id];
	struct vhost_user_gpu_update msg = {
		.scanout_id = id,
		.x = s->dmabuf_rect.x,
		.y = s->dmabuf_rect.y,
		.width = s->dmabuf_rect.width,
		.height = s->dmabuf_rect.height,
	};

	if (!s->dmabuf_damaged || screen->dmabuf_out >= 0)
		return false;
	s->dmabuf_damaged = false;
	screen->dmabuf_out = (int)id;
	send_payload(screen, VHOST_USER_GPU_DMABUF_UPDATE, &msg, sizeof(msg),
		     -1);
	return true;
}

static bool send_pixels(struct screen *screen, unsigned int id)
{
	struct screen_scanout *s = &screen->scanouts[id];
	struct vhost_user_gpu_update msg = { .scanout_id = id };
	struct damage_rect r;
	size_t row, stride = (size_t)s->width * 4;
	uint8_t *to;
	uint32_t y;

	if (!damage_take(&s->damage, PIECE_PIXELS, &r))
		return false;
	msg.x = r.x;
	msg.y = r.y;
	msg.width = r.width;
	msg.height = r.height;
	row = (size_t)r.width * 4;
	to = gpu_socket_stage(screen->socket, VHOST_USER_GPU_UPDATE,
			      sizeof(msg) + row * r.height);
	memcpy(to, &msg, sizeof(msg));
	to += sizeof(msg);
	for (y = 0; y < r.height; y++) {
		memcpy(to, s->pixels + (r.y + y) * stride + (size_t)r.x * 4,
		       row);
		to += row;
	}
	gpu_socket_send(screen->socket, -1);
	return true;
}

static bool send_output(struct screen *screen, unsigned int id)
{
	struct screen_scanout *s = &screen->scanouts[id];

	if (announce(screen, id) || send_cursor(screen, s))
		return true;
	if (s->kind == SCANOUT_DMABUF)
		return send_dmabuf_update(screen, id);
	if (s->kind == SCANOUT_PIXELS)
		return send_pixels(screen, id);
	return false;
}

static bool send_next(struct screen *screen)
{
	unsigned int i;

	if (send_questions(screen))
		return true;
	if (!screen->negotiated)
		return false;
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++) {
		unsigned int id = (screen->turn + i) % VIRTIO_GPU_MAX_SCANOUTS;

		if (send_output(screen, id)) {
			screen->turn = id + 1;
			return true;
		}
	}
	return false;
}

void screen_send(struct screen *screen)
{
	unsigned int sent = 0;
	bool more = true;

	if (!screen->socket)
		return;
	while (more && sent < MESSAGES_A_TURN &&
	       gpu_socket_idle(screen->socket)) {
		more = send_next(screen);
		sent++;
	}
	gpu_socket_want(screen->socket, more);
}
