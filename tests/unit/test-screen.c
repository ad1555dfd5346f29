// SPDX-License-Identifier: MIT
/*
 * test-screen.c - the display: damage, the display socket, what a new socket
 * is told, questions that are answered late or never
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "base/shm.h"
#include "endpoint/damage.h"
#include "endpoint/screen.h"
#include "protocol/vgpu_ipc.h"
#include "tests/lib/runner.h"

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

/* ---- the screen and a front end ---- */

static struct {
	unsigned int presented[16], infos, edids;
	uint32_t info_cookie, edid_cookie, enabled, width;
	size_t edid_size;
} told;

static struct event_loop *loop;
static struct screen *screen;
static int sock = -1;

static void presented(void *opaque, uint32_t id)
{
	told.presented[id]++;
}

static void display_info(void *opaque, uint32_t cookie,
			 const struct virtio_gpu_display_one *pmodes)
{
	told.infos++;
	told.info_cookie = cookie;
	told.enabled = pmodes[0].enabled;
	told.width = pmodes[0].r.width;
}

static void edid(void *opaque, uint32_t cookie, const uint8_t *data,
		 size_t size)
{
	told.edids++;
	told.edid_cookie = cookie;
	told.edid_size = size;
}

static const struct screen_ops ops = {
	.presented = presented,
	.display_info = display_info,
	.edid = edid,
};

/* What the front end got last, and what it shows. */
static struct {
	struct vhost_user_gpu_header head;
	uint8_t payload[300 << 10];
	int fd;
	uint32_t width[16], height[16], dmabuf[16];
	uint32_t *pixels[16];
	unsigned int count[16];
	uint64_t bytes;
} got;

static void iterate(void)
{
	int i;

	for (i = 0; i < 4; i++)
		event_loop_iterate(loop, 0);
}

static void open_socket(void)
{
	int socks[2];

	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   socks), ==, 0);
	fdpass_close(&sock, 1);
	sock = socks[0];
	memset(got.width, 0, sizeof(got.width));
	memset(got.dmabuf, 0, sizeof(got.dmabuf));
	screen_set_socket(screen, socks[1]);
}

static void setup(void)
{
	struct screen_config config = { 1024, 768 };

	loop = event_loop_new();
	log_set_level(LOG_LEVEL_ERROR);
	screen = screen_new(loop, &config, &ops, NULL);
	got.fd = -1;
}

static void teardown(void)
{
	int i;

	screen_free(screen);
	fdpass_close(&sock, 1);
	fdpass_close(&got.fd, 1);
	for (i = 0; i < 16; i++)
		g_free(got.pixels[i]);
	event_loop_free(loop);
}

static bool read_exact(void *to, size_t len, int *fd)
{
	size_t done = 0;
	int idle = 0;

	while (done < len) {
		size_t nfds = fd ? 1 : 0;
		ssize_t n = fdpass_recv(sock, (uint8_t *)to + done, len - done,
					fd, &nfds);

		if (n == -EAGAIN) {
			if (idle++ == 8)
				return false;
			event_loop_iterate(loop, 0);
			continue;
		}
		if (n <= 0)
			return false;
		idle = 0;
		if (!done && fd && !nfds)
			*fd = -1;
		fd = NULL;
		done += (size_t)n;
	}
	return true;
}

