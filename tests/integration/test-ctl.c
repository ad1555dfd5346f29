// SPDX-License-Identifier: MIT
/*
 * test-ctl.c - vgpuctl against servers that answer well, badly, or not at all,
 * and on a terminal
 */
#include <errno.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "base/fdpass.h"
#include "tests/lib/runner.h"

static char *dir, *path;
static pid_t server;

/* ---- a server: each line it gets is answered with the same bytes ---- */

static const char *trace_reply;		/* but this one, NULL: the same */

static void answer_all(int sock, const char *reply, size_t len)
{
	GString *line = g_string_new(NULL);
	char c;

	while (recv(sock, &c, 1, 0) == 1) {
		const char *text = reply;
		size_t n = len;

		g_string_append_c(line, c);
		if (c != '\n')
			continue;
		if (trace_reply && strstr(line->str, "\"trace\"")) {
			text = trace_reply;
			n = strlen(text);
		}
		g_string_truncate(line, 0);
		/* what has no end is all it says */
		if (send(sock, text, n, MSG_NOSIGNAL) < 0 || !n ||
		    text[n - 1] != '\n')
			break;
	}
	g_string_free(line, TRUE);
}

static void start_server(const char *reply, size_t len)
{
	int fd;

	dir = g_dir_make_tmp("vgpu-ctl-XXXXXX", NULL);
	path = g_strdup_printf("%s/control", dir);
	fd = fdpass_listen(path);
	g_assert_cmpint(fd, >=, 0);
	server = fork();
	if (server) {
		close(fd);
		return;
	}
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int sock;

		poll(&p, 1, -1);
		sock = accept(fd, NULL, NULL);
		if (sock < 0)
			continue;
		answer_all(sock, reply, len);
		close(sock);
	}
}

static void stop_server(void)
{
	kill(server, SIGKILL);
	waitpid(server, NULL, 0);
	unlink(path);
	g_assert_cmpint(rmdir(dir), ==, 0);
	g_free(path);
	g_free(dir);
}

static char *program(void)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";

	return g_strdup_printf("%s/vgpuctl", b);
}

static int run_ctl(const char *arguments, char **out, char **err)
{
	g_autofree char *vgpuctl = program();
	g_autofree char *command = g_strdup_printf("%s --socket %s %s", vgpuctl,
						   path, arguments);
	int status;

	g_assert_true(g_spawn_command_line_sync(command, out, err, &status,
						NULL));
	if (!WIFEXITED(status))
		g_error("vgpuctl %s: signal %d", arguments, WTERMSIG(status));
	return WEXITSTATUS(status);
}

/* ---- good replies ---- */

#define VM_(name, state, weight, share, memory) \
	"{\"name\":\"" name "\",\"state\":\"" state "\",\"weight\":" #weight \
	",\"share\":" #share ",\"target_share\":0.5,\"memory\":" #memory \
	",\"wait_p50_ms\":0.51,\"wait_p99_ms\":12.5,\"gpu_ns\":5,\"gpu\":\"g\"}"
#define STATS \
	"{\"ok\":true,\"renderer\":\"llvmpipe\",\"cpu_renderer\":true," \
	"\"monotonic_ns\":1000,\"connected\":2,\"next\":1,\"end\":1,\"lost\":0," \
	"\"gpus\":[{\"name\":\"g\",\"renderer\":\"llvmpipe\"}],\"turns\":[]," \
	"\"current\":[],\"events\":[],\"vms\":[" \
	VM_("zeta", "running", 10000, 0.75, 1000) "," \
	VM_("alpha-with-a-long-name", "connected", 100, 0.2, 5000000) "," \
	VM_("mid", "idle", 1, 0.05, 9000) "]}\n"

/* The first names of the rows, in order: "z a m" */
static void assert_order(const char *arguments, const char *a, const char *b,
			 const char *c)
{
	g_autofree char *out = NULL, *err = NULL;
	const char *first, *second, *third;

	g_assert_cmpint(run_ctl(arguments, &out, &err), ==, 0);
	g_assert_cmpstr(err, ==, "");
	first = strstr(out, a);
	second = first ? strstr(first, b) : NULL;
	third = second ? strstr(second, c) : NULL;
	if (!third)
		g_error("%s: not %s %s %s:\n%s", arguments, a, b, c, out);
}

