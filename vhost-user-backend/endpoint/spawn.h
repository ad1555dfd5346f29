/* SPDX-License-Identifier: MIT */
/*
 * spawn.h - start the worker program
 */
#ifndef ENDPOINT_SPAWN_H
#define ENDPOINT_SPAWN_H

#include <sys/types.h>

#define SPAWN_FD	3	/* where the new program finds its descriptor */

struct spawn_config {
	const char *path;
	const char *const *argv;	/* with argv[0], NULL-terminated */
	int fd;				/* becomes SPAWN_FD; the caller's */
	const char *cpus;		/* CPU list; NULL or "": all */
	unsigned int cpu_threads;	/* of a CPU renderer; 0: its default */
};

/**
 * spawn_worker() - start a program that can not outlive this one
 * @pidfd: set to a descriptor that is readable when it has ended
 *
 * It inherits standard input, output, error and one descriptor, and of the
 * environment only what renderers and sanitizers read. Return: pid, the
 * caller's to reap, or -errno.
 */
pid_t spawn_worker(const struct spawn_config *config, int *pidfd);

#endif
