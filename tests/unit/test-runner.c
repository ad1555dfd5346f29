// SPDX-License-Identifier: MIT
/*
 * test-runner.c - the test runner: cases that must fail, and do
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/runner.h"

static void good(void)
{
}

static void asserts(void)
{
	g_assert_cmpint(1, ==, 2);
}

static void aborts(void)
{
	abort();
}

static void crashes(void)
{
	raise(SIGSEGV);
}

static void hangs(void)
{
	for (;;)
		pause();
}

static void leaks_fd(void)
{
	if (dup(0) < 0)
		abort();
}

static void closes_fd(void)
{
	close(0);
}

static void leaks_process(void)
{
	if (!fork())
		for (;;)
			pause();
}

/* The child's child outlives its parent. */
static void leaks_orphan(void)
{
	if (!fork()) {
		if (!fork())
			for (;;)
				pause();
		_exit(0);
	}
}

static void skips(void)
{
	runner_skip("this is a test");
}

static void exits(void)
{
	exit(3);
}

static void expect(runner_fn fn, enum runner_result want)
{
	g_assert_cmpint(runner_one(fn, 2, !getenv("RUNNER_VERBOSE")), ==, want);
}

static void test_good(void)
{
	expect(good, RUNNER_PASS);
	expect(skips, RUNNER_SKIP);
}

static void test_failures(void)
{
	expect(asserts, RUNNER_FAIL);
	expect(aborts, RUNNER_FAIL);
	expect(crashes, RUNNER_FAIL);
	expect(exits, RUNNER_FAIL);
	expect(hangs, RUNNER_TIMEOUT);
}

static void test_leaks(void)
{
	expect(leaks_fd, RUNNER_FD_LEAK);
	expect(closes_fd, RUNNER_FD_LEAK);
	expect(leaks_process, RUNNER_PROCESS_LEAK);
	expect(leaks_orphan, RUNNER_PROCESS_LEAK);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/runner/good", test_good);
	g_test_add_func("/runner/failures", test_failures);
	g_test_add_func("/runner/leaks", test_leaks);
	return g_test_run();
}
