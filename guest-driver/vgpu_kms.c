// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_kms.c - mode setting: the device's configuration, CRTCs, commits
 */
#include <linux/math64.h>
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_framebuffer_helper.h>
#include <drm/drm_managed.h>
#include <drm/drm_probe_helper.h>
#include <drm/drm_vblank.h>

#include "vgpu_kms.h"
#include "vgpu_device.h"
#include "vgpu_gem.h"
#include "vgpu_output.h"
#include "vgpu_panic.h"
#include "compat.h"

#define SIZE_MIN	32
/* What a frame may take: 1000 Hz to 1 Hz. */
#define FRAME_NS_MIN	NSEC_PER_MSEC
#define FRAME_NS_MAX	NSEC_PER_SEC

static void crtc_enable(struct drm_crtc *crtc, struct drm_atomic_commit *state)
{
	drm_crtc_vblank_on(crtc);
}

static void crtc_disable(struct drm_crtc *crtc,
			 struct drm_atomic_commit *state)
{
	drm_crtc_vblank_off(crtc);
	vgpu_plane_off(crtc_to_output(crtc));
}

/*
 * Who asked for an event is told at the next tick. For others (a blocking
 * commit, DIRTYFB) the commit is complete when the host was told: making them
 * wait would halve the frame rate of who draws into the front buffer.
 */
static void crtc_flush(struct drm_crtc *crtc, struct drm_atomic_commit *state)
{
	struct drm_pending_vblank_event *event = crtc->state->event;

	if (!event)
		return;
	crtc->state->event = NULL;
	spin_lock_irq(&crtc->dev->event_lock);
	if ((event->base.file_priv || event->base.fence) &&
	    !drm_crtc_vblank_get(crtc))
		drm_crtc_arm_vblank_event(crtc, event);
	else
		drm_crtc_send_vblank_event(crtc, event);
	spin_unlock_irq(&crtc->dev->event_lock);
}

/*
 * A mode paces the vblank timer, and its numbers may come from any program:
 * nothing that overflows, ticks faster than a machine can bear, or never.
 */
static enum drm_mode_status crtc_mode_valid(struct drm_crtc *crtc,
					    const struct drm_display_mode *mode)
{
	u64 frame;

	if (mode->hdisplay > VGPU_SIZE_MAX)
		return MODE_BAD_HVALUE;
	if (mode->vdisplay > VGPU_SIZE_MAX)
		return MODE_BAD_VVALUE;
	if (mode->clock <= 0 || !mode->htotal || !mode->vtotal)
		return MODE_BAD;
	/* the clock is in kHz, which is pixels in a millisecond */
	frame = div_u64((u64)mode->htotal * mode->vtotal * NSEC_PER_MSEC,
			mode->clock);
	if (frame < FRAME_NS_MIN)
		return MODE_CLOCK_HIGH;
	if (frame > FRAME_NS_MAX)
		return MODE_CLOCK_LOW;
	return MODE_OK;
}

static const struct drm_crtc_helper_funcs crtc_helper_funcs = {
	.mode_valid = crtc_mode_valid,
	.atomic_enable = crtc_enable,
	.atomic_disable = crtc_disable,
	.atomic_flush = crtc_flush,
};

static const struct drm_crtc_funcs crtc_funcs = {
	.set_config = drm_atomic_helper_set_config,
	.page_flip = drm_atomic_helper_page_flip,
	.destroy = drm_crtc_cleanup,
	.reset = drm_atomic_helper_crtc_reset,
	.atomic_duplicate_state = drm_atomic_helper_crtc_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_crtc_destroy_state,
	.enable_vblank = vgpu_vblank_enable,
	.disable_vblank = vgpu_vblank_disable,
	.get_vblank_timestamp = vgpu_vblank_timestamp,
};

/* A texture's bytes have the order that it was created with. */
static bool shows_reverse(const struct vgpu_bo *bo)
{
	switch (vgpu_bo_format(bo)) {
	case VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM:
	case VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM:
		return true;
	default:
		return bo->dumb;
	}
}

