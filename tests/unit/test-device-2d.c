// SPDX-License-Identifier: MIT
/*
 * test-device-2d.c - 2D resources, backing, scanouts and cursors
 */
#include <string.h>
#include <glib.h>
#include "device/pixels.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"
#include "tests/lib/devtest.h"

#define BGRA		VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM
#define BAD_RESOURCE	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_PARAMETER	VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_SCANOUT	VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID
#define NO_MEMORY	VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define UNSPEC		VIRTIO_GPU_RESP_ERR_UNSPEC

static void fill(struct devtest *t, uint32_t offset, size_t words)
{
	uint32_t *p = (uint32_t *)(t->ram + offset);

	for (size_t i = 0; i < words; i++)
		p[i] = (uint32_t)i * 2654435761u;
}

/* A picture with everything attached, shown on output 0. */
static void show(struct devtest *t, uint32_t id, uint32_t w, uint32_t h)
{
	devtest_create_2d(t, id, BGRA, w, h, DEVTEST_OK);
	devtest_attach(t, id, 4096, w * h * 4, DEVTEST_OK);
	devtest_scanout(t, 0, id, 0, 0, w, h, DEVTEST_OK);
}

static void test_show(void)
{
	struct devtest *t = devtest_new(NULL);
	uint32_t *ram = (uint32_t *)(t->ram + 4096);

	fill(t, 4096, 64 * 32);
	show(t, 1, 64, 32);
	devtest_transfer(t, 1, 64, 32, DEVTEST_OK);
	g_assert_cmpuint(t->screens[0].updates, ==, 0);
	devtest_flush(t, 1, 3, 5, 7, 2, DEVTEST_OK);
	g_assert_cmpuint(t->screens[0].updates, ==, 1);
	/* the damage and nothing else */
	for (uint32_t y = 0; y < 32; y++)
		for (uint32_t x = 0; x < 64; x++) {
			bool in = x >= 3 && x < 10 && y >= 5 && y < 7;

			g_assert_cmphex(t->screens[0].pixels[y * 64 + x], ==,
					in ? ram[y * 64 + x] : 0);
		}
	g_assert_cmpuint(sched_client_report(t->sched)->frames, ==, 1);
	g_assert_cmpuint(sched_client_report(t->sched)->memory, ==, 64 * 32 * 4);
	g_assert_cmpuint(t->renderers, ==, 0);
	devtest_unref(t, 1, DEVTEST_OK);
	g_assert_null(t->screens[0].pixels);
	g_assert_cmpuint(sched_client_report(t->sched)->memory, ==, 0);
	devtest_free(t);
}

/* Where blue, green, red and alpha are, told a second time by other means. */
static const struct {
	uint32_t format;
	uint8_t b, g, r, a;
} layouts[] = {
	{ VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM, 0, 1, 2, 3 },
	{ VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 0, 1, 2, 3 },
	{ VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, 3, 2, 1, 0 },
	{ VIRTIO_GPU_FORMAT_X8R8G8B8_UNORM, 3, 2, 1, 0 },
	{ VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM, 2, 1, 0, 3 },
	{ VIRTIO_GPU_FORMAT_X8B8G8R8_UNORM, 1, 2, 3, 0 },
	{ VIRTIO_GPU_FORMAT_A8B8G8R8_UNORM, 1, 2, 3, 0 },
	{ VIRTIO_GPU_FORMAT_R8G8B8X8_UNORM, 2, 1, 0, 3 },
};

static void test_formats(void)
{
	struct devtest *t = devtest_new(NULL);

	fill(t, 4096, 48 * 20);
	for (size_t i = 0; i < G_N_ELEMENTS(layouts); i++) {
		uint32_t id = (uint32_t)i + 1;
		const uint8_t *from = t->ram + 4096;
		uint8_t *got;

		devtest_create_2d(t, id, layouts[i].format, 48, 20, DEVTEST_OK);
		devtest_attach(t, id, 4096, 48 * 20 * 4, DEVTEST_OK);
		devtest_transfer(t, id, 48, 20, DEVTEST_OK);
		devtest_scanout(t, 0, id, 0, 0, 48, 20, DEVTEST_OK);
		devtest_flush(t, id, 0, 0, 48, 20, DEVTEST_OK);
		got = (uint8_t *)t->screens[0].pixels;
		for (int p = 0; p < 48 * 20 * 4; p += 4) {
			g_assert_cmphex(got[p], ==, from[p + layouts[i].b]);
			g_assert_cmphex(got[p + 1], ==, from[p + layouts[i].g]);
			g_assert_cmphex(got[p + 2], ==, from[p + layouts[i].r]);
			g_assert_cmphex(got[p + 3], ==, from[p + layouts[i].a]);
		}
	}
	g_assert_cmpuint(t->screens[0].modes, ==, G_N_ELEMENTS(layouts));
	devtest_free(t);
}