static void test_top_text(void)
{
	g_autofree char *out = NULL, *err = NULL;
	g_auto(GStrv) lines = NULL;
	int i;

	start_server(STATS, strlen(STATS));
	assert_order("top -n 1 -b", "\nzeta", "\nalpha", "\nmid");
	assert_order("top -n 1 -b -S name", "\nalpha", "\nmid", "\nzeta");
	assert_order("top -n 1 -b -S memory", "\nalpha", "\nmid", "\nzeta");
	assert_order("top -n 1 -b -S weight", "\nzeta", "\nalpha", "\nmid");
	g_assert_cmpint(run_ctl("top -n 2 -d 0.05", &out, &err), ==, 0);
	lines = g_strsplit(out, "\n", -1);
	/* a head, titles, three VMs and a blank, twice; eighty columns */
	g_assert_cmpuint(g_strv_length(lines), ==, 13);
	for (i = 0; lines[i]; i++)
		g_assert_cmpuint(strlen(lines[i]), <=, 80);
	g_assert_nonnull(strstr(out, "12.50"));
	g_assert_null(strchr(out, '\033'));
	stop_server();
}

/* ---- bad replies: an error, never a crash, a loop or success ---- */

static const char *const nonsense[] = {
	"", "\n", "x\n", "{\n", "[]\n", "5\n", "null\n", "\"ok\"\n", "{}\n",
	"{\"ok\":1}\n", "{\"ok\":\"true\"}\n", "{\"ok\":false}\n",
	"{\"ok\":false,\"error\":5}\n", "{\"ok\":true", "\xff\xfe\n",
	"HTTP/1.1 400 Bad Request\r\n", "{\"ok\":null}\n",
};

static void test_nonsense(void)
{
	static const char *const commands[] = {
		"list", "show a", "set a weight=5", "top -n 2 -d 0.01",
		"events", "events -f", "trace -", "record - -t 0.1", "resume a",
		"--json list", "--json top -n 1",
	};
	size_t i, k;

	for (i = 0; i < G_N_ELEMENTS(nonsense); i++) {
		start_server(nonsense[i], strlen(nonsense[i]));
		for (k = 0; k < G_N_ELEMENTS(commands); k++) {
			g_autofree char *out = NULL, *err = NULL;
			int status = run_ctl(commands[k], &out, &err);

			if (status != 1 || strlen(err) < 12)
				g_error("%s, %s: %d %s", nonsense[i],
					commands[k], status, err);
		}
		stop_server();
	}
}

/* Objects whose members are not what they should be: any status, no crash. */
static const char *const odd[] = {
	"{\"ok\":true}\n",
	"{\"ok\":true,\"vms\":5}\n",
	"{\"ok\":true,\"vms\":[1,null,[],\"x\",{}],\"vm\":[]}\n",
	("{\"ok\":true,\"vm\":{\"name\":5,\"settings\":{\"a\":[]}},"
	 "\"vms\":[{\"name\":1,\"state\":[],\"weight\":\"x\",\"share\":1e308,"
	 "\"gpu_ns\":1e300,\"memory\":-9223372036854775808,\"gpu\":{}}],"
	 "\"monotonic_ns\":1e300,\"connected\":\"many\",\"renderer\":7}\n"),
	("{\"ok\":true,\"vms\":[{\"name\":\"\\u001b[2J\",\"state\":\"\\u0007\","
	 "\"share\":-1e308,\"target_share\":1e308,\"wait_p99_ms\":1e308,"
	 "\"weight\":9223372036854775807,\"memory\":9223372036854775807}],"
	 "\"monotonic_ns\":-1,\"renderer\":\"\\u001b]0;x\\u0007\"}\n"),
	("{\"ok\":true,\"events\":[{\"event\":5,\"message\":\"\\u001b[31m\"},5],"
	 "\"next\":5,\"end\":5,\"lost\":-1}\n"),
};

static void test_odd(void)
{
	static const char *const commands[] = {
		"show a", "set a weight=5", "remove a", "top -n 2 -d 0.01 -b",
		"events", "--json show a", "suspend a why not",
	};
	size_t i, k;

	for (i = 0; i < G_N_ELEMENTS(odd); i++) {
		start_server(odd[i], strlen(odd[i]));
		for (k = 0; k < G_N_ELEMENTS(commands); k++) {
			g_autofree char *out = NULL, *err = NULL;

			g_assert_cmpint(run_ctl(commands[k], &out, &err), <=, 1);
			/* nothing of theirs steers the terminal */
			if (*commands[k] == 't' || *commands[k] == 'e')
				g_assert_null(strchr(out, '\033'));
		}
		stop_server();
	}
}

