/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_drm.h - ioctls of a virtio GPU, as user space knows them
 *
 * Numbers and layouts are those of the kernel's virtgpu_drm.h, each struct in
 * its newest and largest form: the DRM core fills up shorter ones with zero.
 */
#ifndef VGPU_DRM_H
#define VGPU_DRM_H

#ifdef __KERNEL__
#include <drm/drm.h>
#else
#include <drm.h>
#endif

#define DRM_VGPU_MAP			0x01
#define DRM_VGPU_EXECBUFFER		0x02
#define DRM_VGPU_GETPARAM		0x03
#define DRM_VGPU_RESOURCE_CREATE	0x04
#define DRM_VGPU_RESOURCE_INFO		0x05
#define DRM_VGPU_TRANSFER_FROM_HOST	0x06
#define DRM_VGPU_TRANSFER_TO_HOST	0x07
#define DRM_VGPU_WAIT			0x08
#define DRM_VGPU_GET_CAPS		0x09
#define DRM_VGPU_RESOURCE_CREATE_BLOB	0x0a
#define DRM_VGPU_CONTEXT_INIT		0x0b

struct drm_vgpu_map {
	__u64 offset;		/* out: for mmap */
	__u32 handle;
	__u32 pad;
};

#define VGPU_EXECBUF_FENCE_FD_IN	(1 << 0)
#define VGPU_EXECBUF_FENCE_FD_OUT	(1 << 1)
#define VGPU_EXECBUF_RING_IDX		(1 << 2)
#define VGPU_EXECBUF_FLAGS		((1 << 3) - 1)

#define VGPU_EXECBUF_SYNCOBJ_RESET	(1 << 0)

/* elements of in_syncobjs and out_syncobjs, syncobj_stride bytes apart */
struct drm_vgpu_execbuffer_syncobj {
	__u32 handle;
	__u32 flags;		/* RESET, of in_syncobjs only */
	__u64 point;		/* 0: it is no timeline */
};

struct drm_vgpu_execbuffer {
	__u32 flags;
	__u32 size;		/* of the commands, bytes */
	__u64 command;		/* user pointer */
	__u64 bo_handles;	/* user pointer to __u32[] */
	__u32 num_bo_handles;
	__s32 fence_fd;		/* in and out */
	__u32 ring_idx;
	__u32 syncobj_stride;
	__u32 num_in_syncobjs;
	__u32 num_out_syncobjs;
	__u64 in_syncobjs;
	__u64 out_syncobjs;
};

#define VGPU_PARAM_3D_FEATURES		1
#define VGPU_PARAM_CAPSET_QUERY_FIX	2
#define VGPU_PARAM_RESOURCE_BLOB	3
#define VGPU_PARAM_HOST_VISIBLE		4
#define VGPU_PARAM_CROSS_DEVICE		5
#define VGPU_PARAM_CONTEXT_INIT		6
#define VGPU_PARAM_SUPPORTED_CAPSETS	7
#define VGPU_PARAM_EXPLICIT_DEBUG_NAME	8
#define VGPU_PARAM_BLOB_ALIGNMENT	9

struct drm_vgpu_getparam {
	__u64 param;
	__u64 value;		/* user pointer to an int */
};

struct drm_vgpu_resource_create {
	__u32 target;
	__u32 format;
	__u32 bind;
	__u32 width;
	__u32 height;
	__u32 depth;
	__u32 array_size;
	__u32 last_level;
	__u32 nr_samples;
	__u32 flags;
	__u32 bo_handle;	/* out */
	__u32 res_handle;	/* out */
	__u32 size;
	__u32 stride;
};

struct drm_vgpu_resource_info {
	__u32 bo_handle;
	__u32 res_handle;
	__u32 size;
	__u32 blob_mem;
};

struct drm_vgpu_3d_box {
	__u32 x, y, z;
	__u32 w, h, d;
};

/* both directions */
struct drm_vgpu_3d_transfer {
	__u32 bo_handle;
	struct drm_vgpu_3d_box box;
	__u32 level;
	__u32 offset;
	__u32 stride;
	__u32 layer_stride;
};