/* What QEMU would do with it, and what it would not survive. */
static void show(void)
{
	struct vhost_user_gpu_update u;
	struct vhost_user_gpu_scanout s;
	uint32_t y;

	switch (got.head.request) {
	case VHOST_USER_GPU_SCANOUT:
		g_assert_cmpuint(got.head.size, ==, sizeof(s));
		memcpy(&s, got.payload, sizeof(s));
		g_assert_cmpuint(s.scanout_id, <, 16);
		got.width[s.scanout_id] = s.width;
		got.height[s.scanout_id] = s.height;
		got.dmabuf[s.scanout_id] = 0;
		g_free(got.pixels[s.scanout_id]);
		got.pixels[s.scanout_id] = g_malloc0((size_t)s.width *
						     s.height * 4 + 1);
		break;
	case VHOST_USER_GPU_UPDATE:
		memcpy(&u, got.payload, sizeof(u));
		g_assert_cmpuint(u.scanout_id, <, 16);
		g_assert_cmpuint(u.width, >, 0);
		g_assert_cmpuint(u.height, >, 0);
		g_assert_cmpuint(u.x + u.width, <=, got.width[u.scanout_id]);
		g_assert_cmpuint(u.y + u.height, <=, got.height[u.scanout_id]);
		g_assert_cmpuint(got.head.size, ==,
				 sizeof(u) + (size_t)u.width * u.height * 4);
		for (y = 0; y < u.height; y++)
			memcpy(got.pixels[u.scanout_id] +
			       (size_t)(u.y + y) * got.width[u.scanout_id] +
			       u.x, got.payload + sizeof(u) +
			       (size_t)y * u.width * 4, u.width * 4);
		got.bytes += got.head.size;
		break;
	case VHOST_USER_GPU_DMABUF_SCANOUT:
	case VHOST_USER_GPU_DMABUF_SCANOUT2:
		g_assert_cmpuint(got.head.size, ==, got.head.request ==
				 VHOST_USER_GPU_DMABUF_SCANOUT ? 40 : 48);
		memcpy(&s, got.payload, sizeof(s));
		got.dmabuf[s.scanout_id] = got.fd >= 0;
		break;
	case VHOST_USER_GPU_DMABUF_UPDATE:
		memcpy(&u, got.payload, sizeof(u));
		g_assert_cmpuint(got.dmabuf[u.scanout_id], ==, 1);
		break;
	}
}

/* Return: the request, 0: nothing comes. */
static uint32_t next(void)
{
	iterate();
	fdpass_close(&got.fd, 1);
	if (!read_exact(&got.head, sizeof(got.head), &got.fd))
		return 0;
	g_assert_cmpuint(got.head.flags, ==, 0);
	g_assert_cmpuint(got.head.size, <=, sizeof(got.payload));
	g_assert_true(read_exact(got.payload, got.head.size, NULL));
	got.count[got.head.request]++;
	show();
	return got.head.request;
}

static void reply(uint32_t request, const void *payload, uint32_t size)
{
	struct vhost_user_gpu_header head = { request, 4, size };

	g_assert_cmpint(fdpass_send(sock, &head, sizeof(head), NULL, 0), ==,
			sizeof(head));
	if (size)
		g_assert_cmpint(fdpass_send(sock, payload, size, NULL, 0), ==,
				size);
	iterate();
}

static void reply_features(uint64_t features)
{
	reply(VHOST_USER_GPU_GET_PROTOCOL_FEATURES, &features, 8);
}

static void reply_info(uint32_t width)
{
	struct virtio_gpu_resp_display_info info = { 0 };

	info.hdr.type = VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
	info.pmodes[0].enabled = 1;
	info.pmodes[0].r.width = width;
	reply(VHOST_USER_GPU_GET_DISPLAY_INFO, &info, sizeof(info));
}

static void reply_edid(uint32_t size)
{
	struct virtio_gpu_resp_edid e = { 0 };

	e.hdr.type = VIRTIO_GPU_RESP_OK_EDID;
	e.size = size;
	reply(VHOST_USER_GPU_GET_EDID, &e, sizeof(e));
}

/* A new socket, negotiated. */
static void connect_screen(uint64_t features)
{
	open_socket();
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
	g_assert_cmpuint(next(), ==, 0);
	reply_features(features);
	if (features & 3)
		g_assert_cmpuint(next(), ==,
				 VHOST_USER_GPU_SET_PROTOCOL_FEATURES);
}

static void drain(void)
{
	while (next())
		;
}

