/* SPDX-License-Identifier: MIT */
/*
 * vtest.h - the vtest protocol up to version 2, a server's side
 *
 * Unmodified Mesa speaks it with GALLIUM_DRIVER=virpipe. This half knows
 * sockets and messages; vtest_gpu.c turns them into virtio-gpu commands.
 */
#ifndef TESTS_LIB_VTEST_H
#define TESTS_LIB_VTEST_H

#include <stddef.h>
#include <stdint.h>

struct fe;
struct vtest_gpu;

enum vtest_cmd {
	VTEST_GET_CAPS = 1,
	VTEST_RESOURCE_CREATE = 2,
	VTEST_RESOURCE_UNREF = 3,
	VTEST_TRANSFER_GET = 4,
	VTEST_TRANSFER_PUT = 5,
	VTEST_SUBMIT_CMD = 6,
	VTEST_BUSY_WAIT = 7,
	VTEST_CREATE_RENDERER = 8,
	VTEST_GET_CAPS2 = 9,
	VTEST_PING = 10,
	VTEST_PROTOCOL_VERSION = 11,
	VTEST_RESOURCE_CREATE2 = 12,
	VTEST_TRANSFER_GET2 = 13,
	VTEST_TRANSFER_PUT2 = 14,
};

#define VTEST_VERSION		2
#define VTEST_MAX_BYTES		(64u << 20)	/* of one message */

struct vtest_create {
	uint32_t handle, target, format, bind;
	uint32_t width, height, depth, array_size;
	uint32_t last_level, nr_samples, data_size;
};

struct vtest_transfer {
	uint32_t handle, level;
	uint32_t x, y, z, w, h, d;
	uint32_t size, offset;
};

/** vtest_serve() - speak with one client until it leaves; 0 or -errno */
int vtest_serve(int sock, struct vtest_gpu *gpu);

/* ---- in vtest_gpu.c: one client is one context ---- */

struct vtest_gpu *vtest_gpu_new(struct fe *fe, uint32_t ctx);
void vtest_gpu_free(struct vtest_gpu *gpu);
int vtest_gpu_context(struct vtest_gpu *gpu, const char *name);
/** vtest_gpu_caps() - capset 1 or 2 into @data; return its size or -errno */
int vtest_gpu_caps(struct vtest_gpu *gpu, uint32_t id, void *data, size_t max);
/** vtest_gpu_create() - return: descriptor for the client, -ENODATA if it
 * needs none, or another -errno */
int vtest_gpu_create(struct vtest_gpu *gpu, const struct vtest_create *c);
int vtest_gpu_unref(struct vtest_gpu *gpu, uint32_t handle);
int vtest_gpu_put(struct vtest_gpu *gpu, const struct vtest_transfer *t);
int vtest_gpu_get(struct vtest_gpu *gpu, const struct vtest_transfer *t);
int vtest_gpu_submit(struct vtest_gpu *gpu, const void *buf, uint32_t size);
/** vtest_gpu_busy() - 1 or 0; with @wait it is 0 in the end */
int vtest_gpu_busy(struct vtest_gpu *gpu, uint32_t handle, int wait);
/** vtest_gpu_errors() - commands that were answered with an error */
unsigned int vtest_gpu_errors(const struct vtest_gpu *gpu);

#endif