static void test_create_bad(void)
{
	struct devtest *t = devtest_new(NULL);

	devtest_create_2d(t, 0, BGRA, 8, 8, BAD_RESOURCE);
	devtest_create_2d(t, 1, 0, 8, 8, BAD_PARAMETER);
	devtest_create_2d(t, 1, 5, 8, 8, BAD_PARAMETER);
	devtest_create_2d(t, 1, 0xffffffff, 8, 8, BAD_PARAMETER);
	devtest_create_2d(t, 1, BGRA, 0, 8, BAD_PARAMETER);
	devtest_create_2d(t, 1, BGRA, 8, 0, BAD_PARAMETER);
	devtest_create_2d(t, 1, BGRA, 16385, 1, BAD_PARAMETER);
	devtest_create_2d(t, 1, BGRA, 1, 16385, BAD_PARAMETER);
	/* width * height * 4 wraps 32 bits to nothing */
	devtest_create_2d(t, 1, BGRA, 0x10000, 0x10000, BAD_PARAMETER);
	devtest_create_2d(t, 1, BGRA, 0x80000001, 0x80000001, BAD_PARAMETER);
	/* the quota is 64 MiB */
	devtest_create_2d(t, 1, BGRA, 16384, 16384, NO_MEMORY);
	devtest_create_2d(t, 1, BGRA, 4096, 4096, DEVTEST_OK);
	devtest_create_2d(t, 2, BGRA, 1, 1, NO_MEMORY);
	devtest_create_2d(t, 1, BGRA, 1, 1, BAD_RESOURCE);
	devtest_unref(t, 2, BAD_RESOURCE);
	devtest_unref(t, 1, DEVTEST_OK);
	devtest_unref(t, 1, BAD_RESOURCE);
	devtest_create_2d(t, 0xffffffff, BGRA, 1, 1, DEVTEST_OK);
	devtest_free(t);
}

struct attach {
	struct virtio_gpu_resource_attach_backing req;
	struct virtio_gpu_mem_entry entries[64];
};

static void attach_many(struct devtest *t, struct attach *a, uint32_t n,
			uint32_t want)
{
	a->req.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING;
	a->req.nr_entries = n;
	devtest_done(t, devtest_send(t, 0, a, sizeof(a->req) +
				     n * sizeof(a->entries[0]), 24), want);
}

/* Pages in any order, pieces of any size: same picture as one piece. */
static void test_scattered(void)
{
	struct devtest *t = devtest_new(NULL);
	struct attach a = { .req.resource_id = 1 };
	uint8_t *linear = g_malloc(64 * 1024);
	uint32_t n, done = 0;

	for (n = 0; done < 100 * 100 * 4; n++) {
		uint32_t len = (uint32_t)g_test_rand_int_range(1, 3000);
		uint32_t at = (63 - n) * 8192;

		a.entries[n].addr = DEVTEST_GPA + at;
		a.entries[n].length = len;
		for (uint32_t i = 0; i < len; i++)
			t->ram[at + i] = linear[done + i] =
				(uint8_t)g_test_rand_int();
		done += len;
	}
	devtest_create_2d(t, 1, BGRA, 100, 100, DEVTEST_OK);
	attach_many(t, &a, n, DEVTEST_OK);
	devtest_scanout(t, 0, 1, 0, 0, 100, 100, DEVTEST_OK);
	devtest_transfer(t, 1, 100, 100, DEVTEST_OK);
	devtest_flush(t, 1, 0, 0, 100, 100, DEVTEST_OK);
	g_assert_cmpmem(t->screens[0].pixels, 40000, linear, 40000);
	g_free(linear);
	devtest_free(t);
}

