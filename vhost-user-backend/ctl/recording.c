// SPDX-License-Identifier: MIT
/*
 * recording.c - shares over time, as vgpuctl record writes and plot reads them
 */
#include "ctl/recording.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

#define BUSY_MIN	0.01	/* less of the time is not competing */

static char *line_of(JsonNode *node)
{
	char *text = json_to_string(node, FALSE);
	char *line = g_strconcat(text, "\n", NULL);

	g_free(text);
	json_node_unref(node);
	return line;
}

/* What plot, and people, need of each VM. */
static void copy_vm(JsonBuilder *b, JsonObject *vm)
{
	static const char *const members[] = {
		"name", "state", "gpu", "weight", "share", "target_share", "busy",
		"gpu_ns", "busy_ns", "frames", "wait_p50_ms", "wait_p99_ms",
		"memory",
	};
	size_t i;

	json_builder_begin_object(b);
	for (i = 0; i < G_N_ELEMENTS(members); i++) {
		JsonNode *node = json_object_get_member(vm, members[i]);

		if (!node)
			continue;
		json_builder_set_member_name(b, members[i]);
		json_builder_add_value(b, json_node_copy(node));
	}
	json_builder_end_object(b);
}

char *recording_sample(JsonObject *reply)
{
	JsonBuilder *b = json_builder_new();
	GList *vms = ctl_vms(reply), *i;
	JsonNode *root;

	json_builder_begin_object(b);
	json_builder_set_member_name(b, "monotonic_ns");
	json_builder_add_int_value(b, ctl_int(reply, "monotonic_ns"));
	json_builder_set_member_name(b, "renderer");
	json_builder_add_string_value(b, ctl_string(reply, "renderer"));
	json_builder_set_member_name(b, "vms");
	json_builder_begin_array(b);
	for (i = vms; i; i = i->next)
		copy_vm(b, i->data);
	json_builder_end_array(b);
	json_builder_end_object(b);
	root = json_builder_get_root(b);
	g_object_unref(b);
	g_list_free(vms);
	return line_of(root);
}

char *recording_event(JsonObject *event)
{
	JsonObject *line = json_object_new();
	JsonNode *root = json_node_new(JSON_NODE_OBJECT);

	json_object_set_object_member(line, "event", json_object_ref(event));
	json_node_take_object(root, line);
	return line_of(root);
}

/* ---- reading ---- */

struct reader {
	struct recording *to;
	GHashTable *vms;		/* name to struct recording_vm */
	gint64 first_ns;		/* of the first sample, 0: none yet */
	gint64 last_ns;
	GHashTable *busy_ns;		/* name to double: last total */
};

static void vm_free(gpointer data)
{
	struct recording_vm *vm = data;

	g_free(vm->name);
	g_free(vm->gpu);
	g_array_free(vm->gpu_s, TRUE);
	g_array_free(vm->target, TRUE);
	g_free(vm);
}

static void mark_clear(gpointer data)
{
	g_free(((struct recording_mark *)data)->text);
}

void recording_free(struct recording *r)
{
	if (!r)
		return;
	g_free(r->renderer);
	g_array_free(r->at_s, TRUE);
	g_ptr_array_free(r->vms, TRUE);
	g_array_free(r->marks, TRUE);
	g_free(r);
}

static struct recording *recording_new(void)
{
	struct recording *r = g_new0(struct recording, 1);

	r->renderer = g_strdup("");
	r->at_s = g_array_new(FALSE, FALSE, sizeof(double));
	r->vms = g_ptr_array_new_with_free_func(vm_free);
	r->marks = g_array_new(FALSE, FALSE, sizeof(struct recording_mark));
	g_array_set_clear_func(r->marks, mark_clear);
	return r;
}

/* As many elements as samples before this one; unknown until now. */
static void pad(GArray *array, guint len)
{
	const double nothing = NAN;

	while (array->len < len)
		g_array_append_val(array, nothing);
}

