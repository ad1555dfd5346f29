// SPDX-License-Identifier: MIT
/*
 * reply.c - pieces of the JSON that control clients get
 */
#include "broker/reply.h"

#include <stdarg.h>
#include <string.h>

#include "broker/broker.h"
#include "broker/config.h"
#include "broker/config_keys.h"
#include "broker/endpoint.h"
#include "broker/gpu.h"
#include "broker/vm.h"
#include "sched/arbiter.h"
#include "sched/clock.h"

struct json *reply_begin(bool ok)
{
	struct json *b = json_new();

	json_bool(b, "ok", ok);
	return b;
}

char *reply_fail(const char *fmt, ...)
{
	struct json *b = reply_begin(false);
	va_list ap;
	char *why;

	va_start(ap, fmt);
	why = g_strdup_vprintf(fmt, ap);
	va_end(ap);
	json_string(b, "error", why);
	g_free(why);
	return json_end(b);
}

/* ---- one VM ---- */

static void put_times(struct json *b, const struct arbiter_stats *s)
{
	json_double(b, "gpu_seconds", (double)s->gpu_ns / 1e9);
	json_double(b, "cpu_seconds", (double)s->cpu_ns / 1e9);
	json_double(b, "wait_seconds", (double)s->wait_ns / 1e9);
	json_double(b, "wait_p50_ms", (double)s->wait_p50_ns / 1e6);
	json_double(b, "wait_p99_ms", (double)s->wait_p99_ns / 1e6);
	json_double(b, "throttled_seconds", (double)s->throttled_ns / 1e9);
	json_double(b, "idle_seconds", (double)s->idle_ns / 1e9);
	json_int(b, "cpu_ns", s->cpu_ns);
	json_int(b, "gpu_ns", s->gpu_ns);
	json_int(b, "busy_ns", s->busy_ns);
	json_int(b, "charged_ns", s->charged_ns);
	json_int(b, "outside_ns", s->outside_ns);
	json_int(b, "drift_ns", s->drift_ns);
	json_double(b, "lag_ms", (double)s->lag_ns / 1e6);
	json_string(b, "clock", clock_name(s->clock));
}

static void put_stats(struct json *b, const struct arbiter_stats *s)
{
	json_int(b, "weight", s->weight);
	json_double(b, "share", s->share);
	json_double(b, "target_share", s->target);
	json_double(b, "busy", s->busy);
	json_bool(b, "holds_lease", s->holds_lease);
	put_times(b, s);
	json_int(b, "grants", s->grants);
	json_int(b, "jobs", s->jobs);
	json_int(b, "frames", s->frames);
	json_int(b, "errors", s->errors);
	json_int(b, "refused", s->refused);
	json_int(b, "memory", s->memory);
	json_int(b, "resources", s->resources);
	json_int(b, "contexts", s->contexts);
}

/* What could be set, in the words in which it could be. */
static void put_settings(struct json *b, const struct config_vm *config)
{
	const struct config_key *key;

	json_open(b, "settings", '{');
	for (key = config_vm_keys; key->name; key++) {
		char *value;

		if (!(key->flags & CONFIG_LIVE))
			continue;
		value = config_key_get(key, config);
		if (key->kind == VALUE_U32)
			json_int(b, key->name,
				  g_ascii_strtoull(value, NULL, 10));
		else
			json_string(b, key->name, value);
		g_free(value);
	}
	json_close(b);
}

static const char *state_of(const struct vm *vm,
			    const struct endpoint_info *info)
{
	if (vm->suspended)
		return "suspended";
	return info->driver_ok ? "running" : vm->endpoint ? "connected" :
		"idle";
}

void reply_vm(struct json *b, const char *name, struct vm *vm)
{
	struct endpoint_info info = { 0 };
	struct arbiter_stats stats;

	if (vm->endpoint)
		endpoint_info(vm->endpoint, &info);
	arbiter_vm_stats(vm->arbiter_vm, &stats);
	json_open(b, name, '{');
	json_string(b, "name", vm->config->name);
	json_string(b, "state", state_of(vm, &info));
	if (vm->suspended)
		json_string(b, "suspended", vm->suspended);
	json_string(b, "gpu", vm->gpu->config->name);
	if (vm->config->profile)
		json_string(b, "profile", vm->config->profile);
	put_stats(b, &stats);
	put_settings(b, vm->config);
	json_string(b, "socket", vm->config->socket);
	json_int(b, "memory_max", vm->config->memory);
	json_int(b, "outputs", vm->config->outputs);
	json_bool(b, "3d", vm->config->virgl && vm->gpu->has_3d);
	json_bool(b, "configured", !vm->removed);
	json_bool(b, "added", vm->added);
	json_bool(b, "held", stats.held);
	json_int(b, "hangs", vm->total_hangs);
	json_int(b, "endpoint_pid", (uint64_t)info.pid);
	json_int(b, "worker_pid", (uint64_t)info.worker_pid);
	json_int(b, "restarts", info.restarts);
	json_int(b, "connections", vm->connections);
	json_close(b);
}

/* ---- one GPU ---- */

void reply_gpu(struct json *b, const struct gpu *gpu)
{
	struct arbiter_totals t;
	guint i, vms = 0;

	for (i = 0; i < gpu->broker->vms->len; i++)
		vms += ((struct vm *)g_ptr_array_index(gpu->broker->vms, i))
			->gpu == gpu;
	arbiter_totals(gpu->arbiter, &t);
	json_open(b, NULL, '{');
	json_string(b, "name", gpu->config->name);
	json_string(b, "renderer", gpu->renderer_name);
	json_string(b, "render_node", gpu->render_node);
	json_bool(b, "cpu_renderer", gpu->cpu_renderer);
	json_string(b, "policy", config_policy_name(gpu->config->policy));
	json_string(b, "cpus", gpu->config->cpus);
	json_int(b, "memory_max", gpu->config->memory);
	json_int(b, "vms", vms);
	json_int(b, "capacity_cpus", t.cpus);
	json_int(b, "used_ns", t.used_ns);
	json_int(b, "outside_ns", t.outside_ns);
	json_int(b, "idle_ns", t.idle_ns);
	json_int(b, "lost_ns", t.lost_ns);
	json_close(b);
}