static void transfer(struct devtest *t, struct virtio_gpu_rect r,
		     uint64_t offset, uint32_t want)
{
	struct virtio_gpu_transfer_to_host_2d req = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = r, .offset = offset, .resource_id = 1,
	};

	devtest_ask(t, req, want);
}

static void test_transfer(void)
{
	struct devtest *t = devtest_new(NULL);
	uint32_t *ram = (uint32_t *)(t->ram + 4096);

	fill(t, 4096, 64 * 32);
	devtest_create_2d(t, 1, BGRA, 64, 32, DEVTEST_OK);
	transfer(t, (struct virtio_gpu_rect){ 0, 0, 64, 32 }, 0, BAD_PARAMETER);
	devtest_attach(t, 1, 4096, 64 * 32 * 4, DEVTEST_OK);
	devtest_scanout(t, 0, 1, 0, 0, 64, 32, DEVTEST_OK);

	/* the offset names the first pixel of the rectangle */
	transfer(t, (struct virtio_gpu_rect){ 10, 4, 3, 2 },
		 (4 * 64 + 10) * 4, DEVTEST_OK);
	devtest_flush(t, 1, 0, 0, 64, 32, DEVTEST_OK);
	for (uint32_t y = 0; y < 32; y++)
		for (uint32_t x = 0; x < 64; x++) {
			bool in = x >= 10 && x < 13 && y >= 4 && y < 6;

			g_assert_cmphex(t->screens[0].pixels[y * 64 + x], ==,
					in ? ram[y * 64 + x] : 0);
		}

	/* the very last pixel, and one byte more */
	transfer(t, (struct virtio_gpu_rect){ 63, 31, 1, 1 },
		 64 * 32 * 4 - 4, DEVTEST_OK);
	transfer(t, (struct virtio_gpu_rect){ 63, 31, 1, 1 },
		 64 * 32 * 4 - 3, BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 0, 0, 64, 32 }, 1, BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 0, 0, 1, 1 }, UINT64_MAX,
		 BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 0, 0, 64, 32 },
		 UINT64_MAX - 64 * 32 * 4 + 1, BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 0, 0, 65, 1 }, 0, BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 0, 0, 0, 1 }, 0, BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 0, 0, 1, 0 }, 0, BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 64, 0, 1, 1 }, 0, BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 0xffffffff, 0, 2, 1 }, 0,
		 BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 1, 0xffffffff, 1, 2 }, 0,
		 BAD_PARAMETER);
	transfer(t, (struct virtio_gpu_rect){ 0x80000000, 0, 0x80000000, 1 }, 0,
		 BAD_PARAMETER);
	devtest_free(t);
}

static void test_backing(void)
{
	struct devtest *t = devtest_new(NULL);
	struct virtio_gpu_resource_detach_backing detach = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		.resource_id = 1,
	};
	struct attach a = { .req.resource_id = 1 };

	devtest_ask(t, detach, BAD_RESOURCE);
	devtest_attach(t, 1, 0, 4096, BAD_RESOURCE);
	devtest_create_2d(t, 1, BGRA, 8, 8, DEVTEST_OK);
	devtest_ask(t, detach, UNSPEC);
	/* outside of guest memory, across its end, wrapping */
	devtest_attach(t, 1, DEVTEST_RAM, 1, BAD_PARAMETER);
	devtest_attach(t, 1, DEVTEST_RAM - 1, 2, BAD_PARAMETER);
	a.entries[0].addr = UINT64_MAX;
	a.entries[0].length = 4096;
	attach_many(t, &a, 1, BAD_PARAMETER);
	/* a good one before a bad one */
	a.entries[1] = a.entries[0];
	a.entries[0].addr = DEVTEST_GPA;
	attach_many(t, &a, 2, BAD_PARAMETER);
	/* nothing but nothing */
	a.entries[0].length = a.entries[1].length = 0;
	a.entries[1].addr = DEVTEST_GPA;
	attach_many(t, &a, 2, BAD_PARAMETER);
	a.entries[1].length = 256;
	attach_many(t, &a, 2, DEVTEST_OK);
	/* twice */
	attach_many(t, &a, 2, UNSPEC);
	devtest_transfer(t, 1, 8, 8, DEVTEST_OK);
	devtest_ask(t, detach, DEVTEST_OK);
	devtest_transfer(t, 1, 8, 8, BAD_PARAMETER);
	devtest_ask(t, detach, UNSPEC);
	/* left attached: whoever frees the resource frees it too */
	devtest_attach(t, 1, 0, 4096, DEVTEST_OK);
	devtest_unref(t, 1, DEVTEST_OK);
	devtest_free(t);
}

