// SPDX-License-Identifier: MIT
/*
 * gpu.c - one GPU of this host, or one set of CPUs that plays one: a lane
 */
#include "broker/gpu.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "broker/broker.h"
#include "broker/config.h"
#include "broker/config_value.h"
#include "broker/hangs.h"
#include "broker/probe.h"
#include "broker/trace.h"
#include "broker/vm.h"
#include "sched/arbiter.h"

/* CONFIG_SHARE_FULL to parts of a million. */
#define PPM	100

static void on_turn(void *opaque, const struct arbiter_turn *turn)
{
	const struct vm *vm = opaque;

	trace_add(vm->broker->trace, vm->config->name, turn);
}

struct gpu *gpu_new(struct broker *broker, const struct config_gpu *config)
{
	struct gpu *gpu = g_new0(struct gpu, 1);

	gpu->broker = broker;
	gpu->config = config;
	gpu->caps_fd = -1;
	g_ptr_array_add(broker->gpus, gpu);
	return gpu;
}

static enum arbiter_policy policy_of(const struct config_gpu *config)
{
	switch (config->policy) {
	case CONFIG_FIXED:
		return ARBITER_FIXED;
	case CONFIG_BEST_EFFORT:
		return ARBITER_BEST_EFFORT;
	default:
		return ARBITER_FAIR;
	}
}

int gpu_run(struct gpu *gpu)
{
	const struct config_gpu *config = gpu->config;
	struct arbiter_config ac = {
		.cpu_renderer = gpu->cpu_renderer,
		.cpus = value_cpus_count(config->cpus),
		.policy = policy_of(config),
		.slice_ns = config->slice_ns,
		.hard_ns = config->timeout_ns,
		.soft_ns = config->timeout_ns / 2,
		.slow = hangs_slow,
		.hung = hangs_hung,
		.turn = on_turn,
	};

	gpu->arbiter = arbiter_new(gpu->broker->loop, &ac);
	return gpu->arbiter ? 0 : -ENOMEM;
}

int gpus_start(struct broker *broker)
{
	const GPtrArray *configs = broker->config->gpus;
	guint i;

	for (i = 0; i < configs->len; i++) {
		struct gpu *gpu = gpu_new(broker, g_ptr_array_index(configs, i));
		int ret = probe_gpu(gpu);

		if (!ret)
			ret = gpu_run(gpu);
		if (ret)
			return ret;
	}
	return 0;
}

void gpus_stop(struct broker *broker)
{
	guint i;

	for (i = 0; i < broker->gpus->len; i++) {
		struct gpu *gpu = g_ptr_array_index(broker->gpus, i);

		arbiter_free(gpu->arbiter);
		if (gpu->caps_fd >= 0)
			close(gpu->caps_fd);
		g_free(gpu->render_node);
		g_free(gpu->renderer_name);
		g_free(gpu);
	}
	g_ptr_array_set_size(broker->gpus, 0);
}

void gpu_configure(struct gpu *gpu, const struct config_gpu *config)
{
	gpu->config = config;
	arbiter_configure(gpu->arbiter, policy_of(config), config->slice_ns,
			  config->timeout_ns);
}

void gpu_limits(const struct config_vm *vm, struct arbiter_limits *limits)
{
	*limits = (struct arbiter_limits){
		.weight = vm->weight,
		.reserve = vm->reserve * PPM,
		.cap = vm->cap * PPM,
		.burst_ns = vm->burst_ns,
		.slice_ns = vm->slice_ns,
		.timeout_ns = vm->timeout_ns,
		.frame_ns = vm->fps_limit ? VALUE_NS_S / vm->fps_limit : 0,
		.memory_max = vm->memory,
		.max_inflight = vm->max_inflight,
		.max_resources = vm->max_resources,
		.max_contexts = vm->max_contexts,
	};
}

struct gpu *gpu_find(const struct broker *broker, const char *name)
{
	guint i;

	for (i = 0; i < broker->gpus->len; i++) {
		struct gpu *gpu = g_ptr_array_index(broker->gpus, i);

		if (!strcmp(gpu->config->name, name))
			return gpu;
	}
	return NULL;
}
