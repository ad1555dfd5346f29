// SPDX-License-Identifier: MIT
/*
 * rates.c - the rows of vgpuctl top: what two replies to "stats" tell
 *
 * Shares and rates are differences of vgpud's totals, so they are exact for
 * whatever interval was asked for.
 */
#include "ctl/rates.h"

#include <math.h>
#include <string.h>

#include "ctl/ctl.h"

/* Names and states end up on a terminal. */
static const char *plain(const char *text)
{
	const char *c;

	for (c = text; *c; c++) {
		if (*c < ' ' || *c > '~')
			return "?";
	}
	return text;
}

static double sane(double value, double most)
{
	return isfinite(value) ? CLAMP(value, 0, most) : 0;
}

static GHashTable *by_name(GList *vms)
{
	GHashTable *table = g_hash_table_new(g_str_hash, g_str_equal);

	for (; vms; vms = vms->next)
		g_hash_table_insert(table, (char *)ctl_string(vms->data, "name"),
				    vms->data);
	return table;
}

/* A total of a VM that was connected anew may have gone back. */
static double grown(JsonObject *vm, JsonObject *before, const char *name)
{
	double now = (double)ctl_int(vm, name);

	return before ? MAX(0, now - (double)ctl_int(before, name)) : 0;
}

/* A share is one of what was used of the VM's own GPU. */
static void add_used(GHashTable *used, JsonObject *vm, double ns)
{
	const char *gpu = ctl_string(vm, "gpu");
	double *sum = g_hash_table_lookup(used, gpu);

	if (!sum) {
		sum = g_new0(double, 1);
		g_hash_table_insert(used, (char *)gpu, sum);
	}
	*sum += ns;
}

static void add_row(struct rates *rates, JsonObject *vm, JsonObject *before,
		    double elapsed_ns, double all)
{
	struct rates_row row = {
		.name = plain(ctl_string(vm, "name")),
		.state = plain(ctl_string(vm, "state")),
		.weight = ctl_int(vm, "weight"),
		.memory = ctl_int(vm, "memory"),
		.share = ctl_double(vm, "share"),
		.target = sane(ctl_double(vm, "target_share"), 1),
		.busy = ctl_double(vm, "busy"),
		.wait_p50_ms = sane(ctl_double(vm, "wait_p50_ms"), 99999),
		.wait_p99_ms = sane(ctl_double(vm, "wait_p99_ms"), 99999),
		.holds = ctl_bool(vm, "holds_lease"),
	};

	if (before && elapsed_ns > 0) {
		row.share = all > 0 ? grown(vm, before, "gpu_ns") / all : 0;
		row.busy = grown(vm, before, "busy_ns") / elapsed_ns;
		row.frames = grown(vm, before, "frames") * 1e9 / elapsed_ns;
	}
	row.share = sane(row.share, 1);
	row.busy = sane(row.busy, 1);
	row.frames = sane(row.frames, 999999);
	g_array_append_val(rates->rows, row);
}

struct rates *rates_new(JsonObject *reply, JsonObject *before)
{
	struct rates *rates = g_new0(struct rates, 1);
	GList *vms = ctl_vms(reply), *old = before ? ctl_vms(before) : NULL, *i;
	GList *gpus = ctl_objects(reply, "gpus");
	GHashTable *table = by_name(old);
	GHashTable *used = g_hash_table_new_full(g_str_hash, g_str_equal, NULL,
						 g_free);
	double all = 0, elapsed = before ?
		(double)(ctl_int(reply, "monotonic_ns") -
			 ctl_int(before, "monotonic_ns")) : 0;

	for (i = vms; i; i = i->next) {
		double ns = grown(i->data, g_hash_table_lookup(table,
				  ctl_string(i->data, "name")), "gpu_ns");

		add_used(used, i->data, ns);
		all += ns;
	}
	rates->rows = g_array_new(FALSE, TRUE, sizeof(struct rates_row));
	for (i = vms; i; i = i->next)
		add_row(rates, i->data, g_hash_table_lookup(table,
			ctl_string(i->data, "name")), elapsed,
			*(double *)g_hash_table_lookup(used,
				ctl_string(i->data, "gpu")));
	rates->used = elapsed > 0 ? sane(all / elapsed, 9999) : -1;
	rates->renderer = plain(ctl_string(reply, "renderer"));
	rates->cpu_renderer = ctl_bool(reply, "cpu_renderer");
	rates->connected = ctl_int(reply, "connected");
	rates->gpus = MAX(1, g_list_length(gpus));
	g_list_free(gpus);
	g_hash_table_unref(table);
	g_hash_table_unref(used);
	g_list_free(vms);
	g_list_free(old);
	return rates;
}

