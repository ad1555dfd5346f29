// SPDX-License-Identifier: MIT
/*
 * run_delay.c - how long a process was ready to run and had no CPU
 */
#include "sched/run_delay.h"

#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

static uint64_t of_thread(int dir, const char *thread)
{
	char path[64], text[128];
	uint64_t delay = 0;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%.32s/schedstat", thread);
	fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* on the CPU, waiting for one, time slices */
	return sscanf(text, "%*u %" SCNu64, &delay) == 1 ? delay : 0;
}

uint64_t run_delay_of(pid_t pid)
{
	uint64_t delay = 0;
	struct dirent *e;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] != '.')
			delay += of_thread(dirfd(dir), e->d_name);
	}
	if (dir)
		closedir(dir);
	return delay;
}
