/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_ipc.h - messages between vgpu-endpoint and its vgpu-worker, and
 * between vgpu-endpoint and vgpud
 *
 * Both run over SOCK_SEQPACKET socket pairs: one message a datagram,
 * descriptors as SCM_RIGHTS. Host byte order; both ends are of one build
 * (VGPU_IPC_VERSION must match). Whoever receives checks type, size and number
 * of descriptors against one table before it looks inside.
 *
 * What the endpoint sends its worker is idempotent state, never half of an
 * operation: a new worker gets all of it again and takes over.
 */
#ifndef VGPU_PROTOCOL_VGPU_IPC_H
#define VGPU_PROTOCOL_VGPU_IPC_H

#include <linux/types.h>
#include "protocol/vhost_user_gpu.h"
#include "protocol/virtio_gpu.h"

#define VGPU_IPC_VERSION	2
#define VGPU_IPC_MAX_FDS	64
#define VGPU_IPC_MAX_SIZE	32768	/* header and payload */
#define VGPU_NAME_MAX		64	/* VM name with its NUL */
#define VGPU_PATH_MAX		256
#define VGPU_SOCKET_MAX		108	/* path of a socket with its NUL */

struct vgpu_ipc_header {
	__u32 type;
	__u32 size;		/* of the payload */
};

enum vgpu_ipc_type {
	/* endpoint to worker */
	VGPU_IPC_SETUP = 1,		/* vgpu_ipc_setup; ledger, caps[, sched] */
	VGPU_IPC_FEATURES,		/* vgpu_ipc_features */
	VGPU_IPC_MEM_TABLE,		/* vgpu_ipc_mem_table; one fd a region */
	VGPU_IPC_VRING_START,		/* vgpu_ipc_vring; kick, call */
	VGPU_IPC_VRING_CALL,		/* vgpu_ipc_vring_index; call */
	VGPU_IPC_VRING_STOP,		/* vgpu_ipc_vring_index */
	VGPU_IPC_DISPLAY_INFO,		/* vgpu_ipc_display_info */
	VGPU_IPC_EDID,			/* vgpu_ipc_edid */
	VGPU_IPC_DMABUF_PRESENTED,	/* vgpu_ipc_scanout_id */
	VGPU_IPC_SCHED_DETACH,		/* nothing: vgpud is gone, run freely */
	VGPU_IPC_SCHED_ATTACH,		/* nothing; descriptors as of SETUP: there
					   is one again */

	/* worker to endpoint */
	VGPU_IPC_READY = 64,		/* nothing: setup done, rings served */
	VGPU_IPC_VRING_STOPPED,		/* vgpu_ipc_vring_stopped */
	VGPU_IPC_SCANOUT,		/* vgpu_ipc_scanout; pixels memfd */
	VGPU_IPC_UPDATE,		/* vhost_user_gpu_update, no pixels */
	VGPU_IPC_DMABUF_SCANOUT,	/* vhost_user_gpu_dmabuf_scanout2; fd */
	VGPU_IPC_DMABUF_UPDATE,		/* vhost_user_gpu_update */
	VGPU_IPC_CURSOR_UPDATE,		/* vhost_user_gpu_cursor_update */
	VGPU_IPC_CURSOR_MOVE,		/* vgpu_ipc_cursor_move */
	VGPU_IPC_GET_DISPLAY_INFO,	/* vgpu_ipc_cookie */
	VGPU_IPC_GET_EDID,		/* vgpu_ipc_get_edid */
	VGPU_IPC_VRING_BROKEN,		/* vgpu_ipc_vring_index: guest broke it */
};

#define VGPU_SETUP_VIRGL	(1 << 0)	/* 3D was asked for and probed */
#define VGPU_SETUP_SCHED	(1 << 1)	/* scheduler descriptors follow */
#define VGPU_SETUP_TAKEOVER	(1 << 2)	/* the ledger is not empty */
#define VGPU_SETUP_NULL		(1 << 3)	/* renderer_null (tests) */

/*
 * Descriptors: ledger memfd, caps memfd (struct vgpu_caps); with
 * VGPU_SETUP_SCHED also grant page, report page, grant eventfd, want eventfd.
 */
struct vgpu_ipc_setup {
	__u32 version;
	__u32 flags;
	char vm[VGPU_NAME_MAX];
	char render_node[VGPU_PATH_MAX];	/* "": surfaceless or null */
	__u32 num_scanouts;
	__u32 width, height;			/* of output 0, for the EDID */
	__u32 max_resources, max_contexts;	/* 0: no limit */
	__u32 padding;
	__u64 memory_max;			/* bytes, 0: no limit; with
						   VGPU_SETUP_SCHED the grant
						   page has all three live */
};

struct vgpu_ipc_features {
	__u64 features;		/* what the guest acknowledged */
};

