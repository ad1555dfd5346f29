// SPDX-License-Identifier: MIT
/*
 * fe_proc.c - makes a front end, and the back end's process with it
 */
#include "tests/lib/fe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/fdpass.h"
#include "tests/lib/proc.h"

#define BACKEND_FD	3

const char *fe_default_backend(void)
{
	const char *command = getenv("VGPU_BACKEND"), *dir = getenv("B");
	static char ours[256];

	if (command && *command)
		return command;
	snprintf(ours, sizeof(ours), "%s/vgpu-endpoint --renderer=null",
		 dir && *dir ? dir : "build");
	return ours;
}

/* The child: descriptors 0 to 2 and, with --fd, 3. Nothing else. */
static void exec_backend(char **argv, int sock, int log_fd)
{
	int null = open("/dev/null", O_RDWR);
	sigset_t none;

	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(null, 0);
	dup2(log_fd, 1);
	dup2(log_fd, 2);
	if (sock >= 0) {
		if (sock == BACKEND_FD)
			fcntl(sock, F_SETFD, 0);
		else
			dup2(sock, BACKEND_FD);
	}
	closefrom(sock >= 0 ? BACKEND_FD + 1 : BACKEND_FD);
	execvp(argv[0], argv);
	dprintf(2, "cannot start %s: %s\n", argv[0], strerror(errno));
	_exit(127);
}

static char **make_argv(struct fe *fe, bool with_fd)
{
	const char *command = fe->opts.command;
	g_autofree char *line = NULL;
	g_autofree char *where = NULL;
	char **argv = NULL;

	if (!command)
		command = fe_default_backend();
	where = with_fd ? g_strdup_printf("--fd=%d", BACKEND_FD) :
			  g_strdup_printf("--socket-path=%s/s", fe->dir);
	line = g_strdup_printf("%s %s %s", command, where,
			       fe->opts.add ? fe->opts.add : "");
	if (!g_shell_parse_argv(line, NULL, &argv, NULL))
		return NULL;
	return argv;
}

/* Wait until the listening socket is there. */
static int connect_path(struct fe *fe)
{
	uint64_t end = fe_now_ns() + (uint64_t)fe->timeout_ms * 1000000;
	char path[80];
	int sock;

	snprintf(path, sizeof(path), "%s/s", fe->dir);
	for (;;) {
		sock = fdpass_connect(path, SOCK_STREAM);
		if (sock >= 0 || fe_now_ns() > end || !fe_alive(fe))
			return sock;
		usleep(5000);
	}
}

