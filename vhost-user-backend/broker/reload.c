// SPDX-License-Identifier: MIT
/*
 * reload.c - SIGHUP: another configuration for a running vgpud
 */
#include "broker/reload.h"

#include <string.h>

#include "base/log.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/state.h"
#include "broker/vm.h"

/* What the running processes were started with stays until a restart. */
static void keep_fixed(struct config *new, struct config *old)
{
	struct {
		const char *name;
		char **now, **then;
	} fixed[] = {
		{ "control-socket", &new->control_socket, &old->control_socket },
		{ "runtime-dir", &new->runtime_dir, &old->runtime_dir },
		{ "render-node", &new->render_node, &old->render_node },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(fixed); i++) {
		if (!g_strcmp0(*fixed[i].now, *fixed[i].then))
			continue;
		log_warning("%s: a new %s needs a restart of vgpud",
			    new->path, fixed[i].name);
		g_free(*fixed[i].now);
		*fixed[i].now = g_strdup(*fixed[i].then);
	}
	if (new->renderer != old->renderer ||
	    new->timeout_ns != old->timeout_ns)
		log_warning("%s: a new renderer or timeout needs a restart of vgpud",
			    new->path);
	new->renderer = old->renderer;
	new->timeout_ns = old->timeout_ns;
}

static void remove_missing(struct broker *broker)
{
	guint i = broker->vms->len;

	while (i--) {
		struct vm *vm = g_ptr_array_index(broker->vms, i);

		if (!vm->removed &&
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

		if (!vm->removed && !in_order(config, vm))
			vm_stop_listening(vm);
	}
	for (i = 0; i < config->vms->len; i++) {
		struct config_vm *c = g_ptr_array_index(config->vms, i);
		struct vm *vm = vm_find(broker, c->name);

		if (vm)
			vm_set_config(vm, c);
		else
			vm_new(broker, c);
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
	if (!new) {
		log_error("%s is not used; everything runs as before",
			  old->path);
		return;
	}
	keep_fixed(new, old);
	broker->config = new;
	apply_vms(broker);
	state_save(broker);
	config_free(old);
	log_info("%s: %u VMs", new->path, new->vms->len);
}
