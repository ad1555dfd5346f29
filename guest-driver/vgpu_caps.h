/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_caps.h - capability sets: what the host's renderer can do
 */
#ifndef VGPU_CAPS_H
#define VGPU_CAPS_H

#include <linux/compiler_types.h>
#include <linux/types.h>

struct vgpu_device;

/** vgpu_caps_probe() - ask what capsets there are; those refused are skipped */
void vgpu_caps_probe(struct vgpu_device *dev, unsigned int num,
		     unsigned long deadline);

/**
 * vgpu_caps_get() - copy a capset to user space
 *
 * Return: 0, -ENOSYS (there are none), -EINVAL (not that one, or not in that
 * version), -EBUSY (the host did not answer), -EFAULT, -ERESTARTSYS.
 */
int vgpu_caps_get(struct vgpu_device *dev, u32 id, u32 version,
		  void __user *to, u32 size);
void vgpu_caps_fini(struct vgpu_device *dev);

#endif
