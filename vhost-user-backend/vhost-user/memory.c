// SPDX-License-Identifier: MIT
/*
 * memory.c - the guest's memory table as the front end gave it
 */
#include "vhost-user/memory.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdpass.h"

static bool wraps(uint64_t start, uint64_t size)
{
	return start + size < start;
}

static bool overlap(uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size)
{
	return a < b + b_size && b < a + a_size;
}

/* Only a regular file (memfd, hugetlbfs) has a size to compare with. */
static bool beyond_file(const struct vhost_user_mem_region *r, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return true;
	if (!S_ISREG(st.st_mode))
		return false;
	return r->mmap_offset + r->size > (uint64_t)st.st_size;
}

static int check(const struct memory *mem,
		 const struct vhost_user_mem_region *r, int fd)
{
	size_t i;

	if (!r->size || wraps(r->gpa, r->size) || wraps(r->uaddr, r->size) ||
	    wraps(r->mmap_offset, r->size) ||
	    r->mmap_offset + r->size > INT64_MAX || beyond_file(r, fd))
		return -EINVAL;
	for (i = 0; i < mem->n; i++) {
		const struct vhost_user_mem_region *o = &mem->regions[i];

		if (overlap(r->gpa, r->size, o->gpa, o->size) ||
		    overlap(r->uaddr, r->size, o->uaddr, o->size))
			return -EINVAL;
	}
	return 0;
}

void memory_fini(struct memory *mem)
{
	fdpass_close(mem->fds, mem->n);
	mem->n = 0;
}

int memory_add(struct memory *mem, const struct vhost_user_mem_region *region,
	       int *fd)
{
	int ret;

	if (mem->n == MEMORY_MAX_REGIONS)
		return -ENOSPC;
	ret = check(mem, region, *fd);
	if (ret)
		return ret;
	mem->regions[mem->n] = *region;
	mem->fds[mem->n] = *fd;
	mem->n++;
	*fd = -1;
	return 0;
}

int memory_set(struct memory *mem, const struct vhost_user_mem_region *regions,
	       int *fds, size_t n)
{
	struct memory new = { .n = 0 };
	size_t i;

	for (i = 0; i < n; i++) {
		int fd = fds[i];
		int ret = memory_add(&new, &regions[i], &fd);

		if (ret)
			return ret;	/* fds are still the caller's */
	}
	memory_fini(mem);
	*mem = new;
	for (i = 0; i < n; i++)
		fds[i] = -1;
	return 0;
}

int memory_del(struct memory *mem, const struct vhost_user_mem_region *region)
{
	size_t i;

	for (i = 0; i < mem->n; i++) {
		const struct vhost_user_mem_region *r = &mem->regions[i];

		if (r->gpa == region->gpa && r->uaddr == region->uaddr &&
		    r->size == region->size)
			break;
	}
	if (i == mem->n)
		return -ENOENT;
	fdpass_close(&mem->fds[i], 1);
	mem->n--;
	memmove(&mem->regions[i], &mem->regions[i + 1],
		(mem->n - i) * sizeof(*mem->regions));
	memmove(&mem->fds[i], &mem->fds[i + 1],
		(mem->n - i) * sizeof(*mem->fds));
	return 0;
}
