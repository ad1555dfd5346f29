// SPDX-License-Identifier: MIT
/*
 * runner.c - a process for each test case, with a watchdog and leak checks
 */
#include "tests/lib/runner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/proc.h"

/* Exit statuses of a case's process. */
#define EXIT_SKIP		77
#define EXIT_FD_LEAK		78
#define EXIT_PROCESS_LEAK	79

struct test_case {
	runner_fn fn;
	unsigned int timeout_s;
};

static unsigned int passed, skipped, failed;

void runner_skip(const char *why)
{
	printf("skipped: %s\n", why);
	fflush(stdout);
	_exit(EXIT_SKIP);
}

static void print_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	char link[64], to[256];
	struct dirent *e;

	while (dir && (e = readdir(dir))) {
		ssize_t n;

		snprintf(link, sizeof(link), "/proc/self/fd/%.20s", e->d_name);
		n = readlink(link, to, sizeof(to) - 1);
		if (n > 0)
			fprintf(stderr, "  fd %s: %.*s\n", e->d_name, (int)n,
				to);
	}
	if (dir)
		closedir(dir);
}

/* Children may need a moment to end after their parent has. */
static bool children_left(void)
{
	pid_t pids[16], pid;
	size_t n, i;
	int tries;

	for (tries = 0; tries < 100; tries++) {
		do {
			pid = waitpid(-1, NULL, WNOHANG);
		} while (pid > 0);
		if (pid < 0 && errno == ECHILD)
			return false;
		usleep(10000);
	}
	n = proc_children(getpid(), pids, 16);
	for (i = 0; i < n; i++) {
		char name[32];

		proc_name(pids[i], name, sizeof(name));
		fprintf(stderr, "  process %d (%s) was left running\n",
			pids[i], name);
	}
	return true;
}

static void run_case(runner_fn fn, unsigned int timeout_s, int quiet)
{
	int before;

	/* what the case starts comes to us when its parent dies */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (quiet) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, 1);
		dup2(null, 2);
		close(null);
	}
	before = proc_count_fds(getpid());
	alarm(timeout_s);
	fn();
	alarm(0);
	fflush(NULL);
	if (children_left())
		_exit(EXIT_PROCESS_LEAK);
	if (proc_count_fds(getpid()) != before) {
		fprintf(stderr, "  %d descriptors before, %d after\n", before,
			proc_count_fds(getpid()));
		print_fds();
		_exit(EXIT_FD_LEAK);
	}
	_exit(0);
}

/* End whatever a failed case left behind: only our own descendants. */
static void end_orphans(void)
{
	pid_t pids[32], pid;
	size_t n, i;
	int tries;

	for (tries = 0; tries < 500; tries++) {
		do {
			pid = waitpid(-1, NULL, WNOHANG);
		} while (pid > 0);
		if (pid < 0)
			return;
		n = proc_children(getpid(), pids, 32);
		for (i = 0; i < n; i++)
			kill(pids[i], SIGKILL);
		usleep(2000);
	}
}

static enum runner_result result_of(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGALRM ? RUNNER_TIMEOUT :
						     RUNNER_FAIL;
	switch (WEXITSTATUS(status)) {
	case 0:
		return RUNNER_PASS;
	case EXIT_SKIP:
		return RUNNER_SKIP;
	case EXIT_FD_LEAK:
		return RUNNER_FD_LEAK;
	case EXIT_PROCESS_LEAK:
		return RUNNER_PROCESS_LEAK;
	}
	return RUNNER_FAIL;
}

enum runner_result runner_one(runner_fn fn, unsigned int timeout_s, int quiet)
{
	enum runner_result result;
	int status;
	pid_t pid;

	prctl(PR_SET_CHILD_SUBREAPER, 1);
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return RUNNER_FAIL;
	if (!pid)
		run_case(fn, timeout_s, quiet);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	result = result_of(status);
	end_orphans();
	return result;
}

static void trampoline(gconstpointer data)
{
	static const char *const names[] = {
		"pass", "skip", "failed", "timed out", "descriptor leak",
		"process leak",
	};
	const struct test_case *c = data;
	enum runner_result result = runner_one(c->fn, c->timeout_s, 0);

	if (result == RUNNER_PASS) {
		passed++;
	} else if (result == RUNNER_SKIP) {
		skipped++;
		g_test_skip("see above");
	} else {
		failed++;
		g_test_message("%s", names[result]);
		fprintf(stderr, "  %s: %s\n", g_test_get_path(),
			names[result]);
		g_test_fail();
	}
}

void runner_init(int *argc, char ***argv)
{
	static char keep_going[] = "-k";
	char **args = g_new0(char *, *argc + 2);
	int i;

	/* one failed case must not hide the rest */
	for (i = 0; i < *argc; i++)
		args[i] = (*argv)[i];
	args[i++] = keep_going;
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	g_test_init(&i, &args, NULL);
	g_free(args);
}

void runner_add(const char *path, runner_fn fn, unsigned int timeout_s)
{
	struct test_case *c = g_new0(struct test_case, 1);

	c->fn = fn;
	c->timeout_s = timeout_s ? timeout_s : RUNNER_TIMEOUT_S;
	g_test_add_data_func_full(path, c, trampoline, g_free);
}

void runner_add_3d(const char *path, runner_fn fn, unsigned int timeout_s)
{
	if (!strstr(fe_default_backend(), "renderer=null"))
		runner_add(path, fn, timeout_s);
}

int runner_run(void)
{
	int ret = g_test_run();

	if (failed)
		return 1;
	return skipped && !passed ? 77 : ret;
}
