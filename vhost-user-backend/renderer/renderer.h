/* SPDX-License-Identifier: MIT */
/*
 * renderer.h - what turns 3D commands into pictures
 *
 * The device calls a renderer through this table and nothing else. All calls
 * come from one thread. Ids are the guest's, already checked for existence and
 * duplicates by the device. Functions return 0 or -errno unless said otherwise;
 * -ENOMEM is told to the guest as out of memory, -EIO means that the GPU was
 * lost and the worker should be replaced.
 *
 * renderer_virgl is the only file set that includes virglrenderer.h;
 * renderer_null accepts everything and draws nothing (tests, fuzzing).
 */
#ifndef RENDERER_RENDERER_H
#define RENDERER_RENDERER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct renderer;
struct vgpu_caps;

struct renderer_config {
	const char *render_node;	/* NULL or "": none, surfaceless */
	/* every fence up to and including this one has retired */
	void (*fences_retired)(void *opaque, uint64_t fence);
	void *opaque;
};

/** struct renderer_resource - as RESOURCE_CREATE_3D, in host byte order */
struct renderer_resource {
	uint32_t id;
	uint32_t target, format, bind;
	uint32_t width, height, depth;
	uint32_t array_size, last_level, nr_samples, flags;
};

/** struct renderer_transfer - as TRANSFER_*_3D, in host byte order */
struct renderer_transfer {
	uint32_t resource, context, level, stride, layer_stride;
	uint32_t x, y, z, w, h, d;
	uint64_t offset;
};

/** struct renderer_dmabuf - one exported plane; fd is the caller's */
struct renderer_dmabuf {
	int fd;
	uint32_t width, height, stride, fourcc;
	uint64_t modifier;
	bool y_0_top;
};

struct renderer_ops {
	const char *name;

	void (*free)(struct renderer *r);

	int (*context_create)(struct renderer *r, uint32_t ctx,
			      uint32_t context_init, const char *name);
	/* fences on their way stay: they belong to no context */
	void (*context_destroy)(struct renderer *r, uint32_t ctx);
	int (*context_attach)(struct renderer *r, uint32_t ctx, uint32_t res);
	void (*context_detach)(struct renderer *r, uint32_t ctx, uint32_t res);

	int (*resource_create)(struct renderer *r,
			       const struct renderer_resource *res);
	void (*resource_unref)(struct renderer *r, uint32_t res);
	/* the iovec array stays the caller's and must live until detach */
	int (*attach_iov)(struct renderer *r, uint32_t res,
			  const struct iovec *iov, size_t n);
	void (*detach_iov)(struct renderer *r, uint32_t res);

	/* with the attached iovecs */
	int (*transfer_to_host)(struct renderer *r,
				const struct renderer_transfer *t);
	int (*transfer_from_host)(struct renderer *r,
				  const struct renderer_transfer *t);

	/*
	 * buf: private copy of whole commands, aligned as their words are;
	 * -EINVAL: the context is in error
	 */
	int (*submit)(struct renderer *r, uint32_t ctx, const void *buf,
		      size_t dwords);

	/*
	 * A fence behind everything submitted so far. Numbers only grow.
	 * Return: 1 if it has already retired (no callback will come), 0 if
	 * the callback will come, -errno.
	 */
	int (*fence)(struct renderer *r, uint32_t ctx, uint64_t fence);

	/*
	 * When a fence that retired in the last poll was signalled, by the
	 * kernel (CLOCK_MONOTONIC ns); 0 where it does not tell.
	 */
	uint64_t (*fence_time)(struct renderer *r, uint64_t fence);

	/* descriptor to poll for retired fences; -1 before the first fence */
	int (*poll_fd)(struct renderer *r);
	void (*poll)(struct renderer *r);	/* calls fences_retired */

	/*
	 * Copy a rectangle of level 0 out, rows top first, in the resource's
	 * own format and 4 bytes a pixel.
	 */
	int (*read_pixels)(struct renderer *r, uint32_t res, uint32_t x,
			   uint32_t y, uint32_t w, uint32_t h, void *to,
			   size_t stride);
	/* -ENOTSUP where scanouts must go as pixels */
	int (*export_dmabuf)(struct renderer *r, uint32_t res,
			     struct renderer_dmabuf *out);
};

struct renderer {
	const struct renderer_ops *ops;
};

/* NULL with errno set, and a log line that says what is missing. */
struct renderer *renderer_virgl_new(const struct renderer_config *config);
struct renderer *renderer_null_new(const struct renderer_config *config);

/**
 * renderer_virgl_probe() - find out what this GPU can do
 *
 * Initialises GL in this process: use a short-lived one. Return: 0 or -errno
 * and *why, a static string for people.
 */
int renderer_virgl_probe(const char *render_node, struct vgpu_caps *caps,
			 const char **why);
void renderer_null_probe(struct vgpu_caps *caps);

#endif
