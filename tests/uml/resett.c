// SPDX-License-Identifier: MIT
/*
 * resett.c - what a program sees of a device that is reset
 *
 * usage: resett fences N SECONDS    submits N commands and waits for each fence:
 *                                   all must signal in SECONDS; prints how
 *        resett lost RESET-FILE     has the device reset, and looks what its
 *                                   own context, its buffers and others are
 *        resett work                a new program's: everything must succeed
 *        resett refused             closes and opens a handle until it is killed;
 *                                   once its context is lost, each is refused
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
#include <time.h>
#include <unistd.h>
#include <drm_mode.h>
#include <linux/sync_file.h>
#include "guest-driver/vgpu_drm.h"

#define NODE	"/dev/dri/renderD128"
#define SIDE	64
#define SIZE	(SIDE * SIDE * 4)
#define MAX	1024

static int failures;

static void expect(const char *what, int got, int wanted)
{
	if (got == wanted)
		return;
	printf("%s: %s, expected %s\n", what, got ? strerror(got) : "success",
	       wanted ? strerror(wanted) : "success");
	failures++;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static int open_node(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0) {
		perror(path);
		exit(1);
	}
	return fd;
}

/* Each of these returns 0 or errno. */
static int create(int fd, uint32_t *bo)
{
	struct drm_vgpu_resource_create c = {
		.target = 2, .format = 1, .bind = 2, .width = SIDE,
		.height = SIDE, .depth = 1, .array_size = 1, .size = SIZE,
	};

	if (ioctl(fd, DRM_IOCTL_VGPU_RESOURCE_CREATE, &c))
		return errno;
	*bo = c.bo_handle;
	return 0;
}

static int transfer(int fd, uint32_t bo)
{
	struct drm_vgpu_3d_transfer t = {
		.bo_handle = bo, .box = { 0, 0, 0, SIDE, SIDE, 1 },
	};

	return ioctl(fd, DRM_IOCTL_VGPU_TRANSFER_TO_HOST, &t) ? errno : 0;
}

static int submit(int fd, uint32_t bo, int *fence)
{
	static const uint32_t nop[4];
	struct drm_vgpu_execbuffer e = {
		.flags = VGPU_EXECBUF_FENCE_FD_OUT,
		.command = (uintptr_t)nop, .size = sizeof(nop),
		.bo_handles = (uintptr_t)&bo, .num_bo_handles = bo ? 1 : 0,
	};

	if (ioctl(fd, DRM_IOCTL_VGPU_EXECBUFFER, &e))
		return errno;
	if (fence)
		*fence = e.fence_fd;
	else
		close(e.fence_fd);
	return 0;
}

static int wait_idle(int fd, uint32_t bo)
{
	struct drm_vgpu_3d_wait w = { .handle = bo };

	return ioctl(fd, DRM_IOCTL_VGPU_WAIT, &w) ? errno : 0;
}

static uint32_t *map(int fd, uint32_t bo)
{
	struct drm_vgpu_map m = { .handle = bo };
	void *p;

	if (ioctl(fd, DRM_IOCTL_VGPU_MAP, &m))
		return NULL;
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, m.offset);
	return p == MAP_FAILED ? NULL : p;
}

/* 1: signalled well, negative: with an error, 0: not signalled */
static int fence_status(int fence)
{
	struct sync_file_info info = { 0 };

	return ioctl(fence, SYNC_IOC_FILE_INFO, &info) ? 0 : info.status;
}

static int fences(int n, double seconds)
{
	int fd = open_node(NODE), list[MAX], i, well = 0, failed = 0, ret;
	double end = now() + seconds;

	for (i = 0; i < n && i < MAX; i++) {
		ret = submit(fd, 0, &list[i]);
		if (ret) {
			printf("EXECBUFFER %d: %s\n", i, strerror(ret));
			return 1;
		}
	}
	for (n = i, i = 0; i < n; i++) {
		struct pollfd p = { list[i], POLLIN, 0 };
		double left = end - now();

		if (left < 0)
			left = 0;
		poll(&p, 1, (int)(left * 1000));
		ret = fence_status(list[i]);
		well += ret > 0;
		failed += ret < 0;
	}
	printf("fences: %d well, %d failed, %d never, after %.1f s\n", well,
	       failed, n - well - failed, now() - end + seconds);
	return well + failed == n ? 0 : 1;
}

