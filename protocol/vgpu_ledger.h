/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_ledger.h - format of the ledger, what a worker's successor needs
 *
 * One memfd per VM, made and held by vgpu-endpoint, mapped by its worker:
 *
 *   page 0..   struct vgpu_ledger_header
 *   then       one struct vgpu_ledger_ring per queue, page aligned
 *   then       two log segments of segment_size bytes; `active` says which
 *
 * A log is a sequence of records, each a multiple of 8 bytes with a CRC-32C
 * over type, size and payload. `committed` of the active segment is where valid
 * records end; what lies beyond is a torn write and is ignored. When the log
 * has doubled since it was last compacted, the live state is written into the
 * other segment and `active` flips. Change log: version 1, first.
 */
#ifndef VGPU_PROTOCOL_VGPU_LEDGER_H
#define VGPU_PROTOCOL_VGPU_LEDGER_H

#include <stdatomic.h>
#include <stdint.h>
#include "protocol/virtio_gpu.h"

#define VGPU_LEDGER_MAGIC	0x7267646c	/* "ldgr" */
#define VGPU_LEDGER_VERSION	1
#define VGPU_LEDGER_RING_MAX	32768		/* descriptors a queue */

struct vgpu_ledger_header {
	uint32_t magic;
	uint32_t version;
	uint64_t segment_size;
	_Atomic uint32_t active;		/* 0 or 1 */
	_Atomic uint32_t crashes;		/* of workers, by their own fault,
						   without a quiet time since */
	_Atomic uint64_t committed[2];		/* bytes valid in each segment */
};

/*
 * Position of one queue. Take-over: a head whose seq is not 0 was popped and
 * not answered, unless it is `push_head` and used->idx in guest memory equals
 * push_idx: then it was published just before the worker died. All of it is
 * checked by the successor like guest input.
 */
struct vgpu_ledger_ring {
	_Atomic uint32_t valid;			/* 0: never started */
	_Atomic uint32_t last_avail;		/* next avail index, 16 bits */
	_Atomic uint32_t push_head;		/* being pushed */
	_Atomic uint32_t push_idx;		/* used->idx once it is */
	_Atomic uint64_t next_seq;		/* starts at 1 */
	_Atomic uint64_t seq[VGPU_LEDGER_RING_MAX]; /* by head: order of pop */
};

enum vgpu_ledger_type {
	VGPU_LEDGER_RESOURCE = 1,	/* vgpu_ledger_resource */
	VGPU_LEDGER_RESOURCE_UNREF,	/* vgpu_ledger_id */
	VGPU_LEDGER_BACKING,		/* vgpu_ledger_backing, entries */
	VGPU_LEDGER_BACKING_DETACH,	/* vgpu_ledger_id */
	VGPU_LEDGER_CONTEXT,		/* vgpu_ledger_context */
	VGPU_LEDGER_CONTEXT_DESTROY,	/* vgpu_ledger_id */
	VGPU_LEDGER_SCANOUT,		/* vgpu_ledger_scanout */
	VGPU_LEDGER_CURSOR,		/* vgpu_ledger_cursor */
	VGPU_LEDGER_UUID,		/* vgpu_ledger_uuid */
	VGPU_LEDGER_BLOB,		/* vgpu_ledger_blob */
	VGPU_LEDGER_VENDOR,		/* vgpu_ledger_id: VGPU_VENDOR_... */
};

struct vgpu_ledger_record {
	uint32_t type;
	uint32_t size;			/* of the payload, without padding */
	uint32_t crc;
	uint32_t padding;
};

struct vgpu_ledger_id {
	uint32_t id;
	uint32_t padding;
};

struct vgpu_ledger_resource {
	uint32_t id;
	uint32_t is_3d;
	uint32_t target, format, bind;	/* bind only of 3D */
	uint32_t width, height, depth;
	uint32_t array_size, last_level, nr_samples, flags;
};

struct vgpu_ledger_backing {
	uint32_t id;
	uint32_t nr_entries;		/* struct virtio_gpu_mem_entry follow */
};

struct vgpu_ledger_context {
	uint32_t id;
	uint32_t context_init;
	char name[64];
};

struct vgpu_ledger_scanout {
	uint32_t scanout_id;
	uint32_t resource_id;		/* 0: off */
	uint32_t x, y, width, height;
};

struct vgpu_ledger_cursor {
	uint32_t scanout_id;
	uint32_t resource_id;		/* 0: hidden */
	uint32_t x, y, hot_x, hot_y;
};

struct vgpu_ledger_blob {
	uint32_t id;
	uint32_t flags;
	uint64_t size;
};

struct vgpu_ledger_uuid {
	uint32_t id;			/* of the resource */
	uint32_t padding;
	uint8_t uuid[16];
};

#endif
