// SPDX-License-Identifier: MIT
/*
 * probe.c - `vgpu-worker --probe`: what can this GPU do?
 *
 * GL is started in this process, which ends at once; the answer goes into the
 * caller's memfd.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/shm.h"
#include "protocol/vgpu_ipc.h"
#include "renderer/renderer.h"
#include "worker/worker.h"

int worker_probe(int fd, const char *render_node, const char *renderer)
{
	struct vgpu_caps *caps = calloc(1, sizeof(*caps)), *map;
	const char *why = "";
	int ret = 0;

	if (!caps)
		return EXIT_FAILURE;
	if (!strcmp(renderer, "null"))
		renderer_null_probe(caps);
	else
		ret = renderer_virgl_probe(render_node, caps, &why);
	if (ret) {
		fprintf(stderr, "vgpu-worker: no 3D on %s: %s (%s)\n",
			*render_node ? render_node : "the CPU renderer", why,
			strerror(-ret));
		free(caps);
		return EXIT_FAILURE;
	}
	map = shm_map(fd, sizeof(*map), true);
	if (!map) {
		fprintf(stderr, "vgpu-worker: --probe: %s\n", strerror(errno));
		free(caps);
		return EXIT_FAILURE;
	}
	memcpy(map, caps, sizeof(*caps));
	shm_unmap(map, sizeof(*map));
	free(caps);
	/* The answer is given; what GL libraries do at exit may spoil the status. */
	_exit(EXIT_SUCCESS);
}
