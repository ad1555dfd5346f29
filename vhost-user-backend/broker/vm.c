// SPDX-License-Identifier: MIT
/*
 * vm.c - a configured VM: its socket, and at most one connection
 */
#include "broker/vm.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/endpoint.h"
#include "broker/events.h"
#include "broker/listen.h"
#include "sched/arbiter.h"

static void on_connect(void *opaque, int sock)
{
	struct vm *vm = opaque;

	if (vm->endpoint || vm->broker->stopping) {
		log_peer(&vm->limit, "VM %s: a second connection is refused; each VM's socket serves one front end",
			 vm->config->name);
		close(sock);
		return;
	}
	vm->endpoint = endpoint_new(vm, sock);
	if (vm->endpoint) {
		vm->connections++;
		log_info("VM %s: connected", vm->config->name);
		events_post(vm->broker->events, EVENT_CONNECTED,
			    vm->config->name, "a front end has connected");
	}
}

static int start_listening(struct vm *vm)
{
	const struct config_vm *c = vm->config;

	vm->listener = listener_new(vm->broker->loop, c->socket, c->mode,
				    c->owner, c->group, on_connect, vm);
	if (vm->listener)
		return 0;
	log_error("VM %s: %s", c->name, listener_error(errno, c->socket));
	return -EADDRNOTAVAIL;
}

void vm_stop_listening(struct vm *vm)
{
	listener_free(vm->listener);
	vm->listener = NULL;
}

uint32_t vm_weight(const struct vm *vm)
{
	gpointer live = g_hash_table_lookup(vm->broker->live_weights,
					    vm->config->name);

	return live ? GPOINTER_TO_UINT(live) : vm->config->weight;
}

struct vm *vm_new(struct broker *broker, const struct config_vm *config)
{
	struct vm *vm = g_new0(struct vm, 1);

	vm->broker = broker;
	vm->config = config_vm_copy(config);
	if (start_listening(vm)) {
		config_vm_free(vm->config);
		g_free(vm);
		return NULL;
	}
	vm->arbiter_vm = arbiter_vm_new(broker->arbiter, config->name,
					vm_weight(vm), vm);
	g_ptr_array_add(broker->vms, vm);
	return vm;
}

void vm_free(struct vm *vm)
{
	endpoint_free(vm->endpoint);
	vm_stop_listening(vm);
	g_ptr_array_remove(vm->broker->vms, vm);
	arbiter_vm_free(vm->arbiter_vm);
	config_vm_free(vm->config);
	g_free(vm);
}

struct vm *vm_find(const struct broker *broker, const char *name)
{
	guint i;

	for (i = 0; i < broker->vms->len; i++) {
		struct vm *vm = g_ptr_array_index(broker->vms, i);

		if (!strcmp(vm->config->name, name))
			return vm;
	}
	return NULL;
}

int vm_set_config(struct vm *vm, const struct config_vm *config)
{
	struct config_vm *old = vm->config;
	bool moved = !vm->listener || strcmp(old->socket, config->socket) ||
		old->owner != config->owner || old->group != config->group ||
		old->mode != config->mode;
	int ret = 0;

	/* who edits the weight means it, whatever was set live before */
	if (old->weight != config->weight)
		g_hash_table_remove(vm->broker->live_weights, old->name);
	if (moved)
		vm_stop_listening(vm);
	vm->config = config_vm_copy(config);
	vm->removed = false;
	if (moved)
		ret = start_listening(vm);
	config_vm_free(old);
	arbiter_vm_set_weight(vm->arbiter_vm, vm_weight(vm));
	return ret;
}

void vm_set_weight(struct vm *vm, uint32_t weight)
{
	g_hash_table_insert(vm->broker->live_weights,
			    g_strdup(vm->config->name),
			    GUINT_TO_POINTER(weight));
	arbiter_vm_set_weight(vm->arbiter_vm, weight);
}

void vm_remove(struct vm *vm)
{
	g_hash_table_remove(vm->broker->live_weights, vm->config->name);
	if (!vm->endpoint) {
		vm_free(vm);
		return;
	}
	vm_stop_listening(vm);
	vm->removed = true;
	log_info("VM %s: not configured any more; it runs until its front end disconnects",
		 vm->config->name);
}

void vm_endpoint_gone(struct vm *vm)
{
	vm->endpoint = NULL;
	if (vm->removed)
		vm_free(vm);
}
