// SPDX-License-Identifier: MIT
/*
 * compat32.c - a 32-bit program draws on a 64-bit kernel
 *
 * usage: compat32                   exit status 0 if every ioctl did as it must
 *
 * Built for i386 without a C library, which a 64-bit machine need not have for
 * it: so the system calls are made by hand, and a failure is told by its line.
 */
#include <stdint.h>
#include <asm/unistd_32.h>
#include <linux/types.h>
typedef unsigned int drm_handle_t;
#define __linux__ 1
#include <drm.h>
#include "guest-driver/vgpu_drm.h"

#define O_RDWR	2

static long call(long nr, long a, long b, long c)
{
	long ret;

	__asm__ volatile("int $0x80" : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c) : "memory");
	return ret;
}

#define MUST(cond) do { \
		if (!(cond)) \
			call(__NR_exit, __LINE__ & 0xff ? __LINE__ & 0xff : 1, 0, 0); \
	} while (0)

static int fd;

static long ask(unsigned long nr, void *arg)
{
	return call(__NR_ioctl, fd, (long)nr, (long)arg);
}

/* The layout is the 64-bit one: nothing is padded otherwise. */
_Static_assert(sizeof(void *) == 4, "this is the 32-bit program");
_Static_assert(sizeof(struct drm_vgpu_execbuffer) == 64, "execbuffer");
_Static_assert(sizeof(struct drm_vgpu_resource_create) == 56, "create");
_Static_assert(sizeof(struct drm_vgpu_resource_create_blob) == 56, "blob");
_Static_assert(sizeof(struct drm_vgpu_3d_transfer) == 44, "transfer");
_Static_assert(sizeof(struct drm_vgpu_get_caps) == 24, "caps");
_Static_assert(sizeof(struct drm_vgpu_context_init) == 16, "context");
_Static_assert(sizeof(struct drm_vgpu_context_set_param) == 16, "param");
_Static_assert(sizeof(struct drm_vgpu_execbuffer_syncobj) == 16, "syncobj");

static void test(void)
{
	static const uint32_t nop[1];
	static unsigned char caps[1024];
	int value = -1;
	uint32_t bo;
	struct drm_vgpu_getparam gp = {
		.param = VGPU_PARAM_3D_FEATURES, .value = (uintptr_t)&value,
	};
	struct drm_vgpu_get_caps get = {
		.cap_set_id = 2, .cap_set_ver = 1, .addr = (uintptr_t)caps,
		.size = sizeof(caps),
	};
	struct drm_vgpu_context_set_param params[] = {
		{ VGPU_CONTEXT_PARAM_CAPSET_ID, 2 },
		{ VGPU_CONTEXT_PARAM_NUM_RINGS, 2 },
		{ VGPU_CONTEXT_PARAM_DEBUG_NAME, (uintptr_t)"32 bits" },
	};
	struct drm_vgpu_context_init init = {
		.num_params = 3, .ctx_set_params = (uintptr_t)params,
	};
	struct drm_vgpu_resource_create create = {
		.target = 2, .format = 1, .bind = 2, .width = 16, .height = 16,
		.depth = 1, .array_size = 1, .size = 4096,
	};
	struct drm_vgpu_resource_create_blob blob = {
		.blob_mem = VGPU_BLOB_MEM_GUEST, .blob_flags = 1, .size = 4096,
	};
	struct drm_vgpu_3d_transfer transfer = {
		.box = { 0, 0, 0, 16, 16, 1 },
	};
	struct drm_vgpu_execbuffer exec = {
		.flags = VGPU_EXECBUF_FENCE_FD_OUT | VGPU_EXECBUF_RING_IDX,
		.size = sizeof(nop), .command = (uintptr_t)nop,
		.bo_handles = (uintptr_t)&bo, .num_bo_handles = 1,
		.fence_fd = -1, .ring_idx = 1,
	};
	struct drm_vgpu_3d_wait wait = { 0 };
	struct drm_vgpu_map map = { 0 };

	MUST(!ask(DRM_IOCTL_VGPU_GETPARAM, &gp) && value == 1);
	MUST(!ask(DRM_IOCTL_VGPU_GET_CAPS, &get) && caps[0]);
	MUST(!ask(DRM_IOCTL_VGPU_CONTEXT_INIT, &init));
	MUST(!ask(DRM_IOCTL_VGPU_RESOURCE_CREATE, &create));
	bo = create.bo_handle;
	MUST(bo && create.res_handle);
	MUST(!ask(DRM_IOCTL_VGPU_RESOURCE_CREATE_BLOB, &blob));
	map.handle = blob.bo_handle;
	MUST(!ask(DRM_IOCTL_VGPU_MAP, &map) && map.offset);
	transfer.bo_handle = bo;
	MUST(!ask(DRM_IOCTL_VGPU_TRANSFER_TO_HOST, &transfer));
	MUST(!ask(DRM_IOCTL_VGPU_EXECBUFFER, &exec) && exec.fence_fd > 0);
	wait.handle = bo;
	MUST(!ask(DRM_IOCTL_VGPU_WAIT, &wait));
	/* what is wrong is as wrong as in 64 bits: EFAULT */
	exec.bo_handles = 1ull << 32 | (uintptr_t)&bo;
	MUST(ask(DRM_IOCTL_VGPU_EXECBUFFER, &exec) == -14);
}

void _start(void);
void _start(void)
{
	fd = (int)call(__NR_open, (long)"/dev/dri/renderD128", O_RDWR, 0);
	MUST(fd >= 0);
	test();
	call(__NR_exit, 0, 0, 0);
	__builtin_unreachable();
}
