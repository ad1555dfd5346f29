#!/bin/sh
# SPDX-License-Identifier: GPL-2.0 OR MIT
#
# probe-headers.sh - find out which kernel API a header tree has, by content
#
# usage: probe-headers.sh KERNEL-SOURCE-DIR
#
# Prints -DHAVE_... for every probe below that matches. Distributions change
# the API within one version, so versions say nothing. A new probe must have
# been seen to answer both yes and no.
set -u
include=${1:?usage: probe-headers.sh KERNEL-SOURCE-DIR}/include

while IFS='|' read -r name header pattern; do
	if grep -qsE "$pattern" "$include/$header"; then
		echo "-D$name"
	fi
done <<'PROBES'
HAVE_DRM_ATOMIC_COMMIT_STRUCT|drm/drm_atomic.h|^struct drm_atomic_commit \{
HAVE_FB_CREATE_INFO|drm/drm_modeset_helper.h|const struct drm_format_info \*info
HAVE_PLANE_HOTSPOT|drm/drm_plane.h|hotspot_x
HAVE_IGNORE_DAMAGE_CLIPS|drm/drm_plane.h|bool ignore_damage_clips
HAVE_DRM_PANIC|drm/drm_modeset_helper_vtables.h|\(\*panic_flush\)
HAVE_DRM_PANIC_PAGES|drm/drm_panic.h|struct page \*\*pages
HAVE_DRM_DRIVER_DATE|drm/drm_drv.h|char \*date;
HAVE_GEM_PRIME_MMAP|drm/drm_drv.h|\(\*gem_prime_mmap\)
HAVE_FBDEV_GENERIC_SETUP|drm/drm_fb_helper.h|drm_fbdev_generic_setup\(
HAVE_FBDEV_GENERIC_SETUP|drm/drm_fbdev_generic.h|drm_fbdev_generic_setup\(
HAVE_FBDEV_SHMEM_SETUP|drm/drm_fbdev_shmem.h|drm_fbdev_shmem_setup\(
HAVE_CLIENT_SETUP_NEW|drm/clients/drm_client_setup.h|drm_client_setup\(
HAVE_EDID_CONNECTOR_ADD_MODES|drm/drm_edid.h|drm_edid_connector_add_modes
HAVE_VIRTQUEUE_INFO|linux/virtio_config.h|^struct virtqueue_info \{
HAVE_FENCE_INLINE_LOCK|linux/dma-fence.h|inline_lock
HAVE_FENCE_INIT64|linux/dma-fence.h|dma_fence_init64
HAVE_DRM_SHOW_FDINFO|drm/drm_file.h|void drm_show_fdinfo\(
HAVE_ASSIGN_STR_2ARG|trace/stages/stage6_event_callback.h|define __assign_str\(dst, src\)
HAVE_HRTIMER_SETUP|linux/hrtimer.h|void hrtimer_setup\(
PROBES
