// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_gem.c - resources: pages of the guest that the host has a texture of
 *
 * The pages of an object are given back only after the host has answered
 * RESOURCE_UNREF, or after the device was reset: until then it may use them.
 */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/slab.h>
#include <drm/drm_fourcc.h>
#include <drm/drm_mode.h>
#include <drm/drm_print.h>

#include "vgpu_gem.h"
#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_fence.h"
#include "vgpu_prime.h"
#include "vgpu_vbuf.h"

static void unref_done(struct vgpu_vbuf *cmd)
{
	drm_gem_shmem_free(cmd->priv);
}

static void free_object(struct drm_gem_object *obj)
{
	struct vgpu_device *dev = to_vgpu(obj->dev);
	struct vgpu_bo *bo = to_vgpu_bo(obj);
	struct vgpu_vbuf *cmd = bo->unref;

	if (!cmd) {
		drm_gem_shmem_free(&bo->base);
		return;
	}
	bo->unref = NULL;
	cmd->cmd_len = vgpu_cmd_unref(&cmd->cmd, bo->res_id);
	cmd->done = unref_done;
	cmd->priv = &bo->base;
	mutex_lock(&dev->bos_lock);
	list_del(&bo->node);
	vgpu_queue_submit_one(&dev->ctrl, cmd);
	mutex_unlock(&dev->bos_lock);
}

static const struct drm_gem_object_funcs gem_funcs = {
	.free = free_object,
	.open = vgpu_context_gem_open,
	.close = vgpu_context_gem_close,
	.print_info = drm_gem_shmem_object_print_info,
	.export = vgpu_prime_export,
	.pin = drm_gem_shmem_object_pin,
	.unpin = drm_gem_shmem_object_unpin,
	.get_sg_table = drm_gem_shmem_object_get_sg_table,
	.vmap = drm_gem_shmem_object_vmap,
	.vunmap = drm_gem_shmem_object_vunmap,
	.mmap = drm_gem_shmem_object_mmap,
	.vm_ops = &drm_gem_shmem_vm_ops,
};

struct drm_gem_object *vgpu_gem_create_object(struct drm_device *drm,
					      size_t size)
{
	struct vgpu_bo *bo = kzalloc(sizeof(*bo), GFP_KERNEL);

	if (!bo)
		return ERR_PTR(-ENOMEM);
	bo->base.base.funcs = &gem_funcs;
	return &bo->base.base;
}

/* ATTACH_BACKING with the addresses of the object's pages. */
static struct vgpu_vbuf *attach_backing(struct vgpu_device *dev,
					struct vgpu_bo *bo,
					struct sg_table *sgt)
{
	struct virtio_gpu_mem_entry *e = NULL;
	struct vgpu_payload *entries;
	struct vgpu_vbuf *cmd;
	struct scatterlist *sg;
	unsigned int nr, left = 0, chunk = 0;
	int i;

	nr = dev->use_dma_api ? sgt->nents : sgt->orig_nents;

	cmd = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
	entries = vgpu_payload_new(array_size(nr, sizeof(*e)),
				   dev->ctrl.chain_max - 2);
	if (!cmd || !entries) {
		vgpu_vbuf_free(cmd);
		vgpu_payload_free(entries);
		return NULL;
	}
	cmd->payload = entries;
	cmd->cmd_len = vgpu_cmd_attach_backing(&cmd->cmd, bo->res_id, nr);
	for_each_sg(sgt->sgl, sg, nr, i) {
		/* every chunk but the last is whole pages: whole entries */
		if (!left) {
			e = entries->chunk[chunk].data;
			left = entries->chunk[chunk++].len / sizeof(*e);
		}
		if (dev->use_dma_api)
			vgpu_cmd_mem_entry(e, sg_dma_address(sg),
					   sg_dma_len(sg));
		else
			vgpu_cmd_mem_entry(e, sg_phys(sg), sg->length);
		e++;
		left--;
	}
	return cmd;
}

