// SPDX-License-Identifier: MIT
/*
 * watch.c - the requests of those who watch: events and traces
 */
#include "broker/watch.h"

#include "base/event.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/control.h"
#include "broker/events.h"
#include "broker/trace.h"
#include "broker/vm.h"
#include "sched/arbiter.h"

#define FOLLOW_EVENTS	64	/* told at once */

static char *finish(JsonBuilder *b)
{
	JsonNode *root;
	char *text;

	json_builder_end_object(b);
	root = json_builder_get_root(b);
	text = json_to_string(root, FALSE);
	json_node_unref(root);
	g_object_unref(b);
	return text;
}

static JsonBuilder *begin(bool ok)
{
	JsonBuilder *b = json_builder_new();

	json_builder_begin_object(b);
	json_builder_set_member_name(b, "ok");
	json_builder_add_boolean_value(b, ok);
	return b;
}

static char *fail(const char *why)
{
	JsonBuilder *b = begin(false);

	json_builder_set_member_name(b, "error");
	json_builder_add_string_value(b, why);
	return finish(b);
}

static void put_int(JsonBuilder *b, const char *name, uint64_t value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

/* "since", 1 without it; false: it is no such number. */
static bool get_since(JsonObject *request, uint64_t *since)
{
	JsonNode *node = json_object_get_member(request, "since");

	*since = 1;
	if (!node)
		return true;
	if (json_node_get_value_type(node) != G_TYPE_INT64 ||
	    json_node_get_int(node) < 0)
		return false;
	*since = (uint64_t)json_node_get_int(node);
	return true;
}

#define BAD_SINCE	"\"since\" is not a whole number from 0; it is the \"next\" of the reply before"

char *watch_events(struct broker *broker, JsonObject *request)
{
	JsonNode *follow = json_object_get_member(request, "follow");
	uint64_t since, next, lost;
	JsonBuilder *b;

	if (!get_since(request, &since))
		return fail(BAD_SINCE);
	if (follow && json_node_get_value_type(follow) != G_TYPE_BOOLEAN)
		return fail("\"follow\" is neither true nor false");
	b = begin(true);
	json_builder_set_member_name(b, "events");
	json_builder_begin_array(b);
	next = events_put(broker->events, b, since, WATCH_EVENTS_MAX, &lost);
	json_builder_end_array(b);
	put_int(b, "lost", lost);
	put_int(b, "next", next);
	put_int(b, "end", events_next(broker->events));
	if (follow && json_node_get_boolean(follow))
		control_follow(broker->control, next);
	return finish(b);
}

char *watch_follow(struct broker *broker, uint64_t *next)
{
	JsonBuilder *b;
	uint64_t lost;

	if (*next >= events_next(broker->events))
		return NULL;
	b = begin(true);
	json_builder_set_member_name(b, "events");
	json_builder_begin_array(b);
	*next = events_put(broker->events, b, *next, FOLLOW_EVENTS, &lost);
	json_builder_end_array(b);
	put_int(b, "lost", lost);
	put_int(b, "next", *next);
	return finish(b);
}

/* Who has the lease now, and since when. */
static void put_current(const struct broker *broker, GString *out,
			GPtrArray *names)
{
	struct arbiter_turn turn;
	bool any = false;
	guint i;

	for (i = 0; i < broker->vms->len; i++) {
		const struct vm *vm = g_ptr_array_index(broker->vms, i);

		if (!arbiter_vm_turn(vm->arbiter_vm, &turn))
			continue;
		if (any)
			g_string_append_c(out, ',');
		trace_put_turn(out, names, vm->config->name, &turn);
		any = true;
	}
}

/*
 * Thousands of numbers: written as text, without a tree of objects first. Names
 * of VMs need no escapes (config_name_ok).
 */
char *watch_trace(struct broker *broker, JsonObject *request)
{
	GPtrArray *names;
	GString *out;
	uint64_t since, next, lost;
	guint i;

	if (!get_since(request, &since))
		return fail(BAD_SINCE);
	names = g_ptr_array_new_with_free_func(g_free);
	out = g_string_new("{\"ok\":true,\"turns\":");
	next = trace_put(broker->trace, out, since, names, &lost);
	g_string_append(out, ",\"current\":[");
	if (next == trace_next(broker->trace))
		put_current(broker, out, names);
	g_string_append(out, "],\"vms\":[");
	for (i = 0; i < names->len; i++)
		g_string_append_printf(out, "%s\"%s\"", i ? "," : "",
				       (char *)g_ptr_array_index(names, i));
	g_string_append_printf(out, "],\"lost\":%" G_GUINT64_FORMAT
			       ",\"next\":%" G_GUINT64_FORMAT
			       ",\"end\":%" G_GUINT64_FORMAT
			       ",\"monotonic_ns\":%" G_GUINT64_FORMAT "}", lost,
			       next, trace_next(broker->trace), event_now_ns());
	g_ptr_array_free(names, TRUE);
	return g_string_free(out, FALSE);
}
