// SPDX-License-Identifier: MIT
/*
 * iov.c - copying from and to scattered memory
 */
#include "base/iov.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

size_t iov_size(const struct iovec *iov, size_t n)
{
	size_t i, sum = 0;

	for (i = 0; i < n; i++)
		sum += iov[i].iov_len;
	return sum;
}

static size_t copy(const struct iovec *iov, size_t n, size_t offset,
		   uint8_t *buf, size_t len, bool to_buf)
{
	size_t i, part, done = 0;

	for (i = 0; i < n && done < len; i++) {
		uint8_t *base = iov[i].iov_base;

		if (offset >= iov[i].iov_len) {
			offset -= iov[i].iov_len;
			continue;
		}
		part = iov[i].iov_len - offset;
		if (part > len - done)
			part = len - done;
		if (to_buf)
			memcpy(buf + done, base + offset, part);
		else
			memcpy(base + offset, buf + done, part);
		done += part;
		offset = 0;
	}
	return done;
}

size_t iov_to_buf(const struct iovec *iov, size_t n, size_t offset, void *buf,
		  size_t len)
{
	return copy(iov, n, offset, buf, len, true);
}

size_t iov_from_buf(const struct iovec *iov, size_t n, size_t offset,
		    const void *buf, size_t len)
{
	return copy(iov, n, offset, (uint8_t *)buf, len, false);
}
