/* SPDX-License-Identifier: MIT */
/*
 * iov.h - copying from and to scattered memory, by offset
 */
#ifndef BASE_IOV_H
#define BASE_IOV_H

#include <stddef.h>
#include <sys/uio.h>

/** iov_size() - sum of lengths; the iovecs were checked, it can not overflow */
size_t iov_size(const struct iovec *iov, size_t n);

/* Return how many bytes were copied: less than len at the end of the iovecs. */
size_t iov_to_buf(const struct iovec *iov, size_t n, size_t offset, void *buf,
		  size_t len);
size_t iov_from_buf(const struct iovec *iov, size_t n, size_t offset,
		    const void *buf, size_t len);

#endif