static const char *const bad_traces[] = {
	"\"turns\":5,\"vms\":[]", "\"turns\":[5],\"vms\":[]",
	"\"turns\":[[0,1,2,0,0]],\"vms\":[]",
	"\"turns\":[[0,1,2,0]],\"vms\":[\"a\"]",
	"\"turns\":[[0,1,2,0,0,0]],\"vms\":[\"a\"]",
	"\"turns\":[[-1,1,2,0,0]],\"vms\":[\"a\"]",
	"\"turns\":[[0,2,1,0,0]],\"vms\":[\"a\"]",
	"\"turns\":[[0,1,2,5,0]],\"vms\":[\"a\"]",
	"\"turns\":[[0,\"1\",2,0,0]],\"vms\":[\"a\"]",
	"\"turns\":[[0,1.5,2,0,0]],\"vms\":[\"a\"]",
	"\"turns\":[[0,1,2,0,0]],\"vms\":[5]",
	"\"turns\":[[0,1,2,0,0]],\"vms\":{}",
	/* it would be asked again and again */
	"\"turns\":[],\"vms\":[],\"next\":1,\"end\":5",
	"\"turns\":[],\"vms\":[],\"next\":-1,\"end\":0",
};

static void test_bad_traces(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(bad_traces); i++) {
		g_autofree char *reply = g_strdup_printf(
			"{\"ok\":true,\"current\":[],\"gpus\":[],%s}\n",
			bad_traces[i]);
		g_autofree char *out = NULL, *err = NULL;

		start_server(reply, strlen(reply));
		if (run_ctl("trace -", &out, &err) != 1)
			g_error("accepted: %s", bad_traces[i]);
		g_assert_cmpstr(out, ==, "");
		stop_server();
	}
}

/* Of the spans and marks of a trace, those of this name; their first. */
static JsonObject *find_trace(JsonArray *events, const char *name, guint count)
{
	JsonObject *found = NULL;
	guint i, n = 0;

	for (i = 0; i < json_array_get_length(events); i++) {
		JsonObject *o = json_array_get_object_element(events, i);

		if (strcmp(json_object_get_string_member(o, "name"), name))
			continue;
		found = n++ ? found : o;
	}
	g_assert_cmpuint(n, ==, count);
	return found;
}

/* Two GPUs are two processes; a wait ends where its turn begins. */
static void test_trace(void)
{
	static const char reply[] =
		"{\"ok\":true,\"next\":3,\"end\":3,\"lost\":0,\"gpus\":[{\"name\":\"g\","
		"\"renderer\":\"\\\"x\"},{\"name\":\"h\",\"renderer\":\"y\"}],\"events\":["
		"{\"event\":\"set\",\"monotonic_ns\":5000,\"vm\":\"b\",\"message\":\"\\\"\"}],"
		"\"vms\":[" VM_("a", "running", 1, 0.5, 0) ",{\"name\":\"b\",\"gpu\":\"h\"}]}\n";
	static const char turns[] =
		"{\"ok\":true,\"next\":3,\"end\":3,\"lost\":0,"
		"\"turns\":[[0,2000,3500,1500,7],[1,3500,9001,0,1000000]],"
		"\"current\":[[0,9001,9500,0,0]],\"vms\":[\"a\",\"b\"]}\n";
	g_autofree char *out = NULL, *err = NULL;
	JsonArray *events;
	JsonObject *span;
	JsonNode *node;

	trace_reply = turns;
	start_server(reply, strlen(reply));
	g_assert_cmpint(run_ctl("trace -", &out, &err), ==, 0);
	stop_server();
	node = json_from_string(out, NULL);
	g_assert_nonnull(node);
	events = json_object_get_array_member(json_node_get_object(node),
					      "traceEvents");
	span = find_trace(events, "wait", 1);
	g_assert_cmpfloat(json_object_get_double_member(span, "ts"), ==, 0.5);
	g_assert_cmpfloat(json_object_get_double_member(span, "dur"), ==, 1.5);
	span = find_trace(events, "GPU", 3);
	g_assert_cmpfloat(json_object_get_double_member(span, "ts"), ==, 2);
	g_assert_cmpfloat(json_object_get_double_member(span, "dur"), ==, 1.5);
	g_assert_cmpstr(json_object_get_string_member(span, "ph"), ==, "X");
	g_assert_cmpint(json_object_get_int_member(span, "pid"), ==, 1);
	span = find_trace(events, "set", 1);
	g_assert_cmpint(json_object_get_int_member(span, "pid"), ==, 2);
	g_assert_cmpfloat(json_object_get_double_member(span, "ts"), ==, 5);
	find_trace(events, "thread_name", 2);
	find_trace(events, "process_name", 2);
	json_node_unref(node);
}

