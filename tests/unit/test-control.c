// SPDX-License-Identifier: MIT
/*
 * test-control.c - vgpud's control socket: good clients, and the others
 */
#include <poll.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "tests/unit/control_fixture.h"

/* ---- what can be asked ---- */

static void test_commands(void)
{
	JsonObject *o, *vm;

	setup();
	o = answer("{\"cmd\":\"list\"}", true);
	g_assert_cmpuint(json_array_get_length(
		json_object_get_array_member(o, "vms")), ==, 2);
	json_object_unref(o);

	o = answer(" {\"vm\":\"a\", \"cmd\":\"show\"} ", true);
	vm = json_object_get_object_member(o, "vm");
	g_assert_cmpstr(json_object_get_string_member(vm, "name"), ==, "a");
	g_assert_cmpstr(json_object_get_string_member(vm, "state"), ==, "idle");
	g_assert_cmpint(json_object_get_int_member(vm, "weight"), ==, 200);
	json_object_unref(o);

	o = answer("{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":300}", true);
	vm = json_object_get_object_member(o, "vm");
	g_assert_cmpint(json_object_get_int_member(vm, "weight"), ==, 300);
	json_object_unref(o);
	g_assert_cmpuint(vm_weight(vm_find(&broker, "a")), ==, 300);

	o = answer("{\"cmd\":\"stats\"}", true);
	/* a renderer's name that was no UTF-8 */
	g_assert_true(g_str_has_prefix(json_object_get_string_member(
		o, "renderer"), "no \"GPU\" \\ \n "));
	json_object_unref(o);
	teardown();
}

static const char *const bad_lines[] = {
	"", " ", "{", "}", "[]", "null", "1", "\"list\"", "{}", "{{}}",
	"{\"cmd\"", "{\"cmd\":}", "{\"cmd\":\"\"}", "{\"cmd\":\"reboot\"}",
	"{\"cmd\":1}", "{\"cmd\":null}", "{\"cmd\":[\"list\"]}",
	"{\"cmd\":{\"cmd\":\"list\"}}", "{\"cmd\":\"list\"} x",
	"{\"cmd\":\"list\",\"vm\":\"a\"}", "{\"cmd\":\"show\"}",
	"{\"cmd\":\"show\",\"vm\":\"c\"}", "{\"cmd\":\"show\",\"vm\":1}",
	"{\"cmd\":\"show\",\"vm\":null}", "{\"cmd\":\"show\",\"vm\":[\"a\"]}",
	"{\"cmd\":\"show\",\"vm\":\"a\",\"wieght\":1}",
	"{\"cmd\":\"set\",\"vm\":\"a\"}",
	"{\"cmd\":\"set\",\"weight\":1}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":0}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":-1}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":10001}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":1.5}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":\"5\"}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":true}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":null}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":[5]}",
	"{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":99999999999999999999}",
	"{\"cmd\":\"set\",\"vm\":\"%s%n%n\",\"weight\":5}",
	"{\"cmd\":\"show\",\"vm\":\"\\ud800\"}",
	"\xff\xfe", "{\"cmd\":\"\xc3\x28\"}", "GET / HTTP/1.1",
	"{'cmd':'lost'}",
};

static void test_bad_lines(void)
{
	size_t i;

	setup();
	for (i = 0; i < G_N_ELEMENTS(bad_lines); i++)
		json_object_unref(answer(bad_lines[i], false));
	g_assert_cmpuint(vm_weight(vm_find(&broker, "a")), ==, 200);
	teardown();
}

/* The parser recurses: nesting ends before the stack does. */
static void test_nesting(void)
{
	g_autofree char *deep = g_strnfill(CONTROL_LINE_MAX - 1, '[');
	g_autofree char *objects = NULL;
	GString *text = g_string_new(NULL);
	int i;

	setup();
	json_object_unref(answer(deep, false));
	for (i = 0; i < 10000; i++)
		g_string_append(text, "{\"a\":");
	objects = g_string_free(text, FALSE);
	json_object_unref(answer(objects, false));
	/* brackets in a string are none */
	json_object_unref(answer("{\"cmd\":\"list\",\"[[[[[[[[[[[[[[[[[[[[[[[[\":\"\\\"{{{{{{{{{{{{{{{{{{{{{\"}",
				 false));
	teardown();
}

/* ---- clients ---- */

static void test_one_line_each(void)
{
	static const char line[] = "{\"cmd\":\"show\",\"vm\":\"b\"}\n";
	int fd, i;
	char *reply;

	setup();
	fd = connect_client(control_path);
	/* byte by byte */
	for (i = 0; line[i]; i++) {
		g_assert_cmpint(send(fd, &line[i], 1, 0), ==, 1);
		serve(0);
	}
	reply = read_line(fd);
	json_object_unref(parse_reply(reply, true));
	g_free(reply);
	/* many at once: as many replies, in order */
	for (i = 0; i < 50; i++)
		say(fd, i & 1 ? line : "nonsense\n");
	for (i = 0; i < 50; i++) {
		reply = read_line(fd);
		g_assert_nonnull(reply);
		json_object_unref(parse_reply(reply, i & 1));
		g_free(reply);
	}
	close(fd);
	serve(20);
	teardown();
}

static void send_much(int fd, size_t total, char c)
{
	char buf[4096];

	memset(buf, c, sizeof(buf));
	while (total) {
		ssize_t n = send(fd, buf, MIN(sizeof(buf), total),
				 MSG_NOSIGNAL);

		if (n > 0)
			total -= (size_t)n;
		else if (errno != EAGAIN)
			return;
		serve(0);
	}
}

