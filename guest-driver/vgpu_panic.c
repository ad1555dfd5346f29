// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_panic.c - the kernel's last words on the screen
 *
 * In a panic the other CPUs stand still wherever they were, with whatever lock
 * they had, and no interrupt comes: nothing here waits, allocates, or needs an
 * answer. The kernel draws into the guest's pages of what is shown; the
 * commands that bring them to the host are made in advance. If no panic follows
 * (the kernel can be asked to test this), they are answered like any other, and
 * replaced.
 */
#include <drm/drm_fourcc.h>
#include <drm/drm_framebuffer.h>
#include <drm/drm_managed.h>
#include <drm/drm_panic.h>
#include <drm/drm_plane.h>

#include "vgpu_panic.h"
#include "vgpu_device.h"
#include "vgpu_gem.h"
#include "vgpu_kms.h"
#include "vgpu_output.h"
#include "vgpu_vbuf.h"
#include "compat.h"

/* The pages of what is shown; -ENODEV: nothing that could be drawn into. */
static int scanout_pages(struct vgpu_bo *bo, struct drm_scanout_buffer *sb)
{
#ifdef HAVE_DRM_PANIC_PAGES
	if (!bo->base.pages)
		return -ENODEV;
	sb->pages = bo->base.pages;
#else
	if (!bo->base.vaddr)
		return -ENODEV;
	iosys_map_set_vaddr(&sb->map[0], bo->base.vaddr);
#endif
	return 0;
}

int vgpu_panic_get_scanout(struct drm_plane *plane,
			   struct drm_scanout_buffer *sb)
{
	const struct drm_plane_state *state = plane->state;
	const struct drm_framebuffer *fb;
	struct vgpu_bo *bo;

	if (!state || !state->fb || !state->crtc || !state->visible)
		return -ENODEV;
	fb = state->fb;
	bo = to_vgpu_bo(fb->obj[0]);
	if (bo->imported || bo->blob_mem)
		return -ENODEV;
	/* a texture's pages may be fewer than it has pixels */
	if ((u64)fb->pitches[0] * fb->height > bo->base.base.size)
		return -ENODEV;
	sb->format = fb->format;
	sb->width = fb->width;
	sb->height = fb->height;
	sb->pitch[0] = fb->pitches[0];
	return scanout_pages(bo, sb);
}

static void replace(struct vgpu_vbuf *cmd)
{
	struct vgpu_vbuf **slot = cmd->priv;

	/* what is in it comes before the pointer to it: see take() */
	smp_store_release(slot, vgpu_vbuf_new(GFP_KERNEL));
}

static struct vgpu_vbuf *take(struct vgpu_vbuf **slot, struct list_head *cmds)
{
	struct vgpu_vbuf *cmd = xchg(slot, NULL);

	if (!cmd)
		return NULL;
	cmd->done = replace;
	cmd->priv = slot;
	list_add_tail(&cmd->node, cmds);
	return cmd;
}

static void give_back(struct list_head *cmds)
{
	struct vgpu_vbuf *cmd, *next;

	list_for_each_entry_safe(cmd, next, cmds, node) {
		struct vgpu_vbuf **slot = cmd->priv;

		list_del_init(&cmd->node);
		*slot = cmd;
	}
}

static void encode_upload(struct vgpu_vbuf *cmd, const struct vgpu_bo *bo,
			  const struct drm_framebuffer *fb)
{
	const struct vgpu_rect all = { 0, 0, fb->width, fb->height };
	const struct vgpu_transfer box = {
		.box = { 0, 0, 0, fb->width, fb->height, 1 },
		.stride = fb->pitches[0],
	};

	if (bo->dumb)
		cmd->cmd_len = vgpu_cmd_transfer_2d(&cmd->cmd, bo->res_id,
						    &all, 0);
	else
		cmd->cmd_len = vgpu_cmd_transfer_to_host(&cmd->cmd, 0,
							 bo->res_id, &box);
}

void vgpu_panic_flush(struct drm_plane *plane)
{
	const struct drm_plane_state *state = plane->state;
	struct vgpu_output *output = crtc_to_output(state->crtc);
	const struct drm_framebuffer *fb = state->fb;
	const struct vgpu_rect src = {
		state->src.x1 >> 16, state->src.y1 >> 16,
		drm_rect_width(&state->src) >> 16,
		drm_rect_height(&state->src) >> 16
	};
	struct vgpu_bo *bo = to_vgpu_bo(fb->obj[0]);
	struct vgpu_vbuf *upload, *scanout, *flush;
	LIST_HEAD(cmds);

	vgpu_bo_sync_for_device(output->dev, bo);
	upload = take(&output->panic[0], &cmds);
	if (upload)
		encode_upload(upload, bo, fb);
	/* the commit that shows this may not have come so far */
	if (output->scanout.res_id != bo->res_id) {
		scanout = take(&output->panic[1], &cmds);
		if (scanout)
			scanout->cmd_len =
				vgpu_cmd_set_scanout(&scanout->cmd,
						     output->index,
						     bo->res_id, &src);
	}
	flush = take(&output->panic[2], &cmds);
	if (flush)
		flush->cmd_len = vgpu_cmd_flush(&flush->cmd, bo->res_id, &src);
	vgpu_queue_submit_panic(&output->dev->ctrl, &cmds);
	give_back(&cmds);
}

static void panic_fini(struct drm_device *drm, void *data)
{
	struct vgpu_output *output = data;
	unsigned int i;

	/* who replaces them */
	vgpu_queue_flush(&output->dev->ctrl);
	for (i = 0; i < ARRAY_SIZE(output->panic); i++)
		vgpu_vbuf_free(output->panic[i]);
}

int vgpu_panic_init(struct vgpu_output *output)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(output->panic); i++)
		output->panic[i] = vgpu_vbuf_new(GFP_KERNEL);
	return drmm_add_action_or_reset(output->dev->drm, panic_fini, output);
}
