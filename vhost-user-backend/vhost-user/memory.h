/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the guest's memory table as the front end gave it: descriptors
 * and ranges, nothing is mapped here
 */
#ifndef VHOST_USER_MEMORY_H
#define VHOST_USER_MEMORY_H

#include <stddef.h>
#include "protocol/vhost_user.h"

#define MEMORY_MAX_REGIONS	64	/* slots; SET_MEM_TABLE fills up to 8 */

/** struct memory - zero-initialise */
struct memory {
	size_t n;
	struct vhost_user_mem_region regions[MEMORY_MAX_REGIONS];
	int fds[MEMORY_MAX_REGIONS];
};

/** memory_fini() - forget all regions, close their descriptors */
void memory_fini(struct memory *mem);

/**
 * memory_set() - replace the whole table
 *
 * Takes the descriptors (sets them to -1) on success only, and leaves the old
 * table alone on failure. Return: 0; -EINVAL: empty, wrapping, overlapping or
 * beyond its file.
 */
int memory_set(struct memory *mem, const struct vhost_user_mem_region *regions,
	       int *fds, size_t n);

/** memory_add() - one more; takes *fd on success; -ENOSPC, -EINVAL */
int memory_add(struct memory *mem, const struct vhost_user_mem_region *region,
	       int *fd);

/** memory_del() - the region with this address, uaddr and size; -ENOENT */
int memory_del(struct memory *mem, const struct vhost_user_mem_region *region);

#endif
