// SPDX-License-Identifier: MIT
/*
 * config.c - vgpud.conf(5), checked as a whole before any of it is used
 */
#include "broker/config.h"

#include <string.h>

#include "broker/config_keys.h"
#include "broker/config_scan.h"
#include "broker/placement.h"

#define FILE_MAX	(1 << 20)
#define VMS_MAX		4096

struct loader {
	const char *path;
	struct config_scan *scan;
	GKeyFile *keys;
	GPtrArray *errors;
	struct config *config;
};

static unsigned int line_of(struct loader *l, const char *kind,
			    const char *name, const char *key)
{
	char *group = g_strdup_printf("%s %s", kind, name);
	unsigned int line = config_scan_line(l->scan, group, key);

	if (!line)
		line = config_scan_line(l->scan, group, NULL);
	g_free(group);
	return line;
}

/*
 * As it stands: GLib's own reading of escapes reports two mistakes of one line
 * over each other, and no setting needs any. Return: NULL if it is not text.
 */
static char *get_text(struct loader *l, const char *group, const char *name)
{
	char *value = g_key_file_get_value(l->keys, group, name, NULL);

	if (value && g_utf8_validate(value, -1, NULL) && !strchr(value, '\\'))
		return g_strchomp(value);
	g_free(value);
	return NULL;
}

static void load_key(struct loader *l, const char *group, const char *name,
		     const struct config_key *keys, unsigned int flags,
		     void *to)
{
	unsigned int line = config_scan_line(l->scan, group, name);
	const struct config_key *key = config_key_find(keys, name, flags);
	char *value, *why;

	if (!key) {
		char *list = config_key_list(keys, flags);

		config_error(l->errors, l->path, line,
			     "there is no setting \"%s\" in [%s]; there are %s",
			     name, group, list);
		g_free(list);
		return;
	}
	value = get_text(l, group, name);
	if (!value) {
		config_error(l->errors, l->path, line,
			     "%s can not be read: write UTF-8 without backslashes",
			     name);
		return;
	}
	why = config_key_set(key, to, value);
	if (why)
		config_error(l->errors, l->path, line, "%s: %s", name, why);
	g_free(why);
	g_free(value);
}

static void load_keys(struct loader *l, const char *group,
		      const struct config_key *keys, unsigned int flags,
		      void *to)
{
	char **names = g_key_file_get_keys(l->keys, group, NULL, NULL), **n;

	for (n = names; n && *n; n++)
		load_key(l, group, *n, keys, flags, to);
	g_strfreev(names);
}

/* The NAME of [KIND NAME], NULL with a complaint. */
static char *section_name(struct loader *l, const char *group,
			  const char *prefix, const char *what, bool taken)
{
	unsigned int line = config_scan_line(l->scan, group, NULL);
	char *name = g_strstrip(g_strdup(group + strlen(prefix)));

	if (!config_name_ok(name))
		config_error(l->errors, l->path, line,
			     "\"%s\" is no name for a %s; use up to 63 letters, digits, and - _ . after the first",
			     name, what);
	else if (taken)
		config_error(l->errors, l->path, line,
			     "there is a %s %s already; choose another name",
			     what, name);
	else
		return name;
	g_free(name);
	return NULL;
}

/* ---- [gpu NAME] ---- */

static void load_gpu(struct loader *l, const char *group)
{
	char *bare = g_strstrip(g_strdup(group + strlen("gpu ")));
	char *name = section_name(l, group, "gpu ", "GPU",
				  config_find_gpu(l->config, bare) != NULL);

	g_free(bare);
	if (!name)
		return;
	if (l->config->gpus->len < CONFIG_GPUS_MAX)
		load_keys(l, group, config_gpu_keys, 0,
			  config_gpu_add(l->config, name));
	else
		config_error(l->errors, l->path,
			     config_scan_line(l->scan, group, NULL),
			     "there are more than %u GPUs; one vgpud serves no more",
			     CONFIG_GPUS_MAX);
	g_free(name);
}

static bool on_cpu(const struct config_gpu *gpu)
{
	return gpu->renderer == CONFIG_NULL ||
		(gpu->render_node && !*gpu->render_node);
}

