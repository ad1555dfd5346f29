// SPDX-License-Identifier: MIT
/*
 * shm.c - memory shared between processes by memfd
 */
#include "base/shm.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE	0x0010
#endif

int shm_create(const char *name, size_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int ret;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)size) ||
	    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW)) {
		ret = -errno;
		close(fd);
		return ret;
	}
	return fd;
}

void *shm_map(int fd, size_t size, bool writable)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *addr;

	if (seals < 0 || fstat(fd, &st))
		return NULL;
	if (!(seals & F_SEAL_SHRINK) || st.st_size < 0 ||
	    (size_t)st.st_size < size || !size) {
		errno = EINVAL;
		return NULL;
	}
	addr = mmap(NULL, size, PROT_READ | (writable ? PROT_WRITE : 0),
		    MAP_SHARED, fd, 0);
	return addr == MAP_FAILED ? NULL : addr;
}

void shm_unmap(void *addr, size_t size)
{
	if (addr)
		munmap(addr, size);
}

int shm_seal_readonly(int fd)
{
	return fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) ? -errno : 0;
}
