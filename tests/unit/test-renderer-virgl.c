// SPDX-License-Identifier: MIT
/*
 * test-renderer-virgl.c - the renderer over virglrenderer, on the CPU renderer
 *
 * With RENDER_NODE=/dev/dri/renderD128 in the environment, on that GPU.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "protocol/vgpu_ipc.h"
#include "protocol/virtio_gpu.h"
#include "renderer/renderer.h"
#include "tests/lib/virgl_encode.h"

#define W	64
#define H	32

#if defined(__SANITIZE_ADDRESS__)
#include <dlfcn.h>
#include <link.h>

/* Mesa leaks a little with each display; that is not for us to mend. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:_dri.so\nleak:libgallium\n";
}

static int keep_one(struct dl_phdr_info *info, size_t size, void *opaque)
{
	if (strstr(info->dlpi_name, "_dri.so"))
		dlopen(info->dlpi_name, RTLD_LAZY | RTLD_NOLOAD |
		       RTLD_NODELETE);
	return 0;
}

/* A leak is known by its library only while that is loaded. */
static void keep_drivers(void)
{
	dl_iterate_phdr(keep_one, NULL);
}
#else
static void keep_drivers(void)
{
}
#endif

static struct renderer *r;
static uint64_t last_emitted, last_retired;
static unsigned int callbacks;

static void fences_retired(void *opaque, uint64_t fence)
{
	g_assert_true(opaque == &last_retired);
	/* numbers only grow, and none retires that was not emitted */
	g_assert_cmpuint(fence, >, last_retired);
	g_assert_cmpuint(fence, <=, last_emitted);
	last_retired = fence;
	callbacks++;
}

static void setup(void)
{
	struct renderer_config config = {
		.render_node = getenv("RENDER_NODE"),
		.fences_retired = fences_retired,
		.opaque = &last_retired,
	};

	last_emitted = last_retired = 0;
	callbacks = 0;
	r = renderer_virgl_new(&config);
	g_assert_nonnull(r);
	keep_drivers();
}

static void teardown(void)
{
	r->ops->free(r);
	r = NULL;
}

static int new_fence(uint32_t ctx)
{
	int ret = r->ops->fence(r, ctx, ++last_emitted);

	g_assert_cmpint(ret, >=, 0);
	if (ret == 1) {
		/* only when none before it is on its way */
		g_assert_cmpuint(last_retired, ==, last_emitted - 1);
		last_retired = last_emitted;
	}
	return ret;
}

static void wait_fences(uint64_t until)
{
	struct pollfd p = { .fd = r->ops->poll_fd(r), .events = POLLIN };

	while (last_retired < until) {
		g_assert_cmpint(poll(&p, 1, 30000), ==, 1);
		r->ops->poll(r);
	}
}

static void texture(uint32_t id, uint32_t flags)
{
	struct renderer_resource res = {
		.id = id, .target = VIRGL_TARGET_2D,
		.format = VIRGL_FORMAT_B8G8R8A8_UNORM,
		.bind = VIRGL_BIND_RENDER_TARGET | VIRGL_BIND_SAMPLER_VIEW,
		.width = W, .height = H, .depth = 1, .array_size = 1,
		.flags = flags,
	};

	g_assert_cmpint(r->ops->resource_create(r, &res), ==, 0);
}

static int submit(uint32_t ctx, const struct virgl_stream *s)
{
	return r->ops->submit(r, ctx, s->word, s->n);
}

/* A context that draws into a texture of its own. */
static void context(uint32_t ctx, uint32_t res)
{
	struct virgl_stream s = { 0 };

	g_assert_cmpint(r->ops->context_create(r, ctx, 0, "test"), ==, 0);
	g_assert_cmpint(r->ops->context_attach(r, ctx, res), ==, 0);
	virgl_surface(&s, 1, res, VIRGL_FORMAT_B8G8R8A8_UNORM);
	virgl_framebuffer(&s, 1);
	g_assert_cmpint(submit(ctx, &s), ==, 0);
}

static int clear(uint32_t ctx, float red, float green, float blue)
{
	const float rgba[4] = { red, green, blue, 1 };
	struct virgl_stream s = { 0 };

	virgl_clear(&s, rgba);
	return submit(ctx, &s);
}

