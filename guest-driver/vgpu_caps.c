// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_caps.c - capability sets: what the host's renderer can do
 */
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_print.h>

#include "vgpu_caps.h"
#include "vgpu_device.h"
#include "vgpu_request.h"
#include "vgpu_vbuf.h"

#define CAPS_TIMEOUT	(5 * HZ)

/** struct vgpu_caps - contents of one version of a capset; never changes */
struct vgpu_caps {
	struct list_head node;
	u32 version;
	u32 size;	/* what the host sent; the rest up to max_size is 0 */
	u8 data[];
};

static struct vgpu_capset *find_capset(struct vgpu_device *dev, u32 id)
{
	unsigned int i;

	for (i = 0; i < dev->num_capsets; i++)
		if (dev->capsets[i].id == id)
			return &dev->capsets[i];
	return NULL;
}

static void add_capset(struct vgpu_device *dev,
		       const struct virtio_gpu_resp_capset_info *info)
{
	u32 id = le32_to_cpu(info->capset_id);
	u32 size = le32_to_cpu(info->capset_max_size);
	struct vgpu_capset *set;

	if (id == VGPU_VENDOR_CAPSET && !dev->vendor_capset.id &&
	    size && size <= VGPU_MAX_CAPSET_SIZE) {
		/* not for programs */
		dev->vendor_capset.id = id;
		dev->vendor_capset.max_size = size;
		return;
	}
	if (id < 1 || id > 63 || !size || size > VGPU_MAX_CAPSET_SIZE ||
	    find_capset(dev, id)) {
		drm_warn(dev->drm, "capset with id %u and %u bytes ignored\n",
			 id, size);
		return;
	}
	set = &dev->capsets[dev->num_capsets];
	set->id = id;
	set->max_version = le32_to_cpu(info->capset_max_version);
	set->max_size = size;
	INIT_LIST_HEAD(&set->cache);
	dev->capset_mask |= BIT_ULL(id);
	dev->num_capsets++;
}

void vgpu_caps_probe(struct vgpu_device *dev, unsigned int num,
		     unsigned long deadline)
{
	struct virtio_gpu_resp_capset_info info;
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;
	unsigned int i;
	int ret;

	for (i = 0; i < min(num, VGPU_MAX_CAPSETS); i++) {
		req = vgpu_request_new(sizeof(info),
				       VIRTIO_GPU_RESP_OK_CAPSET_INFO, &cmd);
		if (!req)
			return;
		cmd->cmd_len = vgpu_cmd_get_capset_info(&cmd->cmd, i);
		vgpu_request_send(dev, cmd);
		ret = vgpu_request_wait(req, deadline);
		if (!ret && req->len >= sizeof(info)) {
			memcpy(&info, req->resp, sizeof(info));
			add_capset(dev, &info);
		} else {
			drm_warn(dev->drm, "no answer about capset %u (%d)\n",
				 i, ret);
		}
		vgpu_request_put(req);
		if (ret == -EBUSY || ret == -ENODEV || ret == -ERESTARTSYS)
			return;
	}
}

/* Ask the host. The result is in the cache, whoever else asked meanwhile. */
static struct vgpu_caps *read_caps(struct vgpu_device *dev,
				   struct vgpu_capset *set, u32 version)
{
	const u32 head = sizeof(struct virtio_gpu_resp_capset);
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;
	struct vgpu_caps *caps;
	int ret;

	req = vgpu_request_new(head + set->max_size,
			       VIRTIO_GPU_RESP_OK_CAPSET, &cmd);
	if (!req)
		return ERR_PTR(-ENOMEM);
	cmd->cmd_len = vgpu_cmd_get_capset(&cmd->cmd, set->id, version);
	vgpu_request_send(dev, cmd);
	ret = vgpu_request_wait(req, jiffies + CAPS_TIMEOUT);
	if (ret)
		goto err_put;

	caps = kzalloc(struct_size(caps, data, set->max_size), GFP_KERNEL);
	if (!caps) {
		ret = -ENOMEM;
		goto err_put;
	}
	caps->version = version;
	caps->size = req->len - head;
	memcpy(caps->data, req->resp + head, caps->size);
	vgpu_request_put(req);
	list_add(&caps->node, &set->cache);
	return caps;

err_put:
	vgpu_request_put(req);
	return ERR_PTR(ret);
}

static struct vgpu_caps *find_caps(struct vgpu_capset *set, u32 version)
{
	struct vgpu_caps *caps;

	list_for_each_entry(caps, &set->cache, node)
		if (caps->version == version)
			return caps;
	return NULL;
}

int vgpu_caps_get(struct vgpu_device *dev, u32 id, u32 version,
		  void __user *to, u32 size)
{
	struct vgpu_capset *set;
	struct vgpu_caps *caps;
	int ret = 0;

	if (!dev->num_capsets)
		return -ENOSYS;
	if (!size)
		return -EINVAL;
	set = find_capset(dev, id);
	if (!set || version > set->max_version)
		return -EINVAL;

	ret = mutex_lock_killable(&dev->caps_lock);
	if (ret)
		return ret;
	caps = find_caps(set, version);
	if (!caps)
		caps = read_caps(dev, set, version);
	mutex_unlock(&dev->caps_lock);
	if (IS_ERR(caps))
		return PTR_ERR(caps);
	if (copy_to_user(to, caps->data, min(size, set->max_size)))
		return -EFAULT;
	return 0;
}

void vgpu_caps_fini(struct vgpu_device *dev)
{
	struct vgpu_caps *caps, *next;
	unsigned int i;

	for (i = 0; i < dev->num_capsets; i++) {
		list_for_each_entry_safe(caps, next, &dev->capsets[i].cache,
					 node)
			kfree(caps);
	}
	dev->num_capsets = 0;
}
