/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_kms.h - mode setting
 */
#ifndef VGPU_KMS_H
#define VGPU_KMS_H

#include <linux/ktime.h>

struct drm_crtc;
struct drm_plane;
struct vgpu_device;
struct vgpu_output;

/* Largest side of a frame buffer or mode. */
#define VGPU_SIZE_MAX		8192
/* The device has no other size of cursor. */
#define VGPU_CURSOR_SIZE	64

/** vgpu_kms_init() - outputs of dev->num_outputs; none: no mode setting */
int vgpu_kms_init(struct vgpu_device *dev);

/** vgpu_plane_new(), vgpu_cursor_new() - planes of an output, or ERR_PTR() */
struct drm_plane *vgpu_plane_new(struct vgpu_output *output);
struct drm_plane *vgpu_cursor_new(struct vgpu_output *output);

/** vgpu_plane_off() - show nothing */
void vgpu_plane_off(struct vgpu_output *output);

/* struct drm_crtc_funcs */
void vgpu_vblank_init(struct vgpu_output *output);
int vgpu_vblank_enable(struct drm_crtc *crtc);
void vgpu_vblank_disable(struct drm_crtc *crtc);
bool vgpu_vblank_timestamp(struct drm_crtc *crtc, int *max_error,
			   ktime_t *time, bool in_irq);

#endif
