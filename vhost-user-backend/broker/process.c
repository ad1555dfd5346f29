// SPDX-License-Identifier: MIT
/*
 * process.c - what the kernel says of a process that another one named
 */
#include "broker/process.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH	4	/* sandboxes put a process or two in between */

pid_t process_of_pidfd(int fd)
{
	char path[64], line[256];
	long pid = -EINVAL;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Pid: %ld", &pid) == 1)
			break;
	}
	fclose(f);
	/* -1: it has been reaped; 0: it is not of our namespace */
	if (pid == -1)
		return -ESRCH;
	return pid ? (pid_t)pid : -EINVAL;
}

static pid_t parent_of(pid_t pid)
{
	char path[64], stat[512];
	const char *end;
	size_t n;
	int ppid;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	n = fread(stat, 1, sizeof(stat) - 1, f);
	fclose(f);
	stat[n] = '\0';
	/* the name in parentheses may contain anything, even parentheses */
	end = strrchr(stat, ')');
	if (!end || sscanf(end + 1, " %*c %d", &ppid) != 1)
		return -EINVAL;
	return (pid_t)ppid;
}

bool process_descends(pid_t pid, pid_t ancestor)
{
	int depth;

	for (depth = 0; depth < MAX_DEPTH && pid > 1; depth++) {
		pid = parent_of(pid);
		if (pid == ancestor)
			return true;
	}
	return false;
}