static struct recording_vm *get_vm(struct reader *r, const char *name,
				   const char *gpu)
{
	struct recording_vm *vm = g_hash_table_lookup(r->vms, name);

	if (vm || r->to->vms->len >= RECORDING_VMS_MAX)
		return vm;
	vm = g_new0(struct recording_vm, 1);
	vm->name = g_strdup(name);
	vm->gpu = g_strdup(gpu);
	vm->gpu_s = g_array_new(FALSE, FALSE, sizeof(double));
	vm->target = g_array_new(FALSE, FALSE, sizeof(double));
	g_hash_table_insert(r->vms, vm->name, vm);
	g_ptr_array_add(r->to->vms, vm);
	return vm;
}

/* A target counts while it has work: for most of the time since the last. */
static double target_of(JsonObject *o, double busy_ns, double before_ns,
			double elapsed_ns)
{
	double target = ctl_double(o, "target_share");

	if (!isfinite(target) || target < 0 || target > 1)
		return NAN;
	if (isnan(before_ns) || elapsed_ns <= 0)
		return ctl_double(o, "busy") > BUSY_MIN ? target : NAN;
	return busy_ns - before_ns > BUSY_MIN * elapsed_ns ? target : NAN;
}

static const char *read_vm(struct reader *r, JsonObject *o, guint sample,
			   gint64 elapsed_ns)
{
	const char *name = ctl_string(o, "name");
	struct recording_vm *vm;
	double gpu_s = (double)ctl_int(o, "gpu_ns") / 1e9;
	double busy_ns = (double)ctl_int(o, "busy_ns"), target;
	double *before;

	if (!*name)
		return "a VM has no name";
	vm = get_vm(r, name, ctl_string(o, "gpu"));
	if (!vm)
		return "there are too many VMs";
	if (vm->gpu_s->len > sample)
		return "a VM is there twice";
	if (gpu_s < 0)
		return "a VM has used less than nothing";
	before = g_hash_table_lookup(r->busy_ns, name);
	target = target_of(o, busy_ns, before ? *before : NAN,
			   (double)elapsed_ns);
	if (!before) {
		before = g_new(double, 1);
		g_hash_table_insert(r->busy_ns, vm->name, before);
	}
	*before = busy_ns;
	pad(vm->gpu_s, sample);
	pad(vm->target, sample);
	g_array_append_val(vm->gpu_s, gpu_s);
	g_array_append_val(vm->target, target);
	return NULL;
}

static const char *read_sample(struct reader *r, JsonObject *o)
{
	gint64 at_ns = ctl_int(o, "monotonic_ns");
	guint sample = r->to->at_s->len, i;
	GList *vms, *vm;
	const char *why = NULL;
	double at_s;

	if (at_ns <= 0 || !ctl_array(o, "vms"))
		return "it is no sample: \"monotonic_ns\" or \"vms\" is missing";
	if (sample && at_ns <= r->last_ns)
		return "its time is not later than that of the one before";
	if (sample >= RECORDING_SAMPLES_MAX || (guint64)sample *
	    json_array_get_length(ctl_array(o, "vms")) > RECORDING_CELLS_MAX)
		return "there are too many samples";
	if (!sample) {
		r->first_ns = at_ns;
		g_free(r->to->renderer);
		r->to->renderer = g_strdup(ctl_string(o, "renderer"));
	}
	vms = ctl_vms(o);
	for (vm = vms; vm && !why; vm = vm->next)
		why = read_vm(r, vm->data, sample, at_ns - r->last_ns);
	g_list_free(vms);
	r->last_ns = at_ns;
	/* VMs that come and go count as if they had been there all the time */
	if (!why && (guint64)sample * r->to->vms->len > RECORDING_CELLS_MAX)
		why = "there are too many samples of too many VMs";
	if (why)
		return why;
	at_s = (double)(at_ns - r->first_ns) / 1e9;
	g_array_append_val(r->to->at_s, at_s);
	for (i = 0; i < r->to->vms->len; i++) {
		struct recording_vm *v = g_ptr_array_index(r->to->vms, i);

		pad(v->gpu_s, sample + 1);
		pad(v->target, sample + 1);
	}
	return why;
}

