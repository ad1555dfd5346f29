// SPDX-License-Identifier: MIT
/*
 * guest_mem.c - the guest's memory as this process maps it
 */
#include "ring/guest_mem.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/fdpass.h"
#include "protocol/vgpu_ipc.h"

struct region {
	uint64_t gpa, size, uaddr;
	uint8_t *hva;		/* of gpa */
	void *map;		/* hva, and what alignment put before it */
	size_t map_size;
};

struct guest_mem {
	unsigned int refs;
	unsigned int last;	/* region of the last lookup */
	size_t n;
	struct region regions[];	/* by gpa */
};

static bool wraps(uint64_t start, uint64_t size)
{
	return start + size < start;
}

static int map_region(struct region *r, const struct vgpu_ipc_mem_region *from,
		      int fd)
{
	uint64_t align = (uint64_t)sysconf(_SC_PAGESIZE), before;
	struct stat st;

	if (!from->size || wraps(from->gpa, from->size) ||
	    wraps(from->uaddr, from->size) ||
	    wraps(from->mmap_offset, from->size))
		return -EINVAL;
	if (fstat(fd, &st))
		return -errno;
	if (st.st_size < 0 ||
	    from->mmap_offset + from->size > (uint64_t)st.st_size)
		return -EINVAL;
	/* Huge pages can only be mapped whole. */
	if (st.st_blksize > (long)align &&
	    !(st.st_blksize & (st.st_blksize - 1)))
		align = (uint64_t)st.st_blksize;
	before = from->mmap_offset & (align - 1);
	r->map_size = (before + from->size + align - 1) & ~(align - 1);
	r->map = mmap(NULL, r->map_size, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_NORESERVE, fd,
		      (off_t)(from->mmap_offset - before));
	if (r->map == MAP_FAILED) {
		r->map = NULL;
		return -errno;
	}
	madvise(r->map, r->map_size, MADV_DONTDUMP);
	r->hva = (uint8_t *)r->map + before;
	r->gpa = from->gpa;
	r->size = from->size;
	r->uaddr = from->uaddr;
	return 0;
}

static int by_gpa(const void *a, const void *b)
{
	const struct region *ra = a, *rb = b;

	return ra->gpa < rb->gpa ? -1 : ra->gpa > rb->gpa;
}

static bool overlap(const struct guest_mem *mem)
{
	for (size_t i = 1; i < mem->n; i++)
		if (mem->regions[i].gpa - mem->regions[i - 1].gpa <
		    mem->regions[i - 1].size)
			return true;
	return false;
}

struct guest_mem *guest_mem_new(const struct vgpu_ipc_mem_region *regions,
				int *fds, size_t n)
{
	struct guest_mem *mem = NULL;
	int ret = -EINVAL;

	if (n > VGPU_IPC_MAX_FDS)
		goto out;
	mem = calloc(1, sizeof(*mem) + n * sizeof(mem->regions[0]));
	if (!mem) {
		ret = -ENOMEM;
		goto out;
	}
	mem->refs = 1;
	mem->n = n;
	for (size_t i = 0; i < n; i++) {
		ret = map_region(&mem->regions[i], &regions[i], fds[i]);
		if (ret)
			goto out;
	}
	qsort(mem->regions, n, sizeof(mem->regions[0]), by_gpa);
	ret = overlap(mem) ? -EINVAL : 0;
out:
	fdpass_close(fds, n);
	if (ret) {
		guest_mem_put(mem);
		errno = -ret;
		return NULL;
	}
	return mem;
}

struct guest_mem *guest_mem_get(struct guest_mem *mem)
{
	mem->refs++;
	return mem;
}

void guest_mem_put(struct guest_mem *mem)
{
	if (!mem || --mem->refs)
		return;
	for (size_t i = 0; i < mem->n; i++)
		if (mem->regions[i].map)
			munmap(mem->regions[i].map, mem->regions[i].map_size);
	free(mem);
}

static const struct region *find_region(struct guest_mem *mem, uint64_t gpa)
{
	size_t i = mem->last;

	if (i < mem->n && gpa - mem->regions[i].gpa < mem->regions[i].size)
		return &mem->regions[i];
	for (i = 0; i < mem->n; i++) {
		if (gpa - mem->regions[i].gpa < mem->regions[i].size) {
			mem->last = (unsigned int)i;
			return &mem->regions[i];
		}
	}
	return NULL;
}

int guest_mem_iov(struct guest_mem *mem, uint64_t gpa, uint64_t len,
		  struct iovec *iov, size_t max)
{
	size_t n = 0;

	while (len) {
		const struct region *r = find_region(mem, gpa);
		uint64_t offset, part;

		if (!r)
			return -EFAULT;
		if (n == max)
			return -ENOSPC;
		offset = gpa - r->gpa;
		part = r->size - offset < len ? r->size - offset : len;
		iov[n].iov_base = r->hva + offset;
		iov[n++].iov_len = part;
		gpa += part;
		len -= part;
	}
	return (int)n;
}

void *guest_mem_uaddr(struct guest_mem *mem, uint64_t uaddr, uint64_t len)
{
	for (size_t i = 0; i < mem->n; i++) {
		const struct region *r = &mem->regions[i];

		if (uaddr - r->uaddr < r->size &&
		    len <= r->size - (uaddr - r->uaddr))
			return r->hva + (uaddr - r->uaddr);
	}
	return NULL;
}
