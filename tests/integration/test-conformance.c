// SPDX-License-Identifier: MIT
/*
 * test-conformance.c - what a vhost-user-gpu back end must do, as VMMs and
 * guests use it
 *
 * Runs on the command in $VGPU_BACKEND, by default our own with the null
 * renderer. 3D cases are skipped where the back end offers no 3D.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/picture.h"
#include "tests/lib/runner.h"

#define XRGB	VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM

/* ---- start-up ---- */

static void work_2d(struct fe *fe)
{
	struct picture *p = picture_new(fe, 1, XRGB, 67, 45);

	picture_show(p, 0, 0, 0, 67, 45);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
}

static void start_up(enum fe_flavour flavour, bool no_fd)
{
	struct fe_options opts = { .flavour = flavour, .no_fd = no_fd };
	struct fe *fe = begin_case(&opts);

	g_assert_cmpuint(fe->acked >> VIRTIO_F_VERSION_1_BIT & 1, ==, 1);
	if (flavour == FE_UML)
		assert_ok(fe_create_2d(fe, 1, XRGB, 4, 4));
	else
		work_2d(fe);
	g_assert_cmpuint(fe->max_reply_us, <, 1000000);
	end_case(fe);
}

static void start_qemu_10(void) { start_up(FE_QEMU_10, false); }
static void start_qemu_7_2(void) { start_up(FE_QEMU_7_2, false); }
static void start_qemu_11_1(void) { start_up(FE_QEMU_11_1, false); }
static void start_uml(void) { start_up(FE_UML, false); }
static void start_path(void) { start_up(FE_QEMU_10, true); }
static void start_path_uml(void) { start_up(FE_UML, true); }

/* Rings as small and as big as VMMs make them, and without extras. */
static void rings(void)
{
	static const unsigned int sizes[][2] = {
		{ 256, 16 }, { 64, 16 }, { 1024, 1024 }, { 8, 4 },
		{ 4096, 2 },
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(sizes) * 4; i++) {
		struct fe_options opts = {
			.queue_size = { sizes[i / 4][0], sizes[i / 4][1] },
			.no_indirect = i & 1, .no_event_idx = i & 2,
		};
		struct fe *fe = begin_case(&opts);

		work_2d(fe);
		end_case(fe);
	}
}

/* Many more requests than the ring has places, pipelined. */
static void ring_wrap(void)
{
	struct virtio_gpu_get_capset_info cmd = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
		.capset_index = 99,
	};
	struct fe_options opts = { .queue_size = { 16, 4 } };
	struct fe *fe = begin_case(&opts);
	struct fe_req *reqs[8];
	unsigned int i, round;

	/* 16-bit indices wrap after 65536 */
	for (round = 0; round < 70000 / 8; round++) {
		for (i = 0; i < 8; i++)
			reqs[i] = fe_send_cmd(fe, 0, &cmd, sizeof(cmd),
				sizeof(struct virtio_gpu_resp_capset_info));
		for (i = 0; i < 8; i++) {
			g_assert_cmpint(fe_wait(reqs[i]), ==, 0);
			fe_req_free(reqs[i]);
		}
	}
	end_case(fe);
}

/* Feature bits that were never offered must not be refused. */
static void unoffered_features(void)
{
	struct fe_options opts = {
		.more_features = 1ull << 24 | 1ull << 27 | 1ull << 40 |
				 1ull << 2,
	};
	struct fe *fe = begin_case(&opts);

	work_2d(fe);
	end_case(fe);
}

static void config_space(void)
{
	struct fe *fe = begin_case(NULL);

	g_assert_cmpint(fe_get_config(fe), ==, 0);
	g_assert_cmpuint(fe->config.num_scanouts, >=, 1);
	g_assert_cmpuint(fe->config.num_scanouts, <=, 16);
	if (!(fe->acked & 1ull << VIRTIO_GPU_F_VIRGL))
		g_assert_cmpuint(fe->config.num_capsets, ==, 0);
	end_case(fe);
}

/* ---- 2D ---- */

static void formats(void)
{
	static const uint32_t list[] = { 1, 2, 3, 4, 67, 68, 121, 134 };
	struct fe *fe = begin_case(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(list); i++) {
		struct picture *p = picture_new(fe, 10 + (uint32_t)i, list[i],
						33, 21);

		picture_show(p, 0, 0, 0, 33, 21);
		picture_push(p);
		g_assert_true(picture_same(p));
		picture_free(p, true);
	}
	assert_error(fe_create_2d(fe, 99, 0, 4, 4));
	assert_error(fe_create_2d(fe, 99, 5, 4, 4));
	end_case(fe);
}

