/* SPDX-License-Identifier: MIT */
/*
 * control_fixture.h - a broker with two VMs and no GPU, for tests of what its
 * clients see
 */
#ifndef TESTS_UNIT_CONTROL_FIXTURE_H
#define TESTS_UNIT_CONTROL_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <json-glib/json-glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/command.h"
#include "broker/config.h"
#include "broker/control.h"
#include "broker/events.h"
#include "broker/trace.h"
#include "broker/gpu.h"
#include "broker/live.h"
#include "broker/vm.h"
#include "sched/arbiter.h"
#include "tests/lib/runner.h"

static struct broker broker;
static char *dir, *control_path;

static void on_event_posted(void *opaque)
{
	control_posted(broker.control);
}

static void setup(void)
{
	g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);
	g_autofree char *text = NULL;
	guint i;

	dir = g_dir_make_tmp("vgpu-control-XXXXXX", NULL);
	control_path = g_strdup_printf("%s/control", dir);
	text = g_strdup_printf("[vgpud]\nruntime-dir=%s\n[vm a]\nweight=200\n"
			       "[vm b]\n", dir);
	broker = (struct broker){ 0 };
	broker.config = config_parse("f", text, errors);
	g_assert_nonnull(broker.config);
	broker.loop = event_loop_new();
	broker.started_ns = event_now_ns();
	broker.events = events_new(on_event_posted, NULL);
	broker.trace = trace_new();
	broker.vms = g_ptr_array_new();
	broker.gpus = g_ptr_array_new();
	broker.live = live_new();
	for (i = 0; i < broker.config->gpus->len; i++) {
		struct gpu *gpu = gpu_new(&broker, broker.config->gpus->pdata[i]);

		gpu->cpu_renderer = true;
		gpu->render_node = g_strdup("");
		gpu->renderer_name = g_strdup("no \"GPU\" \\ \n \xff");
		g_assert_cmpint(gpu_run(gpu), ==, 0);
	}
	for (i = 0; i < broker.config->vms->len; i++)
		g_assert_nonnull(vm_new(&broker, broker.config->vms->pdata[i],
				       NULL));
	broker.control = control_new(&broker, control_path);
	g_assert_nonnull(broker.control);
}

static void teardown(void)
{
	g_autofree char *state = g_strdup_printf("%s/vgpud.state", dir);

	control_free(broker.control);
	while (broker.vms->len)
		vm_free(broker.vms->pdata[0]);
	gpus_stop(&broker);
	events_free(broker.events);
	trace_free(broker.trace);
	event_loop_free(broker.loop);
	g_ptr_array_free(broker.vms, TRUE);
	live_free(broker.live);
	g_ptr_array_free(broker.gpus, TRUE);
	config_free(broker.config);
	unlink(state);
	/* sockets are gone, so the directory is empty */
	g_assert_cmpint(rmdir(dir), ==, 0);
	g_free(control_path);
	g_free(dir);
}

static inline void serve(int ms)
{
	uint64_t end = event_now_ns() + (uint64_t)ms * 1000000;

	do {
		event_loop_iterate(broker.loop, 1);
	} while (event_now_ns() < end);
}

static inline int connect_client(const char *path)
{
	int fd = fdpass_connect(path, SOCK_STREAM);

	g_assert_cmpint(fd, >=, 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

static inline void say(int fd, const char *text)
{
	g_assert_cmpint(send(fd, text, strlen(text), MSG_NOSIGNAL), ==,
			(ssize_t)strlen(text));
}

/* All until the other side closes, while it is served. */
static inline char *read_all(int fd)
{
	GString *all = g_string_new(NULL);
	uint64_t end = event_now_ns() + 10000000000;
	char buf[4096];

	for (;;) {
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		g_assert_cmpuint(event_now_ns(), <, end);
		if (n < 0 && errno == EAGAIN) {
			event_loop_iterate(broker.loop, 1);
			continue;
		}
		if (n <= 0)
			return g_string_free(all, FALSE);
		g_string_append_len(all, buf, n);
	}
}

/* A line without its end, NULL when the connection was closed. */
static inline char *read_line(int fd)
{
	GString *line = g_string_new(NULL);
	uint64_t end = event_now_ns() + 10000000000;
	char c;

	for (;;) {
		ssize_t n = recv(fd, &c, 1, 0);

		g_assert_cmpuint(event_now_ns(), <, end);
		if (n < 0 && errno == EAGAIN) {
			event_loop_iterate(broker.loop, 1);
			continue;
		}
		if (n <= 0) {
			g_string_free(line, TRUE);
			return NULL;
		}
		if (c == '\n')
			return g_string_free(line, FALSE);
		g_string_append_c(line, c);
	}
}

/* The object of a reply; every reply is one, with "ok". */
static inline JsonObject *parse_reply(const char *reply, bool ok)
{
	JsonNode *node = json_from_string(reply, NULL);
	JsonObject *object;

	g_assert_nonnull(node);
	g_assert_true(JSON_NODE_HOLDS_OBJECT(node));
	object = json_object_ref(json_node_get_object(node));
	json_node_unref(node);
	g_assert_cmpint(json_object_get_boolean_member(object, "ok"), ==, ok);
	if (!ok)
		g_assert_cmpuint(strlen(json_object_get_string_member(
			object, "error")), >, 10);
	return object;
}

static inline JsonObject *answer(const char *line, bool ok)
{
	static const struct ucred peer = { .pid = 1 };
	g_autofree char *reply = command_answer(&broker, line, strlen(line),
						&peer);

	g_assert_null(strchr(reply, '\n'));
	return parse_reply(reply, ok);
}

#endif
