/* SPDX-License-Identifier: MIT */
/*
 * screen_state.h - what screen.c, screen_send.c and screen_ask.c share
 */
#ifndef ENDPOINT_SCREEN_STATE_H
#define ENDPOINT_SCREEN_STATE_H

#include "base/log.h"
#include "endpoint/damage.h"
#include "endpoint/gpu_socket.h"
#include "endpoint/screen.h"

enum scanout_kind {
	SCANOUT_OFF,
	SCANOUT_PIXELS,
	SCANOUT_DMABUF,
};

/** struct screen_scanout - one output */
struct screen_scanout {
	enum scanout_kind kind;
	uint32_t width, height;

	/* what this display socket was told last, and whether it is old */
	enum scanout_kind told;
	bool announce;

	const uint8_t *pixels;		/* shared with the worker, read-only */
	struct damage damage;

	struct vhost_user_gpu_dmabuf_scanout2 dmabuf;
	int dmabuf_fd;
	bool dmabuf_damaged;
	bool dmabuf_waits;	/* the worker waits for presented() */
	struct damage_rect dmabuf_rect;

	struct vhost_user_gpu_cursor_update *cursor;	/* NULL: never set */
	struct vhost_user_gpu_cursor_pos cursor_pos;
	bool cursor_visible, cursor_image_dirty, cursor_pos_dirty;
};

enum ask_kind {
	ASK_FEATURES,		/* begins the negotiation */
	ASK_DISPLAY_INFO,
	ASK_EDID,
	ASK_BARRIER,		/* its reply says that all before it are lost */
};

struct screen_ask {
	enum ask_kind kind;
	uint32_t cookie, scanout_id;
	uint64_t deadline_ns;
	bool sent;
	bool answered;		/* a late reply is for nobody */
};

#define SCREEN_ASKS_MAX	32

struct screen {
	struct event_loop *loop;
	struct screen_config config;
	const struct screen_ops *ops;
	void *opaque;
	struct screen_scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];

	/* the display socket; NULL: none */
	struct gpu_socket *socket;
	bool negotiated;
	bool tell_features;	/* SET_PROTOCOL_FEATURES is due */
	uint64_t features;	/* that both sides have */
	int dmabuf_out;		/* DMABUF_UPDATE without reply: scanout, or -1 */
	unsigned int turn;	/* scanout that is served next */

	/* oldest first; in the order in which they are sent */
	struct screen_ask asks[SCREEN_ASKS_MAX];
	unsigned int n_asks;
	struct event_source *timer;
	struct log_limit log;
};

/** screen_send() - send what waits, as far as the socket takes it */
void screen_send(struct screen *screen);

/** screen_ask() - queue a question, or answer it at once if that can not be */
void screen_ask(struct screen *screen, enum ask_kind kind, uint32_t cookie,
		uint32_t scanout_id);

/** screen_ask_next() - the oldest question not yet sent, or NULL */
struct screen_ask *screen_ask_next(struct screen *screen);

/** screen_ask_reply() - the front end answered */
void screen_ask_reply(struct screen *screen, uint32_t request,
		      const void *data);

/** screen_ask_expire() - timer: answer for the front end what is too late */
void screen_ask_expire(void *opaque);

/** screen_ask_flush() - the socket is gone: answer everything */
void screen_ask_flush(struct screen *screen);

#endif