/* No end of line: dropped at the limit; others are served all the time. */
static void test_endless_line(void)
{
	int fd, good;
	char *reply;

	setup();
	fd = connect_client(control_path);
	good = connect_client(control_path);
	send_much(fd, CONTROL_LINE_MAX - 1, 'x');
	serve(20);
	say(good, "{\"cmd\":\"list\"}\n");
	reply = read_line(good);
	g_assert_nonnull(reply);
	g_free(reply);
	send_much(fd, 100000, 'x');
	g_assert_null(read_line(fd));
	close(fd);
	say(good, "{\"cmd\":\"list\"}\n");
	reply = read_line(good);
	g_assert_nonnull(reply);
	g_free(reply);
	close(good);
	serve(20);
	teardown();
}

/* Asks and never reads: read no more from, then dropped; memory is bounded. */
static void test_does_not_read(void)
{
	static const char line[] = "{\"cmd\":\"stats\"}\n";
	uint64_t began = event_now_ns();
	size_t sent = 0;
	int fd, good;
	char *reply;

	setup();
	fd = connect_client(control_path);
	good = connect_client(control_path);
	for (;;) {
		ssize_t n = send(fd, line, strlen(line), MSG_NOSIGNAL);

		if (n > 0)
			sent += (size_t)n;
		else if (errno != EAGAIN)
			break;
		serve(0);
		g_assert_cmpuint(event_now_ns() - began, <, 30000000000);
	}
	/* socket buffers, and not much more, have been filled */
	g_assert_cmpuint(sent, <, 4 << 20);
	close(fd);
	say(good, line);
	reply = read_line(good);
	g_assert_nonnull(reply);
	g_free(reply);
	close(good);
	serve(20);
	teardown();
}

static void test_many_clients(void)
{
	int fds[CONTROL_CLIENTS_MAX + 20], i, served = 0;

	setup();
	for (i = 0; i < (int)G_N_ELEMENTS(fds); i++) {
		fds[i] = connect_client(control_path);
		serve(0);
	}
	serve(50);
	for (i = 0; i < (int)G_N_ELEMENTS(fds); i++) {
		char *reply = NULL;

		if (send(fds[i], "{}\n", 3, MSG_NOSIGNAL) == 3)
			reply = read_line(fds[i]);
		served += reply != NULL;
		g_free(reply);
	}
	g_assert_cmpint(served, ==, CONTROL_CLIENTS_MAX);
	/* room again when some have gone */
	for (i = 0; i < (int)G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	serve(50);
	for (i = 0; i < 2000; i++) {
		int fd = connect_client(control_path);

		if (i & 1)
			say(fd, "{\"cmd\":\"list\"}\n{\"cmd");
		serve(0);
		close(fd);
	}
	serve(50);
	fds[0] = connect_client(control_path);
	say(fds[0], "{}\n");
	g_free(read_line(fds[0]));
	close(fds[0]);
	serve(20);
	teardown();
}

/* Bytes of chance in pieces of chance, on several connections. */
static void test_garbage(void)
{
	int fd[4], i, k;

	setup();
	for (i = 0; i < 4; i++)
		fd[i] = connect_client(control_path);
	for (i = 0; i < 4000; i++) {
		char buf[64], sink[4096];
		int n = g_test_rand_int_range(1, 64), at = i & 3;

		for (k = 0; k < n; k++)
			buf[k] = "{}[]\":,cmdlist\n\\\xff\0 "[
				g_test_rand_int_range(0, 20)];
		send(fd[at], buf, (size_t)n, MSG_NOSIGNAL);
		serve(0);
		while (recv(fd[at], sink, sizeof(sink), 0) > 0)
			;
	}
	for (i = 0; i < 4; i++)
		close(fd[i]);
	serve(20);
	teardown();
}

/* No descriptor for a new client: it waits, and vgpud does not spin. */
static void test_no_descriptors(void)
{
	struct rlimit old, low;
	uint64_t end;
	int fd, rounds = 0;
	char *reply;

	setup();
	fd = connect_client(control_path);
	g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &old), ==, 0);
	low = old;
	low.rlim_cur = (rlim_t)fd + 1;
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &low), ==, 0);
	say(fd, "{\"cmd\":\"list\"}\n");
	for (end = event_now_ns() + 500000000; event_now_ns() < end; rounds++)
		event_loop_iterate(broker.loop, 50);
	g_assert_cmpint(rounds, <, 100);
	g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &old), ==, 0);
	reply = read_line(fd);
	g_assert_nonnull(reply);
	g_free(reply);
	close(fd);
	serve(20);
	teardown();
}

static void test_rights(void)
{
	struct stat st;

	setup();
	g_assert_cmpint(stat(control_path, &st), ==, 0);
	g_assert_cmpuint(st.st_mode & 07777, ==, 0660);
	/* a second vgpud does not take the socket away */
	g_assert_null(control_new(&broker, control_path));
	g_assert_cmpint(stat(control_path, &st), ==, 0);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	log_set_level(LOG_LEVEL_ERROR);
	runner_add("/broker/control/commands", test_commands, 0);
	runner_add("/broker/control/bad-lines", test_bad_lines, 0);
	runner_add("/broker/control/nesting", test_nesting, 0);
	runner_add("/broker/control/one-line-each", test_one_line_each, 0);
	runner_add("/broker/control/endless-line", test_endless_line, 0);
	runner_add("/broker/control/does-not-read", test_does_not_read, 0);
	runner_add("/broker/control/many-clients", test_many_clients, 0);
	runner_add("/broker/control/garbage", test_garbage, 0);
	runner_add("/broker/control/no-descriptors", test_no_descriptors, 0);
	runner_add("/broker/control/rights", test_rights, 0);
	return runner_run();
}
