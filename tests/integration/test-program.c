// SPDX-License-Identifier: MIT
/*
 * test-program.c - the back end as a program: how it starts and refuses, what
 * it says of itself, how it is confined. Numbers as in test-weakness.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <glib.h>
#include <json-glib/json-glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/picture.h"
#include "tests/lib/proc.h"
#include "tests/lib/runner.h"

static void show_something(struct fe *fe, uint32_t id)
{
	struct picture *p = picture_new(fe, id,
					VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM,
					64, 48);

	picture_show(p, 0, 0, 0, 64, 48);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
}

/* What was asked for and is not there must end the program at once. */
static void fails_late(void)
{
	struct fe_options opts = {
		.add = "--virgl --render-node=/dev/dri/nonexistent",
		.timeout_ms = 3000,
	};
	struct fe *fe = fe_new(&opts);
	uint64_t features;
	int status;

	g_assert_nonnull(fe);
	g_assert_cmpint(fe_vu_get_u64(fe, VHOST_USER_GET_FEATURES, &features),
			<, 0);
	status = fe_hangup(fe);
	g_assert_true(WIFEXITED(status));
	g_assert_cmpint(WEXITSTATUS(status), !=, 0);
	g_assert_true(fe_log_has(fe, "/dev/dri/nonexistent"));
	end_case(fe);
}

/* Program and arguments of the back end, without those of a connection. */
static char *output_of(const char *arg, int *status)
{
	g_autofree char *line = g_strdup_printf("%s %s", fe_default_backend(),
						arg);
	char *out = NULL;

	g_assert_true(g_spawn_command_line_sync(line, &out, NULL, status,
						NULL));
	return out;
}

static void static_capabilities(void)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autofree char *out = NULL;
	JsonObject *object;
	JsonArray *features;
	guint i;
	int status;

	out = output_of("--print-capabilities", &status);
	g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	g_assert_true(json_parser_load_from_data(parser, out, -1, NULL));
	object = json_node_get_object(json_parser_get_root(parser));
	g_assert_cmpstr(json_object_get_string_member(object, "type"), ==,
			"gpu");
	features = json_object_get_array_member(object, "features");
	for (i = 0; i < json_array_get_length(features); i++)
		if (!strcmp(json_array_get_string_element(features, i),
			    "render-node"))
			g_assert_true(g_file_test("/dev/dri",
						  G_FILE_TEST_IS_DIR));
}

static long status_field(pid_t pid, const char *field)
{
	char path[64], line[256];
	long value = -1;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	g_assert_nonnull(f);
	while (fgets(line, sizeof(line), f))
		if (g_str_has_prefix(line, field))
			value = strtol(line + strlen(field), NULL, 0);
	fclose(f);
	return value;
}

static void no_sandbox(void)
{
	struct fe *fe = begin_case(NULL);
	pid_t pids[16];
	size_t n, i;

	show_something(fe, 1);
	n = proc_tree(fe->pid, pids, 16);
	for (i = 0; i < n; i++) {
		g_assert_cmpint(status_field(pids[i], "NoNewPrivs:"), ==, 1);
		g_assert_cmpint(status_field(pids[i], "Seccomp:"), ==, 2);
	}
	end_case(fe);
}

static void config_offsets(void)
{
	static const uint32_t list[][2] = {
		{ 0, 16 }, { 4, 4 }, { 8, 8 }, { 12, 4 }, { 0, 256 },
		{ 16, 4 }, { 12, 8 }, { 0xfffffff0, 32 }, { 0, 0 },
	};
	struct vhost_user_config config = { 0 };
	struct fe *fe = begin_case(NULL);
	size_t i;
	int ret;

	for (i = 0; i < G_N_ELEMENTS(list); i++) {
		uint32_t size = list[i][1];

		memset(&config, 0xff, sizeof(config));
		config.offset = list[i][0];
		config.size = size;
		config.flags = 0;
		/* clears event bits at most */
		g_assert_cmpint(fe_vu_send(fe, VHOST_USER_SET_CONFIG, 0,
					   &config, 12 + size, NULL, 0),
				==, 0);
		ret = fe_vu_send(fe, VHOST_USER_GET_CONFIG, 0, &config,
				 12 + size, NULL, 0);
		if (!ret)
			ret = fe_vu_reply(fe, VHOST_USER_GET_CONFIG, &config,
					  sizeof(config));
		/* too far: an empty reply, or the end of the connection */
		if (ret < 0) {
			g_assert_cmpuint(list[i][0] + (uint64_t)size, >, 16);
			g_assert_cmpint(fe_free(fe), ==, 0);
			fe = begin_case(NULL);
		}
	}
	g_assert_cmpint(fe_get_config(fe), ==, 0);
	g_assert_cmpuint(fe->config.num_scanouts, <=, 16);
	show_something(fe, 1);
	end_case(fe);
}

/* What a command line must not be. */
static void bad_arguments(void)
{
	static const char *const list[] = {
		"--no-such-option", "--fd=99", "--fd=-1", "--fd=x",
		"--socket-path=", "--socket-path=/nonexistent/dir/s",
		"--fd=0 --socket-path=/tmp/x",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(list); i++) {
		g_autofree char *out = NULL;
		int status;

		out = output_of(list[i], &status);
		g_assert_true(WIFEXITED(status));
		g_assert_cmpint(WEXITSTATUS(status), !=, 0);
	}
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/contrib/16-fails-late", fails_late, 0);
	runner_add("/contrib/19-capabilities", static_capabilities, 0);
	runner_add("/contrib/20-sandbox", no_sandbox, 0);
	runner_add("/contrib/21-config", config_offsets, 0);
	runner_add("/program/bad-arguments", bad_arguments, 0);
	return runner_run();
}
