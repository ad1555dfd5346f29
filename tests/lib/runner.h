/* SPDX-License-Identifier: MIT */
/*
 * runner.h - runs each test case in a process of its own
 *
 * A case fails if it aborts, crashes, hangs, leaves a descriptor open or a
 * process running. With GLib's options (-p, -s, -l) as in every GTest program.
 */
#ifndef TESTS_LIB_RUNNER_H
#define TESTS_LIB_RUNNER_H

typedef void (*runner_fn)(void);

enum runner_result {
	RUNNER_PASS,
	RUNNER_SKIP,		/* the case called runner_skip() */
	RUNNER_FAIL,		/* an assertion, or a crash */
	RUNNER_TIMEOUT,
	RUNNER_FD_LEAK,
	RUNNER_PROCESS_LEAK,
};

#define RUNNER_TIMEOUT_S	60

/** runner_init() - call first, instead of g_test_init() */
void runner_init(int *argc, char ***argv);
/** runner_add() - a case; @timeout_s 0: RUNNER_TIMEOUT_S */
void runner_add(const char *path, runner_fn fn, unsigned int timeout_s);
/** runner_add_3d() - the same, left out on a back end without 3D */
void runner_add_3d(const char *path, runner_fn fn, unsigned int timeout_s);
/** runner_run() - all cases; the exit status, 77 if all were skipped */
int runner_run(void);

/** runner_skip() - ends a case: it can not run here */
void runner_skip(const char *why) __attribute__((noreturn));

/** runner_one() - run one function as a case; @quiet drops what it prints */
enum runner_result runner_one(runner_fn fn, unsigned int timeout_s, int quiet);

#endif
