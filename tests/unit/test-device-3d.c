// SPDX-License-Identifier: MIT
/*
 * test-device-3d.c - contexts, 3D resources, transfers, command buffers, and
 * what happens when the renderer refuses
 */
#include <string.h>
#include <glib.h>
#include "base/log.h"
#include "device/context.h"
#include "device/resource.h"
#include "device/state.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"
#include "tests/lib/devtest.h"

#define BGRA		VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM
#define BAD_RESOURCE	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_CONTEXT	VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID
#define BAD_PARAMETER	VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define NO_MEMORY	VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define UNSPEC		VIRTIO_GPU_RESP_ERR_UNSPEC
#define ATTACH		VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE
#define DETACH		VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE
#define DESTROY		VIRTIO_GPU_CMD_CTX_DESTROY

static struct renderer_null_state state_of(struct devtest *t)
{
	struct renderer_null_state state = { 0 };

	if (t->renderer)
		renderer_null_state(t->renderer, &state);
	return state;
}

static void submit(struct devtest *t, uint32_t ctx, uint32_t want)
{
	devtest_done(t, devtest_submit(t, ctx, 0), want);
	if (!t->lost)
		devtest_poll(t);
}

static void transfer(struct devtest *t, uint32_t type, uint32_t ctx,
		     uint32_t id, struct virtio_gpu_box box, uint32_t want)
{
	struct virtio_gpu_transfer_host_3d req = {
		.hdr.type = type, .hdr.ctx_id = ctx, .resource_id = id,
		.box = box,
	};

	devtest_ask(t, req, want);
	devtest_poll(t);
}

static void test_contexts(void)
{
	struct devtest *t = devtest_new(NULL);

	devtest_ctx_create(t, 0, BAD_CONTEXT);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_ctx_create(t, 1, BAD_CONTEXT);
	devtest_ctx_create(t, 0xffffffff, DEVTEST_OK);
	submit(t, 0, BAD_CONTEXT);
	submit(t, 2, BAD_CONTEXT);
	devtest_ctx(t, DESTROY, 2, 0, BAD_CONTEXT);
	devtest_ctx(t, DESTROY, 0, 0, BAD_CONTEXT);
	/* nothing was drawn: no renderer, no GL */
	g_assert_cmpuint(t->renderers, ==, 0);
	submit(t, 1, DEVTEST_OK);
	g_assert_cmpuint(t->renderers, ==, 1);
	g_assert_cmpuint(state_of(t).contexts, ==, 1);
	devtest_ctx(t, DESTROY, 1, 0, DEVTEST_OK);
	g_assert_cmpuint(state_of(t).contexts, ==, 0);
	submit(t, 1, BAD_CONTEXT);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	g_assert_cmpuint(sched_client_report(t->sched)->contexts, ==, 2);
	devtest_free(t);
}

