// SPDX-License-Identifier: MIT
/*
 * spawn.c - start the worker program
 */
#include "endpoint/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "endpoint/cpulist.h"

/* Prefixes of what the worker may see of our environment. */
static const char *const env_prefixes[] = {
	"PATH=", "LANG=", "LC_", "TZ=", "HOME=", "XDG_CACHE_HOME=",
	"JOURNAL_STREAM=", "VGPU_", "VREND_", "VIRGL_", "MESA_", "LIBGL_",
	"GALLIUM_", "LP_", "ST_", "EGL_", "GBM_", "__EGL_", "ASAN_", "UBSAN_",
	"LSAN_", "TSAN_",
};

static bool env_allowed(const char *var)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(env_prefixes); i++) {
		if (g_str_has_prefix(var, env_prefixes[i]))
			return true;
	}
	return false;
}

static char **make_env(const struct spawn_config *config)
{
	GPtrArray *env = g_ptr_array_new();
	char **var;

	for (var = environ; *var; var++) {
		if (config->cpu_threads &&
		    g_str_has_prefix(*var, "LP_NUM_THREADS="))
			continue;
		if (env_allowed(*var))
			g_ptr_array_add(env, g_strdup(*var));
	}
	if (config->cpu_threads)
		g_ptr_array_add(env, g_strdup_printf("LP_NUM_THREADS=%u",
						     config->cpu_threads));
	g_ptr_array_add(env, NULL);
	return (char **)g_ptr_array_free(env, FALSE);
}

/* When memory runs out, the one that can be replaced goes first. */
static void be_first_to_go(void)
{
	int fd = open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
	char now[16] = "";

	if (fd < 0)
		return;
	/* only a wish: nothing depends on it */
	if (read(fd, now, sizeof(now) - 1) > 0 && atoi(now) < 500)
		(void)!write(fd, "500", 3);
	close(fd);
}

/* After fork(), beside GLib's threads: system calls only. */
static void __attribute__((noreturn))
become(const struct spawn_config *config, char **env, const cpu_set_t *cpus,
       pid_t parent)
{
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(127);
	be_first_to_go();
	if (cpus && sched_setaffinity(0, sizeof(*cpus), cpus))
		_exit(126);
	/* dup2() on itself would keep close-on-exec */
	if (config->fd == SPAWN_FD)
		fcntl(SPAWN_FD, F_SETFD, 0);
	else if (dup2(config->fd, SPAWN_FD) < 0)
		_exit(127);
	syscall(SYS_close_range, SPAWN_FD + 1, UINT_MAX, 0);
	execve(config->path, (char *const *)config->argv, env);
	_exit(127);
}

pid_t spawn_worker(const struct spawn_config *config, int *pidfd)
{
	bool confine = config->cpus && *config->cpus;
	pid_t parent = getpid(), pid;
	cpu_set_t cpus;
	char **env;

	if (confine && cpulist_parse(config->cpus, &cpus))
		return -EINVAL;
	env = make_env(config);
	pid = fork();
	if (pid == 0)
		become(config, env, confine ? &cpus : NULL, parent);
	if (pid < 0)
		pid = -errno;
	g_strfreev(env);
	if (pid < 0)
		return pid;
	*pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*pidfd < 0) {
		int ret = -errno;

		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return ret;
	}
	return pid;
}
