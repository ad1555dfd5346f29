// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_plane.c - the primary plane: what a scanout shows
 *
 * A dumb buffer lives in the guest's pages, and what changed of it is copied
 * to the host's texture first. Other buffers are textures already.
 */
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_blend.h>
#include <drm/drm_damage_helper.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_gem_atomic_helper.h>
#include <drm/drm_plane.h>
#include <drm/drm_print.h>

#include "vgpu_kms.h"
#include "vgpu_device.h"
#include "vgpu_gem.h"
#include "vgpu_output.h"
#include "vgpu_panic.h"
#include "vgpu_vbuf.h"
#include "compat.h"

/*
 * Frames the host may be behind. A commit waits while there are more than the
 * first number, for a bounded time, and is not sent from the second number on:
 * a host that is stuck must neither stop the guest nor eat its memory.
 */
#define FLUSHES_AHEAD	1
#define FLUSHES_MAX	8
#define FLUSH_WAIT	msecs_to_jiffies(100)

/*
 * There is nothing below this plane to be seen through alpha. The order of the
 * bytes is the resource's, see vgpu_bo_set_format().
 */
static const u32 formats[] = {
	DRM_FORMAT_HOST_XRGB8888,
	DRM_FORMAT_HOST_ARGB8888,
	DRM_FORMAT_XBGR8888,
	DRM_FORMAT_ABGR8888,
};

static const u64 modifiers[] = {
	DRM_FORMAT_MOD_LINEAR,
	DRM_FORMAT_MOD_INVALID,
};

static u32 resource_format(const struct drm_framebuffer *fb)
{
	switch (fb->format->format) {
	case DRM_FORMAT_XBGR8888:
	case DRM_FORMAT_ABGR8888:
		return VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM;
	default:
		return VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
	}
}

static int plane_check(struct drm_plane *plane,
		       struct drm_atomic_commit *commit)
{
	struct drm_plane_state *state;
	struct drm_crtc_state *crtc_state;

	state = drm_atomic_get_new_plane_state(commit, plane);
	if (!state->fb || !state->crtc)
		return 0;
	crtc_state = drm_atomic_get_crtc_state(commit, state->crtc);
	if (IS_ERR(crtc_state))
		return PTR_ERR(crtc_state);
	return drm_atomic_helper_check_plane_state(state, crtc_state,
						   DRM_PLANE_NO_SCALING,
						   DRM_PLANE_NO_SCALING,
						   false, true);
}

static struct vgpu_vbuf *add_command(struct list_head *cmds)
{
	struct vgpu_vbuf *cmd = vgpu_vbuf_new(GFP_KERNEL);

	if (cmd)
		list_add_tail(&cmd->node, cmds);
	return cmd;
}

static void flushed(struct vgpu_vbuf *cmd)
{
	struct vgpu_scanout *scanout = cmd->priv;

	atomic_dec(&scanout->flushes);
	wake_up(&scanout->wait);
}

static int add_transfer(struct list_head *cmds, struct drm_framebuffer *fb,
			u32 res_id, const struct vgpu_rect *r)
{
	struct vgpu_vbuf *cmd = add_command(cmds);
	u64 offset = (u64)r->y * fb->pitches[0] + (u64)r->x * 4;

	if (!cmd)
		return -ENOMEM;
	cmd->cmd_len = vgpu_cmd_transfer_2d(&cmd->cmd, res_id, r, offset);
	return 0;
}

static int add_set_scanout(struct list_head *cmds, unsigned int index,
			   u32 res_id, const struct vgpu_rect *src)
{
	struct vgpu_vbuf *cmd = add_command(cmds);

	if (!cmd)
		return -ENOMEM;
	cmd->cmd_len = vgpu_cmd_set_scanout(&cmd->cmd, index, res_id, src);
	return 0;
}

static int add_flush(struct list_head *cmds, struct vgpu_scanout *scanout,
		     u32 res_id, const struct vgpu_rect *r)
{
	struct vgpu_vbuf *cmd = add_command(cmds);

	if (!cmd)
		return -ENOMEM;
	cmd->cmd_len = vgpu_cmd_flush(&cmd->cmd, res_id, r);
	cmd->done = flushed;
	cmd->priv = scanout;
	return 0;
}

/* Let @r cover @other too; a rectangle may be empty. */
static void cover(struct drm_rect *r, const struct drm_rect *other)
{
	if (!drm_rect_visible(other))
		return;
	if (!drm_rect_visible(r)) {
		*r = *other;
		return;
	}
	r->x1 = min(r->x1, other->x1);
	r->y1 = min(r->y1, other->y1);
	r->x2 = max(r->x2, other->x2);
	r->y2 = max(r->y2, other->y2);
}

static struct vgpu_rect to_rect(const struct drm_rect *r)
{
	return (struct vgpu_rect){
		r->x1, r->y1, drm_rect_width(r), drm_rect_height(r)
	};
}

/* What of the frame buffer must be sent; false: nothing. */
static bool find_damage(struct vgpu_scanout *scanout,
			const struct drm_plane_state *old,
			struct drm_plane_state *new, bool whole,
			struct drm_rect *damage)
{
	struct drm_rect src;

	drm_rect_fp_to_int(&src, &new->src);
	if (whole) {
		*damage = src;
		return true;
	}
	if (!drm_atomic_helper_damage_merged(old, new, damage))
		drm_rect_init(damage, 0, 0, 0, 0);
	cover(damage, &scanout->missed);
	return drm_rect_intersect(damage, &src);
}