static uint32_t pixel_of(uint32_t res, uint32_t x, uint32_t y)
{
	uint32_t pixel = 0x12345678;

	g_assert_cmpint(r->ops->read_pixels(r, res, x, y, 1, 1, &pixel, 4),
			==, 0);
	return pixel;
}

static struct renderer_transfer whole(uint32_t ctx, uint32_t res)
{
	return (struct renderer_transfer){
		.resource = res, .context = ctx, .w = W, .h = H, .d = 1,
	};
}

static void test_probe(void)
{
	struct vgpu_caps *caps = g_new0(struct vgpu_caps, 1);
	const char *why = NULL, *node = getenv("RENDER_NODE");
	uint32_t bits;

	/* a renderer before it leaves nothing that disturbs it */
	setup();
	teardown();
	g_assert_cmpint(renderer_virgl_probe(node, caps, &why), ==, 0);
	g_assert_cmpuint(caps->magic, ==, VGPU_CAPS_MAGIC);
	g_assert_cmpuint(caps->count, ==, 2);
	g_assert_cmpuint(caps->sets[0].id, ==, VIRTIO_GPU_CAPSET_VIRGL);
	g_assert_cmpuint(caps->sets[0].size, ==, VIRGL_CAPS_V1_SIZE);
	g_assert_cmpuint(caps->sets[1].id, ==, VIRTIO_GPU_CAPSET_VIRGL2);
	g_assert_cmpuint(caps->sets[1].size, >=, 1376);
	memcpy(&bits, caps->sets[1].data, 4);
	g_assert_cmpuint(bits, >, 0);		/* max_version */
	memcpy(&bits, caps->sets[1].data + VIRGL_CAPS_BITS_OFFSET, 4);
	g_assert_cmpuint(bits, !=, 0);
	g_assert_cmpuint(bits & VIRGL_CAP_ARB_BUFFER_STORAGE, ==, 0);
	memcpy(&bits, caps->sets[1].data + VIRGL_CAPS_MEMORY_OFFSET, 4);
	g_assert_cmpuint(bits, ==, 0);
	memcpy(&bits, caps->sets[1].data + VIRGL_CAPS_VIDEO_OFFSET, 4);
	g_assert_cmpuint(bits, ==, 0);
	g_assert_cmpuint(strlen(caps->renderer), >, 0);
	g_test_message("%s, capset 2 of %u bytes", caps->renderer,
		       caps->sets[1].size);
	if (strstr(caps->renderer, "llvmpipe"))
		g_assert_cmpuint(caps->flags & VGPU_CAPS_CPU_RENDERER, !=, 0);
	g_free(caps);
}

static void test_probe_fails(void)
{
	struct vgpu_caps *caps = g_new0(struct vgpu_caps, 1);
	struct renderer_config config = {
		.render_node = "/dev/no-such-node",
		.fences_retired = fences_retired,
	};
	const char *why = NULL;

	/* not there; there, but no GPU */
	g_assert_cmpint(renderer_virgl_probe("/dev/no-such-node", caps, &why),
			==, -ENOENT);
	g_assert_nonnull(strstr(why, "no such render node"));
	g_assert_cmpuint(caps->count, ==, 0);
	why = NULL;
	g_assert_cmpint(renderer_virgl_probe("/dev/null", caps, &why), <, 0);
	g_assert_nonnull(why);
	log_set_level(LOG_LEVEL_ERROR - 1);
	g_assert_null(renderer_virgl_new(&config));
	g_assert_cmpint(errno, ==, ENOENT);
	log_set_level(LOG_LEVEL_ERROR);
	g_free(caps);
}

