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
#include <sys/wait.h>
#include <unistd.h>

#include "tests/lib/proc.h"

#define LINES	8

static pid_t start_perf(const char *pids, const char *file)
{
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

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
	int fd = mkstemp(file), n = 0, status;
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
	usleep(200000);		/* until it has attached */
	work(opaque, ms);
	kill(perf, SIGINT);
	waitpid(perf, &status, 0);
	if (!print_report(file))
		printf("    (no profile: no samples, or perf is not there)\n");
	unlink(file);
}
