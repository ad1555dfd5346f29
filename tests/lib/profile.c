// SPDX-License-Identifier: MIT
/*
 * profile.c - perf around a piece of work
 */
#include "tests/lib/profile.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/proc.h"

#define LINES	8

static pid_t start_perf(const char *pids, const char *file)
{
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		signal(SIGINT, SIG_DFL);
		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		closefrom(3);
		execlp("perf", "perf", "record", "-q", "-e", "cpu-clock", "-F",
		       "2000", "-p", pids, "-o", file, (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* It has attached when it has written the head of its file. */
static void wait_ready(const char *file)
{
	struct stat st;
	int tries;

	for (tries = 0; tries < 60; tries++) {
		usleep(50000);
		if (!stat(file, &st) && st.st_size > 0)
			break;
	}
	usleep(100000);
}

/* It may not have come as far as to handle a signal: ask again. */
static void end_perf(pid_t perf)
{
	int tries, status;

	for (tries = 0; tries < 50; tries++) {
		kill(perf, tries < 40 ? SIGINT : SIGKILL);
		usleep(100000);
		if (waitpid(perf, &status, WNOHANG) == perf)
			return;
	}
}

static int print_report(const char *file)
{
	char command[160], line[512];
	int n = 0;
	FILE *f;

	snprintf(command, sizeof(command),
		 "perf report -q --stdio --no-children -s comm,dso,sym -i %s "
		 "2>/dev/null", file);
	f = popen(command, "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f) && n < LINES) {
		line[strcspn(line, "\n")] = 0;
		if (!strchr(line, '%'))
			continue;
		printf("    %.100s\n", line + strspn(line, " "));
		n++;
	}
	while (fgets(line, sizeof(line), f))
		;
	pclose(f);
	return n;
}

void profile_tree(pid_t pid, unsigned int ms,
		  void (*work)(void *opaque, unsigned int ms), void *opaque)
{
	char pids[256], file[] = "/tmp/vgpu-perf-XXXXXX";
	int fd = mkstemp(file), n = 0;
	pid_t tree[16], perf;
	size_t i, count;

	if (fd < 0)
		return;
	close(fd);
	count = proc_tree(pid, tree, 16);
	for (i = 0; i < count; i++)
		n += snprintf(pids + n, sizeof(pids) - (size_t)n, "%s%d",
			      i ? "," : "", tree[i]);
	perf = start_perf(pids, file);
	wait_ready(file);
	work(opaque, ms);
	end_perf(perf);
	if (!print_report(file))
		printf("    (no profile: no samples, or perf is not there)\n");
	unlink(file);
}
