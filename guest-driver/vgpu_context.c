// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_context.c - an open device file and its rendering context on the host
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_drm.h"
#include "vgpu_fdinfo.h"
#include "vgpu_fence.h"
#include "vgpu_gem.h"
#include "vgpu_job.h"
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
	if (!ctx->name[0])
		strscpy(ctx->name, current->comm, sizeof(ctx->name));
	cmd->cmd_len = vgpu_cmd_ctx_create(&cmd->cmd, ctx->id, ctx->capset,
					   ctx->name, strlen(ctx->name));
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
	return READ_ONCE(ctx->epoch) != vgpu_queue_epoch(&dev->ctrl);
}

void vgpu_context_lost(struct vgpu_device *dev, u32 id)
{
	struct vgpu_context *ctx;

	mutex_lock(&dev->files_lock);
	list_for_each_entry(ctx, &dev->files, node)
		if (ctx->id == id)
			WRITE_ONCE(ctx->epoch, VGPU_EPOCH_NEVER);
	mutex_unlock(&dev->files_lock);
}

int vgpu_context_need(struct vgpu_device *dev, struct vgpu_context *ctx)
{
	int ret = 0;

	if (!ctx->id)
		return -ENOSYS;
	/* with the epoch that create() wrote before it */
	if (smp_load_acquire(&ctx->created))
		return is_lost(dev, ctx) ? -EIO : 0;
	mutex_lock(&ctx->lock);
	if (!ctx->created)
		ret = create(dev, ctx);
	mutex_unlock(&ctx->lock);
	return ret;
}

/* The id goes back once the host has no context of that name any more. */
static void destroyed(struct vgpu_vbuf *cmd)
{
	struct vgpu_device *dev = cmd->priv;

	ida_free(&dev->contexts, le32_to_cpu(cmd->cmd.hdr.ctx_id));
}

static void free_rings(struct vgpu_timeline **rings, unsigned int nr)
{
	unsigned int i;

	for (i = 0; rings && i < nr; i++)
		vgpu_timeline_put(rings[i]);
	kfree(rings);
}

static void context_release(struct kref *ref)
{
	struct vgpu_context *ctx = container_of(ref, struct vgpu_context, ref);
	struct vgpu_device *dev = ctx->dev;

	if (ctx->created) {
		ctx->destroy->done = destroyed;
		ctx->destroy->priv = dev;
		vgpu_queue_submit_one(&dev->ctrl, ctx->destroy);
	} else if (ctx->id) {
		ida_free(&dev->contexts, ctx->id);
	}
	free_rings(ctx->rings, ctx->nr_rings);
	vgpu_timeline_put(ctx->timeline);
	vgpu_timeline_put(ctx->memory);
	xa_destroy(&ctx->handles);
	mutex_destroy(&ctx->lock);
	kfree(ctx);
}

void vgpu_context_put(struct vgpu_context *ctx)
{
	kref_put(&ctx->ref, context_release);
}

static struct vgpu_timeline *new_timeline(struct drm_file *file)
{
	struct vgpu_timeline *tl = vgpu_timeline_new();

	if (tl)
		tl->client_id = vgpu_client_id(file);
	return tl;
}

int vgpu_context_open(struct drm_device *drm, struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(drm);
	struct vgpu_context *ctx;
	int id, ret = -ENOMEM;

	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return -ENOMEM;
	kref_init(&ctx->ref);
	ctx->dev = dev;
	mutex_init(&ctx->lock);
	xa_init(&ctx->handles);
	ctx->timeline = new_timeline(file);
	ctx->memory = new_timeline(file);
	if (!ctx->timeline || !ctx->memory)
		goto err;
	if (dev->has_virgl) {
		id = ida_alloc_min(&dev->contexts, 1, GFP_KERNEL);
		if (id < 0) {
			ret = id;
			goto err;
		}
		ctx->id = id;
	}
	mutex_lock(&dev->files_lock);
	list_add_tail(&ctx->node, &dev->files);
	mutex_unlock(&dev->files_lock);
	file->driver_priv = ctx;
	return 0;

err:
	vgpu_context_put(ctx);
	return ret;
}

void vgpu_context_postclose(struct drm_device *drm, struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(drm);
	struct vgpu_context *ctx = to_vgpu_context(file);

	mutex_lock(&dev->files_lock);
	list_del(&ctx->node);
	mutex_unlock(&dev->files_lock);
	file->driver_priv = NULL;
	vgpu_context_put(ctx);
}

/* ---- CONTEXT_INIT ---- */

