/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * compat.h - the newest kernel's API on older kernels
 *
 * The driver is written for the newest API; this header is the only place
 * that knows others. What a header tree has is found out by content (see
 * probe-headers.sh), never by version number. Include it last.
 */
#ifndef VGPU_COMPAT_H
#define VGPU_COMPAT_H

#include <linux/virtio_config.h>
#include <drm/drm_edid.h>
#include <drm/drm_rect.h>

#ifdef HAVE_FBDEV_GENERIC_SETUP
#include <drm/drm_fb_helper.h>
#define vgpu_fbdev_setup(drm)	drm_fbdev_generic_setup(drm, 32)
#elif defined(HAVE_FBDEV_SHMEM_SETUP)
#include <drm/drm_fbdev_shmem.h>
#define vgpu_fbdev_setup(drm)	drm_fbdev_shmem_setup(drm, 32)
#elif defined(HAVE_CLIENT_SETUP_NEW)
#include <drm/clients/drm_client_setup.h>
#include <drm/drm_fbdev_shmem.h>
#define vgpu_fbdev_setup(drm)	drm_client_setup(drm, NULL)
#define VGPU_DRIVER_FBDEV	DRM_FBDEV_SHMEM_DRIVER_OPS,
#endif
#ifndef VGPU_DRIVER_FBDEV
#define VGPU_DRIVER_FBDEV
#endif

#ifdef HAVE_DRM_DRIVER_DATE
#define VGPU_DRIVER_DATE	.date = "0",
#else
#define VGPU_DRIVER_DATE
#endif

/* As long as there is this hook, the other two must be set as well. */
#ifdef HAVE_GEM_PRIME_MMAP
#define VGPU_DRIVER_PRIME \
	.prime_handle_to_fd = drm_gem_prime_handle_to_fd, \
	.prime_fd_to_handle = drm_gem_prime_fd_to_handle, \
	.gem_prime_mmap = drm_gem_prime_mmap,
#else
#define VGPU_DRIVER_PRIME
#endif

/* No function of that name is called by this driver. */
#ifndef HAVE_DRM_ATOMIC_COMMIT_STRUCT
#define drm_atomic_commit	drm_atomic_state
#define drm_atomic_commit_put	drm_atomic_state_put
#endif

/* Makes @func, which takes the format's info, the hook mode_config wants. */
#ifdef HAVE_FB_CREATE_INFO
#define vgpu_gem_fb_create	drm_gem_fb_create_with_dirty
#define VGPU_FB_CREATE_HOOK(hook, func) \
static struct drm_framebuffer * \
hook(struct drm_device *drm, struct drm_file *file, \
     const struct drm_format_info *info, const struct drm_mode_fb_cmd2 *cmd) \
{ \
	return func(drm, file, info, cmd); \
}
#else
#define vgpu_gem_fb_create(drm, file, info, cmd) \
	drm_gem_fb_create_with_dirty(drm, file, cmd)
#define VGPU_FB_CREATE_HOOK(hook, func) \
static struct drm_framebuffer * \
hook(struct drm_device *drm, struct drm_file *file, \
     const struct drm_mode_fb_cmd2 *cmd) \
{ \
	return func(drm, file, NULL, cmd); \
}
#endif

#ifdef HAVE_PLANE_HOTSPOT
#define VGPU_CURSOR_FEATURE	DRIVER_CURSOR_HOTSPOT
#define vgpu_hotspot_x(state)	((state)->hotspot_x)
#define vgpu_hotspot_y(state)	((state)->hotspot_y)
#else
#define VGPU_CURSOR_FEATURE	0
#define vgpu_hotspot_x(state)	((state)->fb->hot_x)
#define vgpu_hotspot_y(state)	((state)->fb->hot_y)
#endif

/* Publish @edid (NULL: none) and add its modes. Returns their number. */
static inline int vgpu_edid_connector_modes(struct drm_connector *connector,
					    const struct drm_edid *edid)
{
#ifdef HAVE_EDID_CONNECTOR_ADD_MODES
	drm_edid_connector_update(connector, edid);
	return drm_edid_connector_add_modes(connector);
#else
	return drm_edid_connector_update(connector, edid);
#endif
}

#ifndef HAVE_VIRTQUEUE_INFO
struct virtqueue_info {
	const char *name;
	vq_callback_t *callback;
};
#endif

static inline int vgpu_find_vqs(struct virtio_device *vdev, unsigned int nr,
				struct virtqueue *vqs[],
				struct virtqueue_info info[])
{
#ifdef HAVE_VIRTQUEUE_INFO
	return virtio_find_vqs(vdev, nr, vqs, info, NULL);
#else
	vq_callback_t *callbacks[4];
	const char *names[4];
	unsigned int i;

	if (nr > ARRAY_SIZE(names))
		return -EINVAL;
	for (i = 0; i < nr; i++) {
		callbacks[i] = info[i].callback;
		names[i] = info[i].name;
	}
	return virtio_find_vqs(vdev, nr, vqs, callbacks, names, NULL);
#endif
}

#ifndef HAVE_HRTIMER_SETUP
#define hrtimer_setup(timer, func, clock, mode) do { \
		hrtimer_init(timer, clock, mode); \
		(timer)->function = func; \
	} while (0)
#endif

/* Fences: the lock moves into struct dma_fence, 64 bits become a choice. */
#ifdef HAVE_FENCE_INLINE_LOCK
#define VGPU_FENCE_LOCK(f)	NULL
#else
#define VGPU_FENCE_LOCK(f)	(&(f)->lock)
#endif
#ifdef HAVE_FENCE_INIT64
#define VGPU_FENCE_64BIT_SEQNO
#define vgpu_fence_init(f, ops, context, seqno) \
	dma_fence_init64(&(f)->base, ops, VGPU_FENCE_LOCK(f), context, seqno)
#else
#define VGPU_FENCE_64BIT_SEQNO	.use_64bit_seqno = true,
#define vgpu_fence_init(f, ops, context, seqno) \
	dma_fence_init(&(f)->base, ops, VGPU_FENCE_LOCK(f), context, seqno)
#endif

#endif
