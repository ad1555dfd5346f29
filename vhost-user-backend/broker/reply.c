// SPDX-License-Identifier: MIT
/*
 * reply.c - pieces of the JSON that control clients get
 */
#include "broker/reply.h"

#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/config.h"
#include "broker/config_keys.h"
#include "broker/endpoint.h"
#include "broker/gpu.h"
#include "broker/vm.h"
#include "protocol/vgpu_sched.h"
#include "sched/arbiter.h"

void reply_bool(JsonBuilder *b, const char *name, bool value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_boolean_value(b, value);
}

void reply_int(JsonBuilder *b, const char *name, uint64_t value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_int_value(b, (gint64)MIN(value, (uint64_t)G_MAXINT64));
}

void reply_double(JsonBuilder *b, const char *name, double value)
{
	json_builder_set_member_name(b, name);
	json_builder_add_double_value(b, isfinite(value) ? value : 0);
}

void reply_string(JsonBuilder *b, const char *name, const char *value)
{
	/* GL strings and the like may be anything; JSON is UTF-8 */
	char *valid = g_utf8_make_valid(value, -1);

	json_builder_set_member_name(b, name);
	json_builder_add_string_value(b, valid);
	g_free(valid);
}

JsonBuilder *reply_begin(bool ok)
{
	JsonBuilder *b = json_builder_new();

	json_builder_begin_object(b);
	reply_bool(b, "ok", ok);
	return b;
}

char *reply_end(JsonBuilder *b)
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

char *reply_fail(const char *fmt, ...)
{
	JsonBuilder *b = reply_begin(false);
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	reply_string(b, "error", why);
	g_free(why);
	return reply_end(b);
}

/* ---- one VM ---- */

static const char *clock_name(uint32_t clock)
{
	static const char *const names[] = {
		[VGPU_CLOCK_NONE] = "none",
		[VGPU_CLOCK_CPU] = "cpu",
		[VGPU_CLOCK_FENCE] = "fence",
		[VGPU_CLOCK_SYNC_FILE] = "sync-file",
		[VGPU_CLOCK_FDINFO] = "fdinfo",
	};

	return clock < G_N_ELEMENTS(names) ? names[clock] : "none";
}

static void put_times(JsonBuilder *b, const struct arbiter_stats *s)
{
	reply_double(b, "gpu_seconds", (double)s->gpu_ns / 1e9);
	reply_double(b, "cpu_seconds", (double)s->cpu_ns / 1e9);
	reply_double(b, "wait_seconds", (double)s->wait_ns / 1e9);
	reply_double(b, "wait_p50_ms", (double)s->wait_p50_ns / 1e6);
	reply_double(b, "wait_p99_ms", (double)s->wait_p99_ns / 1e6);
	reply_double(b, "throttled_seconds", (double)s->throttled_ns / 1e9);
	reply_double(b, "idle_seconds", (double)s->idle_ns / 1e9);
	reply_int(b, "cpu_ns", s->cpu_ns);
	reply_int(b, "gpu_ns", s->gpu_ns);
	reply_int(b, "busy_ns", s->busy_ns);
	reply_int(b, "charged_ns", s->charged_ns);
	reply_int(b, "outside_ns", s->outside_ns);
	reply_double(b, "lag_ms", (double)s->lag_ns / 1e6);
	reply_string(b, "clock", clock_name(s->clock));
}

static void put_stats(JsonBuilder *b, const struct arbiter_stats *s)
{
	reply_int(b, "weight", s->weight);
	reply_double(b, "share", s->share);
	reply_double(b, "target_share", s->target);
	reply_double(b, "busy", s->busy);
	reply_bool(b, "holds_lease", s->holds_lease);
	put_times(b, s);
	reply_int(b, "grants", s->grants);
	reply_int(b, "jobs", s->jobs);
	reply_int(b, "frames", s->frames);
	reply_int(b, "errors", s->errors);
	reply_int(b, "refused", s->refused);
	reply_int(b, "memory", s->memory);
	reply_int(b, "resources", s->resources);
	reply_int(b, "contexts", s->contexts);
}

/* What could be set, in the words in which it could be. */
static void put_settings(JsonBuilder *b, const struct config_vm *config)
{
	const struct config_key *key;

	json_builder_set_member_name(b, "settings");
	json_builder_begin_object(b);
	for (key = config_vm_keys; key->name; key++) {
		char *value;

		if (!(key->flags & CONFIG_LIVE))
			continue;
		value = config_key_get(key, config);
		if (key->kind == VALUE_U32)
			reply_int(b, key->name,
				  g_ascii_strtoull(value, NULL, 10));
		else
			reply_string(b, key->name, value);
		g_free(value);
	}
	json_builder_end_object(b);
}

static const char *state_of(const struct vm *vm,
			    const struct endpoint_info *info)
{
	if (vm->suspended)
		return "suspended";
	return info->driver_ok ? "running" : vm->endpoint ? "connected" :
		"idle";
}

void reply_vm(JsonBuilder *b, struct vm *vm)
{
	struct endpoint_info info = { 0 };
	struct arbiter_stats stats;

	if (vm->endpoint)
		endpoint_info(vm->endpoint, &info);
	arbiter_vm_stats(vm->arbiter_vm, &stats);
	json_builder_begin_object(b);
	reply_string(b, "name", vm->config->name);
	reply_string(b, "state", state_of(vm, &info));
	if (vm->suspended)
		reply_string(b, "suspended", vm->suspended);
	reply_string(b, "gpu", vm->gpu->config->name);
	if (vm->config->profile)
		reply_string(b, "profile", vm->config->profile);
	put_stats(b, &stats);
	put_settings(b, vm->config);
	reply_string(b, "socket", vm->config->socket);
	reply_int(b, "memory_max", vm->config->memory);
	reply_int(b, "outputs", vm->config->outputs);
	reply_bool(b, "3d", vm->config->virgl && vm->gpu->has_3d);
	reply_bool(b, "configured", !vm->removed);
	reply_bool(b, "added", vm->added);
	reply_bool(b, "held", stats.held);
	reply_int(b, "hangs", vm->total_hangs);
	reply_int(b, "endpoint_pid", (uint64_t)info.pid);
	reply_int(b, "worker_pid", (uint64_t)info.worker_pid);
	reply_int(b, "restarts", info.restarts);
	reply_int(b, "connections", vm->connections);
	json_builder_end_object(b);
}

/* ---- one GPU ---- */

void reply_gpu(JsonBuilder *b, const struct gpu *gpu)
{
	struct arbiter_totals t;
	guint i, vms = 0;

	for (i = 0; i < gpu->broker->vms->len; i++)
		vms += ((struct vm *)g_ptr_array_index(gpu->broker->vms, i))
			->gpu == gpu;
	arbiter_totals(gpu->arbiter, &t);
	json_builder_begin_object(b);
	reply_string(b, "name", gpu->config->name);
	reply_string(b, "renderer", gpu->renderer_name);
	reply_string(b, "render_node", gpu->render_node);
	reply_bool(b, "cpu_renderer", gpu->cpu_renderer);
	reply_string(b, "policy", config_policy_name(gpu->config->policy));
	reply_string(b, "cpus", gpu->config->cpus);
	reply_int(b, "memory_max", gpu->config->memory);
	reply_int(b, "vms", vms);
	reply_int(b, "capacity_cpus", t.cpus);
	reply_int(b, "used_ns", t.used_ns);
	reply_int(b, "outside_ns", t.outside_ns);
	reply_int(b, "idle_ns", t.idle_ns);
	reply_int(b, "lost_ns", t.lost_ns);
	json_builder_end_object(b);
}
