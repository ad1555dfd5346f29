// SPDX-License-Identifier: MIT
/*
 * command.c - what a control client may ask for
 */
#include "broker/command.h"

#include <math.h>
#include <string.h>
#include <sys/socket.h>

#include <json-glib/json-glib.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/control.h"
#include "broker/endpoint.h"
#include "broker/events.h"
#include "broker/state.h"
#include "broker/vm.h"
#include "broker/watch.h"
#include "sched/arbiter.h"
#include "sched/policy.h"

/* ---- replies ---- */

static char *fail(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

static char *to_text(JsonBuilder *b)
{
	JsonNode *root = json_builder_get_root(b);
	char *text = json_to_string(root, FALSE);

	json_node_unref(root);
	g_object_unref(b);
	return text;
}

static void put_bool(JsonBuilder *b, const char *name, bool value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_boolean_value(b, value);
}

static void put_int(JsonBuilder *b, const char *name, uint64_t value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

static void put_double(JsonBuilder *b, const char *name, double value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_double_value(b, isfinite(value) ? value : 0);
}

static void put_string(JsonBuilder *b, const char *name, const char *value)
{
	/* GL strings and the like may be anything; JSON is UTF-8 */
	char *valid = g_utf8_make_valid(value, -1);

	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, valid);
	g_free(valid);
}

static JsonBuilder *begin(bool ok)
{
	JsonBuilder *b = json_builder_new();

	json_builder_begin_object(b);
	put_bool(b, "ok", ok);
	return b;
}

static char *finish(JsonBuilder *b)
{
	json_builder_end_object(b);
	return to_text(b);
}

static char *fail(const char *fmt, ...)
{
	JsonBuilder *b = begin(false);
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	put_string(b, "error", why);
	g_free(why);
	return finish(b);
}

/* ---- one VM ---- */

static void put_stats(JsonBuilder *b, const struct arbiter_stats *s)
{
	put_int(b, "weight", s->weight);
	put_double(b, "share", s->share);
	put_double(b, "target_share", s->target);
	put_double(b, "busy", s->busy);
	put_bool(b, "holds_lease", s->holds_lease);
	put_double(b, "gpu_seconds", (double)s->gpu_ns / 1e9);
	put_double(b, "cpu_seconds", (double)s->cpu_ns / 1e9);
	put_double(b, "wait_seconds", (double)s->wait_ns / 1e9);
	put_double(b, "wait_p50_ms", (double)s->wait_p50_ns / 1e6);
	put_double(b, "wait_p99_ms", (double)s->wait_p99_ns / 1e6);
	put_double(b, "idle_seconds", (double)s->idle_ns / 1e9);
	put_int(b, "cpu_ns", s->cpu_ns);
	put_int(b, "gpu_ns", s->gpu_ns);
	put_int(b, "busy_ns", s->busy_ns);
	put_int(b, "charged_ns", s->charged_ns);
	put_int(b, "outside_ns", s->outside_ns);
	put_double(b, "lag_ms", (double)s->lag_ns / 1e6);
	put_int(b, "grants", s->grants);
	put_int(b, "jobs", s->jobs);
	put_int(b, "frames", s->frames);
	put_int(b, "errors", s->errors);
	put_int(b, "memory", s->memory);
	put_int(b, "resources", s->resources);
	put_int(b, "contexts", s->contexts);
}

static void put_vm(JsonBuilder *b, struct vm *vm)
{
	struct endpoint_info info = { 0 };
	struct arbiter_stats stats;

	if (vm->endpoint)
		endpoint_info(vm->endpoint, &info);
	arbiter_vm_stats(vm->arbiter_vm, &stats);
	json_builder_begin_object(b);
	put_string(b, "name", vm->config->name);
	put_string(b, "state", info.driver_ok ? "running" :
		   vm->endpoint ? "connected" : "idle");
	put_stats(b, &stats);
	put_string(b, "socket", vm->config->socket);
	put_int(b, "memory_max", vm->config->memory);
	put_int(b, "outputs", vm->config->outputs);
	put_bool(b, "3d", vm->config->virgl && vm->broker->has_3d);
	put_bool(b, "configured", !vm->removed);
	put_int(b, "endpoint_pid", (uint64_t)info.pid);
	put_int(b, "worker_pid", (uint64_t)info.worker_pid);
	put_int(b, "restarts", info.restarts);
	put_int(b, "connections", vm->connections);
	json_builder_end_object(b);
}

/* ---- commands ---- */

struct request {
	struct broker *broker;
	JsonObject *object;
	const struct ucred *peer;
};

static char *do_list(const struct request *r)
{
	JsonBuilder *b = begin(true);
	guint i;

	json_builder_set_member_name(b, "vms");
	json_builder_begin_array(b);
	for (i = 0; i < r->broker->vms->len; i++)
		put_vm(b, g_ptr_array_index(r->broker->vms, i));
	json_builder_end_array(b);
	return finish(b);
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
		*error = fail("\"vm\" is missing; name a VM");
	else if (!vm)
		*error = fail("there is no VM \"%.64s\"; \"list\" shows those that are configured",
			      name);
	return vm;
}

static char *do_show(const struct request *r)
{
	char *error = NULL;
	struct vm *vm = get_vm(r, &error);
	JsonBuilder *b;

	if (!vm)
		return error;
	b = begin(true);
	json_builder_set_member_name(b, "vm");
	put_vm(b, vm);
	return finish(b);
}

static char *do_set(const struct request *r)
{
	char *error = NULL;
	struct vm *vm = get_vm(r, &error);
	JsonNode *node;
	gint64 weight;

	if (!vm)
		return error;
	node = json_object_get_member(r->object, "weight");
	if (!node)
		return fail("nothing to set; \"weight\" can be");
	if (json_node_get_value_type(node) != G_TYPE_INT64)
		return fail("\"weight\" is not a whole number from %d to %d",
			    POLICY_WEIGHT_MIN, POLICY_WEIGHT_MAX);
	weight = json_node_get_int(node);
	if (weight < POLICY_WEIGHT_MIN || weight > POLICY_WEIGHT_MAX)
		return fail("\"weight\" is not a whole number from %d to %d",
			    POLICY_WEIGHT_MIN, POLICY_WEIGHT_MAX);
	log_info("VM %s: weight %u to %u by pid %d, uid %u", vm->config->name,
		 vm_weight(vm), (unsigned int)weight, (int)r->peer->pid,
		 (unsigned int)r->peer->uid);
	events_post(r->broker->events, EVENT_SET, vm->config->name,
		    "weight %u to %u by pid %d, uid %u", vm_weight(vm),
		    (unsigned int)weight, (int)r->peer->pid,
		    (unsigned int)r->peer->uid);
	vm_set_weight(vm, (uint32_t)weight);
	state_save(r->broker);
	return do_show(r);
}

static char *do_stats(const struct request *r)
{
	const struct broker *broker = r->broker;
	JsonBuilder *b = begin(true);
	guint i, connected = 0;

	for (i = 0; i < broker->vms->len; i++)
		connected += ((struct vm *)g_ptr_array_index(broker->vms, i))
			->endpoint != NULL;
	put_string(b, "renderer", broker->renderer_name);
	put_string(b, "render_node", broker->render_node);
	put_bool(b, "cpu_renderer", broker->cpu_renderer);
	put_double(b, "uptime_seconds",
		   (double)(event_now_ns() - broker->started_ns) / 1e9);
	put_int(b, "monotonic_ns", event_now_ns());
	put_int(b, "connected", connected);
	json_builder_set_member_name(b, "vms");
	json_builder_begin_array(b);
	for (i = 0; i < broker->vms->len; i++)
		put_vm(b, g_ptr_array_index(broker->vms, i));
	json_builder_end_array(b);
	return finish(b);
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
} commands[] = {
	{ "list", do_list, { NULL } },
	{ "show", do_show, { "vm", NULL } },
	{ "set", do_set, { "vm", "weight", NULL } },
	{ "stats", do_stats, { NULL } },
	{ "events", do_events, { "since", "follow", NULL } },
	{ "trace", do_trace, { "since", NULL } },
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
			error = fail("%s does not take \"%.64s\"",
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
		return fail("\"cmd\" is missing; it is list, show, set, stats, events or trace");
	for (i = 0; i < G_N_ELEMENTS(commands); i++) {
		if (strcmp(name, commands[i].name))
			continue;
		error = check_members(r, i);
		return error ? error : commands[i].run(r);
	}
	return fail("there is no command \"%.64s\"; there are list, show, set, stats, events and trace",
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
		return fail("the line is not UTF-8");
	if (too_deep(line, len))
		return fail("nested deeper than %d", CONTROL_DEPTH_MAX);
	parser = json_parser_new();
	if (!json_parser_load_from_data(parser, line, (gssize)len, NULL) ||
	    !(root = json_parser_get_root(parser)) ||
	    !JSON_NODE_HOLDS_OBJECT(root)) {
		reply = fail("the line is not one JSON object; an example: {\"cmd\":\"list\"}");
	} else {
		r.object = json_node_get_object(root);
		reply = run(&r);
	}
	g_object_unref(parser);
	return reply;
}
