// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_cursor.c - the cursor plane
 *
 * Atomic commits only say what the cursor shall be. One command at a time is
 * sent per output, always the newest state: a host that is slow gets fewer of
 * them, and no commit waits for it.
 */
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_blend.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_plane.h>

#include "vgpu_kms.h"
#include "vgpu_device.h"
#include "vgpu_gem.h"
#include "vgpu_output.h"
#include "vgpu_vbuf.h"
#include "compat.h"

static const u32 formats[] = { DRM_FORMAT_HOST_ARGB8888 };

static void cursor_send(struct vgpu_output *output);

static void cursor_sent(struct vgpu_vbuf *cmd)
{
	struct vgpu_output *output = cmd->priv;

	spin_lock_irq(&output->cursor.lock);
	output->cursor.busy = false;
	spin_unlock_irq(&output->cursor.lock);
	cursor_send(output);
}

static void cursor_send(struct vgpu_output *output)
{
	struct vgpu_cursor *c = &output->cursor;
	struct vgpu_vbuf *cmd = vgpu_vbuf_new(GFP_KERNEL);

	if (!cmd)
		return;
	cmd->resp_len = 0;
	cmd->done = cursor_sent;
	cmd->priv = output;

	spin_lock_irq(&c->lock);
	if (c->busy || c->uploads || (!c->update && !c->move)) {
		spin_unlock_irq(&c->lock);
		vgpu_vbuf_free(cmd);
		return;
	}
	if (c->update)
		cmd->cmd_len = vgpu_cmd_update_cursor(&cmd->cmd, output->index,
						      c->x, c->y, c->res_id,
						      c->hot_x, c->hot_y);
	else
		cmd->cmd_len = vgpu_cmd_move_cursor(&cmd->cmd, output->index,
						    c->x, c->y);
	c->update = false;
	c->move = false;
	c->busy = true;
	spin_unlock_irq(&c->lock);
	vgpu_queue_submit_one(&output->dev->cursor, cmd);
}

static void uploaded(struct vgpu_vbuf *cmd)
{
	struct vgpu_output *output = cmd->priv;

	spin_lock_irq(&output->cursor.lock);
	output->cursor.uploads--;
	spin_unlock_irq(&output->cursor.lock);
	cursor_send(output);
}

/* The image goes by the control queue, and must be there before the cursor. */
static void upload(struct vgpu_output *output, struct vgpu_bo *bo)
{
	static const struct vgpu_rect all = {
		0, 0, VGPU_CURSOR_SIZE, VGPU_CURSOR_SIZE
	};
	struct vgpu_vbuf *cmd = vgpu_vbuf_new(GFP_KERNEL);

	if (!cmd)
		return;
	vgpu_bo_sync_for_device(output->dev, bo);
	cmd->cmd_len = vgpu_cmd_transfer_2d(&cmd->cmd, bo->res_id, &all, 0);
	cmd->done = uploaded;
	cmd->priv = output;
	spin_lock_irq(&output->cursor.lock);
	output->cursor.uploads++;
	spin_unlock_irq(&output->cursor.lock);
	vgpu_queue_submit_one(&output->dev->ctrl, cmd);
}

static int cursor_check(struct drm_plane *plane,
			struct drm_atomic_commit *commit)
{
	struct drm_plane_state *state;
	struct drm_crtc_state *crtc_state;

	state = drm_atomic_get_new_plane_state(commit, plane);
	if (!state->fb || !state->crtc)
		return 0;
	if (state->fb->width != VGPU_CURSOR_SIZE ||
	    state->fb->height != VGPU_CURSOR_SIZE)
		return -EINVAL;
	crtc_state = drm_atomic_get_crtc_state(commit, state->crtc);
	if (IS_ERR(crtc_state))
		return PTR_ERR(crtc_state);
	return drm_atomic_helper_check_plane_state(state, crtc_state,
						   DRM_PLANE_NO_SCALING,
						   DRM_PLANE_NO_SCALING,
						   true, true);
}

static void cursor_update(struct drm_plane *plane,
			  struct drm_atomic_commit *commit)
{
	struct drm_plane_state *old, *new;
	struct vgpu_output *output;
	struct vgpu_cursor *c;
	struct vgpu_bo *bo;
	bool image;
	u32 epoch;

	old = drm_atomic_get_old_plane_state(commit, plane);
	new = drm_atomic_get_new_plane_state(commit, plane);
	if (!new->crtc || !new->fb)
		return;
	output = crtc_to_output(new->crtc);
	c = &output->cursor;
	bo = to_vgpu_bo(new->fb->obj[0]);

	epoch = vgpu_queue_epoch(&output->dev->ctrl);
	spin_lock_irq(&c->lock);
	c->x = new->crtc_x;
	c->y = new->crtc_y;
	c->move = true;
	/* after a reset the host has no cursor */
	image = new->fb != old->fb || c->epoch != epoch;
	c->epoch = epoch;
	if (image) {
		c->res_id = bo->res_id;
		c->hot_x = vgpu_hotspot_x(new);
		c->hot_y = vgpu_hotspot_y(new);
		c->update = true;
	}
	spin_unlock_irq(&c->lock);
	if (image && bo->dumb)
		upload(output, bo);
	cursor_send(output);
}

static void cursor_disable(struct drm_plane *plane,
			   struct drm_atomic_commit *commit)
{
	struct drm_plane_state *old;
	struct vgpu_output *output;

	old = drm_atomic_get_old_plane_state(commit, plane);
	if (!old->crtc)
		return;
	output = crtc_to_output(old->crtc);
	spin_lock_irq(&output->cursor.lock);
	output->cursor.res_id = 0;
	output->cursor.update = true;
	spin_unlock_irq(&output->cursor.lock);
	cursor_send(output);
}

static const struct drm_plane_helper_funcs helper_funcs = {
	.atomic_check = cursor_check,
	.atomic_update = cursor_update,
	.atomic_disable = cursor_disable,
};

static const struct drm_plane_funcs funcs = {
	.update_plane = drm_atomic_helper_update_plane,
	.disable_plane = drm_atomic_helper_disable_plane,
	.reset = drm_atomic_helper_plane_reset,
	.atomic_duplicate_state = drm_atomic_helper_plane_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_plane_destroy_state,
};

struct drm_plane *vgpu_cursor_new(struct vgpu_output *output)
{
	struct drm_plane *plane;
	int ret;

	spin_lock_init(&output->cursor.lock);
	plane = drmm_universal_plane_alloc(output->dev->drm, struct drm_plane,
					   dev, BIT(output->index), &funcs,
					   formats, ARRAY_SIZE(formats), NULL,
					   DRM_PLANE_TYPE_CURSOR, NULL);
	if (IS_ERR(plane))
		return plane;
	drm_plane_helper_add(plane, &helper_funcs);
	ret = drm_plane_create_zpos_immutable_property(plane, 1);
	return ret ? ERR_PTR(ret) : plane;
}
