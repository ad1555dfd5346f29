// SPDX-License-Identifier: MIT
/*
 * chain.c - from a descriptor chain to checked iovecs
 *
 * The guest may change a descriptor at any time, so each is copied once and
 * only the copy is looked at; an indirect table is copied whole.
 */
#include "ring/chain.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/uio.h>
#include "base/iov.h"
#include "ring/guest_mem.h"
#include "ring/vring.h"

/* A descriptor gives one iovec for each region that it touches. */
#define IOV_LIMIT	(VRING_MAX_DESCS + 256)
#define TABLE_IOVS	16

/* Where a walk is. */
struct walk {
	const struct chain_desc *desc;
	unsigned int num;	/* descriptors in this table */
	unsigned int left;	/* how many more may follow before it loops */
	bool indirect;		/* in the copy of an indirect table */
};

static struct chain_desc read_desc(const struct chain_desc *from)
{
	const uint64_t *words = (const void *)from;
	union {
		uint64_t words[2];
		struct chain_desc desc;
	} copy;

	copy.words[0] = __atomic_load_n(&words[0], __ATOMIC_RELAXED);
	copy.words[1] = __atomic_load_n(&words[1], __ATOMIC_RELAXED);
	return copy.desc;
}

static int enter_indirect(const struct chain_table *table,
			  struct guest_mem *mem, const struct chain_desc *desc,
			  struct walk *walk, const char **why)
{
	struct iovec iov[TABLE_IOVS];
	int n;

	if (!table->indirect) {
		*why = "indirect descriptor was not negotiated";
		return -EPROTO;
	}
	if (walk->indirect) {
		*why = "indirect descriptor inside an indirect table";
		return -EPROTO;
	}
	if (desc->flags & CHAIN_F_NEXT) {
		*why = "indirect descriptor that goes on";
		return -EPROTO;
	}
	if (!desc->len || desc->len % sizeof(*desc) ||
	    desc->len / sizeof(*desc) > VRING_MAX_DESCS) {
		*why = "bad length of an indirect table";
		return -EPROTO;
	}
	n = guest_mem_iov(mem, desc->addr, desc->len, iov, TABLE_IOVS);
	if (n < 0) {
		*why = "indirect table outside guest memory";
		return n;
	}
	iov_to_buf(iov, (size_t)n, 0, table->copy, desc->len);
	walk->desc = table->copy;
	walk->num = walk->left = desc->len / sizeof(*desc);
	walk->indirect = true;
	return 0;
}

static int grow(struct vring_elem *elem)
{
	unsigned int max = elem->iov_max * 2;
	struct iovec *iov;

	if (elem->iov_max >= IOV_LIMIT)
		return -ENOSPC;
	if (max > IOV_LIMIT)
		max = IOV_LIMIT;
	iov = realloc(elem->iov, max * sizeof(*iov));
	if (!iov)
		return -ENOMEM;
	elem->iov = iov;
	elem->iov_max = max;
	return 0;
}

/* Append a buffer; neighbours in our memory become one iovec. */
static int add_buffer(struct vring_elem *elem, struct guest_mem *mem,
		      const struct chain_desc *desc)
{
	bool write = desc->flags & CHAIN_F_WRITE;
	unsigned int n = elem->n_out + elem->n_in;
	unsigned int *count = write ? &elem->n_in : &elem->n_out;
	int got;

	while ((got = guest_mem_iov(mem, desc->addr, desc->len, &elem->iov[n],
				    elem->iov_max - n)) == -ENOSPC) {
		int ret = grow(elem);

		if (ret)
			return ret;
	}
	if (got < 0)
		return got;
	if (*count && (char *)elem->iov[n - 1].iov_base +
	    elem->iov[n - 1].iov_len == (char *)elem->iov[n].iov_base) {
		elem->iov[n - 1].iov_len += elem->iov[n].iov_len;
		for (int i = 1; i < got; i++)
			elem->iov[n + i - 1] = elem->iov[n + i];
		got--;
	}
	*count += (unsigned int)got;
	if (write)
		elem->in_len += desc->len;
	else
		elem->out_len += desc->len;
	return 0;
}

static int check_buffer(const struct vring_elem *elem,
			const struct chain_desc *desc, const char **why)
{
	if (!desc->len) {
		*why = "buffer of zero length";
		return -EPROTO;
	}
	if (!(desc->flags & CHAIN_F_WRITE) && elem->n_in) {
		*why = "readable buffer after a writable one";
		return -EPROTO;
	}
	/* 2.7.5: a chain is no longer than 2^32 bytes. */
	if (elem->out_len + elem->in_len + desc->len > UINT32_MAX) {
		*why = "chain of more than 4 GiB";
		return -EPROTO;
	}
	return 0;
}

int chain_read(const struct chain_table *table, struct guest_mem *mem,
	       uint16_t head, struct vring_elem *elem, const char **why)
{
	struct walk walk = {
		.desc = table->desc,
		.num = table->num,
		.left = table->num < VRING_MAX_DESCS ? table->num
						     : VRING_MAX_DESCS,
	};
	unsigned int at = head;
	int ret;

	elem->n_out = elem->n_in = 0;
	elem->out_len = elem->in_len = 0;
	for (;;) {
		struct chain_desc desc;

		if (at >= walk.num) {
			*why = "descriptor index out of range";
			return -EPROTO;
		}
		if (!walk.left--) {
			*why = "descriptor chain is a loop";
			return -EPROTO;
		}
		desc = read_desc(&walk.desc[at]);
		if (desc.flags & CHAIN_F_INDIRECT) {
			ret = enter_indirect(table, mem, &desc, &walk, why);
			if (ret)
				return ret;
			at = 0;
			continue;
		}
		ret = check_buffer(elem, &desc, why);
		if (ret)
			return ret;
		ret = add_buffer(elem, mem, &desc);
		if (ret) {
			*why = "buffer outside guest memory";
			return ret;
		}
		if (!(desc.flags & CHAIN_F_NEXT))
			return 0;
		at = desc.next;
	}
}
