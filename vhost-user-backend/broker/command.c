// SPDX-License-Identifier: MIT
/*
 * command.c - what a control client may ask for
 */
#include "broker/command.h"

#include <string.h>
#include <sys/socket.h>

#include <json-glib/json-glib.h>

#include "base/event.h"
#include "broker/broker.h"
#include "broker/change.h"
#include "broker/control.h"
#include "broker/gpu.h"
#include "broker/reply.h"
#include "broker/vm.h"
#include "broker/watch.h"

/* ---- commands ---- */

struct request {
	struct broker *broker;
	JsonObject *object;
	const struct ucred *peer;
};

static char *do_list(const struct request *r)
{
	struct json *b = reply_begin(true);
	guint i;

	json_open(b, "vms", '[');
	for (i = 0; i < r->broker->vms->len; i++)
		reply_vm(b, NULL, g_ptr_array_index(r->broker->vms, i));
	json_close(b);
	return json_end(b);
}

static const char *get_string(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	if (!node || json_node_get_value_type(node) != G_TYPE_STRING)
		return NULL;
	return json_node_get_string(node);
}

static struct vm *get_vm(const struct request *r, char **error)
{
	const char *name = get_string(r->object, "vm");
	struct vm *vm = name ? vm_find(r->broker, name) : NULL;

	if (!name)
		*error = reply_fail("\"vm\" is missing; name a VM");
	else if (!vm)
		*error = reply_fail("there is no VM \"%.64s\"; \"list\" shows those that are configured",
			      name);
	return vm;
}

static char *do_show(const struct request *r)
{
	char *error = NULL;
	struct vm *vm = get_vm(r, &error);
	struct json *b;

	if (!vm)
		return error;
	b = reply_begin(true);
	reply_vm(b, "vm", vm);
	return json_end(b);
}

static char *change(const struct request *r,
		    char *(*run)(struct vm *, JsonObject *,
				 const struct ucred *))
{
	char *error = NULL;
	struct vm *vm = get_vm(r, &error);

	return vm ? run(vm, r->object, r->peer) : error;
}

static char *do_set(const struct request *r)
{
	return change(r, change_set);
}

static char *do_remove(const struct request *r)
{
	return change(r, change_remove);
}

static char *do_suspend(const struct request *r)
{
	return change(r, change_suspend);
}

static char *do_resume(const struct request *r)
{
	return change(r, change_resume);
}

static char *do_add(const struct request *r)
{
	return change_add(r->broker, r->object, r->peer);
}

static char *do_stats(const struct request *r)
{
	const struct broker *broker = r->broker;
	const struct gpu *first = g_ptr_array_index(broker->gpus, 0);
	struct json *b = reply_begin(true);
	guint i, connected = 0;

	for (i = 0; i < broker->vms->len; i++)
		connected += ((struct vm *)g_ptr_array_index(broker->vms, i))
			->endpoint != NULL;
	json_string(b, "renderer", first->renderer_name);
	json_string(b, "render_node", first->render_node);
	json_bool(b, "cpu_renderer", first->cpu_renderer);
	json_double(b, "uptime_seconds",
		     (double)(event_now_ns() - broker->started_ns) / 1e9);
	json_int(b, "monotonic_ns", event_now_ns());
	json_int(b, "connected", connected);
	json_open(b, "gpus", '[');
	for (i = 0; i < broker->gpus->len; i++)
		reply_gpu(b, g_ptr_array_index(broker->gpus, i));
	json_close(b);
	json_open(b, "vms", '[');
	for (i = 0; i < broker->vms->len; i++)
		reply_vm(b, NULL, g_ptr_array_index(broker->vms, i));
	json_close(b);
	return json_end(b);
}

static char *do_events(const struct request *r)
{
	return watch_events(r->broker, r->object);
}

static char *do_trace(const struct request *r)
{
	return watch_trace(r->broker, r->object);
}

static const struct {
	const char *name;
	char *(*run)(const struct request *r);
	const char *members[3];		/* besides cmd */
	bool settings;			/* it looks at its members itself */
} commands[] = {
	{ "list", do_list, { NULL }, false },
	{ "show", do_show, { "vm", NULL }, false },
	{ "set", do_set, { NULL }, true },
	{ "add", do_add, { NULL }, true },
	{ "remove", do_remove, { "vm", "force", NULL }, false },
	{ "suspend", do_suspend, { "vm", "reason", NULL }, false },
	{ "resume", do_resume, { "vm", NULL }, false },
	{ "stats", do_stats, { NULL }, false },
	{ "events", do_events, { "since", "follow", NULL }, false },
	{ "trace", do_trace, { "since", NULL }, false },
};

/* A misspelt member must not look as if it had worked. */
static char *check_members(const struct request *r, size_t command)
{
	GList *names = json_object_get_members(r->object), *n;
	char *error = NULL;

	for (n = names; n && !error; n = n->next) {
		const char *const *known = commands[command].members;

		if (!strcmp(n->data, "cmd"))
			continue;
		while (*known && strcmp(*known, n->data))
			known++;
		if (!*known)
			error = reply_fail("%s does not take \"%.64s\"",
				     commands[command].name, (char *)n->data);
	}
	g_list_free(names);
	return error;
}

static char *run(const struct request *r)
{
	const char *name = get_string(r->object, "cmd");
	char *error;
	size_t i;

	if (!name)
		return reply_fail("\"cmd\" is missing; it is list, show, set, add, remove, suspend, resume, stats, events or trace");
	for (i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (strcmp(name, commands[i].name))
			continue;
		error = commands[i].settings ? NULL : check_members(r, i);
		return error ? error : commands[i].run(r);
	}
	return reply_fail("there is no command \"%.64s\"; there are list, show, set, add, remove, suspend, resume, stats, events and trace",
		    name);
}

/* The parser recurses, so depth is limited before it sees the line. */
static bool too_deep(const char *line, size_t len)
{
	unsigned int depth = 0;
	bool string = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (string) {
			if (line[i] == '\\')
				i++;
			else if (line[i] == '"')
				string = false;
		} else if (line[i] == '"') {
			string = true;
		} else if (line[i] == '[' || line[i] == '{') {
			if (++depth > CONTROL_DEPTH_MAX)
				return true;
		} else if ((line[i] == ']' || line[i] == '}') && depth) {
			depth--;
		}
	}
	return false;
}

char *command_answer(struct broker *broker, const char *line, size_t len,
		     const struct ucred *peer)
{
	struct request r = { .broker = broker, .peer = peer };
	JsonParser *parser;
	JsonNode *root;
	char *reply;

	if (!g_utf8_validate(line, (gssize)len, NULL))
		return reply_fail("the line is not UTF-8");
	if (too_deep(line, len))
		return reply_fail("nested deeper than %d", CONTROL_DEPTH_MAX);
	parser = json_parser_new();
	if (!json_parser_load_from_data(parser, line, (gssize)len, NULL) ||
	    !(root = json_parser_get_root(parser)) ||
	    !JSON_NODE_HOLDS_OBJECT(root)) {
		reply = reply_fail("the line is not one JSON object; an example: {\"cmd\":\"list\"}");
	} else {
		r.object = json_node_get_object(root);
		reply = run(&r);
	}
	g_object_unref(parser);
	return reply;
}
