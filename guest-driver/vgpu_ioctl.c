// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_ioctl.c - the driver's ioctls: refuse what is malformed, then one call
 *
 * Which errno answers what is part of the contract with Mesa; the table in
 * tests/uml/ioctlt.c has every case.
 */
#include <linux/dma-resv.h>
#include <linux/uaccess.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_ioctl.h>

#include "vgpu_ioctl.h"
#include "vgpu_caps.h"
#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_drm.h"
#include "vgpu_gem.h"
#include "vgpu_submit.h"

#define WAIT_TIMEOUT	(15 * HZ)
/* PIPE_TEXTURE_2D, all that a host without 3D has */
#define TARGET_2D	2

static int ioctl_map(struct drm_device *drm, void *data, struct drm_file *file)
{
	struct drm_vgpu_map *args = data;

	return drm_gem_dumb_map_offset(file, drm, args->handle, &args->offset);
}

static int ioctl_execbuffer(struct drm_device *drm, void *data,
			    struct drm_file *file)
{
	struct drm_vgpu_execbuffer *args = data;
	struct vgpu_device *dev = to_vgpu(drm);

	if (!dev->has_virgl)
		return -ENOSYS;
	if (args->flags & ~VGPU_EXECBUF_FLAGS)
		return -EINVAL;
	return vgpu_submit(dev, file, args);
}

static int ioctl_getparam(struct drm_device *drm, void *data,
			  struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(drm);
	struct drm_vgpu_getparam *args = data;
	int value;

	switch (args->param) {
	case VGPU_PARAM_3D_FEATURES:
		value = dev->has_virgl;
		break;
	case VGPU_PARAM_CAPSET_QUERY_FIX:
		value = 1;
		break;
	case VGPU_PARAM_RESOURCE_BLOB:
		value = dev->has_blob;
		break;
	case VGPU_PARAM_HOST_VISIBLE:
		value = 0;
		break;
	case VGPU_PARAM_CROSS_DEVICE:
		value = dev->has_uuid;
		break;
	case VGPU_PARAM_CONTEXT_INIT:
	case VGPU_PARAM_EXPLICIT_DEBUG_NAME:
		value = dev->has_context_init;
		break;
	case VGPU_PARAM_SUPPORTED_CAPSETS:
		value = (int)lower_32_bits(dev->capset_mask);
		break;
	case VGPU_PARAM_BLOB_ALIGNMENT:
		/* older venus means something else by it, see GUEST_VRAM */
		return -ENOENT;
	default:
		return -EINVAL;
	}
	if (copy_to_user(u64_to_user_ptr(args->value), &value, sizeof(value)))
		return -EFAULT;
	return 0;
}

static int ioctl_resource_create(struct drm_device *drm, void *data,
				 struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(drm);
	struct drm_vgpu_resource_create *args = data;
	const struct vgpu_bo_params params = {
		.size = args->size ? args->size : PAGE_SIZE,
		.is_3d = dev->has_virgl,
		.busy = true,
		.texture = {
			.target = args->target, .format = args->format,
			.bind = args->bind, .width = args->width,
			.height = args->height, .depth = args->depth,
			.array_size = args->array_size,
			.last_level = args->last_level,
			.nr_samples = args->nr_samples, .flags = args->flags,
		},
	};
	int ret;

	if (!dev->has_virgl &&
	    (args->depth > 1 || args->nr_samples > 1 ||
	     args->last_level > 1 || args->target != TARGET_2D ||
	     args->array_size > 1))
		return -EINVAL;
	if (dev->has_virgl) {
		ret = vgpu_context_need(dev, to_vgpu_context(file));
		if (ret)
			return ret;
	}
	return vgpu_bo_create(file, dev, &params, &args->bo_handle,
			      &args->res_handle);
}

static int ioctl_resource_info(struct drm_device *drm, void *data,
			       struct drm_file *file)
{
	struct drm_vgpu_resource_info *args = data;
	struct drm_gem_object *obj;

	obj = drm_gem_object_lookup(file, args->bo_handle);
	if (!obj)
		return -ENOENT;
	args->size = obj->size;
	args->res_handle = to_vgpu_bo(obj)->res_id;
	args->blob_mem = to_vgpu_bo(obj)->blob_mem;
	drm_gem_object_put(obj);
	return 0;
}

static int transfer(struct drm_device *drm, struct drm_file *file,
		    const struct drm_vgpu_3d_transfer *args, bool to_host)
{
	const struct vgpu_transfer t = {
		.box = {
			args->box.x, args->box.y, args->box.z,
			args->box.w, args->box.h, args->box.d,
		},
		.offset = args->offset,
		.level = args->level,
		.stride = args->stride,
		.layer_stride = args->layer_stride,
	};

	return vgpu_submit_transfer(to_vgpu(drm), file, args->bo_handle, &t,
				    to_host);
}

