/* SPDX-License-Identifier: MIT */
/*
 * gpu.h - one GPU of this host, or one set of CPUs that plays one: a lane
 */
#ifndef BROKER_GPU_H
#define BROKER_GPU_H

#include <stdbool.h>

struct arbiter;
struct arbiter_limits;
struct broker;
struct config_gpu;
struct config_vm;

struct gpu {
	struct broker *broker;
	const struct config_gpu *config;	/* of the broker's configuration */
	struct arbiter *arbiter;

	/* as probed at the start */
	int caps_fd;			/* sealed struct vgpu_caps */
	char *render_node;		/* "": surfaceless or null */
	char *renderer_name;
	bool has_3d, cpu_renderer;
};

/** gpus_start() - probe all and make their arbiters; 0 or -errno */
int gpus_start(struct broker *broker);

/** gpus_stop() - all VMs first */
void gpus_stop(struct broker *broker);

/** gpu_new() - not probed; for gpus_start() and tests */
struct gpu *gpu_new(struct broker *broker, const struct config_gpu *config);

/** gpu_run() - make its arbiter, once it is known what it is */
int gpu_run(struct gpu *gpu);

/** gpu_configure() - what can change while it runs */
void gpu_configure(struct gpu *gpu, const struct config_gpu *config);

/** gpu_limits() - what a VM's configuration means to the arbiter */
void gpu_limits(const struct config_vm *vm, struct arbiter_limits *limits);

/** gpu_find() - by name, or NULL */
struct gpu *gpu_find(const struct broker *broker, const char *name);

#endif
