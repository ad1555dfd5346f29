/* SPDX-License-Identifier: MIT */
/*
 * guest_mem.h - the guest's memory as this process maps it
 *
 * A table never changes; a new one replaces it and the old one lives as long
 * as somebody holds a reference, so that an iovec made from a table stays
 * valid while its maker keeps that table.
 */
#ifndef RING_GUEST_MEM_H
#define RING_GUEST_MEM_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct guest_mem;
struct vgpu_ipc_mem_region;

/**
 * guest_mem_new() - map all regions
 * @fds: one descriptor a region; consumed whether or not it succeeds
 *
 * Rejects empty, overlapping and wrapping regions, and offsets beyond the
 * file. Return: one reference, or NULL with errno set.
 */
struct guest_mem *guest_mem_new(const struct vgpu_ipc_mem_region *regions,
				int *fds, size_t n);
struct guest_mem *guest_mem_get(struct guest_mem *mem);
void guest_mem_put(struct guest_mem *mem);

/**
 * guest_mem_iov() - translate a guest-physical range
 *
 * A range may cross regions. Return: number of iovecs written, -EFAULT if any
 * byte is not guest memory, -ENOSPC if @max is too small. len 0 gives 0.
 */
int guest_mem_iov(struct guest_mem *mem, uint64_t gpa, uint64_t len,
		  struct iovec *iov, size_t max);

/** guest_mem_uaddr() - translate a front-end range inside one region, or NULL */
void *guest_mem_uaddr(struct guest_mem *mem, uint64_t uaddr, uint64_t len);

#endif
