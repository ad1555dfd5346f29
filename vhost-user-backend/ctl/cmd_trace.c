// SPDX-License-Identifier: MIT
/*
 * cmd_trace.c - vgpuctl trace: who had the GPU when, as Chrome's trace events
 *
 * Perfetto (ui.perfetto.dev) and chrome://tracing open the file. Each VM is a
 * thread: spans for its waits and its turns, marks for its events.
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

#define POLL_US		500000

struct trace {
	struct ctl *ctl;
	GString *out;
	GHashTable *tids;		/* VM to its number, from 1 */
	GHashTable *pids;		/* VM to its GPU's number, from 1 */
	gint64 since_ns;		/* earlier ones are left out */
	gint64 lost;
	guint turns;
};

static void put_event(struct trace *t, const char *text)
{
	g_string_append(t->out, t->out->len ? ",\n" : "");
	g_string_append(t->out, text);
}

static char *quote(const char *text)
{
	JsonNode *node = json_node_init_string(json_node_alloc(), text);
	char *quoted = json_to_string(node, FALSE);

	json_node_unref(node);
	return quoted;
}

/* A VM that has gone is shown with the first GPU. */
static guint pid_of(const struct trace *t, const char *vm)
{
	guint pid = GPOINTER_TO_UINT(g_hash_table_lookup(t->pids, vm));

	return MAX(pid, 1);
}

static guint tid_of(struct trace *t, const char *vm)
{
	guint tid = GPOINTER_TO_UINT(g_hash_table_lookup(t->tids, vm));
	char *name, *event;

	if (tid)
		return tid;
	tid = g_hash_table_size(t->tids) + 1;
	g_hash_table_insert(t->tids, g_strdup(vm), GUINT_TO_POINTER(tid));
	name = quote(vm);
	event = g_strdup_printf("{\"name\":\"thread_name\",\"ph\":\"M\",\"pid\":%u,\"tid\":%u,\"args\":{\"name\":%s}}",
				pid_of(t, vm), tid, name);
	put_event(t, event);
	g_free(event);
	g_free(name);
	return tid;
}

/* Microseconds with the digits of nanoseconds. */
static void put_span(struct trace *t, const char *what, const char *vm,
		     gint64 begin, gint64 end, gint64 waited, gint64 charged)
{
	gint64 dur = end - begin;
	guint tid = tid_of(t, vm);
	char *event = g_strdup_printf(
		"{\"name\":\"%s\",\"cat\":\"gpu\",\"ph\":\"X\",\"pid\":%u,\"tid\":%u,\"ts\":%"
		G_GINT64_FORMAT ".%03d,\"dur\":%" G_GINT64_FORMAT
		".%03d,\"args\":{\"waited_us\":%" G_GINT64_FORMAT
		",\"charged_us\":%" G_GINT64_FORMAT "}}", what,
		pid_of(t, vm), tid, begin / 1000, (int)(begin % 1000), dur / 1000,
		(int)(dur % 1000), waited / 1000, charged / 1000);

	put_event(t, event);
	g_free(event);
}

/* [vm, granted_ns, ended_ns, waited_ns, charged_ns]; false: it is none */
static bool take_turn(struct trace *t, JsonArray *vms, JsonNode *node)
{
	JsonArray *turn = JSON_NODE_HOLDS_ARRAY(node) ?
		json_node_get_array(node) : NULL;
	gint64 v[5];
	const char *vm;
	guint i;

	if (!turn || json_array_get_length(turn) != G_N_ELEMENTS(v))
		return false;
	for (i = 0; i < G_N_ELEMENTS(v); i++) {
		JsonNode *n = json_array_get_element(turn, i);

		if (json_node_get_value_type(n) != G_TYPE_INT64)
			return false;
		v[i] = json_node_get_int(n);
		if (v[i] < 0)
			return false;
	}
	if (v[0] >= json_array_get_length(vms) || v[2] < v[1] || v[3] > v[1])
		return false;
	node = json_array_get_element(vms, (guint)v[0]);
	if (json_node_get_value_type(node) != G_TYPE_STRING)
		return false;
	vm = json_node_get_string(node);
	if (v[2] < t->since_ns)
		return true;
	if (v[3])
		put_span(t, "wait", vm, v[1] - v[3], v[1], v[3], 0);
	put_span(t, "GPU", vm, v[1], v[2], v[3], v[4]);
	t->turns++;
	return true;
}

static bool take_turns(struct trace *t, JsonObject *reply, const char *member)
{
	JsonArray *turns = ctl_array(reply, member);
	JsonArray *vms = ctl_array(reply, "vms");
	guint i;

	if (!turns || !vms)
		return false;
	for (i = 0; i < json_array_get_length(turns); i++) {
		if (!take_turn(t, vms, json_array_get_element(turns, i)))
			return false;
	}
	return true;
}

/*
 * What there is from @next on. @last: those too that are not over, as they are
 * now. Return: the number of the next turn, -1: failed.
 */