static void test_files(void)
{
	g_autofree char *out = NULL, *err = NULL;

	start_server(STATS, strlen(STATS));
	g_assert_cmpint(run_ctl("trace /nonexistent/x", &out, &err), ==, 1);
	g_assert_nonnull(strstr(err, "/nonexistent/x"));
	g_clear_pointer(&out, g_free);
	g_clear_pointer(&err, g_free);
	g_assert_cmpint(run_ctl("record /nonexistent/x", &out, &err), ==, 1);
	g_assert_nonnull(strstr(err, "/nonexistent/x"));
	g_clear_pointer(&out, g_free);
	g_clear_pointer(&err, g_free);
	g_assert_cmpint(run_ctl("record /dev/full -t 1", &out, &err), ==, 1);
	g_clear_pointer(&out, g_free);
	g_clear_pointer(&err, g_free);
	g_assert_cmpint(run_ctl("plot /nonexistent/x -", &out, &err), ==, 1);
	stop_server();
}

/*
 * Lines that come without a request are shown as they come, until it is ended;
 * what a guest has a say in is shown as text.
 */
static void test_follow(void)
{
	static const char reply[] =
		"{\"ok\":true,\"events\":[],\"next\":1,\"end\":1,\"lost\":0}\n"
		"{\"ok\":true,\"events\":[{\"id\":1,\"time\":\"2026-11-20T18:00:00.000Z\","
		"\"event\":\"hung\",\"vm\":\"a\",\"message\":\"by \\u001b[31mgears\"}],"
		"\"next\":2,\"lost\":0}\n";
	g_autofree char *vgpuctl = program(), *command = NULL;
	g_autofree char *out = NULL, *err = NULL;
	int status;

	start_server(reply, strlen(reply));
	command = g_strdup_printf("timeout 1 %s --socket %s events --follow",
				  vgpuctl, path);
	g_assert_true(g_spawn_command_line_sync(command, &out, &err, &status,
						NULL));
	g_assert_cmpint(WEXITSTATUS(status), ==, 124);
	g_assert_cmpstr(err, ==, "");
	g_assert_nonnull(strstr(out, "2026-11-20T18:00:00.000Z hung"));
	g_assert_nonnull(strstr(out, "by ?[31mgears\n"));
	stop_server();
}

static void test_usage(void)
{
	static const char *const bad[] = {
		"set a", "set a weight", "set a =5", "set a weight=1 weight=2",
		"set a cmd=list", "set a vm=b", "add", "remove", "remove a b",
		"suspend", "resume", "events x", "trace", "trace a b", "record",
		"plot", "plot a", "plot a b c", "top -S speed", "top x",
		"list -b", "top --follow", "list --force", "events -t 5",
		"record x -t -1", "record x -d nan", "plot -d 1 a b",
	};
	size_t i;

	start_server(STATS, strlen(STATS));
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *out = NULL, *err = NULL;

		if (run_ctl(bad[i], &out, &err) != 2)
			g_error("accepted: %s", bad[i]);
		g_assert_nonnull(strstr(err, "; see vgpuctl --help\n"));
	}
	stop_server();
}

/* ---- on a terminal ---- */

struct terminal {
	pid_t pid;
	int fd;
	GString *out;
};

static void start_terminal(struct terminal *t, const char *type,
			   unsigned short columns)
{
	struct winsize size = { .ws_row = 24, .ws_col = columns };
	g_autofree char *vgpuctl = program();

	t->out = g_string_new(NULL);
	t->pid = forkpty(&t->fd, NULL, NULL, &size);
	g_assert_cmpint(t->pid, >=, 0);
	if (t->pid)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	setenv("TERM", type, 1);
	execl(vgpuctl, "vgpuctl", "--socket", path, "top", "-d", "0.2", NULL);
	_exit(127);
}

