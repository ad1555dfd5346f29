// SPDX-License-Identifier: MIT
/*
 * test-screen.c - the display: damage, pixels, cursors, dma-bufs, slow readers,
 * and what a new display socket is told
 */
#include "tests/unit/screen_play.h"

/* ---- damage ---- */

/* Whatever is added, the pieces cover it, and rows are bounded. */
static void test_damage(void)
{
	enum { SIDE = 64 };
	static uint8_t map[SIDE][SIDE];
	int round, i;

	for (round = 0; round < 2000; round++) {
		struct damage d = { 0 };
		struct damage_rect r;
		uint32_t x, y, max;

		memset(map, 0, sizeof(map));
		for (i = g_test_rand_int_range(0, 20); i > 0; i--) {
			r.x = (uint32_t)g_test_rand_int_range(0, SIDE);
			r.y = (uint32_t)g_test_rand_int_range(0, SIDE);
			r.width = (uint32_t)g_test_rand_int_range(1, 80);
			r.height = (uint32_t)g_test_rand_int_range(1, 80);
			g_assert_true(damage_clip(&r, SIDE, SIDE));
			for (y = 0; y < r.height; y++)
				memset(&map[r.y + y][r.x], 1, r.width);
			damage_add(&d, &r);
			g_assert_cmpuint(d.n, <=, DAMAGE_MAX);
		}
		max = (uint32_t)g_test_rand_int_range(1, 500);
		while (damage_take(&d, max, &r)) {
			g_assert_true(r.width && r.height);
			g_assert_cmpuint(r.x + r.width, <=, SIDE);
			g_assert_cmpuint(r.y + r.height, <=, SIDE);
			g_assert_true(r.height == 1 ||
				      r.width * r.height <= max);
			for (y = 0; y < r.height; y++)
				memset(&map[r.y + y][r.x], 0, r.width);
		}
		for (y = 0; y < SIDE; y++) {
			for (x = 0; x < SIDE; x++)
				g_assert_cmpuint(map[y][x], ==, 0);
		}
	}
}

static void test_damage_clip(void)
{
	static const struct damage_rect none[] = {
		{ 64, 0, 1, 1 }, { 0, 64, 1, 1 }, { 0, 0, 0, 1 },
		{ 0, 0, 1, 0 }, { UINT32_MAX, 0, 2, 1 },
		{ 0, UINT32_MAX, 1, UINT32_MAX },
	};
	struct damage_rect r = { 60, 1, UINT32_MAX, UINT32_MAX };
	size_t i;

	g_assert_true(damage_clip(&r, 64, 64));
	g_assert_cmpuint(r.width, ==, 4);
	g_assert_cmpuint(r.height, ==, 63);
	for (i = 0; i < G_N_ELEMENTS(none); i++) {
		r = none[i];
		g_assert_false(damage_clip(&r, 64, 64));
	}
}

/* ---- outputs ---- */

static void test_pixels(void)
{
	uint32_t *pixels;

	setup();
	connect_screen(0);
	pixels = picture(3, 640, 480);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_SCANOUT);
	g_assert_cmpuint(next(), ==, 0);	/* no pixels before they are said */
	update(3, 0, 0, 640, 480);
	drain();
	g_assert_cmpmem(got.pixels[3], 640 * 480 * 4, pixels, 640 * 480 * 4);
	g_assert_cmpuint(got.count[VHOST_USER_GPU_UPDATE], >=, 5);
	/* damage only */
	pixels[640 * 10 + 5] = 0x12345678;
	got.bytes = 0;
	update(3, 5, 10, 1, 1);
	drain();
	g_assert_cmpuint(got.bytes, ==, 24);
	g_assert_cmpuint(got.pixels[3][640 * 10 + 5], ==, 0x12345678);
	/* another worker's memory, of the same size: no flicker */
	shm_unmap(pixels, 640 * 480 * 4);
	pixels = picture(3, 640, 480);
	g_assert_cmpuint(next(), ==, 0);
	update(3, 0, 10, 640, 1);
	drain();
	g_assert_cmpmem(got.pixels[3], 640 * 480 * 4, pixels, 640 * 480 * 4);
	/* outside, partly outside, of another output */
	got.bytes = 0;
	update(3, 640, 0, 1, 1);
	update(3, 0, 480, 1, 1);
	update(3, 0, 0, 0, 0);
	update(4, 0, 0, 10, 10);
	drain();
	g_assert_cmpuint(got.bytes, ==, 0);
	update(3, 639, 479, UINT32_MAX, UINT32_MAX);
	drain();
	g_assert_cmpuint(got.bytes, ==, 24);
	off(3);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_SCANOUT);
	g_assert_cmpuint(got.width[3], ==, 0);
	update(3, 0, 0, 10, 10);
	off(3);
	g_assert_cmpuint(next(), ==, 0);
	shm_unmap(pixels, 640 * 480 * 4);
	teardown();
}

