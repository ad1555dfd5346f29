// SPDX-License-Identifier: MIT
/*
 * state.c - weights that were set live, kept for the next vgpud
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
#include "sched/policy.h"

#define GROUP	"weights"

static char *state_path(const struct broker *broker)
{
	return g_build_filename(broker->config->runtime_dir, "vgpud.state",
				NULL);
}

void state_load(struct broker *broker)
{
	char *path = state_path(broker);
	GKeyFile *keys = g_key_file_new();
	GError *error = NULL;
	char **names, **n;

	if (!g_key_file_load_from_file(keys, path, G_KEY_FILE_NONE, &error)) {
		if (!g_error_matches(error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
			log_warning("%s: %s; weights are those of the configuration",
				    path, error->message);
		g_error_free(error);
		goto out;
	}
	names = g_key_file_get_keys(keys, GROUP, NULL, NULL);
	for (n = names; n && *n; n++) {
		int weight = g_key_file_get_integer(keys, GROUP, *n, NULL);

		if (!config_find_vm(broker->config, *n) ||
		    weight < POLICY_WEIGHT_MIN || weight > POLICY_WEIGHT_MAX)
			continue;
		g_hash_table_insert(broker->live_weights, g_strdup(*n),
				    GINT_TO_POINTER(weight));
		log_info("VM %s: weight %d, set while it ran", *n, weight);
	}
	g_strfreev(names);
out:
	g_key_file_free(keys);
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

int state_save(const struct broker *broker)
{
	char *path = state_path(broker), *new = g_strconcat(path, ".new", NULL);
	GString *text = g_string_new("# weights set with vgpuctl\n[" GROUP "]\n");
	GHashTableIter iter;
	gpointer name, weight;
	int ret;

	/* names are plain (config_name_ok), nothing to escape */
	g_hash_table_iter_init(&iter, broker->live_weights);
	while (g_hash_table_iter_next(&iter, &name, &weight))
		g_string_append_printf(text, "%s=%u\n", (char *)name,
				       GPOINTER_TO_UINT(weight));
	ret = write_file(new, text->str, text->len);
	if (!ret && rename(new, path))
		ret = -errno;
	if (ret)
		log_warning("%s: %s; live weights end with this vgpud", path,
			    strerror(-ret));
	g_string_free(text, TRUE);
	g_free(new);
	g_free(path);
	return ret;
}