static void test_clear(void)
{
	static uint32_t got[W * H];
	struct iovec iov[3] = {
		/* a cut in the middle of a pixel */
		{ got, 4001 }, { (char *)got + 4001, 99 },
		{ (char *)got + 4100, sizeof(got) - 4100 },
	};
	struct renderer_transfer t = whole(1, 1);
	int i;

	setup();
	texture(1, 0);
	context(1, 1);
	g_assert_cmpint(clear(1, 1, 0.5f, 0), ==, 0);
	new_fence(1);
	wait_fences(last_emitted);
	/* no backing yet, then all of it, then one byte too few */
	g_assert_cmpint(r->ops->transfer_from_host(r, &t), ==, -EINVAL);
	g_assert_cmpint(r->ops->attach_iov(r, 1, iov, 3), ==, 0);
	g_assert_cmpint(r->ops->attach_iov(r, 1, iov, 3), ==, -EINVAL);
	g_assert_cmpint(r->ops->transfer_from_host(r, &t), ==, 0);
	for (i = 0; i < W * H; i++)
		g_assert_cmphex(got[i], ==, 0xffff8000);
	r->ops->detach_iov(r, 1);
	iov[2].iov_len--;
	g_assert_cmpint(r->ops->attach_iov(r, 1, iov, 3), ==, 0);
	g_assert_cmpint(r->ops->transfer_from_host(r, &t), <, 0);
	r->ops->detach_iov(r, 1);
	teardown();
}

/* What is outside the box stays as it was. */
static void test_transfer_box(void)
{
	static uint32_t mem[W * H];
	struct iovec iov = { mem, sizeof(mem) };
	struct renderer_transfer t = whole(0, 1);
	uint32_t x, y;

	setup();
	texture(1, 0);
	g_assert_cmpint(r->ops->attach_iov(r, 1, &iov, 1), ==, 0);
	for (x = 0; x < W * H; x++)
		mem[x] = 0xff000000 | x;
	g_assert_cmpint(r->ops->transfer_to_host(r, &t), ==, 0);
	memset(mem, 0x55, sizeof(mem));
	t.x = 3;
	t.y = 5;
	t.w = 7;
	t.h = 9;
	t.stride = W * 4;
	t.offset = (5 * W + 3) * 4;
	g_assert_cmpint(r->ops->transfer_from_host(r, &t), ==, 0);
	for (y = 0; y < H; y++)
		for (x = 0; x < W; x++)
			g_assert_cmphex(mem[y * W + x], ==,
					x >= 3 && x < 10 && y >= 5 && y < 14 ?
					(0xff000000 | (y * W + x)) :
					0x55555555);
	r->ops->detach_iov(r, 1);
	teardown();
}

static void test_transfer_bad(void)
{
	static uint32_t mem[W * H];
	struct iovec iov = { mem, sizeof(mem) };
	static const struct renderer_transfer bad[] = {
		{ .resource = 2, .w = 1, .h = 1, .d = 1 },
		{ .resource = 1, .w = W + 1, .h = 1, .d = 1 },
		{ .resource = 1, .x = 1, .w = W, .h = 1, .d = 1 },
		{ .resource = 1, .x = UINT32_MAX, .w = 2, .h = 1, .d = 1 },
		{ .resource = 1, .y = 2, .w = 1, .h = UINT32_MAX, .d = 1 },
		{ .resource = 1, .z = 1, .w = 1, .h = 1, .d = 1 },
		{ .resource = 1, .w = 1, .h = 1, .d = 2 },
		{ .resource = 1, .level = 1, .w = 1, .h = 1, .d = 1 },
		{ .resource = 1, .level = 40, .w = 1, .h = 1, .d = 1 },
		{ .resource = 1, .w = W, .h = H, .d = 1, .stride = 4 },
		{ .resource = 1, .w = W, .h = H, .d = 1, .offset = 4 },
		{ .resource = 1, .w = 1, .h = 1, .d = 1,
		  .offset = UINT64_MAX - 1 },
		{ .resource = 1, .w = 1, .h = H, .d = 1,
		  .stride = UINT32_MAX },
		{ .resource = 1, .context = 7, .w = 1, .h = 1, .d = 1 },
	};
	size_t i;

	setup();
	texture(1, 0);
	memset(mem, 0x55, sizeof(mem));
	g_assert_cmpint(r->ops->attach_iov(r, 1, &iov, 1), ==, 0);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_message("case %zu", i);
		g_assert_cmpint(r->ops->transfer_from_host(r, &bad[i]), <, 0);
		g_assert_cmpint(r->ops->transfer_to_host(r, &bad[i]), <, 0);
	}
	r->ops->detach_iov(r, 1);
	teardown();
}

