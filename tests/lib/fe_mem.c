// SPDX-License-Identifier: MIT
/*
 * fe_mem.c - guest memory in a memfd: two regions with a hole, a page allocator
 */
#include "tests/lib/fe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int fe_ram_init(struct fe_ram *ram, size_t size)
{
	ram->size = (size + FE_PAGE - 1) & ~(size_t)(FE_PAGE - 1);
	ram->npages = ram->size / FE_PAGE;
	ram->fd = memfd_create("guest-ram", MFD_CLOEXEC);
	if (ram->fd < 0)
		return -errno;
	if (ftruncate(ram->fd, (off_t)ram->size))
		return -errno;
	ram->base = mmap(NULL, ram->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			 ram->fd, 0);
	if (ram->base == MAP_FAILED) {
		ram->base = NULL;
		return -errno;
	}
	ram->used = calloc(ram->npages, 1);
	ram->used[0] = 1;	/* so that no address is 0 */
	ram->next = FE_HIGH_START / FE_PAGE;
	return 0;
}

void fe_ram_free(struct fe_ram *ram)
{
	if (ram->base)
		munmap(ram->base, ram->size);
	if (ram->fd >= 0)
		close(ram->fd);
	free(ram->used);
	memset(ram, 0, sizeof(*ram));
	ram->fd = -1;
}

/* First fit of @n pages in [from, to), or 0. */
static size_t find(const struct fe_ram *ram, size_t from, size_t to, size_t n)
{
	size_t i, run = 0;

	for (i = from; i < to; i++) {
		run = ram->used[i] ? 0 : run + 1;
		if (run == n)
			return i + 1 - n;
	}
	return 0;
}

static uint64_t take(struct fe_ram *ram, size_t page, size_t n)
{
	memset(ram->used + page, 1, n);
	memset(ram->base + page * FE_PAGE, 0, n * FE_PAGE);
	return (uint64_t)page * FE_PAGE;
}

uint64_t fe_alloc(struct fe *fe, size_t size)
{
	struct fe_ram *ram = &fe->ram;
	size_t n = (size + FE_PAGE - 1) / FE_PAGE, page;

	if (!n)
		n = 1;
	page = find(ram, ram->next, ram->npages, n);
	if (!page)
		page = find(ram, FE_HIGH_START / FE_PAGE, ram->npages, n);
	if (!page) {
		fprintf(stderr, "fe: guest memory is full (%zu bytes)\n", size);
		abort();
	}
	ram->next = page + n;
	return take(ram, page, n);
}

uint64_t fe_alloc_low(struct fe *fe, size_t size)
{
	size_t n = (size + FE_PAGE - 1) / FE_PAGE;
	size_t page = find(&fe->ram, 1, FE_LOW_END / FE_PAGE, n);

	if (!page) {
		fprintf(stderr, "fe: low guest memory is full\n");
		abort();
	}
	return take(&fe->ram, page, n);
}

void fe_release(struct fe *fe, uint64_t gpa, size_t size)
{
	size_t n = (size + FE_PAGE - 1) / FE_PAGE;

	memset(fe->ram.used + gpa / FE_PAGE, 0, n ? n : 1);
}

void *fe_at(struct fe *fe, uint64_t gpa)
{
	return fe->ram.base + gpa;
}

uint64_t fe_uaddr(struct fe *fe, uint64_t gpa)
{
	return (uint64_t)(uintptr_t)fe->ram.base + gpa;
}