static void send_frame(struct vgpu_output *output, struct drm_framebuffer *fb,
		       const struct vgpu_rect *src,
		       const struct drm_rect *damage)
{
	struct vgpu_bo *bo = to_vgpu_bo(fb->obj[0]);
	struct vgpu_scanout *scanout = &output->scanout;
	struct vgpu_rect r = to_rect(damage);
	LIST_HEAD(cmds);
	int ret = 0;

	if (atomic_read(&scanout->flushes) < FLUSHES_MAX)
		wait_event_timeout(scanout->wait,
				   atomic_read(&scanout->flushes) <=
				   FLUSHES_AHEAD, FLUSH_WAIT);
	if (atomic_read(&scanout->flushes) >= FLUSHES_MAX) {
		cover(&scanout->missed, damage);
		return;
	}
	if (bo->dumb) {
		vgpu_bo_sync_for_device(output->dev, bo);
		ret = add_transfer(&cmds, fb, bo->res_id, &r);
	}
	if (!ret && (scanout->res_id != bo->res_id ||
		     memcmp(&scanout->src, src, sizeof(*src))))
		ret = add_set_scanout(&cmds, output->index, bo->res_id, src);
	if (!ret)
		ret = add_flush(&cmds, scanout, bo->res_id, &r);
	if (ret) {
		vgpu_vbuf_list_free(&cmds);
		cover(&scanout->missed, damage);
		return;
	}
	scanout->res_id = bo->res_id;
	scanout->src = *src;
	drm_rect_init(&scanout->missed, 0, 0, 0, 0);
	atomic_inc(&scanout->flushes);
	vgpu_queue_submit(&output->dev->ctrl, &cmds, 0);
}

void vgpu_plane_off(struct vgpu_output *output)
{
	static const struct vgpu_rect nothing;
	LIST_HEAD(cmds);

	if (!output->scanout.res_id)
		return;
	output->scanout.res_id = 0;
	drm_rect_init(&output->scanout.missed, 0, 0, 0, 0);
	if (!add_set_scanout(&cmds, output->index, 0, &nothing))
		vgpu_queue_submit(&output->dev->ctrl, &cmds, 0);
}

static void plane_disable(struct drm_plane *plane,
			  struct drm_atomic_commit *commit)
{
	struct drm_plane_state *old;

	old = drm_atomic_get_old_plane_state(commit, plane);
	if (old->crtc)
		vgpu_plane_off(crtc_to_output(old->crtc));
}

static void plane_update(struct drm_plane *plane,
			 struct drm_atomic_commit *commit)
{
	struct drm_plane_state *old, *new;
	struct vgpu_output *output;
	struct drm_rect damage, src;
	struct vgpu_rect view;
	bool whole;
	u32 epoch;

	old = drm_atomic_get_old_plane_state(commit, plane);
	new = drm_atomic_get_new_plane_state(commit, plane);
	if (!new->crtc || !new->fb || !new->visible ||
	    !new->crtc->state->active)
		return;
	output = crtc_to_output(new->crtc);
	/* after a reset the host shows nothing */
	epoch = vgpu_queue_epoch(&output->dev->ctrl);
	if (output->scanout.epoch != epoch) {
		output->scanout.epoch = epoch;
		output->scanout.res_id = 0;
	}
	if (vgpu_bo_set_format(output->dev, to_vgpu_bo(new->fb->obj[0]),
			       resource_format(new->fb)))
		output->scanout.res_id = 0;
	drm_rect_fp_to_int(&src, &new->src);
	view = to_rect(&src);
	/*
	 * Damage is relative to the last frame, but another buffer has its own
	 * texture, which knows nothing of the frames before.
	 */
	whole = new->fb != old->fb || !output->scanout.res_id ||
		memcmp(&view, &output->scanout.src, sizeof(view));
	if (find_damage(&output->scanout, old, new, whole, &damage))
		send_frame(output, new->fb, &view, &damage);
}

static const struct drm_plane_helper_funcs helper_funcs = {
	.atomic_check = plane_check,
	.atomic_update = plane_update,
	.atomic_disable = plane_disable,
	VGPU_PLANE_PANIC
};

static const struct drm_plane_funcs funcs = {
	.update_plane = drm_atomic_helper_update_plane,
	.disable_plane = drm_atomic_helper_disable_plane,
	.reset = drm_atomic_helper_plane_reset,
	.atomic_duplicate_state = drm_atomic_helper_plane_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_plane_destroy_state,
};

struct drm_plane *vgpu_plane_new(struct vgpu_output *output)
{
	struct drm_plane *plane;
	int ret;

	atomic_set(&output->scanout.flushes, 0);
	init_waitqueue_head(&output->scanout.wait);
	plane = drmm_universal_plane_alloc(output->dev->drm, struct drm_plane,
					   dev, BIT(output->index), &funcs,
					   formats, ARRAY_SIZE(formats),
					   modifiers, DRM_PLANE_TYPE_PRIMARY,
					   NULL);
	if (IS_ERR(plane))
		return plane;
	drm_plane_helper_add(plane, &helper_funcs);
	drm_plane_enable_fb_damage_clips(plane);
	ret = drm_plane_create_zpos_immutable_property(plane, 0);
	return ret ? ERR_PTR(ret) : plane;
}
