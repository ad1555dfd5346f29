// SPDX-License-Identifier: MIT
/*
 * config_objects.c - what a configuration is made of, and its defaults
 */
#include <string.h>
#include <unistd.h>

#include "broker/config.h"
#include "sched/policy.h"

#define HANG_LIMIT	3

/* Beside this program in a build tree, else where it is installed. */
static char *find_program(const char *name)
{
	char self[4096];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *dir, *path;

	if (n > 0) {
		self[n] = '\0';
		dir = g_path_get_dirname(self);
		path = g_build_filename(dir, name, NULL);
		g_free(dir);
		if (!access(path, X_OK))
			return path;
		g_free(path);
	}
	return g_build_filename(VGPU_LIBEXECDIR, name, NULL);
}

static void gpu_free(struct config_gpu *gpu)
{
	g_free(gpu->name);
	g_free(gpu->render_node);
	g_free(gpu->cpus);
	g_free(gpu);
}

struct config_gpu *config_gpu_add(struct config *config, const char *name)
{
	struct config_gpu *gpu = g_new(struct config_gpu, 1);

	*gpu = config->defaults;
	gpu->name = g_strdup(name);
	gpu->render_node = g_strdup(gpu->render_node);
	gpu->cpus = g_strdup(gpu->cpus);
	g_ptr_array_add(config->gpus, gpu);
	return gpu;
}

struct config_vm *config_vm_new(const struct config *config, const char *name,
				const struct config_vm *profile)
{
	const struct config_vm plain = {
		.owner = CONFIG_UNCHANGED_ID,
		.group = CONFIG_UNCHANGED_ID,
		.mode = 0660,
		.weight = POLICY_WEIGHT_DEFAULT,
		.outputs = 1,
		.width = 1280,
		.height = 800,
		.virgl = true,
	};
	struct config_vm *vm = config_vm_copy(profile ? profile : &plain);

	if (profile)
		vm->profile = g_strdup(profile->name);
	g_free(vm->name);
	vm->name = g_strdup(name);
	return vm;
}

void config_vm_socket(const struct config *config, struct config_vm *vm)
{
	if (!vm->socket)
		vm->socket = g_strdup_printf("%s/%s.sock", config->runtime_dir,
					     vm->name);
}

struct config_vm *config_vm_copy(const struct config_vm *vm)
{
	struct config_vm *copy = g_new(struct config_vm, 1);

	*copy = *vm;
	copy->name = g_strdup(vm->name);
	copy->socket = g_strdup(vm->socket);
	copy->profile = g_strdup(vm->profile);
	copy->gpu = g_strdup(vm->gpu);
	copy->affinity = g_strdup(vm->affinity);
	copy->anti_affinity = g_strdup(vm->anti_affinity);
	return copy;
}

void config_vm_free(struct config_vm *vm)
{
	if (!vm)
		return;
	g_free(vm->name);
	g_free(vm->socket);
	g_free(vm->profile);
	g_free(vm->gpu);
	g_free(vm->affinity);
	g_free(vm->anti_affinity);
	g_free(vm);
}

static struct config_vm *find(const GPtrArray *vms, const char *name)
{
	guint i;

	for (i = 0; i < vms->len; i++) {
		struct config_vm *vm = g_ptr_array_index(vms, i);

		if (!strcmp(vm->name, name))
			return vm;
	}
	return NULL;
}

struct config_vm *config_find_vm(const struct config *config, const char *name)
{
	return find(config->vms, name);
}

struct config_vm *config_find_profile(const struct config *config,
				      const char *name)
{
	return find(config->profiles, name);
}

struct config_gpu *config_find_gpu(const struct config *config,
				   const char *name)
{
	guint i;

	for (i = 0; i < config->gpus->len; i++) {
		struct config_gpu *gpu = g_ptr_array_index(config->gpus, i);

		if (!strcmp(gpu->name, name))
			return gpu;
	}
	return NULL;
}

void config_free(struct config *config)
{
	if (!config)
		return;
	g_free(config->path);
	g_free(config->control_socket);
	g_free(config->runtime_dir);
	g_free(config->defaults.render_node);
	g_free(config->defaults.cpus);
	g_free(config->endpoint);
	g_free(config->worker);
	g_free(config->metrics);
	g_ptr_array_free(config->gpus, TRUE);
	g_ptr_array_free(config->profiles, TRUE);
	g_ptr_array_free(config->vms, TRUE);
	g_free(config);
}

struct config *config_new(const char *path)
{
	struct config *config = g_new0(struct config, 1);

	config->path = g_strdup(path);
	config->control_socket = g_strdup("/run/vgpu/control.sock");
	config->runtime_dir = g_strdup("/run/vgpu");
	config->defaults.cpus = g_strdup("");
	config->endpoint = find_program("vgpu-endpoint");
	config->worker = find_program("vgpu-worker");
	config->hang_limit = HANG_LIMIT;
	config->gpus = g_ptr_array_new_with_free_func((GDestroyNotify)gpu_free);
	config->profiles = g_ptr_array_new_with_free_func((GDestroyNotify)
							  config_vm_free);
	config->vms = g_ptr_array_new_with_free_func((GDestroyNotify)
						     config_vm_free);
	return config;
}