struct vgpu_timeline *
vgpu_context_timeline(struct vgpu_context *ctx,
		      const struct drm_vgpu_execbuffer *args)
{
	if (!(args->flags & VGPU_EXECBUF_RING_IDX))
		return ctx->timeline;
	/* with what was written before it */
	if (!smp_load_acquire(&ctx->created) || args->ring_idx >= ctx->nr_rings)
		return NULL;
	return ctx->rings[args->ring_idx];
}

/** struct init_params - of one CONTEXT_INIT; each may be given once */
struct init_params {
	u64 given;		/* bit mask */
	u32 capset, rings;
	u64 poll;
	char name[VGPU_CONTEXT_NAME_MAX];
};

static int take_param(struct vgpu_device *dev, struct init_params *p,
		      const struct drm_vgpu_context_set_param *param)
{
	u64 value = param->value;

	if (param->param > VGPU_CONTEXT_PARAM_DEBUG_NAME ||
	    p->given & BIT_ULL(param->param))
		return -EINVAL;
	p->given |= BIT_ULL(param->param);
	switch (param->param) {
	case VGPU_CONTEXT_PARAM_CAPSET_ID:
		if (value > 63 || !(dev->capset_mask & BIT_ULL(value)))
			return -EINVAL;
		p->capset = value;
		return 0;
	case VGPU_CONTEXT_PARAM_NUM_RINGS:
		if (value > VGPU_MAX_RINGS)
			return -EINVAL;
		p->rings = value;
		return 0;
	case VGPU_CONTEXT_PARAM_POLL_RINGS_MASK:
		p->poll = value;
		return 0;
	case VGPU_CONTEXT_PARAM_DEBUG_NAME:
		/* what is too long is cut: the last byte stays 0 */
		if (strncpy_from_user(p->name, u64_to_user_ptr(value),
				      sizeof(p->name) - 1) < 0)
			return -EFAULT;
		return 0;
	}
	return -EINVAL;
}

static int read_params(struct vgpu_device *dev, struct init_params *p,
		       const struct drm_vgpu_context_init *args)
{
	const struct drm_vgpu_context_set_param __user *from =
		u64_to_user_ptr(args->ctx_set_params);
	struct drm_vgpu_context_set_param param;
	u32 i;
	int ret;

	if (args->num_params > VGPU_CONTEXT_PARAM_DEBUG_NAME)
		return -EINVAL;
	for (i = 0; i < args->num_params; i++) {
		if (copy_from_user(&param, &from[i], sizeof(param)))
			return -EFAULT;
		ret = take_param(dev, p, &param);
		if (ret)
			return ret;
	}
	if (p->rings < 64 && p->poll >> p->rings)
		return -EINVAL;
	return 0;
}

static struct vgpu_timeline **new_rings(struct vgpu_context *ctx,
					unsigned int nr)
{
	struct vgpu_timeline **rings;
	unsigned int i;

	rings = kcalloc(nr, sizeof(*rings), GFP_KERNEL_ACCOUNT);
	for (i = 0; rings && i < nr; i++) {
		rings[i] = vgpu_timeline_new();
		if (!rings[i]) {
			free_rings(rings, i);
			return NULL;
		}
		rings[i]->client_id = ctx->timeline->client_id;
	}
	return rings;
}

int vgpu_context_init(struct vgpu_device *dev, struct vgpu_context *ctx,
		      const struct drm_vgpu_context_init *args)
{
	struct vgpu_timeline **rings = NULL;
	struct init_params p = { 0 };
	int ret;

	if (!dev->has_context_init || !ctx->id)
		return -EINVAL;
	ret = read_params(dev, &p, args);
	if (ret)
		return ret;
	if (p.rings) {
		rings = new_rings(ctx, p.rings);
		if (!rings)
			return -ENOMEM;
	}
	mutex_lock(&ctx->lock);
	ret = -EEXIST;
	if (!ctx->created) {
		ctx->capset = p.capset;
		ctx->poll_rings = p.poll;
		ctx->rings = rings;
		ctx->nr_rings = p.rings;
		memcpy(ctx->name, p.name, sizeof(ctx->name));
		ret = create(dev, ctx);
		if (!ctx->created) {
			ctx->capset = 0;
			ctx->poll_rings = 0;
			ctx->rings = NULL;
			ctx->nr_rings = 0;
		} else {
			rings = NULL;
		}
	}
	mutex_unlock(&ctx->lock);
	free_rings(rings, p.rings);
	vgpu_queue_kick(&dev->ctrl);
	return ret;
}

/* ---- handles ---- */

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
	/* a program may open and close for ever */
	ret = vgpu_queue_wait_room(&dev->ctrl);
	if (ret)
		return ret;
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
		vgpu_job_after(dev, ctx, cmd, obj);
	}
out:
	mutex_unlock(&ctx->lock);
}