static gint64 take_reply(struct trace *t, gint64 next, bool last, bool *more)
{
	JsonObject *reply = ctl_since(t->ctl, "trace", next);
	gint64 end;

	if (!reply)
		return -1;
	end = ctl_int(reply, "end");
	*more = ctl_int(reply, "next") < end;
	if (!take_turns(t, reply, "turns") ||
	    (last && !*more && !take_turns(t, reply, "current")) ||
	    ctl_int(reply, "next") < next ||
	    (*more && ctl_int(reply, "next") == next)) {
		ctl_nonsense(t->ctl);
		next = -1;
	} else {
		t->lost += next > 1 ? ctl_int(reply, "lost") : 0;
		next = ctl_int(reply, "next");
	}
	json_object_unref(reply);
	return next;
}

/* From now on for so long; or 0: what vgpud remembers. */
static bool take_all(struct trace *t, double seconds)
{
	gint64 end = g_get_monotonic_time() + (gint64)(seconds * 1e6);
	gint64 next = 1, left;
	bool more;

	if (seconds > 0)
		t->since_ns = g_get_monotonic_time() * 1000;
	for (;;) {
		left = end - g_get_monotonic_time();
		next = take_reply(t, next, left <= 0, &more);
		if (next < 0)
			return false;
		if (left <= 0 && !more)
			return true;
		if (!more)
			g_usleep((gulong)CLAMP(left, 1, POLL_US));
	}
}

static bool take_events(struct trace *t)
{
	JsonObject *reply;
	gint64 next = 1, before, end;
	GList *events, *i;

	do {
		reply = ctl_since(t->ctl, "events", next);
		if (!reply)
			return false;
		events = ctl_objects(reply, "events");
		for (i = events; i; i = i->next) {
			gint64 at = ctl_int(i->data, "monotonic_ns");
			char *name = quote(ctl_string(i->data, "event"));
			char *message = quote(ctl_string(i->data, "message"));
			const char *vm = ctl_string(i->data, "vm");
			char *event;

			event = g_strdup_printf("{\"name\":%s,\"cat\":\"event\",\"ph\":\"i\",\"s\":\"%c\",\"pid\":%u,\"tid\":%u,\"ts\":%"
						G_GINT64_FORMAT ",\"args\":{\"message\":%s}}",
						name, *vm ? 't' : 'p',
						pid_of(t, vm),
						*vm ? tid_of(t, vm) : 0,
						at / 1000, message);
			if (at >= t->since_ns)
				put_event(t, event);
			g_free(event);
			g_free(message);
			g_free(name);
		}
		g_list_free(events);
		before = next;
		next = ctl_int(reply, "next");
		end = ctl_int(reply, "end");
		json_object_unref(reply);
	} while (next > before && next < end);
	return true;
}

static void name_gpu(struct trace *t, guint pid, const char *name,
		     const char *renderer)
{
	char *label = g_strdup_printf("GPU %s: %s", name, renderer);
	char *quoted = quote(label);
	char *event = g_strdup_printf("{\"name\":\"process_name\",\"ph\":\"M\",\"pid\":%u,\"args\":{\"name\":%s}}",
				      pid, quoted);

	put_event(t, event);
	g_free(event);
	g_free(quoted);
	g_free(label);
}

/* Each GPU is a process, whose threads are its VMs. */
static bool name_gpus(struct trace *t)
{
	JsonObject *reply = ctl_request(t->ctl, ctl_begin("stats"));
	GList *gpus, *vms, *g, *v;
	guint pid = 0;

	if (!reply)
		return false;
	gpus = ctl_objects(reply, "gpus");
	vms = ctl_vms(reply);
	for (g = gpus; g; g = g->next) {
		const char *name = ctl_string(g->data, "name");

		name_gpu(t, ++pid, name, ctl_string(g->data, "renderer"));
		for (v = vms; v; v = v->next) {
			if (!strcmp(ctl_string(v->data, "gpu"), name))
				g_hash_table_insert(t->pids,
					g_strdup(ctl_string(v->data, "name")),
					GUINT_TO_POINTER(pid));
		}
	}
	if (!gpus)
		name_gpu(t, 1, "", ctl_string(reply, "renderer"));
	g_list_free(gpus);
	g_list_free(vms);
	json_object_unref(reply);
	return true;
}

int cmd_trace(struct ctl *ctl, int argc, char **argv)
{
	struct trace t = { .ctl = ctl };
	bool ok;

	if (argc != 1)
		return ctl_usage("trace takes the name of a file to write, or -");
	t.out = g_string_new(NULL);
	t.tids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	t.pids = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	ok = name_gpus(&t) && take_all(&t, ctl->seconds) && take_events(&t);
	if (ok) {
		g_string_prepend(t.out, "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n");
		g_string_append(t.out, "\n]}\n");
		ok = ctl_write(argv[0], t.out->str, t.out->len);
	}
	if (ok && strcmp(argv[0], "-"))
		printf("%s: %u turns of %u VMs; open it at ui.perfetto.dev\n",
		       argv[0], t.turns, g_hash_table_size(t.tids));
	if (ok && t.lost)
		ctl_error("%" G_GINT64_FORMAT " turns were lost while recording",
			  t.lost);
	g_string_free(t.out, TRUE);
	g_hash_table_unref(t.tids);
	g_hash_table_unref(t.pids);
	return ok ? CTL_OK : CTL_FAILED;
}
