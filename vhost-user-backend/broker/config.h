/* SPDX-License-Identifier: MIT */
/*
 * config.h - vgpud.conf(5), checked as a whole before any of it is used
 */
#ifndef BROKER_CONFIG_H
#define BROKER_CONFIG_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include <glib.h>

#define CONFIG_UNCHANGED_ID	((uid_t)-1)
#define CONFIG_SHARE_FULL	10000	/* 100 %, in hundredths of a percent */
#define CONFIG_GPUS_MAX		16

enum config_renderer {
	CONFIG_VIRGL,
	CONFIG_NULL,
};

enum config_policy {
	CONFIG_FAIR,
	CONFIG_FIXED,
	CONFIG_BEST_EFFORT,
};

/** struct config_vm - one [vm NAME] section over its [profile NAME] */
struct config_vm {
	char *name;
	char *socket;
	char *profile;			/* NULL: none */
	uid_t owner;			/* CONFIG_UNCHANGED_ID: ours */
	gid_t group;
	mode_t mode;
	uint32_t width, height;
	bool virgl;

	/* where */
	char *gpu;			/* NULL: any */
	char *affinity, *anti_affinity;	/* groups of VMs, NULL: none */
	bool exclusive;

	/* changeable while it runs; 0 is no limit, or the default */
	uint32_t weight;
	uint32_t reserve, cap;		/* of CONFIG_SHARE_FULL */
	uint64_t burst_ns, slice_ns, timeout_ns;
	uint32_t fps_limit, max_inflight;
	uint64_t memory;		/* bytes */
	uint32_t max_resources, max_contexts;
	uint32_t outputs;		/* at the next connection */
};

/** struct config_gpu - one [gpu NAME] section, or what [vgpud] says */
struct config_gpu {
	char *name;
	char *render_node;		/* NULL: find one, "": none */
	enum config_renderer renderer;
	enum config_policy policy;
	char *cpus;			/* of its workers, "": all */
	uint32_t cpu_threads;		/* 0: the renderer's default */
	uint64_t timeout_ns;		/* 0: the arbiter's default */
	uint64_t slice_ns;
	uint64_t memory;		/* for quotas; 0: not counted */
};

/** struct config - a whole valid file */
struct config {
	char *path;
	char *control_socket, *runtime_dir;
	char *endpoint, *worker;	/* programs */
	char *metrics;			/* where they are served, NULL: not */
	uint32_t hang_limit;		/* hangs until a VM is suspended, 0: never */
	struct config_gpu defaults;	/* [vgpud] for every GPU */
	GPtrArray *gpus;		/* struct config_gpu, at least one */
	GPtrArray *profiles;		/* struct config_vm */
	GPtrArray *vms;			/* struct config_vm, in file order */
};

/**
 * config_load() - read and check a file
 * @errors: gets one "FILE:LINE: what is wrong; what would be right" a mistake
 *
 * Return: NULL if there was any.
 */
struct config *config_load(const char *path, GPtrArray *errors);

/** config_new() - as if the file were empty, but for its GPU */
struct config *config_new(const char *path);

/** config_gpu_add() - with the defaults of [vgpud] */
struct config_gpu *config_gpu_add(struct config *config, const char *name);

/** config_parse() - the same with the text in memory */
struct config *config_parse(const char *path, const char *text,
			    GPtrArray *errors);
void config_free(struct config *config);

/**
 * config_vm_new() - a VM as if its section were empty
 * @profile: NULL, or whose values it starts with
 */
struct config_vm *config_vm_new(const struct config *config, const char *name,
				const struct config_vm *profile);
struct config_vm *config_vm_copy(const struct config_vm *vm);
void config_vm_free(struct config_vm *vm);

/** config_vm_socket() - its default one, unless it has another */
void config_vm_socket(const struct config *config, struct config_vm *vm);

/** config_find_vm(), _gpu(), _profile() - by name, or NULL */
struct config_vm *config_find_vm(const struct config *config, const char *name);
struct config_gpu *config_find_gpu(const struct config *config,
				   const char *name);
struct config_vm *config_find_profile(const struct config *config,
				      const char *name);

const char *config_policy_name(enum config_policy policy);

#endif
