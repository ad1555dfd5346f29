// SPDX-License-Identifier: MIT
/*
 * decode.c - the gate: from a chain to a private, checked command
 *
 * The only place that knows sizes on the wire. Longer requests than needed are
 * fine, as they are for other devices; shorter ones are refused before anything
 * in them but the header is believed.
 */
#include "device/command.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/iov.h"
#include "device/exec.h"
#include "device/state.h"
#include "device/vendor.h"
#include "ring/vring.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "requests are used as they are on the wire");

#define POOL_MAX	64		/* unused commands that are kept */
#define POOL_DATA_MAX	(64u << 10)	/* bytes of data that each may keep */

#define CONTROL	VIRTIO_GPU_QUEUE_CONTROL
#define CURSOR	VIRTIO_GPU_QUEUE_CURSOR

#define TYPE(group, nr, q, body, rest, bits, fn) \
	[VIRTIO_GPU_CMD_##nr - (group)] = { \
		.type = VIRTIO_GPU_CMD_##nr, .name = #nr, .queue = (q), \
		.tail = (rest), .flags = (bits), .size = sizeof(body), \
		.exec = (fn), \
	}

static const struct command_type types_2d[] = {
#define T(...) TYPE(0x100, __VA_ARGS__)
	T(GET_DISPLAY_INFO, CONTROL, struct virtio_gpu_ctrl_hdr, TAIL_NONE,
	  TYPE_QUERY, exec_display_info),
	T(RESOURCE_CREATE_2D, CONTROL, struct virtio_gpu_resource_create_2d,
	  TAIL_NONE, 0, exec_create_2d),
	T(RESOURCE_UNREF, CONTROL, struct virtio_gpu_resource_unref, TAIL_NONE,
	  0, exec_unref),
	T(SET_SCANOUT, CONTROL, struct virtio_gpu_set_scanout, TAIL_NONE, 0,
	  exec_set_scanout),
	T(RESOURCE_FLUSH, CONTROL, struct virtio_gpu_resource_flush, TAIL_NONE,
	  0, exec_flush),
	T(TRANSFER_TO_HOST_2D, CONTROL, struct virtio_gpu_transfer_to_host_2d,
	  TAIL_NONE, 0, exec_transfer_2d),
	T(RESOURCE_ATTACH_BACKING, CONTROL,
	  struct virtio_gpu_resource_attach_backing, TAIL_ENTRIES, 0,
	  exec_attach_backing),
	T(RESOURCE_DETACH_BACKING, CONTROL,
	  struct virtio_gpu_resource_detach_backing, TAIL_NONE, 0,
	  exec_detach_backing),
	T(GET_CAPSET_INFO, CONTROL, struct virtio_gpu_get_capset_info,
	  TAIL_NONE, TYPE_3D | TYPE_QUERY, exec_capset_info),
	T(GET_CAPSET, CONTROL, struct virtio_gpu_get_capset, TAIL_NONE,
	  TYPE_3D | TYPE_QUERY, exec_capset),
	T(GET_EDID, CONTROL, struct virtio_gpu_get_edid, TAIL_NONE,
	  TYPE_EDID | TYPE_QUERY, exec_edid),
	T(RESOURCE_ASSIGN_UUID, CONTROL,
	  struct virtio_gpu_resource_assign_uuid, TAIL_NONE, TYPE_UUID,
	  exec_assign_uuid),
	T(RESOURCE_CREATE_BLOB, CONTROL, struct virtio_gpu_resource_create_blob,
	  TAIL_BLOB, TYPE_3D | TYPE_BLOB, exec_create_blob),
#undef T
};

