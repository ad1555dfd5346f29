/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vhost_user.h - vhost-user messages that a GPU back end meets
 *
 * Written from the vhost-user specification (QEMU docs/interop/vhost-user).
 * Fields are in host byte order: both ends run on one machine.
 */
#ifndef VGPU_PROTOCOL_VHOST_USER_H
#define VGPU_PROTOCOL_VHOST_USER_H

#include <linux/types.h>

/* Bits of SET_FEATURES that belong to the transport. */
#define VIRTIO_F_NOTIFY_ON_EMPTY_BIT		24
#define VIRTIO_F_ANY_LAYOUT_BIT			27
#define VIRTIO_RING_F_INDIRECT_DESC_BIT		28
#define VIRTIO_RING_F_EVENT_IDX_BIT		29
#define VHOST_USER_F_PROTOCOL_FEATURES_BIT	30
#define VIRTIO_F_VERSION_1_BIT			32

enum vhost_user_protocol_feature {
	VHOST_USER_PROTOCOL_F_MQ = 0,
	VHOST_USER_PROTOCOL_F_LOG_SHMFD = 1,
	VHOST_USER_PROTOCOL_F_REPLY_ACK = 3,
	VHOST_USER_PROTOCOL_F_BACKEND_REQ = 5,
	VHOST_USER_PROTOCOL_F_CONFIG = 9,
	VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD = 10,
	VHOST_USER_PROTOCOL_F_INFLIGHT_SHMFD = 12,
	VHOST_USER_PROTOCOL_F_RESET_DEVICE = 13,
	VHOST_USER_PROTOCOL_F_INBAND_NOTIFICATIONS = 14,
	VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15,
	VHOST_USER_PROTOCOL_F_STATUS = 16,
	VHOST_USER_PROTOCOL_F_SHMEM_MAP = 22,
};

enum vhost_user_request {
	VHOST_USER_GET_FEATURES = 1,
	VHOST_USER_SET_FEATURES = 2,
	VHOST_USER_SET_OWNER = 3,
	VHOST_USER_RESET_OWNER = 4,
	VHOST_USER_SET_MEM_TABLE = 5,
	VHOST_USER_SET_LOG_BASE = 6,
	VHOST_USER_SET_LOG_FD = 7,
	VHOST_USER_SET_VRING_NUM = 8,
	VHOST_USER_SET_VRING_ADDR = 9,
	VHOST_USER_SET_VRING_BASE = 10,
	VHOST_USER_GET_VRING_BASE = 11,
	VHOST_USER_SET_VRING_KICK = 12,
	VHOST_USER_SET_VRING_CALL = 13,
	VHOST_USER_SET_VRING_ERR = 14,
	VHOST_USER_GET_PROTOCOL_FEATURES = 15,
	VHOST_USER_SET_PROTOCOL_FEATURES = 16,
	VHOST_USER_GET_QUEUE_NUM = 17,
	VHOST_USER_SET_VRING_ENABLE = 18,
	VHOST_USER_SEND_RARP = 19,
	VHOST_USER_NET_SET_MTU = 20,
	VHOST_USER_SET_BACKEND_REQ_FD = 21,
	VHOST_USER_IOTLB_MSG = 22,
	VHOST_USER_SET_VRING_ENDIAN = 23,
	VHOST_USER_GET_CONFIG = 24,
	VHOST_USER_SET_CONFIG = 25,
	VHOST_USER_GET_INFLIGHT_FD = 31,
	VHOST_USER_SET_INFLIGHT_FD = 32,
	VHOST_USER_GPU_SET_SOCKET = 33,
	VHOST_USER_RESET_DEVICE = 34,
	VHOST_USER_VRING_KICK = 35,
	VHOST_USER_GET_MAX_MEM_SLOTS = 36,
	VHOST_USER_ADD_MEM_REG = 37,
	VHOST_USER_REM_MEM_REG = 38,
	VHOST_USER_SET_STATUS = 39,
	VHOST_USER_GET_STATUS = 40,
	VHOST_USER_GET_SHMEM_CONFIG = 44,
	VHOST_USER_REQUEST_MAX
};

#define VHOST_USER_VERSION		0x1
#define VHOST_USER_VERSION_MASK		0x3
#define VHOST_USER_REPLY_MASK		(1 << 2)
#define VHOST_USER_NEED_REPLY_MASK	(1 << 3)

/* 12 bytes; descriptors travel with the first byte. */
struct vhost_user_header {
	__u32 request;
	__u32 flags;
	__u32 size;		/* of the payload */
};

#define VHOST_USER_VRING_IDX_MASK	0xff
#define VHOST_USER_VRING_NOFD_MASK	(1 << 8)

struct vhost_user_vring_state {
	__u32 index;
	__u32 num;
};

/* Addresses are in the front end's address space, except log. */
struct vhost_user_vring_addr {
	__u32 index;
	__u32 flags;
	__u64 desc_uaddr;
	__u64 used_uaddr;
	__u64 avail_uaddr;
	__u64 log_gpa;
};

struct vhost_user_mem_region {
	__u64 gpa;
	__u64 size;
	__u64 uaddr;
	__u64 mmap_offset;
};

#define VHOST_USER_MEM_REGIONS_MAX	8	/* of SET_MEM_TABLE */

struct vhost_user_mem_table {
	__u32 nregions;
	__u32 padding;
	struct vhost_user_mem_region regions[VHOST_USER_MEM_REGIONS_MAX];
};

/* ADD_MEM_REG and REM_MEM_REG. */
struct vhost_user_mem_reg {
	__u64 padding;
	struct vhost_user_mem_region region;
};

#define VHOST_USER_CONFIG_MAX		256

/* The payload is 12 bytes of header and size bytes of data. */
struct vhost_user_config {
	__u32 offset;
	__u32 size;
	__u32 flags;
	__u8 data[VHOST_USER_CONFIG_MAX];
};

#endif
