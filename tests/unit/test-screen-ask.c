// SPDX-License-Identifier: MIT
/*
 * test-screen-ask.c - questions to the front end that are answered, late or
 * never, and nonsense on the display socket
 */
#include "tests/unit/screen_play.h"

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

/* ---- anything ---- */

static uint32_t any(void)
{
	static const uint32_t edges[] = { 0, 1, 63, 64, 65, 4096, 0x7fffffff,
					  0xffffffc0, UINT32_MAX };

	if (g_test_rand_bit())
		return (uint32_t)g_test_rand_int_range(0, 80);
	return edges[g_test_rand_int_range(0, G_N_ELEMENTS(edges))];
}

static void any_from_worker(int fd)
{
	static struct vhost_user_gpu_cursor_update cursor;
	uint32_t id = (uint32_t)g_test_rand_int_range(0, 3);
	struct vgpu_ipc_scanout s = { id, any(), any() };
	struct vhost_user_gpu_update u = { id, any(), any(), any(), any() };
	struct vhost_user_gpu_dmabuf_scanout2 d = {
		.base = { .scanout_id = id, .width = any(), .height = any(),
			  .fd_width = any(), .fd_height = any() },
	};
	struct vgpu_ipc_cursor_move m = { { id, any(), any() }, any() & 1 };

	switch (g_test_rand_int_range(0, 12)) {
	case 0:
		screen_scanout(screen, &s, s.width ? fd : -1);
		break;
	case 1:
		screen_dmabuf(screen, &d, d.base.width ? fd : -1);
		break;
	case 2:
		screen_dmabuf_update(screen, &u);
		break;
	case 3:
		cursor.pos = m.pos;
		cursor.hot_x = any();
		screen_cursor(screen, &cursor);
		break;
	case 4:
		screen_cursor_move(screen, &m);
		break;
	case 5:
		screen_get_display_info(screen, 1);
		break;
	case 6:
		screen_get_edid(screen, 2, id);
		break;
	case 7:
		if (!g_test_rand_int_range(0, 20))
			screen_reset(screen);
		if (!g_test_rand_int_range(0, 20))
			screen_forget(screen);
		break;
	default:
		screen_update(screen, &u);
	}
}

static void any_from_front_end(void)
{
	switch (g_test_rand_int_range(0, 40)) {
	case 0:
		open_socket();
		break;
	case 1:
		fdpass_close(&sock, 1);
		break;
	case 2:
		if (sock < 0)
			break;
		reply(any(), NULL, 0);
		open_socket();
		break;
	default:
		if (sock < 0)
			break;
		switch (next()) {	/* checks what it is sent */
		case VHOST_USER_GPU_GET_PROTOCOL_FEATURES:
			reply_features(any());
			break;
		case VHOST_USER_GPU_GET_DISPLAY_INFO:
			reply_info(any());
			break;
		case VHOST_USER_GPU_GET_EDID:
			if (g_test_rand_bit())
				reply_edid(any());
			break;
		case VHOST_USER_GPU_DMABUF_UPDATE:
			reply(VHOST_USER_GPU_DMABUF_UPDATE, NULL, 0);
			break;
		}
	}
}

static void test_random(void)
{
	int fd = shm_create("test", 80 * 80 * 4), round;

	setup();
	log_set_level(LOG_LEVEL_ERROR);
	for (round = 0; round < 20000; round++) {
		any_from_worker(fd);
		any_from_front_end();
	}
	close(fd);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no leak */
	runner_add("/screen/ask/answered", test_ask, 0);
	runner_add("/screen/ask/lost", test_ask_lost, 0);
	runner_add("/screen/ask/old", test_ask_old, 0);
	runner_add("/screen/malformed", test_malformed, 0);
	runner_add("/screen/random", test_random, 0);
	return runner_run();
}