/* Row 0 is the top, however GL has it. */
static void test_orientation(gconstpointer data)
{
	uint32_t flags = GPOINTER_TO_UINT(data);
	static uint32_t mem[W * H];
	struct iovec iov = { mem, sizeof(mem) };
	struct renderer_transfer t = whole(0, 1);
	struct virgl_stream s = { 0 };
	uint32_t got[4][6];
	uint32_t x, y;

	setup();
	texture(1, flags);
	context(1, 1);
	for (y = 0; y < H; y++)
		for (x = 0; x < W; x++)
			mem[y * W + x] = 0xff000000 | y << 8 | x;
	g_assert_cmpint(r->ops->attach_iov(r, 1, &iov, 1), ==, 0);
	g_assert_cmpint(r->ops->transfer_to_host(r, &t), ==, 0);
	memset(got, 0x55, sizeof(got));
	g_assert_cmpint(r->ops->read_pixels(r, 1, 10, 20, 5, 4, got,
					    sizeof(got[0])), ==, 0);
	for (y = 0; y < 4; y++) {
		for (x = 0; x < 5; x++)
			g_assert_cmphex(got[y][x], ==, 0xff000000 |
					(20 + y) << 8 | (10 + x));
		g_assert_cmphex(got[y][5], ==, 0x55555555);
	}
	/* the guest's own drawing counts from the same end */
	if (!flags) {
		virgl_clear_rect(&s, 1, 0, 0, W, 2, 0xff0000ff);
		g_assert_cmpint(submit(1, &s), ==, 0);
		g_assert_cmphex(pixel_of(1, 5, 1), ==, 0xff0000ff);
		g_assert_cmphex(pixel_of(1, 5, 2), ==, 0xff000205);
		g_assert_cmphex(pixel_of(1, 5, H - 1), ==,
				0xff000005 | (H - 1) << 8);
	}
	r->ops->detach_iov(r, 1);
	teardown();
}

static void test_read_pixels_bad(void)
{
	struct renderer_resource buffer = {
		.id = 2, .target = VIRGL_TARGET_BUFFER,
		.format = VIRGL_FORMAT_R8_UNORM,
		.bind = VIRGL_BIND_VERTEX_BUFFER,
		.width = 4096, .height = 1, .depth = 1, .array_size = 1,
	};
	struct renderer_dmabuf out;
	uint32_t got[W];

	setup();
	texture(1, 0);
	g_assert_cmpint(r->ops->resource_create(r, &buffer), ==, 0);
	g_assert_cmpint(r->ops->read_pixels(r, 3, 0, 0, 1, 1, got, 4), <, 0);
	g_assert_cmpint(r->ops->read_pixels(r, 2, 0, 0, 1, 1, got, 4), <, 0);
	g_assert_cmpint(r->ops->read_pixels(r, 1, W, 0, 1, 1, got, 4), <, 0);
	g_assert_cmpint(r->ops->read_pixels(r, 1, 1, 0, UINT32_MAX, 1, got,
					    4), <, 0);
	g_assert_cmpint(r->ops->read_pixels(r, 1, 0, 0, 0, 1, got, 4), <, 0);
	g_assert_cmpint(r->ops->read_pixels(r, 1, 0, 0, 2, 1, got, 4), <, 0);
	g_assert_cmpint(r->ops->read_pixels(r, 1, 0, 0, 1, 1, got, 5), <, 0);
	g_assert_cmpint(r->ops->export_dmabuf(r, 2, &out), <, 0);
	g_assert_cmpint(r->ops->export_dmabuf(r, 9, &out), <, 0);
	teardown();
}

