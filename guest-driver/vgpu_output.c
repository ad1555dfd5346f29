// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_output.c - connectors: what displays the host has
 */
#include <linux/slab.h>
#include <drm/drm_atomic_state_helper.h>
#include <drm/drm_edid.h>
#include <drm/drm_modes.h>
#include <drm/drm_modeset_helper_vtables.h>
#include <drm/drm_print.h>
#include <drm/drm_probe_helper.h>

#include "vgpu_output.h"
#include "vgpu_device.h"
#include "vgpu_kms.h"
#include "vgpu_request.h"
#include "vgpu_vbuf.h"
#include "compat.h"

#define DEFAULT_WIDTH	1024
#define DEFAULT_HEIGHT	768

static struct vgpu_output *to_output(struct drm_connector *connector)
{
	return container_of(connector, struct vgpu_output, connector);
}

static enum drm_connector_status detect(struct drm_connector *connector,
					bool force)
{
	return READ_ONCE(to_output(connector)->enabled) ?
		connector_status_connected : connector_status_disconnected;
}

static int edid_block(void *data, u8 *buf, unsigned int block, size_t len)
{
	struct vgpu_output *output = data;
	size_t start = (size_t)block * EDID_LENGTH;

	if (start > output->edid_size || len > output->edid_size - start)
		return -EINVAL;
	memcpy(buf, output->edid + start, len);
	return 0;
}

static int add_edid_modes(struct vgpu_output *output)
{
	const struct drm_edid *edid;
	int count;

	edid = drm_edid_read_custom(&output->connector, edid_block, output);
	count = vgpu_edid_connector_modes(&output->connector, edid);
	drm_edid_free(edid);
	return count;
}

/* The CVT formula rounds the width to cells of 8; the host's is exact. */
static int add_preferred_mode(struct drm_connector *connector, u32 width,
			      u32 height)
{
	struct drm_display_mode *mode;

	mode = drm_cvt_mode(connector->dev, width, height, 60, false, false,
			    false);
	if (!mode)
		return 0;
	mode->hdisplay = width;
	mode->type |= DRM_MODE_TYPE_PREFERRED;
	drm_mode_set_name(mode);
	drm_mode_probed_add(connector, mode);
	return 1;
}

static int get_modes(struct drm_connector *connector)
{
	struct vgpu_output *output = to_output(connector);
	int count;

	mutex_lock(&output->lock);
	count = add_edid_modes(output);
	if (!count) {
		count = drm_add_modes_noedid(connector, VGPU_SIZE_MAX,
					     VGPU_SIZE_MAX);
		count += add_preferred_mode(connector, output->width,
					    output->height);
	}
	mutex_unlock(&output->lock);
	return count;
}

static const struct drm_connector_helper_funcs connector_helper_funcs = {
	.get_modes = get_modes,
};

static const struct drm_connector_funcs connector_funcs = {
	.detect = detect,
	.fill_modes = drm_helper_probe_single_connector_modes,
	.destroy = drm_connector_cleanup,
	.reset = drm_atomic_helper_connector_reset,
	.atomic_duplicate_state = drm_atomic_helper_connector_duplicate_state,
	.atomic_destroy_state = drm_atomic_helper_connector_destroy_state,
};

static const struct drm_encoder_funcs encoder_funcs = {
	.destroy = drm_encoder_cleanup,
};

int vgpu_output_init(struct vgpu_output *output)
{
	struct drm_device *drm = output->dev->drm;
	int ret;

	mutex_init(&output->lock);
	/* what a host has that does not say anything */
	output->enabled = output->index == 0;
	output->width = DEFAULT_WIDTH;
	output->height = DEFAULT_HEIGHT;

	ret = drm_encoder_init(drm, &output->encoder, &encoder_funcs,
			       DRM_MODE_ENCODER_VIRTUAL, NULL);
	if (ret)
		return ret;
	output->encoder.possible_crtcs = drm_crtc_mask(&output->crtc);
	ret = drm_connector_init(drm, &output->connector, &connector_funcs,
				 DRM_MODE_CONNECTOR_VIRTUAL);
	if (ret)
		return ret;
	drm_connector_helper_add(&output->connector, &connector_helper_funcs);
	output->connector.polled = DRM_CONNECTOR_POLL_HPD;
	if (output->dev->has_edid)
		drm_connector_attach_edid_property(&output->connector);
	return drm_connector_attach_encoder(&output->connector,
					    &output->encoder);
}

