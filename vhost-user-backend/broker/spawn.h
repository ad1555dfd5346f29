/* SPDX-License-Identifier: MIT */
/*
 * spawn.h - child processes with chosen descriptors
 */
#ifndef BROKER_SPAWN_H
#define BROKER_SPAWN_H

#include <stddef.h>
#include <sys/types.h>

#define SPAWN_FD	3	/* the child's first descriptor, then 4, ... */

/**
 * spawn() - start a program
 * @fds: become SPAWN_FD, ... of the child; they stay the caller's
 * @pidfd: set to a close-on-exec pidfd
 *
 * Nothing else is inherited but standard output and error. Return: its pid, or
 * -errno.
 */
pid_t spawn(const char *path, char *const argv[], const int *fds, size_t nfds,
	    int *pidfd);

/** spawn_wait() - @timeout_ms for it to end, then SIGKILL. Return: wait status */
int spawn_wait(pid_t pid, int pidfd, int timeout_ms);

/** spawn_signal() - by pidfd; errors mean that it has ended */
void spawn_signal(int pidfd, int signo);

/** spawn_status() - "exited with status 1", "was killed by signal 9" */
const char *spawn_status(int status, char *buf, size_t size);

#endif
