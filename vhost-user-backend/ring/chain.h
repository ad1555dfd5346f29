/* SPDX-License-Identifier: MIT */
/*
 * chain.h - from a descriptor chain to checked iovecs; the only reader of
 * descriptors
 */
#ifndef RING_CHAIN_H
#define RING_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

struct guest_mem;
struct vring_elem;

#define CHAIN_F_NEXT		1
#define CHAIN_F_WRITE		2
#define CHAIN_F_INDIRECT	4

/** struct chain_desc - a descriptor (VIRTIO 1.2, section 2.7.5) */
struct chain_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};

/** struct chain_table - the descriptor table of a ring, in guest memory */
struct chain_table {
	const struct chain_desc *desc;
	unsigned int num;
	bool indirect;			/* negotiated */
	struct chain_desc *copy;	/* VRING_MAX_DESCS, of an indirect one */
};

/**
 * chain_read() - fill the iovecs and lengths of @elem from the chain at @head
 *
 * Return: 0, or -errno and *why for people.
 */
int chain_read(const struct chain_table *table, struct guest_mem *mem,
	       uint16_t head, struct vring_elem *elem, const char **why);

#endif
