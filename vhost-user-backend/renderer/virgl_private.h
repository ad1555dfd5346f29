/* SPDX-License-Identifier: MIT */
/*
 * virgl_private.h - shared by the files of renderer_virgl
 */
#ifndef RENDERER_VIRGL_PRIVATE_H
#define RENDERER_VIRGL_PRIVATE_H

#include <glib.h>
#include "base/log.h"
#include "renderer/renderer.h"
#include "renderer/virgl_egl.h"
#include "renderer/virgl_fence.h"
#include "renderer/virgl_gl.h"
#include "renderer/virgl_stamp.h"

#define VIRGL_NO_CONTEXT	UINT32_MAX

/** struct virgl_res - what we remember of a resource */
struct virgl_res {
	struct renderer_resource info;
	const struct iovec *iov;	/* the caller's; NULL: no backing */
	size_t niov;
	uint32_t pixel;		/* bytes; 0: a buffer or a block format */
};

/** struct virgl - the renderer; one a process, as virglrenderer is */
struct virgl {
	struct renderer base;
	void (*fences_retired)(void *opaque, uint64_t fence);
	void *opaque;
	struct virgl_egl egl;
	struct virgl_gl gl;
	struct virgl_fences fences;
	struct virgl_stamps stamps;
	bool have_fences, initialized;
	bool lost;		/* the GPU was reset: nothing works any more */
	/* the guest context that virglrenderer has current, if known */
	uint32_t on;
	/* fences to come that must look for query results first */
	unsigned int query_checks;
	uint32_t query_seq;
	GHashTable *resources;	/* id to struct virgl_res */
	void *scratch;		/* for reading back */
	size_t scratch_size;
};

static inline struct virgl *to_virgl(struct renderer *r)
{
	return (struct virgl *)r;
}

struct virgl_res *virgl_find(struct virgl *v, uint32_t id);

/* Around every call that draws: in guest context ctx, 0 for virglrenderer's. */
void virgl_work_begin(struct virgl *v, uint32_t ctx);
void virgl_work_end(struct virgl *v, uint32_t ctx);
/** virgl_to_ctx0() - make virglrenderer's own GL context current, error free */
void virgl_to_ctx0(struct virgl *v);

/* virgl_fencing.c */
int virgl_fence(struct renderer *r, uint32_t ctx, uint64_t fence);
uint64_t virgl_fence_time(struct renderer *r, uint64_t fence);
int virgl_poll_fd(struct renderer *r);
void virgl_poll(struct renderer *r);
/** virgl_note_queries() - look for queries in a command buffer */
void virgl_note_queries(struct virgl *v, const uint32_t *buf, size_t dwords);

/* virgl_readback.c */
int virgl_transfer_from_host(struct renderer *r,
			     const struct renderer_transfer *t);
int virgl_read_pixels(struct renderer *r, uint32_t res, uint32_t x, uint32_t y,
		      uint32_t w, uint32_t h, void *to, size_t stride);
int virgl_export_dmabuf(struct renderer *r, uint32_t res,
			struct renderer_dmabuf *out);
/** virgl_pixel_size() - bytes a pixel, 0 where there is no such number */
uint32_t virgl_pixel_size(uint32_t id, const struct renderer_resource *res);

/* virgl_start.c: virglrenderer on our EGL, without the rest */
int virgl_start(struct virgl *v, const char *node, const char **why);
/** virgl_serve() - from here on, what virglrenderer says is about guests */
void virgl_serve(struct virgl *v);
void virgl_stop(struct virgl *v);

#endif
