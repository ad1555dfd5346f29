// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_prime.c - sharing of objects by dma-buf
 *
 * Objects of this device come back as themselves. Other virtio devices name
 * them to the host by a UUID, which it gives when it is asked for first.
 * Buffers of other devices become blobs in guest memory, where the host has
 * these; it could not draw with them, so not on a device with 3D.
 */
#include <linux/dma-buf.h>
#include <linux/fs.h>
#include <linux/iommu.h>
#include <linux/jiffies.h>
#include <linux/virtio_dma_buf.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_prime.h>

#include "vgpu_prime.h"
#include "vgpu_device.h"
#include "vgpu_gem.h"
#include "vgpu_request.h"
#include "vgpu_vbuf.h"

#define UUID_TIMEOUT	(5 * HZ)

static bool has_uuid(struct vgpu_device *dev, struct vgpu_bo *bo)
{
	if (!dev->has_uuid)
		return false;
	return !bo->blob_mem ||
	       bo->blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE;
}

/* Twice is as good as once: the host gives the same one. */
static int get_uuid(struct dma_buf *buf, uuid_t *uuid)
{
	struct drm_gem_object *obj = buf->priv;
	struct vgpu_device *dev = to_vgpu(obj->dev);
	struct vgpu_bo *bo = to_vgpu_bo(obj);
	const u32 head = sizeof(struct virtio_gpu_ctrl_hdr);
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;
	int ret;

	if (!has_uuid(dev, bo))
		return -ENODEV;
	req = vgpu_request_new(sizeof(struct virtio_gpu_resp_resource_uuid),
			       VIRTIO_GPU_RESP_OK_RESOURCE_UUID, &cmd);
	if (!req)
		return -ENOMEM;
	cmd->cmd_len = vgpu_cmd_assign_uuid(&cmd->cmd, bo->res_id);
	vgpu_request_send(dev, cmd);
	ret = vgpu_request_wait(req, jiffies + UUID_TIMEOUT);
	if (!ret && req->len != req->size)
		ret = -EPROTO;
	if (!ret)
		import_uuid(uuid, req->resp + head);
	vgpu_request_put(req);
	return ret;
}

static const struct virtio_dma_buf_ops dmabuf_ops = {
	.ops = {
		.attach = virtio_dma_buf_attach,
		.detach = drm_gem_map_detach,
		.map_dma_buf = drm_gem_map_dma_buf,
		.unmap_dma_buf = drm_gem_unmap_dma_buf,
		.release = drm_gem_dmabuf_release,
		.mmap = drm_gem_dmabuf_mmap,
		.vmap = drm_gem_dmabuf_vmap,
		.vunmap = drm_gem_dmabuf_vunmap,
	},
	.device_attach = drm_gem_map_attach,
	.get_uuid = get_uuid,
};

struct dma_buf *vgpu_prime_export(struct drm_gem_object *obj, int flags)
{
	struct drm_device *drm = obj->dev;
	struct dma_buf_export_info info = {
		.exp_name = KBUILD_MODNAME,
		.owner = drm->driver->fops->owner,
		.ops = &dmabuf_ops.ops,
		.size = obj->size,
		.flags = flags,
		.priv = obj,
		.resv = obj->resv,
	};
	struct dma_buf *buf = virtio_dma_buf_export(&info);

	if (IS_ERR(buf))
		return buf;
	/* both go with drm_gem_dmabuf_release() */
	drm_dev_get(drm);
	drm_gem_object_get(obj);
	buf->file->f_mapping = drm->anon_inode->i_mapping;
	return buf;
}

struct drm_gem_object *vgpu_prime_import(struct drm_device *drm,
					 struct dma_buf *buf)
{
	struct drm_gem_object *obj;

	if (buf->ops == &dmabuf_ops.ops) {
		obj = buf->priv;
		if (obj->dev == drm) {
			drm_gem_object_get(obj);
			return obj;
		}
	}
	return drm_gem_prime_import(drm, buf);
}

struct drm_gem_object *
vgpu_prime_import_sg_table(struct drm_device *drm,
			   struct dma_buf_attachment *attach,
			   struct sg_table *sgt)
{
	struct vgpu_device *dev = to_vgpu(drm);

	if (!dev->has_blob || dev->has_virgl)
		return ERR_PTR(-ENODEV);
	/* the host would take the IOMMU's addresses for the guest's */
	if (!dev->use_dma_api && device_iommu_mapped(drm->dev))
		return ERR_PTR(-ENODEV);
	return vgpu_bo_import(dev, attach, sgt);
}