static const struct command_type types_3d[] = {
#define T(...) TYPE(0x200, __VA_ARGS__)
	T(CTX_CREATE, CONTROL, struct virtio_gpu_ctx_create, TAIL_NONE, TYPE_3D,
	  exec_ctx_create),
	T(CTX_DESTROY, CONTROL, struct virtio_gpu_ctx_destroy, TAIL_NONE,
	  TYPE_3D, exec_ctx_destroy),
	T(CTX_ATTACH_RESOURCE, CONTROL, struct virtio_gpu_ctx_resource,
	  TAIL_NONE, TYPE_3D, exec_ctx_attach),
	T(CTX_DETACH_RESOURCE, CONTROL, struct virtio_gpu_ctx_resource,
	  TAIL_NONE, TYPE_3D, exec_ctx_detach),
	T(RESOURCE_CREATE_3D, CONTROL, struct virtio_gpu_resource_create_3d,
	  TAIL_NONE, TYPE_3D, exec_create_3d),
	T(TRANSFER_TO_HOST_3D, CONTROL, struct virtio_gpu_transfer_host_3d,
	  TAIL_NONE, TYPE_3D, exec_transfer_3d),
	T(TRANSFER_FROM_HOST_3D, CONTROL, struct virtio_gpu_transfer_host_3d,
	  TAIL_NONE, TYPE_3D, exec_transfer_3d),
	T(SUBMIT_3D, CONTROL, struct virtio_gpu_cmd_submit, TAIL_COMMANDS,
	  TYPE_3D, exec_submit),
#undef T
};

static const struct command_type types_cursor[] = {
#define T(...) TYPE(0x300, __VA_ARGS__)
	T(UPDATE_CURSOR, CURSOR, struct virtio_gpu_update_cursor, TAIL_NONE,
	  TYPE_QUERY, exec_update_cursor),
	T(MOVE_CURSOR, CURSOR, struct virtio_gpu_update_cursor, TAIL_NONE,
	  TYPE_QUERY, exec_move_cursor),
#undef T
};

static const struct command_type types_vendor[] = {
	[0] = {
		.type = VGPU_CMD_HELLO, .name = "HELLO", .queue = CONTROL,
		.flags = TYPE_3D, .size = sizeof(struct vgpu_hello),
		.exec = exec_hello,
	},
	[VGPU_CMD_NOTICE - VGPU_CMD_HELLO] = {
		.type = VGPU_CMD_NOTICE, .name = "NOTICE", .queue = CONTROL,
		.flags = TYPE_3D | TYPE_NOTICE,
		.size = sizeof(struct virtio_gpu_ctrl_hdr),
		.exec = exec_notice,
	},
};

static const struct {
	const struct command_type *types;
	unsigned int n;
} groups[] = {
	{ NULL, 0 },
	{ types_2d, G_N_ELEMENTS(types_2d) },
	{ types_3d, G_N_ELEMENTS(types_3d) },
	{ types_cursor, G_N_ELEMENTS(types_cursor) },
};

static const struct command_type *find_type(uint32_t type)
{
	uint32_t group = type >> 8, nr = type & 0xff;

	if (group == VGPU_CMD_HELLO >> 8)
		return nr < G_N_ELEMENTS(types_vendor) ? &types_vendor[nr] : NULL;
	if (group >= G_N_ELEMENTS(groups) || nr >= groups[group].n)
		return NULL;
	return &groups[group].types[nr];
}

static bool negotiated(const struct device *dev, const struct command_type *t)
{
	if (t->flags & TYPE_3D &&
	    (!dev->caps || !(dev->features & 1ull << VIRTIO_GPU_F_VIRGL)))
		return false;
	if (t->flags & TYPE_EDID &&
	    !(dev->features & 1ull << VIRTIO_GPU_F_EDID))
		return false;
	if (t->flags & TYPE_UUID &&
	    !vendor_may(dev, VIRTIO_GPU_F_RESOURCE_UUID, VGPU_VENDOR_UUID))
		return false;
	if (t->flags & TYPE_BLOB &&
	    !vendor_may(dev, VIRTIO_GPU_F_RESOURCE_BLOB, VGPU_VENDOR_BLOB))
		return false;
	if (t->flags & TYPE_NOTICE && !(dev->vendor & VGPU_VENDOR_NOTICE))
		return false;
	return true;
}

struct command *command_new(struct device *dev)
{
	struct command *cmd = dev->pool;

	if (!cmd)
		return calloc(1, sizeof(*cmd));
	dev->pool = cmd->next;
	dev->pooled--;
	*cmd = (struct command){
		.data = cmd->data,
		.data_room = cmd->data_room,
	};
	return cmd;
}

