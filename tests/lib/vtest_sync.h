/* SPDX-License-Identifier: MIT */
/*
 * vtest_sync.h - keeps a vtest client's memory and a guest's backing the same
 *
 * In a guest they are one; here the client has a memfd of its own. So bytes are
 * copied to the backing before a command that makes the host read them, and
 * back when what makes it write them is done.
 */
#ifndef TESTS_LIB_VTEST_SYNC_H
#define TESTS_LIB_VTEST_SYNC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VTEST_BIND_CUSTOM	(1u << 17)	/* Mesa: query results */

struct vtest_resource {
	uint32_t id;
	uint8_t *shm;			/* mapped, NULL without data */
	uint8_t *backing;
	size_t size;
	uint64_t gpa;
	unsigned int transfers;		/* that use the backing still */
	bool host_writes;		/* without a transfer */
	size_t back_from, back_to;	/* to copy when idle */
};

void vtest_sync_out(struct vtest_resource *res, size_t offset, size_t size);
void vtest_sync_in(struct vtest_resource *res, size_t offset, size_t size);

typedef struct vtest_resource *(*vtest_lookup_fn)(void *opaque, uint32_t id);

/** vtest_sync_submit() - for transfers inside a command stream */
void vtest_sync_submit(const uint32_t *buf, size_t dwords,
		       vtest_lookup_fn lookup, void *opaque);
/** vtest_sync_idle() - the device is done with it */
void vtest_sync_idle(struct vtest_resource *res);

#endif
