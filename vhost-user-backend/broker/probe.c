// SPDX-License-Identifier: MIT
/*
 * probe.c - what the GPU can do, found out once at the start
 *
 * GL runs in a vgpu-worker that ends; its answer is checked and sealed, and
 * every VM gets the same memfd for as long as this vgpud runs.
 */
#include "broker/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/shm.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/gpu.h"
#include "broker/spawn.h"
#include "protocol/vgpu_ipc.h"

#define PROBE_MS	30000

static char *find_render_node(void)
{
	GDir *dir = g_dir_open("/dev/dri", 0, NULL);
	const char *name;
	char *first = NULL;

	while (dir && (name = g_dir_read_name(dir))) {
		if (!g_str_has_prefix(name, "renderD") ||
		    (first && strcmp(name, first) > 0))
			continue;
		g_free(first);
		first = g_strdup(name);
	}
	if (dir)
		g_dir_close(dir);
	if (first) {
		char *path = g_build_filename("/dev/dri", first, NULL);

		g_free(first);
		return path;
	}
	return g_strdup("");
}

static int run_worker(const struct gpu *gpu, const char *node, int fd)
{
	const struct config *config = gpu->broker->config;
	char *probe = g_strdup_printf("--probe=%d", SPAWN_FD);
	char *render_node = g_strdup_printf("--render-node=%s", node);
	const char *renderer = gpu->config->renderer == CONFIG_NULL ?
		"--renderer=null" : "--renderer=virgl";
	char *argv[] = { config->worker, probe, (char *)renderer,
			 *node ? render_node : NULL, NULL };
	char buf[64];
	int pidfd, status;
	pid_t pid = spawn(config->worker, argv, &fd, 1, &pidfd);

	g_free(probe);
	g_free(render_node);
	if (pid < 0) {
		log_error("%s can not be started: %s; install it, or name yours with worker = in [vgpud]",
			  config->worker, strerror((int)-pid));
		return (int)pid;
	}
	status = spawn_wait(pid, pidfd, PROBE_MS);
	close(pidfd);
	if (!status)
		return 0;
	log_warning("the probe of %s %s", *node ? node : "the CPU renderer",
		    spawn_status(status, buf, sizeof(buf)));
	return -ENODEV;
}

static bool caps_ok(const struct vgpu_caps *caps)
{
	uint32_t i;

	if (caps->magic != VGPU_CAPS_MAGIC || !caps->count ||
	    caps->count > VGPU_CAPS_MAX ||
	    !memchr(caps->renderer, 0, sizeof(caps->renderer)))
		return false;
	for (i = 0; i < caps->count; i++) {
		if (caps->sets[i].size > VGPU_CAPSET_MAX_SIZE)
			return false;
	}
	return true;
}

static int take_caps(struct gpu *gpu, int fd)
{
	struct vgpu_caps *caps = shm_map(fd, sizeof(*caps), false);

	if (!caps)
		return -errno;
	if (!caps_ok(caps)) {
		log_error("the probe's answer makes no sense; are vgpud and vgpu-worker of one build?");
		shm_unmap(caps, sizeof(*caps));
		return -EPROTO;
	}
	gpu->has_3d = true;
	gpu->cpu_renderer = caps->flags & VGPU_CAPS_CPU_RENDERER;
	gpu->renderer_name = g_strdup(caps->renderer);
	shm_unmap(caps, sizeof(*caps));
	return 0;
}

static int probe_node(struct gpu *gpu, const char *node)
{
	int fd = shm_create("vgpu-caps", sizeof(struct vgpu_caps));
	int ret;

	if (fd < 0)
		return fd;
	ret = run_worker(gpu, node, fd);
	/* nobody maps it now: from here on it can not change */
	if (!ret && fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE))
		ret = -errno;
	if (!ret)
		ret = take_caps(gpu, fd);
	if (ret) {
		close(fd);
		return ret;
	}
	gpu->caps_fd = fd;
	gpu->render_node = g_strdup(node);
	log_info("GPU %s: %s on %s%s", gpu->config->name, gpu->renderer_name,
		 *node ? node : "the CPU",
		 gpu->cpu_renderer ? ", scheduled by CPU time" : "");
	return 0;
}

/* No 3D: an empty set, and 2D needs no GPU. */
static int probe_nothing(struct gpu *gpu)
{
	struct vgpu_caps *caps;

	gpu->caps_fd = shm_create("vgpu-caps", sizeof(*caps));
	if (gpu->caps_fd < 0)
		return gpu->caps_fd;
	caps = shm_map(gpu->caps_fd, sizeof(*caps), true);
	if (!caps)
		return -errno;
	caps->magic = VGPU_CAPS_MAGIC;
	shm_unmap(caps, sizeof(*caps));
	gpu->render_node = g_strdup("");
	gpu->renderer_name = g_strdup("none");
	gpu->cpu_renderer = true;
	if (fcntl(gpu->caps_fd, F_ADD_SEALS, F_SEAL_WRITE))
		return -errno;
	log_warning("GPU %s: there is no 3D; VMs get a 2D display. What the probe said is above",
		    gpu->config->name);
	return 0;
}

int probe_gpu(struct gpu *gpu)
{
	const char *wanted = gpu->config->render_node;
	bool null = gpu->config->renderer == CONFIG_NULL;
	char *node = wanted ? g_strdup(wanted) :
		null ? g_strdup("") : find_render_node();
	int ret = probe_node(gpu, node);

	if (ret && *node && !wanted) {
		log_warning("%s is of no use; trying the CPU renderer", node);
		ret = probe_node(gpu, "");
	}
	g_free(node);
	/* what was asked for by name must be there */
	if (ret && wanted && *wanted)
		return ret;
	return ret ? probe_nothing(gpu) : 0;
}
