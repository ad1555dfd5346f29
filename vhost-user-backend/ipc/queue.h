/* SPDX-License-Identifier: MIT */
/*
 * queue.h - messages that wait until the peer reads, in order
 *
 * A peer may be busy for longer than its socket buffer lasts. What does not
 * fit is kept, with copies of its descriptors, up to a bound.
 */
#ifndef IPC_QUEUE_H
#define IPC_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct event_loop;
struct ipc_queue;

#define IPC_QUEUE_MAX	256	/* messages */

/** ipc_queue_new() - @sock stays the caller's and must outlive the queue */
struct ipc_queue *ipc_queue_new(struct event_loop *loop, int sock);

/** ipc_queue_free() - what still waits is dropped; NULL is allowed */
void ipc_queue_free(struct ipc_queue *queue);

/**
 * ipc_queue_send() - ipc_send(), now or when the peer reads again
 *
 * Return: 0; -ENOBUFS when IPC_QUEUE_MAX messages wait already; -EINVAL for a
 * message that the table refuses; other -errno when the peer is gone (its end
 * of file is reported by ipc_recv()).
 */
int ipc_queue_send(struct ipc_queue *queue, uint32_t type, const void *payload,
		   size_t size, const int *fds, size_t nfds);

/** ipc_queue_pending() - messages that wait */
size_t ipc_queue_pending(const struct ipc_queue *queue);

#endif
