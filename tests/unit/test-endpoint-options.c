// SPDX-License-Identifier: MIT
/*
 * test-endpoint-options.c - the command line of vgpu-endpoint, CPU lists
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "endpoint/cpulist.h"
#include "endpoint/options.h"
#include "tests/lib/runner.h"

static struct options options;

/* A command line in one string; %s is a stream, %p a SEQPACKET socket. */
static int parse(const char *line)
{
	int stream = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int packet = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	GString *full = g_string_new("vgpu-endpoint ");
	char **argv, **shuffled, number[16];
	int argc, ret;

	g_string_append(full, line);
	snprintf(number, sizeof(number), "%d", stream);
	g_string_replace(full, "%s", number, 0);
	snprintf(number, sizeof(number), "%d", packet);
	g_string_replace(full, "%p", number, 0);
	g_assert_true(g_shell_parse_argv(full->str, &argc, &argv, NULL));
	/* GOption takes away what it knows */
	shuffled = g_memdup2(argv, sizeof(*argv) * ((size_t)argc + 1));
	ret = options_parse(&options, argc, shuffled);
	g_free(shuffled);
	g_strfreev(argv);
	g_string_free(full, TRUE);
	close(stream);
	close(packet);
	return ret;
}

static void refused(const char *line)
{
	g_assert_cmpint(parse(line), ==, -EINVAL);
	options_fini(&options);
}

static void test_good(void)
{
	g_assert_cmpint(parse("--socket-path=/run/a/vm7.sock"), ==, 0);
	g_assert_cmpstr(options.socket_path, ==, "/run/a/vm7.sock");
	g_assert_cmpstr(options.name, ==, "vm7");
	g_assert_cmpint(options.fd, ==, -1);
	g_assert_cmpint(options.broker_fd, ==, -1);
	g_assert_cmpint(options.width, ==, 1280);
	g_assert_cmpint(options.outputs, ==, 0);
	g_assert_null(options.render_node);
	g_assert_nonnull(options.worker);
	g_assert_false(options.virgl || options.once || options.null_renderer);
	options_fini(&options);

	g_assert_cmpint(parse("-f %s --broker-fd=%p -v --renderer=null -n x "
			      "--render-node=none --outputs 16 --width=1 "
			      "--height 16384 --cpus=0-3,6 --cpu-threads=2 "
			      "--memory-max=512M --worker=/w --once"), ==, 0);
	g_assert_true(options.virgl && options.once && options.null_renderer);
	g_assert_cmpstr(options.render_node, ==, "");
	g_assert_cmpstr(options.name, ==, "x");
	g_assert_cmpstr(options.worker, ==, "/w");
	g_assert_cmpuint(options.memory_max, ==, 512u << 20);
	options_fini(&options);
	/* names that would not do as one */
	g_assert_cmpint(parse("-s /.sock"), ==, 0);
	g_assert_cmpstr(options.name, ==, "vm");
	options_fini(&options);
}

static void test_refused(void)
{
	static const char *const lines[] = {
		"", "-s", "--fd", "--fd=x", "--fd=99999999999", "-s a --fd=%s",
		"--fd=%p", "--fd=12345", "-s a --broker-fd=%s",
		"-s a --broker-fd=12345", "-s a b", "-s a --bogus",
		"-s a --outputs=17", "-s a --outputs=-1", "-s a --width=0",
		"-s a --width=16385", "-s a --height=-5", "-s a --name=",
		"-s a --cpus=", "-s a --cpus=x", "-s a --cpu-threads=-1",
		"-s a --cpu-threads=1025", "-s a --memory-max=",
		"-s a --memory-max=-1", "-s a --memory-max=1X",
		"-s a --memory-max=1KB", "-s a --memory-max=99999999999999999T",
		"-s a --renderer=gl",
	};
	char *line;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lines); i++)
		refused(lines[i]);
	line = g_strdup_printf("-s a --name=%0100d", 0);
	refused(line);
	g_free(line);
	line = g_strdup_printf("-s a --render-node=/%0300d", 0);
	refused(line);
	g_free(line);
}

/* Whatever else is there. */
static void test_capabilities(void)
{
	static const char *const lines[] = {
		"--print-capabilities", "--print-capabilities --fd=%s -s x",
		"--bogus --print-capabilities", "--fd=x --print-capabilities",
		"--print-capabilities --memory-max=x word",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(lines); i++) {
		g_assert_cmpint(parse(lines[i]), ==, 0);
		g_assert_true(options.print_capabilities);
		g_assert_nonnull(options.worker);
		options_fini(&options);
	}
	g_assert_cmpint(parse("--version"), ==, 0);
	g_assert_true(options.version);
	options_fini(&options);
}

static void test_cpulist(void)
{
	static const char *const bad[] = {
		"", ",", "1,", ",1", "1-", "-1", "3-1", "1--2", "a", "1 ",
		" 1", "0x1", "1024", "0-1024", "99999999999999999999",
		"1-99999999999999999999", "+1", "1,2-",
	};
	cpu_set_t set;
	size_t i;

	g_assert_cmpint(cpulist_parse("0", &set), ==, 0);
	g_assert_cmpint(CPU_COUNT(&set), ==, 1);
	g_assert_cmpint(cpulist_parse("0-3,6,1023", &set), ==, 0);
	g_assert_cmpint(CPU_COUNT(&set), ==, 6);
	g_assert_true(CPU_ISSET(1023, &set) && CPU_ISSET(6, &set) &&
		      !CPU_ISSET(4, &set));
	for (i = 0; i < G_N_ELEMENTS(bad); i++)
		g_assert_cmpint(cpulist_parse(bad[i], &set), ==, -EINVAL);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/endpoint/options/good", test_good, 0);
	runner_add("/endpoint/options/refused", test_refused, 0);
	runner_add("/endpoint/options/capabilities", test_capabilities, 0);
	runner_add("/endpoint/cpulist", test_cpulist, 0);
	return runner_run();
}
