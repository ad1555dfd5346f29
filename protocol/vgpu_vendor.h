/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_vendor.h - what our two halves may say to each other beyond VIRTIO
 *
 * Stock QEMU offers a vhost-user GPU few features, but looks neither at the
 * list of capsets nor at the contents of the rings. So the device has one more
 * capset, the last of the list, that tells our driver what else it may ask for.
 * Other drivers see a capset that they do not know and leave it alone; ours
 * does not show it to programs.
 *
 * Nothing of this may be used before the driver has said hello on the control
 * queue and been answered, and all of it ends when the device is reset. Until
 * then, and without the capset, both halves are an ordinary virtio GPU: what is
 * below is answered with ERR_UNSPEC, like every unknown command. All fields are
 * little endian. Change log: version 1, first.
 */
#ifndef VGPU_PROTOCOL_VGPU_VENDOR_H
#define VGPU_PROTOCOL_VGPU_VENDOR_H

#include <linux/types.h>
#include "protocol/virtio_gpu.h"

/*
 * Drivers keep masks of ids: 0 or one above 63 costs the in-tree driver all its
 * capsets, and above 30 it shifts an int too far. 1 to 10 are others'.
 */
#define VGPU_VENDOR_CAPSET	29
#define VGPU_VENDOR_MAGIC	0x75706776	/* "vgpu" */
#define VGPU_VENDOR_VERSION	1

/* What hello may switch on. A bit means what the feature bit would mean. */
#define VGPU_VENDOR_BLOB	(1u << 0)	/* blobs in guest memory only */
#define VGPU_VENDOR_CONTEXT_INIT (1u << 1)	/* with INFO_RING_IDX */
#define VGPU_VENDOR_UUID	(1u << 2)
#define VGPU_VENDOR_NOTICE	(1u << 3)	/* VGPU_CMD_NOTICE */
#define VGPU_VENDOR_ALL		((1u << 4) - 1)

/* Timelines of one context; numbers are 0 to 63. */
#define VGPU_VENDOR_RINGS	64
/* Parked notices; more are answered at once. */
#define VGPU_VENDOR_NOTICES	8

/** struct vgpu_vendor_caps - contents of the capset; later versions append */
struct vgpu_vendor_caps {
	__le32 magic;
	__le32 version;
	__le32 features;	/* VGPU_VENDOR_... on offer */
	__le32 reserved;
	__le64 memory_max;	/* bytes the host lets us have; 0: no limit */
};

enum vgpu_vendor_type {
	VGPU_CMD_HELLO = 0x5600,
	VGPU_CMD_NOTICE,

	/* among the successes of virtio-gpu, far from those in use */
	VGPU_RESP_OK_HELLO = 0x1180,
	VGPU_RESP_OK_NOTICE,
};

/** struct vgpu_hello - what is wanted; a second one replaces the first */
struct vgpu_hello {
	struct virtio_gpu_ctrl_hdr hdr;
	__le32 version;		/* of the driver; the lower of both counts */
	__le32 features;
};

struct vgpu_resp_hello {
	struct virtio_gpu_ctrl_hdr hdr;
	__le32 version;
	__le32 features;	/* what of it is on from now on */
};

/*
 * VGPU_CMD_NOTICE has no more than a header, and must not be fenced. It is kept
 * until there is something to tell, and answered with VGPU_NOTICE_NONE when the
 * device is about to stop: then the driver sends it anew.
 */
enum vgpu_notice {
	VGPU_NOTICE_NONE = 0,
	VGPU_NOTICE_CONTEXT_LOST,	/* ctx_id: gone, with what it drew */
};

struct vgpu_resp_notice {
	struct virtio_gpu_ctrl_hdr hdr;
	__le32 notice;
	__le32 ctx_id;
};

#endif
