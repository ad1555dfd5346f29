// SPDX-License-Identifier: MIT
/*
 * test-peers.c - twelve defects of other virtio-gpu back ends, by number
 *
 * Of 8 and 9 the part that needs a renderer which fails or retires fences out
 * of order is in the device's unit tests.
 */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/picture.h"
#include "tests/lib/runner.h"

#define XRGB	VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM

static bool has_virgl(const struct fe *fe)
{
	return fe->acked & 1ull << VIRTIO_GPU_F_VIRGL;
}

static struct fe *begin_virgl(void)
{
	struct fe *fe = begin_case(NULL);

	if (has_virgl(fe))
		return fe;
	end_case(fe);
	runner_skip("the back end offers no 3D");
}

/* Every command that exists, with none of the features acknowledged. */
static void without_features(void)
{
	struct fe_options opts = { .no_features = ~0ull };
	struct fe *fe = begin_case(&opts);
	pid_t worker;
	uint32_t type;

	assert_ok(fe_create_2d(fe, 1, XRGB, 8, 8));
	worker = fe_worker(fe);
	for (type = 0x100; type < 0x310; type++) {
		uint32_t cmd[64] = { type, 0, 0, 0, 1, 0, 1, 1, 1, 1 };
		struct fe_req *req;

		req = fe_send_cmd(fe, 0, cmd, sizeof(cmd), 1100);
		g_assert_cmpint(fe_wait(req), ==, 0);
		if (type == VIRTIO_GPU_CMD_GET_EDID ||
		    type == VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID ||
		    type == VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB ||
		    type == VIRTIO_GPU_CMD_SET_SCANOUT_BLOB ||
		    (type >= VIRTIO_GPU_CMD_CTX_CREATE &&
		     type <= VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB))
			assert_error(fe_resp_type(req));
		fe_req_free(req);
	}
	g_assert_cmpint(fe_worker(fe), ==, worker);
	end_case(fe);
}

static void huge_counts(void)
{
	static const uint32_t huge[] = {
		0x10000, 0x1000000, 0x10000000, 0x7fffffff, 0xffffffff,
	};
	struct virtio_gpu_resource_attach_backing attach = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = 1,
	};
	struct virtio_gpu_cmd_submit submit = {
		.hdr = { .type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1 },
	};
	struct virtio_gpu_ctx_create create = {
		.hdr = { .type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = 5 },
	};
	struct fe *fe = begin_case(NULL);
	size_t i;

	assert_ok(fe_create_2d(fe, 1, XRGB, 8, 8));
	if (has_virgl(fe))
		assert_ok(fe_ctx_create(fe, 1, "a"));
	for (i = 0; i < G_N_ELEMENTS(huge); i++) {
		attach.nr_entries = huge[i];
		assert_error(fe_simple(fe, &attach, sizeof(attach)));
		submit.size = huge[i];
		assert_error(fe_simple(fe, &submit, sizeof(submit)));
		/* a name is cut, or refused; never read beyond its field */
		create.nlen = huge[i];
		memset(create.debug_name, 'x', sizeof(create.debug_name));
		if (fe_simple(fe, &create, sizeof(create)) ==
		    VIRTIO_GPU_RESP_OK_NODATA)
			assert_ok(fe_ctx_destroy(fe, 5));
	}
	end_case(fe);
}

static void reboot_twice(void)
{
	struct fe *fe = begin_case(NULL);
	int i;

	for (i = 0; i < 3; i++) {
		struct picture *p = picture_new(fe, 1, XRGB, 64, 48);
		unsigned int asked = fe->display.counts
			[VHOST_USER_GPU_GET_PROTOCOL_FEATURES];

		picture_show(p, 0, 0, 0, 64, 48);
		picture_push(p);
		g_assert_true(picture_same(p));
		/* each socket is a new one, and asked anew */
		g_assert_cmpuint(asked, ==, (unsigned int)i + 1);
		if (has_virgl(fe)) {
			assert_ok(fe_ctx_create(fe, 1, "guest"));
			assert_ok(fe_texture(fe, 2, XRGB, 16, 16));
		}
		picture_free(p, false);
		g_assert_cmpint(fe_reboot(fe), ==, 0);
	}
	end_case(fe);
}

/* No display feature: no GET_EDID there, and an EDID all the same. */
static void edid_unasked(void)
{
	struct fe_options opts = { .no_display_features = true };
	struct virtio_gpu_resp_edid edid;
	struct fe *fe = begin_case(&opts);

	g_assert_cmphex(fe_edid(fe, 0, &edid), ==, VIRTIO_GPU_RESP_OK_EDID);
	g_assert_cmpuint(fe->display.counts[VHOST_USER_GPU_GET_EDID], ==, 0);
	end_case(fe);
}

