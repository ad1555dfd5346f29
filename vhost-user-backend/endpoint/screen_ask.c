// SPDX-License-Identifier: MIT
/*
 * screen_ask.c - questions to the front end, each with a time limit
 *
 * Replies carry no number, only the kind of request, and some requests are
 * never answered (GET_EDID of an output that is off). Replies do come in order,
 * so a reply says that everything asked before it is lost. Two GET_EDIDs could
 * still be mixed up: a barrier, which every front end answers, follows each.
 */
#include <string.h>

#include "base/event.h"
#include "endpoint/screen_state.h"

#define TIMEOUT_NS	1000000000ull
#define BIT(n)		(UINT64_C(1) << (n))
#define KNOWN_FEATURES	(BIT(VHOST_USER_GPU_PROTOCOL_F_EDID) | \
			 BIT(VHOST_USER_GPU_PROTOCOL_F_DMABUF2))

static const uint32_t request_of[] = {
	[ASK_FEATURES] = VHOST_USER_GPU_GET_PROTOCOL_FEATURES,
	[ASK_DISPLAY_INFO] = VHOST_USER_GPU_GET_DISPLAY_INFO,
	[ASK_EDID] = VHOST_USER_GPU_GET_EDID,
	[ASK_BARRIER] = VHOST_USER_GPU_GET_PROTOCOL_FEATURES,
};

static void default_display_info(struct screen *screen, uint32_t cookie)
{
	struct virtio_gpu_display_one pmodes[VIRTIO_GPU_MAX_SCANOUTS] = { 0 };

	pmodes[0].r.width = screen->config.width;
	pmodes[0].r.height = screen->config.height;
	pmodes[0].enabled = 1;
	screen->ops->display_info(screen->opaque, cookie, pmodes);
}

static void answer_display_info(struct screen *screen, uint32_t cookie,
				const void *data)
{
	struct virtio_gpu_resp_display_info info;

	memcpy(&info, data, sizeof(info));
	if (info.hdr.type == VIRTIO_GPU_RESP_OK_DISPLAY_INFO)
		screen->ops->display_info(screen->opaque, cookie, info.pmodes);
	else
		default_display_info(screen, cookie);
}

static void answer_edid(struct screen *screen, uint32_t cookie,
			const void *data)
{
	struct virtio_gpu_resp_edid edid;

	memcpy(&edid, data, sizeof(edid));
	if (edid.hdr.type != VIRTIO_GPU_RESP_OK_EDID ||
	    edid.size > sizeof(edid.edid))
		edid.size = 0;
	screen->ops->edid(screen->opaque, cookie, edid.edid, edid.size);
}

static void negotiated(struct screen *screen, uint64_t features)
{
	screen->features = features & KNOWN_FEATURES;
	screen->tell_features = screen->features != 0;
	screen->negotiated = true;
}

/* data NULL: the front end does not say. */
static void answer(struct screen *screen, struct screen_ask *ask,
		   const void *data)
{
	uint64_t features = 0;

	if (ask->answered)
		return;
	ask->answered = true;
	switch (ask->kind) {
	case ASK_FEATURES:
		if (data)
			memcpy(&features, data, sizeof(features));
		negotiated(screen, features);
		break;
	case ASK_DISPLAY_INFO:
		if (data)
			answer_display_info(screen, ask->cookie, data);
		else
			default_display_info(screen, ask->cookie);
		break;
	case ASK_EDID:
		if (data)
			answer_edid(screen, ask->cookie, data);
		else
			screen->ops->edid(screen->opaque, ask->cookie, NULL, 0);
		break;
	case ASK_BARRIER:
		break;
	}
}

/* The next deadline of a question that still waits. */
static void set_timer(struct screen *screen)
{
	uint64_t now = event_now_ns(), at;
	unsigned int i;

	for (i = 0; i < screen->n_asks; i++) {
		if (screen->asks[i].answered)
			continue;
		at = screen->asks[i].deadline_ns;
		event_set_timer(screen->timer,
				at > now ? (at - now) / 1000 + 1 : 0);
		return;
	}
	event_stop_timer(screen->timer);
}

static void add(struct screen *screen, enum ask_kind kind, uint32_t cookie,
		uint32_t scanout_id)
{
	screen->asks[screen->n_asks++] = (struct screen_ask){
		.kind = kind,
		.cookie = cookie,
		.scanout_id = scanout_id,
		.deadline_ns = event_now_ns() + TIMEOUT_NS,
	};
}

void screen_ask(struct screen *screen, enum ask_kind kind, uint32_t cookie,
		uint32_t scanout_id)
{
	struct screen_ask lost = { .kind = kind, .cookie = cookie };

	/* room for the barrier too */
	if (!screen->socket || screen->n_asks + 2 > SCREEN_ASKS_MAX) {
		answer(screen, &lost, NULL);
		return;
	}
	add(screen, kind, cookie, scanout_id);
	if (kind == ASK_EDID)
		add(screen, ASK_BARRIER, 0, 0);
	set_timer(screen);
	screen_send(screen);
}

static void del(struct screen *screen, unsigned int i)
{
	screen->n_asks--;
	memmove(&screen->asks[i], &screen->asks[i + 1],
		(screen->n_asks - i) * sizeof(*screen->asks));
}

struct screen_ask *screen_ask_next(struct screen *screen)
{
	unsigned int i = 0;

	/* what it knows to answer comes out of the first one */
	if (!screen->negotiated)
		return screen->n_asks && !screen->asks[0].sent ?
		       &screen->asks[0] : NULL;
	while (i < screen->n_asks) {
		struct screen_ask *ask = &screen->asks[i];

		/* a front end without the feature would not even answer */
		if (ask->kind == ASK_EDID && !ask->sent &&
		    !(screen->features & BIT(VHOST_USER_GPU_PROTOCOL_F_EDID)))
			answer(screen, ask, NULL);
		if (!ask->sent && !ask->answered)
			return ask;
		if (ask->sent)
			i++;
		else
			del(screen, i);
	}
	return NULL;
}

void screen_ask_reply(struct screen *screen, uint32_t request,
		      const void *data)
{
	unsigned int i, n;

	for (n = 0; n < screen->n_asks; n++) {
		if (!screen->asks[n].sent)
			return;		/* nobody asked */
		if (request_of[screen->asks[n].kind] == request)
			break;
	}
	if (n == screen->n_asks)
		return;
	for (i = 0; i < n; i++)
		answer(screen, &screen->asks[i], NULL);
	answer(screen, &screen->asks[n], data);
	for (i = 0; i <= n; i++)
		del(screen, 0);
	set_timer(screen);
	screen_send(screen);
}

void screen_ask_expire(void *opaque)
{
	struct screen *screen = opaque;
	uint64_t now = event_now_ns();
	unsigned int i;

	for (i = 0; i < screen->n_asks; i++) {
		if (screen->asks[i].deadline_ns <= now)
			answer(screen, &screen->asks[i], NULL);
	}
	set_timer(screen);
	screen_send(screen);
}

void screen_ask_flush(struct screen *screen)
{
	unsigned int i;

	for (i = 0; i < screen->n_asks; i++)
		answer(screen, &screen->asks[i], NULL);
	screen->n_asks = 0;
	set_timer(screen);
}
