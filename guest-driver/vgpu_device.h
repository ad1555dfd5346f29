/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_device.h - one virtio GPU
 */
#ifndef VGPU_DEVICE_H
#define VGPU_DEVICE_H

#include <linux/atomic.h>
#include <linux/idr.h>
#include <linux/mutex.h>
#include <linux/workqueue.h>
#include <drm/drm_device.h>

#include "vgpu_job.h"
#include "vgpu_queue.h"
#include "vgpu_watchdog.h"

struct virtio_device;
struct vgpu_output;

/* Ids of capsets are 1 to 63; one more would not fit the UAPI's mask. */
#define VGPU_MAX_CAPSETS	64
#define VGPU_MAX_CAPSET_SIZE	(1u << 18)

/** struct vgpu_capset - one capset, contents read at the first GET_CAPS */
struct vgpu_capset {
	u32 id;
	u32 max_version;
	u32 max_size;
	struct list_head cache;	/* of struct vgpu_caps, device->caps_lock */
};

/** struct vgpu_device - lives as long as its drm_device */
struct vgpu_device {
	struct drm_device *drm;
	struct virtio_device *vdev;	/* only until vgpu_device_stop() */
	unsigned int offered_capsets;	/* by the device's configuration */
	struct vgpu_queue ctrl;
	struct vgpu_queue cursor;
	struct vgpu_queue_look looks[2];	/* debugfs; lock of the queue */

	bool has_virgl;
	bool has_edid;
	bool has_blob;		/* in guest memory; these are fixed after probe */
	bool has_host_blob;	/* and in the host's */
	bool has_uuid;
	bool has_context_init;
	unsigned long notices_since;	/* jiffies; these two: by its worker */
	unsigned int notices;
	u32 vendor;		/* VGPU_VENDOR_... that our own host granted */
	bool use_dma_api;	/* backing addresses are DMA addresses */

	struct mutex stop_lock;	/* of what follows; held while it changes */
	bool running;		/* has virtqueues */
	bool frozen;		/* the system sleeps */
	bool stopped;		/* for good */
	atomic_t refresh;	/* @config_work shall read everything again */
	struct work_struct config_work;
	struct vgpu_watchdog dog;

	struct mutex bos_lock;		/* of @bos; what it names is queued in it */
	struct list_head bos;		/* what the host knows, oldest first */
	atomic_t last_resource;		/* ids are never used twice */
	struct ida contexts;
	struct mutex files_lock;	/* of @files */
	struct list_head files;		/* of struct vgpu_context */
	struct vgpu_jobs jobs;

	struct mutex caps_lock;		/* of the caches of @capsets */
	unsigned int num_capsets;	/* fixed after probe, as the next two */
	u64 capset_mask;
	struct vgpu_capset capsets[VGPU_MAX_CAPSETS];
	struct vgpu_capset vendor_capset;	/* id 0: another host's device */

	unsigned int num_outputs;	/* fixed after probe */
	struct vgpu_output *outputs;
};

static inline struct vgpu_device *to_vgpu(struct drm_device *drm)
{
	return drm->dev_private;
}

/** vgpu_device_new() - attach our state to @drm; freed with it */
struct vgpu_device *vgpu_device_new(struct drm_device *drm,
				    struct virtio_device *vdev);

/** vgpu_device_start() - virtqueues, capsets, displays; takes bounded time */
int vgpu_device_start(struct vgpu_device *dev);

/**
 * vgpu_device_stop() - reset the device and let everything fail
 *
 * Afterwards every fence is signalled, no command is in flight, new ones
 * complete with -ENODEV, and nobody waits. Idempotent; may sleep.
 */
void vgpu_device_stop(struct vgpu_device *dev);

/**
 * vgpu_device_down() - reset the device and take its virtqueues away
 *
 * Commands are kept; vgpu_queue_fail() may now end them. Under stop_lock.
 */
void vgpu_device_down(struct vgpu_device *dev);

/**
 * vgpu_device_up() - new virtqueues, and all that the host has to know
 *
 * Features are negotiated. Begins a new epoch: what was in flight or waited
 * fails with -EIO. Under stop_lock. Return: 0, or an error and no virtqueues.
 */
int vgpu_device_up(struct vgpu_device *dev);

/** vgpu_device_refresh() - read displays and capability sets again, later */
void vgpu_device_refresh(struct vgpu_device *dev);

/** vgpu_device_config_changed() - from the configuration interrupt */
void vgpu_device_config_changed(struct vgpu_device *dev);

#endif
