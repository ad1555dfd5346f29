/* SPDX-License-Identifier: MIT */
/*
 * shm.h - memory shared between processes by memfd
 */
#ifndef BASE_SHM_H
#define BASE_SHM_H

#include <stdbool.h>
#include <stddef.h>

/** shm_create() - memfd of @size zero bytes, sealed against resizing; -errno */
int shm_create(const char *name, size_t size);

/**
 * shm_map() - map a descriptor that came from another process
 *
 * Fails unless it is a memfd sealed against shrinking and of at least @size
 * bytes, so that an access can not fault later. Return: NULL with errno set.
 */
void *shm_map(int fd, size_t size, bool writable);
void shm_unmap(void *addr, size_t size);

/** shm_seal_readonly() - no new writable mappings; existing ones stay */
int shm_seal_readonly(int fd);

#endif
