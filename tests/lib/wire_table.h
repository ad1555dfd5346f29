/* SPDX-License-Identifier: MIT */
/*
 * wire_table.h - rows of size and offset that must agree between our wire
 * header and the system's; included once for each
 */
#ifndef TESTS_LIB_WIRE_TABLE_H
#define TESTS_LIB_WIRE_TABLE_H

#include <stddef.h>

struct wire_row {
	const char *what;
	size_t value;
};

extern const struct wire_row wire_system[];
extern const size_t wire_system_rows;

#define SIZE(s)		{ "sizeof " #s, sizeof(struct s) }
#define FIELD(s, f)	{ #s "." #f, offsetof(struct s, f) }
#define VALUE(v)	{ #v, v }

#define WIRE_ROWS \
	SIZE(virtio_gpu_ctrl_hdr), FIELD(virtio_gpu_ctrl_hdr, fence_id), \
	FIELD(virtio_gpu_ctrl_hdr, ctx_id), \
	FIELD(virtio_gpu_ctrl_hdr, ring_idx), \
	SIZE(virtio_gpu_rect), SIZE(virtio_gpu_display_one), \
	SIZE(virtio_gpu_resp_display_info), \
	FIELD(virtio_gpu_resp_display_info, pmodes), \
	SIZE(virtio_gpu_resource_create_2d), \
	FIELD(virtio_gpu_resource_create_2d, height), \
	SIZE(virtio_gpu_resource_unref), SIZE(virtio_gpu_set_scanout), \
	FIELD(virtio_gpu_set_scanout, scanout_id), \
	FIELD(virtio_gpu_set_scanout, resource_id), \
	SIZE(virtio_gpu_resource_flush), \
	FIELD(virtio_gpu_resource_flush, resource_id), \
	SIZE(virtio_gpu_transfer_to_host_2d), \
	FIELD(virtio_gpu_transfer_to_host_2d, offset), \
	FIELD(virtio_gpu_transfer_to_host_2d, resource_id), \
	SIZE(virtio_gpu_mem_entry), FIELD(virtio_gpu_mem_entry, length), \
	SIZE(virtio_gpu_resource_attach_backing), \
	FIELD(virtio_gpu_resource_attach_backing, nr_entries), \
	SIZE(virtio_gpu_resource_detach_backing), \
	SIZE(virtio_gpu_get_capset_info), SIZE(virtio_gpu_resp_capset_info), \
	FIELD(virtio_gpu_resp_capset_info, capset_max_size), \
	SIZE(virtio_gpu_get_capset), SIZE(virtio_gpu_resp_capset), \
	SIZE(virtio_gpu_resp_edid), FIELD(virtio_gpu_resp_edid, edid), \
	SIZE(virtio_gpu_resource_assign_uuid), \
	SIZE(virtio_gpu_resp_resource_uuid), \
	FIELD(virtio_gpu_resp_resource_uuid, uuid), \
	SIZE(virtio_gpu_ctx_create), FIELD(virtio_gpu_ctx_create, debug_name), \
	SIZE(virtio_gpu_ctx_destroy), SIZE(virtio_gpu_ctx_resource), \
	SIZE(virtio_gpu_resource_create_3d), \
	FIELD(virtio_gpu_resource_create_3d, target), \
	FIELD(virtio_gpu_resource_create_3d, nr_samples), \
	FIELD(virtio_gpu_resource_create_3d, flags), \
	SIZE(virtio_gpu_box), SIZE(virtio_gpu_transfer_host_3d), \
	FIELD(virtio_gpu_transfer_host_3d, offset), \
	FIELD(virtio_gpu_transfer_host_3d, layer_stride), \
	SIZE(virtio_gpu_cmd_submit), FIELD(virtio_gpu_cmd_submit, size), \
	SIZE(virtio_gpu_resource_create_blob), \
	FIELD(virtio_gpu_resource_create_blob, nr_entries), \
	FIELD(virtio_gpu_resource_create_blob, size), \
	SIZE(virtio_gpu_set_scanout_blob), \
	FIELD(virtio_gpu_set_scanout_blob, format), \
	FIELD(virtio_gpu_set_scanout_blob, strides), \
	FIELD(virtio_gpu_set_scanout_blob, offsets), \
	SIZE(virtio_gpu_resource_map_blob), \
	FIELD(virtio_gpu_resource_map_blob, offset), \
	SIZE(virtio_gpu_resp_map_info), SIZE(virtio_gpu_resource_unmap_blob), \
	VALUE(VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST), \
	VALUE(VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE), \
	VALUE(VIRTIO_GPU_SHM_ID_HOST_VISIBLE), \
	SIZE(virtio_gpu_cursor_pos), SIZE(virtio_gpu_update_cursor), \
	FIELD(virtio_gpu_update_cursor, resource_id), \
	FIELD(virtio_gpu_update_cursor, hot_y), \
	FIELD(virtio_gpu_config, num_capsets), \
	VALUE(VIRTIO_GPU_F_VIRGL), VALUE(VIRTIO_GPU_F_EDID), \
	VALUE(VIRTIO_GPU_F_RESOURCE_UUID), \
	VALUE(VIRTIO_GPU_F_RESOURCE_BLOB), VALUE(VIRTIO_GPU_F_CONTEXT_INIT), \
	VALUE(VIRTIO_GPU_CMD_GET_DISPLAY_INFO), \
	VALUE(VIRTIO_GPU_CMD_SET_SCANOUT_BLOB), \
	VALUE(VIRTIO_GPU_CMD_CTX_CREATE), \
	VALUE(VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB), \
	VALUE(VIRTIO_GPU_CMD_MOVE_CURSOR), \
	VALUE(VIRTIO_GPU_RESP_OK_MAP_INFO), \
	VALUE(VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER), \
	VALUE(VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM), \
	VALUE(VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM), \
	VALUE(VIRTIO_GPU_FLAG_FENCE), VALUE(VIRTIO_GPU_FLAG_INFO_RING_IDX), \
	VALUE(VIRTIO_GPU_MAX_SCANOUTS), VALUE(VIRTIO_GPU_EVENT_DISPLAY)

#endif
