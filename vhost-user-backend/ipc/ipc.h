/* SPDX-License-Identifier: MIT */
/*
 * ipc.h - the messages of protocol/vgpu_ipc.h over SOCK_SEQPACKET sockets
 *
 * One table says of each type who sends it, how large it is and how many
 * descriptors come with it; nothing passes ipc_recv() that does not agree, so
 * that a receiver can use the payload, bounded indices and descriptors as they
 * are. ipc_send() obeys the same table.
 */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <stddef.h>
#include <stdint.h>
#include "protocol/vgpu_ipc.h"

#define IPC_NUM_VRINGS	2	/* control, cursor */

/* Who sends, on which link: what ipc_recv() is told to expect. */
enum ipc_sender {
	IPC_FROM_ENDPOINT,		/* to its worker */
	IPC_FROM_WORKER,		/* to its endpoint */
	IPC_FROM_ENDPOINT_TO_BROKER,	/* to vgpud */
	IPC_FROM_BROKER,		/* vgpud to an endpoint */
};

/**
 * struct ipc_msg - one received message, private copy
 *
 * Large: keep it in the owner's struct or on the heap. Which member is valid
 * follows from type. Guaranteed: strings end, vring indices < IPC_NUM_VRINGS,
 * ring sizes are powers of two up to 32768, scanout ids <
 * VIRTIO_GPU_MAX_SCANOUTS, nregions and EDID size fit their arrays, nfds is
 * what type and contents call for. Everything else is the sender's claim.
 */
struct ipc_msg {
	uint32_t type;
	uint32_t size;			/* of the payload */
	union {
		uint8_t data[VGPU_IPC_MAX_SIZE];
		struct vgpu_ipc_setup setup;
		struct vgpu_ipc_features features;
		struct vgpu_ipc_mem_table mem_table;
		struct vgpu_ipc_vring vring;
		struct vgpu_ipc_vring_index vring_index;
		struct vgpu_ipc_vring_stopped vring_stopped;
		struct vgpu_ipc_cookie cookie;
		struct vgpu_ipc_get_edid get_edid;
		struct vgpu_ipc_display_info display_info;
		struct vgpu_ipc_edid edid;
		struct vgpu_ipc_scanout_id scanout_id;
		struct vgpu_ipc_scanout scanout;
		struct vgpu_ipc_cursor_move cursor_move;
		struct vhost_user_gpu_update update;
		struct vhost_user_gpu_dmabuf_scanout2 dmabuf_scanout;
		struct vhost_user_gpu_cursor_update cursor_update;
		struct vgpu_broker_hello hello;
		struct vgpu_broker_worker worker;
		struct vgpu_broker_state state;
		struct vgpu_broker_attach attach;
		struct vgpu_broker_kill kill;
	};
	size_t nfds;
	/* close-on-exec, the receiver's: take one by setting it to -1, then
	   ipc_msg_close() */
	int fds[VGPU_IPC_MAX_FDS];
};

/** ipc_pair() - connected non-blocking sockets, close-on-exec; 0 or -errno */
int ipc_pair(int socks[2]);

/**
 * ipc_send() - send one message
 *
 * Never blocks. The descriptors stay the caller's. Return: 0; -EAGAIN when the
 * peer does not read (use struct ipc_queue to wait); -EINVAL when the message
 * is not what the table says; -EPIPE or other -errno when the peer is gone.
 */
int ipc_send(int sock, uint32_t type, const void *payload, size_t size,
	     const int *fds, size_t nfds);

/**
 * ipc_recv() - receive one message
 * @from: who sends on this link; other types are refused
 *
 * Never blocks. Return: 1 with *msg filled; 0 when the peer is gone; -EAGAIN;
 * -EPROTO for a message that is not what the table says (nothing is left open;
 * log it and drop the peer); other -errno.
 */
int ipc_recv(int sock, enum ipc_sender from, struct ipc_msg *msg);

/** ipc_msg_close() - close the descriptors that were not taken */
void ipc_msg_close(struct ipc_msg *msg);

/** ipc_type_name() - for logs; never NULL */
const char *ipc_type_name(uint32_t type);

#endif
