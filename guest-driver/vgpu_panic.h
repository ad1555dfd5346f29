/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_panic.h - the kernel's last words on the screen
 */
#ifndef VGPU_PANIC_H
#define VGPU_PANIC_H

struct vgpu_output;

#ifdef HAVE_DRM_PANIC
struct drm_plane;
struct drm_scanout_buffer;

/** vgpu_panic_init() - what the hooks below need of memory */
int vgpu_panic_init(struct vgpu_output *output);

/* struct drm_plane_helper_funcs of the primary plane */
int vgpu_panic_get_scanout(struct drm_plane *plane,
			   struct drm_scanout_buffer *sb);
void vgpu_panic_flush(struct drm_plane *plane);
#define VGPU_PLANE_PANIC \
	.get_scanout_buffer = vgpu_panic_get_scanout, \
	.panic_flush = vgpu_panic_flush,
#else
static inline int vgpu_panic_init(struct vgpu_output *output)
{
	return 0;
}

#define VGPU_PLANE_PANIC
#endif

#endif
