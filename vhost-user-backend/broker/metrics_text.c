// SPDX-License-Identifier: MIT
/*
 * metrics_text.c - the figures of all VMs, as OpenMetrics 1.0 has them
 */
#include "broker/metrics.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include <glib.h>

#include "base/event.h"
#include "base/histogram.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/endpoint.h"
#include "broker/events.h"
#include "broker/gpu.h"
#include "broker/vm.h"
#include "sched/arbiter.h"

/* One VM, read once, so that its lines agree with each other. */
struct row {
	const struct vm *vm;
	struct arbiter_stats stats;
	struct endpoint_info info;
};

/* No locale: a decimal point is a point. */
static void put_number(GString *out, double value)
{
	char buf[G_ASCII_DTOSTR_BUF_SIZE];

	if (!isfinite(value))
		value = 0;
	g_string_append(out, g_ascii_formatd(buf, sizeof(buf), "%.15g", value));
	g_string_append_c(out, '\n');
}

/* Names of VMs need no escapes (config_name_ok), what a driver says may. */
static void put_escaped(GString *out, const char *text)
{
	char *valid = g_utf8_make_valid(text, -1);
	const char *c;

	for (c = valid; *c; c++) {
		if (*c == '\n')
			g_string_append(out, "\\n");
		else if (*c == '"' || *c == '\\')
			g_string_append_printf(out, "\\%c", *c);
		else
			g_string_append_c(out, *c);
	}
	g_free(valid);
}

static void put_family(GString *out, const char *name, const char *type,
		       const char *unit, const char *help)
{
	g_string_append_printf(out, "# TYPE %s %s\n", name, type);
	if (unit)
		g_string_append_printf(out, "# UNIT %s %s\n", name, unit);
	g_string_append_printf(out, "# HELP %s %s\n", name, help);
}

/* ---- one figure a VM ---- */

static double seconds(uint64_t ns)
{
	return (double)ns / 1e9;
}

static double gpu(const struct row *r) { return seconds(r->stats.gpu_ns); }
static double cpu(const struct row *r) { return seconds(r->stats.cpu_ns); }
static double charged(const struct row *r) { return seconds(r->stats.charged_ns); }
static double outside(const struct row *r) { return seconds(r->stats.outside_ns); }
static double throttled(const struct row *r) { return seconds(r->stats.throttled_ns); }
static double busy(const struct row *r) { return seconds(r->stats.busy_ns); }
static double kept_idle(const struct row *r) { return seconds(r->stats.idle_ns); }
static double grants(const struct row *r) { return (double)r->stats.grants; }
static double jobs(const struct row *r) { return (double)r->stats.jobs; }
static double frames(const struct row *r) { return (double)r->stats.frames; }
static double faults(const struct row *r) { return (double)r->stats.errors; }
static double refused(const struct row *r) { return (double)r->stats.refused; }
static double hangs(const struct row *r) { return r->vm->total_hangs; }
static double restarts(const struct row *r) { return r->info.restarts; }
static double connections(const struct row *r) { return r->vm->connections; }
static double memory(const struct row *r) { return (double)r->stats.memory; }
static double limit(const struct row *r) { return (double)r->vm->config->memory; }
static double resources(const struct row *r) { return r->stats.resources; }
static double contexts(const struct row *r) { return r->stats.contexts; }
static double weight(const struct row *r) { return r->stats.weight; }
static double share(const struct row *r) { return r->stats.share; }
static double target(const struct row *r) { return r->stats.target; }
static double lag(const struct row *r) { return (double)r->stats.lag_ns / 1e9; }
static double lease(const struct row *r) { return r->stats.holds_lease; }

