/* SPDX-License-Identifier: MIT */
/*
 * devtest.h - a virtio-gpu device with everything around it faked: guest
 * memory, chains, display, leases; on the null renderer
 */
#ifndef TESTS_LIB_DEVTEST_H
#define TESTS_LIB_DEVTEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <glib.h>
#include "device/device.h"
#include "protocol/vgpu_ipc.h"
#include "renderer/null.h"
#include "ring/vring.h"

#define DEVTEST_RAM	(8u << 20)
#define DEVTEST_GPA	0x40000000ull	/* where it starts for the guest */
#define DEVTEST_POISON	0xa5		/* answers before they are written */

struct event_loop;
struct vgpu_sched_grant;

/** struct devtest_cmd - one chain; freed by devtest_done() */
struct devtest_cmd {
	struct vring_elem elem;		/* first */
	bool done;
	uint32_t len;			/* as completed */
	unsigned int order;		/* of completion, from 1 */
	uint8_t *out, *in;		/* exactly as long as the chain says */
};

struct devtest_screen {
	uint32_t w, h;
	uint32_t *pixels;
	unsigned int modes, updates, dmabufs, dmabuf_updates;
	struct { uint32_t x, y, w, h; } damage;		/* of the last update */
};

struct devtest_cursor {
	unsigned int updates, moves;
	bool visible;
	uint32_t x, y, hot_x, hot_y;
	uint32_t image[64 * 64];
};

/** struct devtest_config - zero: 3D, 4 outputs, 64 MiB, no ledger */
struct devtest_config {
	bool no_3d;
	bool no_renderer;		/* it can not be made */
	bool no_dmabuf;			/* the display takes none */
	bool leases;			/* none at first: devtest_grant() */
	bool virgl;			/* on virglrenderer, not on null */
	bool split;			/* buffers cut at every command */
	uint64_t memory_max;
	uint32_t max_resources, max_contexts;
	int ledger_fd;			/* 0: none */
};

struct devtest {
	struct device *dev;
	struct devtest_config config;
	struct vgpu_caps caps;
	struct event_loop *loop;
	struct sched_client *sched;
	struct vgpu_sched_grant *grant;	/* with leases */
	int grant_fd, want_fd;
	struct ledger *ledger;
	int ram_fd;
	uint8_t *ram;			/* DEVTEST_RAM bytes */
	struct renderer *renderer;	/* the last one made */
	unsigned int renderers;

	struct devtest_screen screens[VIRTIO_GPU_MAX_SCANOUTS];
	struct devtest_cursor cursors[VIRTIO_GPU_MAX_SCANOUTS];
	bool answer_display;		/* at once; else it stays asked */
	GArray *asked;			/* uint32_t cookies */
	unsigned int popped, completed, lost;
};

struct devtest *devtest_new(const struct devtest_config *config);

/** devtest_restart() - the worker dies and is replaced; chains in flight are
 * given to the new device again, oldest first */
void devtest_restart(struct devtest *t, struct devtest_cmd **cmds, size_t n);

/** devtest_free() - asserts that all chains came back exactly once */
void devtest_free(struct devtest *t);

/** devtest_map() - hand the device a memory table of @size bytes at @gpa */
void devtest_map(struct devtest *t, uint64_t gpa, size_t size);

/** devtest_send() - a chain with these readable bytes, @room writable ones */
struct devtest_cmd *devtest_send(struct devtest *t, unsigned int queue,
				 const void *out, size_t size, size_t room);

/**
 * devtest_done() - check the answer and free
 *
 * It must have come, have the type, echo the fence, and leave poison where
 * nothing was promised.
 */
void devtest_done(struct devtest *t, struct devtest_cmd *cmd, uint32_t type);

/** devtest_ask() - control queue, header-sized answer of this type */
#define devtest_ask(t, req, type) \
	devtest_done(t, devtest_send(t, 0, &(req), sizeof(req), \
			sizeof(struct virtio_gpu_ctrl_hdr)), type)

/** devtest_poll() - let the renderer's fences come */
void devtest_poll(struct devtest *t);
void devtest_grant(struct devtest *t, bool lease);

/* Commands used everywhere; each asserts an answer of type @want. */
void devtest_create_2d(struct devtest *t, uint32_t id, uint32_t format,
		       uint32_t w, uint32_t h, uint32_t want);
void devtest_attach(struct devtest *t, uint32_t id, uint32_t offset,
		    uint32_t size, uint32_t want);
void devtest_unref(struct devtest *t, uint32_t id, uint32_t want);
void devtest_transfer(struct devtest *t, uint32_t id, uint32_t w, uint32_t h,
		      uint32_t want);
void devtest_scanout(struct devtest *t, uint32_t scanout, uint32_t id,
		     uint32_t x, uint32_t y, uint32_t w, uint32_t h,
		     uint32_t want);
void devtest_flush(struct devtest *t, uint32_t id, uint32_t x, uint32_t y,
		   uint32_t w, uint32_t h, uint32_t want);
void devtest_ctx_create(struct devtest *t, uint32_t ctx, uint32_t want);
void devtest_ctx(struct devtest *t, uint32_t type, uint32_t ctx, uint32_t id,
		 uint32_t want);
void devtest_create_3d(struct devtest *t, uint32_t id, uint32_t w, uint32_t h,
		       uint32_t want);

/** devtest_submit() - 16 bytes of commands; fence 0: not fenced */
struct devtest_cmd *devtest_submit(struct devtest *t, uint32_t ctx,
				   uint64_t fence);

/** devtest_words() - the same with commands of one's own */
struct devtest_cmd *devtest_words(struct devtest *t, uint32_t ctx,
				  uint64_t fence, const uint32_t *words,
				  size_t n);

/** devtest_nop() - a fenced command that needs no GPU and succeeds */
struct devtest_cmd *devtest_nop(struct devtest *t, uint64_t fence);

#define DEVTEST_OK	VIRTIO_GPU_RESP_OK_NODATA

#endif
