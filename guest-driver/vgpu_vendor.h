/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_vendor.h - what our own host can do beyond VIRTIO
 */
#ifndef VGPU_VENDOR_H
#define VGPU_VENDOR_H

struct vgpu_device;

/**
 * vgpu_vendor_start() - ask our own host, if it is that, for its extensions
 *
 * After vgpu_caps_probe(). Sets device->vendor and what follows from it.
 */
void vgpu_vendor_start(struct vgpu_device *dev, unsigned long deadline);

/**
 * vgpu_vendor_restart() - ask again for what was granted, without waiting
 *
 * After a reset of the device, before anything that uses it is queued.
 */
void vgpu_vendor_restart(struct vgpu_device *dev);

#endif