/* Two lanes on one GPU, or on the same CPUs, would each count it as its own. */
static void check_gpu_pair(struct loader *l, const struct config_gpu *a,
			   const struct config_gpu *b)
{
	if (on_cpu(a) && on_cpu(b)) {
		if (value_cpus_overlap(a->cpus, b->cpus))
			config_error(l->errors, l->path,
				     line_of(l, "gpu", b->name, "cpus"),
				     "GPUs %s and %s are CPU renderers on the same CPUs; give each its own with cpus = (like 0-1 and 2-3)",
				     a->name, b->name);
	} else if (!g_strcmp0(a->render_node, b->render_node)) {
		config_error(l->errors, l->path,
			     line_of(l, "gpu", b->name, "render-node"),
			     "GPUs %s and %s have the same render-node; name it once",
			     a->name, b->name);
	}
}

static void check_gpus(struct loader *l)
{
	GPtrArray *gpus = l->config->gpus;
	guint i, k;

	if (!gpus->len) {
		config_gpu_add(l->config, "gpu0");
		return;
	}
	if (l->config->defaults.render_node)
		config_error(l->errors, l->path,
			     config_scan_line(l->scan, "vgpud", "render-node"),
			     "render-node stands in [vgpud] beside [gpu NAME] sections; write it in those");
	for (i = 0; i < gpus->len; i++) {
		struct config_gpu *gpu = g_ptr_array_index(gpus, i);

		if (!gpu->render_node && gpus->len > 1 && !on_cpu(gpu))
			config_error(l->errors, l->path,
				     line_of(l, "gpu", gpu->name, NULL),
				     "GPU %s has no render-node, and there are others; name it, or write render-node = none for the CPU renderer",
				     gpu->name);
		for (k = 0; k < i; k++)
			check_gpu_pair(l, g_ptr_array_index(gpus, k), gpu);
	}
}

/* ---- [profile NAME] and [vm NAME] ---- */

static void load_profile(struct loader *l, const char *group)
{
	char *bare = g_strstrip(g_strdup(group + strlen("profile ")));
	char *name = section_name(l, group, "profile ", "profile",
				  config_find_profile(l->config, bare) != NULL);
	struct config_vm *profile;

	g_free(bare);
	if (!name)
		return;
	profile = config_vm_new(l->config, name, NULL);
	g_free(name);
	g_ptr_array_add(l->config->profiles, profile);
	load_keys(l, group, config_vm_keys, CONFIG_PROFILE, profile);
}

static const struct config_vm *profile_of(struct loader *l, const char *group)
{
	char *name = get_text(l, group, "profile");
	struct config_vm *profile = name ?
		config_find_profile(l->config, name) : NULL;

	if (name && strcmp(name, "none") && !profile)
		config_error(l->errors, l->path,
			     config_scan_line(l->scan, group, "profile"),
			     "there is no profile \"%s\"; write a section [profile %s]",
			     name, name);
	g_free(name);
	return profile;
}

static void load_vm(struct loader *l, const char *group)
{
	char *bare = g_strstrip(g_strdup(group + strlen("vm ")));
	char *name = section_name(l, group, "vm ", "VM",
				  config_find_vm(l->config, bare) != NULL);
	struct config_vm *vm;

	g_free(bare);
	if (!name)
		return;
	vm = config_vm_new(l->config, name, profile_of(l, group));
	g_free(name);
	g_ptr_array_add(l->config->vms, vm);
	load_keys(l, group, config_vm_keys, 0, vm);
	config_vm_socket(l->config, vm);
}

static void check_sockets(struct loader *l)
{
	GHashTable *users = g_hash_table_new(g_str_hash, g_str_equal);
	guint i;

	g_hash_table_insert(users, l->config->control_socket,
			    (gpointer)"the control socket");
	for (i = 0; i < l->config->vms->len; i++) {
		struct config_vm *vm = g_ptr_array_index(l->config->vms, i);
		const char *other = g_hash_table_lookup(users, vm->socket);

		if (other)
			config_error(l->errors, l->path,
				     line_of(l, "vm", vm->name, "socket"),
				     "socket %s is %s%s's already; give each its own",
				     vm->socket, strchr(other, ' ') ? "" : "VM ",
				     other);
		else
			g_hash_table_insert(users, vm->socket, vm->name);
	}
	g_hash_table_unref(users);
}