struct vgpu_ipc_mem_region {
	__u64 gpa;
	__u64 size;
	__u64 uaddr;
	__u64 mmap_offset;
};

struct vgpu_ipc_mem_table {
	__u32 nregions;
	__u32 padding;
	struct vgpu_ipc_mem_region regions[VGPU_IPC_MAX_FDS];
};

#define VGPU_VRING_RESUME	(1 << 0)	/* position is in the ledger */

/* Addresses are front-end addresses (uaddr). */
struct vgpu_ipc_vring {
	__u32 index;
	__u32 num;		/* ring size, power of two, 1..32768 */
	__u32 flags;
	__u32 base;		/* next avail index, unless RESUME */
	__u64 desc_uaddr;
	__u64 avail_uaddr;
	__u64 used_uaddr;
};

struct vgpu_ipc_vring_index {
	__u32 index;
};

struct vgpu_ipc_vring_stopped {
	__u32 index;
	__u32 base;		/* next avail index */
};

struct vgpu_ipc_cookie {
	__u32 cookie;
};

struct vgpu_ipc_get_edid {
	__u32 cookie;
	__u32 scanout_id;
};

/* pmodes only; the header is the worker's business. */
struct vgpu_ipc_display_info {
	__u32 cookie;
	__u32 padding;
	struct virtio_gpu_display_one pmodes[VIRTIO_GPU_MAX_SCANOUTS];
};

struct vgpu_ipc_edid {
	__u32 cookie;
	__u32 size;		/* 0: the front end has none, make one */
	__u8 edid[VIRTIO_GPU_EDID_MAX];
};

struct vgpu_ipc_scanout_id {
	__u32 scanout_id;
};

/*
 * With width != 0 one descriptor: a memfd of at least stride * height bytes of
 * x8r8g8b8, stride = width * 4, sealed against shrinking. The worker writes
 * pixels, then says UPDATE. width == 0, no descriptor: scanout off.
 */
struct vgpu_ipc_scanout {
	__u32 scanout_id;
	__u32 width;
	__u32 height;
};

struct vgpu_ipc_cursor_move {
	struct vhost_user_gpu_cursor_pos pos;
	__u32 visible;
};

/* ---- endpoint and vgpud ---- */

enum vgpu_broker_type {
	/* endpoint to vgpud */
	VGPU_BROKER_HELLO = 128,	/* vgpu_broker_hello */
	VGPU_BROKER_WORKER_STARTED,	/* vgpu_broker_worker; pidfd */
	VGPU_BROKER_WORKER_EXITED,	/* vgpu_broker_worker */
	VGPU_BROKER_STATE,		/* vgpu_broker_state */

	/* vgpud to endpoint */
	VGPU_BROKER_ATTACH = 192,	/* vgpu_broker_attach; caps, grant page,
					   report page, grant fd, want fd */
	VGPU_BROKER_KILL_WORKER,	/* vgpu_broker_kill */
};

struct vgpu_broker_hello {
	__u32 version;
	__u32 pid;
	char vm[VGPU_NAME_MAX];
	__u32 rejoins;		/* it has served its VM before */
	__u32 padding;
};

struct vgpu_broker_worker {
	__u32 pid;
	__s32 status;		/* wait status, of EXITED */
	__u32 restarts;		/* since the VM started */
	__u32 padding;
};

struct vgpu_broker_state {
	__u32 connected;	/* a front end is connected */
	__u32 driver_ok;	/* its rings run */
};

/* What vgpud's configuration says of the VM. */
struct vgpu_broker_attach {
	struct vgpu_ipc_setup setup;
	char cpus[64];		/* CPU list for the worker, "": all */
	__u32 cpu_threads;	/* of a CPU renderer, 0: its default */
	__u32 padding;
	char rejoin[VGPU_SOCKET_MAX];	/* where the next vgpud listens if this
					   one is gone, "": nowhere */
};

struct vgpu_broker_kill {
	char reason[128];
};

/* ---- capability sets, frozen when a VM starts ---- */

#define VGPU_CAPS_MAGIC		0x70616367	/* "gcap" */
#define VGPU_CAPS_MAX		8
#define VGPU_CAPSET_MAX_SIZE	4096

#define VGPU_CAPS_CPU_RENDERER	(1 << 0)	/* llvmpipe or the like */
#define VGPU_CAPS_DMABUF	(1 << 1)	/* can export scanouts */

struct vgpu_capset {
	__u32 id;
	__u32 max_version;
	__u32 size;
	__u32 padding;
	__u8 data[VGPU_CAPSET_MAX_SIZE];
};

/* Contents of the sealed caps memfd, made by `vgpu-worker --probe`. */
struct vgpu_caps {
	__u32 magic;
	__u32 count;
	__u32 flags;
	__u32 padding;
	char renderer[128];	/* GL_RENDERER, for people */
	struct vgpu_capset sets[VGPU_CAPS_MAX];
};

#endif
