// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_gem.c - resources: pages of the guest that the host has a texture of
 *
 * The pages of an object are given back only after the host has answered
 * RESOURCE_UNREF, or after the device was reset: until then it may use them.
 */
#include <linux/dma-mapping.h>
#include <linux/dma-resv.h>
#include <linux/mm.h>
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

static struct sg_table *no_pages(struct drm_gem_object *obj)
{
	return ERR_PTR(-ENODEV);
}

static int no_mmap(struct drm_gem_object *obj, struct vm_area_struct *vma)
{
	return -EINVAL;
}

/* The memory is the host's, and this device shows none of it. */
static const struct drm_gem_object_funcs host_funcs = {
	.free = free_object,
	.open = vgpu_context_gem_open,
	.close = vgpu_context_gem_close,
	.export = vgpu_prime_export,
	.get_sg_table = no_pages,
	.mmap = no_mmap,
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

/* Addresses in the table: the device's, or the guest's memory's. */
static bool has_dma_addresses(struct vgpu_device *dev, struct vgpu_bo *bo)
{
	return dev->use_dma_api || bo->imported;
}

static unsigned int count_entries(struct vgpu_device *dev, struct vgpu_bo *bo,
				  struct sg_table *sgt)
{
	return has_dma_addresses(dev, bo) ? sgt->nents : sgt->orig_nents;
}

/* A command that is followed by the addresses of the object's pages. */
static struct vgpu_vbuf *with_backing(struct vgpu_device *dev,
				      struct vgpu_bo *bo, struct sg_table *sgt)
{
	unsigned int nr = count_entries(dev, bo, sgt), left = 0, chunk = 0;
	bool dma = has_dma_addresses(dev, bo);
	struct virtio_gpu_mem_entry *e = NULL;
	struct vgpu_payload *entries;
	struct vgpu_vbuf *cmd;
	struct scatterlist *sg;
	int i;

	cmd = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
	entries = vgpu_payload_new(array_size(nr, sizeof(*e)),
				   dev->ctrl.chain_max - 2);
	if (!cmd || !entries) {
		vgpu_vbuf_free(cmd);
		vgpu_payload_free(entries);
		return NULL;
	}
	cmd->payload = entries;
	for_each_sg(sgt->sgl, sg, nr, i) {
		/* every chunk but the last is whole pages: whole entries */
		if (!left) {
			e = entries->chunk[chunk].data;
			left = entries->chunk[chunk++].len / sizeof(*e);
		}
		if (dma)
			vgpu_cmd_mem_entry(e, sg_dma_address(sg),
					   sg_dma_len(sg));
		else
			vgpu_cmd_mem_entry(e, sg_phys(sg), sg->length);
		e++;
		left--;
	}
	return cmd;
}

static void encode_create(struct vgpu_device *dev, struct vgpu_context *ctx,
			  struct vgpu_bo *bo, struct sg_table *sgt,
			  const struct vgpu_bo_params *params)
{
	const struct vgpu_texture *t = &params->texture;
	unsigned int nr = sgt ? count_entries(dev, bo, sgt) : 0;
	u32 ctx_id = 0;

	if (bo->blob_mem && bo->blob_mem != VIRTIO_GPU_BLOB_MEM_GUEST)
		ctx_id = ctx->id;
	if (params->blob)
		bo->create_len = vgpu_cmd_create_blob(&bo->create, ctx_id,
						      bo->res_id, params->blob,
						      nr);
	else if (params->is_3d)
		bo->create_len = vgpu_cmd_create_3d(&bo->create, 0, bo->res_id,
						    t);
	else
		bo->create_len = vgpu_cmd_create_2d(&bo->create, bo->res_id,
						    t->format, t->width,
						    t->height);
}

/*
 * What tells the host of @bo: a blob is one command with its pages, anything
 * else is created and then given its pages.
 */
static int creation(struct vgpu_device *dev, struct vgpu_bo *bo,
		    struct sg_table *sgt, struct list_head *cmds)
{
	struct vgpu_vbuf *create, *attach = NULL;

	if (sgt) {
		attach = with_backing(dev, bo, sgt);
		if (!attach)
			return -ENOMEM;
	}
	if (attach && bo->blob_mem) {
		create = attach;
	} else {
		create = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
		if (!create) {
			vgpu_vbuf_free(attach);
			return -ENOMEM;
		}
	}
	create->cmd = bo->create;
	create->cmd_len = bo->create_len;
	list_add_tail(&create->node, cmds);
	if (attach && attach != create) {
		attach->cmd_len = vgpu_cmd_attach_backing(&attach->cmd,
				bo->res_id, count_entries(dev, bo, sgt));
		list_add_tail(&attach->node, cmds);
	}
	return 0;
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
	LIST_HEAD(cmds);
	int ret;

	/* what it was, the host alone knew */
	if (bo->blob_mem && bo->blob_mem != VIRTIO_GPU_BLOB_MEM_GUEST)
		return -EIO;
	/* what the host knew has its pages, and keeps them */
	ret = creation(dev, bo, bo->base.sgt, &cmds);
	if (ret)
		return ret;
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

/* Introduce it with a fence that keeps it busy until the host has it. */
static int introduce_busy(struct vgpu_device *dev, struct vgpu_context *ctx,
			  struct vgpu_bo *bo, struct vgpu_vbuf *unref,
			  struct list_head *cmds)
{
	struct vgpu_vbuf *create = list_first_entry(cmds, struct vgpu_vbuf,
						    node);
	struct vgpu_fence *fence = vgpu_fence_new(ctx->memory);
	struct dma_resv *resv = bo->base.base.resv;
	int ret;

	if (!fence)
		return -ENOMEM;
	/* nobody else has the object: this does not wait */
	dma_resv_lock(resv, NULL);
	ret = dma_resv_reserve_fences(resv, 1);
	if (ret) {
		dma_resv_unlock(resv);
		vgpu_fence_put(fence);
		return ret;
	}
	vgpu_fence_get(fence);
	create->fence = fence;
	ret = introduce(dev, bo, unref, cmds);
	dma_resv_add_fence(resv, &fence->base, DMA_RESV_USAGE_WRITE);
	dma_resv_unlock(resv);
	vgpu_fence_put(fence);
	return ret;
}

/* The pages that the host is to have; NULL: none. */
static struct sg_table *backing(struct vgpu_bo *bo)
{
	if (bo->blob_mem == VIRTIO_GPU_BLOB_MEM_HOST3D)
		return NULL;
	if (bo->imported)
		return bo->base.sgt;
	return drm_gem_shmem_get_pages_sgt(&bo->base);
}

/* Tell the host about @bo. On failure it does not know it. */
static int init_resource(struct vgpu_device *dev, struct vgpu_context *ctx,
			 struct vgpu_bo *bo,
			 const struct vgpu_bo_params *params)
{
	struct vgpu_vbuf *unref;
	struct sg_table *sgt;
	LIST_HEAD(cmds);
	int ret;

	sgt = backing(bo);
	if (IS_ERR(sgt))
		return PTR_ERR(sgt);
	encode_create(dev, ctx, bo, sgt, params);
	ret = creation(dev, bo, sgt, &cmds);
	if (ret)
		return ret;
	unref = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
	if (!unref) {
		vgpu_vbuf_list_free(&cmds);
		return -ENOMEM;
	}
	if (!params->busy)
		return introduce(dev, bo, unref, &cmds);
	ret = introduce_busy(dev, ctx, bo, unref, &cmds);
	/* else it was queued, with whatever result */
	if (!bo->unref) {
		vgpu_vbuf_free(unref);
		vgpu_vbuf_list_free(&cmds);
	}
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

	/* more than there is needs no try, nor tables of its size */
	if (params->size >> PAGE_SHIFT > totalram_pages())
		return -ENOMEM;
	ret = vgpu_queue_wait_room(&dev->ctrl);
	if (ret)
		return ret;
	shmem = drm_gem_shmem_create(dev->drm, params->size);
	if (IS_ERR(shmem))
		return PTR_ERR(shmem);
	bo = container_of(shmem, struct vgpu_bo, base);
	bo->dumb = params->dumb;
	if (params->blob) {
		bo->blob_mem = params->blob->mem;
		bo->blob_flags = params->blob->flags;
		if (bo->blob_mem == VIRTIO_GPU_BLOB_MEM_HOST3D)
			bo->base.base.funcs = &host_funcs;
	}
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

struct drm_gem_object *vgpu_bo_import(struct vgpu_device *dev,
				      struct dma_buf_attachment *attach,
				      struct sg_table *sgt)
{
	struct vgpu_blob blob = {
		.mem = VIRTIO_GPU_BLOB_MEM_GUEST,
		.flags = VIRTIO_GPU_BLOB_FLAG_USE_SHAREABLE,
	};
	const struct vgpu_bo_params params = { .blob = &blob };
	struct drm_gem_object *obj;
	struct vgpu_bo *bo;
	int ret;

	obj = drm_gem_shmem_prime_import_sg_table(dev->drm, attach, sgt);
	if (IS_ERR(obj))
		return obj;
	bo = to_vgpu_bo(obj);
	bo->imported = true;
	bo->blob_mem = blob.mem;
	bo->blob_flags = blob.flags;
	blob.size = obj->size;
	ret = new_resource_id(dev, &bo->res_id);
	if (!ret)
		ret = init_resource(dev, NULL, bo, &params);
	vgpu_queue_kick(&dev->ctrl);
	if (!ret || bo->unref)
		return obj;
	/* the caller keeps what it has mapped */
	bo->base.sgt = NULL;
	drm_gem_object_put(obj);
	return ERR_PTR(ret);
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
