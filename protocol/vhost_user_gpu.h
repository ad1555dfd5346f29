/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vhost_user_gpu.h - messages on the display socket that GPU_SET_SOCKET hands
 * over (QEMU docs/interop/vhost-user-gpu)
 *
 * Requests go from the back end to the front end only. Host byte order.
 */
#ifndef VGPU_PROTOCOL_VHOST_USER_GPU_H
#define VGPU_PROTOCOL_VHOST_USER_GPU_H

#include <linux/types.h>

enum vhost_user_gpu_request {
	VHOST_USER_GPU_GET_PROTOCOL_FEATURES = 1,
	VHOST_USER_GPU_SET_PROTOCOL_FEATURES = 2,
	VHOST_USER_GPU_GET_DISPLAY_INFO = 3,
	VHOST_USER_GPU_CURSOR_POS = 4,
	VHOST_USER_GPU_CURSOR_POS_HIDE = 5,
	VHOST_USER_GPU_CURSOR_UPDATE = 6,
	VHOST_USER_GPU_SCANOUT = 7,
	VHOST_USER_GPU_UPDATE = 8,
	VHOST_USER_GPU_DMABUF_SCANOUT = 9,
	VHOST_USER_GPU_DMABUF_UPDATE = 10,
	VHOST_USER_GPU_GET_EDID = 11,
	VHOST_USER_GPU_DMABUF_SCANOUT2 = 12,
};

#define VHOST_USER_GPU_MSG_FLAG_REPLY	0x4

#define VHOST_USER_GPU_PROTOCOL_F_EDID		0
#define VHOST_USER_GPU_PROTOCOL_F_DMABUF2	1

struct vhost_user_gpu_header {
	__u32 request;
	__u32 flags;
	__u32 size;		/* of the payload */
};

struct vhost_user_gpu_cursor_pos {
	__u32 scanout_id;
	__u32 x;
	__u32 y;
};

#define VHOST_USER_GPU_CURSOR_SIZE	64

/* Pixels are a8r8g8b8. */
struct vhost_user_gpu_cursor_update {
	struct vhost_user_gpu_cursor_pos pos;
	__u32 hot_x;
	__u32 hot_y;
	__u32 data[VHOST_USER_GPU_CURSOR_SIZE * VHOST_USER_GPU_CURSOR_SIZE];
};

/* A width of 0 disables the scanout. */
struct vhost_user_gpu_scanout {
	__u32 scanout_id;
	__u32 width;
	__u32 height;
};

/* UPDATE (followed by width * height x8r8g8b8 pixels) and DMABUF_UPDATE. */
struct vhost_user_gpu_update {
	__u32 scanout_id;
	__u32 x;
	__u32 y;
	__u32 width;
	__u32 height;
};

struct vhost_user_gpu_dmabuf_scanout {
	__u32 scanout_id;
	__u32 x;
	__u32 y;
	__u32 width;
	__u32 height;
	__u32 fd_width;
	__u32 fd_height;
	__u32 fd_stride;
	__u32 fd_flags;
	__s32 fd_drm_fourcc;
};

struct vhost_user_gpu_dmabuf_scanout2 {
	struct vhost_user_gpu_dmabuf_scanout base;
	__u64 modifier;
} __attribute__((packed));

struct vhost_user_gpu_edid_request {
	__u32 scanout_id;
};

#endif
