/* SPDX-License-Identifier: MIT */
/*
 * uapit.h - what uapit and blobt share: cases, and ioctls that both need
 */
#ifndef TESTS_UML_UAPIT_H
#define TESTS_UML_UAPIT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "guest-driver/vgpu_drm.h"

#define SIDE	64

static const uint32_t nop[1];
static const char path[] = "/dev/dri/renderD128";
static int failures, cases;

static inline void check(const char *name, int ret, int want)
{
	int got = ret < 0 ? errno : 0;

	cases++;
	if (got == want)
		return;
	failures++;
	printf("uapi case failed: %s: got %s, want %s\n", name,
	       got ? strerror(got) : "success",
	       want ? strerror(want) : "success");
}

static inline void check_true(const char *name, bool ok)
{
	cases++;
	if (ok)
		return;
	failures++;
	printf("uapi case failed: %s\n", name);
}

static inline int dev_open(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

static inline int exec(int fd, struct drm_vgpu_execbuffer *e)
{
	return ioctl(fd, DRM_IOCTL_VGPU_EXECBUFFER, e);
}

static const struct drm_vgpu_execbuffer good = {
	.command = (uintptr_t)nop, .size = sizeof(nop), .fence_fd = -1,
};

static inline bool signalled(int fence, int ms)
{
	struct pollfd p = { .fd = fence, .events = POLLIN };

	return poll(&p, 1, ms) == 1 && p.revents & POLLIN;
}

static inline uint32_t texture(int fd)
{
	struct drm_vgpu_resource_create c = {
		.target = 2, .format = 1, .bind = 2, .width = SIDE,
		.height = SIDE, .depth = 1, .array_size = 1,
		.size = SIDE * SIDE * 4,
	};

	check("RESOURCE_CREATE", ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_CREATE, &c),
	      0);
	return c.bo_handle;
}

/* Return: the out-fence, or -1 */
static inline int exec_on(int fd, uint32_t bo, int in)
{
	struct drm_vgpu_execbuffer e = good;

	e.bo_handles = (uintptr_t)&bo;
	e.num_bo_handles = !!bo;
	e.flags = VGPU_EXECBUF_FENCE_FD_OUT;
	if (in >= 0)
		e.flags |= VGPU_EXECBUF_FENCE_FD_IN;
	e.fence_fd = in;
	return exec(fd, &e) ? -1 : e.fence_fd;
}

static inline int gem_close(int fd, uint32_t bo)
{
	struct drm_gem_close c = { .handle = bo };

	return ioctl(fd, DRM_IOCTL_GEM_CLOSE, &c);
}

/* The same object, in another file. */
static inline uint32_t share(int from, uint32_t bo, int to)
{
	struct drm_prime_handle h = {
		.handle = bo, .flags = DRM_CLOEXEC | DRM_RDWR,
	}, g = { 0 };

	check("HANDLE_TO_FD", ioctl(from, DRM_IOCTL_PRIME_HANDLE_TO_FD, &h), 0);
	g.fd = h.fd;
	check("FD_TO_HANDLE", ioctl(to, DRM_IOCTL_PRIME_FD_TO_HANDLE, &g), 0);
	close(h.fd);
	return g.handle;
}

#endif