/* Those that a picture of shares should show. */
static void read_event(struct reader *r, JsonObject *event)
{
	static const char *const shown[] = {
		"set", "hung", "suspended", "resumed", NULL
	};
	const char *vm = ctl_string(event, "vm");
	struct recording_mark mark = {
		.at_s = (double)(ctl_int(event, "monotonic_ns") -
				 r->first_ns) / 1e9,
	};
	char *text;

	if (!r->first_ns || mark.at_s < 0 || r->to->marks->len >= 1000 ||
	    !g_strv_contains(shown, ctl_string(event, "event")))
		return;
	text = !strcmp(ctl_string(event, "event"), "set") ?
		g_strdup(ctl_string(event, "message")) :
		g_strdup(ctl_string(event, "event"));
	/* by whom does not matter here */
	if (strstr(text, " by pid"))
		*strstr(text, " by pid") = '\0';
	mark.text = *vm ? g_strdup_printf("%s: %s", vm, text) : g_strdup(text);
	g_free(text);
	g_array_append_val(r->to->marks, mark);
}

static const char *read_line(struct reader *r, const char *line)
{
	JsonParser *parser = json_parser_new();
	const char *why = "it is no JSON object";
	JsonObject *o;
	JsonNode *root;

	if (strspn(line, " \t\r\n") == strlen(line)) {
		why = NULL;
	} else if (json_parser_load_from_data(parser, line, -1, NULL) &&
		   (root = json_parser_get_root(parser)) &&
		   JSON_NODE_HOLDS_OBJECT(root)) {
		o = json_node_get_object(root);
		if (ctl_object(o, "event")) {
			read_event(r, ctl_object(o, "event"));
			why = NULL;
		} else {
			why = read_sample(r, o);
		}
	}
	g_object_unref(parser);
	return why;
}

/* The parser recurses. */
static bool too_deep(const char *line)
{
	unsigned int depth = 0;

	for (; *line; line++) {
		if (*line == '[' || *line == '{')
			depth++;
		else if ((*line == ']' || *line == '}') && depth)
			depth--;
		if (depth > 64)
			return true;
	}
	return false;
}

/* A line into @line; false at the end, or with @why. */
static bool get_line(FILE *file, GString *line, const char **why)
{
	int c;

	g_string_truncate(line, 0);
	while ((c = getc(file)) != EOF && c != '\n') {
		if (!c || line->len >= RECORDING_LINE_MAX) {
			*why = c ? "it is too long" : "it is no text";
			return false;
		}
		g_string_append_c(line, (char)c);
	}
	if (ferror(file))
		*why = "it can not be read";
	return !*why && (line->len || c != EOF);
}

static char *read_file(struct reader *r, FILE *file, const char *path)
{
	GString *line = g_string_new(NULL);
	const char *why = NULL;
	unsigned int number = 0;
	char *error = NULL;

	while (!why && get_line(file, line, &why)) {
		number++;
		if (!g_utf8_validate(line->str, (gssize)line->len, NULL))
			why = "it is no UTF-8 text";
		else if (too_deep(line->str))
			why = "it is nested too deep";
		else
			why = read_line(r, line->str);
	}
	if (why)
		error = g_strdup_printf("%s:%u: %s; vgpuctl record makes a recording",
					path, number, why);
	else if (r->to->at_s->len < 2)
		error = g_strdup_printf("%s: there are %u samples, a picture needs two; record for longer",
					path, r->to->at_s->len);
	g_string_free(line, TRUE);
	return error;
}

struct recording *recording_read_from(FILE *file, const char *path, char **why)
{
	struct reader r = { .to = recording_new() };

	r.vms = g_hash_table_new(g_str_hash, g_str_equal);
	r.busy_ns = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, g_free);
	*why = read_file(&r, file, path);
	g_hash_table_unref(r.busy_ns);
	g_hash_table_unref(r.vms);
	if (*why)
		g_clear_pointer(&r.to, recording_free);
	return r.to;
}

struct recording *recording_read(const char *path, char **why)
{
	struct recording *recording;
	FILE *file;

	if (!strcmp(path, "-"))
		return recording_read_from(stdin, path, why);
	file = fopen(path, "re");
	if (!file) {
		*why = g_strdup_printf("%s: %s", path, strerror(errno));
		return NULL;
	}
	recording = recording_read_from(file, path, why);
	fclose(file);
	return recording;
}
