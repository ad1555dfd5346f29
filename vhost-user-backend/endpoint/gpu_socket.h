/* SPDX-License-Identifier: MIT */
/*
 * gpu_socket.h - the display socket that GPU_SET_SOCKET handed over
 *
 * One message at a time is staged in a private buffer and goes out in as many
 * pieces as the front end's reading allows: once begun it is always finished,
 * for QEMU's main loop stands still inside of it. Nothing here blocks.
 */
#ifndef ENDPOINT_GPU_SOCKET_H
#define ENDPOINT_GPU_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_loop;
struct gpu_socket;

#define GPU_SOCKET_MAX	(256u << 10)	/* payload of a message */

struct gpu_socket_ops {
	/* idle again after gpu_socket_want(): stage the next message */
	void (*ready)(void *opaque);
	/* a reply, of the size that belongs to its request */
	void (*reply)(void *opaque, uint32_t request, const void *data,
		      size_t size);
	/* it was closed (NULL), or why it is of no use; may free the socket */
	void (*closed)(void *opaque, const char *why);
};

/** gpu_socket_new() - @sock is taken over */
struct gpu_socket *gpu_socket_new(struct event_loop *loop, int sock,
				  const struct gpu_socket_ops *ops,
				  void *opaque);
void gpu_socket_free(struct gpu_socket *gs);

/** gpu_socket_idle() - nothing is going out: a message can be staged */
bool gpu_socket_idle(const struct gpu_socket *gs);

/** gpu_socket_stage() - room for the payload of the next message */
void *gpu_socket_stage(struct gpu_socket *gs, uint32_t request, size_t size);

/**
 * gpu_socket_send() - let the staged message go
 * @fd: goes along; stays the caller's; -1: none
 *
 * An error is found, and told by closed(), by the loop.
 */
void gpu_socket_send(struct gpu_socket *gs, int fd);

/** gpu_socket_want() - call ready() when idle, from the loop */
void gpu_socket_want(struct gpu_socket *gs, bool want);

#endif
