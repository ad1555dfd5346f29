// SPDX-License-Identifier: MIT
/*
 * reload.c - SIGHUP: another configuration for a running vgpud
 */
#include "broker/reload.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/events.h"
#include "broker/gpu.h"
#include "broker/state.h"
#include "broker/vm.h"

static void keep_path(const struct config *new, const char *name, char **now,
		      char *const *then)
{
	if (!g_strcmp0(*now, *then))
		return;
	log_warning("%s: a new %s needs a restart of vgpud", new->path, name);
	g_free(*now);
	*now = g_strdup(*then);
}

/* Is it made of the same hardware, for the workers that run on it? */
static bool same_gpu(const struct config_gpu *a, const struct config_gpu *b)
{
	return !strcmp(a->name, b->name) && a->renderer == b->renderer &&
		!g_strcmp0(a->render_node, b->render_node);
}

/* What the running processes were started with stays until a restart. */
static int keep_fixed(struct config *new, const struct config *old)
{
	guint i;

	keep_path(new, "control-socket", &new->control_socket,
		  &old->control_socket);
	keep_path(new, "runtime-dir", &new->runtime_dir, &old->runtime_dir);
	keep_path(new, "metrics", &new->metrics, &old->metrics);
	for (i = 0; i < MAX(new->gpus->len, old->gpus->len); i++) {
		if (i < new->gpus->len && i < old->gpus->len &&
		    same_gpu(g_ptr_array_index(new->gpus, i),
			     g_ptr_array_index(old->gpus, i)))
			continue;
		log_error("%s: other GPUs, render nodes or renderers need a restart of vgpud",
			  new->path);
		return -EBUSY;
	}
	return 0;
}

static void apply_gpus(struct broker *broker)
{
	guint i;

	for (i = 0; i < broker->gpus->len; i++)
		gpu_configure(g_ptr_array_index(broker->gpus, i),
			      g_ptr_array_index(broker->config->gpus, i));
}

static void remove_missing(struct broker *broker)
{
	guint i = broker->vms->len;

	while (i--) {
		struct vm *vm = g_ptr_array_index(broker->vms, i);

		if (!vm->removed && !vm->added &&
		    !config_find_vm(broker->config, vm->config->name))
			vm_remove(vm);
	}
}

static bool in_order(const struct config *config, const struct vm *vm)
{
	const struct config_vm *c = config_find_vm(config, vm->config->name);

	return c && !strcmp(c->socket, vm->config->socket);
}

/*
 * First everything that gives up a socket, then what takes one: two VMs may
 * have exchanged theirs.
 */
static void apply_vms(struct broker *broker)
{
	const struct config *config = broker->config;
	guint i;

	remove_missing(broker);
	for (i = 0; i < broker->vms->len; i++) {
		struct vm *vm = g_ptr_array_index(broker->vms, i);

		if (!vm->removed && !vm->added && !in_order(config, vm))
			vm_stop_listening(vm);
	}
	for (i = 0; i < config->vms->len; i++) {
		struct config_vm *c = g_ptr_array_index(config->vms, i);
		struct vm *vm = vm_find(broker, c->name);

		if (vm) {
			vm->added = false;	/* the file has it now */
			vm_set_config(vm, c);
		} else {
			vm_new(broker, c, NULL);
		}
	}
}

void reload(struct broker *broker)
{
	GPtrArray *errors = g_ptr_array_new_with_free_func(g_free);
	struct config *old = broker->config;
	struct config *new = config_load(old->path, errors);
	guint i;

	for (i = 0; i < errors->len; i++)
		log_error("%s", (char *)g_ptr_array_index(errors, i));
	g_ptr_array_free(errors, TRUE);
	if (new && keep_fixed(new, old)) {
		config_free(new);
		new = NULL;
	}
	if (!new) {
		log_error("%s is not used; everything runs as before",
			  old->path);
		return;
	}
	broker->config = new;
	apply_gpus(broker);
	apply_vms(broker);
	state_save(broker);
	config_free(old);
	log_info("%s: %u VMs", new->path, new->vms->len);
	events_post(broker->events, EVENT_RELOADED, NULL, "%s, %u VMs",
		    new->path, new->vms->len);
}
