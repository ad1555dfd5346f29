// SPDX-License-Identifier: MIT
/*
 * null.c - the renderer that draws nothing
 *
 * Everything that the device may not do is an assertion here, so that tests and
 * fuzzers find it: unknown ids, duplicates, contexts destroyed under fences.
 */
#include "renderer/null.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <glib.h>
#include "base/iov.h"
#include "base/log.h"
#include "protocol/vgpu_ipc.h"
#include "protocol/virtio_gpu.h"
#include "renderer/renderer.h"

#define TARGET_2D	2
#define OPCODE_MAX	64	/* of virgl; unknown ones are refused */
#define FORMAT_MAX	512
#define VIRGL_SIZE	308
#define VIRGL2_SIZE	696

struct null_resource {
	struct renderer_resource args;
	const struct iovec *iov;
	size_t n;
	bool plain;		/* 2D, one level, 32 bits */
	uint8_t *pixels;	/* once something was uploaded */
};

struct null {
	struct renderer base;
	struct renderer_config config;
	struct renderer_null_hooks hooks;
	struct renderer_null_state state;
	GHashTable *contexts;	/* id: set of resource ids */
	GHashTable *resources;
	uint64_t reported;	/* fence of the last callback */
	uint32_t cost, worked;	/* of a submit, in rounds of work(); result */
	int fd;
};

static struct renderer_null_hooks next_hooks;

static struct null *to_null(struct renderer *r)
{
	return (struct null *)r;
}

static int fail(struct null *n, const char *op, uint32_t id)
{
	return n->hooks.fail ? n->hooks.fail(n->hooks.opaque, op, id) : 0;
}

static struct null_resource *find(struct null *n, uint32_t id)
{
	return g_hash_table_lookup(n->resources, GUINT_TO_POINTER(id));
}

static GHashTable *find_context(struct null *n, uint32_t ctx)
{
	return g_hash_table_lookup(n->contexts, GUINT_TO_POINTER(ctx));
}

static void resource_free(void *data)
{
	struct null_resource *res = data;

	free(res->pixels);
	g_free(res);
}

static void null_free(struct renderer *r)
{
	struct null *n = to_null(r);

	g_hash_table_destroy(n->contexts);
	g_hash_table_destroy(n->resources);
	close(n->fd);
	g_free(n);
}

static int null_context_create(struct renderer *r, uint32_t ctx,
			       uint32_t context_init, const char *name)
{
	struct null *n = to_null(r);
	int ret = fail(n, "context_create", ctx);

	assert(ctx && !find_context(n, ctx) && name);
	if (ret)
		return ret;
	g_hash_table_insert(n->contexts, GUINT_TO_POINTER(ctx),
			    g_hash_table_new(NULL, NULL));
	n->state.contexts++;
	return 0;
}

static void null_context_destroy(struct renderer *r, uint32_t ctx)
{
	struct null *n = to_null(r);

	assert(find_context(n, ctx));
	assert(n->reported == n->state.emitted);
	g_hash_table_remove(n->contexts, GUINT_TO_POINTER(ctx));
	n->state.contexts--;
}

static int null_context_attach(struct renderer *r, uint32_t ctx, uint32_t res)
{
	struct null *n = to_null(r);
	int ret = fail(n, "context_attach", res);

	assert(find_context(n, ctx) && find(n, res));
	if (ret)
		return ret;
	g_hash_table_add(find_context(n, ctx), GUINT_TO_POINTER(res));
	return 0;
}

static void null_context_detach(struct renderer *r, uint32_t ctx, uint32_t res)
{
	struct null *n = to_null(r);

	assert(find_context(n, ctx) && find(n, res));
	assert(g_hash_table_contains(find_context(n, ctx),
				     GUINT_TO_POINTER(res)));
	g_hash_table_remove(find_context(n, ctx), GUINT_TO_POINTER(res));
}

static bool is_plain(const struct renderer_resource *args)
{
	switch (args->format) {
	case VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM:
	case VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM:
	case VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM:
	case VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM:
	case VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM:
	case VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM:
	case VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM:
	case VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM:
		return args->target == TARGET_2D && !args->last_level &&
			args->array_size <= 1 && args->nr_samples <= 1;
	}
	return false;
}

static int null_resource_create(struct renderer *r,
				const struct renderer_resource *args)
{
	struct null *n = to_null(r);
	int ret = fail(n, "resource_create", args->id);
	struct null_resource *res;

	assert(args->id && !find(n, args->id));
	if (!ret && args->format >= FORMAT_MAX)
		ret = -EINVAL;
	if (ret)
		return ret;
	res = g_new0(struct null_resource, 1);
	res->args = *args;
	res->plain = is_plain(args);
	g_hash_table_insert(n->resources, GUINT_TO_POINTER(args->id), res);
	n->state.resources++;
	return 0;
}

