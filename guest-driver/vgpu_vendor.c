// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_vendor.c - what our own host can do beyond VIRTIO
 *
 * See protocol/vgpu_vendor.h. A host may say what it likes: what it grants is
 * bounded by what we know, and a notice costs its context at most.
 */
#include <linux/jiffies.h>
#include <linux/slab.h>
#include <drm/drm_print.h>

#include "vgpu_vendor.h"
#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_request.h"
#include "vgpu_vbuf.h"

/* Notices that wait at the host. */
#define NOTICES		4
/* In one second; there are no more contexts. */
#define NOTICES_MAX	4096
/* In a ring that is smaller they would take others' room. */
#define NOTICE_RING_MIN	64

/* ---- notices ---- */

static void send_notice(struct vgpu_device *dev);

static void notice_done(struct vgpu_vbuf *cmd)
{
	struct vgpu_device *dev = cmd->priv;
	struct vgpu_resp_notice *resp = cmd->resp;
	u32 ctx = 0;

	/* one that has more to tell than there can be is not listened to */
	if (time_after(jiffies, dev->notices_since + HZ)) {
		dev->notices_since = jiffies;
		dev->notices = 0;
	}
	if (dev->notices++ == NOTICES_MAX)
		drm_warn(dev->drm, "the host sends notices without end\n");
	/* an error: the device is lost or was reset, or wants no more of them */
	if (!cmd->error && cmd->len == sizeof(*resp)) {
		if (le32_to_cpu(resp->notice) == VGPU_NOTICE_CONTEXT_LOST)
			ctx = le32_to_cpu(resp->ctx_id);
		if (ctx)
			vgpu_context_lost(dev, ctx);
		if (dev->notices <= NOTICES_MAX)
			send_notice(dev);
	}
	kfree(resp);
}

static void send_notice(struct vgpu_device *dev)
{
	struct vgpu_vbuf *cmd = vgpu_vbuf_new(GFP_KERNEL);
	struct vgpu_resp_notice *resp = kzalloc(sizeof(*resp), GFP_KERNEL);

	if (!cmd || !resp) {
		vgpu_vbuf_free(cmd);
		kfree(resp);
		return;
	}
	cmd->cmd_len = vgpu_cmd_notice(&cmd->cmd);
	cmd->resp = resp;
	cmd->resp_len = sizeof(*resp);
	cmd->resp_type = VGPU_RESP_OK_NOTICE;
	cmd->done = notice_done;
	cmd->priv = dev;
	cmd->parked = true;
	cmd->epoch = vgpu_queue_epoch(&dev->ctrl);
	vgpu_queue_submit_one(&dev->ctrl, cmd);
}

static void send_notices(struct vgpu_device *dev)
{
	unsigned int i;

	if (!(dev->vendor & VGPU_VENDOR_NOTICE) ||
	    dev->ctrl.chain_max < NOTICE_RING_MIN)
		return;
	for (i = 0; i < NOTICES; i++)
		send_notice(dev);
}

/* ---- hello ---- */

static int read_offer(struct vgpu_device *dev, u32 *offer,
		      unsigned long deadline)
{
	const u32 size = sizeof(struct virtio_gpu_resp_capset) +
			 sizeof(struct vgpu_vendor_caps);
	struct vgpu_vendor_caps caps;
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;
	int ret;

	/* a later version has more, which is not asked for */
	if (dev->vendor_capset.max_size < sizeof(caps))
		return -EPROTO;
	req = vgpu_request_new(size + dev->vendor_capset.max_size -
			       sizeof(caps), VIRTIO_GPU_RESP_OK_CAPSET, &cmd);
	if (!req)
		return -ENOMEM;
	cmd->cmd_len = vgpu_cmd_get_capset(&cmd->cmd, VGPU_VENDOR_CAPSET,
					   VGPU_VENDOR_VERSION);
	vgpu_request_send(dev, cmd);
	ret = vgpu_request_wait(req, deadline);
	if (!ret && req->len < size)
		ret = -EPROTO;
	if (!ret) {
		memcpy(&caps, req->resp + sizeof(struct virtio_gpu_resp_capset),
		       sizeof(caps));
		if (le32_to_cpu(caps.magic) != VGPU_VENDOR_MAGIC ||
		    !caps.version)
			ret = -EPROTO;
		*offer = le32_to_cpu(caps.features);
	}
	vgpu_request_put(req);
	return ret;
}

static int hello(struct vgpu_device *dev, u32 want, unsigned long deadline)
{
	struct vgpu_resp_hello resp;
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;
	int ret;

	req = vgpu_request_new(sizeof(resp), VGPU_RESP_OK_HELLO, &cmd);
	if (!req)
		return -ENOMEM;
	cmd->cmd_len = vgpu_cmd_hello(&cmd->cmd, want);
	vgpu_request_send(dev, cmd);
	ret = vgpu_request_wait(req, deadline);
	if (!ret && req->len != sizeof(resp))
		ret = -EPROTO;
	if (!ret) {
		memcpy(&resp, req->resp, sizeof(resp));
		dev->vendor = le32_to_cpu(resp.features) & want;
	}
	vgpu_request_put(req);
	return ret;
}

void vgpu_vendor_start(struct vgpu_device *dev, unsigned long deadline)
{
	u32 offer = 0;
	int ret;

	if (!dev->has_virgl || !dev->vendor_capset.id)
		return;
	ret = read_offer(dev, &offer, deadline);
	if (!ret)
		ret = hello(dev, offer & VGPU_VENDOR_ALL, deadline);
	if (ret) {
		drm_warn(dev->drm, "the host's extensions are not used (%d)\n",
			 ret);
		return;
	}
	if (dev->vendor & VGPU_VENDOR_BLOB)
		dev->has_blob = true;
	if (dev->vendor & VGPU_VENDOR_CONTEXT_INIT)
		dev->has_context_init = true;
	if (dev->vendor & VGPU_VENDOR_UUID)
		dev->has_uuid = true;
	send_notices(dev);
}

/* The ring keeps the order: what follows needs no answer to this. */
void vgpu_vendor_restart(struct vgpu_device *dev)
{
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;

	if (!dev->vendor)
		return;
	req = vgpu_request_new(sizeof(struct vgpu_resp_hello),
			       VGPU_RESP_OK_HELLO, &cmd);
	if (!req)
		return;
	cmd->cmd_len = vgpu_cmd_hello(&cmd->cmd, dev->vendor);
	/* what it grants it granted before */
	vgpu_request_send(dev, cmd);
	vgpu_request_put(req);
	send_notices(dev);
}