static int ioctl_transfer_from_host(struct drm_device *drm, void *data,
				    struct drm_file *file)
{
	if (!to_vgpu(drm)->has_virgl)
		return -ENOSYS;
	return transfer(drm, file, data, false);
}

static int ioctl_transfer_to_host(struct drm_device *drm, void *data,
				  struct drm_file *file)
{
	return transfer(drm, file, data, true);
}

static int ioctl_wait(struct drm_device *drm, void *data,
		      struct drm_file *file)
{
	struct drm_vgpu_3d_wait *args = data;
	struct drm_gem_object *obj;
	long ret;

	obj = drm_gem_object_lookup(file, args->handle);
	if (!obj)
		return -ENOENT;
	if (args->flags & VGPU_WAIT_NOWAIT)
		ret = dma_resv_test_signaled(obj->resv, DMA_RESV_USAGE_READ);
	else
		ret = dma_resv_wait_timeout(obj->resv, DMA_RESV_USAGE_READ,
					    true, WAIT_TIMEOUT);
	drm_gem_object_put(obj);
	if (ret < 0)
		return ret;
	return ret ? 0 : -EBUSY;
}

static int ioctl_get_caps(struct drm_device *drm, void *data,
			  struct drm_file *file)
{
	struct drm_vgpu_get_caps *args = data;

	return vgpu_caps_get(to_vgpu(drm), args->cap_set_id,
			     args->cap_set_ver, u64_to_user_ptr(args->addr),
			     args->size);
}

static int check_blob(struct vgpu_device *dev,
		      const struct drm_vgpu_resource_create_blob *args)
{
	if (!dev->has_blob || args->blob_flags & ~VGPU_BLOB_FLAGS ||
	    args->blob_hints & ~(u64)VGPU_BLOB_HINTS || !args->size)
		return -EINVAL;
	if (args->blob_flags & VGPU_BLOB_FLAG_USE_CROSS_DEVICE &&
	    !dev->has_uuid)
		return -EINVAL;
	switch (args->blob_mem) {
	case VGPU_BLOB_MEM_GUEST:
		return args->blob_id || args->cmd_size ? -EINVAL : 0;
	case VGPU_BLOB_MEM_HOST3D:
	case VGPU_BLOB_MEM_HOST3D_GUEST:
		return !dev->has_host_blob || args->cmd_size % 4 ? -EINVAL : 0;
	}
	return -EINVAL;
}

static int ioctl_resource_create_blob(struct drm_device *drm, void *data,
				      struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(drm);
	struct drm_vgpu_resource_create_blob *args = data;
	const struct vgpu_blob blob = {
		.mem = args->blob_mem, .flags = args->blob_flags,
		.id = args->blob_id, .size = PAGE_ALIGN(args->size),
	};
	const struct vgpu_bo_params params = {
		.size = blob.size, .blob = &blob,
	};
	int ret = check_blob(dev, args);

	if (ret)
		return ret;
	if (!blob.size || blob.size > SIZE_MAX)
		return -ENOMEM;		/* it wrapped */
	if (dev->has_virgl) {
		ret = vgpu_context_need(dev, to_vgpu_context(file));
		if (ret)
			return ret;
	}
	/* they make the blob that blob_id names */
	if (args->cmd_size) {
		ret = vgpu_submit_plain(dev, file, args->cmd, args->cmd_size);
		if (ret)
			return ret;
	}
	return vgpu_bo_create(file, dev, &params, &args->bo_handle,
			      &args->res_handle);
}

static int ioctl_context_init(struct drm_device *drm, void *data,
			      struct drm_file *file)
{
	return vgpu_context_init(to_vgpu(drm), to_vgpu_context(file), data);
}

#define ENTRY(name, func) \
	DRM_IOCTL_DEF_DRV(VGPU_##name, func, DRM_RENDER_ALLOW)

const struct drm_ioctl_desc vgpu_ioctls[VGPU_NUM_IOCTLS] = {
	ENTRY(MAP, ioctl_map),
	ENTRY(EXECBUFFER, ioctl_execbuffer),
	ENTRY(GETPARAM, ioctl_getparam),
	ENTRY(RESOURCE_CREATE, ioctl_resource_create),
	ENTRY(RESOURCE_INFO, ioctl_resource_info),
	ENTRY(TRANSFER_FROM_HOST, ioctl_transfer_from_host),
	ENTRY(TRANSFER_TO_HOST, ioctl_transfer_to_host),
	ENTRY(WAIT, ioctl_wait),
	ENTRY(GET_CAPS, ioctl_get_caps),
	ENTRY(RESOURCE_CREATE_BLOB, ioctl_resource_create_blob),
	ENTRY(CONTEXT_INIT, ioctl_context_init),
};