int fe_spawn(struct fe *fe)
{
	bool with_fd = !fe->opts.no_fd;
	int pair[2] = { -1, -1 };
	char **argv;

	strcpy(fe->dir, "/tmp/vgpu-test-XXXXXX");
	if (!mkdtemp(fe->dir))
		return -errno;
	fe->log_fd = memfd_create("back-end-log", MFD_CLOEXEC);
	fcntl(fe->log_fd, F_SETFL, O_APPEND);
	argv = make_argv(fe, with_fd);
	if (!argv)
		return -EINVAL;
	if (with_fd &&
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	fe->pid = fork();
	if (fe->pid == 0)
		exec_backend(argv, pair[1], fe->log_fd);
	g_strfreev(argv);
	if (pair[1] >= 0)
		close(pair[1]);
	if (fe->pid < 0) {
		close(pair[0]);
		return -errno;
	}
	fe->sock = with_fd ? pair[0] : connect_path(fe);
	return fe->sock < 0 ? fe->sock : 0;
}

/* Logs of living back ends, shown when an assertion fails. */
static int live_logs[32];

static void dump_logs(int signo)
{
	char buf[4096];
	size_t i;

	for (i = 0; i < 32; i++) {
		off_t at = 0;
		ssize_t n;

		if (!live_logs[i])
			continue;
		dprintf(2, "---- back end's log\n");
		while ((n = pread(live_logs[i], buf, sizeof(buf), at)) > 0) {
			if (write(2, buf, (size_t)n) != n)
				break;
			at += n;
		}
	}
	signal(signo, SIG_DFL);
	raise(signo);
}

static void note_log(int old, int new)
{
	size_t i;

	for (i = 0; i < 32 && live_logs[i] != old; i++)
		;
	if (i < 32)
		live_logs[i] = new;
	signal(SIGABRT, dump_logs);
}

static struct fe *make(const struct fe_options *opts)
{
	struct fe *fe = calloc(1, sizeof(*fe));
	size_t ram;
	int i;

	if (opts)
		fe->opts = *opts;
	fe->sock = fe->channel = fe->log_fd = -1;
	fe->display.sock = fe->display.in_fd = -1;
	fe->timeout_ms = fe->opts.timeout_ms ? fe->opts.timeout_ms : 10000;
	fe->display.offered = fe->opts.display_features ?
			      fe->opts.display_features : 3;
	if (fe->opts.no_display_features || fe->opts.flavour == FE_QEMU_7_2)
		fe->display.offered = 0;
	fe->display.width = 1280;
	fe->display.height = 800;
	fe->display.enabled = 1;
	ram = fe->opts.ram_size ? fe->opts.ram_size : 64u << 20;
	if (fe_ram_init(&fe->ram, ram))
		abort();
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		if (fe_ring_init(fe, (unsigned int)i, fe->opts.queue_size[i] ?
				 fe->opts.queue_size[i] : 1024))
			abort();
	return fe;
}

struct fe *fe_new(const struct fe_options *opts)
{
	struct fe *fe = make(opts);
	int ret = fe_spawn(fe);

	if (ret) {
		g_autofree char *log = fe_log(fe);

		fprintf(stderr, "fe: back end: %s\n%s", strerror(-ret), log);
		fe_free(fe);
		return NULL;
	}
	note_log(0, fe->log_fd);
	return fe;
}

struct fe *fe_new_on(const struct fe_options *opts, int sock)
{
	struct fe *fe = make(opts);

	fe->sock = sock;
	return fe;
}

bool fe_alive(struct fe *fe)
{
	siginfo_t info = { 0 };

	return fe->pid > 0 &&
	       !waitid(P_PID, (id_t)fe->pid, &info,
		       WEXITED | WNOHANG | WNOWAIT) && !info.si_pid;
}

static int wait_end(struct fe *fe, int timeout_ms)
{
	uint64_t end = fe_now_ns() + (uint64_t)timeout_ms * 1000000;
	int status;

	while (waitpid(fe->pid, &status, WNOHANG) != fe->pid) {
		if (fe_now_ns() > end)
			return -ETIMEDOUT;
		usleep(1000);
	}
	fe->pid = 0;
	return status;
}

static void close_connection(struct fe *fe)
{
	fe_display_close(fe);
	if (fe->channel >= 0)
		close(fe->channel);
	if (fe->sock >= 0)
		close(fe->sock);
	fe->sock = fe->channel = -1;
}

int fe_hangup(struct fe *fe)
{
	close_connection(fe);
	return fe->pid > 0 ? wait_end(fe, 5000) : 0;
}

int fe_kill(struct fe *fe, int signo)
{
	if (fe->pid <= 0)
		return -ESRCH;
	kill(fe->pid, signo);
	return wait_end(fe, 5000);
}

/* End the back end kindly, then not; without leaving its children. */
static void end_process(struct fe *fe)
{
	pid_t tree[16];
	size_t n, i;

	if (fe->pid <= 0)
		return;
	n = proc_tree(fe->pid, tree, 16);
	kill(fe->pid, SIGTERM);
	if (wait_end(fe, 3000) != -ETIMEDOUT)
		return;
	fe_fault(fe, "back end did not end on SIGTERM");
	for (i = 0; i < n; i++)
		kill(tree[i], SIGKILL);
	wait_end(fe, 1000);
}

unsigned int fe_free(struct fe *fe)
{
	unsigned int faults;
	char path[80];
	int i;

	if (!fe)
		return 0;
	close_connection(fe);
	end_process(fe);
	if (fe->faults || getenv("VGPU_TEST_LOG")) {
		g_autofree char *log = fe_log(fe);

		fprintf(stderr, "---- back end's log\n%s----\n", log);
	}
	if (fe->log_fd >= 0) {
		note_log(fe->log_fd, 0);
		close(fe->log_fd);
	}
	if (fe->dir[0]) {
		snprintf(path, sizeof(path), "%s/s", fe->dir);
		unlink(path);
		rmdir(fe->dir);
	}
	fe_display_free(fe);
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		fe_ring_free(&fe->ring[i]);
	fe_ram_free(&fe->ram);
	faults = fe->faults;
	free(fe);
	return faults;
}

char *fe_log(struct fe *fe)
{
	struct stat st;
	char *text;
	ssize_t n;

	if (fe->log_fd < 0 || fstat(fe->log_fd, &st))
		return g_strdup("");
	text = g_malloc((size_t)st.st_size + 1);
	n = pread(fe->log_fd, text, (size_t)st.st_size, 0);
	text[n > 0 ? n : 0] = 0;
	return text;
}

bool fe_log_has(struct fe *fe, const char *text)
{
	g_autofree char *log = fe_log(fe);

	return strstr(log, text);
}

pid_t fe_worker(struct fe *fe)
{
	pid_t tree[32];
	size_t n = fe->pid > 0 ? proc_tree(fe->pid, tree, 32) : 0, i;
	char name[32];

	/* the last: below whatever sandbox parent it has */
	for (i = n; i-- > 1;) {
		proc_name(tree[i], name, sizeof(name));
		if (!strncmp(name, "vgpu-worker", 11))
			return tree[i];
	}
	return 0;
}
