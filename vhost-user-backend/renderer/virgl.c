// SPDX-License-Identifier: MIT
/*
 * virgl.c - the renderer that calls virglrenderer
 *
 * virglrenderer keeps a current GL context of its own and does not always know
 * when it has changed: it is told so here (virgl_to_ctx0) where that matters.
 */
#define VIRGL_RENDERER_UNSTABLE_APIS
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <virglrenderer.h>
#include "protocol/virgl.h"
#include "protocol/virtio_gpu.h"
#include "renderer/virgl_private.h"

/* Its layout is part of the interface, its name is not in the header. */
struct virgl_box {
	uint32_t x, y, z, w, h, d;
};

struct virgl_res *virgl_find(struct virgl *v, uint32_t id)
{
	return g_hash_table_lookup(v->resources, GUINT_TO_POINTER(id));
}

void virgl_work_begin(struct virgl *v, uint32_t ctx)
{
	virgl_gl_work_begin(&v->gl, v->on == ctx || v->on == VIRGL_NO_CONTEXT);
}

void virgl_work_end(struct virgl *v, uint32_t ctx)
{
	virgl_gl_work_end(&v->gl);
	v->on = ctx;
}

void virgl_to_ctx0(struct virgl *v)
{
	virgl_renderer_force_ctx_0();
	v->on = 0;
	/* errors of what came before belong to nobody */
	while (glGetError() != GL_NO_ERROR && !v->lost)
		v->lost = virgl_gl_lost(&v->gl);
}

/* Any failure may be the GPU that is gone. */
static int failed(struct virgl *v, int err)
{
	if (!v->lost && virgl_gl_lost(&v->gl)) {
		log_error("the GPU was reset, its contexts are lost");
		v->lost = true;
	}
	v->on = VIRGL_NO_CONTEXT;
	return v->lost ? -EIO : err;
}

static int context_create(struct renderer *r, uint32_t ctx,
			  uint32_t context_init, const char *name)
{
	struct virgl *v = to_virgl(r);
	uint32_t capset = context_init & VIRTIO_GPU_CONTEXT_INIT_CAPSET_ID_MASK;
	int ret;

	if (v->lost)
		return -EIO;
	if (!capset)
		capset = VIRTIO_GPU_CAPSET_VIRGL2;
	if (!ctx || (capset != VIRTIO_GPU_CAPSET_VIRGL &&
		     capset != VIRTIO_GPU_CAPSET_VIRGL2))
		return -EINVAL;
	ret = virgl_renderer_context_create_with_flags(ctx, capset,
						       strlen(name), name);
	/*
	 * This left the new GL context current while virglrenderer believes
	 * in the one before, and would draw that guest context's next buffer
	 * into the new one.
	 */
	virgl_to_ctx0(v);
	if (ret)
		return failed(v, abs(ret) == ENOMEM ? -ENOMEM : -EINVAL);
	return 0;
}

static void context_destroy(struct renderer *r, uint32_t ctx)
{
	struct virgl *v = to_virgl(r);

	virgl_renderer_context_destroy(ctx);
	v->on = VIRGL_NO_CONTEXT;
}

static int context_attach(struct renderer *r, uint32_t ctx, uint32_t res)
{
	virgl_renderer_ctx_attach_resource((int)ctx, (int)res);
	return 0;
}

static void context_detach(struct renderer *r, uint32_t ctx, uint32_t res)
{
	virgl_renderer_ctx_detach_resource((int)ctx, (int)res);
}

static int resource_create(struct renderer *r,
			   const struct renderer_resource *res)
{
	struct virgl *v = to_virgl(r);
	struct virgl_renderer_resource_create_args args = {
		.handle = res->id, .target = res->target,
		.format = res->format, .bind = res->bind,
		.width = res->width, .height = res->height,
		.depth = res->depth, .array_size = res->array_size,
		.last_level = res->last_level, .nr_samples = res->nr_samples,
		.flags = res->flags,
	};
	struct virgl_res *mine;
	GLenum err;
	bool oom = false;

	if (v->lost)
		return -EIO;
	/* virglrenderer 0.10 would silently replace it */
	if (!res->id || virgl_find(v, res->id))
		return -EINVAL;
	/*
	 * It says success when GL was out of memory, and would leave the
	 * error to the next command of whatever context is current.
	 */
	virgl_to_ctx0(v);
	if (virgl_renderer_resource_create(&args, NULL, 0))
		return failed(v, -EINVAL);
	while ((err = glGetError()) != GL_NO_ERROR && !v->lost) {
		oom |= err == GL_OUT_OF_MEMORY;
		v->lost = virgl_gl_lost(&v->gl);
	}
	if (oom || v->lost) {
		virgl_renderer_resource_unref(res->id);
		return failed(v, -ENOMEM);
	}
	mine = g_new0(struct virgl_res, 1);
	mine->info = *res;
	mine->pixel = virgl_pixel_size(res->id, res);
	g_hash_table_insert(v->resources, GUINT_TO_POINTER(res->id), mine);
	return 0;
}

