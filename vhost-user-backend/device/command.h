/* SPDX-License-Identifier: MIT */
/*
 * command.h - one decoded command, from the gate to its answer
 */
#ifndef DEVICE_COMMAND_H
#define DEVICE_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/vgpu_vendor.h"
#include "protocol/virtio_gpu.h"

struct command;
struct command_type;
struct device;
struct vring_elem;

#define COMMAND_SUBMIT_MAX	(64u << 20)	/* bytes of one SUBMIT_3D */
#define COMMAND_ENTRIES_MAX	(1u << 20)	/* of one ATTACH_BACKING */

/* What exec returns besides a virtio_gpu_ctrl_type for the answer. */
#define EXEC_AGAIN	0	/* can not go on now; nothing was done */
#define EXEC_PARKED	1	/* the answer comes from the display */

/* The fixed part of every command; little endian like the hosts we run on. */
union request {
	struct virtio_gpu_ctrl_hdr hdr;
	struct virtio_gpu_resource_create_2d create_2d;
	struct virtio_gpu_resource_unref unref;
	struct virtio_gpu_set_scanout set_scanout;
	struct virtio_gpu_resource_flush flush;
	struct virtio_gpu_transfer_to_host_2d transfer_2d;
	struct virtio_gpu_resource_attach_backing attach;
	struct virtio_gpu_resource_detach_backing detach;
	struct virtio_gpu_get_capset_info capset_info;
	struct virtio_gpu_get_capset capset;
	struct virtio_gpu_get_edid edid;
	struct virtio_gpu_resource_assign_uuid uuid;
	struct virtio_gpu_resource_create_blob create_blob;
	struct virtio_gpu_ctx_create ctx_create;
	struct virtio_gpu_ctx_resource ctx_resource;
	struct virtio_gpu_resource_create_3d create_3d;
	struct virtio_gpu_transfer_host_3d transfer_3d;
	struct virtio_gpu_cmd_submit submit;
	struct virtio_gpu_update_cursor cursor;
	struct vgpu_hello hello;
};

/** struct command - private copy of what the guest asked, and the answer */
struct command {
	struct command *next;		/* run list, then fence list */
	struct vring_elem *elem;
	const struct command_type *type;	/* NULL: was not understood */
	union request req;
	uint32_t refused;		/* by decode: the answer; 0 if fine */

	/*
	 * What followed the fixed part (8-byte aligned); when executed, the
	 * answer's payload may take its place.
	 */
	void *data;
	size_t data_size;		/* valid bytes */
	size_t data_room;

	/* of a SUBMIT_3D that is carried out in pieces */
	bool screened;			/* by elide_buffer() */
	size_t words_done;

	uint32_t response;		/* 0 while parked */
	const void *payload;		/* of the answer, after its header */
	size_t payload_size;
	uint64_t fence;			/* of the renderer, to wait for */
};

enum command_tail {
	TAIL_NONE,
	TAIL_ENTRIES,			/* attach.nr_entries memory entries */
	TAIL_COMMANDS,			/* submit.size bytes */
	TAIL_BLOB,			/* create_blob.nr_entries of them */
};

#define TYPE_3D		(1 << 0)	/* needs F_VIRGL and capsets */
#define TYPE_EDID	(1 << 1)	/* needs F_EDID */
#define TYPE_UUID	(1 << 2)	/* needs F_RESOURCE_UUID, or the hello */
#define TYPE_QUERY	(1 << 3)	/* may pass commands that wait */
#define TYPE_BLOB	(1 << 4)	/* needs F_RESOURCE_BLOB, or the hello */
#define TYPE_NOTICE	(1 << 5)	/* needs the hello */

/** struct command_type - the contract of one command */
struct command_type {
	uint32_t type;
	const char *name;
	uint8_t queue;
	uint8_t tail;
	uint8_t flags;
	uint16_t size;			/* of the fixed part */
	uint32_t (*exec)(struct device *dev, struct command *cmd);
};

/**
 * command_asks() - is it a question without a fence, by its header?
 *
 * Such a one passes whatever waits, and its data is not kept.
 */
bool command_asks(const struct vring_elem *elem);

/**
 * command_decode() - the gate: everything is copied and checked here
 *
 * Always gives a command, if only one that says why it is refused. Return:
 * NULL when there is no memory even for that.
 */
struct command *command_decode(struct device *dev, unsigned int queue,
			       struct vring_elem *elem);

/** command_new(), command_free() - from and to the device's pool */
struct command *command_new(struct device *dev);
void command_free(struct device *dev, struct command *cmd);

/** command_reserve() - make cmd->data hold @size bytes; 0 or -ENOMEM */
int command_reserve(struct command *cmd, size_t size);

static inline bool command_fenced(const struct command *cmd)
{
	return cmd->req.hdr.flags & VIRTIO_GPU_FLAG_FENCE;
}

/** command_answer() - write the answer, give the chain back, free */
void command_answer(struct device *dev, struct command *cmd);

#endif