static struct vgpu_vbuf *create_resource(struct vgpu_context *ctx,
					 struct vgpu_bo *bo,
					 const struct vgpu_bo_params *params)
{
	struct vgpu_vbuf *cmd = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
	const struct vgpu_texture *t = &params->texture;

	if (!cmd)
		return NULL;
	if (params->is_3d)
		cmd->cmd_len = vgpu_cmd_create_3d(&cmd->cmd, 0, bo->res_id,
						  t);
	else
		cmd->cmd_len = vgpu_cmd_create_2d(&cmd->cmd, bo->res_id,
						  t->format, t->width,
						  t->height);
	bo->create = cmd->cmd;
	bo->create_len = cmd->cmd_len;
	if (!params->busy)
		return cmd;
	cmd->fence = vgpu_fence_new(ctx->timeline);
	if (!cmd->fence) {
		vgpu_vbuf_free(cmd);
		return NULL;
	}
	return cmd;
}

/* From here on the host knows @bo, and is told again after a reset. */
static int introduce(struct vgpu_device *dev, struct vgpu_bo *bo,
		     struct vgpu_vbuf *unref, struct list_head *cmds)
{
	int ret;

	bo->unref = unref;
	mutex_lock(&dev->bos_lock);
	list_add_tail(&bo->node, &dev->bos);
	ret = vgpu_queue_submit(&dev->ctrl, cmds, VGPU_SUBMIT_MORE);
	mutex_unlock(&dev->bos_lock);
	return ret;
}

static int restore(struct vgpu_device *dev, struct vgpu_bo *bo)
{
	struct vgpu_vbuf *create, *attach;
	LIST_HEAD(cmds);

	create = vgpu_vbuf_new(GFP_KERNEL);
	if (!create)
		return -ENOMEM;
	/* what the host knew has its pages, and keeps them */
	attach = attach_backing(dev, bo, bo->base.sgt);
	if (!attach) {
		vgpu_vbuf_free(create);
		return -ENOMEM;
	}
	create->cmd = bo->create;
	create->cmd_len = bo->create_len;
	list_add_tail(&create->node, &cmds);
	list_add_tail(&attach->node, &cmds);
	return vgpu_queue_submit(&dev->ctrl, &cmds, VGPU_SUBMIT_MORE);
}

u32 vgpu_bo_format(const struct vgpu_bo *bo)
{
	switch (le32_to_cpu(bo->create.hdr.type)) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
		return le32_to_cpu(bo->create.create_2d.format);
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		return le32_to_cpu(bo->create.create_3d.format);
	default:
		return 0;
	}
}

int vgpu_bo_set_format(struct vgpu_device *dev, struct vgpu_bo *bo, u32 format)
{
	struct vgpu_vbuf *unref;
	int ret;

	if (!bo->dumb || vgpu_bo_format(bo) == format)
		return 0;
	if (le32_to_cpu(bo->create.hdr.type) !=
	    VIRTIO_GPU_CMD_RESOURCE_CREATE_2D)
		return -EINVAL;
	unref = vgpu_vbuf_new(GFP_KERNEL);
	if (!unref)
		return -ENOMEM;
	unref->cmd_len = vgpu_cmd_unref(&unref->cmd, bo->res_id);
	mutex_lock(&dev->bos_lock);
	bo->create.create_2d.format = cpu_to_le32(format);
	vgpu_queue_submit_one(&dev->ctrl, unref);
	ret = restore(dev, bo);
	mutex_unlock(&dev->bos_lock);
	return ret ? ret : 1;
}

void vgpu_bos_restore(struct vgpu_device *dev)
{
	struct vgpu_bo *bo;

	lockdep_assert_held(&dev->bos_lock);
	list_for_each_entry(bo, &dev->bos, node)
		if (restore(dev, bo))
			drm_warn(dev->drm, "resource %u is lost\n", bo->res_id);
}

