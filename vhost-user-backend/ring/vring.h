/* SPDX-License-Identifier: MIT */
/*
 * vring.h - device side of a split virtqueue (VIRTIO 1.2, section 2.7), with
 * indirect descriptors and the event index
 *
 * Everything in guest memory is read once and checked. Positions go into the
 * ledger's ring before they are visible to the guest, so that a successor
 * knows what was popped and not answered.
 */
#ifndef RING_VRING_H
#define RING_VRING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct guest_mem;
struct vgpu_ledger_ring;
struct vring;

#define VRING_MAX_DESCS		4096	/* a chain, indirect or not */

/**
 * struct vring_elem - one popped descriptor chain
 *
 * Made by vring_pop(), returned by vring_push() exactly once. The iovecs hold a
 * reference to the guest memory table.
 */
struct vring_elem {
	struct vring *vring;
	struct vring_elem *next;	/* for the owner's lists */
	struct guest_mem *mem;
	uint64_t seq;			/* order of pop */
	uint16_t head;
	bool replayed;			/* popped by a predecessor: what it
					   asks may have been done already */
	unsigned int n_out, n_in;
	size_t out_len, in_len;		/* bytes readable, writable */
	struct iovec *iov;		/* n_out, then n_in */
	unsigned int iov_max;
};

struct vring_config {
	unsigned int index;
	unsigned int num;
	uint64_t features;		/* acknowledged: event index, indirect */
	uint64_t desc_uaddr, avail_uaddr, used_uaddr;
	uint16_t base;			/* ignored with resume */
	bool resume;			/* go on where ledger says */
	int kick_fd, call_fd;		/* owned from vring_start() on; -1: none */
};

/** vring_new() - a queue without a ring. @ledger may be NULL (tests). */
struct vring *vring_new(unsigned int index, struct vgpu_ledger_ring *ledger);

/** vring_free() - with the elements that are out; they must not be used again */
void vring_free(struct vring *vr);

/**
 * vring_start() - begin, or go on after vring_stop()
 *
 * A base equal to where vring_stop() left off keeps the elements in flight
 * valid; any other base means that the driver started anew, and elements still
 * out are dropped when they are pushed.
 * Return: 0 it goes on, 1 it began anew; -EINVAL, -EFAULT for a bad ring.
 */
int vring_start(struct vring *vr, const struct vring_config *config,
		struct guest_mem *mem);

/**
 * vring_stop() - no access to guest memory after this. Return: next index.
 *
 * Writable iovecs of elements that are out point into private memory until the
 * next start: take them from the element each time.
 */
uint16_t vring_stop(struct vring *vr);
bool vring_running(const struct vring *vr);

/** vring_set_mem() - new memory table; the ring is looked up again; -errno */
int vring_set_mem(struct vring *vr, struct guest_mem *mem);

/**
 * vring_set_call() - another call eventfd (owned; -1: none)
 *
 * It is written at once: a call may have gone to the old one after the driver
 * stopped to listen there. Drivers stand a call for nothing.
 */
void vring_set_call(struct vring *vr, int call_fd);
int vring_kick_fd(const struct vring *vr);

/**
 * vring_pop() - take the next chain
 *
 * Chains that a predecessor took and did not answer come first, in its order,
 * with replayed set. Return: 1 with *elem; 0 when empty; -errno when the ring
 * is broken (it stays so until it is started again).
 */
int vring_pop(struct vring *vr, struct vring_elem **elem);

/**
 * vring_push() - answer a chain
 * @len: bytes written into it
 *
 * While the ring is stopped the answer is kept and given after the next start.
 * Tell the driver with vring_notify() after a batch.
 */
void vring_push(struct vring *vr, struct vring_elem *elem, uint32_t len);

/** vring_notify() - write the call eventfd if the driver wants it; cheap if not */
void vring_notify(struct vring *vr);

/**
 * vring_enable_kick() - ask for (or not) a kick for the next chain
 *
 * Return: true if chains came meanwhile and the caller should pop again.
 */
bool vring_enable_kick(struct vring *vr, bool enable);

#endif