static struct drm_framebuffer *
fb_create(struct drm_device *drm, struct drm_file *file,
	  const struct drm_format_info *info,
	  const struct drm_mode_fb_cmd2 *cmd)
{
	struct drm_framebuffer *fb;
	bool reverse = false;

	switch (cmd->pixel_format) {
	case DRM_FORMAT_HOST_XRGB8888:
	case DRM_FORMAT_HOST_ARGB8888:
		break;
	case DRM_FORMAT_XBGR8888:
	case DRM_FORMAT_ABGR8888:
		reverse = true;
		break;
	default:
		return ERR_PTR(-EINVAL);
	}
	/* the host takes the image from the start of the resource */
	if (cmd->offsets[0])
		return ERR_PTR(-EINVAL);
	if ((cmd->flags & DRM_MODE_FB_MODIFIERS) &&
	    cmd->modifier[0] != DRM_FORMAT_MOD_LINEAR)
		return ERR_PTR(-EINVAL);
	fb = vgpu_gem_fb_create(drm, file, info, cmd);
	if (!IS_ERR(fb) && reverse &&
	    !shows_reverse(to_vgpu_bo(fb->obj[0]))) {
		drm_framebuffer_put(fb);
		return ERR_PTR(-EINVAL);
	}
	return fb;
}
VGPU_FB_CREATE_HOOK(fb_create_hook, fb_create)

static const struct drm_mode_config_funcs mode_config_funcs = {
	.fb_create = fb_create_hook,
	.atomic_check = drm_atomic_helper_check,
	.atomic_commit = drm_atomic_helper_commit,
};

/* Planes before enables: the first image is there when the CRTC is. */
static void commit_tail(struct drm_atomic_commit *state)
{
	struct drm_device *drm = state->dev;

	drm_atomic_helper_commit_modeset_disables(drm, state);
	drm_atomic_helper_commit_planes(drm, state, 0);
	drm_atomic_helper_commit_modeset_enables(drm, state);
	drm_atomic_helper_fake_vblank(state);
	drm_atomic_helper_commit_hw_done(state);
	drm_atomic_helper_wait_for_flip_done(drm, state);
	drm_atomic_helper_cleanup_planes(drm, state);
}

static const struct drm_mode_config_helper_funcs mode_config_helpers = {
	.atomic_commit_tail = commit_tail,
};

static int crtc_init(struct vgpu_output *output)
{
	struct drm_plane *primary, *cursor;
	int ret;

	primary = vgpu_plane_new(output);
	if (IS_ERR(primary))
		return PTR_ERR(primary);
	cursor = vgpu_cursor_new(output);
	if (IS_ERR(cursor))
		return PTR_ERR(cursor);
	ret = drm_crtc_init_with_planes(output->dev->drm, &output->crtc,
					primary, cursor, &crtc_funcs, NULL);
	if (ret)
		return ret;
	drm_crtc_helper_add(&output->crtc, &crtc_helper_funcs);
	vgpu_vblank_init(output);
	return 0;
}

/* Answered flushes still name the outputs that are freed next. */
static void finish_answers(struct drm_device *drm, void *data)
{
	struct vgpu_device *dev = data;

	vgpu_queue_flush(&dev->cursor);
	vgpu_queue_flush(&dev->ctrl);
}

int vgpu_kms_init(struct vgpu_device *dev)
{
	struct drm_device *drm = dev->drm;
	unsigned int i;
	int ret;

	if (!dev->num_outputs) {
		drm->driver_features &= ~(DRIVER_MODESET | DRIVER_ATOMIC);
		return 0;
	}
	/* freed after the objects in it: allocated before mode_config */
	dev->outputs = drmm_kcalloc(drm, dev->num_outputs,
				    sizeof(*dev->outputs), GFP_KERNEL);
	if (!dev->outputs)
		return -ENOMEM;
	ret = drmm_add_action_or_reset(drm, finish_answers, dev);
	if (ret)
		return ret;
	ret = drmm_mode_config_init(drm);
	if (ret)
		return ret;
	drm->mode_config.min_width = SIZE_MIN;
	drm->mode_config.min_height = SIZE_MIN;
	drm->mode_config.max_width = VGPU_SIZE_MAX;
	drm->mode_config.max_height = VGPU_SIZE_MAX;
	drm->mode_config.cursor_width = VGPU_CURSOR_SIZE;
	drm->mode_config.cursor_height = VGPU_CURSOR_SIZE;
	drm->mode_config.preferred_depth = 24;
	drm->mode_config.funcs = &mode_config_funcs;
	drm->mode_config.helper_private = &mode_config_helpers;
	drm->mode_config.quirk_addfb_prefer_host_byte_order = true;

	for (i = 0; i < dev->num_outputs; i++) {
		struct vgpu_output *output = &dev->outputs[i];

		output->dev = dev;
		output->index = i;
		ret = crtc_init(output);
		if (!ret)
			ret = vgpu_output_init(output);
		if (!ret)
			ret = vgpu_panic_init(output);
		if (ret)
			return ret;
	}
	ret = drm_vblank_init(drm, dev->num_outputs);
	if (ret)
		return ret;
	drm_mode_config_reset(drm);
	return 0;
}
