// SPDX-License-Identifier: MIT
/*
 * proc.c - reads /proc
 */
#include "tests/lib/proc.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int read_stat(pid_t pid, char *state, pid_t *parent)
{
	char path[64], buf[512], *p;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = 0;
	p = strrchr(buf, ')');	/* the name may hold anything */
	if (!p || sscanf(p + 1, " %c %d", state, parent) != 2)
		return -1;
	return 0;
}

size_t proc_children(pid_t pid, pid_t *out, size_t max)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	size_t n = 0;

	while (dir && n < max && (e = readdir(dir))) {
		pid_t child = (pid_t)atoi(e->d_name), parent;
		char state;

		if (child > 0 && !read_stat(child, &state, &parent) &&
		    parent == pid && state != 'Z')
			out[n++] = child;
	}
	if (dir)
		closedir(dir);
	return n;
}

size_t proc_tree(pid_t pid, pid_t *out, size_t max)
{
	size_t n = 0, i;

	if (!max)
		return 0;
	out[n++] = pid;
	for (i = 0; i < n; i++)
		n += proc_children(out[i], out + n, max - n);
	return n;
}

int proc_count_fds(pid_t pid)
{
	char path[64];
	struct dirent *e;
	int n = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	while ((e = readdir(dir)))
		n += e->d_name[0] != '.';
	closedir(dir);
	/* the one that opendir() had */
	return pid == getpid() ? n - 1 : n;
}

int proc_count_maps(pid_t pid)
{
	char path[64];
	int n = 0, c;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while ((c = getc(f)) != EOF)
		n += c == '\n';
	fclose(f);
	return n;
}

/* The sum of a field of smaps_rollup, -1 where there is none. */
static long rollup(pid_t pid, const char *field)
{
	size_t len = strlen(field);
	char path[64], line[256];
	long sum = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
	f = fopen(path, "re");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, field, len))
			sum += atol(line + len);
	fclose(f);
	return sum;
}

long proc_private_kib(pid_t pid)
{
	/* clean pages of a library turn private when its other users end */
	return rollup(pid, "Private_Dirty:");
}

long proc_pss_kib(pid_t pid)
{
	return rollup(pid, "Pss:");
}

bool proc_maps(pid_t pid, const char *text)
{
	char path[64], line[512];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	f = fopen(path, "re");
	while (f && !found && fgets(line, sizeof(line), f))
		found = strstr(line, text);
	if (f)
		fclose(f);
	return found;
}

uint64_t proc_cpu_us(pid_t pid)
{
	struct timespec t;
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t proc_tree_cpu_us(pid_t pid)
{
	pid_t pids[64];
	size_t n = proc_tree(pid, pids, 64), i;
	uint64_t sum = 0;

	for (i = 0; i < n; i++)
		sum += proc_cpu_us(pids[i]);
	return sum;
}

void proc_name(pid_t pid, char *name, size_t size)
{
	char path[64];
	FILE *f;

	name[0] = 0;
	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "re");
	if (!f)
		return;
	if (fgets(name, (int)size, f))
		name[strcspn(name, "\n")] = 0;
	fclose(f);
}
