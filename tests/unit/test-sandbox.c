// SPDX-License-Identifier: MIT
/*
 * test-sandbox.c - what a worker can not do any more, and what it still can
 */
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/shm.h"
#include "worker/sandbox.h"

/* Run in a child, inside. Return: its exit code; -1 if a signal ended it. */
static int inside(int (*fn)(void))
{
	int status;
	pid_t pid = fork();

	g_assert_cmpint(pid, >=, 0);
	if (!pid)
		_exit(sandbox_enter() ? 99 : fn());
	g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

#define DENIED(call, e)	do { \
	errno = 0; \
	if ((long)(call) != -1 || errno != (e)) \
		return __LINE__ & 0xff; \
} while (0)

static int denied(void)
{
	char *const argv[] = { (char *)"true", NULL };

	DENIED(execv("/bin/true", argv), EPERM);
	DENIED(socket(AF_INET, SOCK_STREAM, 0), EAFNOSUPPORT);
	DENIED(socket(AF_INET6, SOCK_DGRAM, 0), EAFNOSUPPORT);
	DENIED(socket(AF_NETLINK, SOCK_RAW, 0), EAFNOSUPPORT);
	DENIED(mount("none", "/tmp", "tmpfs", 0, NULL), EPERM);
	DENIED(syscall(SYS_chroot, "/"), EPERM);
	DENIED(syscall(SYS_bpf, 0, 0, 0), EPERM);
	DENIED(syscall(SYS_keyctl, 0, 0, 0), EPERM);
	DENIED(syscall(SYS_unshare, 0), EPERM);
	DENIED(syscall(SYS_open_by_handle_at, -1, 0, 0), EPERM);
	DENIED(syscall(SYS_perf_event_open, 0, 0, 0, 0, 0), EPERM);
	DENIED(syscall(SYS_process_vm_readv, getppid(), 0, 0, 0, 0, 0), EPERM);
	DENIED(kill(getppid(), 0), EPERM);
#ifndef __SANITIZE_ADDRESS__
	DENIED(fork(), EPERM);
	DENIED(syscall(SYS_ptrace, 0, 0, 0, 0), EPERM);
#endif
	/* what root may do by a capability only */
	DENIED(fchown(shm_create("test", 4096), 1, 1), EPERM);
	return 0;
}

static int unlimited(void)
{
	struct rlimit core;

	return getrlimit(RLIMIT_CORE, &core) || core.rlim_max;
}

static void *thread(void *opaque)
{
	*(int *)opaque = 1;
	return NULL;
}

static int allowed(void)
{
	pthread_t t;
	int ran = 0, fd, pair[2];
	void *code;

	if (pthread_create(&t, NULL, thread, &ran) || pthread_join(t, NULL) ||
	    !ran)
		return 1;
	code = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (code == MAP_FAILED ||
	    mprotect(code, 4096, PROT_READ | PROT_EXEC))
		return 2;
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 3;
	close(fd);
	fd = shm_create("test", 4096);
	if (fd < 0)
		return 4;
	close(fd);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) ||
	    socket(AF_UNIX, SOCK_STREAM, 0) < 0)
		return 5;
	return 0;
}

static int aborts(void)
{
	abort();
}

static void test_denied(void)
{
	g_assert_cmpint(inside(denied), ==, 0);
	g_assert_cmpint(inside(unlimited), ==, 0);
}

static void test_allowed(void)
{
	g_assert_cmpint(inside(allowed), ==, 0);
	g_assert_cmpint(inside(aborts), ==, -1);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sandbox/denied", test_denied);
	g_test_add_func("/sandbox/allowed", test_allowed);
	return g_test_run();
}
