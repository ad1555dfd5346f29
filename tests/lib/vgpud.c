// SPDX-License-Identifier: MIT
/*
 * vgpud.c - a vgpud of a test's own: configuration, process, control socket
 */
#include "tests/lib/vgpud.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdpass.h"

#define START_TRIES	1200	/* of 50 ms: a first probe compiles shaders */

static void run(const char *program, const char *config, const char *log)
{
	int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (fd >= 0)
		dup2(fd, 2);
	execl(program, "vgpud", "--config", config, NULL);
	_exit(127);
}

void vgpud_start(struct vgpud *d, const char *keys, const char *vms)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";
	g_autofree char *program = g_strdup_printf("%s/vgpud", b);
	g_autofree char *config = NULL, *text = NULL;
	int tries;

	d->dir = g_dir_make_tmp("vgpu-test-XXXXXX", NULL);
	g_assert_nonnull(d->dir);
	d->control = g_strdup_printf("%s/control", d->dir);
	d->log = g_strdup_printf("%s/log", d->dir);
	config = g_strdup_printf("%s/vgpud.conf", d->dir);
	text = g_strdup_printf("[vgpud]\ncontrol-socket=%s\nruntime-dir=%s\n%s%s",
			       d->control, d->dir, keys, vms);
	g_assert_true(g_file_set_contents(config, text, -1, NULL));
	d->pid = fork();
	if (!d->pid)
		run(program, config, d->log);
	/* it says so when all VMs have their sockets */
	for (tries = 0; !vgpud_log_has(d, "control socket"); tries++) {
		g_autofree char *log = NULL;

		if (!waitpid(d->pid, NULL, WNOHANG) && tries < START_TRIES) {
			usleep(50000);
			continue;
		}
		g_file_get_contents(d->log, &log, NULL, NULL);
		g_error("vgpud does not start: %s", log);
	}
}

void vgpud_stop(struct vgpud *d)
{
	g_autofree char *command = g_strdup_printf("rm -rf %s", d->dir);
	int status;

	kill(d->pid, SIGTERM);
	g_assert_cmpint(waitpid(d->pid, &status, 0), ==, d->pid);
	g_assert_cmpint(status, ==, 0);
	if (g_getenv("VGPU_TEST_LOG")) {
		g_autofree char *log = NULL;

		g_file_get_contents(d->log, &log, NULL, NULL);
		g_printerr("---- vgpud's log\n%s----\n", log);
	}
	g_assert_cmpint(system(command), ==, 0);
	g_free(d->dir);
	g_free(d->control);
	g_free(d->log);
	*d = (struct vgpud){ 0 };
}

char *vgpud_ask_text(struct vgpud *d, const char *line)
{
	int sock = fdpass_connect(d->control, SOCK_STREAM);
	GString *in = g_string_new(NULL);
	char buf[16384];
	ssize_t n;

	g_assert_cmpint(sock, >=, 0);
	g_assert_cmpint(send(sock, line, strlen(line), 0), ==,
			(ssize_t)strlen(line));
	do {
		n = recv(sock, buf, sizeof(buf), 0);
		g_assert_cmpint(n, >, 0);
		g_string_append_len(in, buf, n);
	} while (in->str[in->len - 1] != '\n');
	close(sock);
	return g_string_free(in, FALSE);
}

JsonNode *vgpud_ask(struct vgpud *d, const char *line)
{
	g_autofree char *text = vgpud_ask_text(d, line);
	JsonNode *node = json_from_string(text, NULL);

	g_assert_nonnull(node);
	return node;
}

void vgpud_ok(struct vgpud *d, const char *format, ...)
{
	g_autofree char *line = NULL;
	JsonNode *node;
	va_list ap;

	va_start(ap, format);
	line = g_strdup_vprintf(format, ap);
	va_end(ap);
	node = vgpud_ask(d, line);
	if (!json_object_get_boolean_member(json_node_get_object(node), "ok"))
		g_error("%s: %s", line, json_object_get_string_member(
				json_node_get_object(node), "error"));
	json_node_unref(node);
}

static int64_t seconds(JsonObject *vm, const char *name)
{
	return (int64_t)(1e9 * json_object_get_double_member(vm, name));
}

void vgpud_stats(struct vgpud *d, struct vgpud_vm *vms, size_t n)
{
	JsonNode *node = vgpud_ask(d, "{\"cmd\":\"stats\"}\n");
	JsonArray *all = json_object_get_array_member(
		json_node_get_object(node), "vms");
	size_t i;

	g_assert_cmpuint(json_array_get_length(all), >=, n);
	for (i = 0; i < n; i++) {
		JsonObject *vm = json_array_get_object_element(all, (guint)i);

#define INT(name) json_object_get_int_member(vm, name)
		vms[i] = (struct vgpud_vm){
			.cpu = INT("cpu_ns"), .busy = INT("busy_ns"),
			.jobs = INT("jobs"), .charged = INT("charged_ns"),
			.outside = INT("outside_ns"), .grants = INT("grants"),
			.errors = INT("errors"), .restarts = INT("restarts"),
			.worker = (pid_t)INT("worker_pid"),
			.endpoint = (pid_t)INT("endpoint_pid"),
			.idle = seconds(vm, "idle_seconds"),
			.wait = seconds(vm, "wait_seconds"),
		};
#undef INT
	}
	json_node_unref(node);
}

int vgpud_connect(struct vgpud *d, const char *vm)
{
	g_autofree char *path = g_strdup_printf("%s/%s.sock", d->dir, vm);

	return fdpass_connect(path, SOCK_STREAM);
}

bool vgpud_log_has(struct vgpud *d, const char *text)
{
	g_autofree char *log = NULL;

	return g_file_get_contents(d->log, &log, NULL, NULL) &&
		strstr(log, text);
}

void vgpud_wait_log(struct vgpud *d, const char *text, unsigned int limit_s)
{
	unsigned int tries;

	for (tries = 0; !vgpud_log_has(d, text); tries++) {
		if (tries > 100 * limit_s)
			g_error("vgpud never said \"%s\"", text);
		usleep(10000);
	}
}
