// SPDX-License-Identifier: MIT
/*
 * test-vgpud-ctl.c - every request that vgpuctl has, to a vgpud that runs
 */
#include "tests/integration/vgpud_fixture.h"

/* Return: exit status; what it prints is @out, and @err */
static int run_ctl(const char *arguments, char **out, char **err)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";
	g_autofree char *command = g_strdup_printf(
		"%s/vgpuctl --socket %s/control %s", b, dir, arguments);
	int status;

	g_assert_true(g_spawn_command_line_sync(command, out, err, &status,
						NULL));
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_vgpuctl(void)
{
	static const struct {
		const char *arguments;
		int status;
		const char *out, *err;	/* what must be in there */
	} runs[] = {
		{ "list", 0, "NAME ", "" },
		{ "list", 0, "\na  ", "" },
		{ "show a", 0, "weight         200\n", "" },
		{ "set b weight=10000", 0, "weight 10000, ", "" },
		{ "top -n 2 -d 0.1", 0, "FPS", "" },
		{ "--json list", 0, "[{\"name\":\"a\"", "" },
		{ "--json show b", 0, "\"weight\":10000", "" },
		{ "--json top -n 1", 0, "\"monotonic_ns\":", "" },
		{ "events", 0, "weight=10000 by pid", "" },
		{ "--json events", 0, "\"event\":\"set\"", "" },
		{ "trace -", 0, "\"traceEvents\":[", "" },
		{ "trace - -t 0.2", 0, "process_name", "" },
		{ "record - -t 0.3 -d 0.1", 0, "\"gpu_ns\":0", "" },
		{ "suspend a for a test", 0, "a: suspended", "" },
		{ "show a", 0, "suspended      for a test, by pid", "" },
		{ "list", 0, "suspended ", "" },
		{ "resume a", 0, "a: idle", "" },
		{ "resume a", 1, "", "not suspended" },
		{ "add d weight=50 cap=25% 3d=false", 0, "d: added", "" },
		{ "show d", 0, " cap=25", "" },
		{ "add d", 1, "", "there is a VM d already" },
		{ "set d cap=none weight=60", 0, "weight 60", "" },
		{ "set d cap=101%", 1, "", "cap" },
		{ "remove d", 0, "d: removed", "" },
		{ "show d", 1, "", "there is no VM \"d\"" },
		{ "show c", 1, "", "there is no VM \"c\"" },
		{ "set c weight=5", 1, "", "there is no VM \"c\"" },
		{ "set b weight=0", 1, "", "from 1 to 10000" },
		{ "set b weight=ten", 1, "", "from 1 to 10000" },
		{ "set b share=1", 1, "", "share" },
		{ "set b", 2, "", "KEY=VALUE" },
		{ "show", 2, "", "name of one VM" },
		{ "list a", 2, "", "no arguments" },
		{ "list -n 3", 2, "", "does not take -n" },
		{ "top -d -1", 2, "", "--help" },
		{ "frobnicate", 2, "", "list, show, set, add" },
		{ "", 2, "", "no command" },
		{ "--socket /nonexistent/s list", 1, "",
		  "no vgpud at /nonexistent/s: is it running?" },
	};
	size_t i;

	setup("[vm a]\nweight=200\n[vm b]\n");
	for (i = 0; i < G_N_ELEMENTS(runs); i++) {
		g_autofree char *out = NULL, *err = NULL;
		int status = run_ctl(runs[i].arguments, &out, &err);

		g_test_message("vgpuctl %s: %d %s", runs[i].arguments, status,
			       err);
		g_assert_cmpint(status, ==, runs[i].status);
		g_assert_nonnull(strstr(out, runs[i].out));
		g_assert_nonnull(strstr(err, runs[i].err));
	}
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/vgpud/vgpuctl", test_vgpuctl, 0);
	return runner_run();
}