/* Tell the host about @bo. On failure it does not know it. */
static int init_resource(struct vgpu_device *dev, struct vgpu_context *ctx,
			 struct vgpu_bo *bo,
			 const struct vgpu_bo_params *params)
{
	struct dma_resv *resv = bo->base.base.resv;
	struct vgpu_vbuf *create, *attach, *unref;
	struct sg_table *sgt;
	LIST_HEAD(cmds);
	int ret = -ENOMEM;

	sgt = drm_gem_shmem_get_pages_sgt(&bo->base);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	attach = attach_backing(dev, bo, sgt);
	if (!attach)
		return -ENOMEM;
	list_add(&attach->node, &cmds);
	create = create_resource(ctx, bo, params);
	if (!create)
		goto err;
	list_add(&create->node, &cmds);
	unref = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
	if (!unref)
		goto err;

	if (create->fence) {
		struct vgpu_fence *fence = create->fence;

		/* nobody else has the object: this does not wait */
		dma_resv_lock(resv, NULL);
		ret = dma_resv_reserve_fences(resv, 1);
		if (ret) {
			dma_resv_unlock(resv);
			vgpu_vbuf_free(unref);
			goto err;
		}
		vgpu_fence_get(fence);
		ret = introduce(dev, bo, unref, &cmds);
		dma_resv_add_fence(resv, &fence->base, DMA_RESV_USAGE_WRITE);
		dma_resv_unlock(resv);
		vgpu_fence_put(fence);
		return ret;
	}
	return introduce(dev, bo, unref, &cmds);

err:
	vgpu_vbuf_list_free(&cmds);
	return ret;
}

static int new_resource_id(struct vgpu_device *dev, u32 *id)
{
	int v = atomic_fetch_add_unless(&dev->last_resource, 1, -1);

	if (v == -1)
		return -ENOSPC;
	*id = (u32)v + 1;
	return 0;
}

int vgpu_bo_create(struct drm_file *file, struct vgpu_device *dev,
		   const struct vgpu_bo_params *params, u32 *handle,
		   u32 *res_id)
{
	struct vgpu_context *ctx = to_vgpu_context(file);
	struct drm_gem_shmem_object *shmem;
	struct vgpu_bo *bo;
	int ret;

	ret = vgpu_queue_wait_room(&dev->ctrl);
	if (ret)
		return ret;
	shmem = drm_gem_shmem_create(dev->drm, params->size);
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);
	bo = container_of(shmem, struct vgpu_bo, base);
	bo->dumb = params->dumb;
	ret = new_resource_id(dev, &bo->res_id);
	if (!ret)
		ret = init_resource(dev, ctx, bo, params);
	if (!ret) {
		*res_id = bo->res_id;
		ret = drm_gem_handle_create(file, &shmem->base, handle);
	}
	vgpu_queue_kick(&dev->ctrl);
	drm_gem_object_put(&shmem->base);
	return ret;
}

int vgpu_gem_dumb_create(struct drm_file *file, struct drm_device *drm,
			 struct drm_mode_create_dumb *args)
{
	struct vgpu_bo_params params = { .dumb = true };
	u32 res_id;
	u64 size;

	if (args->bpp != 32 || !args->width || !args->height)
		return -EINVAL;
	if (args->width > U32_MAX / 4)
		return -EINVAL;
	args->pitch = args->width * 4;
	size = PAGE_ALIGN((u64)args->pitch * args->height);
	if (size > SZ_2G)
		return -EINVAL;
	args->size = size;
	params.size = size;
	params.texture.format = VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM;
	params.texture.width = args->width;
	params.texture.height = args->height;
	return vgpu_bo_create(file, to_vgpu(drm), &params, &args->handle,
			      &res_id);
}

void vgpu_bo_sync_for_device(struct vgpu_device *dev, struct vgpu_bo *bo)
{
	if (dev->use_dma_api && bo->base.sgt)
		dma_sync_sgtable_for_device(dev->drm->dev, bo->base.sgt,
					    DMA_TO_DEVICE);
}