/* Where the GPU can hand out its memory, and only there. */
static void test_export(void)
{
	struct vgpu_caps *caps = g_new0(struct vgpu_caps, 1);
	struct renderer_dmabuf out = { .fd = -1 };
	const char *why;
	int ret;

	g_assert_cmpint(renderer_virgl_probe(getenv("RENDER_NODE"), caps,
					     &why), ==, 0);
	setup();
	texture(1, VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP);
	context(1, 1);
	g_assert_cmpint(clear(1, 1, 0, 0), ==, 0);
	ret = r->ops->export_dmabuf(r, 1, &out);
	if (caps->flags & VGPU_CAPS_DMABUF) {
		g_assert_cmpint(ret, ==, 0);
		g_assert_cmpuint(out.width, ==, W);
		g_assert_cmpuint(out.height, ==, H);
		g_assert_cmpuint(out.stride, >=, W * 4);
		/* AR24 or AB24: how GL keeps it is not the guest's order */
		g_assert_true(out.fourcc == 0x34325241 ||
			      out.fourcc == 0x34324241);
		g_assert_true(out.y_0_top);
		/* of a paravirtual GPU's only a part is here */
		g_assert_cmpint(lseek(out.fd, 0, SEEK_END), >, 0);
		close(out.fd);
	} else {
		g_assert_cmpint(ret, ==, -ENOTSUP);
	}
	g_test_message("export: %d, modifier %#" G_GINT64_MODIFIER "x", ret,
		       out.modifier);
	/* whatever came of it, drawing goes on */
	g_assert_cmpint(clear(1, 0, 1, 0), ==, 0);
	g_assert_cmphex(pixel_of(1, 0, 0), ==, 0xff00ff00);
	teardown();
	g_free(caps);
}

/* Whoever is made last is current in GL, whatever virglrenderer believes. */
static void test_current_context(void)
{
	setup();
	texture(1, 0);
	texture(2, 0);
	context(1, 1);
	g_assert_cmpint(clear(1, 1, 0, 0), ==, 0);
	g_assert_cmpint(r->ops->context_create(r, 2, 0, "second"), ==, 0);
	g_assert_cmpint(clear(1, 0, 1, 0), ==, 0);
	g_assert_cmphex(pixel_of(1, 0, 0), ==, 0xff00ff00);
	r->ops->context_destroy(r, 2);
	g_assert_cmpint(clear(1, 0, 0, 1), ==, 0);
	g_assert_cmphex(pixel_of(1, 0, 0), ==, 0xff0000ff);
	teardown();
}

static void test_ids(void)
{
	struct renderer_resource again = {
		.id = 1, .target = VIRGL_TARGET_2D,
		.format = VIRGL_FORMAT_B8G8R8A8_UNORM,
		.bind = VIRGL_BIND_RENDER_TARGET,
		.width = 1, .height = 1, .depth = 1, .array_size = 1,
	};
	struct virgl_stream s = { 0 };

	setup();
	texture(1, 0);
	g_assert_cmpint(r->ops->resource_create(r, &again), ==, -EINVAL);
	again.id = 0;
	g_assert_cmpint(r->ops->resource_create(r, &again), ==, -EINVAL);
	again.id = 2;
	again.format = 100000;
	g_assert_cmpint(r->ops->resource_create(r, &again), ==, -EINVAL);
	g_assert_cmpint(r->ops->context_create(r, 0, 0, ""), ==, -EINVAL);
	g_assert_cmpint(r->ops->context_create(r, 1, 4, "venus"), ==, -EINVAL);
	virgl_nop(&s);
	g_assert_cmpint(submit(0, &s), ==, -EINVAL);
	g_assert_cmpint(submit(5, &s), ==, -EINVAL);
	g_assert_cmpint(r->ops->submit(r, 5, s.word, 0), ==, 0);
	/* nothing to do, nothing to fall over */
	r->ops->resource_unref(r, 77);
	r->ops->detach_iov(r, 77);
	r->ops->context_destroy(r, 77);
	r->ops->context_attach(r, 77, 77);
	r->ops->context_detach(r, 77, 77);
	teardown();
}

/*
 * 1000 fences on three contexts, while others come and go. virglrenderer
 * itself loses some here.
 */
