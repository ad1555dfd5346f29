// SPDX-License-Identifier: MIT
/*
 * vtest-bridge.c - unmodified Mesa programs through a vhost-user-gpu back end
 *
 * usage: vtest-bridge [--socket PATH] [--once] [BACK-END COMMAND]
 *
 * Every client of the vtest socket gets a virtual machine of its own: a front
 * end, guest memory and a back end. Programs find it with
 * GALLIUM_DRIVER=virpipe LIBGL_ALWAYS_SOFTWARE=1.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "tests/lib/fe.h"
#include "tests/lib/vtest.h"

#define DEFAULT_SOCKET	"/tmp/.virgl_test"	/* fixed in Mesa 22.3 */

static int serve(int sock, const char *command)
{
	struct fe_options opts = {
		.command = command, .ram_size = 1ul << 30, .no_poison = true,
		.timeout_ms = 120000,
	};
	struct fe *fe = fe_new(&opts);
	struct vtest_gpu *gpu;
	unsigned int errors;
	int ret;

	if (!fe)
		return 1;
	ret = fe_up(fe);
	if (ret || !(fe->acked & 1u << VIRTIO_GPU_F_VIRGL)) {
		fprintf(stderr, "vtest-bridge: back end: %s\n",
			ret ? strerror(-ret) : "no 3D");
		fe_free(fe);
		return 1;
	}
	gpu = vtest_gpu_new(fe, 1);
	ret = vtest_serve(sock, gpu);
	if (ret)
		fprintf(stderr, "vtest-bridge: %s\n", strerror(-ret));
	errors = vtest_gpu_errors(gpu);
	vtest_gpu_free(gpu);
	if (errors)
		fprintf(stderr, "vtest-bridge: %u commands failed\n", errors);
	return fe_free(fe) || errors || ret;
}

static int listen_on(const char *path)
{
	int sock = fdpass_listen(path);

	if (sock < 0) {
		fprintf(stderr, "vtest-bridge: %s: %s\n", path,
			strerror(-sock));
		exit(1);
	}
	fcntl(sock, F_SETFL, 0);	/* accept() waits */
	return sock;
}

/* Clients that ended; return 1 if one of them failed. */
static int reap(int flags)
{
	int status, failed = 0;

	while (waitpid(-1, &status, flags) > 0)
		failed |= !WIFEXITED(status) || WEXITSTATUS(status);
	return failed;
}

static volatile sig_atomic_t stop;

static void on_term(int signo)
{
	stop = 1;
}

int main(int argc, char **argv)
{
	const char *path = DEFAULT_SOCKET, *command = NULL;
	struct sigaction sa = { .sa_handler = on_term };
	int sock, client, i, once = 0, failed = 0;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--once"))
			once = 1;
		else if (!strcmp(argv[i], "--socket") && i + 1 < argc)
			path = argv[++i];
		else
			command = argv[i];
	}
	signal(SIGPIPE, SIG_IGN);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	sock = listen_on(path);
	do {
		client = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
		failed |= reap(WNOHANG);
		if (client < 0)
			continue;
		if (!fork()) {
			close(sock);
			_exit(serve(client, command));
		}
		close(client);
	} while (!stop && !(once && client >= 0));
	close(sock);
	unlink(path);
	return failed | reap(0);
}