void command_free(struct device *dev, struct command *cmd)
{
	if (dev->pooled >= POOL_MAX) {
		free(cmd->data);
		free(cmd);
		return;
	}
	if (cmd->data_room > POOL_DATA_MAX) {
		free(cmd->data);
		cmd->data = NULL;
		cmd->data_room = 0;
	}
	cmd->next = dev->pool;
	dev->pool = cmd;
	dev->pooled++;
}

int command_reserve(struct command *cmd, size_t size)
{
	if (size <= cmd->data_room)
		return 0;
	free(cmd->data);
	cmd->data_room = 0;
	cmd->data = malloc(size);
	if (!cmd->data)
		return -ENOMEM;
	cmd->data_room = size;
	return 0;
}

/* What follows the fixed part; @size was bounded by the caller. */
static uint32_t copy_tail(struct command *cmd, size_t size)
{
	struct vring_elem *elem = cmd->elem;

	if (command_reserve(cmd, size))
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	if (iov_to_buf(elem->iov, elem->n_out, cmd->type->size, cmd->data,
		       size) != size)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	cmd->data_size = size;
	return 0;
}

static uint32_t decode_tail(struct command *cmd)
{
	size_t left = cmd->elem->out_len - cmd->type->size;
	uint32_t n;

	switch (cmd->type->tail) {
	case TAIL_ENTRIES:
	case TAIL_BLOB:
		n = cmd->type->tail == TAIL_BLOB ?
			cmd->req.create_blob.nr_entries :
			cmd->req.attach.nr_entries;
		if (!n || n > COMMAND_ENTRIES_MAX ||
		    n > left / sizeof(struct virtio_gpu_mem_entry))
			return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
		return copy_tail(cmd, n * sizeof(struct virtio_gpu_mem_entry));
	case TAIL_COMMANDS:
		n = cmd->req.submit.size;
		if (n > left || n % 4)
			return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
		if (n > COMMAND_SUBMIT_MAX)
			return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
		return copy_tail(cmd, n);
	}
	return 0;
}

/* Return: the answer if it is refused, or 0 */
static uint32_t decode(struct device *dev, unsigned int queue,
		       struct command *cmd)
{
	struct vring_elem *elem = cmd->elem;
	const struct command_type *type;
	size_t got;

	got = iov_to_buf(elem->iov, elem->n_out, 0, &cmd->req,
			 sizeof(cmd->req));
	if (got < sizeof(cmd->req.hdr)) {
		memset(&cmd->req, 0, sizeof(cmd->req));
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	}
	type = find_type(cmd->req.hdr.type);
	if (!type || type->queue != queue || !negotiated(dev, type))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	cmd->type = type;
	if (got < type->size || elem->out_len < type->size)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	/* A timeline is a context's, and must have been asked for. */
	if (cmd->req.hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX &&
	    (cmd->req.hdr.ring_idx >= VGPU_VENDOR_RINGS ||
	     !cmd->req.hdr.ctx_id ||
	     !vendor_may(dev, VIRTIO_GPU_F_CONTEXT_INIT,
			 VGPU_VENDOR_CONTEXT_INIT)))
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	return decode_tail(cmd);
}

bool command_asks(const struct vring_elem *elem)
{
	struct virtio_gpu_ctrl_hdr hdr = { 0 };
	const struct command_type *type;

	iov_to_buf(elem->iov, elem->n_out, 0, &hdr, sizeof(hdr));
	type = find_type(hdr.type);
	return type && type->queue == CONTROL && type->flags & TYPE_QUERY &&
		!(hdr.flags & VIRTIO_GPU_FLAG_FENCE);
}

struct command *command_decode(struct device *dev, unsigned int queue,
			       struct vring_elem *elem)
{
	struct command *cmd = command_new(dev);

	if (!cmd)
		return NULL;
	cmd->elem = elem;
	cmd->refused = decode(dev, queue, cmd);
	if (cmd->refused)
		log_peer(&dev->limit, "command 0x%x (%s), %zu bytes: refused, 0x%x",
			 cmd->req.hdr.type,
			 cmd->type ? cmd->type->name : "unknown",
			 elem->out_len, cmd->refused);
	return cmd;
}