static const struct {
	const char *name, *type, *unit, *help;
	double (*value)(const struct row *r);
} families[] = {
	{ "vgpu_gpu_seconds", "counter", "seconds",
	  "GPU time used; on a CPU renderer CPU time of the workers.", gpu },
	{ "vgpu_cpu_seconds", "counter", "seconds",
	  "CPU time of the workers, by the kernel.", cpu },
	{ "vgpu_charged_seconds", "counter", "seconds",
	  "What the scheduler has charged.", charged },
	{ "vgpu_outside_seconds", "counter", "seconds",
	  "CPU time of the workers without the lease.", outside },
	{ "vgpu_busy_seconds", "counter", "seconds",
	  "Time with work for the GPU.", busy },
	{ "vgpu_kept_idle_seconds", "counter", "seconds",
	  "Time for which the GPU was kept idle for the VM while others waited.",
	  kept_idle },
	{ "vgpu_throttled_seconds", "counter", "seconds",
	  "Time with work and without the GPU because of its cap.", throttled },
	{ "vgpu_leases", "counter", NULL, "Times it got the GPU.", grants },
	{ "vgpu_jobs", "counter", NULL, "GPU jobs done.", jobs },
	{ "vgpu_frames", "counter", NULL, "Screen updates.", frames },
	{ "vgpu_faults", "counter", NULL,
	  "Commands answered with an error.", faults },
	{ "vgpu_refused", "counter", NULL,
	  "Allocations that a limit has refused.", refused },
	{ "vgpu_hangs", "counter", NULL,
	  "Jobs that did not end, and whose worker was killed.", hangs },
	{ "vgpu_worker_restarts", "counter", NULL,
	  "Workers that were replaced in this connection.", restarts },
	{ "vgpu_connections", "counter", NULL,
	  "Front ends that have connected.", connections },
	{ "vgpu_memory_bytes", "gauge", "bytes",
	  "Of its resources on the host.", memory },
	{ "vgpu_memory_limit_bytes", "gauge", "bytes",
	  "Its quota, 0 for none.", limit },
	{ "vgpu_resources", "gauge", NULL, "Resources it has.", resources },
	{ "vgpu_contexts", "gauge", NULL, "3D contexts it has.", contexts },
	{ "vgpu_weight", "gauge", NULL, "Weight now.", weight },
	{ "vgpu_share_ratio", "gauge", "ratio",
	  "Part of what all have used, last second.", share },
	{ "vgpu_target_share_ratio", "gauge", "ratio",
	  "What its weight gives it among those that have work.", target },
	{ "vgpu_lag_seconds", "gauge", "seconds",
	  "GPU time it is owed; negative: that it owes.", lag },
	{ "vgpu_holds_lease", "gauge", NULL,
	  "Whether it may use the GPU now.", lease },
};

static void put_families(GString *out, const struct row *rows, guint n)
{
	size_t f;
	guint i;

	for (f = 0; f < G_N_ELEMENTS(families); f++) {
		bool counter = *families[f].type == 'c';

		put_family(out, families[f].name, families[f].type,
			   families[f].unit, families[f].help);
		for (i = 0; i < n; i++) {
			g_string_append_printf(out, "%s%s{vm=\"%s\"} ",
					       families[f].name,
					       counter ? "_total" : "",
					       rows[i].vm->config->name);
			put_number(out, families[f].value(&rows[i]));
		}
	}
}

static void put_states(GString *out, const struct row *rows, guint n)
{
	static const char *const states[] = { "idle", "connected", "running",
		"suspended" };
	guint i, s;

	put_family(out, "vgpu_state", "stateset", NULL,
		   "Nothing connected, a front end, a driver in the guest, or kept off the GPU.");
	for (i = 0; i < n; i++) {
		guint is = rows[i].vm->suspended ? 3 :
			rows[i].info.driver_ok ? 2 :
			rows[i].vm->endpoint ? 1 : 0;

		for (s = 0; s < G_N_ELEMENTS(states); s++)
			g_string_append_printf(out,
				"vgpu_state{vm=\"%s\",vgpu_state=\"%s\"} %d\n",
				rows[i].vm->config->name, states[s], s == is);
	}
}

/* From 64 us to 17 s in steps of four: bounds of the histogram's own. */
#define WAITS	"vgpu_lease_wait_seconds"

static void put_waits(GString *out, const struct row *r)
{
	const struct histogram *h = arbiter_vm_waits(r->vm->arbiter_vm);
	const char *name = r->vm->config->name;
	char bound[G_ASCII_DTOSTR_BUF_SIZE];
	unsigned int log2;

	for (log2 = 6; log2 <= 24; log2 += 2) {
		g_ascii_formatd(bound, sizeof(bound), "%.15g",
				(double)(1u << log2) / 1e6);
		g_string_append_printf(out, WAITS "_bucket{vm=\"%s\",le=\"%s%s\"} %"
				       G_GUINT64_FORMAT "\n", name, bound,
				       strpbrk(bound, ".e") ? "" : ".0",
				       histogram_below(h, log2));
	}
	g_string_append_printf(out, WAITS "_bucket{vm=\"%s\",le=\"+Inf\"} %"
			       G_GUINT64_FORMAT "\n", name, h->count);
	g_string_append_printf(out, WAITS "_count{vm=\"%s\"} %" G_GUINT64_FORMAT
			       "\n", name, h->count);
	g_string_append_printf(out, WAITS "_sum{vm=\"%s\"} ", name);
	put_number(out, seconds(h->sum_ns));
}

