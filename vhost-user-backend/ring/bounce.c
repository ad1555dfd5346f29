// SPDX-License-Identifier: MIT
/*
 * bounce.c - answers to chains that are out while their ring is stopped
 */
#include "ring/vring_private.h"

#include <stdlib.h>
#include "base/iov.h"

/* Longer than any answer of the device. */
#define BOUNCE_MAX	16384

void vring_bounce(struct elem *e)
{
	struct iovec *in = &e->e.iov[e->e.n_out];
	size_t size = e->e.in_len < BOUNCE_MAX ? e->e.in_len : BOUNCE_MAX;

	if (!e->e.n_in || e->n_in)
		return;
	e->first_in = *in;
	e->n_in = e->e.n_in;
	e->bounce = calloc(1, size);
	*in = (struct iovec){ e->bounce, e->bounce ? size : 0 };
	e->e.n_in = 1;
}

void vring_unbounce(struct elem *e, size_t len)
{
	struct iovec *in = &e->e.iov[e->e.n_out];
	size_t size;

	if (!e->n_in)
		return;
	size = in->iov_len;
	*in = e->first_in;
	e->e.n_in = e->n_in;
	e->n_in = 0;
	iov_from_buf(in, e->e.n_in, 0, e->bounce, len < size ? len : size);
	free(e->bounce);
	e->bounce = NULL;
}
