// SPDX-License-Identifier: MIT
/*
 * fuzz-control.c - a line of any bytes from a control client of vgpud
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/command.h"
#include "broker/config.h"
#include "broker/gpu.h"
#include "broker/live.h"
#include "broker/vm.h"
#include "tests/lib/fuzz.h"

static struct broker broker;
static char *dir;

static void make_broker(void)
{
	GPtrArray *errors = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *text = NULL;
	guint i;

	dir = g_dir_make_tmp("vgpu-fuzz-XXXXXX", NULL);
	text = g_strdup_printf(
		"[vgpud]\ncontrol-socket=%s/c\nruntime-dir=%s\n"
		"[vm a]\nsocket=%s/a\n[vm b]\nsocket=%s/b\nweight=200\n",
		dir, dir, dir, dir);
	broker.config = config_parse("fuzz.conf", text, errors);
	for (i = 0; i < errors->len; i++)
		g_printerr("%s\n", (char *)errors->pdata[i]);
	g_assert_nonnull(broker.config);
	g_ptr_array_free(errors, TRUE);
	broker.loop = event_loop_new();
	broker.vms = g_ptr_array_new();
	broker.gpus = g_ptr_array_new();
	broker.live = live_new();
	for (i = 0; i < broker.config->gpus->len; i++) {
		struct gpu *gpu = gpu_new(&broker, broker.config->gpus->pdata[i]);

		gpu->cpu_renderer = true;
		gpu->render_node = g_strdup("");
		gpu->renderer_name = g_strdup("fuzz\xff");
		g_assert_cmpint(gpu_run(gpu), ==, 0);
	}
	for (i = 0; i < broker.config->vms->len; i++)
		g_assert_nonnull(vm_new(&broker, broker.config->vms->pdata[i],
				       NULL));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ucred peer = { 1, 2, 3 };
	JsonParser *parser;
	char *reply, *line;

	log_set_level(LOG_LEVEL_ERROR);
	if (!broker.loop)
		make_broker();
	/* as control.c has it: a string of that length, no newline in it */
	line = g_strndup((const char *)data, size);
	reply = command_answer(&broker, line, strlen(line), &peer);
	g_free(line);
	parser = json_parser_new();
	g_assert_true(json_parser_load_from_data(parser, reply, -1, NULL));
	g_assert_true(json_object_has_member(
		json_node_get_object(json_parser_get_root(parser)), "ok"));
	g_assert_null(strchr(reply, '\n'));
	g_object_unref(parser);
	g_free(reply);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
int main(int argc, char **argv)
{
	int ret = fuzz_main(argc, argv, LLVMFuzzerTestOneInput, 20000);

	while (broker.vms && broker.vms->len)
		vm_free(g_ptr_array_index(broker.vms, 0));
	if (dir) {
		g_autofree char *state = g_build_filename(dir, "vgpud.state",
							   NULL);

		g_remove(state);
		g_rmdir(dir);
	}
	return ret;
}
#endif