/* Sizes and descriptors that must not be believed. */
static void test_pixels_bad(void)
{
	static const struct { uint32_t w, h; } sizes[] = {
		{ 1, 0 }, { 16385, 1 }, { 1, 16385 }, { 16384, 16384 },
		{ UINT32_MAX, UINT32_MAX }, { 0x40000001, 1 }, { 33, 32 },
	};
	struct vgpu_ipc_scanout s = { 0, 32, 32 };
	int fd = shm_create("test", 32 * 32 * 4);
	int unsealed = memfd_create("test", MFD_CLOEXEC);
	size_t i;

	setup();
	connect_screen(0);
	g_assert_cmpint(screen_scanout(screen, &s, fd), ==, 0);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_SCANOUT);
	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		s.width = sizes[i].w;
		s.height = sizes[i].h;
		g_assert_cmpint(screen_scanout(screen, &s, fd), ==, -EINVAL);
		/* off, and told so once */
		g_assert_cmpuint(next(), ==, i ? 0 : VHOST_USER_GPU_SCANOUT);
		g_assert_cmpuint(got.width[0], ==, 0);
	}
	s.width = s.height = 16;
	g_assert_cmpint(ftruncate(unsealed, 16 * 16 * 4), ==, 0);
	g_assert_cmpint(screen_scanout(screen, &s, unsealed), ==, -EINVAL);
	g_assert_cmpint(screen_scanout(screen, &s, -1), ==, -EINVAL);
	g_assert_cmpuint(next(), ==, 0);
	close(fd);
	close(unsealed);
	teardown();
}

/* A front end that stops reading: nothing blocks, nothing is lost. */
static void test_slow_reader(void)
{
	uint32_t *pixels;
	int i;

	setup();
	connect_screen(0);
	pixels = picture(0, 1920, 1080);
	for (i = 0; i < 200; i++) {
		update(0, 0, 0, 1920, 1080);
		iterate();
	}
	/* the worker's memory goes away in the middle of a message */
	for (i = 0; i < 1920 * 1080; i++)
		pixels[i] = 7;
	got.bytes = 0;
	drain();
	/* one message was on its way, then the picture once, not 200 times */
	g_assert_cmpuint(got.bytes, <, 2u * 1920 * 1080 * 4);
	g_assert_cmpuint(got.pixels[0][1920 * 1080 - 1], ==, 7);
	update(0, 0, 0, 1920, 1080);
	iterate();
	off(0);
	drain();	/* show() asserts the order */
	g_assert_cmpuint(got.width[0], ==, 0);
	shm_unmap(pixels, (size_t)1920 * 1080 * 4);
	teardown();
}

static void test_new_socket(void)
{
	struct vhost_user_gpu_cursor_update *cursor =
		g_new0(struct vhost_user_gpu_cursor_update, 1);
	uint32_t *pixels;
	int round;

	setup();
	cursor->hot_x = 1000;
	cursor->pos.scanout_id = 2;
	pixels = picture(2, 100, 100);
	screen_cursor(screen, cursor);
	for (round = 0; round < 10; round++) {
		connect_screen(round & 3);
		memset(got.count, 0, sizeof(got.count));
		drain();
		g_assert_cmpuint(got.count[VHOST_USER_GPU_SCANOUT], ==, 1);
		g_assert_cmpuint(got.count[VHOST_USER_GPU_CURSOR_UPDATE], ==,
				 1);
		g_assert_cmpmem(got.pixels[2], 40000, pixels, 40000);
		/* stop: closed first, in any state */
		if (round & 1) {
			fdpass_close(&sock, 1);
			update(2, 0, 0, 10, 10);
			iterate();
		}
	}
	screen_reset(screen);
	connect_screen(0);
	g_assert_cmpuint(next(), ==, 0);
	shm_unmap(pixels, 40000);
	g_free(cursor);
	teardown();
}