/* What it writes goes to t->out until @text is in it, or it has ended. */
static bool read_until(struct terminal *t, const char *text)
{
	gint64 end = g_get_monotonic_time() + 10000000;
	char buf[4096];

	while (!text || !strstr(t->out->str, text)) {
		struct pollfd p = { .fd = t->fd, .events = POLLIN };
		ssize_t n;

		if (g_get_monotonic_time() > end)
			g_error("never came: %s in %s", text, t->out->str);
		poll(&p, 1, 100);
		if (!p.revents)
			continue;
		n = read(t->fd, buf, sizeof(buf));
		if (n <= 0)
			return false;
		g_string_append_len(t->out, buf, n);
	}
	return true;
}

static void press(struct terminal *t, const char *keys)
{
	g_string_truncate(t->out, 0);
	g_assert_cmpint(write(t->fd, keys, strlen(keys)), ==,
			(ssize_t)strlen(keys));
}

static int end_terminal(struct terminal *t)
{
	int status;

	read_until(t, NULL);
	g_assert_cmpint(waitpid(t->pid, &status, 0), ==, t->pid);
	close(t->fd);
	g_string_free(t->out, TRUE);
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_terminal(void)
{
	struct terminal t;

	start_server(STATS, strlen(STATS));
	start_terminal(&t, "xterm", 80);
	g_assert_true(read_until(&t, "by share"));
	g_assert_nonnull(strstr(t.out->str, "zeta"));
	g_assert_nonnull(strstr(t.out->str, "\033[?1049h"));
	press(&t, "m");
	g_assert_true(read_until(&t, "memory"));
	press(&t, "m");
	g_assert_true(read_until(&t, "reversed"));
	press(&t, "?");
	g_assert_true(read_until(&t, "any key goes back"));
	press(&t, "x\033[B\033[A +-Z~\001\177");
	g_assert_true(read_until(&t, "zeta"));
	press(&t, "q");
	g_assert_cmpint(end_terminal(&t), ==, 0);
	/* narrower than a row, and with room for nothing */
	start_terminal(&t, "xterm", 3);
	g_assert_true(read_until(&t, "NAM"));
	press(&t, "q");
	g_assert_cmpint(end_terminal(&t), ==, 0);
	stop_server();
}

/* vgpud ends: the terminal is as it was, then it is said. */
static void test_terminal_error(void)
{
	const char *back, *said;
	struct terminal t;
	int status;

	start_server(STATS, strlen(STATS));
	start_terminal(&t, "xterm", 80);
	g_assert_true(read_until(&t, "by share"));
	kill(server, SIGKILL);
	g_assert_false(read_until(&t, NULL));
	back = strstr(t.out->str, "\033[?1049l");
	said = strstr(t.out->str, "vgpuctl: vgpud at");
	g_assert_nonnull(back);
	g_assert_nonnull(said);
	g_assert_true(back < said);
	g_assert_cmpint(waitpid(t.pid, &status, 0), ==, t.pid);
	g_assert_cmpint(WEXITSTATUS(status), ==, 1);
	close(t.fd);
	g_string_free(t.out, TRUE);
	stop_server();
}

/* A terminal that can do nothing, or that nobody knows, gets text. */
static void test_terminal_unknown(void)
{
	struct terminal t;

	start_server(STATS, strlen(STATS));
	start_terminal(&t, "no-such-terminal", 80);
	g_assert_true(read_until(&t, "zeta"));
	g_assert_null(strchr(t.out->str, '\033'));
	kill(t.pid, SIGKILL);
	read_until(&t, NULL);
	waitpid(t.pid, NULL, 0);
	close(t.fd);
	g_string_free(t.out, TRUE);
	stop_server();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/ctl/top-text", test_top_text, 0);
	runner_add("/ctl/nonsense", test_nonsense, 0);
	runner_add("/ctl/odd", test_odd, 0);
	runner_add("/ctl/bad-traces", test_bad_traces, 0);
	runner_add("/ctl/trace", test_trace, 0);
	runner_add("/ctl/files", test_files, 0);
	runner_add("/ctl/follow", test_follow, 0);
	runner_add("/ctl/usage", test_usage, 0);
	runner_add("/ctl/terminal", test_terminal, 0);
	runner_add("/ctl/terminal-error", test_terminal_error, 0);
	runner_add("/ctl/terminal-unknown", test_terminal_unknown, 0);
	return runner_run();
}
