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

enum config_renderer {
	CONFIG_VIRGL,
	CONFIG_NULL,
};

/** struct config_vm - one [vm NAME] section */
struct config_vm {
	char *name;
	char *socket;
	uid_t owner;			/* CONFIG_UNCHANGED_ID: ours */
	gid_t group;
	mode_t mode;
	uint32_t weight;
	uint64_t memory;		/* bytes, 0: no limit */
	uint32_t outputs, width, height;
	bool virgl;
};

/** struct config - a whole valid file */
struct config {
	char *path;
	char *control_socket, *runtime_dir;
	char *render_node;		/* NULL: find one, "": none */
	enum config_renderer renderer;
	char *worker_cpus;		/* "": all */
	uint32_t cpu_threads;		/* 0: the renderer's default */
	uint64_t timeout_ns;		/* 0: the arbiter's default */
	char *endpoint, *worker;	/* programs */
	GPtrArray *vms;			/* struct config_vm, in file order */
};

/**
 * config_load() - read and check a file
 * @errors: gets one "FILE:LINE: what is wrong; what would be right" a mistake
 *
 * Return: NULL if there was any.
 */
struct config *config_load(const char *path, GPtrArray *errors);

/** config_parse() - the same with the text in memory */
struct config *config_parse(const char *path, const char *text,
			    GPtrArray *errors);
void config_free(struct config *config);

struct config_vm *config_vm_copy(const struct config_vm *vm);
void config_vm_free(struct config_vm *vm);

/** config_find_vm() - by name, or NULL */
struct config_vm *config_find_vm(const struct config *config, const char *name);

#endif
