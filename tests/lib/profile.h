/* SPDX-License-Identifier: MIT */
/*
 * profile.h - says where a process tree spends its time, with perf
 */
#ifndef TESTS_LIB_PROFILE_H
#define TESTS_LIB_PROFILE_H

#include <sys/types.h>

/**
 * profile_tree() - run work under perf, print the heaviest functions
 *
 * One line for each of a few functions of @pid and its descendants while
 * @work runs. Says so where perf can not be used.
 */
void profile_tree(pid_t pid, unsigned int ms,
		  void (*work)(void *opaque, unsigned int ms), void *opaque);

#endif
