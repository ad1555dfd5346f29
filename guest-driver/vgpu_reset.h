/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_reset.h - the device from the start again: after a fault, after sleep
 */
#ifndef VGPU_RESET_H
#define VGPU_RESET_H

#include <linux/types.h>

struct vgpu_device;

/**
 * vgpu_reset() - reset the device and tell it again what it has to know
 * @why: for the log
 * @fault: of the host; one that has too many in a row is given up
 *
 * Only on the watchdog's workqueue. Takes bounded time. Afterwards the device
 * works, without the rendering contexts of before, or it is given up: then
 * everything fails with -ENODEV until another vgpu_reset() succeeds.
 */
void vgpu_reset(struct vgpu_device *dev, const char *why, bool fault);

/** vgpu_reset_freeze() - before sleep: nothing is the host's any more */
int vgpu_reset_freeze(struct vgpu_device *dev);

/** vgpu_reset_restore() - after sleep, features being negotiated */
int vgpu_reset_restore(struct vgpu_device *dev);

#endif