static void test_cursor(void)
{
	struct vhost_user_gpu_cursor_update *cursor =
		g_new0(struct vhost_user_gpu_cursor_update, 1), *c;
	struct vgpu_ipc_cursor_move move = { { 0, 5, 6 }, 1 };

	setup();
	connect_screen(0);
	cursor->hot_x = UINT32_MAX;
	cursor->hot_y = 64;
	cursor->data[4095] = 0xff00ff00;
	screen_cursor(screen, cursor);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_CURSOR_UPDATE);
	g_assert_cmpuint(got.head.size, ==, 16404);
	c = (void *)got.payload;
	g_assert_cmpuint(c->hot_x, ==, 63);
	g_assert_cmpuint(c->hot_y, ==, 63);
	g_assert_cmphex(c->data[4095], ==, 0xff00ff00);
	screen_cursor_move(screen, &move);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_CURSOR_POS);
	move.visible = 0;
	screen_cursor_move(screen, &move);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_CURSOR_POS_HIDE);
	/* hidden on a new socket: the image comes when it is shown */
	connect_screen(0);
	g_assert_cmpuint(next(), ==, 0);
	move.visible = 1;
	screen_cursor_move(screen, &move);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_CURSOR_UPDATE);
	c = (void *)got.payload;
	g_assert_cmpuint(c->pos.x, ==, 5);
	g_assert_cmpuint(next(), ==, 0);
	screen_reset(screen);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_CURSOR_POS_HIDE);
	g_free(cursor);
	teardown();
}

static void dmabuf(uint32_t id, uint32_t width, int fd, int want)
{
	struct vhost_user_gpu_dmabuf_scanout2 s = {
		.base = { .scanout_id = id, .width = width, .height = width,
			  .fd_width = width, .fd_height = width,
			  .fd_stride = width * 4 },
		.modifier = 77,
	};

	g_assert_cmpint(screen_dmabuf(screen, &s, fd), ==, want);
}

static void dmabuf_update(uint32_t id)
{
	struct vhost_user_gpu_update u = { id, 0, 0, 10, 10 };

	screen_dmabuf_update(screen, &u);
}

static void test_dmabuf(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	setup();
	/* nobody to show it: presented at once */
	dmabuf(0, 64, fd, 0);
	dmabuf_update(0);
	g_assert_cmpuint(told.presented[0], ==, 1);
	connect_screen(2);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_DMABUF_SCANOUT2);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_DMABUF_UPDATE);
	/* one at a time */
	dmabuf_update(0);
	g_assert_cmpuint(next(), ==, 0);
	reply(VHOST_USER_GPU_DMABUF_UPDATE, NULL, 0);
	g_assert_cmpuint(told.presented[0], ==, 1);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_DMABUF_UPDATE);
	reply(VHOST_USER_GPU_DMABUF_UPDATE, NULL, 0);
	g_assert_cmpuint(told.presented[0], ==, 2);
	/* a reply too many */
	reply(VHOST_USER_GPU_DMABUF_UPDATE, NULL, 0);
	g_assert_cmpuint(told.presented[0], ==, 2);
	/* off, twice */
	dmabuf(0, 0, -1, 0);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_DMABUF_SCANOUT);
	g_assert_cmpint(got.fd, ==, -1);
	dmabuf(0, 0, -1, 0);
	g_assert_cmpuint(next(), ==, 0);
	dmabuf_update(0);
	g_assert_cmpuint(told.presented[0], ==, 3);
	dmabuf(0, 20000, fd, -EINVAL);
	/* the socket closes under an update; 7.2 has no SCANOUT2 */
	connect_screen(0);
	dmabuf(1, 64, fd, 0);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_DMABUF_SCANOUT);
	dmabuf_update(1);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_DMABUF_UPDATE);
	fdpass_close(&sock, 1);
	iterate();
	g_assert_cmpuint(told.presented[1], ==, 1);
	close(fd);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no leak */
	runner_add("/screen/damage/cover", test_damage, 0);
	runner_add("/screen/damage/clip", test_damage_clip, 0);
	runner_add("/screen/pixels/good", test_pixels, 0);
	runner_add("/screen/pixels/bad", test_pixels_bad, 0);
	runner_add("/screen/pixels/slow-reader", test_slow_reader, 0);
	runner_add("/screen/new-socket", test_new_socket, 0);
	runner_add("/screen/cursor", test_cursor, 0);
	runner_add("/screen/dmabuf", test_dmabuf, 0);
	return runner_run();
}