/* Random transfers and flushes; the display must follow the model. */
static void damage(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 150, 97);
	int i;

	picture_show(p, 0, 0, 0, 150, 97);
	picture_push(p);
	g_assert_true(picture_same(p));
	for (i = 0; i < 200; i++) {
		uint32_t x = (uint32_t)g_test_rand_int_range(0, 150);
		uint32_t y = (uint32_t)g_test_rand_int_range(0, 97);
		uint32_t w = (uint32_t)g_test_rand_int_range(1, 151 - (int)x);
		uint32_t h = (uint32_t)g_test_rand_int_range(1, 98 - (int)y);

		picture_paint(p);
		picture_transfer(p, x, y, w, h);
		picture_flush(p, x, y, w, h);
		if (i % 20 == 0)
			g_assert_true(picture_same(p));
	}
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

/* A small flush must not send the whole screen. */
static void damage_bytes(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 640, 480);
	uint64_t before;

	picture_show(p, 0, 0, 0, 640, 480);
	picture_push(p);
	g_assert_true(picture_same(p));
	fe_settle(fe, 100);
	before = fe->display.scanouts[0].update_bytes;
	picture_paint(p);
	picture_transfer(p, 16, 16, 32, 8);
	picture_flush(p, 16, 16, 32, 8);
	g_assert_true(picture_same(p));
	fe_settle(fe, 100);
	g_assert_cmpuint(fe->display.scanouts[0].update_bytes - before, ==,
			 32 * 8 * 4);
	picture_free(p, true);
	end_case(fe);
}

/* Transfers with an offset that is not where the rectangle lies. */
static void transfer_offset(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 64, 64);
	uint32_t *from = fe_at(fe, p->gpa), row;

	picture_show(p, 0, 0, 0, 64, 64);
	picture_push(p);
	picture_paint(p);
	assert_ok(fe_transfer_2d(fe, 1, 8, 8, 16, 16, 400));
	for (row = 0; row < 16; row++)
		memcpy(p->host + (8 + row) * 64 + 8, from + 100 + row * 64,
		       64);
	picture_flush(p, 0, 0, 64, 64);
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

static void scanout_off(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 64, 64);

	picture_show(p, 0, 0, 0, 64, 64);
	picture_push(p);
	g_assert_true(picture_same(p));
	assert_ok(fe_scanout(fe, 0, 0, 0, 0, 0, 0));
	fe_settle(fe, 200);
	g_assert_cmpuint(fe->display.scanouts[0].width, ==, 0);
	picture_show(p, 0, 0, 0, 64, 64);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

static void flip(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *a = picture_new(fe, 1, XRGB, 80, 60);
	struct picture *b = picture_new(fe, 2, 1, 80, 60);
	int i;

	for (i = 0; i < 20; i++) {
		struct picture *p = i & 1 ? b : a;

		picture_show(p, 0, 0, 0, 80, 60);
		picture_push(p);
		g_assert_true(picture_same(p));
	}
	picture_free(a, true);
	picture_free(b, true);
	end_case(fe);
}

/* ---- queries ---- */