/* The number of entries is a claim; what the chain holds is the truth. */
static void test_entries(void)
{
	static const uint32_t claims[] = {
		0, 2, 3, 0x10000000, 0x10000001, 0x7fffffff, 0xffffffff,
	};
	struct devtest *t = devtest_new(NULL);
	struct attach a = {
		.req.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.req.resource_id = 1,
		.entries[0] = { .addr = DEVTEST_GPA, .length = 4096 },
	};

	devtest_create_2d(t, 1, BGRA, 8, 8, DEVTEST_OK);
	for (size_t i = 0; i < G_N_ELEMENTS(claims); i++) {
		a.req.nr_entries = claims[i];
		devtest_done(t, devtest_send(t, 0, &a, sizeof(a.req) +
					     sizeof(a.entries[0]), 24),
			     BAD_PARAMETER);
	}
	devtest_free(t);
}

static void test_scanout_bad(void)
{
	struct devtest *t = devtest_new(NULL);

	devtest_create_2d(t, 1, BGRA, 64, 32, DEVTEST_OK);
	devtest_scanout(t, 4, 1, 0, 0, 64, 32, BAD_SCANOUT);
	devtest_scanout(t, 16, 1, 0, 0, 64, 32, BAD_SCANOUT);
	devtest_scanout(t, 0xffffffff, 1, 0, 0, 64, 32, BAD_SCANOUT);
	devtest_scanout(t, 4, 0, 0, 0, 0, 0, BAD_SCANOUT);
	devtest_scanout(t, 0, 2, 0, 0, 64, 32, BAD_RESOURCE);
	devtest_scanout(t, 0, 1, 0, 0, 65, 32, BAD_PARAMETER);
	devtest_scanout(t, 0, 1, 1, 0, 64, 32, BAD_PARAMETER);
	devtest_scanout(t, 0, 1, 0, 0, 0, 0, BAD_PARAMETER);
	devtest_scanout(t, 0, 1, 0xffffffff, 0, 2, 2, BAD_PARAMETER);
	g_assert_cmpuint(t->screens[0].modes, ==, 0);
	devtest_flush(t, 2, 0, 0, 1, 1, BAD_RESOURCE);
	devtest_flush(t, 1, 0, 0, 65, 1, BAD_PARAMETER);
	devtest_flush(t, 1, 0, 0, 0, 0, BAD_PARAMETER);
	devtest_flush(t, 1, 0xffffffff, 0xffffffff, 2, 2, BAD_PARAMETER);
	/* not shown anywhere */
	devtest_flush(t, 1, 0, 0, 64, 32, DEVTEST_OK);
	g_assert_cmpuint(t->screens[0].updates, ==, 0);
	devtest_scanout(t, 0, 0, 0, 0, 0, 0, DEVTEST_OK);
	devtest_free(t);
}

