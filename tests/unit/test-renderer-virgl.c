// SPDX-License-Identifier: MIT
/*
 * test-renderer-virgl.c - the renderer over virglrenderer: probe, pixels, ids
 *
 * With RENDER_NODE=/dev/dri/renderD128 in the environment, on that GPU.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "base/log.h"
#include "protocol/vgpu_ipc.h"
#include "protocol/virtio_gpu.h"
#include "tests/lib/rig.h"

#define W	RIG_W
#define H	RIG_H

static struct renderer *r;

static void setup(void)
{
	r = rig_setup();
}

static void retired(void *opaque, uint64_t fence)
{
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
	rig_teardown();
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
		.fences_retired = retired,
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
	rig_texture(1, 0);
	rig_context(1, 1);
	g_assert_cmpint(rig_clear(1, 1, 0.5f, 0), ==, 0);
	rig_new_fence(1);
	rig_wait_fences(rig.emitted);
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
	rig_teardown();
}

/* What is outside the box stays as it was. */
static void test_transfer_box(void)
{
	static uint32_t mem[W * H];
	struct iovec iov = { mem, sizeof(mem) };
	struct renderer_transfer t = whole(0, 1);
	uint32_t x, y;

	setup();
	rig_texture(1, 0);
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
	rig_teardown();
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
	rig_texture(1, 0);
	memset(mem, 0x55, sizeof(mem));
	g_assert_cmpint(r->ops->attach_iov(r, 1, &iov, 1), ==, 0);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_test_message("case %zu", i);
		g_assert_cmpint(r->ops->transfer_from_host(r, &bad[i]), <, 0);
		g_assert_cmpint(r->ops->transfer_to_host(r, &bad[i]), <, 0);
	}
	r->ops->detach_iov(r, 1);
	rig_teardown();
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
	rig_texture(1, flags);
	rig_context(1, 1);
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
		g_assert_cmpint(rig_submit(1, &s), ==, 0);
		g_assert_cmphex(rig_pixel_of(1, 5, 1), ==, 0xff0000ff);
		g_assert_cmphex(rig_pixel_of(1, 5, 2), ==, 0xff000205);
		g_assert_cmphex(rig_pixel_of(1, 5, H - 1), ==,
				0xff000005 | (H - 1) << 8);
	}
	r->ops->detach_iov(r, 1);
	rig_teardown();
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
	rig_texture(1, 0);
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
	rig_teardown();
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
	rig_texture(1, VIRTIO_GPU_RESOURCE_FLAG_Y_0_TOP);
	rig_context(1, 1);
	g_assert_cmpint(rig_clear(1, 1, 0, 0), ==, 0);
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
	g_assert_cmpint(rig_clear(1, 0, 1, 0), ==, 0);
	g_assert_cmphex(rig_pixel_of(1, 0, 0), ==, 0xff00ff00);
	rig_teardown();
	g_free(caps);
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
	rig_texture(1, 0);
	g_assert_cmpint(r->ops->resource_create(r, &again), ==, -EINVAL);
	again.id = 0;
	g_assert_cmpint(r->ops->resource_create(r, &again), ==, -EINVAL);
	again.id = 2;
	again.format = 100000;
	g_assert_cmpint(r->ops->resource_create(r, &again), ==, -EINVAL);
	g_assert_cmpint(r->ops->context_create(r, 0, 0, ""), ==, -EINVAL);
	g_assert_cmpint(r->ops->context_create(r, 1, 4, "venus"), ==, -EINVAL);
	virgl_nop(&s);
	g_assert_cmpint(rig_submit(0, &s), ==, -EINVAL);
	g_assert_cmpint(rig_submit(5, &s), ==, -EINVAL);
	g_assert_cmpint(r->ops->submit(r, 5, s.word, 0), ==, 0);
	/* nothing to do, nothing to fall over */
	r->ops->resource_unref(r, 77);
	r->ops->detach_iov(r, 77);
	r->ops->context_destroy(r, 77);
	r->ops->context_attach(r, 77, 77);
	r->ops->context_detach(r, 77, 77);
	rig_teardown();
}

static void test_one_only(void)
{
	struct renderer_config config = { .fences_retired = retired };

	setup();
	log_set_level(LOG_LEVEL_ERROR - 1);
	g_assert_null(renderer_virgl_new(&config));
	g_assert_cmpint(errno, ==, EBUSY);
	log_set_level(LOG_LEVEL_ERROR);
	/* the first one is none the worse */
	rig_texture(1, 0);
	rig_context(1, 1);
	g_assert_cmpint(rig_clear(1, 0, 1, 0), ==, 0);
	g_assert_cmphex(rig_pixel_of(1, 0, 0), ==, 0xff00ff00);
	rig_teardown();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-renderer-virgl", NULL);
	log_set_level(LOG_LEVEL_ERROR);
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
	g_test_add_func("/renderer/virgl/ids", test_ids);
	g_test_add_func("/renderer/virgl/one-only", test_one_only);
	return g_test_run();
}
