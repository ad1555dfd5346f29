// SPDX-License-Identifier: MIT
/*
 * events.c - what has happened to VMs, kept for who asks or follows
 */
#include "broker/events.h"

#include <stdarg.h>

#include "base/event.h"

struct entry {
	enum event_type type;
	char *vm, *message;
	int64_t real_us;
	uint64_t monotonic_ns;
};

struct events {
	struct entry ring[EVENTS_MAX];	/* number n is at n % EVENTS_MAX */
	uint64_t next;
	uint64_t count[EVENT_TYPES];
	void (*posted)(void *opaque);
	void *opaque;
};

static const char *const names[EVENT_TYPES] = {
	[EVENT_CONNECTED] = "connected",
	[EVENT_DISCONNECTED] = "disconnected",
	[EVENT_DRIVER] = "driver",
	[EVENT_WORKER_STARTED] = "worker-started",
	[EVENT_WORKER_EXITED] = "worker-exited",
	[EVENT_SLOW] = "slow",
	[EVENT_HUNG] = "hung",
	[EVENT_SUSPENDED] = "suspended",
	[EVENT_RESUMED] = "resumed",
	[EVENT_SET] = "set",
	[EVENT_ADDED] = "added",
	[EVENT_REMOVED] = "removed",
	[EVENT_RELOADED] = "reloaded",
	[EVENT_REFUSED] = "refused",
};

struct events *events_new(void (*posted)(void *opaque), void *opaque)
{
	struct events *events = g_new0(struct events, 1);

	events->next = 1;
	events->posted = posted;
	events->opaque = opaque;
	return events;
}

static void clear(struct entry *e)
{
	g_clear_pointer(&e->vm, g_free);
	g_clear_pointer(&e->message, g_free);
}

void events_free(struct events *events)
{
	size_t i;

	if (!events)
		return;
	for (i = 0; i < EVENTS_MAX; i++)
		clear(&events->ring[i]);
	g_free(events);
}

void events_post(struct events *events, enum event_type type, const char *vm,
		 const char *fmt, ...)
{
	struct entry *e;
	va_list ap;
	char *raw;

	if (!events)
		return;
	e = &events->ring[events->next++ % EVENTS_MAX];
	clear(e);
	e->type = type;
	e->vm = g_strdup(vm);
	va_start(ap, fmt);
	raw = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	/* guests name their programs as they like */
	e->message = g_utf8_make_valid(raw, -1);
	g_free(raw);
	e->real_us = g_get_real_time();
	e->monotonic_ns = event_now_ns();
	events->count[type]++;
	if (events->posted)
		events->posted(events->opaque);
}

uint64_t events_count(const struct events *events, enum event_type type)
{
	return events ? events->count[type] : 0;
}

const char *events_type_name(enum event_type type)
{
	return names[type];
}

uint64_t events_next(const struct events *events)
{
	return events ? events->next : 1;
}

static void put_string(JsonBuilder *b, const char *name, const char *value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, value);
}

static void put_int(JsonBuilder *b, const char *name, uint64_t value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, (gint64)value);
}

static void put_entry(JsonBuilder *b, const struct entry *e, uint64_t number)
{
	GDateTime *utc = g_date_time_new_from_unix_utc(e->real_us / 1000000);
	char *seconds = g_date_time_format(utc, "%Y-%m-%dT%H:%M:%S");
	char *time = g_strdup_printf("%s.%03dZ", seconds,
				     (int)(e->real_us / 1000 % 1000));

	json_builder_begin_object(b);
	put_int(b, "id", number);
	put_string(b, "time", time);
	put_int(b, "monotonic_ns", e->monotonic_ns);
	put_string(b, "event", names[e->type]);
	if (e->vm)
		put_string(b, "vm", e->vm);
	put_string(b, "message", e->message);
	json_builder_end_object(b);
	g_free(time);
	g_free(seconds);
	g_date_time_unref(utc);
}

uint64_t events_put(const struct events *events, JsonBuilder *b, uint64_t since,
		    unsigned int max, uint64_t *lost)
{
	uint64_t end = events_next(events), first;

	first = end > EVENTS_MAX ? end - EVENTS_MAX : 1;
	since = MIN(MAX(since, 1), end);
	*lost = since < first ? first - since : 0;
	for (since = MAX(since, first); since < end && max--; since++)
		put_entry(b, &events->ring[since % EVENTS_MAX], since);
	return since;
}