static void dmabuf2_unasked(void)
{
	static const float blue[4] = { 0, 0, 1, 1 };
	struct fe_options opts = {
		.display_features = 1u << VHOST_USER_GPU_PROTOCOL_F_EDID,
	};
	struct fe *fe = begin_case(&opts);
	uint32_t buf[64];
	size_t n;

	if (!has_virgl(fe)) {
		end_case(fe);
		runner_skip("the back end offers no 3D");
	}
	assert_ok(fe_ctx_create(fe, 1, "a"));
	assert_ok(fe_texture(fe, 3, XRGB, 64, 64));
	assert_ok(fe_ctx_attach(fe, 1, 3));
	assert_ok(fe_scanout(fe, 0, 3, 0, 0, 64, 64));
	n = fe_virgl_clear(buf, 5, 3, XRGB, blue);
	assert_ok(fe_submit(fe, 1, buf, (uint32_t)n * 4, 1));
	assert_ok(fe_flush(fe, 3, 0, 0, 64, 64));
	fe_settle(fe, 200);
	/* number 12 would have been a fault */
	g_assert_cmpuint(fe->display.counts[VHOST_USER_GPU_DMABUF_SCANOUT2],
			 ==, 0);
	end_case(fe);
}

/* A texture is shown right where it can not be exported, top row first. */
static void pixels_of_textures(void)
{
	struct fe *fe = begin_virgl();
	struct fe_scanout *s = &fe->display.scanouts[0];
	uint64_t gpa = fe_alloc(fe, 64 * 64 * 4);
	uint32_t *pixels = fe_at(fe, gpa), i, wrong = 0;

	for (i = 0; i < 64 * 64; i++)
		pixels[i] = 0xff000000u | i * 2654435761u >> 8;
	assert_ok(fe_ctx_create(fe, 1, "a"));
	assert_ok(fe_texture(fe, 3, XRGB, 64, 64));
	assert_ok(fe_attach(fe, 3, gpa, 64 * 64 * 4));
	assert_ok(fe_transfer_3d(fe, true, 0, 3, 64, 64, 0));
	assert_ok(fe_scanout(fe, 0, 3, 0, 0, 64, 64));
	assert_ok(fe_flush(fe, 3, 0, 0, 64, 64));
	fe_settle(fe, 300);
	if (s->dmabuf || strstr(fe_default_backend(), "null")) {
		end_case(fe);
		return;
	}
	g_assert_cmpuint(s->width, ==, 64);
	for (i = 0; i < 64 * 64; i++)
		wrong += (s->pixels[i] ^ pixels[i]) & 0xffffff ? 1 : 0;
	g_assert_cmpuint(wrong, ==, 0);
	end_case(fe);
}

/* Bytes on the socket are those of the damage. */
static void whole_flushes(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 800, 600);
	uint64_t before;
	int i;

	picture_show(p, 0, 0, 0, 800, 600);
	picture_push(p);
	g_assert_true(picture_same(p));
	fe_settle(fe, 100);
	before = fe->display.scanouts[0].update_bytes;
	for (i = 0; i < 10; i++) {
		picture_paint(p);
		picture_transfer(p, 0, 590, 800, 10);
		picture_flush(p, 0, 590, 800, 10);
		g_assert_true(picture_same(p));
	}
	fe_settle(fe, 100);
	g_assert_cmpuint(fe->display.scanouts[0].update_bytes - before, <=,
			 10 * 800 * 10 * 4);
	picture_free(p, true);
	end_case(fe);
}

static void wide_fences(void)
{
	static const uint64_t ids[] = {
		1, 0xffffffff, 0x100000000, 0x123456789abcdef0,
		0x7fffffffffffffff, 0x8000000000000000, 0xffffffffffffffff,
	};
	struct virtio_gpu_ctrl_hdr cmd = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
		.flags = VIRTIO_GPU_FLAG_FENCE,
	};
	struct virtio_gpu_resp_display_info info;
	struct fe *fe = begin_case(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(ids); i++) {
		cmd.fence_id = ids[i];
		g_assert_cmphex(fe_call(fe, &cmd, sizeof(cmd), &info,
					sizeof(info)), ==,
				VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
		g_assert_cmphex(info.hdr.fence_id, ==, ids[i]);
		g_assert_cmphex(info.hdr.flags, ==, VIRTIO_GPU_FLAG_FENCE);
	}
	end_case(fe);
}

