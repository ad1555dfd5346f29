// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_context.c - an open device file and its rendering context on the host
 */
#include <linux/sched.h>
#include <linux/slab.h>

#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_fdinfo.h"
#include "vgpu_fence.h"
#include "vgpu_gem.h"
#include "vgpu_vbuf.h"

static int add_attach(struct vgpu_context *ctx, u32 res_id,
		      struct list_head *cmds)
{
	struct vgpu_vbuf *cmd = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);

	if (!cmd)
		return -ENOMEM;
	cmd->cmd_len = vgpu_cmd_ctx_attach(&cmd->cmd, ctx->id, res_id);
	cmd->epoch = ctx->epoch;
	list_add_tail(&cmd->node, cmds);
	return 0;
}

static int create(struct vgpu_device *dev, struct vgpu_context *ctx)
{
	char name[TASK_COMM_LEN];
	struct vgpu_vbuf *cmd;
	unsigned long res_id;
	LIST_HEAD(cmds);
	void *entry;
	int ret = -ENOMEM;

	lockdep_assert_held(&ctx->lock);
	ctx->destroy = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
	cmd = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
	if (!ctx->destroy || !cmd) {
		vgpu_vbuf_free(cmd);
		goto err;
	}
	ctx->epoch = vgpu_queue_epoch(&dev->ctrl);
	get_task_comm(name, current);
	cmd->cmd_len = vgpu_cmd_ctx_create(&cmd->cmd, ctx->id, name,
					   strlen(name));
	cmd->epoch = ctx->epoch;
	list_add(&cmd->node, &cmds);
	xa_for_each(&ctx->handles, res_id, entry) {
		ret = add_attach(ctx, res_id, &cmds);
		if (ret)
			goto err;
	}
	ctx->destroy->cmd_len = vgpu_cmd_ctx_destroy(&ctx->destroy->cmd,
						     ctx->id);
	ctx->destroy->epoch = ctx->epoch;
	/* with its epoch */
	smp_store_release(&ctx->created, true);
	return vgpu_queue_submit(&dev->ctrl, &cmds, VGPU_SUBMIT_MORE);

err:
	vgpu_vbuf_list_free(&cmds);
	vgpu_vbuf_free(ctx->destroy);
	ctx->destroy = NULL;
	return ret;
}

/* Commands of it are refused by the queue as well, in case of a race. */
static bool is_lost(struct vgpu_device *dev, struct vgpu_context *ctx)
{
	return ctx->epoch != vgpu_queue_epoch(&dev->ctrl);
}

int vgpu_context_need(struct vgpu_device *dev, struct vgpu_context *ctx)
{
	int ret = 0;

	if (!ctx->id)
		return -ENOSYS;
	if (smp_load_acquire(&ctx->created))
		return is_lost(dev, ctx) ? -EIO : 0;
	mutex_lock(&ctx->lock);
	if (!ctx->created)
		ret = create(dev, ctx);
	mutex_unlock(&ctx->lock);
	return ret;
}

int vgpu_context_open(struct drm_device *drm, struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(drm);
	struct vgpu_context *ctx;
	int id, ret = -ENOMEM;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return -ENOMEM;
	mutex_init(&ctx->lock);
	xa_init(&ctx->handles);
	ctx->timeline = vgpu_timeline_new();
	if (!ctx->timeline)
		goto err_free;
	ctx->timeline->client_id = vgpu_client_id(file);
	if (dev->has_virgl) {
		id = ida_alloc_min(&dev->contexts, 1, GFP_KERNEL);
		if (id < 0) {
			ret = id;
			goto err_timeline;
		}
		ctx->id = id;
	}
	file->driver_priv = ctx;
	return 0;

err_timeline:
	vgpu_timeline_put(ctx->timeline);
err_free:
	kfree(ctx);
	return ret;
}

/* The id goes back once the host has no context of that name any more. */
static void destroyed(struct vgpu_vbuf *cmd)
{
	struct vgpu_device *dev = cmd->priv;

	ida_free(&dev->contexts, le32_to_cpu(cmd->cmd.hdr.ctx_id));
}

void vgpu_context_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(drm);
	struct vgpu_context *ctx = to_vgpu_context(file);

	if (ctx->created) {
		ctx->destroy->done = destroyed;
		ctx->destroy->priv = dev;
		vgpu_queue_submit_one(&dev->ctrl, ctx->destroy);
	} else if (ctx->id) {
		ida_free(&dev->contexts, ctx->id);
	}
	vgpu_timeline_put(ctx->timeline);
	xa_destroy(&ctx->handles);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
	file->driver_priv = NULL;
}

static unsigned long handle_count(struct vgpu_context *ctx, u32 res_id)
{
	void *entry = xa_load(&ctx->handles, res_id);

	return entry ? xa_to_value(entry) : 0;
}

int vgpu_context_gem_open(struct drm_gem_object *obj, struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(obj->dev);
	struct vgpu_context *ctx = to_vgpu_context(file);
	u32 res_id = to_vgpu_bo(obj)->res_id;
	unsigned long count;
	LIST_HEAD(cmds);
	int ret;

	if (!ctx->id)
		return 0;
	mutex_lock(&ctx->lock);
	count = handle_count(ctx, res_id);
	if (!count && ctx->created) {
		ret = add_attach(ctx, res_id, &cmds);
		if (ret)
			goto out;
	}
	ret = xa_err(xa_store(&ctx->handles, res_id, xa_mk_value(count + 1),
			      GFP_KERNEL_ACCOUNT));
	if (ret)
		vgpu_vbuf_list_free(&cmds);
	else
		vgpu_queue_submit(&dev->ctrl, &cmds, 0);
out:
	mutex_unlock(&ctx->lock);
	return ret;
}

void vgpu_context_gem_close(struct drm_gem_object *obj, struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(obj->dev);
	struct vgpu_context *ctx = to_vgpu_context(file);
	u32 res_id = to_vgpu_bo(obj)->res_id;
	unsigned long count;
	struct vgpu_vbuf *cmd;

	if (!ctx->id)
		return;
	mutex_lock(&ctx->lock);
	count = handle_count(ctx, res_id);
	if (count > 1) {
		xa_store(&ctx->handles, res_id, xa_mk_value(count - 1),
			 GFP_KERNEL_ACCOUNT);
		goto out;
	}
	xa_erase(&ctx->handles, res_id);
	/* without memory the host forgets it with the context or resource */
	cmd = ctx->created ? vgpu_vbuf_new(GFP_KERNEL) : NULL;
	if (cmd) {
		cmd->cmd_len = vgpu_cmd_ctx_detach(&cmd->cmd, ctx->id, res_id);
		cmd->epoch = ctx->epoch;
		vgpu_queue_submit_one(&dev->ctrl, cmd);
	}
out:
	mutex_unlock(&ctx->lock);
}
