// SPDX-License-Identifier: MIT
/*
 * state.c - what was done live, kept for the next vgpud
 *
 * A key file. Of a VM: [set NAME] has what was set, [was NAME] what the
 * configuration said then, [add NAME] what it was added with, and [vm NAME]
 * where it is and why it is suspended.
 */
#include "broker/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/config_keys.h"
#include "broker/live.h"

static char *state_path(const struct broker *broker)
{
	return g_build_filename(broker->config->runtime_dir, "vgpud.state",
				NULL);
}

static void load_keys(GKeyFile *file, const char *group, GHashTable *to)
{
	char **names = g_key_file_get_keys(file, group, NULL, NULL), **n;

	for (n = names; n && *n; n++) {
		char *value = g_key_file_get_string(file, group, *n, NULL);

		if (value)
			g_hash_table_insert(to, g_strdup(*n), value);
	}
	g_strfreev(names);
}

static void load_group(struct live *live, GKeyFile *file, const char *group)
{
	const char *name = strchr(group, ' ');
	struct live_vm *v;

	if (!name || !config_name_ok(name + 1))
		return;
	v = live_vm(live, name + 1, TRUE);
	if (g_str_has_prefix(group, "set ")) {
		load_keys(file, group, v->set);
	} else if (g_str_has_prefix(group, "was ")) {
		load_keys(file, group, v->was);
	} else if (g_str_has_prefix(group, "add ")) {
		if (!v->added)
			v->added = live_keys_new();
		load_keys(file, group, v->added);
	} else if (g_str_has_prefix(group, "vm ")) {
		g_free(v->gpu);
		v->gpu = g_key_file_get_string(file, group, "gpu", NULL);
		g_free(v->suspended);
		v->suspended = g_key_file_get_string(file, group, "suspended",
						     NULL);
	}
}

void state_load(struct broker *broker)
{
	char *path = state_path(broker);
	GKeyFile *file = g_key_file_new();
	GError *error = NULL;
	char **groups, **g;

	if (g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, &error)) {
		groups = g_key_file_get_groups(file, NULL);
		for (g = groups; *g; g++)
			load_group(broker->live, file, *g);
		g_strfreev(groups);
	} else {
		if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			log_warning("%s: %s; everything is as the configuration says",
				    path, error->message);
		g_error_free(error);
	}
	g_key_file_free(file);
	g_free(path);
}

static int write_file(const char *path, const char *text, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC |
		      O_NOFOLLOW, 0644);
	int ret = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		ret = -EIO;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static void save_keys(GKeyFile *file, const char *kind, const char *name,
		      GHashTable *keys)
{
	char *group = g_strdup_printf("%s %s", kind, name);
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, keys);
	while (g_hash_table_iter_next(&iter, &key, &value))
		g_key_file_set_string(file, group, key, value);
	g_free(group);
}

static void save_vm(GKeyFile *file, const char *name, const struct live_vm *v)
{
	char *group = g_strdup_printf("vm %s", name);

	if (v->gpu)
		g_key_file_set_string(file, group, "gpu", v->gpu);
	if (v->suspended)
		g_key_file_set_string(file, group, "suspended", v->suspended);
	g_free(group);
	save_keys(file, "set", name, v->set);
	save_keys(file, "was", name, v->was);
	if (!v->added)
		return;
	/* an empty table is an added VM too */
	group = g_strdup_printf("add %s", name);
	g_key_file_set_string(file, group, "profile", "none");
	g_free(group);
	save_keys(file, "add", name, v->added);
}

int state_save(const struct broker *broker)
{
	char *path = state_path(broker), *new = g_strconcat(path, ".new", NULL);
	GKeyFile *file = g_key_file_new();
	GList *names = live_names(broker->live), *n;
	gsize len;
	char *text;
	int ret;

	for (n = names; n; n = n->next)
		save_vm(file, n->data, live_vm(broker->live, n->data, FALSE));
	g_list_free(names);
	text = g_key_file_to_data(file, &len, NULL);
	ret = write_file(new, text, len);
	if (!ret && rename(new, path))
		ret = -errno;
	if (ret)
		log_warning("%s: %s; what is set live ends with this vgpud",
			    path, strerror(-ret));
	g_free(text);
	g_key_file_free(file);
	g_free(new);
	g_free(path);
	return ret;
}