static int dumb(int fd, uint32_t *bo)
{
	struct drm_mode_create_dumb c = { .width = SIDE, .height = SIDE, .bpp = 32 };

	if (ioctl(fd, DRM_IOCTL_MODE_CREATE_DUMB, &c))
		return errno;
	*bo = c.handle;
	return 0;
}

static void work(int fd)
{
	uint32_t bo = 0;

	expect("new: RESOURCE_CREATE", create(fd, &bo), 0);
	expect("new: TRANSFER", transfer(fd, bo), 0);
	expect("new: EXECBUFFER", submit(fd, bo, NULL), 0);
	expect("new: WAIT", wait_idle(fd, bo), 0);
}

static void lost(const char *file)
{
	int owner = open_node(NODE), bystander = open_node(NODE);
	int card = open_node("/dev/dri/card0"), reset, fence = -1;
	uint32_t bo = 0, other = 0, shared = 0, plain = 0, *p;

	/* has a file, a card and a mapping, but no context yet */
	work(owner);
	expect("before: RESOURCE_CREATE", create(owner, &bo), 0);
	expect("before: DUMB", dumb(card, &plain), 0);
	expect("before: EXECBUFFER", submit(owner, bo, &fence), 0);
	p = map(owner, bo);
	if (p)
		p[7] = 0x600dc0de;
	else
		expect("before: map", 1, 0);

	reset = open(file, O_WRONLY);
	if (reset < 0 || write(reset, "1", 1) != 1) {
		perror(file);
		exit(1);
	}
	close(reset);

	if (!fence_status(fence)) {
		printf("a fence of before the reset is not signalled\n");
		failures++;
	}
	expect("owner: EXECBUFFER", submit(owner, bo, NULL), EIO);
	expect("owner: TRANSFER", transfer(owner, bo), EIO);
	expect("owner: RESOURCE_CREATE", create(owner, &other), EIO);
	expect("owner: WAIT", wait_idle(owner, bo), 0);
	if (p && p[7] != 0x600dc0de) {
		printf("the pages of a buffer changed\n");
		failures++;
	}
	expect("who had no context: RESOURCE_CREATE", create(bystander, &shared), 0);
	expect("who had no context: EXECBUFFER", submit(bystander, shared, NULL), 0);
	expect("dumb buffer of before: WAIT", wait_idle(card, plain), 0);
	expect("DUMB", dumb(card, &plain), 0);
	work(open_node(NODE));
}

static void refused(void)
{
	struct drm_prime_handle prime = { .flags = DRM_CLOEXEC | DRM_RDWR };
	int fd = open_node(NODE);

	expect("refused: RESOURCE_CREATE", create(fd, &prime.handle), 0);
	expect("refused: EXECBUFFER", submit(fd, prime.handle, NULL), 0);
	if (ioctl(fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &prime))
		expect("refused: PRIME_HANDLE_TO_FD", errno, 0);
	while (!failures) {
		struct drm_gem_close c = { .handle = prime.handle };

		ioctl(fd, DRM_IOCTL_GEM_CLOSE, &c);
		if (ioctl(fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &prime))
			expect("refused: PRIME_FD_TO_HANDLE", errno, 0);
	}
}

int main(int argc, char **argv)
{
	if (argc == 4 && !strcmp(argv[1], "fences"))
		return fences(atoi(argv[2]), atof(argv[3]));
	if (argc == 3 && !strcmp(argv[1], "lost"))
		lost(argv[2]);
	else if (argc == 2 && !strcmp(argv[1], "refused"))
		refused();
	else if (argc == 2 && !strcmp(argv[1], "work"))
		work(open_node(NODE));
	else
		failures = 2;
	return failures ? 1 : 0;
}
