/* SPDX-License-Identifier: MIT */
/*
 * resource.h - textures and buffers of the guest, and their backing pages
 *
 * A 2D resource lives in plain memory of ours until a context uses it; a 3D
 * resource lives in the renderer, from its creation or, after a take-over, from
 * its first use.
 */
#ifndef DEVICE_RESOURCE_H
#define DEVICE_RESOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>
#include "device/scanout.h"
#include "protocol/virtio_gpu.h"
#include "renderer/renderer.h"

struct device;

#define RESOURCE_MAX_SIZE	16384u	/* width, height, depth, layers */
#define RESOURCE_MAX_COUNT	(256u << 10)
#define RESOURCE_MAX_ENTRIES	(8u << 20)	/* backing, all resources */

/** struct backing - guest pages of a resource */
struct backing {
	struct virtio_gpu_mem_entry *entries;	/* NULL: none attached */
	size_t nr_entries;
	struct iovec *iov;	/* NULL: not in the memory table now */
	size_t n;
	uint64_t size;		/* bytes of iov */
};

struct resource {
	struct renderer_resource args;
	bool is_3d;		/* RESOURCE_CREATE_3D */
	bool is_blob;		/* no texture: is_3d, and args but the id 0 */
	uint32_t blob_flags;
	uint64_t blob_size;
	bool denied;		/* over the quota: an id and its pages, no more;
				   commands on it do nothing */
	bool in_renderer;
	bool iov_attached;	/* in the renderer */
	bool has_uuid;
	uint8_t uuid[16];
	uint8_t *pixels;	/* 2D, not in the renderer: own, or memory of
				   the display that it was lent to */
	uint8_t *own;
	uint64_t size;		/* as charged */
	uint32_t scanouts;	/* bit mask */
	struct backing backing;
};

/**
 * texture_check() - are the arguments of a 3D resource possible?
 */
bool texture_check(const struct renderer_resource *args);

/** texture_size() - bytes it will take, of checked arguments */
uint64_t texture_size(const struct renderer_resource *args);

/** resource_is_picture() - can it be shown? */
bool resource_is_picture(const struct resource *res);

/** resource_find() - NULL if there is none */
struct resource *resource_find(struct device *dev, uint32_t id);

/**
 * resource_new_2d(), resource_new_3d() - checked, charged, in the table
 *
 * Return: 0; -EINVAL bad arguments; -EEXIST; -ENOMEM also when over quota, and
 * then a 3D resource is in the table, denied; what the renderer says. While the
 * device is silent, nothing is allocated or created.
 */
int resource_new_2d(struct device *dev, uint32_t id, uint32_t format,
		    uint32_t w, uint32_t h);
int resource_new_3d(struct device *dev, const struct renderer_resource *args);
int resource_new_blob(struct device *dev, uint32_t id, uint64_t size,
		      uint32_t flags);

/** resource_unref() - everywhere: scanouts, contexts, renderer, memory */
void resource_unref(struct device *dev, struct resource *res);

/** resource_pixels() - allocate the memory of a 2D resource; 0 or -ENOMEM */
int resource_pixels(struct resource *res);

/**
 * resource_need() - have it in the renderer, with what it contains
 *
 * Return: 0; -ENODEV: there is no renderer; what the renderer says.
 */
int resource_need(struct device *dev, struct resource *res);

/**
 * resource_upload() - copy a rectangle of the backing into our memory
 * @offset: of the rectangle's first pixel in the backing
 *
 * Return: 0; -EINVAL: not all of it is there
 */
int resource_upload(struct resource *res, const struct rect *r,
		    uint64_t offset);

/**
 * backing_attach() - give a resource its pages
 *
 * Return: 0; -EEXIST; -ENOMEM; -EFAULT: not guest memory.
 */
int backing_attach(struct device *dev, struct resource *res,
		   const struct virtio_gpu_mem_entry *entries, size_t n);
void backing_detach(struct device *dev, struct resource *res);

/** backing_resolve() - look the pages up in the memory table, 0 or -errno */
int backing_resolve(struct device *dev, struct resource *res);

#endif
