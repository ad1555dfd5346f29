// SPDX-License-Identifier: MIT
/*
 * workload.c - what the simulator is to run, from a file
 */
#include "tests/sim/workload.h"

#include <math.h>
#include <string.h>

#include "sched/policy.h"

#define MS	1e6

static GQuark quark(void)
{
	return g_quark_from_static_string("workload");
}

/* Reading goes on after a mistake; the first one is told. */
struct reader {
	GKeyFile *file;
	const char *path, *group;
	GError **error;
	bool failed;
};

G_GNUC_PRINTF(3, 4)
static void mistake(struct reader *r, const char *key, const char *format, ...)
{
	va_list args;
	char *text;

	if (r->failed)
		return;
	r->failed = true;
	va_start(args, format);
	text = g_strdup_vprintf(format, args);
	va_end(args);
	g_set_error(r->error, quark(), 0, "%s: [%s] %s: %s", r->path, r->group,
		    key, text);
	g_free(text);
}

static double number(struct reader *r, const char *key, double otherwise,
		     double least, double most)
{
	GError *error = NULL;
	double value;

	if (!g_key_file_has_key(r->file, r->group, key, NULL))
		return otherwise;
	value = g_key_file_get_double(r->file, r->group, key, &error);
	if (error || !(value >= least && value <= most))
		mistake(r, key, "need a number from %g to %g", least, most);
	g_clear_error(&error);
	return r->failed ? otherwise : value;
}

/* One to @most numbers, separated by semicolons. */
static double *numbers(struct reader *r, const char *key, gsize *n, gsize most)
{
	GError *error = NULL;
	double *list = g_key_file_get_double_list(r->file, r->group, key, n,
						  &error);

	if (error || !*n || *n > most) {
		mistake(r, key, "need one to %zu numbers", most);
		g_clear_error(&error);
		g_free(list);
		list = g_new0(double, most);
		*n = 1;
	}
	return list;
}

static void known_keys(struct reader *r, const char *const *known)
{
	char **keys = g_key_file_get_keys(r->file, r->group, NULL, NULL);
	int i;

	for (i = 0; keys && keys[i]; i++) {
		if (!g_strv_contains(known, keys[i]))
			mistake(r, keys[i], "there is no such key here");
	}
	g_strfreev(keys);
}

static char *text(struct reader *r, const char *key, const char *otherwise)
{
	char *value = g_key_file_get_string(r->file, r->group, key, NULL);

	return value ? value : g_strdup(otherwise);
}

static void read_run(struct reader *r, struct workload *w)
{
	static const char *const known[] = {
		"title", "seconds", "longest", "policy", "frame", "seed",
		"sample", NULL,
	};

	r->group = "run";
	known_keys(r, known);
	w->title = text(r, "title", w->name);
	w->policy = text(r, "policy", "fair");
	w->seconds = number(r, "seconds", 60, 0.001, 1e6);
	w->longest_ns = (uint64_t)(number(r, "longest", 8, 0.001, 1e5) * MS);
	w->frame_ns = (uint64_t)(number(r, "frame", 0, 0, 1e6) * MS);
	w->seed = (uint64_t)number(r, "seed", 0, 0, 1e15);
	w->sample = number(r, "sample", w->seconds / 100, 0.001, 1e6);
}

static void read_cost(struct reader *r, struct workload *w, struct group *g)
{
	char *value = text(r, "cost", "hog");
	double *list;
	gsize n;

	g->hog = !strcmp(value, "hog");
	g_free(value);
	if (g->hog)
		return;
	list = numbers(r, "cost", &n, 2);
	g->cost_min = list[0] * MS;
	g->cost_max = list[n - 1] * MS;
	if (!(g->cost_min > 0 && g->cost_min <= g->cost_max &&
	      g->cost_max <= (double)w->longest_ns))
		mistake(r, "cost", "need hog, a time, or two times, up to %g",
			(double)w->longest_ns / MS);
	g_free(list);
}

static void read_weights(struct reader *r, struct group *g)
{
	gsize i;

	if (!g_key_file_has_key(r->file, r->group, "weight", NULL)) {
		g->weights = g_new0(double, 1);
		g->weights[0] = 1;
		g->n_weights = 1;
		return;
	}
	g->weights = numbers(r, "weight", &g->n_weights, 1000);
	for (i = 0; i < g->n_weights; i++) {
		if (!(g->weights[i] >= 0.01 && g->weights[i] <= 100))
			mistake(r, "weight", "need numbers from 0.01 to 100");
	}
}

static void read_vms(struct reader *r, struct workload *w, const char *name)
{
	static const char *const known[] = {
		"count", "cost", "depth", "hz", "think", "weight", "reserve",
		"cap", "burst", "slot", NULL,
	};
	struct group g = { .name = g_strdup(name), .first = w->vms };

	known_keys(r, known);
	g.count = (int)number(r, "count", 1, 1, WORKLOAD_VMS_MAX - w->vms);
	g.depth = (int)number(r, "depth", 1, 1, WORKLOAD_DEPTH_MAX);
	g.hz = number(r, "hz", 0, 0.001, 1e5);
	g.think_ns = number(r, "think", 0, 0, 1e6) * MS;
	g.reserve = number(r, "reserve", 0, 0, 90);
	g.cap = number(r, "cap", 0, 0.0001, 100);
	g.burst_ns = (uint64_t)(number(r, "burst", 8, 0.001, 1e6) * MS);
	g.slot_ns = (uint64_t)(number(r, "slot", 0, 0.001, 1e6) * MS);
	read_cost(r, w, &g);
	read_weights(r, &g);
	if (g.hz > 0 && (g.hog || g.think_ns > 0))
		mistake(r, "hz", "goes with a cost in time, and not with think");
	w->vms += g.count;
	g_array_append_val(w->groups, g);
}

