// SPDX-License-Identifier: MIT
/*
 * main.c - vgpu-worker, one VM's device; started by vgpu-endpoint
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "base/log.h"
#include "worker/sandbox.h"
#include "worker/worker.h"

struct options {
	int ipc_fd, probe_fd;
	const char *name, *render_node, *renderer;
};

static void usage(FILE *to)
{
	fprintf(to,
"Usage: vgpu-worker --ipc-fd=N --name=VM\n"
"       vgpu-worker --probe=FD [--render-node=PATH] [--renderer=virgl|null]\n"
"\n"
"The renderer process of one VM. vgpu-endpoint starts it; it is of no use\n"
"by hand.\n"
"\n"
"  --ipc-fd=N          socket to the endpoint\n"
"  --name=VM           for log lines\n"
"  --probe=FD          write what the GPU can do into this memfd and exit\n"
"  --render-node=PATH  GPU to probe (default: surfaceless)\n"
"  --renderer=NAME     virgl (default) or null, which draws nothing\n");
}

/* A descriptor number from the command line; dies of anything else. */
static int parse_fd(const char *option, const char *text)
{
	char *end;
	long fd;

	errno = 0;
	fd = strtol(text, &end, 10);
	if (errno || end == text || *end || fd < 0 || fd > 1 << 20 ||
	    fcntl((int)fd, F_GETFD) < 0) {
		fprintf(stderr, "vgpu-worker: --%s=%s: not an open descriptor\n",
			option, text);
		exit(2);
	}
	fcntl((int)fd, F_SETFD, FD_CLOEXEC);
	return (int)fd;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option longopts[] = {
		{ "ipc-fd", required_argument, NULL, 'i' },
		{ "name", required_argument, NULL, 'n' },
		{ "probe", required_argument, NULL, 'p' },
		{ "render-node", required_argument, NULL, 'r' },
		{ "renderer", required_argument, NULL, 'R' },
		{ "help", no_argument, NULL, 'h' },
		{ }
	};
	int c;

	while ((c = getopt_long(argc, argv, "h", longopts, NULL)) != -1) {
		switch (c) {
		case 'i':
			o->ipc_fd = parse_fd("ipc-fd", optarg);
			break;
		case 'n':
			o->name = optarg;
			break;
		case 'p':
			o->probe_fd = parse_fd("probe", optarg);
			break;
		case 'r':
			o->render_node = optarg;
			break;
		case 'R':
			o->renderer = optarg;
			break;
		case 'h':
			usage(stdout);
			exit(EXIT_SUCCESS);
		default:
			usage(stderr);
			exit(2);
		}
	}
	if (optind < argc || (o->ipc_fd < 0) == (o->probe_fd < 0) ||
	    (strcmp(o->renderer, "virgl") && strcmp(o->renderer, "null"))) {
		usage(stderr);
		exit(2);
	}
}

int main(int argc, char **argv)
{
	struct options o = {
		.ipc_fd = -1, .probe_fd = -1,
		.name = "vm", .render_node = "", .renderer = "virgl",
	};
	int flags;

	parse(argc, argv, &o);
	/* The endpoint's death must not leave a worker behind. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (o.probe_fd >= 0)
		return worker_probe(o.probe_fd, o.render_node, o.renderer);

	log_init("vgpu-worker", o.name);
	/* An interactive Ctrl-C is the endpoint's business. */
	signal(SIGINT, SIG_IGN);
	signal(SIGPIPE, SIG_IGN);
	flags = fcntl(o.ipc_fd, F_GETFL);
	fcntl(o.ipc_fd, F_SETFL, flags | O_NONBLOCK);
	if (sandbox_enter())
		return EXIT_FAILURE;
	return worker_run(o.ipc_fd);
}
