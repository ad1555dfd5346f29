// SPDX-License-Identifier: MIT
/*
 * vtest_sync.c - copies between a client's memory and guest backing
 */
#include "tests/lib/vtest_sync.h"

#include <string.h>

#define VIRGL_TRANSFER3D	43
#define VIRGL_COPY_TRANSFER3D	45
#define TRANSFER_FROM_HOST	2
#define COPY_FROM_HOST		(1 << 1)
#define MAX_BLOCK		16	/* bytes of the widest texel */

static size_t clamp(const struct vtest_resource *res, size_t offset,
		    size_t size)
{
	if (!res->shm || offset >= res->size)
		return 0;
	return size < res->size - offset ? size : res->size - offset;
}

void vtest_sync_out(struct vtest_resource *res, size_t offset, size_t size)
{
	size = clamp(res, offset, size);
	if (size)
		memcpy(res->backing + offset, res->shm + offset, size);
}

void vtest_sync_in(struct vtest_resource *res, size_t offset, size_t size)
{
	size = clamp(res, offset, size);
	if (size)
		memcpy(res->shm + offset, res->backing + offset, size);
}

/* Words: resource level usage stride layer_stride x y z w h d offset */
static size_t most_bytes(const uint32_t *p)
{
	uint64_t row = p[3] ? p[3] : (uint64_t)p[8] * MAX_BLOCK;
	uint64_t layer = p[4] ? p[4] : row * p[9];
	uint64_t bytes = layer * p[10] + (uint64_t)p[8] * MAX_BLOCK;

	return bytes < SIZE_MAX / 2 ? bytes : SIZE_MAX / 2;
}

static void transfer(struct vtest_resource *res, size_t offset, size_t bytes,
		     bool from_host)
{
	if (!res || !clamp(res, offset, bytes))
		return;
	/* both ways: what lies between rows must come back as it was */
	vtest_sync_out(res, offset, bytes);
	if (!from_host)
		return;
	if (res->back_from == res->back_to) {
		res->back_from = offset;
		res->back_to = offset + bytes;
		return;
	}
	if (offset < res->back_from)
		res->back_from = offset;
	if (offset + bytes > res->back_to)
		res->back_to = offset + bytes;
}

void vtest_sync_submit(const uint32_t *buf, size_t dwords,
		       vtest_lookup_fn lookup, void *opaque)
{
	size_t i = 0;

	while (i < dwords) {
		uint32_t cmd = buf[i] & 0xff, len = buf[i] >> 16;
		const uint32_t *p = buf + i + 1;

		if (len > dwords - i - 1)
			return;
		if (cmd == VIRGL_TRANSFER3D && len >= 13)
			transfer(lookup(opaque, p[0]), p[11], most_bytes(p),
				 p[12] == TRANSFER_FROM_HOST);
		else if (cmd == VIRGL_COPY_TRANSFER3D && len >= 14)
			transfer(lookup(opaque, p[11]), p[12], most_bytes(p),
				 p[13] & COPY_FROM_HOST);
		i += 1 + len;
	}
}

void vtest_sync_idle(struct vtest_resource *res)
{
	if (res->host_writes)
		vtest_sync_in(res, 0, res->size);
	else if (res->back_from != res->back_to)
		vtest_sync_in(res, res->back_from,
			      res->back_to - res->back_from);
	res->back_from = res->back_to = 0;
}
