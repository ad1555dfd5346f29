/* SPDX-License-Identifier: MIT */
/*
 * state.h - what the files of the device share
 */
#ifndef DEVICE_STATE_H
#define DEVICE_STATE_H

#include <stdbool.h>
#include <stdint.h>
#include <glib.h>
#include "base/log.h"
#include "device/command.h"
#include "device/device.h"
#include "device/scanout.h"
#include "protocol/vgpu_ipc.h"

struct backing;
struct guest_mem;
struct renderer;
struct vgpu_sched_report;

/** struct list - singly linked commands, oldest first */
struct list {
	struct command *first, *last;
};

/** struct device - see device.h; one thread */
struct device {
	struct device_config config;
	const struct device_ops *ops;
	void *opaque;
	uint64_t features;
	uint32_t vendor;		/* VGPU_VENDOR_..., by the hello */
	struct guest_mem *mem;		/* NULL before the first table */
	struct vgpu_sched_report *report;
	const struct vgpu_caps *caps;	/* NULL: no 3D */

	/* the path of a command; runlist.c, fence.c */
	struct list run;		/* decoded, not executed */
	struct list fenced;		/* executed, answered in order */
	struct list timelines;		/* the same, each timeline of a
					   context for itself */
	struct list notices;		/* parked until there is something */
	unsigned int nr_notices;
	GHashTable *parked;		/* cookie: command */
	uint32_t next_cookie;
	struct vring_elem *raw, **raw_end;	/* not decoded yet: too much
						   private memory is in use */
	size_t pending;			/* bytes of data in the run list */
	bool running;			/* inside device_run() */
	bool paused;			/* see device_pause() */
	bool wants_lease;		/* refused, and not granted since */
	bool lost;			/* the GPU is gone; nothing goes on */
	struct command *pool;
	unsigned int pooled;

	/* fences of the renderer; fence.c */
	uint64_t next_fence, emitted, retired;
	GQueue jobs;			/* uint64_t *: fence of each job */
	GQueue updates;			/* dma-buf updates that wait */

	/* objects */
	GHashTable *resources, *contexts;
	uint32_t attached;		/* resources, sum of all contexts */
	uint32_t denied, refused;	/* resources and contexts that are
					   there in name only */
	uint64_t memory;		/* bytes of resources */
	uint64_t entries;		/* backing entries of all resources */
	struct scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
	struct virtio_gpu_display_one modes[VIRTIO_GPU_MAX_SCANOUTS];

	struct renderer *renderer;	/* NULL until 3D is used */
	bool no_renderer;		/* could not be made */
	bool silent;			/* change state only: no ledger, no
					   display, no renderer, no memory */
	bool ledger_full;		/* was said in the log */
	struct log_limit limit;		/* what the guest does wrong */
};

/** device_renderer() - make it if need be; NULL: there is none */
struct renderer *device_renderer(struct device *dev);

/**
 * device_error() - the answer for what a renderer returned
 *
 * -EIO: the GPU is lost, the command stays and a successor gets it.
 */
uint32_t device_error(struct device *dev, int ret);

/** device_figures() - put numbers and sizes into the report */
void device_figures(struct device *dev);

#endif
