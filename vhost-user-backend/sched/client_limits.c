// SPDX-License-Identifier: MIT
/*
 * client_limits.c - quota and frame rate of the VM, as its grant page says
 */
#include <glib.h>

#include "base/event.h"
#include "sched/client_private.h"

/* Nobody means more than an hour, and sums must not wrap. */
#define FRAME_MAX_NS	3600000000000ull

bool sched_client_limits(const struct sched_client *client,
			 struct sched_limits *limits)
{
	const struct vgpu_sched_grant *grant = client->grant;

	if (!grant) {
		if (client->had_limits)
			*limits = client->limits;
		return client->had_limits;
	}
	limits->memory_max = GET(grant->memory_max);
	limits->max_resources = GET(grant->max_resources);
	limits->max_contexts = GET(grant->max_contexts);
	return true;
}

void client_on_frame(void *opaque)
{
	struct sched_client *client = opaque;

	client->granted(client->opaque);
}

bool sched_client_frame(struct sched_client *client)
{
	uint64_t least = client->grant ? GET(client->grant->frame_ns) : 0;
	uint64_t now, wait;

	if (!least)
		return true;
	least = MIN(least, FRAME_MAX_NS);
	now = event_now_ns();
	if (now < client->next_frame_ns) {
		/* the limit may have been another when that was set */
		wait = MIN(client->next_frame_ns - now, least);
		client->next_frame_ns = now + wait;
		event_set_timer(client->frame_timer, wait / 1000 + 1);
		return false;
	}
	/* A frame that is a little late does not make all that follow late. */
	if (now - client->next_frame_ns > least / 2)
		client->next_frame_ns = now;
	client->next_frame_ns += least;
	return true;
}
