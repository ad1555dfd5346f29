// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_request.c - a command whose answer is waited for
 */
#include <linux/jiffies.h>
#include <linux/sched.h>
#include <linux/slab.h>

#include "vgpu_request.h"
#include "vgpu_device.h"
#include "vgpu_vbuf.h"

static void request_free(struct kref *ref)
{
	kfree(container_of(ref, struct vgpu_request, ref));
}

void vgpu_request_put(struct vgpu_request *req)
{
	if (req)
		kref_put(&req->ref, request_free);
}

static void request_done(struct vgpu_vbuf *vbuf)
{
	struct vgpu_request *req = vbuf->priv;

	req->error = vbuf->error;
	req->len = vbuf->len;
	complete_all(&req->done);
	vgpu_request_put(req);
}

struct vgpu_request *vgpu_request_new(u32 size, u32 resp_type,
				      struct vgpu_vbuf **cmd)
{
	struct vgpu_request *req;
	struct vgpu_vbuf *vbuf = vgpu_vbuf_new(GFP_KERNEL);

	if (!vbuf)
		return NULL;
	req = kzalloc(struct_size(req, resp, size), GFP_KERNEL | __GFP_NOWARN);
	if (!req) {
		vgpu_vbuf_free(vbuf);
		return NULL;
	}
	kref_init(&req->ref);
	kref_get(&req->ref);
	init_completion(&req->done);
	req->size = size;
	vbuf->resp = req->resp;
	vbuf->resp_len = size;
	vbuf->resp_type = resp_type;
	vbuf->done = request_done;
	vbuf->priv = req;
	*cmd = vbuf;
	return req;
}

void vgpu_request_send(struct vgpu_device *dev, struct vgpu_vbuf *cmd)
{
	vgpu_queue_submit_one(&dev->ctrl, cmd);
}

int vgpu_request_wait(struct vgpu_request *req, unsigned long deadline)
{
	long left = (long)(deadline - jiffies);
	long ret;

	left = max(left, 0L);
	/* a worker can not be killed, nor does it get signals */
	if (current->flags & PF_KTHREAD)
		ret = wait_for_completion_interruptible_timeout(&req->done,
								left);
	else
		ret = wait_for_completion_killable_timeout(&req->done, left);
	if (ret < 0)
		return -ERESTARTSYS;
	if (!ret)
		return -EBUSY;
	return req->error;
}