static void null_resource_unref(struct renderer *r, uint32_t id)
{
	struct null *n = to_null(r);
	GHashTableIter iter;
	void *set;

	assert(find(n, id));
	if (find(n, id)->iov)
		n->state.attached_iovs--;
	g_hash_table_iter_init(&iter, n->contexts);
	while (g_hash_table_iter_next(&iter, NULL, &set))
		g_hash_table_remove(set, GUINT_TO_POINTER(id));
	g_hash_table_remove(n->resources, GUINT_TO_POINTER(id));
	n->state.resources--;
}

static int null_attach_iov(struct renderer *r, uint32_t id,
			   const struct iovec *iov, size_t count)
{
	struct null *n = to_null(r);
	struct null_resource *res = find(n, id);
	int ret = fail(n, "attach_iov", id);

	assert(res && !res->iov && iov && count);
	if (ret)
		return ret;
	res->iov = iov;
	res->n = count;
	n->state.attached_iovs++;
	return 0;
}

static void null_detach_iov(struct renderer *r, uint32_t id)
{
	struct null *n = to_null(r);
	struct null_resource *res = find(n, id);

	assert(res && res->iov);
	res->iov = NULL;
	n->state.attached_iovs--;
}

/* What is below the box of a plain texture; it was checked. */
static int copy(struct null_resource *res, const struct renderer_transfer *t,
		bool to_host)
{
	size_t width = (size_t)res->args.width * 4;
	size_t stride = t->stride ? t->stride : width, row = (size_t)t->w * 4;
	uint8_t *pixels;

	if (!res->pixels)
		res->pixels = calloc(res->args.height, width);
	if (!res->pixels)
		return -ENOMEM;
	pixels = res->pixels + t->y * width + (size_t)t->x * 4;
	for (uint32_t y = 0; y < t->h; y++, pixels += width) {
		uint64_t at = t->offset + (uint64_t)y * stride;

		if (to_host)
			iov_to_buf(res->iov, res->n, at, pixels, row);
		else
			iov_from_buf(res->iov, res->n, at, pixels, row);
	}
	return 0;
}

static int transfer(struct renderer *r, const struct renderer_transfer *t,
		    bool to_host)
{
	struct null *n = to_null(r);
	struct null_resource *res = find(n, t->resource);
	int ret = fail(n, "transfer", t->resource);
	uint64_t size, need, stride;

	assert(res);
	assert(!t->context || find_context(n, t->context));
	if (ret)
		return ret;
	if (!res->iov)
		return -EINVAL;
	n->state.transfers++;
	if (!res->plain)
		return 0;
	if (t->z || t->d != 1 || t->level ||
	    t->x + (uint64_t)t->w > res->args.width ||
	    t->y + (uint64_t)t->h > res->args.height)
		return -EINVAL;
	size = iov_size(res->iov, res->n);
	stride = t->stride ? t->stride : res->args.width * 4ull;
	need = stride * (t->h - 1) + t->w * 4ull;
	if (t->offset > size || need > size - t->offset)
		return -EINVAL;
	return copy(res, t, to_host);
}

static int null_transfer_to_host(struct renderer *r,
				 const struct renderer_transfer *t)
{
	return transfer(r, t, true);
}

static int null_transfer_from_host(struct renderer *r,
				   const struct renderer_transfer *t)
{
	return transfer(r, t, false);
}

/* Headers of virgl commands: opcode, object, length in words. */
static bool is_stream(const uint32_t *words, size_t n)
{
	for (size_t i = 0; i < n; i += 1 + (words[i] >> 16))
		if ((words[i] & 0xff) >= OPCODE_MAX ||
		    (words[i] >> 16) > n - i - 1)
			return false;
	return true;
}

/* As much of the CPU each time, and nothing that the caches know of. */
static uint32_t work(uint32_t rounds)
{
	uint32_t x = 1;

	for (uint32_t i = 0; i < rounds; i++) {
		x ^= x << 13;
		x ^= x >> 17;
		x ^= x << 5;
	}
	return x;
}

static int null_submit(struct renderer *r, uint32_t ctx, const void *buf,
		       size_t dwords)
{
	struct null *n = to_null(r);
	int ret = fail(n, "submit", ctx);

	assert(find_context(n, ctx) && dwords && !((uintptr_t)buf & 3));
	if (!ret && !is_stream(buf, dwords))
		ret = -EINVAL;
	if (ret)
		return ret;
	n->worked = work(n->cost);
	n->state.submits++;
	if (n->hooks.submitted)
		n->hooks.submitted(n->hooks.opaque, ctx, buf, dwords);
	return 0;
}

static void signal_fd(struct null *n)
{
	const uint64_t one = 1;

	if (write(n->fd, &one, sizeof(one)) < 0)
		log_error("null renderer: eventfd is full");
}

static int null_fence(struct renderer *r, uint32_t ctx, uint64_t fence)
{
	struct null *n = to_null(r);
	int ret = fail(n, "fence", ctx);

	assert(fence > n->state.emitted);
	if (ret)
		return ret;
	n->state.emitted = fence;
	if (n->hooks.sync_fences) {
		n->state.retired = n->reported = fence;
		return 1;
	}
	if (!n->hooks.hold_fences)
		renderer_null_retire(r, fence);
	return 0;
}