/* A file whose promises can not be kept together is a mistake as well. */
static void check_promises(struct loader *l)
{
	struct placement *p = placement_new(l->config);
	guint i;

	for (i = 0; i < l->config->vms->len; i++) {
		struct config_vm *vm = g_ptr_array_index(l->config->vms, i);
		char *why = NULL;
		int gpu = placement_choose(p, vm, &why);

		if (gpu >= 0) {
			placement_add(p, vm, (unsigned int)gpu);
			continue;
		}
		config_error(l->errors, l->path,
			     line_of(l, "vm", vm->name, NULL), "%s", why);
		g_free(why);
	}
	placement_free(p);
}

static void load_group(struct loader *l, const char *group)
{
	unsigned int line = config_scan_line(l->scan, group, NULL);

	if (g_str_has_prefix(group, "vm ") && l->config->vms->len < VMS_MAX)
		load_vm(l, group);
	else if (g_str_has_prefix(group, "vm "))
		config_error(l->errors, l->path, line,
			     "there are more than %u VMs; one vgpud serves no more",
			     VMS_MAX);
	else if (strcmp(group, "vgpud") && !g_str_has_prefix(group, "gpu ") &&
		 !g_str_has_prefix(group, "profile "))
		config_error(l->errors, l->path, line,
			     "there is no section [%s]; there are [vgpud], [gpu NAME], [profile NAME] and [vm NAME]",
			     group);
}

/*
 * What others refer to first: defaults for GPUs and the runtime-dir of default
 * sockets, then GPUs and profiles, then VMs.
 */
static void load_groups(struct loader *l)
{
	char **groups = g_key_file_get_groups(l->keys, NULL), **g;
	guint before = l->errors->len;

	if (g_key_file_has_group(l->keys, "vgpud"))
		load_keys(l, "vgpud", config_daemon_keys, 0, l->config);
	for (g = groups; *g; g++) {
		if (g_str_has_prefix(*g, "gpu "))
			load_gpu(l, *g);
		else if (g_str_has_prefix(*g, "profile "))
			load_profile(l, *g);
	}
	for (g = groups; *g; g++)
		load_group(l, *g);
	g_strfreev(groups);
	check_gpus(l);
	check_sockets(l);
	if (l->errors->len == before)
		check_promises(l);
}

struct config *config_parse(const char *path, const char *text,
			    GPtrArray *errors)
{
	struct loader l = { .path = path, .errors = errors };
	guint before = errors->len;
	GError *error = NULL;

	l.config = config_new(path);
	l.scan = config_scan(path, text, errors);
	l.keys = g_key_file_new();
	if (errors->len == before) {
		if (g_key_file_load_from_data(l.keys, text, strlen(text),
					      G_KEY_FILE_NONE, &error)) {
			load_groups(&l);
		} else if (g_error_matches(error, G_KEY_FILE_ERROR,
					   G_KEY_FILE_ERROR_NOT_FOUND)) {
			check_gpus(&l);		/* empty: the default one */
		} else {
			config_error(errors, path, 0,
				     "%s; see vgpud.conf(5) for the format",
				     error->message);
		}
		g_clear_error(&error);
	}
	g_key_file_free(l.keys);
	config_scan_free(l.scan);
	if (errors->len != before) {
		config_free(l.config);
		return NULL;
	}
	return l.config;
}

struct config *config_load(const char *path, GPtrArray *errors)
{
	struct config *config = NULL;
	GError *error = NULL;
	gsize len;
	char *text;

	if (!g_file_get_contents(path, &text, &len, &error)) {
		config_error(errors, path, 0,
			     "%s; write one (vgpud.conf(5)), or name yours with --config",
			     error->message);
		g_error_free(error);
		return NULL;
	}
	if (len > FILE_MAX || memchr(text, '\0', len))
		config_error(errors, path, 0,
			     "it is %zu bytes with %s; a configuration is text of at most %u bytes",
			     len, len > FILE_MAX ? "no end" : "a NUL", FILE_MAX);
	else
		config = config_parse(path, text, errors);
	g_free(text);
	return config;
}