/* Two contexts, a thousand fences: all answered, in the order of numbers. */
static void fence_order(void)
{
	static const float green[4] = { 0, 1, 0, 1 };
	struct fe *fe = begin_virgl();
	struct fe_req *reqs[1000];
	uint32_t clear[64], nop, i;
	uint64_t last = 0;
	size_t n;

	assert_ok(fe_ctx_create(fe, 1, "a"));
	assert_ok(fe_ctx_create(fe, 2, "b"));
	assert_ok(fe_texture(fe, 3, XRGB, 256, 256));
	assert_ok(fe_ctx_attach(fe, 1, 3));
	n = fe_virgl_clear(clear, 5, 3, XRGB, green);
	assert_ok(fe_submit(fe, 1, clear, (uint32_t)n * 4, 0));
	n = fe_virgl_clear(clear, 5, 0, XRGB, green);
	fe_virgl_nop(&nop);
	for (i = 0; i < 1000; i++) {
		reqs[i] = i % 3 ? fe_submit_send(fe, 2, &nop, 4, i + 1) :
			  fe_submit_send(fe, 1, clear, (uint32_t)n * 4, i + 1);
		if (i % 10 == 0)
			fe_kick(fe, 0);
	}
	for (i = 0; i < 1000; i++) {
		g_assert_cmpint(fe_wait(reqs[i]), ==, 0);
		g_assert_cmphex((unsigned int)fe_resp_type(reqs[i]), ==,
				VIRTIO_GPU_RESP_OK_NODATA);
		/* Linux takes fence N for the answer to all before it */
		g_assert_cmpuint(reqs[i]->order, >, last);
		last = reqs[i]->order;
		fe_req_free(reqs[i]);
	}
	end_case(fe);
}

/* Fences on a timeline of their own: completed, or refused. */
static void ring_idx(void)
{
	struct virtio_gpu_cmd_submit cmd = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1,
			.flags = VIRTIO_GPU_FLAG_FENCE |
				 VIRTIO_GPU_FLAG_INFO_RING_IDX,
			.fence_id = 1,
		},
	};
	struct fe *fe = begin_virgl();
	unsigned int i;

	assert_ok(fe_ctx_create(fe, 1, "a"));
	for (i = 0; i < 256; i += 15) {
		cmd.hdr.ring_idx = (uint8_t)i;
		cmd.hdr.fence_id++;
		g_assert_cmpint(fe_simple(fe, &cmd, sizeof(cmd)), >, 0);
	}
	end_case(fe);
}

/* Unref of what is shown: gone, and not half gone. */
static void unref_shown(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p;
	int i;

	for (i = 0; i < 5; i++) {
		p = picture_new(fe, 1, XRGB, 64, 48);
		picture_show(p, 0, 0, 0, 64, 48);
		assert_ok(fe_scanout(fe, 1, 1, 8, 8, 16, 16));
		picture_push(p);
		g_assert_true(picture_same(p));
		assert_ok(fe_unref(fe, 1));
		g_assert_cmphex(fe_unref(fe, 1), ==,
				VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
		g_assert_cmphex(fe_flush(fe, 1, 0, 0, 4, 4), ==,
				VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
		picture_free(p, false);
	}
	end_case(fe);
}

/* Index and id are different things; each capset has its contents. */
static void capset_table(void)
{
	struct virtio_gpu_resp_capset_info info;
	struct fe *fe = begin_virgl();
	uint8_t data[8192];
	uint32_t i, seen = 0;
	size_t len;

	g_assert_cmpuint(fe->config.num_capsets, >=, 2);
	for (i = 0; i < fe->config.num_capsets; i++) {
		g_assert_cmphex(fe_capset_info(fe, i, &info), ==,
				VIRTIO_GPU_RESP_OK_CAPSET_INFO);
		/* Linux shifts 1 by it, and drops all if one is odd */
		g_assert_cmpuint(info.capset_id, >=, 1);
		g_assert_cmpuint(info.capset_id, <=, 63);
		g_assert_cmpuint(info.capset_max_size, >, 0);
		g_assert_cmpuint(info.capset_max_size, <=, sizeof(data));
		if (info.capset_id < 32) {
			g_assert_false(seen & 1u << info.capset_id);
			seen |= 1u << info.capset_id;
		}
		g_assert_cmphex(fe_capset(fe, info.capset_id,
					  info.capset_max_version, data,
					  info.capset_max_size, &len), ==,
				VIRTIO_GPU_RESP_OK_CAPSET);
		g_assert_cmpuint(len, ==, info.capset_max_size);
	}
	g_assert_true(seen & 1u << VIRTIO_GPU_CAPSET_VIRGL);
	g_assert_true(seen & 1u << VIRTIO_GPU_CAPSET_VIRGL2);
	end_case(fe);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/peers/01-without-features", without_features, 0);
	runner_add("/peers/02-huge-counts", huge_counts, 0);
	runner_add("/peers/03-reboot-twice", reboot_twice, 0);
	runner_add("/peers/04-edid-unasked", edid_unasked, 0);
	runner_add_3d("/peers/05-dmabuf2-unasked", dmabuf2_unasked, 0);
	runner_add_3d("/peers/06-pixels-of-textures", pixels_of_textures, 0);
	runner_add("/peers/07-whole-flushes", whole_flushes, 0);
	runner_add("/peers/08-wide-fences", wide_fences, 0);
	runner_add_3d("/peers/09-fence-order", fence_order, 0);
	runner_add_3d("/peers/10-ring-idx", ring_idx, 0);
	runner_add("/peers/11-unref-shown", unref_shown, 0);
	runner_add_3d("/peers/12-capset-table", capset_table, 0);
	return runner_run();
}