static void detach_iov(struct renderer *r, uint32_t id)
{
	struct virgl_res *res = virgl_find(to_virgl(r), id);

	if (!res || !res->iov)
		return;
	virgl_renderer_resource_detach_iov((int)id, NULL, NULL);
	res->iov = NULL;
	res->niov = 0;
}

static void resource_unref(struct renderer *r, uint32_t id)
{
	struct virgl *v = to_virgl(r);

	if (!virgl_find(v, id))
		return;
	detach_iov(r, id);
	virgl_renderer_resource_unref(id);
	g_hash_table_remove(v->resources, GUINT_TO_POINTER(id));
}

static int attach_iov(struct renderer *r, uint32_t id, const struct iovec *iov,
		      size_t n)
{
	struct virgl_res *res = virgl_find(to_virgl(r), id);

	if (!res || res->iov || !n || n > INT32_MAX)
		return -EINVAL;
	/* it only reads the array, whatever its prototype says */
	if (virgl_renderer_resource_attach_iov((int)id, (struct iovec *)iov,
					       (int)n))
		return -EINVAL;
	res->iov = iov;
	res->niov = n;
	return 0;
}

static int transfer_to_host(struct renderer *r,
			    const struct renderer_transfer *t)
{
	struct virgl *v = to_virgl(r);
	struct virgl_box box = { t->x, t->y, t->z, t->w, t->h, t->d };
	struct virgl_res *res = virgl_find(v, t->resource);
	int ret;

	if (v->lost)
		return -EIO;
	if (!res || !res->iov)
		return -EINVAL;
	virgl_work_begin(v, t->context);
	ret = virgl_renderer_transfer_write_iov(t->resource, t->context,
						(int)t->level, t->stride,
						t->layer_stride, &box,
						t->offset, NULL, 0);
	virgl_work_end(v, t->context);
	return ret ? failed(v, -EINVAL) : 0;
}

static int submit(struct renderer *r, uint32_t ctx, const void *buf,
		  size_t dwords)
{
	struct virgl *v = to_virgl(r);
	int ret;

	if (v->lost)
		return -EIO;
	if (!ctx || dwords > INT32_MAX / 4)
		return -EINVAL;
	if (!dwords)
		return 0;
	virgl_note_queries(v, buf, dwords);
	virgl_work_begin(v, ctx);
	/* it never writes to the buffer */
	ret = virgl_renderer_submit_cmd((void *)buf, (int)ctx, (int)dwords);
	virgl_work_end(v, ctx);
	return ret ? failed(v, -EINVAL) : 0;
}

static void free_renderer(struct renderer *r)
{
	struct virgl *v = to_virgl(r);
	GHashTableIter iter;
	gpointer id;

	/* virglrenderer must not touch iovecs that are not ours any more */
	if (v->initialized && v->resources) {
		g_hash_table_iter_init(&iter, v->resources);
		while (g_hash_table_iter_next(&iter, &id, NULL))
			detach_iov(r, GPOINTER_TO_UINT(id));
		virgl_to_ctx0(v);
	}
	if (v->have_fences)
		virgl_fences_fini(&v->fences);
	virgl_stop(v);
	if (v->resources)
		g_hash_table_destroy(v->resources);
	free(v->scratch);
	g_free(v);
}

static const struct renderer_ops virgl_ops = {
	.name = "virgl",
	.free = free_renderer,
	.context_create = context_create,
	.context_destroy = context_destroy,
	.context_attach = context_attach,
	.context_detach = context_detach,
	.resource_create = resource_create,
	.resource_unref = resource_unref,
	.attach_iov = attach_iov,
	.detach_iov = detach_iov,
	.transfer_to_host = transfer_to_host,
	.transfer_from_host = virgl_transfer_from_host,
	.submit = submit,
	.fence = virgl_fence,
	.fence_time = virgl_fence_time,
	.poll_fd = virgl_poll_fd,
	.poll = virgl_poll,
	.read_pixels = virgl_read_pixels,
	.export_dmabuf = virgl_export_dmabuf,
};

struct renderer *renderer_virgl_new(const struct renderer_config *config)
{
	struct virgl *v = g_new0(struct virgl, 1);
	const char *node = config->render_node ? config->render_node : "";
	const char *why = "";
	int ret;

	v->base.ops = &virgl_ops;
	v->fences_retired = config->fences_retired;
	v->opaque = config->opaque;
	v->resources = g_hash_table_new_full(NULL, NULL, NULL, g_free);
	ret = virgl_start(v, node, &why);
	if (!ret) {
		ret = virgl_fences_init(&v->fences, &v->egl,
					virgl_gl_current(&v->gl));
		why = "no second GL context for the fence thread";
		v->have_fences = !ret;
	}
	if (ret) {
		log_error("no 3D on %s: %s", *node ? node : "the CPU renderer",
			  why);
		free_renderer(&v->base);
		errno = -ret;
		return NULL;
	}
	virgl_stamps_init(&v->stamps, &v->egl);
	virgl_serve(v);
	log_debug("3D by %s%s", v->egl.renderer,
		  v->egl.robust ? "" : ", which can not tell of GPU resets");
	return &v->base;
}
