// SPDX-License-Identifier: MIT
/*
 * config.c - vgpud.conf(5), checked as a whole before any of it is used
 */
#include "broker/config.h"

#include <string.h>
#include <unistd.h>

#include "broker/config_keys.h"
#include "broker/config_scan.h"
#include "sched/policy.h"

#define FILE_MAX	(1 << 20)
#define VMS_MAX		4096

struct loader {
	const char *path;
	struct config_scan *scan;
	GKeyFile *keys;
	GPtrArray *errors;
	struct config *config;
};

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

static char *key_list(const struct config_key *keys)
{
	GString *list = g_string_new(NULL);

	for (; keys->name; keys++) {
		if (list->len)
			g_string_append(list, keys[1].name ? ", " : " and ");
		g_string_append(list, keys->name);
	}
	return g_string_free(list, FALSE);
}

static void load_key(struct loader *l, const char *group, const char *name,
		     const struct config_key *keys, void *to)
{
	unsigned int line = config_scan_line(l->scan, group, name);
	const struct config_key *key;
	char *value, *why;

	for (key = keys; key->name && strcmp(key->name, name); key++)
		;
	if (!key->name) {
		char *list = key_list(keys);

		config_error(l->errors, l->path, line,
			     "there is no setting \"%s\" in [%s]; there are %s",
			     name, group, list);
		g_free(list);
		return;
	}
	/*
	 * As it stands: GLib's own reading of escapes reports two mistakes of
	 * one line over each other, and no setting needs any.
	 */
	value = g_key_file_get_value(l->keys, group, name, NULL);
	if (!value || !g_utf8_validate(value, -1, NULL) || strchr(value, '\\')) {
		config_error(l->errors, l->path, line,
			     "%s can not be read: write UTF-8 without backslashes",
			     name);
		g_free(value);
		return;
	}
	g_strchomp(value);
	why = key->set(to, value);
	if (why)
		config_error(l->errors, l->path, line, "%s: %s", name, why);
	g_free(why);
	g_free(value);
}

static void load_keys(struct loader *l, const char *group,
		      const struct config_key *keys, void *to)
{
	char **names = g_key_file_get_keys(l->keys, group, NULL, NULL), **n;

	for (n = names; n && *n; n++)
		load_key(l, group, *n, keys, to);
	g_strfreev(names);
}

static void load_vm(struct loader *l, const char *group)
{
	unsigned int line = config_scan_line(l->scan, group, NULL);
	char *name = g_strstrip(g_strdup(group + strlen("vm ")));
	struct config_vm *vm;

	if (!config_name_ok(name)) {
		config_error(l->errors, l->path, line,
			     "\"%s\" is no name for a VM; use up to 63 letters, digits, and - _ . after the first",
			     name);
		g_free(name);
		return;
	}
	if (config_find_vm(l->config, name)) {
		config_error(l->errors, l->path, line,
			     "there is a VM %s already; choose another name",
			     name);
		g_free(name);
		return;
	}
	vm = g_new0(struct config_vm, 1);
	*vm = (struct config_vm){
		.name = name,
		.owner = CONFIG_UNCHANGED_ID,
		.group = CONFIG_UNCHANGED_ID,
		.mode = 0660,
		.weight = POLICY_WEIGHT_DEFAULT,
		.outputs = 1,
		.width = 1280,
		.height = 800,
		.virgl = true,
	};
	g_ptr_array_add(l->config->vms, vm);
	load_keys(l, group, config_vm_keys, vm);
	if (!vm->socket)
		vm->socket = g_strdup_printf("%s/%s.sock",
					     l->config->runtime_dir, name);
}

static unsigned int socket_line(struct loader *l, const struct config_vm *vm)
{
	char *group = g_strdup_printf("vm %s", vm->name);
	unsigned int line = config_scan_line(l->scan, group, "socket");

	if (!line)
		line = config_scan_line(l->scan, group, NULL);
	g_free(group);
	return line;
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
			config_error(l->errors, l->path, socket_line(l, vm),
				     "socket %s is %s%s's already; give each its own",
				     vm->socket, strchr(other, ' ') ? "" : "VM ",
				     other);
		else
			g_hash_table_insert(users, vm->socket, vm->name);
	}
	g_hash_table_unref(users);
}

static void load_groups(struct loader *l)
{
	char **groups = g_key_file_get_groups(l->keys, NULL), **g;

	/* first, as VMs' default sockets are in its runtime-dir */
	if (g_key_file_has_group(l->keys, "vgpud"))
		load_keys(l, "vgpud", config_daemon_keys, l->config);
	for (g = groups; *g; g++) {
		if (!strcmp(*g, "vgpud"))
			continue;
		if (g_str_has_prefix(*g, "vm ") &&
		    l->config->vms->len < VMS_MAX)
			load_vm(l, *g);
		else if (g_str_has_prefix(*g, "vm "))
			config_error(l->errors, l->path,
				     config_scan_line(l->scan, *g, NULL),
				     "there are more than %u VMs; one vgpud serves no more",
				     VMS_MAX);
		else
			config_error(l->errors, l->path,
				     config_scan_line(l->scan, *g, NULL),
				     "there is no section [%s]; there are [vgpud] and [vm NAME]",
				     *g);
	}
	g_strfreev(groups);
	check_sockets(l);
}

struct config *config_parse(const char *path, const char *text,
			    GPtrArray *errors)
{
	struct loader l = { .path = path, .errors = errors };
	guint before = errors->len;
	GError *error = NULL;

	l.config = g_new0(struct config, 1);
	l.config->path = g_strdup(path);
	l.config->control_socket = g_strdup("/run/vgpu/control.sock");
	l.config->runtime_dir = g_strdup("/run/vgpu");
	l.config->worker_cpus = g_strdup("");
	l.config->endpoint = find_program("vgpu-endpoint");
	l.config->worker = find_program("vgpu-worker");
	l.config->vms = g_ptr_array_new_with_free_func((GDestroyNotify)
						       config_vm_free);
	l.scan = config_scan(path, text, errors);
	l.keys = g_key_file_new();
	if (errors->len == before) {
		if (g_key_file_load_from_data(l.keys, text, strlen(text),
					      G_KEY_FILE_NONE, &error)) {
			load_groups(&l);
		} else if (!g_error_matches(error, G_KEY_FILE_ERROR,
					    G_KEY_FILE_ERROR_NOT_FOUND)) {
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

struct config_vm *config_vm_copy(const struct config_vm *vm)
{
	struct config_vm *copy = g_new(struct config_vm, 1);

	*copy = *vm;
	copy->name = g_strdup(vm->name);
	copy->socket = g_strdup(vm->socket);
	return copy;
}

void config_vm_free(struct config_vm *vm)
{
	if (!vm)
		return;
	g_free(vm->name);
	g_free(vm->socket);
	g_free(vm);
}

struct config_vm *config_find_vm(const struct config *config, const char *name)
{
	guint i;

	for (i = 0; i < config->vms->len; i++) {
		struct config_vm *vm = g_ptr_array_index(config->vms, i);

		if (!strcmp(vm->name, name))
			return vm;
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
	g_free(config->render_node);
	g_free(config->worker_cpus);
	g_free(config->endpoint);
	g_free(config->worker);
	g_ptr_array_free(config->vms, TRUE);
	g_free(config);
}