/* A part of a resource, and one resource on two outputs. */
static void test_scanout_parts(void)
{
	struct devtest *t = devtest_new(NULL);
	uint32_t *ram = (uint32_t *)(t->ram + 4096);

	fill(t, 4096, 64 * 32);
	show(t, 1, 64, 32);
	devtest_scanout(t, 0, 1, 8, 4, 16, 8, DEVTEST_OK);
	devtest_scanout(t, 1, 1, 20, 0, 44, 32, DEVTEST_OK);
	devtest_transfer(t, 1, 64, 32, DEVTEST_OK);
	devtest_flush(t, 1, 22, 10, 10, 1, DEVTEST_OK);
	/* relative to the scanout, cut at its edge */
	g_assert_cmpuint(t->screens[0].damage.x, ==, 14);
	g_assert_cmpuint(t->screens[0].damage.y, ==, 6);
	g_assert_cmpuint(t->screens[0].damage.w, ==, 2);
	g_assert_cmpuint(t->screens[0].damage.h, ==, 1);
	g_assert_cmphex(t->screens[0].pixels[6 * 16 + 14], ==,
			ram[10 * 64 + 22]);
	g_assert_cmphex(t->screens[0].pixels[6 * 16 + 13], ==, 0);
	g_assert_cmpuint(t->screens[1].damage.x, ==, 2);
	g_assert_cmpuint(t->screens[1].damage.w, ==, 10);
	g_assert_cmphex(t->screens[1].pixels[10 * 44 + 2], ==,
			ram[10 * 64 + 22]);
	/* seen by one of them only */
	devtest_flush(t, 1, 60, 0, 4, 4, DEVTEST_OK);
	g_assert_cmpuint(t->screens[0].updates, ==, 1);
	g_assert_cmpuint(t->screens[1].updates, ==, 2);
	/* both go dark with it, and its id is free */
	devtest_unref(t, 1, DEVTEST_OK);
	g_assert_null(t->screens[0].pixels);
	g_assert_null(t->screens[1].pixels);
	show(t, 1, 16, 16);
	g_assert_cmpuint(t->screens[0].w, ==, 16);
	g_assert_null(t->screens[1].pixels);
	devtest_free(t);
}

/* The table goes away and comes back elsewhere, resources stay. */
static void test_memory_table(void)
{
	struct devtest *t = devtest_new(NULL);

	show(t, 1, 64, 32);
	devtest_transfer(t, 1, 64, 32, DEVTEST_OK);
	devtest_map(t, DEVTEST_GPA + (1ull << 32), DEVTEST_RAM);
	devtest_transfer(t, 1, 64, 32, BAD_PARAMETER);
	device_set_mem(t->dev, NULL);
	devtest_transfer(t, 1, 64, 32, BAD_PARAMETER);
	devtest_map(t, DEVTEST_GPA, 4096);
	devtest_transfer(t, 1, 64, 32, BAD_PARAMETER);
	fill(t, 4096, 64 * 32);
	devtest_map(t, DEVTEST_GPA, DEVTEST_RAM);
	devtest_transfer(t, 1, 64, 32, DEVTEST_OK);
	devtest_flush(t, 1, 0, 0, 64, 32, DEVTEST_OK);
	g_assert_cmpmem(t->screens[0].pixels, 64 * 32 * 4, t->ram + 4096,
			64 * 32 * 4);
	devtest_free(t);
}

static void test_reset(void)
{
	struct devtest *t = devtest_new(NULL);

	for (int i = 0; i < 3; i++) {
		show(t, 1, 64, 32);
		devtest_ctx_create(t, 1, DEVTEST_OK);
		devtest_create_3d(t, 2, 64, 32, DEVTEST_OK);
		device_reset(t->dev);
		g_assert_null(t->screens[0].pixels);
		g_assert_cmpuint(sched_client_report(t->sched)->memory, ==, 0);
		g_assert_cmpuint(sched_client_report(t->sched)->contexts, ==, 0);
		devtest_map(t, DEVTEST_GPA, DEVTEST_RAM);
		devtest_flush(t, 1, 0, 0, 1, 1, BAD_RESOURCE);
		/* what was negotiated is gone too */
		devtest_ctx_create(t, 1, UNSPEC);
		device_set_features(t->dev, 1 << VIRTIO_GPU_F_VIRGL);
	}
	devtest_free(t);
}

static void cursor(struct devtest *t, uint32_t type, uint32_t scanout,
		   uint32_t id, uint32_t x, uint32_t want)
{
	struct virtio_gpu_update_cursor req = {
		.hdr.type = type, .pos = { scanout, x, 20, 0 },
		.resource_id = id, .hot_x = 3, .hot_y = 300,
	};

	/* Linux gives these commands no room for an answer */
	devtest_done(t, devtest_send(t, 1, &req, sizeof(req),
				     g_test_rand_bit() ? 24 : 0), want);
}