static void read_change(struct reader *r, struct workload *w, const char *when)
{
	static const char *const known[] = {
		"vms", "weight", "reserve", "cap", NULL,
	};
	struct change c = { .at = g_ascii_strtod(when, NULL), .group = -1 };
	char *name = text(r, "vms", "");
	guint i;

	known_keys(r, known);
	for (i = 0; i < w->groups->len; i++) {
		if (!strcmp(g_array_index(w->groups, struct group, i).name,
			    name))
			c.group = (int)i;
	}
	if (c.group < 0)
		mistake(r, "vms", "there is no [vms %s] before this", name);
	if (!(c.at > 0 && c.at <= w->seconds))
		mistake(r, "at", "need a time within the run");
	c.weight = number(r, "weight", -1, 0.01, 100);
	c.reserve = number(r, "reserve", -1, 0, 90);
	c.cap = number(r, "cap", -1, 0, 100);
	g_free(name);
	g_array_append_val(w->changes, c);
}

/* A reserve is of each VM of a group; changes come in their order in time. */
static void check_times(struct reader *r, const struct workload *w)
{
	double *reserve = g_new0(double, w->groups->len), last = 0;
	guint i, k;

	for (i = 0; i <= w->changes->len; i++) {
		const struct change *c = i ? &g_array_index(w->changes,
			struct change, i - 1) : NULL;
		double sum = 0;

		if (c && c->at < last)
			mistake(r, "at", "%g s is after %g s", last, c->at);
		last = c ? c->at : 0;
		for (k = 0; k < w->groups->len; k++) {
			const struct group *g = &g_array_index(w->groups,
							struct group, k);

			if (!c)
				reserve[k] = g->reserve;
			else if (c->group == (int)k && c->reserve >= 0)
				reserve[k] = c->reserve;
			sum += reserve[k] * g->count;
		}
		if (sum > 90)
			mistake(r, "reserve", "all together %g %%, the most is 90",
				sum);
	}
	g_free(reserve);
}

static void read_limits(struct reader *r, struct workload *w)
{
	char **keys = g_key_file_get_keys(r->file, r->group, NULL, NULL);
	gsize n;
	int i;

	for (i = 0; keys && keys[i]; i++) {
		double *list = numbers(r, keys[i], &n, 2);
		struct limit l = { g_strdup(keys[i]), list[0], list[n - 1] };

		if (n != 2 || !(l.least <= l.most))
			mistake(r, keys[i], "need the least and the most");
		g_array_append_val(w->limits, l);
		g_free(list);
	}
	g_strfreev(keys);
}

static void read_groups(struct reader *r, struct workload *w)
{
	char **groups = g_key_file_get_groups(r->file, NULL);
	int i;

	read_run(r, w);
	for (i = 0; groups[i]; i++) {
		r->group = groups[i];
		if (g_str_has_prefix(groups[i], "vms "))
			read_vms(r, w, groups[i] + 4);
		else if (g_str_has_prefix(groups[i], "at "))
			read_change(r, w, groups[i] + 3);
		else if (!strcmp(groups[i], "expect"))
			read_limits(r, w);
		else if (strcmp(groups[i], "run"))
			mistake(r, "", "there is no such section");
	}
	r->group = "run";
	if (!w->vms)
		mistake(r, "vms", "need a [vms NAME]");
	if (!r->failed)
		check_times(r, w);
	g_strfreev(groups);
}

struct workload *workload_read(const char *path, GError **error)
{
	struct reader r = { g_key_file_new(), path, "run", error, false };
	struct workload *w = g_new0(struct workload, 1);
	char *dot;

	w->groups = g_array_new(FALSE, FALSE, sizeof(struct group));
	w->changes = g_array_new(FALSE, FALSE, sizeof(struct change));
	w->limits = g_array_new(FALSE, FALSE, sizeof(struct limit));
	w->name = g_path_get_basename(path);
	dot = strrchr(w->name, '.');
	if (dot)
		*dot = '\0';
	if (g_key_file_load_from_file(r.file, path, G_KEY_FILE_NONE, error))
		read_groups(&r, w);
	else
		r.failed = true;
	if (error && *error && !g_str_has_prefix((*error)->message, path))
		g_prefix_error(error, "%s: ", path);
	g_key_file_free(r.file);
	if (!r.failed)
		return w;
	workload_free(w);
	return NULL;
}

void workload_free(struct workload *w)
{
	guint i;

	for (i = 0; i < w->groups->len; i++) {
		g_free(g_array_index(w->groups, struct group, i).name);
		g_free(g_array_index(w->groups, struct group, i).weights);
	}
	for (i = 0; i < w->limits->len; i++)
		g_free(g_array_index(w->limits, struct limit, i).figure);
	g_array_free(w->groups, TRUE);
	g_array_free(w->changes, TRUE);
	g_array_free(w->limits, TRUE);
	g_free(w->name);
	g_free(w->title);
	g_free(w->policy);
	g_free(w);
}

const struct group *workload_group(const struct workload *w, int vm)
{
	const struct group *g = (const struct group *)(void *)w->groups->data;

	while (vm >= g->first + g->count)
		g++;
	return g;
}
