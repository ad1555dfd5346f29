// SPDX-License-Identifier: MIT
/*
 * caps.c - capability sets, frozen when the VM started
 */
#include "device/caps.h"

#include <string.h>
#include "device/exec.h"
#include "device/quota.h"
#include "device/state.h"
#include "device/vendor.h"
#include "protocol/vgpu_ipc.h"
#include "protocol/virgl.h"

bool caps_check(const struct vgpu_caps *caps)
{
	uint64_t seen = 0;

	if (caps->magic != VGPU_CAPS_MAGIC || caps->count > VGPU_CAPS_MAX)
		return false;
	for (uint32_t i = 0; i < caps->count; i++) {
		const struct vgpu_capset *set = &caps->sets[i];

		/* Guests keep a 64-bit mask of ids. */
		if (!set->id || set->id > 63 ||
		    set->id == VGPU_VENDOR_CAPSET || seen & 1ull << set->id ||
		    !set->size || set->size > VGPU_CAPSET_MAX_SIZE)
			return false;
		seen |= 1ull << set->id;
	}
	return true;
}

bool caps_have(const struct vgpu_caps *caps, uint32_t id)
{
	for (uint32_t i = 0; i < caps->count; i++)
		if (caps->sets[i].id == id)
			return true;
	return false;
}

uint32_t exec_capset_info(struct device *dev, struct command *cmd)
{
	uint32_t index = cmd->req.capset_info.capset_index;
	const struct vgpu_capset *set;
	struct {
		uint32_t id, max_version, max_size, padding;
	} out = { 0 };

	if (index == dev->caps->count)
		return vendor_capset_info(dev, cmd);
	if (index > dev->caps->count)
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

/*
 * The guest is told of its quota before it is refused: applications ask how
 * much video memory there is.
 */
static uint32_t with_quota(struct device *dev, struct command *cmd,
			   const struct vgpu_capset *set)
{
	uint64_t mib = quota_memory(dev) >> 20;
	uint8_t *caps;
	uint32_t word;

	if (command_reserve(cmd, set->size))
		return VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY;
	caps = memcpy(cmd->data, set->data, set->size);
	word = mib > UINT32_MAX ? UINT32_MAX : (uint32_t)mib;
	memcpy(caps + VIRGL_CAPS_MEMORY_OFFSET, &word, sizeof(word));
	memcpy(&word, caps + VIRGL_CAPS_BITS_V2_OFFSET, sizeof(word));
	/* and GET_MEMORY_INFO is answered, by elide.c */
	word |= VIRGL_CAP_V2_VIDEO_MEMORY | VIRGL_CAP_V2_MEMINFO;
	memcpy(caps + VIRGL_CAPS_BITS_V2_OFFSET, &word, sizeof(word));
	cmd->payload = caps;
	return VIRTIO_GPU_RESP_OK_CAPSET;
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
		if (quota_memory(dev) >> 20 &&
		    set->id == VIRTIO_GPU_CAPSET_VIRGL2 &&
		    set->size >= VIRGL_CAPS_MEMORY_OFFSET + sizeof(uint32_t))
			return with_quota(dev, cmd, set);
		return VIRTIO_GPU_RESP_OK_CAPSET;
	}
	if (req->capset_id == VGPU_VENDOR_CAPSET)
		return vendor_capset(dev, cmd);
	return VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER;
}
