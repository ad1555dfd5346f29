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
#include "broker/config_keys.h"
#include "broker/endpoint.h"
#include "broker/events.h"
#include "broker/gpu.h"
#include "broker/listen.h"
#include "broker/live.h"
#include "broker/placement.h"
#include "broker/state.h"
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

static int start_listening(struct vm *vm, char **why)
{
	const struct config_vm *c = vm->config;

	vm->listener = listener_new(vm->broker->loop, c->socket, c->mode,
				    c->owner, c->group, on_connect, vm);
	if (vm->listener)
		return 0;
	*why = g_strdup(listener_error(errno, c->socket));
	return -EADDRNOTAVAIL;
}

void vm_stop_listening(struct vm *vm)
{
	listener_free(vm->listener);
	vm->listener = NULL;
}

uint32_t vm_weight(const struct vm *vm)
{
	return vm->config->weight;
}

/* ---- which GPU ---- */

/* Everybody but @except, where they are. */
static struct placement *placement_now(const struct broker *broker,
				       const struct vm *except)
{
	struct placement *p = placement_new(broker->config);
	guint i, at;

	for (i = 0; i < broker->vms->len; i++) {
		const struct vm *vm = g_ptr_array_index(broker->vms, i);

		if (vm != except && g_ptr_array_find(broker->gpus, vm->gpu,
						     &at))
			placement_add(p, vm->config, at);
	}
	return p;
}

static int index_of(const struct broker *broker, const struct gpu *gpu)
{
	guint at;

	return gpu && g_ptr_array_find(broker->gpus, gpu, &at) ? (int)at : -1;
}

/* Where it was before, if that is still right; else where it fits best. */
static struct gpu *find_gpu(const struct broker *broker, const struct vm *self,
			    const struct config_vm *config, char **why)
{
	struct placement *p = placement_now(broker, self);
	const struct live_vm *kept = live_vm(broker->live, config->name, FALSE);
	int at = kept && kept->gpu ?
		index_of(broker, gpu_find(broker, kept->gpu)) : -1;

	if (at >= 0 && placement_fits(p, config, (unsigned int)at, why)) {
		g_clear_pointer(why, g_free);
		at = -1;
	}
	if (at < 0)
		at = placement_choose(p, config, why);
	placement_free(p);
	return at < 0 ? NULL : g_ptr_array_index(broker->gpus, (guint)at);
}

static void push_limits(struct vm *vm)
{
	struct arbiter_limits limits;

	gpu_limits(vm->config, &limits);
	arbiter_vm_set_limits(vm->arbiter_vm, &limits);
}

static void settle(struct vm *vm, struct gpu *gpu)
{
	struct live_vm *kept = live_vm(vm->broker->live, vm->config->name,
				       TRUE);

	vm->move = false;
	g_free(kept->gpu);
	kept->gpu = g_strdup(gpu->config->name);
	if (vm->gpu == gpu)
		return;
	arbiter_vm_free(vm->arbiter_vm);
	vm->gpu = gpu;
	vm->arbiter_vm = arbiter_vm_new(gpu->arbiter, vm->config->name,
					vm->config->weight, vm);
	arbiter_vm_suspend(vm->arbiter_vm, vm->suspended != NULL);
}

/* Its wishes have changed: it may have to be elsewhere, when it is idle. */
static void place_again(struct vm *vm)
{
	struct placement *p = placement_now(vm->broker, vm);
	int at = index_of(vm->broker, vm->gpu);
	struct gpu *gpu;
	char *why = NULL;

	if (placement_fits(p, vm->config, (unsigned int)at, &why))
		vm->move = true;
	else
		vm->move = false;
	g_clear_pointer(&why, g_free);
	placement_free(p);
	if (!vm->move || vm->endpoint)
		return;
	gpu = find_gpu(vm->broker, vm, vm->config, &why);
	if (!gpu)
		log_error("%s; it stays on GPU %s", why, vm->gpu->config->name);
	else
		settle(vm, gpu);
	g_free(why);
}

/* ---- coming and going ---- */

static struct vm *fail(struct vm *vm, char *reason, char **why)
{
	if (why)
		*why = reason;
	else
		log_error("VM %s: %s", vm->config->name, reason);
	if (!why)
		g_free(reason);
	config_vm_free(vm->config);
	config_vm_free(vm->file);
	g_free(vm);
	return NULL;
}

struct vm *vm_new(struct broker *broker, const struct config_vm *config,
		  char **why)
{
	struct vm *vm = g_new0(struct vm, 1);
	const struct live_vm *kept = live_vm(broker->live, config->name, FALSE);
	char *reason = NULL;
	struct gpu *gpu;

	vm->broker = broker;
	vm->file = config_vm_copy(config);
	vm->config = live_apply(broker->live, config);
	gpu = find_gpu(broker, NULL, vm->config, &reason);
	if (!gpu) {
		/* what was set live does not fit this configuration */
		log_warning("%s; what was set while it ran is not used",
			    reason);
		g_clear_pointer(&reason, g_free);
		config_vm_free(vm->config);
		vm->config = config_vm_copy(config);
		gpu = find_gpu(broker, NULL, vm->config, &reason);
	}
	if (!gpu || start_listening(vm, &reason))
		return fail(vm, reason, why);
	vm->suspended = kept ? g_strdup(kept->suspended) : NULL;
	settle(vm, gpu);
	push_limits(vm);
	g_ptr_array_add(broker->vms, vm);
	if (vm->suspended)
		log_info("VM %s: suspended: %s", config->name, vm->suspended);
	return vm;
}