/* ---- one figure a GPU ---- */

static void put_gpu_info(GString *out, const struct broker *broker)
{
	guint i;

	put_family(out, "vgpu_gpu", "info", NULL, "What each GPU is.");
	for (i = 0; i < broker->gpus->len; i++) {
		const struct gpu *g = g_ptr_array_index(broker->gpus, i);

		g_string_append_printf(out, "vgpu_gpu_info{gpu=\"%s\",policy=\"%s\",cpu_renderer=\"%s\",renderer=\"",
				       g->config->name,
				       config_policy_name(g->config->policy),
				       g->cpu_renderer ? "true" : "false");
		put_escaped(out, g->renderer_name);
		g_string_append(out, "\"} 1\n");
	}
}

static void put_gpus(GString *out, const struct broker *broker)
{
	static const struct {
		const char *name, *help;
		size_t offset;		/* in arbiter_totals */
	} totals[] = {
		{ "vgpu_gpu_used_seconds", "Used by all VMs.",
		  offsetof(struct arbiter_totals, used_ns) },
		{ "vgpu_gpu_kept_idle_seconds", "Kept idle for VMs.",
		  offsetof(struct arbiter_totals, idle_ns) },
		{ "vgpu_gpu_lost_seconds",
		  "There was work, and the host had no CPU for it.",
		  offsetof(struct arbiter_totals, lost_ns) },
	};
	size_t f;
	guint i;

	put_gpu_info(out, broker);
	for (f = 0; f < G_N_ELEMENTS(totals); f++) {
		put_family(out, totals[f].name, "counter", "seconds",
			   totals[f].help);
		for (i = 0; i < broker->gpus->len; i++) {
			const struct gpu *g = g_ptr_array_index(broker->gpus, i);
			struct arbiter_totals t;

			arbiter_totals(g->arbiter, &t);
			g_string_append_printf(out, "%s_total{gpu=\"%s\"} ",
					       totals[f].name, g->config->name);
			put_number(out, seconds(*(const uint64_t *)
				((const char *)&t + totals[f].offset)));
		}
	}
}

static void put_host(GString *out, const struct broker *broker)
{
	enum event_type type;

	put_family(out, "vgpu_host", "info", NULL, "The daemon.");
	g_string_append(out, "vgpu_host_info{version=\"" VGPU_VERSION
			"\"} 1\n");
	put_family(out, "vgpu_uptime_seconds", "gauge", "seconds",
		   "Since the daemon was started.");
	g_string_append(out, "vgpu_uptime_seconds ");
	put_number(out, seconds(event_now_ns() - broker->started_ns));
	put_family(out, "vgpu_events", "counter", NULL,
		   "What vgpuctl events shows, by kind.");
	for (type = 0; type < EVENT_TYPES; type++)
		g_string_append_printf(out, "vgpu_events_total{event=\"%s\"} %"
				       G_GUINT64_FORMAT "\n",
				       events_type_name(type),
				       events_count(broker->events, type));
}

char *metrics_text(const struct broker *broker)
{
	guint n = broker->vms->len, i;
	struct row *rows = g_new0(struct row, n);
	GString *out = g_string_new(NULL);

	for (i = 0; i < n; i++) {
		rows[i].vm = g_ptr_array_index(broker->vms, i);
		arbiter_vm_stats(rows[i].vm->arbiter_vm, &rows[i].stats);
		if (rows[i].vm->endpoint)
			endpoint_info(rows[i].vm->endpoint, &rows[i].info);
	}
	put_host(out, broker);
	put_gpus(out, broker);
	put_families(out, rows, n);
	put_states(out, rows, n);
	put_family(out, WAITS, "histogram", "seconds",
		   "Time from the wish for the GPU to the lease.");
	for (i = 0; i < n; i++)
		put_waits(out, &rows[i]);
	g_string_append(out, "# EOF\n");
	g_free(rows);
	return g_string_free(out, FALSE);
}
