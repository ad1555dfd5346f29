/* SPDX-License-Identifier: MIT */
/*
 * vgpud_fixture.h - a vgpud with real endpoints and no GPU, and its VMs
 */
#ifndef TESTS_INTEGRATION_VGPUD_FIXTURE_H
#define TESTS_INTEGRATION_VGPUD_FIXTURE_H

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "base/fdpass.h"
#include "tests/lib/fe.h"
#include "tests/lib/runner.h"

static char *dir, *config_path, *log_path;
static pid_t vgpud;

static inline void write_config(const char *more)
{
	g_autofree char *text = g_strdup_printf(
		"[vgpud]\nruntime-dir=%s\ncontrol-socket=%s/control\n"
		"renderer=null\n%s", dir, dir, more);

	g_assert_true(g_file_set_contents(config_path, text, -1, NULL));
}

static inline void spawn_vgpud(void)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";
	g_autofree char *program = g_strdup_printf("%s/vgpud", b);
	FILE *log;

	vgpud = fork();
	if (vgpud)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log = freopen(log_path, "a", stderr);
	if (log)
		execl(program, "vgpud", "--config", config_path, NULL);
	_exit(127);
}

static inline bool log_has(const char *text)
{
	g_autofree char *log = NULL;

	return g_file_get_contents(log_path, &log, NULL, NULL) &&
		strstr(log, text);
}

/* Wait until it is so; what never comes fails the case. */
#define UNTIL(condition) do { \
	int tries_; \
	for (tries_ = 0; !(condition); tries_++) { \
		if (tries_ > 1500) \
			g_error("never came: %s", #condition); \
		usleep(10000); \
	} \
} while (0)

static inline void setup(const char *more)
{
	dir = g_dir_make_tmp("vgpu-vgpud-XXXXXX", NULL);
	config_path = g_strdup_printf("%s/vgpud.conf", dir);
	log_path = g_strdup_printf("%s/log", dir);
	write_config(more);
	spawn_vgpud();
	UNTIL(log_has("control socket") ||
	      waitpid(vgpud, NULL, WNOHANG) == vgpud);
}

static inline int socket_count(void)
{
	GDir *d = g_dir_open(dir, 0, NULL);
	const char *name;
	int n = 0;

	while ((name = g_dir_read_name(d))) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		struct stat st;

		n += !lstat(path, &st) && S_ISSOCK(st.st_mode);
	}
	g_dir_close(d);
	return n;
}

/* It ends within two seconds and leaves no socket. */
static inline void stop_vgpud(int signo)
{
	uint64_t began = fe_now_ns();
	int status;

	kill(vgpud, signo);
	g_assert_cmpint(waitpid(vgpud, &status, 0), ==, vgpud);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpuint(fe_now_ns() - began, <, 2000000000);
	g_assert_cmpint(socket_count(), ==, 0);
}

static inline void teardown(void)
{
	g_autofree char *command = g_strdup_printf("rm -rf %s", dir);

	stop_vgpud(SIGTERM);
	g_assert_cmpint(system(command), ==, 0);
	g_free(dir);
	g_free(config_path);
	g_free(log_path);
}

static inline int connect_vm(const char *vm)
{
	g_autofree char *path = g_strdup_printf("%s/%s.sock", dir, vm);

	return fdpass_connect(path, SOCK_STREAM);
}

static inline struct fe *start_vm(const char *vm)
{
	static const struct fe_options opts = { .timeout_ms = 20000 };
	int sock = connect_vm(vm);
	struct fe *fe;

	g_assert_cmpint(sock, >=, 0);
	fe = fe_new_on(&opts, sock);
	g_assert_cmpint(fe_up(fe), ==, 0);
	return fe;
}

static inline bool draws(struct fe *fe)
{
	struct virtio_gpu_resp_display_info info;

	return fe_display_info(fe, &info) == VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

static inline JsonNode *ask(const char *line)
{
	g_autofree char *path = g_strdup_printf("%s/control", dir);
	int sock = fdpass_connect(path, SOCK_STREAM);
	g_autoptr(GString) in = g_string_new(NULL);
	char buf[4096];
	ssize_t n;

	g_assert_cmpint(sock, >=, 0);
	g_assert_cmpint(send(sock, line, strlen(line), 0), >, 0);
	do {
		n = recv(sock, buf, sizeof(buf), 0);
		g_assert_cmpint(n, >, 0);
		g_string_append_len(in, buf, n);
	} while (in->str[in->len - 1] != '\n');
	close(sock);
	return json_from_string(in->str, NULL);
}

/* A number of a VM; -1 if there is no such VM. */
static inline gint64 vm_int(const char *vm, const char *member)
{
	g_autofree char *line = g_strdup_printf(
		"{\"cmd\":\"show\",\"vm\":\"%s\"}\n", vm);
	JsonNode *node = ask(line);
	JsonObject *object = json_node_get_object(node);
	gint64 value = -1;

	if (json_object_has_member(object, "vm"))
		value = json_object_get_int_member(
			json_object_get_object_member(object, "vm"), member);
	json_node_unref(node);
	return value;
}

static inline char *vm_state(const char *vm)
{
	g_autofree char *line = g_strdup_printf(
		"{\"cmd\":\"show\",\"vm\":\"%s\"}\n", vm);
	JsonNode *node = ask(line);
	char *state = g_strdup(json_object_get_string_member(
		json_object_get_object_member(json_node_get_object(node), "vm"),
		"state"));

	json_node_unref(node);
	return state;
}

static inline bool state_is(const char *vm, const char *wanted)
{
	g_autofree char *state = vm_state(vm);

	return !strcmp(state, wanted);
}

static inline void set_weight(const char *vm, int weight)
{
	g_autofree char *line = g_strdup_printf(
		"{\"cmd\":\"set\",\"vm\":\"%s\",\"weight\":%d}\n", vm, weight);

	json_node_unref(ask(line));
	g_assert_cmpint(vm_int(vm, "weight"), ==, weight);
}

/* The CPU that a process may run on; -1: several. */
static inline int cpus_of(pid_t pid)
{
	cpu_set_t set;
	int i;

	g_assert_cmpint(sched_getaffinity(pid, sizeof(set), &set), ==, 0);
	if (CPU_COUNT(&set) != 1)
		return -1;
	for (i = 0; !CPU_ISSET(i, &set); i++)
		;
	return i;
}

static inline int descriptors(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)pid);
	GDir *d = g_dir_open(path, 0, NULL);
	int n = 0;

	while (g_dir_read_name(d))
		n++;
	g_dir_close(d);
	return n;
}

#endif
