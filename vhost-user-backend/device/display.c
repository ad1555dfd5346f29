// SPDX-License-Identifier: MIT
/*
 * display.c - questions that the front end answers, some time later
 *
 * A command that asks is parked under a cookie; the run list goes on. Cookies
 * are never used twice, so that an answer that comes after a reset meets
 * nobody.
 */
#include <string.h>
#include "device/edid.h"
#include "device/exec.h"
#include "device/fence.h"
#include "device/state.h"

static uint32_t park(struct device *dev, struct command *cmd)
{
	uint32_t cookie = ++dev->next_cookie;

	g_hash_table_insert(dev->parked, GUINT_TO_POINTER(cookie), cmd);
	cmd->response = 0;
	if (command_fenced(cmd))
		fence_complete(dev, cmd);
	return cookie;
}

/* The command that waits for this answer, if it is of the right type. */
static struct command *unpark(struct device *dev, uint32_t cookie,
			      uint32_t type)
{
	void *key = GUINT_TO_POINTER(cookie);
	struct command *cmd = g_hash_table_lookup(dev->parked, key);

	if (!cmd || cmd->req.hdr.type != type)
		return NULL;
	g_hash_table_remove(dev->parked, key);
	return cmd;
}

static void answer(struct device *dev, struct command *cmd, uint32_t response,
		   size_t size)
{
	cmd->response = response;
	cmd->payload = cmd->data;
	cmd->payload_size = size;
	if (command_fenced(cmd))
		fence_retire(dev);
	else
		command_answer(dev, cmd);
}

#define MODES_SIZE	sizeof(((struct virtio_gpu_resp_display_info *)0)->pmodes)
#define EDID_PAYLOAD	(sizeof(struct virtio_gpu_resp_edid) - \
			 sizeof(struct virtio_gpu_ctrl_hdr))

uint32_t exec_display_info(struct device *dev, struct command *cmd)
{
	if (command_reserve(cmd, MODES_SIZE))
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	dev->ops->get_display_info(dev->opaque, park(dev, cmd));
	return EXEC_PARKED;
}

void device_display_info(struct device *dev, uint32_t cookie,
			 const struct virtio_gpu_display_one *pmodes)
{
	struct command *cmd = unpark(dev, cookie,
				     VIRTIO_GPU_CMD_GET_DISPLAY_INFO);

	if (!cmd)
		return;
	memset(dev->modes, 0, sizeof(dev->modes));
	memcpy(dev->modes, pmodes,
	       dev->config.num_scanouts * sizeof(*pmodes));
	memcpy(cmd->data, dev->modes, MODES_SIZE);
	answer(dev, cmd, VIRTIO_GPU_RESP_OK_DISPLAY_INFO, MODES_SIZE);
}

uint32_t exec_edid(struct device *dev, struct command *cmd)
{
	uint32_t scanout = cmd->req.edid.scanout;

	if (scanout >= dev->config.num_scanouts)
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	if (command_reserve(cmd, EDID_PAYLOAD))
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	dev->ops->get_edid(dev->opaque, park(dev, cmd), scanout);
	return EXEC_PARKED;
}

static void make_own(struct device *dev, uint32_t scanout, uint8_t *edid)
{
	const struct virtio_gpu_display_one *mode = &dev->modes[scanout];
	uint32_t w = dev->config.width, h = dev->config.height;

	if (mode->enabled && mode->r.width && mode->r.height) {
		w = mode->r.width;
		h = mode->r.height;
	}
	edid_make(edid, scanout, w, h);
}

void device_edid(struct device *dev, uint32_t cookie, const uint8_t *edid,
		 size_t size)
{
	struct command *cmd = unpark(dev, cookie, VIRTIO_GPU_CMD_GET_EDID);
	struct {
		uint32_t size, padding;
		uint8_t edid[VIRTIO_GPU_EDID_MAX];
	} *out;

	if (!cmd)
		return;
	if (size > VIRTIO_GPU_EDID_MAX)
		size = VIRTIO_GPU_EDID_MAX;
	out = cmd->data;
	memset(out, 0, sizeof(*out));
	if (size) {
		memcpy(out->edid, edid, size);
	} else {
		make_own(dev, cmd->req.edid.scanout, out->edid);
		size = EDID_SIZE;
	}
	out->size = (uint32_t)size;
	answer(dev, cmd, VIRTIO_GPU_RESP_OK_EDID, sizeof(*out));
}
