/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_watchdog.h - notices that the host is dead
 */
#ifndef VGPU_WATCHDOG_H
#define VGPU_WATCHDOG_H

#include <linux/types.h>
#include <linux/workqueue.h>

struct drm_minor;
struct vgpu_device;

/**
 * struct vgpu_watchdog - one of a device, for both its queues
 *
 * Runs only while something is without an answer. Whatever resets the device
 * runs on @wq, one at a time.
 */
struct vgpu_watchdog {
	struct workqueue_struct *wq;	/* ordered */
	struct delayed_work tick;
	struct work_struct broken;	/* a ring is, or the device says it is */
	struct work_struct forced;	/* somebody wants a reset */
	unsigned int patience;	/* doublings of the limit; only @tick's */
	unsigned int resets;	/* only on @wq, as what follows */
	unsigned int in_a_row;	/* resets that came soon after another */
	unsigned long last_reset;	/* jiffies */
};

int vgpu_watchdog_init(struct vgpu_device *dev);
/* after the last submit */
void vgpu_watchdog_fini(struct vgpu_device *dev);

/** vgpu_watchdog_start() - a command was sent; in any context */
void vgpu_watchdog_start(struct vgpu_watchdog *dog);

/** vgpu_watchdog_broken() - look whether a reset is due; in any context */
void vgpu_watchdog_broken(struct vgpu_watchdog *dog);

/** vgpu_watchdog_cancel() - wait for what runs, begin nothing any more */
void vgpu_watchdog_cancel(struct vgpu_device *dev);

/** vgpu_watchdog_limit() - jiffies without any answer that a host may take */
unsigned long vgpu_watchdog_limit(const struct vgpu_watchdog *dog);

/** vgpu_watchdog_ping() - a query that passes all that waits; 0 or -ENOMEM */
int vgpu_watchdog_ping(struct vgpu_device *dev);

/**
 * vgpu_watchdog_answers() - does the host answer a ping in half its limit?
 *
 * Return: 0, -ETIMEDOUT, -ENOMEM, or -ENODEV: the device was stopped meanwhile.
 */
int vgpu_watchdog_answers(struct vgpu_device *dev);

/* the file "reset": who writes to it waits for the reset, who reads counts */
void vgpu_watchdog_debugfs_init(struct drm_minor *minor);

#endif