/* A worker's picture: every pixel tells where it is. */
static uint32_t *picture(uint32_t id, uint32_t w, uint32_t h)
{
	struct vgpu_ipc_scanout s = { id, w, h };
	size_t size = (size_t)w * h * 4, i;
	int fd = shm_create("test", size);
	uint32_t *pixels = shm_map(fd, size, true);

	for (i = 0; i < size / 4; i++)
		pixels[i] = (uint32_t)i * 2654435761u;
	g_assert_cmpint(screen_scanout(screen, &s, fd), ==, 0);
	close(fd);
	return pixels;
}

static void update(uint32_t id, uint32_t x, uint32_t y, uint32_t w, uint32_t h)
{
	struct vhost_user_gpu_update u = { id, x, y, w, h };

	screen_update(screen, &u);
}

static void off(uint32_t id)
{
	struct vgpu_ipc_scanout s = { id, 0, 0 };

	g_assert_cmpint(screen_scanout(screen, &s, -1), ==, 0);
}

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

static void wait_s(unsigned int ms)
{
	uint64_t end = event_now_ns() + ms * 1000000ull;

	while (event_now_ns() < end)
		event_loop_iterate(loop, 20);
}

static void test_ask(void)
{
	setup();
	/* without a socket */
	screen_get_display_info(screen, 1);
	g_assert_cmpuint(told.infos, ==, 1);
	g_assert_cmpuint(told.width, ==, 1024);
	g_assert_cmpuint(told.enabled, ==, 1);
	screen_get_edid(screen, 2, 0);
	g_assert_cmpuint(told.edids, ==, 1);
	g_assert_cmpuint(told.edid_size, ==, 0);

	connect_screen(3);
	screen_get_display_info(screen, 3);
	screen_get_edid(screen, 4, 0);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_DISPLAY_INFO);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_EDID);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
	reply_info(1234);
	g_assert_cmpuint(told.infos, ==, 2);
	g_assert_cmpuint(told.info_cookie, ==, 3);
	g_assert_cmpuint(told.width, ==, 1234);
	reply_edid(256);
	g_assert_cmpuint(told.edid_cookie, ==, 4);
	g_assert_cmpuint(told.edid_size, ==, 256);
	reply_features(3);
	/* a size that does not fit */
	screen_get_edid(screen, 5, 0);
	drain();
	reply_edid(1025);
	g_assert_cmpuint(told.edid_cookie, ==, 5);
	g_assert_cmpuint(told.edid_size, ==, 0);
	reply_features(3);
	/* never two of our SET_PROTOCOL_FEATURES */
	g_assert_cmpuint(next(), ==, 0);
	teardown();
}

/* GET_EDID of an output that is off is never answered. */
static void test_ask_lost(void)
{
	setup();
	connect_screen(3);
	screen_get_edid(screen, 1, 5);
	screen_get_edid(screen, 2, 0);
	drain();
	reply_features(3);	/* the first one's barrier: it is lost */
	g_assert_cmpuint(told.edids, ==, 1);
	g_assert_cmpuint(told.edid_cookie, ==, 1);
	g_assert_cmpuint(told.edid_size, ==, 0);
	reply_edid(128);
	g_assert_cmpuint(told.edid_cookie, ==, 2);
	g_assert_cmpuint(told.edid_size, ==, 128);
	reply_features(3);

	/* nothing is answered: after a second it is here */
	screen_get_display_info(screen, 3);
	screen_get_edid(screen, 4, 0);
	drain();
	wait_s(800);
	g_assert_cmpuint(told.infos, ==, 0);
	wait_s(400);
	g_assert_cmpuint(told.infos, ==, 1);
	g_assert_cmpuint(told.width, ==, 1024);
	g_assert_cmpuint(told.edid_cookie, ==, 4);
	g_assert_cmpuint(told.edids, ==, 3);
	/* too late, and then a new question gets its own answer */
	reply_info(1);
	g_assert_cmpuint(told.infos, ==, 1);
	screen_get_display_info(screen, 5);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_DISPLAY_INFO);
	reply_info(2);
	g_assert_cmpuint(told.infos, ==, 2);
	g_assert_cmpuint(told.width, ==, 2);
	/* the worker that asked is gone */
	screen_get_display_info(screen, 6);
	screen_forget(screen);
	drain();
	reply_info(3);
	g_assert_cmpuint(told.infos, ==, 2);
	teardown();
}