void vm_free(struct vm *vm)
{
	endpoint_free(vm->endpoint);
	vm_stop_listening(vm);
	g_ptr_array_remove(vm->broker->vms, vm);
	arbiter_vm_free(vm->arbiter_vm);
	config_vm_free(vm->config);
	config_vm_free(vm->file);
	g_free(vm->suspended);
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
	struct config_vm *old = vm->config, *old_file = vm->file;
	bool moved = !vm->listener || strcmp(old->socket, config->socket) ||
		old->owner != config->owner || old->group != config->group ||
		old->mode != config->mode;
	char *why = NULL;
	int ret = 0;

	if (moved)
		vm_stop_listening(vm);
	/* who edits a setting means it, whatever was set live before */
	vm->file = config_vm_copy(config);
	vm->config = live_apply(vm->broker->live, config);
	vm->removed = false;
	if (moved)
		ret = start_listening(vm, &why);
	if (ret)
		log_error("VM %s: %s", config->name, why);
	g_free(why);
	config_vm_free(old);
	config_vm_free(old_file);
	place_again(vm);
	push_limits(vm);
	return ret;
}

/* ---- live ---- */

static char *set_keys(struct config_vm *to, GHashTable *keys)
{
	GHashTableIter iter;
	gpointer name, value;

	g_hash_table_iter_init(&iter, keys);
	while (g_hash_table_iter_next(&iter, &name, &value)) {
		const struct config_key *key = config_key_find(config_vm_keys,
							       name,
							       CONFIG_LIVE);
		char *wrong = key ? config_key_set(key, to, value) : NULL, *why;

		if (key && !wrong)
			continue;
		if (key)
			why = g_strdup_printf("%s: %s", (char *)name, wrong);
		else
			why = g_strdup_printf("\"%.64s\" can not be set while a VM runs",
					      (char *)name);
		g_free(wrong);
		return why;
	}
	return NULL;
}

static void keep_keys(struct vm *vm, GHashTable *keys)
{
	GHashTableIter iter;
	gpointer name;

	g_hash_table_iter_init(&iter, keys);
	while (g_hash_table_iter_next(&iter, &name, NULL)) {
		const struct config_key *key = config_key_find(config_vm_keys,
							       name,
							       CONFIG_LIVE);
		char *now = config_key_get(key, vm->config);
		char *was = config_key_get(key, vm->file);

		live_set(vm->broker->live, vm->config->name, name, now, was);
		g_free(now);
		g_free(was);
	}
}

char *vm_set(struct vm *vm, GHashTable *keys)
{
	struct config_vm *new = config_vm_copy(vm->config);
	char *why = set_keys(new, keys);
	struct placement *p;

	if (!why) {
		p = placement_now(vm->broker, vm);
		placement_fits(p, new,
			       (unsigned int)index_of(vm->broker, vm->gpu),
			       &why);
		placement_free(p);
	}
	if (why) {
		config_vm_free(new);
		return why;
	}
	config_vm_free(vm->config);
	vm->config = new;
	keep_keys(vm, keys);
	push_limits(vm);
	state_save(vm->broker);
	return NULL;
}

void vm_suspend(struct vm *vm, const char *reason)
{
	struct live_vm *kept = live_vm(vm->broker->live, vm->config->name,
				       TRUE);

	g_free(vm->suspended);
	g_free(kept->suspended);
	/* it may have the name of a guest's program in it */
	vm->suspended = g_utf8_make_valid(reason, -1);
	kept->suspended = g_strdup(vm->suspended);
	arbiter_vm_suspend(vm->arbiter_vm, true);
	log_warning("VM %s: suspended: %s", vm->config->name, vm->suspended);
	events_post(vm->broker->events, EVENT_SUSPENDED, vm->config->name,
		    "%s", vm->suspended);
	state_save(vm->broker);
}

void vm_resume(struct vm *vm)
{
	struct live_vm *kept = live_vm(vm->broker->live, vm->config->name,
				       TRUE);

	g_clear_pointer(&vm->suspended, g_free);
	g_clear_pointer(&kept->suspended, g_free);
	vm->hangs = 0;
	arbiter_vm_strike(vm->arbiter_vm, 0, 0);
	arbiter_vm_suspend(vm->arbiter_vm, false);
	log_info("VM %s: resumed", vm->config->name);
	events_post(vm->broker->events, EVENT_RESUMED, vm->config->name,
		    "it may use the GPU again");
	state_save(vm->broker);
}

void vm_remove(struct vm *vm)
{
	live_forget(vm->broker->live, vm->config->name);
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
	else if (vm->move)
		place_again(vm);
}
