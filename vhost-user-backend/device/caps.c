// SPDX-License-Identifier: MIT
/*
 * caps.c - capability sets, frozen when the VM started
 */
#include "device/caps.h"

#include <string.h>
#include "device/exec.h"
#include "device/state.h"
#include "protocol/vgpu_ipc.h"

bool caps_check(const struct vgpu_caps *caps)
{
	uint64_t seen = 0;

	if (caps->magic != VGPU_CAPS_MAGIC || caps->count > VGPU_CAPS_MAX)
		return false;
	for (uint32_t i = 0; i < caps->count; i++) {
		const struct vgpu_capset *set = &caps->sets[i];

		/* Guests keep a 64-bit mask of ids. */
		if (!set->id || set->id > 63 || seen & 1ull << set->id ||
		    !set->size || set->size > VGPU_CAPSET_MAX_SIZE)
			return false;
		seen |= 1ull << set->id;
	}
	return true;
}

uint32_t exec_capset_info(struct device *dev, struct command *cmd)
{
	uint32_t index = cmd->req.capset_info.capset_index;
	const struct vgpu_capset *set;
	struct {
		uint32_t id, max_version, max_size, padding;
	} out = { 0 };

	if (index >= dev->caps->count)
		return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
	if (command_reserve(cmd, sizeof(out)))
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	set = &dev->caps->sets[index];
	out.id = set->id;
	out.max_version = set->max_version;
	out.max_size = set->size;
	cmd->payload = memcpy(cmd->data, &out, sizeof(out));
	cmd->payload_size = sizeof(out);
	return VIRTIO_GPU_RESP_OK_CAPSET_INFO;
}

uint32_t exec_capset(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_get_capset *req = &cmd->req.capset;

	for (uint32_t i = 0; i < dev->caps->count; i++) {
		const struct vgpu_capset *set = &dev->caps->sets[i];

		if (set->id != req->capset_id ||
		    req->capset_version > set->max_version)
			continue;
		cmd->payload = set->data;
		cmd->payload_size = set->size;
		return VIRTIO_GPU_RESP_OK_CAPSET;
	}
	return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
}
