/* SPDX-License-Identifier: MIT */
/*
 * vendor.h - extensions between our own two halves: the capset, the hello and
 * the notices (protocol/vgpu_vendor.h)
 */
#ifndef DEVICE_VENDOR_H
#define DEVICE_VENDOR_H

#include <stdbool.h>
#include <stdint.h>

struct command;
struct device;

/**
 * vendor_may() - was it negotiated?
 * @feature: VIRTIO_GPU_F_..., by which QEMU may have offered it
 * @vendor: VGPU_VENDOR_..., by which our own driver asked for it
 */
bool vendor_may(const struct device *dev, unsigned int feature,
		uint32_t vendor);

/** vendor_capset_info(), vendor_capset() - the last capset; as exec */
uint32_t vendor_capset_info(struct device *dev, struct command *cmd);
uint32_t vendor_capset(struct device *dev, struct command *cmd);

/** vendor_take() - what a predecessor had switched on */
void vendor_take(struct device *dev, uint32_t features);

/** vendor_stop() - the ring stops: give the parked notices back */
void vendor_stop(struct device *dev);

#endif
