/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_ioctl.h - the driver's ioctls
 */
#ifndef VGPU_IOCTL_H
#define VGPU_IOCTL_H

#include <drm/drm_ioctl.h>

#include "vgpu_drm.h"

#define VGPU_NUM_IOCTLS	(DRM_VGPU_CONTEXT_INIT + 1)

extern const struct drm_ioctl_desc vgpu_ioctls[VGPU_NUM_IOCTLS];

#endif
