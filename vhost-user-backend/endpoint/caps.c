// SPDX-License-Identifier: MIT
/*
 * caps.c - what the renderer can do, found out once and frozen
 */
#include "endpoint/caps.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "base/shm.h"
#include "endpoint/spawn.h"
#include "protocol/vgpu_ipc.h"

#define PROBE_TIMEOUT_MS	20000	/* a first start compiles shaders */

static int seal(int fd)
{
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL))
		return -errno;
	return 0;
}

int caps_none(void)
{
	struct vgpu_caps caps = { .magic = VGPU_CAPS_MAGIC };
	int fd = shm_create("vgpu-caps", sizeof(caps));
	int ret = fd;

	if (fd < 0)
		return fd;
	if (pwrite(fd, &caps, sizeof(caps), 0) != sizeof(caps))
		ret = -EIO;
	else
		ret = seal(fd);
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int caps_read(int fd, struct vgpu_caps *caps)
{
	size_t i;

	if (pread(fd, caps, sizeof(*caps), 0) != sizeof(*caps))
		return -EBADMSG;
	if (caps->magic != VGPU_CAPS_MAGIC || caps->count > VGPU_CAPS_MAX ||
	    !memchr(caps->renderer, 0, sizeof(caps->renderer)))
		return -EBADMSG;
	for (i = 0; i < caps->count; i++) {
		if (caps->sets[i].size > VGPU_CAPSET_MAX_SIZE)
			return -EBADMSG;
	}
	return 0;
}

static int wait_for(pid_t pid, int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };
	int status, ret;

	do {
		ret = poll(&p, 1, PROBE_TIMEOUT_MS);
	} while (ret < 0 && errno == EINTR);
	if (ret != 1) {
		log_error("the renderer's probe did not end in %d s",
			  PROBE_TIMEOUT_MS / 1000);
		kill(pid, SIGKILL);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -errno;
	if (ret != 1)
		return -ETIMEDOUT;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return -ENOEXEC;
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : -ENODEV;
}

static int run_probe(const char *worker, const char *render_node,
		     const char *renderer, int fd)
{
	const char *argv[8] = {
		"vgpu-worker", "--probe", G_STRINGIFY(SPAWN_FD),
		"--renderer", renderer,
	};
	struct spawn_config config = {
		.path = worker,
		.argv = argv,
		.fd = fd,
	};
	int pidfd, ret;
	pid_t pid;

	if (render_node && *render_node) {
		argv[5] = "--render-node";
		argv[6] = render_node;
	}
	pid = spawn_worker(&config, &pidfd);
	if (pid < 0)
		return (int)pid;
	ret = wait_for(pid, pidfd);
	close(pidfd);
	return ret;
}

int caps_probe(const char *worker, const char *render_node,
	       const char *renderer)
{
	struct vgpu_caps *caps = g_new(struct vgpu_caps, 1);
	int fd = shm_create("vgpu-caps", sizeof(*caps));
	int ret = fd;

	if (fd >= 0)
		ret = run_probe(worker, render_node, renderer, fd);
	if (!ret)
		ret = seal(fd);
	if (!ret)
		ret = caps_read(fd, caps);
	if (!ret && !caps->count)
		ret = -ENODEV;
	g_free(caps);
	if (ret && fd >= 0)
		close(fd);
	return ret ? ret : fd;
}