static void check_edid(const struct virtio_gpu_resp_edid *edid)
{
	static const uint8_t magic[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	uint32_t i, sum = 0;

	g_assert_cmpuint(edid->size, >=, 128);
	g_assert_cmpuint(edid->size, <=, VIRTIO_GPU_EDID_MAX);
	g_assert_cmpuint(edid->size % 128, ==, 0);
	g_assert_cmpint(memcmp(edid->edid, magic, 8), ==, 0);
	for (i = 0; i < 128; i++)
		sum += edid->edid[i];
	g_assert_cmpuint(sum % 256, ==, 0);
	for (i = edid->size; i < VIRTIO_GPU_EDID_MAX; i++)
		g_assert_cmpuint(edid->edid[i], ==, 0);
}

static void edid_flavour(enum fe_flavour flavour, bool from_front_end)
{
	struct fe_options opts = { .flavour = flavour };
	struct fe *fe = begin_case(&opts);
	struct virtio_gpu_resp_edid edid;

	if (!(fe->acked & 1ull << VIRTIO_GPU_F_EDID)) {
		end_case(fe);
		runner_skip("no EDID feature");
	}
	g_assert_cmphex(fe_edid(fe, 0, &edid), ==, VIRTIO_GPU_RESP_OK_EDID);
	check_edid(&edid);
	g_assert_cmpint(!memcmp(edid.edid + 95, "front end", 9), ==,
			from_front_end);
	assert_error(fe_edid(fe, 16, &edid));
	assert_error(fe_edid(fe, 0xffffffff, &edid));
	end_case(fe);
}

static void edid_qemu_10(void) { edid_flavour(FE_QEMU_10, true); }
static void edid_qemu_7_2(void) { edid_flavour(FE_QEMU_7_2, false); }
static void edid_uml(void) { edid_flavour(FE_UML, false); }

static void display_info(void)
{
	struct virtio_gpu_resp_display_info info;
	struct fe *fe = begin_case(NULL);
	unsigned int i;

	fe->display.width = 1024;
	fe->display.height = 600;
	fe->display.enabled = 2;
	g_assert_cmphex(fe_display_info(fe, &info), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	for (i = 0; i < 16; i++) {
		g_assert_cmpuint(info.pmodes[i].enabled, ==, i < 2);
		g_assert_cmpuint(info.pmodes[i].r.width, ==, i < 2 ? 1024 : 0);
	}
	g_assert_cmpuint(info.hdr.ring_idx, ==, 0);
	end_case(fe);
}

static void display_info_uml(void)
{
	struct fe_options opts = { .flavour = FE_UML };
	struct virtio_gpu_resp_display_info info;
	struct fe *fe = begin_case(&opts);

	g_assert_cmphex(fe_display_info(fe, &info), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	g_assert_cmpuint(info.pmodes[0].enabled, ==, 1);
	g_assert_cmpuint(info.pmodes[0].r.width, >=, 640);
	end_case(fe);
}

static void uuid(void)
{
	struct fe *fe = begin_case(NULL);
	uint8_t a[16], b[16], again[16];

	if (!(fe->acked & 1ull << VIRTIO_GPU_F_RESOURCE_UUID)) {
		end_case(fe);
		runner_skip("no UUID feature");
	}
	assert_ok(fe_create_2d(fe, 1, XRGB, 4, 4));
	assert_ok(fe_create_2d(fe, 2, XRGB, 4, 4));
	g_assert_cmphex(fe_uuid(fe, 1, a), ==,
			VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	g_assert_cmphex(fe_uuid(fe, 2, b), ==,
			VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	g_assert_cmphex(fe_uuid(fe, 1, again), ==,
			VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	g_assert_cmpint(memcmp(a, b, 16), !=, 0);
	g_assert_cmpint(memcmp(a, again, 16), ==, 0);
	g_assert_cmphex(fe_uuid(fe, 3, a), ==,
			VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	end_case(fe);
}

/* ---- cursor ---- */

static void cursor(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 5, VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM,
					64, 64);
	const uint32_t *pixels = fe_at(fe, p->gpa);

	picture_paint(p);
	picture_transfer(p, 0, 0, 64, 64);
	g_assert_cmpint(fe_cursor(fe, 0, 5, 30, 40, 3, 4), ==, 0);
	g_assert_true(fe_until(fe, &fe->display.cursor.updates, 1));
	g_assert_cmpuint(fe->display.cursor.hot_x, ==, 3);
	g_assert_cmpuint(fe->display.cursor.hot_y, ==, 4);
	g_assert_cmpuint(fe->display.cursor.x, ==, 30);
	g_assert_cmpint(memcmp(fe->display.cursor.data, pixels, 64 * 64 * 4),
			==, 0);
	g_assert_cmpint(fe_cursor_move(fe, 0, 77, 88), ==, 0);
	fe_settle(fe, 100);
	g_assert_cmpuint(fe->display.cursor.x, ==, 77);
	g_assert_cmpuint(fe->display.cursor.y, ==, 88);
	g_assert_true(fe->display.cursor.visible);
	/* resource 0 hides it; bad ones must not be shown */
	g_assert_cmpint(fe_cursor(fe, 0, 0, 1, 1, 0, 0), ==, 0);
	fe_settle(fe, 100);
	g_assert_false(fe->display.cursor.visible);
	g_assert_cmpint(fe_cursor(fe, 0, 4242, 1, 1, 0, 0), ==, 0);
	g_assert_cmpint(fe_cursor(fe, 17, 5, 1, 1, 0, 0), ==, 0);
	fe_settle(fe, 100);
	g_assert_cmpuint(fe->display.cursor.updates, ==, 1);
	picture_free(p, true);
	end_case(fe);
}

/* ---- life cycle ---- */

static void reboot(void)
{
	struct fe *fe = begin_case(NULL);
	int i;

	for (i = 0; i < 10; i++) {
		struct picture *p = picture_new(fe, 1, XRGB, 64, 48);

		picture_show(p, 0, 0, 0, 64, 48);
		picture_push(p);
		g_assert_true(picture_same(p));
		picture_free(p, false);
		g_assert_cmpint(fe_reboot(fe), ==, 0);
		/* nothing of the old guest is left */
		assert_error(fe_flush(fe, 1, 0, 0, 4, 4));
	}
	g_assert_cmpuint(fe->max_reply_us, <, 1000000);
	end_case(fe);
}

/* The picture survives, and so do answers to what is in flight. */
static void stop_cont(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 64, 48);
	struct fe_req *reqs[10][20];
	int i, j;

	picture_show(p, 0, 0, 0, 64, 48);
	picture_push(p);
	g_assert_true(picture_same(p));
	for (i = 0; i < 10; i++) {
		struct virtio_gpu_ctrl_hdr cmd = {
			.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
			.flags = i & 1 ? VIRTIO_GPU_FLAG_FENCE : 0,
		};

		for (j = 0; j < 20; j++)
			reqs[i][j] = fe_send_cmd(fe, 0, &cmd, sizeof(cmd),
				sizeof(struct virtio_gpu_resp_display_info));
		fe_kick(fe, 0);
		g_assert_cmpint(fe_stop(fe), ==, 0);
		g_usleep((gulong)g_test_rand_int_range(0, 20000));
		g_assert_cmpint(fe_start(fe), ==, 0);
		for (j = 0; j < 20; j++) {
			g_assert_cmpint(fe_wait(reqs[i][j]), ==, 0);
			fe_req_free(reqs[i][j]);
		}
		picture_push(p);
		g_assert_true(picture_same(p));
	}
	picture_free(p, true);
	g_assert_cmpuint(fe->max_reply_us, <, 1000000);
	end_case(fe);
}

/* After `cont` the new display socket must show the old picture. */
static void cont_shows_picture(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 64, 48);
	struct fe_scanout *s = &fe->display.scanouts[0];

	picture_show(p, 0, 0, 0, 64, 48);
	picture_push(p);
	g_assert_true(picture_same(p));
	g_assert_cmpint(fe_stop(fe), ==, 0);
	memset(s->pixels, 0, (size_t)s->width * s->height * 4);
	g_assert_cmpint(fe_start(fe), ==, 0);
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

static void ends_on_hangup(void)
{
	struct fe *fe = begin_case(NULL);

	g_assert_cmpint(fe_hangup(fe), ==, 0);
	end_case(fe);
}

static void ends_on_sigterm(void)
{
	struct fe *fe = begin_case(NULL);
	uint64_t start = fe_now_ns();
	int status = fe_kill(fe, SIGTERM);

	g_assert_cmpint(status, >=, 0);
	g_assert_cmpuint(fe_now_ns() - start, <, 2000000000);
	g_assert_true(WIFEXITED(status) || WTERMSIG(status) == SIGTERM);
	end_case(fe);
}

static void add_start(void)
{
	runner_add("/start/qemu-10", start_qemu_10, 0);
	runner_add("/start/qemu-7.2", start_qemu_7_2, 0);
	runner_add("/start/qemu-11.1", start_qemu_11_1, 0);
	runner_add("/start/uml", start_uml, 0);
	runner_add("/start/socket-path", start_path, 0);
	runner_add("/start/socket-path-uml", start_path_uml, 0);
	runner_add("/start/rings", rings, 120);
	runner_add("/start/ring-wrap", ring_wrap, 120);
	runner_add("/start/unoffered-features", unoffered_features, 0);
	runner_add("/start/config", config_space, 0);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	add_start();
	runner_add("/2d/formats", formats, 0);
	runner_add("/2d/damage", damage, 0);
	runner_add("/2d/damage-bytes", damage_bytes, 0);
	runner_add("/2d/transfer-offset", transfer_offset, 0);
	runner_add("/2d/scanout-off", scanout_off, 0);
	runner_add("/2d/flip", flip, 0);
	runner_add("/query/edid-qemu-10", edid_qemu_10, 0);
	runner_add("/query/edid-qemu-7.2", edid_qemu_7_2, 0);
	runner_add("/query/edid-uml", edid_uml, 0);
	runner_add("/query/display-info", display_info, 0);
	runner_add("/query/display-info-uml", display_info_uml, 0);
	runner_add("/query/uuid", uuid, 0);
	runner_add("/cursor", cursor, 0);
	runner_add("/life/reboot", reboot, 0);
	runner_add("/life/stop-cont", stop_cont, 0);
	runner_add("/life/cont-shows-picture", cont_shows_picture, 0);
	runner_add("/life/ends-on-hangup", ends_on_hangup, 0);
	runner_add("/life/ends-on-sigterm", ends_on_sigterm, 0);
	return runner_run();
}
