/* SPDX-License-Identifier: MIT */
/*
 * vm.h - a configured VM: its socket, and at most one connection
 */
#ifndef BROKER_VM_H
#define BROKER_VM_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#include "base/log.h"

struct arbiter_vm;
struct broker;
struct config_vm;
struct endpoint;
struct gpu;
struct listener;

struct vm {
	struct broker *broker;
	struct config_vm *file;		/* what the configuration says */
	struct config_vm *config;	/* with what was set live */
	struct gpu *gpu;
	struct arbiter_vm *arbiter_vm;	/* of that GPU's arbiter */
	struct listener *listener;	/* NULL: not listening */
	struct log_limit limit;
	struct endpoint *endpoint;	/* NULL: nobody is connected */
	uint32_t connections;
	bool added;			/* by a client, not in the file */
	bool removed;			/* goes when its front end does */
	bool move;			/* to a GPU that fits, when idle */

	char *suspended;		/* why, NULL: it is not */
	uint32_t hangs;			/* lately; hangs.c */
	uint32_t total_hangs;
	uint64_t last_hang_ns;
};

/**
 * vm_new() - place it, add it to the broker and listen
 * @why: NULL: log it; else set to what is wrong (g_free it) on failure
 */
struct vm *vm_new(struct broker *broker, const struct config_vm *config,
		  char **why);
void vm_free(struct vm *vm);

/** vm_find() - by name, or NULL */
struct vm *vm_find(const struct broker *broker, const char *name);

/** vm_stop_listening() - gives up its socket until vm_set_config() */
void vm_stop_listening(struct vm *vm);

/** vm_set_config() - live what can be, the rest at the next connection */
int vm_set_config(struct vm *vm, const struct config_vm *config);

/**
 * vm_set() - settings, all or none of them, from now on and over a restart
 * @keys: key to value, as in vgpud.conf(5); those that are CONFIG_LIVE
 *
 * Return: NULL, or what is wrong and would be right (g_free it).
 */
char *vm_set(struct vm *vm, GHashTable *keys);
uint32_t vm_weight(const struct vm *vm);

/** vm_suspend() - no GPU for it, until vm_resume(); kept over a restart */
void vm_suspend(struct vm *vm, const char *reason);
void vm_resume(struct vm *vm);

/** vm_remove() - not configured any more; a running VM keeps running */
void vm_remove(struct vm *vm);

/** vm_endpoint_gone() - by endpoint.c; may free @vm */
void vm_endpoint_gone(struct vm *vm);

#endif
