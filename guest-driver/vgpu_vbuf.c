// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_vbuf.c - one command on its way to the host and back
 */
#include <linux/gfp.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "vgpu_vbuf.h"
#include "vgpu_fence.h"

/* Largest piece that is asked for: 4 MiB with pages of 4 KiB. */
#define CHUNK_MAX_ORDER	10
/* Below this a payload comes from the slab, without a page of its own. */
#define SLAB_MAX	(2 * PAGE_SIZE)

struct vgpu_vbuf *vgpu_vbuf_new(gfp_t gfp)
{
	struct vgpu_vbuf *vbuf = kzalloc(sizeof(*vbuf), gfp);

	if (!vbuf)
		return NULL;
	INIT_LIST_HEAD(&vbuf->node);
	vbuf->resp = &vbuf->resp_hdr;
	vbuf->resp_len = sizeof(vbuf->resp_hdr);
	vbuf->resp_type = VIRTIO_GPU_RESP_OK_NODATA;
	return vbuf;
}

void vgpu_vbuf_free(struct vgpu_vbuf *vbuf)
{
	if (!vbuf)
		return;
	vgpu_payload_free(vbuf->payload);
	if (vbuf->fence)
		vgpu_fence_put(vbuf->fence);
	kfree(vbuf);
}

void vgpu_vbuf_list_free(struct list_head *list)
{
	struct vgpu_vbuf *vbuf, *next;

	list_for_each_entry_safe(vbuf, next, list, node)
		vgpu_vbuf_free(vbuf);
	INIT_LIST_HEAD(list);
}

unsigned int vgpu_vbuf_count_out(const struct vgpu_vbuf *vbuf)
{
	return 1 + (vbuf->payload ? vbuf->payload->nr : 0);
}

/*
 * The host may write the answer while it is read, so each field is read once.
 */
int vgpu_vbuf_check(struct vgpu_vbuf *vbuf, u32 len)
{
	const struct virtio_gpu_ctrl_hdr *hdr = vbuf->resp;
	u32 type;

	if (!vbuf->resp_len)
		return 0;
	if (len < sizeof(*hdr) || len > vbuf->resp_len)
		return -EPROTO;
	type = le32_to_cpu(READ_ONCE(hdr->type));
	if (type == vbuf->resp_type) {
		vbuf->len = len;
		return 0;
	}
	switch (type) {
	case VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY:
		return -ENOMEM;
	case VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID:
	case VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID:
	case VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER:
		return -EINVAL;
	case VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID:
		return -ECANCELED;
	case VIRTIO_GPU_RESP_ERR_UNSPEC:
		return -EIO;
	default:
		return -EPROTO;
	}
}

static bool chunk_alloc(struct vgpu_chunk *chunk, size_t want)
{
	const gfp_t gfp = GFP_KERNEL_ACCOUNT | __GFP_NOWARN;
	int order = min_t(int, get_order(want), CHUNK_MAX_ORDER);
	struct page *page;

	/* rounding up would waste up to half of a large piece */
	if (order && (PAGE_SIZE << order) > want)
		order--;
	for (; order >= 0; order--) {
		page = alloc_pages(order ? gfp | __GFP_NORETRY : gfp, order);
		if (!page)
			continue;
		chunk->data = page_address(page);
		chunk->order = order;
		chunk->len = min_t(size_t, want, PAGE_SIZE << order);
		return true;
	}
	return false;
}

struct vgpu_payload *vgpu_payload_new(size_t size, unsigned int max_chunks)
{
	struct vgpu_payload *p;
	bool slab = size <= SLAB_MAX;
	unsigned int slots = slab ? 1 : min(max_chunks, VGPU_PAYLOAD_CHUNKS);

	p = kzalloc(struct_size(p, chunk, slots), GFP_KERNEL_ACCOUNT);
	if (!p)
		return NULL;
	if (slab) {
		p->chunk[0].data = kmalloc(size, GFP_KERNEL_ACCOUNT);
		if (!p->chunk[0].data)
			goto err_free;
		p->chunk[0].len = size;
		p->chunk[0].order = VGPU_CHUNK_SLAB;
		p->nr = 1;
		return p;
	}
	while (size) {
		if (p->nr == slots || !chunk_alloc(&p->chunk[p->nr], size))
			goto err_free;
		size -= p->chunk[p->nr++].len;
	}
	return p;

err_free:
	vgpu_payload_free(p);
	return NULL;
}

void vgpu_payload_free(struct vgpu_payload *p)
{
	u32 i;

	if (!p)
		return;
	for (i = 0; i < p->nr; i++) {
		if (p->chunk[i].order == VGPU_CHUNK_SLAB)
			kfree(p->chunk[i].data);
		else
			free_pages((unsigned long)p->chunk[i].data,
				   p->chunk[i].order);
	}
	kfree(p);
}

int vgpu_payload_copy_from_user(struct vgpu_payload *p,
				const void __user *from)
{
	u32 i;

	for (i = 0; i < p->nr; i++) {
		if (copy_from_user(p->chunk[i].data, from, p->chunk[i].len))
			return -EFAULT;
		from += p->chunk[i].len;
	}
	return 0;
}