static uint64_t null_fence_time(struct renderer *r, uint64_t fence)
{
	struct null *n = to_null(r);

	assert(fence <= n->state.retired);
	return n->hooks.time ? n->hooks.time(n->hooks.opaque, fence) : 0;
}

static int null_poll_fd(struct renderer *r)
{
	return to_null(r)->fd;
}

static void null_poll(struct renderer *r)
{
	struct null *n = to_null(r);
	uint64_t count;

	if (read(n->fd, &count, sizeof(count)) < 0 && errno != EAGAIN)
		log_error("null renderer: eventfd: %s", strerror(errno));
	if (n->reported == n->state.retired)
		return;
	n->reported = n->state.retired;
	n->config.fences_retired(n->config.opaque, n->reported);
}

static int null_read_pixels(struct renderer *r, uint32_t id, uint32_t x,
			    uint32_t y, uint32_t w, uint32_t h, void *to,
			    size_t stride)
{
	struct null *n = to_null(r);
	struct null_resource *res = find(n, id);
	int ret = fail(n, "read_pixels", id);

	assert(res && x + (uint64_t)w <= res->args.width &&
	       y + (uint64_t)h <= res->args.height);
	for (uint32_t row = 0; row < h && !ret; row++) {
		uint8_t *line = (uint8_t *)to + row * stride;

		if (res->pixels)
			memcpy(line, res->pixels +
			       ((size_t)(y + row) * res->args.width + x) * 4,
			       (size_t)w * 4);
		else
			memset(line, 0, (size_t)w * 4);
	}
	return ret;
}

static int null_export_dmabuf(struct renderer *r, uint32_t id,
			      struct renderer_dmabuf *out)
{
	struct null *n = to_null(r);
	struct null_resource *res = find(n, id);

	assert(res);
	if (!n->hooks.dmabuf)
		return -ENOTSUP;
	*out = (struct renderer_dmabuf){
		.fd = dup(n->fd), .width = res->args.width,
		.height = res->args.height, .stride = res->args.width * 4,
	};
	return out->fd < 0 ? -errno : 0;
}

static const struct renderer_ops null_ops = {
	.name = "null",
	.free = null_free,
	.context_create = null_context_create,
	.context_destroy = null_context_destroy,
	.context_attach = null_context_attach,
	.context_detach = null_context_detach,
	.resource_create = null_resource_create,
	.resource_unref = null_resource_unref,
	.attach_iov = null_attach_iov,
	.detach_iov = null_detach_iov,
	.transfer_to_host = null_transfer_to_host,
	.transfer_from_host = null_transfer_from_host,
	.submit = null_submit,
	.fence = null_fence,
	.fence_time = null_fence_time,
	.poll_fd = null_poll_fd,
	.poll = null_poll,
	.read_pixels = null_read_pixels,
	.export_dmabuf = null_export_dmabuf,
};

struct renderer *renderer_null_new(const struct renderer_config *config)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct null *n;

	if (fd < 0)
		return NULL;
	n = g_new0(struct null, 1);
	n->base.ops = &null_ops;
	n->config = *config;
	n->hooks = next_hooks;
	n->fd = fd;
	if (getenv("VGPU_NULL_COST"))
		n->cost = (uint32_t)strtoul(getenv("VGPU_NULL_COST"), NULL, 10);
	n->contexts = g_hash_table_new_full(NULL, NULL, NULL,
				(GDestroyNotify)g_hash_table_destroy);
	n->resources = g_hash_table_new_full(NULL, NULL, NULL, resource_free);
	return &n->base;
}

void renderer_null_set_hooks(const struct renderer_null_hooks *hooks)
{
	next_hooks = hooks ? *hooks : (struct renderer_null_hooks){ 0 };
}

void renderer_null_retire(struct renderer *r, uint64_t fence)
{
	struct null *n = to_null(r);

	assert(fence <= n->state.emitted);
	if (fence <= n->state.retired)
		return;
	n->state.retired = fence;
	signal_fd(n);
}

void renderer_null_state(struct renderer *r, struct renderer_null_state *state)
{
	*state = to_null(r)->state;
}

void renderer_null_probe(struct vgpu_caps *caps)
{
	static const struct {
		uint32_t id, version, size;
	} sets[] = {
		{ VIRTIO_GPU_CAPSET_VIRGL, 1, VIRGL_SIZE },
		{ VIRTIO_GPU_CAPSET_VIRGL2, 2, VIRGL2_SIZE },
	};

	memset(caps, 0, sizeof(*caps));
	caps->magic = VGPU_CAPS_MAGIC;
	caps->flags = VGPU_CAPS_CPU_RENDERER;
	strcpy(caps->renderer, "null");
	for (size_t i = 0; i < G_N_ELEMENTS(sets); i++) {
		struct vgpu_capset *set = &caps->sets[caps->count++];

		set->id = sets[i].id;
		set->max_version = sets[i].version;
		set->size = sets[i].size;
		memcpy(set->data, &sets[i].version, sizeof(uint32_t));
	}
}