static void test_fences(void)
{
	uint64_t i;

	setup();
	for (i = 1; i <= 3; i++) {
		texture((uint32_t)i, 0);
		context((uint32_t)i, (uint32_t)i);
	}
	for (i = 0; i < 1000; i++) {
		uint32_t ctx = 1 + (uint32_t)(i % 3);

		g_assert_cmpint(clear(ctx, 0, (float)(i % 256) / 255, 0), ==,
				0);
		new_fence(ctx);
		if (i % 10 == 5) {
			r->ops->context_destroy(r, ctx);
			context(ctx, ctx);
		}
		if (i % 7 == 0)
			r->ops->poll(r);
	}
	wait_fences(last_emitted);
	g_assert_cmpuint(last_retired, ==, 1000);
	/* and none is told twice */
	r->ops->poll(r);
	g_assert_cmpuint(last_retired, ==, 1000);
	g_test_message("%u callbacks", callbacks);
	teardown();
}

/* Fences are left when it all ends. */
static void test_free_with_fences(void)
{
	int i;

	setup();
	texture(1, 0);
	context(1, 1);
	for (i = 0; i < 50; i++) {
		g_assert_cmpint(clear(1, 1, 1, 1), ==, 0);
		new_fence(1);
	}
	teardown();
}

/* A fence covers what was drawn in every sub-context of a buffer. */
static void test_sub_contexts(void)
{
	const float red[4] = { 1, 0, 0, 1 }, green[4] = { 0, 1, 0, 1 };
	struct virgl_stream s = { 0 };

	setup();
	texture(1, 0);
	texture(2, 0);
	context(1, 1);
	r->ops->context_attach(r, 1, 2);
	virgl_sub_context(&s, VIRGL_CCMD_CREATE_SUB_CTX, 1);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 1);
	virgl_surface(&s, 1, 2, VIRGL_FORMAT_B8G8R8A8_UNORM);
	virgl_framebuffer(&s, 1);
	virgl_clear(&s, green);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 0);
	virgl_clear(&s, red);
	virgl_sub_context(&s, VIRGL_CCMD_DESTROY_SUB_CTX, 1);
	g_assert_cmpint(submit(1, &s), ==, 0);
	new_fence(1);
	wait_fences(last_emitted);
	g_assert_cmphex(pixel_of(1, 1, 1), ==, 0xffff0000);
	g_assert_cmphex(pixel_of(2, 1, 1), ==, 0xff00ff00);
	teardown();
}

/* A query's answer is in memory when the fence behind it retires. */
static void test_query(void)
{
	struct virgl_query_memory {
		uint32_t state, size;
		uint64_t result;
	} mem;
	struct iovec iov = { &mem, sizeof(mem) };
	struct renderer_resource res = {
		.id = 2, .target = VIRGL_TARGET_BUFFER,
		.format = VIRGL_FORMAT_R8_UNORM, .bind = VIRGL_BIND_CUSTOM,
		.width = sizeof(mem), .height = 1, .depth = 1, .array_size = 1,
	};
	struct virgl_stream s = { 0 };
	int i;

	setup();
	texture(1, 0);
	context(1, 1);
	g_assert_cmpint(r->ops->resource_create(r, &res), ==, 0);
	g_assert_cmpint(r->ops->attach_iov(r, 2, &iov, 1), ==, 0);
	r->ops->context_attach(r, 1, 2);
	virgl_query_create(&s, 9, 0, 2);
	g_assert_cmpint(submit(1, &s), ==, 0);
	for (i = 0; i < 100; i++) {
		const float rgba[4] = { 0, 0, (float)i / 100, 1 };

		memset(&mem, 0, sizeof(mem));
		mem.state = 2;		/* the guest waits */
		mem.result = 12345;
		s.n = 0;
		virgl_query(&s, VIRGL_CCMD_BEGIN_QUERY, 9);
		virgl_clear(&s, rgba);
		virgl_query(&s, VIRGL_CCMD_END_QUERY, 9);
		virgl_query(&s, VIRGL_CCMD_GET_QUERY_RESULT, 9);
		g_assert_cmpint(submit(1, &s), ==, 0);
		new_fence(1);
		wait_fences(last_emitted);
		g_assert_cmpuint(mem.state, ==, 1);	/* done */
		g_assert_cmpuint(mem.result, ==, 0);	/* clears do not count */
	}
	r->ops->detach_iov(r, 2);
	teardown();
}

