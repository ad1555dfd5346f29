/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_vbuf.h - one command on its way to the host and back
 */
#ifndef VGPU_VBUF_H
#define VGPU_VBUF_H

#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/types.h>

#include "vgpu_cmd.h"

struct scatterlist;
struct vgpu_fence;
struct vgpu_vbuf;

/* Most pieces that a payload may be made of; bounds the descriptor chain. */
#define VGPU_PAYLOAD_CHUNKS	30

/** struct vgpu_chunk - physically contiguous part of a payload */
struct vgpu_chunk {
	void *data;
	u32 len;	/* bytes used */
	u32 order;	/* of its pages; VGPU_CHUNK_SLAB: from kmalloc */
};

#define VGPU_CHUNK_SLAB	~0u

/** struct vgpu_payload - bytes that follow a command */
struct vgpu_payload {
	u32 nr;
	struct vgpu_chunk chunk[];
};

/**
 * struct vgpu_vbuf - a command, its answer, and what to do with it
 *
 * Owned by the caller until vgpu_queue_submit(), by the queue from then on;
 * the queue frees it. Allocated by kmalloc, because the host reads @cmd and
 * writes the answer.
 */
struct vgpu_vbuf {
	struct list_head node;	/* caller's list; then queue->lock */
	union vgpu_cmd cmd;
	u32 cmd_len;
	u32 resp_type;		/* answer that means success */
	u32 resp_len;		/* room for the answer; 0: none is sent */
	void *resp;		/* &resp_hdr, or memory owned by @done */
	struct virtio_gpu_ctrl_hdr resp_hdr;
	struct vgpu_payload *payload;
	struct vgpu_fence *fence;	/* reference; signalled at completion */
	int error;		/* result: 0 or -errno */
	u32 len;		/* result: bytes of the answer */
	bool parked;		/* no answer is due: it waits for an event */
	u32 epoch;		/* it is of this life of the device; 0: any */
	ktime_t sent;		/* when it went into the ring */

	/*
	 * Called once after completion, in a worker that may sleep; NULL:
	 * nothing to do. Also called with an error when the device is lost.
	 */
	void (*done)(struct vgpu_vbuf *vbuf);
	void *priv;
};

/** vgpu_vbuf_new() - a command that is answered by a bare OK_NODATA header */
struct vgpu_vbuf *vgpu_vbuf_new(gfp_t gfp);
void vgpu_vbuf_free(struct vgpu_vbuf *vbuf);

/** vgpu_vbuf_list_free() - free commands that were never submitted */
void vgpu_vbuf_list_free(struct list_head *list);

/** vgpu_vbuf_count_out() - pieces that the host reads */
unsigned int vgpu_vbuf_count_out(const struct vgpu_vbuf *vbuf);

/** vgpu_vbuf_check() - judge an answer of @len bytes: 0 or -errno */
int vgpu_vbuf_check(struct vgpu_vbuf *vbuf, u32 len);

/**
 * vgpu_payload_new() - memory for @size bytes in at most @max_chunks pieces
 *
 * Charged to the caller's memory cgroup. Return: NULL if there is no memory.
 */
struct vgpu_payload *vgpu_payload_new(size_t size, unsigned int max_chunks);
void vgpu_payload_free(struct vgpu_payload *payload);

/** vgpu_payload_copy_from_user() - fill it; 0 or -EFAULT */
int vgpu_payload_copy_from_user(struct vgpu_payload *payload,
				const void __user *from);

#endif
