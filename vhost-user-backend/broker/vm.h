/* SPDX-License-Identifier: MIT */
/*
 * vm.h - a configured VM: its socket, and at most one connection
 */
#ifndef BROKER_VM_H
#define BROKER_VM_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

struct arbiter_vm;
struct broker;
struct config_vm;
struct endpoint;
struct listener;

struct vm {
	struct broker *broker;
	struct config_vm *config;	/* our copy */
	struct arbiter_vm *arbiter_vm;
	struct listener *listener;	/* NULL: not listening */
	struct log_limit limit;
	struct endpoint *endpoint;	/* NULL: nobody is connected */
	uint32_t connections;
	bool removed;			/* from the configuration: goes when
					   its front end does */
};

/** vm_new() - add to the broker and listen; NULL with a log line */
struct vm *vm_new(struct broker *broker, const struct config_vm *config);
void vm_free(struct vm *vm);

/** vm_find() - by name, or NULL */
struct vm *vm_find(const struct broker *broker, const char *name);

/** vm_stop_listening() - gives up its socket until vm_set_config() */
void vm_stop_listening(struct vm *vm);

/** vm_set_config() - live what can be, the rest at the next connection */
int vm_set_config(struct vm *vm, const struct config_vm *config);

/** vm_set_weight() - now */
void vm_set_weight(struct vm *vm, uint32_t weight);
uint32_t vm_weight(const struct vm *vm);

/** vm_remove() - not configured any more; a running VM keeps running */
void vm_remove(struct vm *vm);

/** vm_endpoint_gone() - by endpoint.c; may free @vm */
void vm_endpoint_gone(struct vm *vm);

#endif