/* No memory for one: the others go on. 4 GiB that llvmpipe does not give. */
static void test_out_of_memory(void)
{
	struct renderer_resource res = {
		.id = 3, .target = VIRGL_TARGET_2D,
		.format = VIRGL_FORMAT_R32G32B32A32_FLOAT,
		.bind = VIRGL_BIND_RENDER_TARGET,
		.width = 16384, .height = 16384, .depth = 1, .array_size = 1,
	};
	int ret;

	setup();
	texture(1, 0);
	context(1, 1);
	texture(2, 0);
	context(2, 2);
	g_assert_cmpint(clear(1, 1, 0, 0), ==, 0);
	ret = r->ops->resource_create(r, &res);
	if (!ret)	/* a GPU that has it */
		r->ops->resource_unref(r, 3);
	else
		g_assert_cmpint(ret, ==, -ENOMEM);
	g_test_message("16384 x 16384 x 16 bytes: %d", ret);
	g_assert_cmpint(clear(1, 0, 1, 0), ==, 0);
	g_assert_cmpint(clear(2, 0, 0, 1), ==, 0);
	g_assert_cmphex(pixel_of(1, 0, 0), ==, 0xff00ff00);
	g_assert_cmphex(pixel_of(2, 0, 0), ==, 0xff0000ff);
	/* the id is free again */
	texture(3, 0);
	teardown();
}

/* One context in error: the others draw, its fences retire. */
static void test_context_error(void)
{
	struct virgl_stream s = { 0 };
	int ret, i;

	setup();
	texture(1, 0);
	context(1, 1);
	texture(2, 0);
	context(2, 2);
	virgl_surface(&s, 5, 999, VIRGL_FORMAT_B8G8R8A8_UNORM);
	ret = submit(1, &s);
	g_assert_cmpint(ret, ==, -EINVAL);
	for (i = 0; i < 20; i++) {
		clear(1, 1, 1, 1);
		new_fence(1);
		g_assert_cmpint(clear(2, 0, 1, 0), ==, 0);
		new_fence(2);
	}
	wait_fences(last_emitted);
	g_assert_cmphex(pixel_of(2, 0, 0), ==, 0xff00ff00);
	/* destroyed and made again, it is as new */
	r->ops->context_destroy(r, 1);
	context(1, 1);
	g_assert_cmpint(clear(1, 0, 0, 1), ==, 0);
	g_assert_cmphex(pixel_of(1, 0, 0), ==, 0xff0000ff);
	teardown();
}

/* Past the limit of GL contexts a guest harms its own pictures only. */
static void test_many_sub_contexts(void)
{
	struct virgl_stream s = { 0 };
	uint32_t i;

	setup();
	texture(1, 0);
	context(1, 1);
	for (i = 1; i <= 1100; i++) {
		s.n = 0;
		virgl_sub_context(&s, VIRGL_CCMD_CREATE_SUB_CTX, i);
		virgl_nop(&s);
		g_assert_cmpint(submit(1, &s), ==, 0);
	}
	new_fence(1);
	wait_fences(last_emitted);
	r->ops->context_destroy(r, 1);
	context(1, 1);
	g_assert_cmpint(clear(1, 0, 1, 0), ==, 0);
	g_assert_cmphex(pixel_of(1, 0, 0), ==, 0xff00ff00);
	teardown();
}

static void random_stream(GRand *rand, struct virgl_stream *s)
{
	uint32_t n = 1 + g_rand_int(rand) % 40, i, k;

	s->n = 0;
	for (i = 0; i < n; i++) {
		uint32_t cmd = g_rand_int(rand) % 66;
		uint32_t len = g_rand_int(rand) % 16;

		if (s->n + len + 1 > 1000)
			break;
		virgl_command(s, cmd, g_rand_int(rand) % 13, len);
		for (k = 0; k < len; k++)
			virgl_word(s, g_rand_int(rand) % 3 ?
				   g_rand_int(rand) % 5 : g_rand_int(rand));
	}
	/* some end in the middle of a command */
	if (g_rand_int(rand) % 4 == 0)
		s->n -= g_rand_int(rand) % s->n;
}