/* QEMU 7.2 knows no EDID, and nobody answers at all in the worst case. */
static void test_ask_old(void)
{
	uint32_t *pixels;
	unsigned int i;

	setup();
	connect_screen(0);
	screen_get_edid(screen, 1, 0);
	g_assert_cmpuint(told.edids, ==, 1);
	drain();
	g_assert_cmpuint(got.count[VHOST_USER_GPU_GET_EDID], ==, 0);

	/* asked before the front end has said what it knows */
	open_socket();
	screen_get_edid(screen, 7, 0);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
	reply_features(1);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_SET_PROTOCOL_FEATURES);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_EDID);
	reply_edid(128);
	g_assert_cmpuint(told.edid_cookie, ==, 7);
	g_assert_cmpuint(told.edid_size, ==, 128);

	/* a socket that never negotiates: shown after a second all the same */
	open_socket();
	pixels = picture(0, 64, 64);
	update(0, 0, 0, 64, 64);
	screen_get_display_info(screen, 2);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
	g_assert_cmpuint(next(), ==, 0);
	wait_s(1200);
	g_assert_cmpuint(told.infos, ==, 1);
	drain();
	g_assert_cmpmem(got.pixels[0], 64 * 64 * 4, pixels, 64 * 64 * 4);
	/* more questions than anybody keeps */
	told.infos = 0;
	for (i = 0; i < 100; i++)
		screen_get_display_info(screen, i);
	g_assert_cmpuint(told.infos, >, 60);
	fdpass_close(&sock, 1);
	iterate();
	g_assert_cmpuint(told.infos, ==, 100);
	shm_unmap(pixels, 64 * 64 * 4);
	teardown();
}

/* Nonsense on the display socket closes it, and only it. */
static void test_malformed(void)
{
	static const struct { uint32_t request, size; } bad[] = {
		{ 0, 0 }, { VHOST_USER_GPU_SCANOUT, 0 },
		{ VHOST_USER_GPU_GET_PROTOCOL_FEATURES, 9 },
		{ VHOST_USER_GPU_GET_PROTOCOL_FEATURES, 0 },
		{ VHOST_USER_GPU_GET_DISPLAY_INFO, 407 },
		{ VHOST_USER_GPU_GET_EDID, 1057 },
		{ VHOST_USER_GPU_GET_EDID, UINT32_MAX },
		{ VHOST_USER_GPU_DMABUF_UPDATE, 4 }, { UINT32_MAX, 0 },
	};
	size_t i;
	char c;

	setup();
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct vhost_user_gpu_header head = { bad[i].request, 4,
						      bad[i].size };

		connect_screen(3);
		g_assert_cmpint(fdpass_send(sock, &head, sizeof(head), NULL,
					    0), ==, sizeof(head));
		iterate();
		g_assert_cmpint(fdpass_recv(sock, &c, 1, NULL, NULL), ==, 0);
	}
	/* answers that nobody asked for are no news */
	connect_screen(3);
	reply_info(1);
	reply_edid(128);
	reply_features(0);
	g_assert_cmpuint(told.infos, ==, 0);
	screen_get_display_info(screen, 1);
	g_assert_cmpuint(next(), ==, VHOST_USER_GPU_GET_DISPLAY_INFO);
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
	runner_add("/screen/ask/answered", test_ask, 0);
	runner_add("/screen/ask/lost", test_ask_lost, 0);
	runner_add("/screen/ask/old", test_ask_old, 0);
	runner_add("/screen/malformed", test_malformed, 0);
	return runner_run();
}
