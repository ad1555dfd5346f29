// SPDX-License-Identifier: MIT
/*
 * loadt.c - keeps a virtio GPU busy through its ioctls until it is killed or
 * the device goes away
 *
 * usage: loadt mix|flood 2d|3d [DEVICE]
 *
 * mix: objects, transfers, commands, fences, mappings, in turn. flood: as many
 * transfers as the ring takes, and no wait. Exit status 0 if the device went
 * away, 1 if a call failed for another reason.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <drm_mode.h>
#include "guest-driver/vgpu_drm.h"

#define SIDE	64
#define SIZE	(SIDE * SIDE * 4)

static bool is_3d;
static int fd;

/* ENODEV and, for who was waiting, EBUSY mean that the device is gone. */
static void finish(const char *what)
{
	if (errno == ENODEV || errno == EIO || errno == EBUSY)
		exit(0);
	perror(what);
	exit(1);
}

static uint32_t create(void)
{
	struct drm_vgpu_resource_create c = {
		.target = 2, .format = 1, .bind = 2, .width = SIDE,
		.height = SIDE, .depth = 1, .array_size = 1, .size = SIZE,
	};

	if (ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_CREATE, &c))
		finish("RESOURCE_CREATE");
	return c.bo_handle;
}

static void transfer(uint32_t bo, unsigned long request)
{
	struct drm_vgpu_3d_transfer t = {
		.bo_handle = bo, .box = { 0, 0, 0, SIDE, SIDE, 1 },
	};

	if (ioctl(fd, request, &t))
		finish("TRANSFER");
}

static void touch(uint32_t bo)
{
	struct drm_vgpu_map map = { .handle = bo };
	void *p;

	if (ioctl(fd, DRM_IOCTL_VGPU_MAP, &map))
		finish("MAP");
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd,
		 map.offset);
	if (p == MAP_FAILED)
		finish("mmap");
	memset(p, 0xa5, SIZE);
	munmap(p, SIZE);
}

static void submit(uint32_t bo)
{
	static const uint32_t nop[64];
	uint32_t handles[2] = { bo, bo };
	struct drm_vgpu_execbuffer e = {
		.flags = VGPU_EXECBUF_FENCE_FD_OUT,
		.command = (uintptr_t)nop, .size = sizeof(nop),
		.bo_handles = (uintptr_t)handles, .num_bo_handles = 2,
	};
	struct pollfd p = { .events = POLLIN };

	if (ioctl(fd, DRM_IOCTL_VGPU_EXECBUFFER, &e))
		finish("EXECBUFFER");
	p.fd = e.fence_fd;
	if (rand() & 1)
		poll(&p, 1, 1000);
	close(e.fence_fd);
}

static void wait_idle(uint32_t bo)
{
	struct drm_vgpu_3d_wait w = { .handle = bo };

	if (ioctl(fd, DRM_IOCTL_VGPU_WAIT, &w))
		finish("WAIT");
}

static void mix(void)
{
	for (;;) {
		struct drm_gem_close gone = { .handle = create() };
		int i;

		touch(gone.handle);
		for (i = 0; i < 20; i++)
			transfer(gone.handle, DRM_IOCTL_VGPU_TRANSFER_TO_HOST);
		if (is_3d)
			submit(gone.handle);
		if (is_3d)
			transfer(gone.handle,
				 DRM_IOCTL_VGPU_TRANSFER_FROM_HOST);
		if (rand() & 1)
			wait_idle(gone.handle);
		if (ioctl(fd, DRM_IOCTL_GEM_CLOSE, &gone))
			finish("GEM_CLOSE");
	}
}

int main(int argc, char **argv)
{
	const char *path = argc > 3 ? argv[3] : "/dev/dri/renderD128";
	uint32_t bo;

	if (argc < 3) {
		fprintf(stderr, "usage: loadt mix|flood 2d|3d [DEVICE]\n");
		return 2;
	}
	is_3d = !strcmp(argv[2], "3d");
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		perror(path);
		return 1;
	}
	if (!strcmp(argv[1], "mix"))
		mix();
	bo = create();
	for (;;)
		transfer(bo, DRM_IOCTL_VGPU_TRANSFER_TO_HOST);
}
