// SPDX-License-Identifier: MIT
/*
 * test-device-display.c - display information, EDID, capability sets
 */
#include <string.h>
#include <glib.h>
#include "base/log.h"
#include "device/caps.h"
#include "device/edid.h"
#include "renderer/renderer.h"
#include "tests/lib/devtest.h"

#define BAD_PARAMETER	VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER

static struct devtest_cmd *ask_info(struct devtest *t)
{
	struct virtio_gpu_ctrl_hdr req = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
	};

	return devtest_send(t, 0, &req, sizeof(req), 408);
}

static struct devtest_cmd *ask_edid(struct devtest *t, uint32_t scanout)
{
	struct virtio_gpu_get_edid req = {
		.hdr.type = VIRTIO_GPU_CMD_GET_EDID, .scanout = scanout,
	};

	return devtest_send(t, 0, &req, sizeof(req), 1056);
}

static uint32_t cookie(struct devtest *t, guint i)
{
	g_assert_cmpuint(i, <, t->asked->len);
	return g_array_index(t->asked, uint32_t, i);
}

/* Answers in any order, for others, twice, after a reset. */
static void test_cookies(void)
{
	struct virtio_gpu_display_one modes[VIRTIO_GPU_MAX_SCANOUTS];
	struct virtio_gpu_resp_display_info info;
	struct devtest *t = devtest_new(NULL);
	struct devtest_cmd *a, *b, *c;
	uint8_t edid[1024];

	t->answer_display = false;
	memset(modes, 0xff, sizeof(modes));
	memset(edid, 0xee, sizeof(edid));
	a = ask_info(t);
	b = ask_info(t);
	c = ask_edid(t, 2);
	/* commands behind them go on */
	devtest_create_2d(t, 1, 1, 8, 8, DEVTEST_OK);
	g_assert_false(a->done || b->done || c->done);

	device_display_info(t->dev, 12345, modes);
	device_display_info(t->dev, cookie(t, 2), modes);
	device_edid(t->dev, cookie(t, 0), edid, 128);
	g_assert_false(a->done || b->done || c->done);
	device_display_info(t->dev, cookie(t, 1), modes);
	g_assert_true(b->done);
	g_assert_false(a->done);
	device_display_info(t->dev, cookie(t, 1), modes);
	memcpy(&info, b->in, sizeof(info));
	/* outputs that there are not stay empty */
	g_assert_cmphex(info.pmodes[3].enabled, ==, 0xffffffff);
	g_assert_cmphex(info.pmodes[4].enabled, ==, 0);
	devtest_done(t, b, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);

	device_edid(t->dev, cookie(t, 2), edid, 5000);
	g_assert_cmphex(c->in[24], ==, 0);
	g_assert_cmphex(c->in[25], ==, 4);
	devtest_done(t, c, VIRTIO_GPU_RESP_OK_EDID);
	device_reset(t->dev);
	device_display_info(t->dev, cookie(t, 0), modes);
	g_assert_true(a->done);
	a->elem.in_len = 0;
	devtest_done(t, a, 0);
	devtest_free(t);
}

static void test_edid_forwarded(void)
{
	struct devtest *t = devtest_new(NULL);
	struct virtio_gpu_resp_edid resp;
	struct devtest_cmd *cmd;
	uint8_t edid[256];

	t->answer_display = false;
	for (int i = 0; i < 256; i++)
		edid[i] = (uint8_t)i;
	cmd = ask_edid(t, 0);
	device_edid(t->dev, cookie(t, 0), edid, 256);
	memcpy(&resp, cmd->in, sizeof(resp));
	g_assert_cmpuint(resp.size, ==, 256);
	g_assert_cmpuint(resp.padding, ==, 0);
	g_assert_cmpmem(resp.edid, 256, edid, 256);
	for (int i = 256; i < 1024; i++)
		g_assert_cmphex(resp.edid[i], ==, 0);
	devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_EDID);
	devtest_done(t, ask_edid(t, 4), VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	devtest_done(t, ask_edid(t, UINT32_MAX),
		     VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	devtest_free(t);
}

static void check_edid(const uint8_t *e, uint32_t w, uint32_t h)
{
	uint32_t clock = e[54] | e[55] << 8;
	uint32_t hactive = e[56] | (e[58] >> 4) << 8;
	uint32_t hblank = e[57] | (e[58] & 15) << 8;
	uint32_t vactive = e[59] | (e[61] >> 4) << 8;
	uint32_t vblank = e[60] | (e[61] & 15) << 8;
	uint8_t sum = 0;

	for (int i = 0; i < 128; i++)
		sum = (uint8_t)(sum + e[i]);
	g_assert_cmphex(sum, ==, 0);
	g_assert_cmpmem(e, 8, "\0\xff\xff\xff\xff\xff\xff\0", 8);
	g_assert_cmpuint(e[126], ==, 0);
	g_assert_cmpuint(hactive, ==, w);
	g_assert_cmpuint(vactive, ==, h);
	g_assert_cmpuint(clock, >, 0);
	if (clock < 0xffff) {
		double hz = clock * 10000.0 /
			((hactive + hblank) * (double)(vactive + vblank));

		g_assert_cmpfloat(hz, >=, 60);
		g_assert_cmpfloat(hz, <, 60.5);
	}
	/* a name that ends */
	g_assert_cmphex(e[75], ==, 0xfc);
	g_assert_cmpmem(e + 77, 5, "vgpu ", 5);
	g_assert_nonnull(memchr(e + 77, '\n', 13));
}

static void test_edid_made(void)
{
	static const struct {
		uint32_t w, h, ew, eh;
	} cases[] = {
		{ 1280, 800, 1280, 800 }, { 640, 480, 640, 480 },
		{ 1920, 1080, 1920, 1080 }, { 3840, 2160, 3840, 2160 },
		{ 2560, 1440, 2560, 1440 }, { 0, 0, 64, 64 },
		{ 1, 1, 64, 64 }, { 16384, 16384, 4095, 4095 },
		{ UINT32_MAX, UINT32_MAX, 4095, 4095 },
		{ 4095, 64, 4095, 64 }, { 800, 4000, 800, 4000 },
	};
	uint8_t e[128], first[128];

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
		for (unsigned int output = 0; output < 16; output++) {
			edid_make(e, output, cases[i].w, cases[i].h);
			check_edid(e, cases[i].ew, cases[i].eh);
			if (!output)
				memcpy(first, e, 128);
			else	/* no two outputs are the same monitor */
				g_assert_cmpint(memcmp(e, first, 128), !=, 0);
		}
}

/* Our own says what the display is, once that is known. */
static void test_edid_mode(void)
{
	struct devtest *t = devtest_new(NULL);
	struct devtest_cmd *cmd = ask_edid(t, 0);

	check_edid(cmd->in + 32, 1280, 800);
	devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_EDID);
	devtest_done(t, ask_info(t), VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	cmd = ask_edid(t, 0);
	check_edid(cmd->in + 32, 800, 600);
	devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_EDID);
	cmd = ask_edid(t, 1);
	check_edid(cmd->in + 32, 1280, 800);
	devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_EDID);
	devtest_free(t);
}

