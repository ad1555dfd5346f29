// SPDX-License-Identifier: MIT
/*
 * fe_cmd.c - virtio-gpu commands as a guest's driver makes them
 */
#include "tests/lib/fe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int finish(struct fe_req *req, void *resp, size_t resp_size)
{
	int ret = fe_wait(req);

	if (!ret) {
		if (resp)
			memcpy(resp, req->resp, resp_size);
		ret = fe_resp_type(req);
	}
	fe_req_free(req);
	return ret;
}

int fe_call(struct fe *fe, const void *cmd, size_t size, void *resp,
	    size_t resp_size)
{
	return finish(fe_send_cmd(fe, VIRTIO_GPU_QUEUE_CONTROL, cmd, size,
				  resp_size), resp, resp_size);
}

int fe_simple(struct fe *fe, const void *cmd, size_t size)
{
	struct virtio_gpu_ctrl_hdr resp;

	return fe_call(fe, cmd, size, &resp, sizeof(resp));
}

/* As Linux: no response buffer on the cursor queue. Return: 0 or -errno. */
int fe_call_cursor(struct fe *fe, const void *cmd, size_t size)
{
	struct fe_req *req = fe_send_cmd(fe, VIRTIO_GPU_QUEUE_CURSOR, cmd,
					 size, 0);
	int ret = fe_wait(req);

	fe_req_free(req);
	return ret;
}

int fe_display_info(struct fe *fe, struct virtio_gpu_resp_display_info *info)
{
	struct virtio_gpu_ctrl_hdr cmd = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
	};

	return fe_call(fe, &cmd, sizeof(cmd), info, sizeof(*info));
}

int fe_edid(struct fe *fe, uint32_t scanout, struct virtio_gpu_resp_edid *edid)
{
	struct virtio_gpu_get_edid cmd = {
		.hdr.type = VIRTIO_GPU_CMD_GET_EDID, .scanout = scanout,
	};

	return fe_call(fe, &cmd, sizeof(cmd), edid, sizeof(*edid));
}

int fe_create_2d(struct fe *fe, uint32_t id, uint32_t format, uint32_t w,
		 uint32_t h)
{
	struct virtio_gpu_resource_create_2d cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		.resource_id = id, .format = format, .width = w, .height = h,
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

int fe_unref(struct fe *fe, uint32_t id)
{
	struct virtio_gpu_resource_unref cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF, .resource_id = id,
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

int fe_attach_entries(struct fe *fe, uint32_t id,
		      const struct virtio_gpu_mem_entry *entries, uint32_t n)
{
	struct virtio_gpu_resource_attach_backing cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = id, .nr_entries = n,
	};
	struct iovec iov[2] = {
		{ &cmd, sizeof(cmd) },
		{ (void *)entries, n * sizeof(*entries) },
	};

	return finish(fe_send(fe, 0, iov, 2,
			      sizeof(struct virtio_gpu_ctrl_hdr)), NULL, 0);
}

int fe_attach(struct fe *fe, uint32_t id, uint64_t gpa, uint64_t size)
{
	struct virtio_gpu_mem_entry entry = {
		.addr = gpa, .length = (uint32_t)size,
	};

	return fe_attach_entries(fe, id, &entry, 1);
}

int fe_detach(struct fe *fe, uint32_t id)
{
	struct virtio_gpu_resource_detach_backing cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		.resource_id = id,
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

int fe_scanout(struct fe *fe, uint32_t scanout, uint32_t id, uint32_t x,
	       uint32_t y, uint32_t w, uint32_t h)
{
	struct virtio_gpu_set_scanout cmd = {
		.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT,
		.r = { x, y, w, h }, .scanout_id = scanout, .resource_id = id,
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

int fe_transfer_2d(struct fe *fe, uint32_t id, uint32_t x, uint32_t y,
		   uint32_t w, uint32_t h, uint64_t offset)
{
	struct virtio_gpu_transfer_to_host_2d cmd = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = { x, y, w, h }, .offset = offset, .resource_id = id,
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

int fe_flush(struct fe *fe, uint32_t id, uint32_t x, uint32_t y, uint32_t w,
	     uint32_t h)
{
	struct virtio_gpu_resource_flush cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { x, y, w, h }, .resource_id = id,
	};

	return fe_simple(fe, &cmd, sizeof(cmd));
}

int fe_capset_info(struct fe *fe, uint32_t index,
		   struct virtio_gpu_resp_capset_info *info)
{
	struct virtio_gpu_get_capset_info cmd = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
		.capset_index = index,
	};

	return fe_call(fe, &cmd, sizeof(cmd), info, sizeof(*info));
}

int fe_capset(struct fe *fe, uint32_t id, uint32_t version, void *data,
	      size_t size, size_t *len)
{
	struct virtio_gpu_get_capset cmd = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET,
		.capset_id = id, .capset_version = version,
	};
	const size_t head = sizeof(struct virtio_gpu_resp_capset);
	struct fe_req *req = fe_send_cmd(fe, 0, &cmd, sizeof(cmd),
					 head + size);
	int ret = fe_wait(req);

	*len = 0;
	if (!ret) {
		ret = fe_resp_type(req);
		if (ret == VIRTIO_GPU_RESP_OK_CAPSET) {
			*len = req->len - head;
			memcpy(data, req->resp + head, *len);
		}
	}
	fe_req_free(req);
	return ret;
}

int fe_uuid(struct fe *fe, uint32_t id, uint8_t uuid[16])
{
	struct virtio_gpu_resource_assign_uuid cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
		.resource_id = id,
	};
	struct virtio_gpu_resp_resource_uuid resp;
	int ret = fe_call(fe, &cmd, sizeof(cmd), &resp, sizeof(resp));

	if (ret == VIRTIO_GPU_RESP_OK_RESOURCE_UUID)
		memcpy(uuid, resp.uuid, 16);
	return ret;
}

static int cursor(struct fe *fe, uint32_t type, uint32_t scanout, uint32_t id,
		  uint32_t x, uint32_t y, uint32_t hot_x, uint32_t hot_y)
{
	struct virtio_gpu_update_cursor cmd = {
		.hdr.type = type, .pos = { scanout, x, y, 0 },
		.resource_id = id, .hot_x = hot_x, .hot_y = hot_y,
	};

	return fe_call_cursor(fe, &cmd, sizeof(cmd));
}

int fe_cursor(struct fe *fe, uint32_t scanout, uint32_t id, uint32_t x,
	      uint32_t y, uint32_t hot_x, uint32_t hot_y)
{
	return cursor(fe, VIRTIO_GPU_CMD_UPDATE_CURSOR, scanout, id, x, y,
		      hot_x, hot_y);
}

int fe_cursor_move(struct fe *fe, uint32_t scanout, uint32_t x, uint32_t y)
{
	return cursor(fe, VIRTIO_GPU_CMD_MOVE_CURSOR, scanout, 1, x, y, 0, 0);
}
