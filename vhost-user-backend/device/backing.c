// SPDX-License-Identifier: MIT
/*
 * backing.c - guest pages of a resource: kept as the guest named them, looked
 * up again whenever the memory table changes
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "device/resource.h"
#include "device/state.h"
#include "ring/guest_mem.h"

/* A growing array of iovecs; neighbours in our memory become one. */
struct gather {
	struct iovec *iov;
	size_t n, room;
	uint64_t size;
};

static int gather_room(struct gather *g)
{
	size_t room = g->room ? g->room * 2 : 16;
	struct iovec *iov = realloc(g->iov, room * sizeof(*iov));

	if (!iov)
		return -ENOMEM;
	g->iov = iov;
	g->room = room;
	return 0;
}

static void gather_merge(struct gather *g, size_t got)
{
	for (size_t end = g->n + got; got; got--) {
		struct iovec *last = g->n ? &g->iov[g->n - 1] : NULL;
		struct iovec *next = &g->iov[end - got];

		g->size += next->iov_len;
		if (last && (char *)last->iov_base + last->iov_len ==
		    (char *)next->iov_base)
			last->iov_len += next->iov_len;
		else
			g->iov[g->n++] = *next;
	}
}

static int gather_entry(struct gather *g, struct guest_mem *mem,
			const struct virtio_gpu_mem_entry *entry)
{
	int got, ret;

	while ((got = guest_mem_iov(mem, entry->addr, entry->length,
				    g->iov + g->n, g->room - g->n)) == -ENOSPC) {
		ret = gather_room(g);
		if (ret)
			return ret;
	}
	if (got < 0)
		return got;
	gather_merge(g, (size_t)got);
	return 0;
}

static int gather(struct device *dev, const struct backing *b,
		  struct gather *g)
{
	int ret = dev->mem ? gather_room(g) : -EFAULT;

	for (size_t i = 0; i < b->nr_entries && !ret; i++)
		ret = gather_entry(g, dev->mem, &b->entries[i]);
	return ret;
}

static void renderer_detach(struct device *dev, struct resource *res)
{
	if (res->iov_attached)
		dev->renderer->ops->detach_iov(dev->renderer, res->args.id);
	res->iov_attached = false;
}

static int renderer_attach(struct device *dev, struct resource *res)
{
	struct renderer *r = dev->renderer;
	int ret;

	if (!res->in_renderer)
		return 0;
	ret = r->ops->attach_iov(r, res->args.id, res->backing.iov,
				 res->backing.n);
	res->iov_attached = !ret;
	return ret;
}

int backing_resolve(struct device *dev, struct resource *res)
{
	struct backing *b = &res->backing;
	struct gather g = { 0 };
	int ret;

	if (!b->entries)
		return 0;
	renderer_detach(dev, res);
	free(b->iov);
	b->iov = NULL;
	b->n = 0;
	b->size = 0;
	ret = gather(dev, b, &g);
	if (!ret && !g.n)
		ret = -EFAULT;	/* nothing but empty entries */
	if (ret) {
		free(g.iov);
		return ret;
	}
	b->iov = g.iov;
	b->n = g.n;
	b->size = g.size;
	return renderer_attach(dev, res);
}

int backing_attach(struct device *dev, struct resource *res,
		   const struct virtio_gpu_mem_entry *entries, size_t n)
{
	struct backing *b = &res->backing;
	int ret;

	if (b->entries)
		return -EEXIST;
	if (!n || dev->entries + n > RESOURCE_MAX_ENTRIES)
		return n ? -ENOMEM : -EINVAL;
	b->entries = malloc(n * sizeof(*entries));
	if (!b->entries)
		return -ENOMEM;
	memcpy(b->entries, entries, n * sizeof(*entries));
	b->nr_entries = n;
	dev->entries += n;
	if (dev->silent)
		return 0;
	ret = backing_resolve(dev, res);
	if (ret)
		backing_detach(dev, res);
	return ret;
}

void backing_detach(struct device *dev, struct resource *res)
{
	struct backing *b = &res->backing;

	renderer_detach(dev, res);
	dev->entries -= b->nr_entries;
	free(b->entries);
	free(b->iov);
	*b = (struct backing){ 0 };
}
