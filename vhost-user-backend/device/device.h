/* SPDX-License-Identifier: MIT */
/*
 * device.h - the virtio-gpu device (VIRTIO 1.2, section 5.7): commands in,
 * answers out
 *
 * A chain popped from a ring enters by device_process() and leaves, exactly
 * once, by ops->complete. Between the two it is decoded into a private copy,
 * queued on a run list, and executed in order; GPU work asks the scheduler
 * first. Nothing here blocks.
 */
#ifndef DEVICE_DEVICE_H
#define DEVICE_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/virtio_gpu.h"

struct device;
struct guest_mem;
struct ledger;
struct renderer;
struct renderer_config;
struct renderer_dmabuf;
struct sched_client;
struct vgpu_caps;
struct vring_elem;

/** struct device_ops - the device's way out, given by the worker */
struct device_ops {
	/* the answer (len bytes) is in the chain's writable iovecs */
	void (*complete)(void *opaque, struct vring_elem *elem, uint32_t len);

	/*
	 * Display. pixels() makes the scanout w x h and returns memory for
	 * w * h * 4 bytes of x8r8g8b8 (B, G, R, X in memory), or NULL: no
	 * memory. w == 0 turns the scanout off (returns NULL). The device may
	 * read and write the memory until it calls pixels() or
	 * dmabuf_scanout() for this scanout again, or is freed.
	 */
	uint8_t *(*pixels)(void *opaque, uint32_t scanout, uint32_t w,
			   uint32_t h);
	void (*update)(void *opaque, uint32_t scanout, uint32_t x, uint32_t y,
		       uint32_t w, uint32_t h);
	/* false: the display can not take dma-bufs, send pixels. Consumes fd. */
	bool (*dmabuf_scanout)(void *opaque, uint32_t scanout, uint32_t x,
			       uint32_t y, uint32_t w, uint32_t h,
			       const struct renderer_dmabuf *buf);
	void (*dmabuf_update)(void *opaque, uint32_t scanout, uint32_t x,
			      uint32_t y, uint32_t w, uint32_t h);
	/* pixels: 64 x 64 a8r8g8b8 */
	void (*cursor_update)(void *opaque, uint32_t scanout, uint32_t x,
			      uint32_t y, uint32_t hot_x, uint32_t hot_y,
			      const uint32_t *pixels);
	void (*cursor_move)(void *opaque, uint32_t scanout, uint32_t x,
			    uint32_t y, bool visible);
	/* answered later by device_display_info(), device_edid() */
	void (*get_display_info)(void *opaque, uint32_t cookie);
	void (*get_edid)(void *opaque, uint32_t cookie, uint32_t scanout);

	/* makes the renderer when the first 3D command comes; NULL: no 3D */
	struct renderer *(*make_renderer)(void *opaque,
					  const struct renderer_config *config);
	/* the GPU was lost: this process is of no more use */
	void (*lost)(void *opaque);
};

struct device_config {
	const struct vgpu_caps *caps;	/* count 0: 2D only. Must live. */
	uint32_t num_scanouts;		/* 1..16 */
	uint32_t width, height;		/* preferred mode, for our own EDID */
	/* limits where vgpud's page has none; 0: no limit */
	uint64_t memory_max;		/* bytes of resources */
	uint32_t max_resources, max_contexts;
	bool split_always;		/* cut buffers at every command (tests) */
	struct ledger *ledger;		/* NULL: none (tests) */
	struct sched_client *sched;
	const struct device_ops *ops;
	void *opaque;
};

struct device *device_new(const struct device_config *config);
void device_free(struct device *dev);

/** device_set_features() - what the guest acknowledged */
void device_set_features(struct device *dev, uint64_t features);

/**
 * device_set_mem() - the guest's memory table changed
 *
 * Takes its own reference; backing of every resource is looked up again.
 */
void device_set_mem(struct device *dev, struct guest_mem *mem);

/**
 * device_restore() - take over from the ledger
 *
 * 2D resources, scanouts and the cursor are rebuilt from guest backing; 3D
 * contexts are marked lost: commands on them are answered with
 * ERR_INVALID_CONTEXT_ID until the guest creates a new one under that id.
 * Needs device_set_mem() first. Return: 0 or -errno.
 */
int device_restore(struct device *dev);

/**
 * device_reset() - as if just made
 *
 * Chains in flight are given back by ops->complete with length 0, and nothing
 * is written into them; device_free() does the same. Features and memory table
 * have to be set again.
 */
void device_reset(struct device *dev);

/** device_process() - a chain of the control (0) or cursor (1) queue */
void device_process(struct device *dev, unsigned int queue,
		    struct vring_elem *elem);

/** device_run() - go on with the run list: after a grant */
void device_run(struct device *dev);

/**
 * device_pause() - the control ring is stopped: begin nothing that could touch
 * guest memory; what runs may end. Call device_run() when it goes on.
 */
void device_pause(struct device *dev, bool pause);

/** device_poll() - the renderer's descriptor is readable */
void device_poll(struct device *dev);
int device_poll_fd(struct device *dev);

void device_display_info(struct device *dev, uint32_t cookie,
			 const struct virtio_gpu_display_one *pmodes);
/* size 0: the front end has none, the device makes one */
void device_edid(struct device *dev, uint32_t cookie, const uint8_t *edid,
		 size_t size);

#endif
