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

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no leak */
	runner_add("/screen/ask/answered", test_ask, 0);
	runner_add("/screen/ask/lost", test_ask_lost, 0);
	runner_add("/screen/ask/old", test_ask_old, 0);
	runner_add("/screen/malformed", test_malformed, 0);
	return runner_run();
}
