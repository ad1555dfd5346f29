// SPDX-License-Identifier: MIT
/*
 * cmd_events.c - vgpuctl events: what has happened, and what happens
 */
#include <stdio.h>

#include "ctl/ctl.h"

/* Guests have a say in messages: nothing of theirs reaches the terminal raw. */
static void print_plain(const char *text)
{
	for (; *text; text = g_utf8_next_char(text)) {
		gunichar c = g_utf8_get_char(text);
		char buf[8];

		buf[g_unichar_to_utf8(g_unichar_isprint(c) ? c : '?', buf)] =
			'\0';
		fputs(buf, stdout);
	}
}

static void print_events(struct ctl *ctl, JsonObject *reply)
{
	GList *events = ctl_objects(reply, "events"), *i;
	gint64 lost = ctl_int(reply, "lost");

	if (lost > 0 && !ctl->json)
		printf("... %" G_GINT64_FORMAT " older ones are not kept\n",
		       lost);
	for (i = events; i; i = i->next) {
		if (ctl->json) {
			ctl_print_object(i->data);
			continue;
		}
		printf("%-24s %-14s %-16s ", ctl_string(i->data, "time"),
		       ctl_string(i->data, "event"), ctl_string(i->data, "vm"));
		print_plain(ctl_string(i->data, "message"));
		putchar('\n');
	}
	fflush(stdout);
	g_list_free(events);
}

/* All that vgpud has kept. Return: the number of the next, 0: failed. */
static gint64 print_kept(struct ctl *ctl)
{
	gint64 next = 1, end;

	do {
		JsonObject *reply = ctl_since(ctl, "events", next);
		gint64 before = next;

		if (!reply)
			return 0;
		print_events(ctl, reply);
		next = ctl_int(reply, "next");
		end = ctl_int(reply, "end");
		json_object_unref(reply);
		if (next < before || (next == before && next < end)) {
			ctl_nonsense(ctl);
			return 0;
		}
	} while (next < end);
	return next;
}

int cmd_events(struct ctl *ctl, int argc, char **argv)
{
	JsonBuilder *request;
	JsonObject *reply;
	gint64 next;

	if (argc)
		return ctl_usage("events takes no arguments but -f");
	next = print_kept(ctl);
	if (!next || !ctl->follow)
		return next ? CTL_OK : CTL_FAILED;
	request = ctl_begin("events");
	json_builder_set_member_name(request, "since");
	json_builder_add_int_value(request, next);
	json_builder_set_member_name(request, "follow");
	json_builder_add_boolean_value(request, TRUE);
	for (reply = ctl_request(ctl, request); reply; reply = ctl_wait(ctl)) {
		print_events(ctl, reply);
		json_object_unref(reply);
	}
	return CTL_FAILED;
}