static void test_cursor(void)
{
	struct devtest *t = devtest_new(NULL);
	struct devtest_cursor *c = &t->cursors[1];

	fill(t, 4096, 64 * 64);
	devtest_create_2d(t, 1, VIRTIO_GPU_FORMAT_A8R8G8B8_UNORM, 64, 64,
			  DEVTEST_OK);
	devtest_attach(t, 1, 4096, 64 * 64 * 4, DEVTEST_OK);
	devtest_transfer(t, 1, 64, 64, DEVTEST_OK);
	cursor(t, VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, 1, 10, DEVTEST_OK);
	g_assert_cmpuint(c->updates, ==, 1);
	g_assert_cmpuint(c->x, ==, 10);
	g_assert_cmpuint(c->y, ==, 20);
	g_assert_cmpuint(c->hot_x, ==, 3);
	g_assert_cmpuint(c->hot_y, ==, 63);
	for (int i = 0; i < 64 * 64; i++)
		g_assert_cmphex(c->image[i], ==,
				GUINT32_SWAP_LE_BE(((uint32_t *)(t->ram + 4096))[i]));
	cursor(t, VIRTIO_GPU_CMD_MOVE_CURSOR, 1, 1, 11, DEVTEST_OK);
	g_assert_true(c->visible);
	g_assert_cmpuint(c->x, ==, 11);
	cursor(t, VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, 0, 0, DEVTEST_OK);
	g_assert_false(c->visible);
	cursor(t, VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, 7, 0, BAD_RESOURCE);
	cursor(t, VIRTIO_GPU_CMD_UPDATE_CURSOR, 4, 1, 0, BAD_SCANOUT);
	cursor(t, VIRTIO_GPU_CMD_MOVE_CURSOR, 0xffffffff, 1, 0, BAD_SCANOUT);

	/* smaller than a cursor, no alpha: opaque, the rest transparent */
	devtest_create_2d(t, 2, VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM, 2, 100,
			  DEVTEST_OK);
	cursor(t, VIRTIO_GPU_CMD_UPDATE_CURSOR, 1, 2, 0, DEVTEST_OK);
	g_assert_cmphex(c->image[0], ==, 0xff000000);
	g_assert_cmphex(c->image[63 * 64 + 1], ==, 0xff000000);
	g_assert_cmphex(c->image[2], ==, 0);
	devtest_free(t);
}

static void test_uuid(void)
{
	struct devtest *t = devtest_new(NULL);
	struct virtio_gpu_resource_assign_uuid req = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
	};
	uint8_t uuid[3][16];

	devtest_ask(t, req, BAD_RESOURCE);
	devtest_create_2d(t, 1, BGRA, 8, 8, DEVTEST_OK);
	devtest_create_2d(t, 2, BGRA, 8, 8, DEVTEST_OK);
	for (int i = 0; i < 3; i++) {
		struct devtest_cmd *cmd;

		req.resource_id = i < 2 ? 1 : 2;
		cmd = devtest_send(t, 0, &req, sizeof(req), 100);
		g_assert_cmpuint(cmd->len, ==, 40);
		memcpy(uuid[i], cmd->in + 24, 16);
		devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	}
	g_assert_cmpmem(uuid[0], 16, uuid[1], 16);
	g_assert_cmpint(memcmp(uuid[0], uuid[2], 16), !=, 0);
	g_assert_cmphex(uuid[0][6] & 0xf0, ==, 0x40);
	devtest_free(t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/device/2d/show", test_show);
	g_test_add_func("/device/2d/formats", test_formats);
	g_test_add_func("/device/2d/create-bad", test_create_bad);
	g_test_add_func("/device/2d/scattered", test_scattered);
	g_test_add_func("/device/2d/transfer", test_transfer);
	g_test_add_func("/device/2d/backing", test_backing);
	g_test_add_func("/device/2d/entries", test_entries);
	g_test_add_func("/device/2d/scanout-bad", test_scanout_bad);
	g_test_add_func("/device/2d/scanout-parts", test_scanout_parts);
	g_test_add_func("/device/2d/memory-table", test_memory_table);
	g_test_add_func("/device/2d/reset", test_reset);
	g_test_add_func("/device/2d/cursor", test_cursor);
	g_test_add_func("/device/2d/uuid", test_uuid);
	return g_test_run();
}
