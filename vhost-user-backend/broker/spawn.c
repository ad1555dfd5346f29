// SPDX-License-Identifier: MIT
/*
 * spawn.c - child processes with chosen descriptors
 */
#include "broker/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdpass.h"

extern char **environ;

#define MAX_FDS	4
#define HIGH_FD	16	/* above every number that a child is given */

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;

	sigemptyset(&none);
	sigfillset(&all);
	if (posix_spawnattr_setsigmask(attr, &none) ||
	    posix_spawnattr_setsigdefault(attr, &all) ||
	    posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK |
				     POSIX_SPAWN_SETSIGDEF))
		return -EINVAL;
	return 0;
}

pid_t spawn(const char *path, char *const argv[], const int *fds, size_t nfds,
	    int *pidfd)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attr;
	int high[MAX_FDS] = { -1, -1, -1, -1 };
	pid_t pid = -1;
	size_t i;
	int ret;

	if (nfds > MAX_FDS)
		return -EINVAL;
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attr);
	ret = set_attributes(&attr);
	if (!ret)
		ret = -posix_spawn_file_actions_addopen(&actions, 0,
							"/dev/null", O_RDONLY, 0);
	for (i = 0; i < nfds && !ret; i++) {
		high[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
		ret = high[i] < 0 ? -errno :
			-posix_spawn_file_actions_adddup2(&actions, high[i],
							  SPAWN_FD + (int)i);
	}
	if (!ret)
		ret = -posix_spawn(&pid, path, &actions, &attr, argv, environ);
	fdpass_close(high, nfds);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		return ret;
	/* not reaped yet, so the number is still its own */
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*pidfd < 0) {
		ret = -errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return ret;
	}
	return pid;
}

void spawn_signal(int pidfd, int signo)
{
	if (pidfd >= 0)
		syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0);
}

int spawn_wait(pid_t pid, int pidfd, int timeout_ms)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int status = 0, ret;

	do {
		ret = poll(&p, 1, timeout_ms);
	} while (ret < 0 && errno == EINTR);
	if (ret <= 0)
		spawn_signal(pidfd, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

const char *spawn_status(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "was killed by signal %d",
			 WTERMSIG(status));
	else
		snprintf(buf, size, "exited with status %d",
			 WEXITSTATUS(status));
	return buf;
}