static void test_capsets(void)
{
	struct devtest *t = devtest_new(NULL);
	struct virtio_gpu_get_capset_info info = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
	};
	struct virtio_gpu_get_capset get = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET,
	};

	for (uint32_t i = 0; i < 2; i++) {
		const struct vgpu_capset *set = &t->caps.sets[i];
		struct virtio_gpu_resp_capset_info resp;
		struct devtest_cmd *cmd;
		uint32_t word;

		info.capset_index = i;
		cmd = devtest_send(t, 0, &info, sizeof(info), 40);
		memcpy(&resp, cmd->in, sizeof(resp));
		g_assert_cmpuint(resp.capset_id, ==, set->id);
		g_assert_cmpuint(resp.capset_max_version, ==, set->max_version);
		g_assert_cmpuint(resp.capset_max_size, ==, set->size);
		g_assert_cmpuint(resp.padding, ==, 0);
		devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_CAPSET_INFO);

		get.capset_id = set->id;
		for (uint32_t v = 0; v <= set->max_version; v++) {
			get.capset_version = v;
			cmd = devtest_send(t, 0, &get, sizeof(get),
					   24 + set->size);
			/* all but what says how much memory there is */
			g_assert_cmpmem(cmd->in + 24, MIN(set->size, 688),
					set->data, MIN(set->size, 688));
			if (set->size > 688) {
				memcpy(&word, cmd->in + 24 + 692, 4);
				g_assert_cmpuint(word, ==, 64);
				g_assert_cmphex(cmd->in[24 + 688] & 4, ==, 4);
			}
			devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_CAPSET);
		}
		get.capset_version = set->max_version + 1;
		devtest_done(t, devtest_send(t, 0, &get, sizeof(get), 2000),
			     BAD_PARAMETER);
	}
	/* behind the last one, which is ours */
	for (uint32_t bad = 4; bad; bad <<= 1) {
		info.capset_index = bad;
		devtest_ask(t, info, BAD_PARAMETER);
		get.capset_id = bad == 4 ? 0 : bad;
		get.capset_version = 0;
		devtest_done(t, devtest_send(t, 0, &get, sizeof(get), 2000),
			     BAD_PARAMETER);
	}
	devtest_free(t);
}

static void test_caps_check(void)
{
	struct vgpu_caps *good = g_new0(struct vgpu_caps, 1);
	struct vgpu_caps *bad = g_new0(struct vgpu_caps, 1);

	renderer_null_probe(good);
	g_assert_true(caps_check(good));
#define BAD(change) do { \
		*bad = *good; \
		change; \
		g_assert_false(caps_check(bad)); \
	} while (0)
	BAD(bad->magic = 0);
	BAD(bad->count = VGPU_CAPS_MAX + 1);
	BAD(bad->count = UINT32_MAX);
	BAD(bad->sets[0].id = 0);
	BAD(bad->sets[0].id = 64);
	BAD(bad->sets[1].id = bad->sets[0].id);
	BAD(bad->sets[1].size = 0);
	BAD(bad->sets[1].size = VGPU_CAPSET_MAX_SIZE + 1);
	good->count = 0;
	g_assert_true(caps_check(good));
	g_free(good);
	g_free(bad);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-device-display", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/device/display/cookies", test_cookies);
	g_test_add_func("/device/display/edid-forwarded", test_edid_forwarded);
	g_test_add_func("/device/display/edid-made", test_edid_made);
	g_test_add_func("/device/display/edid-mode", test_edid_mode);
	g_test_add_func("/device/display/capsets", test_capsets);
	g_test_add_func("/device/display/caps-check", test_caps_check);
	return g_test_run();
}