#define VGPU_WAIT_NOWAIT		(1 << 0)

struct drm_vgpu_3d_wait {
	__u32 handle;
	__u32 flags;
};

struct drm_vgpu_get_caps {
	__u32 cap_set_id;
	__u32 cap_set_ver;
	__u64 addr;
	__u32 size;
	__u32 pad;
};

#define VGPU_BLOB_MEM_GUEST		1
#define VGPU_BLOB_MEM_HOST3D		2
#define VGPU_BLOB_MEM_HOST3D_GUEST	3

#define VGPU_BLOB_FLAG_USE_MAPPABLE	(1 << 0)
#define VGPU_BLOB_FLAG_USE_SHAREABLE	(1 << 1)
#define VGPU_BLOB_FLAG_USE_CROSS_DEVICE	(1 << 2)
#define VGPU_BLOB_FLAGS			((1 << 3) - 1)

#define VGPU_BLOB_HINT_DEFER_MAPPING	(1 << 0)
#define VGPU_BLOB_HINTS			((1 << 1) - 1)

struct drm_vgpu_resource_create_blob {
	__u32 blob_mem;
	__u32 blob_flags;
	__u32 bo_handle;	/* out */
	__u32 res_handle;	/* out */
	__u64 size;
	__u32 pad;
	__u32 cmd_size;
	__u64 cmd;
	__u64 blob_id;
	__u64 blob_hints;
};

#define VGPU_CONTEXT_PARAM_CAPSET_ID		1
#define VGPU_CONTEXT_PARAM_NUM_RINGS		2
#define VGPU_CONTEXT_PARAM_POLL_RINGS_MASK	3
#define VGPU_CONTEXT_PARAM_DEBUG_NAME		4

struct drm_vgpu_context_set_param {
	__u64 param;
	__u64 value;		/* DEBUG_NAME: user pointer to a string */
};

/* What a poll ring sends through the device file; a struct drm_event. */
#define VGPU_EVENT_FENCE_SIGNALED	0x90000000

struct drm_vgpu_context_init {
	__u32 num_params;
	__u32 pad;
	__u64 ctx_set_params;
};

#define VGPU_IOCTL(name, type) \
	DRM_IOWR(DRM_COMMAND_BASE + DRM_VGPU_##name, struct type)

#define DRM_IOCTL_VGPU_MAP	VGPU_IOCTL(MAP, drm_vgpu_map)
#define DRM_IOCTL_VGPU_EXECBUFFER \
	VGPU_IOCTL(EXECBUFFER, drm_vgpu_execbuffer)
#define DRM_IOCTL_VGPU_GETPARAM	VGPU_IOCTL(GETPARAM, drm_vgpu_getparam)
#define DRM_IOCTL_VGPU_RESOURCE_CREATE \
	VGPU_IOCTL(RESOURCE_CREATE, drm_vgpu_resource_create)
#define DRM_IOCTL_VGPU_RESOURCE_INFO \
	VGPU_IOCTL(RESOURCE_INFO, drm_vgpu_resource_info)
#define DRM_IOCTL_VGPU_TRANSFER_FROM_HOST \
	VGPU_IOCTL(TRANSFER_FROM_HOST, drm_vgpu_3d_transfer)
#define DRM_IOCTL_VGPU_TRANSFER_TO_HOST \
	VGPU_IOCTL(TRANSFER_TO_HOST, drm_vgpu_3d_transfer)
#define DRM_IOCTL_VGPU_WAIT	VGPU_IOCTL(WAIT, drm_vgpu_3d_wait)
#define DRM_IOCTL_VGPU_GET_CAPS	VGPU_IOCTL(GET_CAPS, drm_vgpu_get_caps)
#define DRM_IOCTL_VGPU_RESOURCE_CREATE_BLOB \
	VGPU_IOCTL(RESOURCE_CREATE_BLOB, drm_vgpu_resource_create_blob)
#define DRM_IOCTL_VGPU_CONTEXT_INIT \
	VGPU_IOCTL(CONTEXT_INIT, drm_vgpu_context_init)

#endif
