// SPDX-License-Identifier: MIT
/*
 * blob.c - blobs: memory of the guest without a texture
 *
 * All that we offer is guest memory: a blob is its pages. It has an id, may be
 * attached to contexts and have a UUID, and has no contents of its own, so a
 * successor finds it as it was.
 */
#include "device/command.h"
#include "device/exec.h"
#include "device/record.h"
#include "device/resource.h"
#include "device/state.h"
#include "device/vendor.h"
#include "ring/vring.h"

/* Bytes of all entries; they may be more than the blob has. */
static uint64_t sum(const struct virtio_gpu_mem_entry *entries, uint32_t n)
{
	uint64_t size = 0;

	for (uint32_t i = 0; i < n; i++)
		size += entries[i].length;
	return size;
}

static bool possible(const struct device *dev,
		     const struct virtio_gpu_resource_create_blob *req)
{
	if (req->blob_mem != VIRTIO_GPU_BLOB_MEM_GUEST || req->blob_id ||
	    req->blob_flags & ~VIRTIO_GPU_BLOB_FLAGS || !req->size)
		return false;
	return !(req->blob_flags & VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE) ||
		vendor_may(dev, VIRTIO_GPU_F_RESOURCE_UUID, VGPU_VENDOR_UUID);
}

static bool same(const struct resource *res,
		 const struct virtio_gpu_resource_create_blob *req)
{
	return res->is_blob && res->blob_size == req->size &&
		res->blob_flags == req->blob_flags;
}

uint32_t exec_create_blob(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_resource_create_blob *req =
		&cmd->req.create_blob;
	struct resource *res = resource_find(dev, req->resource_id);
	int ret;

	if (!req->resource_id || (res && !cmd->elem->replayed))
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (!possible(dev, req) || sum(cmd->data, req->nr_entries) < req->size)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (res && !same(res, req))
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	if (res)
		backing_detach(dev, res);
	ret = res ? 0 : resource_new_blob(dev, req->resource_id, req->size,
					  req->blob_flags);
	if (ret)
		return device_error(dev, ret);
	res = resource_find(dev, req->resource_id);
	ret = backing_attach(dev, res, cmd->data, req->nr_entries);
	if (ret) {
		resource_unref(dev, res);
		record_unref(dev, req->resource_id);
		return device_error(dev, ret);
	}
	record_resource(dev, res);
	record_backing(dev, res);
	return VIRTIO_GPU_RESP_OK_NODATA;
}
