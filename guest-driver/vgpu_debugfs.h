/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_debugfs.h - counters for people
 */
#ifndef VGPU_DEBUGFS_H
#define VGPU_DEBUGFS_H

struct drm_minor;

void vgpu_debugfs_init(struct drm_minor *minor);

#endif