static void fuzz_child(uint32_t seed)
{
	GRand *rand = g_rand_new_with_seed(seed);
	static uint32_t mem[W * H];
	struct iovec iov = { mem, sizeof(mem) };
	struct virgl_stream s;
	int i;

	setup();
	for (i = 0; i < 1000; i++) {
		if (i % 20 == 0) {
			if (i) {
				r->ops->context_destroy(r, 1);
				r->ops->resource_unref(r, 1);
			}
			texture(1, 0);
			g_assert_cmpint(r->ops->attach_iov(r, 1, &iov, 1), ==,
					0);
			context(1, 1);
		}
		random_stream(rand, &s);
		submit(1, &s);
		new_fence(1);
		r->ops->poll(r);
	}
	wait_fences(last_emitted);
	teardown();
	g_rand_free(rand);
}

/*
 * Garbage. virglrenderer may well die of it, which is why it has a process of
 * its own; but it must end, and in order where it does not die.
 */
static void test_garbage(void)
{
	uint32_t seed;
	int status, died = 0;

	for (seed = 1; seed <= 3; seed++) {
		pid_t pid = fork();

		g_assert_cmpint(pid, >=, 0);
		if (!pid) {
			alarm(60);
			fuzz_child(seed);
			_exit(0);
		}
		g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
		if (WIFSIGNALED(status)) {
			g_assert_cmpint(WTERMSIG(status), !=, SIGALRM);
			g_test_message("seed %u: signal %d", seed,
				       WTERMSIG(status));
			died++;
		} else {
			g_assert_cmpint(WEXITSTATUS(status), ==, 0);
		}
	}
	g_test_message("%d of 3 died", died);
}

static void test_one_only(void)
{
	struct renderer_config config = { .fences_retired = fences_retired };

	setup();
	log_set_level(LOG_LEVEL_ERROR - 1);
	g_assert_null(renderer_virgl_new(&config));
	g_assert_cmpint(errno, ==, EBUSY);
	log_set_level(LOG_LEVEL_ERROR);
	/* the first one is none the worse */
	texture(1, 0);
	context(1, 1);
	g_assert_cmpint(clear(1, 0, 1, 0), ==, 0);
	g_assert_cmphex(pixel_of(1, 0, 0), ==, 0xff00ff00);
	teardown();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-renderer-virgl", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	/* before this process has GL, which does not survive a fork */
	g_test_add_func("/renderer/virgl/garbage", test_garbage);
	g_test_add_func("/renderer/virgl/probe", test_probe);
	g_test_add_func("/renderer/virgl/probe/fails", test_probe_fails);
	g_test_add_func("/renderer/virgl/clear", test_clear);
	g_test_add_func("/renderer/virgl/transfer/box", test_transfer_box);
	g_test_add_func("/renderer/virgl/transfer/bad", test_transfer_bad);
	g_test_add_data_func("/renderer/virgl/orientation/plain",
			     GUINT_TO_POINTER(0), test_orientation);
	g_test_add_data_func("/renderer/virgl/orientation/y-0-top",
			     GUINT_TO_POINTER(VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP),
			     test_orientation);
	g_test_add_func("/renderer/virgl/read-pixels/bad",
			test_read_pixels_bad);
	g_test_add_func("/renderer/virgl/export", test_export);
	g_test_add_func("/renderer/virgl/current-context",
			test_current_context);
	g_test_add_func("/renderer/virgl/ids", test_ids);
	g_test_add_func("/renderer/virgl/fences", test_fences);
	g_test_add_func("/renderer/virgl/fences/left", test_free_with_fences);
	g_test_add_func("/renderer/virgl/sub-contexts", test_sub_contexts);
	g_test_add_func("/renderer/virgl/query", test_query);
	g_test_add_func("/renderer/virgl/out-of-memory", test_out_of_memory);
	g_test_add_func("/renderer/virgl/context-error", test_context_error);
	g_test_add_func("/renderer/virgl/many-sub-contexts",
			test_many_sub_contexts);
	g_test_add_func("/renderer/virgl/one-only", test_one_only);
	return g_test_run();
}
