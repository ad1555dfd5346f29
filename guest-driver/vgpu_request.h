/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_request.h - a command whose answer is waited for
 */
#ifndef VGPU_REQUEST_H
#define VGPU_REQUEST_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/types.h>

struct vgpu_device;
struct vgpu_vbuf;

/**
 * struct vgpu_request - one reference is the waiter's, one the command's
 *
 * So a waiter may give up, and an answer that is late finds its memory.
 */
struct vgpu_request {
	struct kref ref;
	struct completion done;
	int error;		/* valid after @done */
	u32 len;		/* of the answer, header included */
	u32 size;		/* room in @resp */
	u8 resp[] __aligned(8);
};

/**
 * vgpu_request_new() - a request with room for @size bytes of answer
 * @cmd: returns the command, to be encoded and sent
 * @resp_type: the answer that means success
 */
struct vgpu_request *vgpu_request_new(u32 size, u32 resp_type,
				      struct vgpu_vbuf **cmd);

/** vgpu_request_send() - takes the command */
void vgpu_request_send(struct vgpu_device *dev, struct vgpu_vbuf *cmd);

/**
 * vgpu_request_wait() - wait until @deadline (jiffies), killable
 *
 * Return: 0, -EBUSY (no answer in time), -ERESTARTSYS, or what the host said.
 */
int vgpu_request_wait(struct vgpu_request *req, unsigned long deadline);
void vgpu_request_put(struct vgpu_request *req);

#endif
