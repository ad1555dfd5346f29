// SPDX-License-Identifier: MIT
/*
 * virgl_probe.c - what a GPU can do, as capsets for guests
 */
#define VIRGL_RENDERER_UNSTABLE_APIS
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <virglrenderer.h>
#include "protocol/vgpu_ipc.h"
#include "protocol/virgl.h"
#include "protocol/virtio_gpu.h"
#include "renderer/virgl_private.h"

static uint32_t get_word(const struct vgpu_capset *set, size_t at)
{
	uint32_t word;

	memcpy(&word, set->data + at, sizeof(word));
	return word;
}

static void set_word(struct vgpu_capset *set, size_t at, uint32_t word)
{
	memcpy(set->data + at, &word, sizeof(word));
}

/* Take out of capset 2 what this device does not do. */
static void mask_capset(struct vgpu_capset *set)
{
	uint32_t bits = get_word(set, VIRGL_CAPS_BITS_OFFSET);
	uint32_t bits2 = get_word(set, VIRGL_CAPS_BITS_V2_OFFSET);

	/* needs blobs that the guest can map */
	bits &= ~VIRGL_CAP_ARB_BUFFER_STORAGE;
	/* no figure is better than virglrenderer's, which may be garbage */
	bits2 &= ~VIRGL_CAP_V2_VIDEO_MEMORY;
	set_word(set, VIRGL_CAPS_BITS_OFFSET, bits);
	set_word(set, VIRGL_CAPS_BITS_V2_OFFSET, bits2);
	set_word(set, VIRGL_CAPS_MEMORY_OFFSET, 0);
	if (set->size >= VIRGL_CAPS_VIDEO_OFFSET + VIRGL_CAPS_VIDEO_SIZE)
		memset(set->data + VIRGL_CAPS_VIDEO_OFFSET, 0,
		       VIRGL_CAPS_VIDEO_SIZE);
}

static int add_capset(struct vgpu_caps *caps, uint32_t id, uint32_t min_size)
{
	struct vgpu_capset *set = &caps->sets[caps->count];
	uint32_t version = 0, size = 0;

	virgl_renderer_get_cap_set(id, &version, &size);
	if (size < min_size || size > sizeof(set->data))
		return -EPROTO;
	*set = (struct vgpu_capset){
		.id = id, .max_version = version, .size = size,
	};
	virgl_renderer_fill_caps(id, version, set->data);
	if (id == VIRTIO_GPU_CAPSET_VIRGL2)
		mask_capset(set);
	caps->count++;
	return 0;
}

int renderer_virgl_probe(const char *render_node, struct vgpu_caps *caps,
			 const char **why)
{
	struct virgl v = { .on = VIRGL_NO_CONTEXT };
	int ret;

	memset(caps, 0, sizeof(*caps));
	ret = virgl_start(&v, render_node ? render_node : "", why);
	if (ret)
		return ret;
	caps->magic = VGPU_CAPS_MAGIC;
	ret = add_capset(caps, VIRTIO_GPU_CAPSET_VIRGL, VIRGL_CAPS_V1_SIZE);
	if (!ret)
		ret = add_capset(caps, VIRTIO_GPU_CAPSET_VIRGL2,
				 VIRGL_CAPS_MEMORY_OFFSET + 4);
	if (ret)
		*why = "this virglrenderer has capsets of unknown size";
	if (v.egl.software)
		caps->flags |= VGPU_CAPS_CPU_RENDERER;
	if (v.egl.dmabuf)
		caps->flags |= VGPU_CAPS_DMABUF;
	snprintf(caps->renderer, sizeof(caps->renderer), "%s",
		 v.egl.renderer);
	virgl_stop(&v);
	return ret;
}