void rates_free(struct rates *rates)
{
	if (!rates)
		return;
	g_array_free(rates->rows, TRUE);
	g_free(rates);
}

/* ---- order ---- */

static const char *const names[RATES_COLUMNS] = {
	"name", "state", "weight", "share", "target", "busy", "wait", "frames",
	"memory",
};

enum rates_column rates_column(const char *name)
{
	unsigned int i;

	for (i = 0; i < RATES_COLUMNS && strcmp(names[i], name); i++)
		;
	return (enum rates_column)i;
}

const char *rates_column_name(enum rates_column column)
{
	return names[column];
}

static double key(const struct rates_row *r, enum rates_column column)
{
	switch (column) {
	case RATES_WEIGHT:
		return (double)r->weight;
	case RATES_SHARE:
		return r->share;
	case RATES_TARGET:
		return r->target;
	case RATES_BUSY:
		return r->busy;
	case RATES_WAIT:
		return r->wait_p99_ms;
	case RATES_FRAMES:
		return r->frames;
	default:
		return (double)r->memory;
	}
}

struct order {
	enum rates_column column;
	bool reverse;
};

static int compare(const void *a, const void *b, void *opaque)
{
	const struct rates_row *x = a, *y = b;
	const struct order *order = opaque;
	int sign;

	if (order->column == RATES_NAME)
		sign = strcmp(x->name, y->name);
	else if (order->column == RATES_STATE)
		sign = strcmp(y->state, x->state);
	else
		sign = key(x, order->column) < key(y, order->column) ? 1 :
			key(x, order->column) > key(y, order->column) ? -1 : 0;
	if (!sign)
		return strcmp(x->name, y->name);
	return order->reverse ? -sign : sign;
}

void rates_sort(struct rates *rates, enum rates_column column, bool reverse)
{
	struct order order = { column, reverse };

	g_array_sort_with_data(rates->rows, compare, &order);
}

/* ---- lines ---- */

void rates_head_line(const struct rates *rates, char *buf, size_t size)
{
	char used[32] = "", more[32] = "";

	if (rates->used >= 0)
		g_snprintf(used, sizeof(used), ", used %.1f %%",
			   100 * rates->used);
	if (rates->gpus > 1)
		g_snprintf(more, sizeof(more), " and %u more",
			   rates->gpus - 1);
	g_snprintf(buf, size, "%.32s%s%s, %u VMs, %" G_GINT64_FORMAT
		   " connected%s", rates->renderer,
		   rates->cpu_renderer ? " (CPU)" : "", more, rates->rows->len,
		   rates->connected, used);
}

void rates_title_line(char *buf, size_t size)
{
	g_snprintf(buf, size, "%-14s %-9s %5s %6s %6s %5s %7s %7s %6s %6s",
		   "NAME", "STATE", "WGHT", "SHARE%", "TARGET", "BUSY%",
		   "p50 ms", "p99 ms", "FPS", "MEMORY");
}

/* Three digits that matter, in seven columns. */
static const char *put_ms(double ms, char *buf, size_t size)
{
	g_snprintf(buf, size, ms < 100 ? "%7.2f" : "%7.0f", ms);
	return buf;
}

void rates_row_line(const struct rates_row *row, char *buf, size_t size)
{
	char memory[16], p50[16], p99[16];

	g_snprintf(buf, size, "%-13.13s%c %-9.9s %5" G_GINT64_FORMAT
		   " %6.1f %6.1f %5.0f %s %s %6.1f %6s", row->name,
		   row->holds ? '*' : ' ', row->state,
		   CLAMP(row->weight, 0, 99999), 100 * row->share,
		   100 * row->target, 100 * row->busy,
		   put_ms(row->wait_p50_ms, p50, sizeof(p50)),
		   put_ms(row->wait_p99_ms, p99, sizeof(p99)), row->frames,
		   ctl_bytes(MAX(row->memory, 0), memory, sizeof(memory)));
}