static void test_context_name(void)
{
	struct devtest *t = devtest_new(NULL);
	struct virtio_gpu_ctx_create req = {
		.hdr.type = VIRTIO_GPU_CMD_CTX_CREATE, .hdr.ctx_id = 1,
		.nlen = 65,
	};

	memset(req.debug_name, 0x1b, sizeof(req.debug_name));
	devtest_ask(t, req, BAD_PARAMETER);
	req.nlen = 0xffffffff;
	devtest_ask(t, req, BAD_PARAMETER);
	req.nlen = 64;	/* and no end */
	req.context_init = 0xffffffff;
	devtest_ask(t, req, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	devtest_free(t);
}

static void test_context_flood(void)
{
	struct devtest *t = devtest_new(NULL);

	for (uint32_t i = 1; i <= 4096; i++)
		devtest_ctx_create(t, i, DEVTEST_OK);
	devtest_ctx_create(t, 5000, NO_MEMORY);
	devtest_ctx(t, DESTROY, 7, 0, DEVTEST_OK);
	devtest_ctx_create(t, 5000, DEVTEST_OK);
	devtest_free(t);
}

static void test_attach(void)
{
	struct devtest *t = devtest_new(NULL);

	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_ctx(t, ATTACH, 1, 2, BAD_RESOURCE);
	devtest_ctx(t, ATTACH, 3, 2, BAD_CONTEXT);
	devtest_create_3d(t, 2, 16, 16, DEVTEST_OK);
	devtest_ctx(t, ATTACH, 1, 2, DEVTEST_OK);
	devtest_ctx(t, ATTACH, 1, 2, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	devtest_ctx(t, DETACH, 1, 2, DEVTEST_OK);
	devtest_ctx(t, DETACH, 1, 2, DEVTEST_OK);
	/* attached and gone before the renderer heard of it */
	devtest_ctx(t, ATTACH, 1, 2, DEVTEST_OK);
	devtest_unref(t, 2, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	/* known to the renderer, then gone; the id again */
	devtest_create_3d(t, 2, 16, 16, DEVTEST_OK);
	devtest_ctx(t, ATTACH, 1, 2, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	devtest_unref(t, 2, DEVTEST_OK);
	devtest_create_3d(t, 2, 16, 16, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	g_assert_cmpuint(state_of(t).resources, ==, 1);
	devtest_free(t);
}

/* A guest that never draws attaches and detaches for ever. */
static void test_attach_flood(void)
{
	struct devtest *t = devtest_new(NULL);
	struct context *ctx;

	devtest_ctx_create(t, 1, DEVTEST_OK);
	for (uint32_t id = 2; id < 12; id++)
		devtest_create_2d(t, id, BGRA, 4, 4, DEVTEST_OK);
	ctx = context_find(t->dev, 1);
	for (int i = 0; i < 20000; i++) {
		uint32_t id = 2 + (uint32_t)g_test_rand_int_range(0, 10);

		devtest_ctx(t, g_test_rand_bit() ? ATTACH : DETACH, 1, id,
			    DEVTEST_OK);
		g_assert_cmpuint(ctx->pending->len, <=, 100);
	}
	devtest_ctx(t, ATTACH, 1, 5, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	g_assert_cmpuint(state_of(t).resources, ==,
			 g_hash_table_size(ctx->attached));
	devtest_ctx(t, DESTROY, 1, 0, DEVTEST_OK);
	g_assert_cmpuint(t->dev->attached, ==, 0);
	devtest_free(t);
}

static void create_3d(struct devtest *t, struct renderer_resource a,
		      uint32_t want)
{
	struct virtio_gpu_resource_create_3d req = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.resource_id = a.id, .target = a.target, .format = a.format,
		.bind = a.bind, .width = a.width, .height = a.height,
		.depth = a.depth, .array_size = a.array_size,
		.last_level = a.last_level, .nr_samples = a.nr_samples,
		.flags = a.flags,
	};

	devtest_ask(t, req, want);
}

static void test_create_bad(void)
{
	static const struct renderer_resource good = {
		.id = 1, .target = 2, .format = 1, .width = 64, .height = 32,
		.depth = 1, .array_size = 1, .last_level = 6,
	};
	struct renderer_resource bad[16];
	struct devtest *t = devtest_new(NULL);
	int n = 0;

	for (int i = 0; i < 16; i++)
		bad[i] = good;
	bad[n++].target = 9;
	bad[n++].format = 0;
	bad[n++].width = 0;
	bad[n++].width = 16385;
	bad[n++].height = 0;
	bad[n++].height = 0xffffffff;
	bad[n++].depth = 0;
	bad[n++].depth = 2;
	bad[n++].array_size = 16385;
	bad[n++].last_level = 7;
	bad[n++].last_level = 32;
	bad[n++].last_level = 0xffffffff;
	bad[n++].nr_samples = 33;
	bad[n].target = 0;
	bad[n++].width = 0x80000000;
	bad[n].target = 0;	/* a buffer has no height */
	bad[n++].last_level = 0;
	for (int i = 0; i < n; i++)
		create_3d(t, bad[i], BAD_PARAMETER);
	bad[0] = good;
	bad[0].id = 0;
	create_3d(t, bad[0], BAD_RESOURCE);
	g_assert_cmpuint(t->renderers, ==, 0);
	create_3d(t, good, DEVTEST_OK);
	create_3d(t, good, BAD_RESOURCE);
	devtest_create_2d(t, 1, BGRA, 1, 1, BAD_RESOURCE);
	devtest_free(t);
}

/* Sums told by hand; the third is what 32 bits would make nothing of. */
static void test_size(void)
{
	static const struct {
		struct renderer_resource args;
		uint64_t size;
	} cases[] = {
		{ { .target = 0, .format = 64, .width = 12345 }, 12345 },
		{ { .target = 2, .format = 1, .width = 4, .height = 2,
		    .depth = 1, .last_level = 2 }, 32 + 8 + 4 },
		{ { .target = 7, .format = 31, .width = 16384,
		    .height = 16384, .depth = 1, .array_size = 16384,
		    .nr_samples = 32 }, 1ull << (28 + 14 + 5 + 4) },
		{ { .target = 3, .format = 1, .width = 4, .height = 4,
		    .depth = 4, .last_level = 2 }, 256 + 32 + 4 },
		{ { .target = 4, .format = 1, .width = 2, .height = 2,
		    .depth = 1 }, 6 * 16 },
		/* blocks of 4 x 4 */
		{ { .target = 2, .format = 105, .width = 5, .height = 1,
		    .depth = 1 }, 16 },
		/* a format nobody has heard of: 16 bytes */
		{ { .target = 2, .format = 400, .width = 2, .height = 1,
		    .depth = 1 }, 32 },
		{ { .target = 2, .format = 0xffffffff, .width = 2, .height = 1,
		    .depth = 1 }, 32 },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		g_assert_true(texture_check(&cases[i].args));
		g_assert_cmpuint(texture_size(&cases[i].args), ==,
				 cases[i].size);
	}
}

static void test_quota(void)
{
	struct devtest_config config = { .memory_max = 1 << 20 };
	struct devtest *t = devtest_new(&config);
	struct renderer_resource big = {
		.id = 9, .target = 7, .format = 31, .width = 16384,
		.height = 16384, .depth = 1, .array_size = 16384,
		.nr_samples = 32,
	};

	create_3d(t, big, NO_MEMORY);
	devtest_create_3d(t, 1, 512, 256, DEVTEST_OK);
	devtest_create_2d(t, 2, BGRA, 512, 256, DEVTEST_OK);
	devtest_create_3d(t, 3, 1, 1, NO_MEMORY);
	devtest_unref(t, 1, DEVTEST_OK);
	devtest_create_3d(t, 3, 1, 1, DEVTEST_OK);
	g_assert_cmpuint(sched_client_report(t->sched)->memory, ==,
			 512 * 256 * 4 + 4);
	devtest_free(t);
}

static void transfer_level(struct devtest *t, uint32_t level, uint32_t want)
{
	struct virtio_gpu_transfer_host_3d req = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		.box = { 0, 0, 0, 1, 1, 1 }, .resource_id = 2, .level = level,
	};

	devtest_ask(t, req, want);
}

static void test_transfer(void)
{
	static const struct virtio_gpu_box bad[] = {
		{ 0, 0, 0, 0, 1, 1 }, { 0, 0, 0, 1, 0, 1 },
		{ 0, 0, 0, 1, 1, 0 }, { 0, 0, 0, 65, 1, 1 },
		{ 64, 0, 0, 1, 1, 1 }, { 0, 32, 0, 1, 1, 1 },
		{ 0xffffffff, 0, 0, 2, 1, 1 }, { 0, 0xffffffff, 0, 1, 2, 1 },
		{ 0, 0, 0xffffffff, 1, 1, 2 },
		{ 0x80000000, 0, 0, 0x80000000, 1, 1 },
		{ 0, 0, 1, 1, 1, 1 },
	};
	const struct virtio_gpu_box all = { 0, 0, 0, 64, 32, 1 };
	const uint32_t to = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D;
	const uint32_t from = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D;
	struct devtest *t = devtest_new(NULL);

	devtest_ctx_create(t, 1, DEVTEST_OK);
	transfer(t, to, 1, 2, all, BAD_RESOURCE);
	devtest_create_3d(t, 2, 64, 32, DEVTEST_OK);
	transfer(t, to, 3, 2, all, BAD_CONTEXT);
	transfer(t, to, 1, 2, all, BAD_RESOURCE);	/* not attached */
	devtest_ctx(t, ATTACH, 1, 2, DEVTEST_OK);
	transfer(t, to, 1, 2, all, BAD_PARAMETER);	/* no backing */
	devtest_attach(t, 2, 0, 64 * 32 * 4, DEVTEST_OK);
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		transfer(t, i & 1 ? to : from, 1, 2, bad[i], BAD_PARAMETER);
	for (uint32_t level = 1; level; level <<= 1)
		transfer_level(t, level, BAD_PARAMETER);
	memset(t->ram, 0x5a, 64 * 32 * 4);
	transfer(t, to, 1, 2, all, DEVTEST_OK);
	memset(t->ram, 0, 64 * 32 * 4);
	transfer(t, from, 0, 2, all, DEVTEST_OK);	/* context 0 is fine */
	for (int i = 0; i < 64 * 32 * 4; i++)
		g_assert_cmphex(t->ram[i], ==, 0x5a);
	/* detached: the renderer must not touch those pages again */
	device_set_mem(t->dev, NULL);
	g_assert_cmpuint(state_of(t).attached_iovs, ==, 0);
	transfer(t, to, 1, 2, all, BAD_PARAMETER);
	devtest_map(t, DEVTEST_GPA, DEVTEST_RAM);
	g_assert_cmpuint(state_of(t).attached_iovs, ==, 1);
	transfer(t, to, 1, 2, all, DEVTEST_OK);
	devtest_free(t);
}

/* A dumb buffer of a console: GL sees it only if a context draws. */
static void test_promote(void)
{
	struct devtest *t = devtest_new(NULL);
	uint32_t *ram = (uint32_t *)t->ram;

	for (int i = 0; i < 64 * 32; i++)
		ram[i] = (uint32_t)i;
	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_create_2d(t, 2, VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, 64, 32,
			  DEVTEST_OK);
	devtest_attach(t, 2, 0, 64 * 32 * 4, DEVTEST_OK);
	devtest_ctx(t, ATTACH, 1, 2, DEVTEST_OK);
	devtest_transfer(t, 2, 64, 32, DEVTEST_OK);
	devtest_scanout(t, 0, 2, 0, 0, 64, 32, DEVTEST_OK);
	g_assert_cmpuint(t->renderers, ==, 0);
	/* what it shows must not depend on where it lives */
	memset(t->ram, 0, 64 * 32 * 4);
	submit(t, 1, DEVTEST_OK);
	g_assert_cmpuint(state_of(t).resources, ==, 1);
	devtest_flush(t, 2, 0, 0, 64, 32, DEVTEST_OK);
	for (uint32_t i = 0; i < 64 * 32; i++)
		g_assert_cmphex(t->screens[0].pixels[i], ==,
				(i & 0xff) << 16 | (i & 0xff00));
	/* and what comes later goes to the renderer */
	ram[64 * 3 + 5] = 0x00112233;
	devtest_transfer(t, 2, 64, 32, DEVTEST_OK);
	devtest_poll(t);
	devtest_flush(t, 2, 5, 3, 1, 1, DEVTEST_OK);
	g_assert_cmphex(t->screens[0].pixels[64 * 3 + 5], ==, 0x00332211);
	g_assert_cmphex(t->screens[0].pixels[1], ==, 0x00010000);
	devtest_free(t);
}

static void test_scanout_3d(void)
{
	struct devtest *t = devtest_new(NULL);
	struct renderer_resource odd = {
		.id = 3, .target = 2, .format = 7 /* B5G6R5 */, .width = 64,
		.height = 32, .depth = 1,
	};
	struct renderer_resource buffer = {
		.id = 4, .target = 0, .format = 1, .width = 1024, .height = 1,
		.depth = 1,
	};

	devtest_create_3d(t, 2, 64, 32, DEVTEST_OK);
	devtest_attach(t, 2, 0, 64 * 32 * 4, DEVTEST_OK);
	devtest_scanout(t, 1, 2, 0, 0, 64, 32, DEVTEST_OK);
	memset(t->ram, 0x5a, 64 * 32 * 4);
	devtest_transfer(t, 2, 64, 32, DEVTEST_OK);
	devtest_flush(t, 2, 63, 31, 1, 1, DEVTEST_OK);
	g_assert_cmphex(t->screens[1].pixels[64 * 32 - 1], ==, 0x5a5a5a5a);
	g_assert_cmphex(t->screens[1].pixels[64 * 32 - 2], ==, 0);
	create_3d(t, odd, DEVTEST_OK);
	devtest_scanout(t, 0, 3, 0, 0, 64, 32, BAD_PARAMETER);
	create_3d(t, buffer, DEVTEST_OK);
	devtest_scanout(t, 0, 4, 0, 0, 64, 1, BAD_PARAMETER);
	g_assert_null(t->screens[0].pixels);
	devtest_poll(t);
	devtest_free(t);
}

/* The display hears of a picture only when the GPU has drawn it. */
static void test_dmabuf(void)
{
	struct renderer_null_hooks hooks = {
		.hold_fences = true, .dmabuf = true,
	};
	struct devtest_screen *s;
	struct devtest *t;

	renderer_null_set_hooks(&hooks);
	t = devtest_new(NULL);
	s = &t->screens[0];
	devtest_ctx_create(t, 1, DEVTEST_OK);
	for (uint32_t id = 2; id < 4; id++) {
		devtest_create_3d(t, id, 64, 32, DEVTEST_OK);
		devtest_ctx(t, ATTACH, 1, id, DEVTEST_OK);
	}
	devtest_scanout(t, 0, 2, 8, 4, 16, 16, DEVTEST_OK);
	g_assert_cmpuint(s->dmabufs, ==, 1);
	g_assert_cmpuint(s->modes, ==, 0);
	/* nothing to wait for */
	devtest_flush(t, 2, 0, 0, 64, 32, DEVTEST_OK);
	g_assert_cmpuint(s->dmabuf_updates, ==, 1);
	g_assert_cmpuint(s->damage.w, ==, 16);

	submit(t, 1, DEVTEST_OK);
	devtest_flush(t, 2, 10, 10, 2, 1, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	g_assert_cmpuint(s->dmabuf_updates, ==, 1);
	renderer_null_retire(t->renderer, 1);
	devtest_poll(t);
	g_assert_cmpuint(s->dmabuf_updates, ==, 2);
	g_assert_cmpuint(s->damage.x, ==, 2);
	g_assert_cmpuint(s->damage.y, ==, 6);
	g_assert_cmpuint(s->damage.w, ==, 2);

	/* shown no longer when its turn comes */
	devtest_flush(t, 2, 0, 0, 64, 32, DEVTEST_OK);
	devtest_scanout(t, 0, 3, 0, 0, 64, 32, DEVTEST_OK);
	renderer_null_retire(t->renderer, 2);
	devtest_poll(t);
	g_assert_cmpuint(s->dmabufs, ==, 2);
	g_assert_cmpuint(s->dmabuf_updates, ==, 2);

	/* nor after a reset */
	submit(t, 1, DEVTEST_OK);
	devtest_flush(t, 3, 0, 0, 64, 32, DEVTEST_OK);
	device_reset(t->dev);
	devtest_poll(t);
	g_assert_cmpuint(s->dmabuf_updates, ==, 2);
	g_assert_cmpuint(s->updates, ==, 0);
	devtest_free(t);
	renderer_null_set_hooks(NULL);
}

/* The renderer could, the display can not. */
static void test_no_dmabuf(void)
{
	struct devtest_config config = { .no_dmabuf = true };
	struct renderer_null_hooks hooks = { .dmabuf = true };
	struct devtest *t;

	renderer_null_set_hooks(&hooks);
	t = devtest_new(&config);
	devtest_create_3d(t, 2, 64, 32, DEVTEST_OK);
	devtest_scanout(t, 0, 2, 0, 0, 64, 32, DEVTEST_OK);
	devtest_flush(t, 2, 0, 0, 64, 32, DEVTEST_OK);
	g_assert_cmpuint(t->screens[0].updates, ==, 1);
	g_assert_cmpuint(t->screens[0].dmabuf_updates, ==, 0);
	devtest_free(t);
	renderer_null_set_hooks(NULL);
}

/* Destroying waits for every fence: the renderer would lose some. */
static void test_destroy_waits(void)
{
	struct renderer_null_hooks hooks = { .hold_fences = true };
	struct devtest_cmd *a, *b, *c;
	struct virtio_gpu_ctx_destroy destroy = {
		.hdr.type = DESTROY, .hdr.ctx_id = 1,
	};
	struct devtest *t;

	renderer_null_set_hooks(&hooks);
	t = devtest_new(NULL);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_ctx_create(t, 2, DEVTEST_OK);
	submit(t, 1, DEVTEST_OK);
	a = devtest_submit(t, 2, 10);
	b = devtest_send(t, 0, &destroy, sizeof(destroy), 24);
	c = devtest_submit(t, 2, 11);
	g_assert_false(a->done || b->done || c->done);
	g_assert_cmpuint(state_of(t).submits, ==, 2);
	renderer_null_retire(t->renderer, 1);
	devtest_poll(t);
	g_assert_false(a->done || b->done);
	renderer_null_retire(t->renderer, 2);
	devtest_poll(t);
	g_assert_true(a->done && b->done);
	g_assert_cmpuint(a->order, <, b->order);
	g_assert_false(c->done);
	g_assert_cmpuint(state_of(t).contexts, ==, 1);
	renderer_null_retire(t->renderer, 3);
	devtest_poll(t);
	devtest_done(t, a, DEVTEST_OK);
	devtest_done(t, b, DEVTEST_OK);
	devtest_done(t, c, DEVTEST_OK);
	/* a reset does not wait */
	a = devtest_submit(t, 2, 12);
	device_reset(t->dev);
	a->elem.in_len = 0;
	devtest_done(t, a, 0);
	g_assert_cmpuint(sched_client_report(t->sched)->inflight, ==, 0);
	devtest_free(t);
	renderer_null_set_hooks(NULL);
}

/* Without a lease GPU work and all behind it waits; questions pass. */
static void test_lease(void)
{
	struct devtest_config config = { .leases = true };
	struct devtest *t = devtest_new(&config);
	struct virtio_gpu_get_capset_info info = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
	};
	struct virtio_gpu_update_cursor move = {
		.hdr.type = VIRTIO_GPU_CMD_MOVE_CURSOR,
	};
	struct devtest_cmd *a, *b, *c;

	devtest_ctx_create(t, 1, DEVTEST_OK);
	a = devtest_submit(t, 1, 0);
	b = devtest_nop(t, 5);
	c = devtest_submit(t, 99, 0);
	g_assert_false(a->done || b->done || c->done);
	g_assert_cmpuint(sched_client_report(t->sched)->want, ==, 1);
	g_assert_cmpuint(sched_client_report(t->sched)->inflight, ==, 0);
	devtest_done(t, devtest_send(t, 0, &info, sizeof(info), 40),
		     VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	devtest_done(t, devtest_send(t, 1, &move, sizeof(move), 0), DEVTEST_OK);
	devtest_grant(t, true);
	g_assert_true(a->done && c->done);
	devtest_poll(t);
	g_assert_true(b->done);
	devtest_done(t, a, DEVTEST_OK);
	devtest_done(t, b, DEVTEST_OK);
	devtest_done(t, c, BAD_CONTEXT);
	g_assert_cmpuint(sched_client_report(t->sched)->inflight, ==, 0);
	g_assert_cmpuint(sched_client_report(t->sched)->jobs, ==, 1);
	devtest_free(t);
}

/* The ring is stopped: nothing begins, whatever is granted or retires. */
static void test_pause(void)
{
	struct devtest_config config = { .leases = true };
	struct devtest *t = devtest_new(&config);
	struct devtest_cmd *a, *b;

	devtest_ctx_create(t, 1, DEVTEST_OK);
	a = devtest_submit(t, 1, 1);
	b = devtest_nop(t, 2);
	device_pause(t->dev, true);
	devtest_grant(t, true);
	devtest_poll(t);
	g_assert_false(a->done || b->done);
	g_assert_cmpuint(state_of(t).submits, ==, 0);
	device_pause(t->dev, false);
	device_run(t->dev);
	devtest_poll(t);
	devtest_done(t, a, DEVTEST_OK);
	devtest_done(t, b, DEVTEST_OK);
	devtest_free(t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-device-3d", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/device/3d/contexts", test_contexts);
	g_test_add_func("/device/3d/context-name", test_context_name);
	g_test_add_func("/device/3d/context-flood", test_context_flood);
	g_test_add_func("/device/3d/attach", test_attach);
	g_test_add_func("/device/3d/attach-flood", test_attach_flood);
	g_test_add_func("/device/3d/create-bad", test_create_bad);
	g_test_add_func("/device/3d/size", test_size);
	g_test_add_func("/device/3d/quota", test_quota);
	g_test_add_func("/device/3d/transfer", test_transfer);
	g_test_add_func("/device/3d/promote", test_promote);
	g_test_add_func("/device/3d/scanout", test_scanout_3d);
	g_test_add_func("/device/3d/dmabuf", test_dmabuf);
	g_test_add_func("/device/3d/no-dmabuf", test_no_dmabuf);
	g_test_add_func("/device/3d/destroy-waits", test_destroy_waits);
	g_test_add_func("/device/3d/lease", test_lease);
	g_test_add_func("/device/3d/pause", test_pause);
	return g_test_run();
}