static void store_display(struct vgpu_output *output,
			  const struct virtio_gpu_display_one *mode)
{
	u32 width = le32_to_cpu(mode->r.width);
	u32 height = le32_to_cpu(mode->r.height);

	if (!width || !height || width > VGPU_SIZE_MAX ||
	    height > VGPU_SIZE_MAX) {
		width = DEFAULT_WIDTH;
		height = DEFAULT_HEIGHT;
	}
	mutex_lock(&output->lock);
	WRITE_ONCE(output->enabled, mode->enabled != 0);
	output->width = width;
	output->height = height;
	mutex_unlock(&output->lock);
}

static void store_edid(struct vgpu_output *output, struct vgpu_request *req)
{
	struct virtio_gpu_resp_edid *resp = (void *)req->resp;
	u32 size;

	if (req->len < offsetof(struct virtio_gpu_resp_edid, edid))
		return;
	size = le32_to_cpu(READ_ONCE(resp->size));
	size = min3(size, (u32)VIRTIO_GPU_EDID_MAX,
		    req->len - (u32)offsetof(struct virtio_gpu_resp_edid,
					     edid));
	size = rounddown(size, EDID_LENGTH);
	mutex_lock(&output->lock);
	memcpy(output->edid, resp->edid, size);
	output->edid_size = size;
	mutex_unlock(&output->lock);
}

static struct vgpu_request *send_display_info(struct vgpu_device *dev)
{
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;

	req = vgpu_request_new(sizeof(struct virtio_gpu_resp_display_info),
			       VIRTIO_GPU_RESP_OK_DISPLAY_INFO, &cmd);
	if (!req)
		return NULL;
	cmd->cmd_len = vgpu_cmd_get_display_info(&cmd->cmd);
	vgpu_request_send(dev, cmd);
	return req;
}

static struct vgpu_request *send_get_edid(struct vgpu_output *output)
{
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;

	req = vgpu_request_new(sizeof(struct virtio_gpu_resp_edid),
			       VIRTIO_GPU_RESP_OK_EDID, &cmd);
	if (!req)
		return NULL;
	cmd->cmd_len = vgpu_cmd_get_edid(&cmd->cmd, output->index);
	vgpu_request_send(output->dev, cmd);
	return req;
}

void vgpu_outputs_read(struct vgpu_device *dev, unsigned long deadline)
{
	struct vgpu_request *edid[VIRTIO_GPU_MAX_SCANOUTS] = {};
	struct virtio_gpu_resp_display_info *info;
	struct vgpu_request *req;
	unsigned int i;
	int ret;

	if (!dev->num_outputs)
		return;
	/* all are asked before the first answer is waited for */
	for (i = 0; dev->has_edid && i < dev->num_outputs; i++)
		edid[i] = send_get_edid(&dev->outputs[i]);
	req = send_display_info(dev);
	for (i = 0; i < dev->num_outputs; i++) {
		if (edid[i] && !vgpu_request_wait(edid[i], deadline))
			store_edid(&dev->outputs[i], edid[i]);
		vgpu_request_put(edid[i]);
	}
	ret = req ? vgpu_request_wait(req, deadline) : -ENOMEM;
	if (!ret && req->len >= sizeof(*info)) {
		info = (void *)req->resp;
		for (i = 0; i < dev->num_outputs; i++)
			store_display(&dev->outputs[i], &info->pmodes[i]);
	} else {
		drm_warn(dev->drm, "no answer about displays (%d)\n", ret);
	}
	vgpu_request_put(req);
}
