// SPDX-License-Identifier: MIT
/*
 * test-commands.c - virtio-gpu commands that no driver would send
 *
 * Each root cause of a known vulnerability of a virtio-gpu device is a case:
 * refused with an error, nothing written that was not asked for, and the
 * device works afterwards with all of its memory back.
 */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/picture.h"
#include "tests/lib/proc.h"
#include "tests/lib/runner.h"

#define XRGB	VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM

static bool has_virgl(const struct fe *fe)
{
	return fe->acked & 1ull << VIRTIO_GPU_F_VIRGL;
}

static void finish(struct fe *fe)
{
	struct picture *p = picture_new(fe, 4000, XRGB, 16, 16);

	picture_show(p, 0, 0, 0, 16, 16);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

/* CVE-2016-9845, -9908, CVE-2021-3545: bytes nobody initialised. */
static void uninitialised(void)
{
	struct virtio_gpu_get_capset_info cmd = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
			.fence_id = 0x1122334455667788, .ctx_id = 7,
		},
	};
	struct virtio_gpu_resp_capset_info info;
	struct virtio_gpu_resp_display_info display;
	struct fe *fe = begin_case(NULL);
	uint32_t i;

	for (i = 0; i < 12; i++) {
		int ret;

		cmd.capset_index = i;
		memset(&info, 0, sizeof(info));
		ret = fe_call(fe, &cmd, sizeof(cmd), &info, sizeof(info));
		if (ret != VIRTIO_GPU_RESP_OK_CAPSET_INFO)
			continue;
		g_assert_cmpuint(info.padding, ==, 0);
		g_assert_cmpuint(info.hdr.padding[0], ==, 0);
		/* no fence was asked for: no fence is answered */
		g_assert_cmphex(info.hdr.flags, ==, 0);
	}
	g_assert_cmpint(fe_display_info(fe, &display), >, 0);
	for (i = fe->display.enabled; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		g_assert_cmpuint(display.pmodes[i].r.x |
				 display.pmodes[i].r.width |
				 display.pmodes[i].flags, ==, 0);
	finish(fe);
}

/* CVE-2016-10028, CVE-2021-3546: unknown capsets, and no room for one. */
static void capsets(void)
{
	static const uint32_t ids[] = { 0, 1, 2, 3, 5, 31, 63, 64, 0xffffffff };
	struct virtio_gpu_get_capset cmd = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET,
	};
	struct virtio_gpu_resp_capset_info info;
	struct fe *fe = begin_case(NULL);
	uint8_t data[8192];
	size_t i, len;
	int ret;

	for (i = 0; i < G_N_ELEMENTS(ids); i++) {
		ret = fe_capset(fe, ids[i], 0, data, sizeof(data), &len);
		if (ret == VIRTIO_GPU_RESP_OK_CAPSET)
			g_assert_cmpuint(len, >, 0);
		else
			assert_error(ret);
		ret = fe_capset(fe, ids[i], 0xffffffff, data, sizeof(data),
				&len);
		g_assert_cmpint(ret, >, 0);
		/* no room for its contents: never more than there is */
		cmd.capset_id = ids[i];
		ret = fe_simple(fe, &cmd, sizeof(cmd));
		g_assert_cmpint(ret, >, 0);
	}
	assert_error(fe_capset_info(fe, fe->config.num_capsets, &info));
	assert_error(fe_capset_info(fe, 0xffffffff, &info));
	finish(fe);
}

/* CVE-2016-10029: scanout ids beyond the last. */
static void scanout_ids(void)
{
	static const uint32_t ids[] = { 16, 17, 255, 0x80000000, 0xffffffff };
	struct fe *fe = begin_case(NULL);
	size_t i;

	assert_ok(fe_create_2d(fe, 1, XRGB, 32, 32));
	for (i = 0; i < G_N_ELEMENTS(ids); i++) {
		g_assert_cmphex(fe_scanout(fe, ids[i], 1, 0, 0, 32, 32), ==,
				VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
		g_assert_cmphex(fe_scanout(fe, ids[i], 0, 0, 0, 0, 0), ==,
				VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID);
	}
	assert_ok(fe_unref(fe, 1));
	finish(fe);
}

/* Rectangles beyond their resource, with sums that wrap. */
static void rectangles(void)
{
	static const uint32_t r[][4] = {
		{ 0, 0, 33, 32 }, { 0, 0, 32, 33 }, { 1, 0, 32, 32 },
		{ 32, 0, 1, 1 }, { 0xffffffff, 0, 2, 1 }, { 0, 0xffffffff, 1, 2 },
		{ 0, 0, 0xffffffff, 0xffffffff }, { 0x80000000, 0, 0x80000001, 1 },
		{ 16, 16, 0xfffffff8, 1 },
	};
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 32, 32);
	size_t i;

	picture_show(p, 0, 0, 0, 32, 32);
	picture_push(p);
	for (i = 0; i < G_N_ELEMENTS(r); i++) {
		assert_error(fe_transfer_2d(fe, 1, r[i][0], r[i][1], r[i][2],
					    r[i][3], 0));
		assert_error(fe_flush(fe, 1, r[i][0], r[i][1], r[i][2],
				      r[i][3]));
		assert_error(fe_scanout(fe, 1, 1, r[i][0], r[i][1], r[i][2],
					r[i][3]));
	}
	/* offsets beyond the backing: an error, or nothing copied */
	for (i = 0; i < 64; i++)
		g_assert_cmpint(fe_transfer_2d(fe, 1, 0, 0, 32, 32,
					       1ull << i), >, 0);
	fe_transfer_2d(fe, 1, 0, 31, 32, 1, ~0ull);
	fe_transfer_2d(fe, 1, 0, 0, 32, 32, ~0ull - 4095);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
	finish(fe);
}

/* CVE-2026-15264, -3886: sizes whose product wraps. */
static void sizes(void)
{
	static const uint32_t wh[][2] = {
		{ 0x8000, 0x8000 }, { 0x10000, 0x10000 }, { 0x40000000, 1 },
		{ 0x40000001, 1 }, { 1, 0x40000001 }, { 0xffffffff, 1 },
		{ 0xffffffff, 0xffffffff }, { 0x20000, 0x2001 }, { 0, 5 },
		{ 5, 0 }, { 0x10001, 0xffff },
	};
	struct fe *fe = begin_case(NULL);
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(wh); i++) {
		int ret = fe_create_2d(fe, 1, XRGB, wh[i][0], wh[i][1]);

		if (ret == VIRTIO_GPU_RESP_OK_NODATA) {
			/* as big as it said, then */
			g_assert_cmpuint((uint64_t)wh[i][0] * wh[i][1], <=,
					 1ull << 30);
			assert_ok(fe_unref(fe, 1));
		} else {
			assert_error(ret);
		}
	}
	finish(fe);
}

/* Ids: zero, used twice, used after their end. */
static void ids(void)
{
	struct fe *fe = begin_case(NULL);
	uint64_t gpa = fe_alloc(fe, FE_PAGE);

	assert_error(fe_create_2d(fe, 0, XRGB, 8, 8));
	assert_ok(fe_create_2d(fe, 1, XRGB, 8, 8));
	assert_error(fe_create_2d(fe, 1, XRGB, 16, 16));
	assert_ok(fe_create_2d(fe, 0xffffffff, XRGB, 8, 8));
	assert_ok(fe_unref(fe, 0xffffffff));
	assert_ok(fe_attach(fe, 1, gpa, FE_PAGE));
	/* CVE-2016-9912 and three more: attached twice, and not detached */
	assert_error(fe_attach(fe, 1, gpa, FE_PAGE));
	assert_ok(fe_detach(fe, 1));
	assert_error(fe_detach(fe, 1));
	assert_ok(fe_attach(fe, 1, gpa, FE_PAGE));
	assert_ok(fe_unref(fe, 1));
	assert_error(fe_unref(fe, 1));
	assert_error(fe_attach(fe, 1, gpa, FE_PAGE));
	assert_error(fe_detach(fe, 1));
	assert_error(fe_transfer_2d(fe, 1, 0, 0, 8, 8, 0));
	assert_error(fe_flush(fe, 1, 0, 0, 8, 8));
	assert_error(fe_scanout(fe, 0, 1, 0, 0, 8, 8));
	assert_error(fe_unref(fe, 0));
	finish(fe);
}

/* Backing: outside of memory, wrapping, none, and far too many entries. */
static void backing(void)
{
	struct virtio_gpu_resource_attach_backing cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.resource_id = 1,
	};
	static const uint32_t counts[] = {
		1, 2, 0x4000, 0x10000000, 0x10000001, 0x7fffffff, 0xffffffff,
	};
	static const struct virtio_gpu_mem_entry bad[] = {
		{ 1ull << 40, 4096, 0 }, { FE_LOW_END, 4096, 0 },
		{ FE_LOW_END - 100, 4096, 0 }, { ~0ull - 100, 4096, 0 },
		{ 0, 0xffffffff, 0 }, { FE_HIGH_START, 0xffffffff, 0 },
	};
	struct fe *fe = begin_case(NULL);
	struct virtio_gpu_mem_entry *many;
	size_t i;

	assert_ok(fe_create_2d(fe, 1, XRGB, 32, 32));
	for (i = 0; i < G_N_ELEMENTS(counts); i++) {
		cmd.nr_entries = counts[i];
		assert_error(fe_simple(fe, &cmd, sizeof(cmd)));
	}
	for (i = 0; i < G_N_ELEMENTS(bad); i++)
		assert_error(fe_attach_entries(fe, 1, &bad[i], 1));
	/* none at all: transfers have nothing to read */
	cmd.nr_entries = 0;
	if (fe_simple(fe, &cmd, sizeof(cmd)) == VIRTIO_GPU_RESP_OK_NODATA)
		fe_detach(fe, 1);
	/* no byte of backing, then less than the picture */
	assert_error(fe_transfer_2d(fe, 1, 0, 0, 32, 32, 0));
	many = g_new0(struct virtio_gpu_mem_entry, 16384);
	for (i = 0; i < 16384; i++)
		many[i] = (struct virtio_gpu_mem_entry){
			.addr = FE_HIGH_START + i % 64, .length = 1,
		};
	if (fe_attach_entries(fe, 1, many, 3000) == VIRTIO_GPU_RESP_OK_NODATA) {
		g_assert_cmpint(fe_transfer_2d(fe, 1, 0, 0, 32, 32, 0), >, 0);
		assert_ok(fe_detach(fe, 1));
	}
	g_assert_cmpint(fe_attach_entries(fe, 1, many, 16384), >, 0);
	g_free(many);
	assert_ok(fe_unref(fe, 1));
	finish(fe);
}

/* Unref of what is shown, and of what has backing. */
static void unref_in_use(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p;
	int i;

	for (i = 0; i < 50; i++) {
		p = picture_new(fe, 1, XRGB, 64, 48);
		picture_show(p, 0, 0, 0, 64, 48);
		picture_push(p);
		g_assert_cmpint(fe_cursor(fe, 0, 1, 0, 0, 0, 0), ==, 0);
		picture_free(p, true);
		assert_error(fe_flush(fe, 1, 0, 0, 8, 8));
	}
	finish(fe);
}

static long tree_kib(struct fe *fe)
{
	pid_t pids[16];
	size_t n = proc_tree(fe->pid, pids, 16), i;
	long sum = 0;

	for (i = 0; i < n; i++)
		sum += proc_private_kib(pids[i]);
	return sum;
}

static int tree_fds(struct fe *fe)
{
	pid_t pids[16];
	size_t n = proc_tree(fe->pid, pids, 16), i;
	int sum = 0;

	for (i = 0; i < n; i++)
		sum += proc_count_fds(pids[i]);
	return sum;
}

static int tree_maps(struct fe *fe)
{
	pid_t pids[16];
	size_t n = proc_tree(fe->pid, pids, 16), i;
	int sum = 0;

	for (i = 0; i < n; i++)
		sum += proc_count_maps(pids[i]);
	return sum;
}

/* CVE-2016-7994 and six more: failed and repeated commands that leak. */
static void leaky_round(struct fe *fe)
{
	uint64_t gpa = fe_alloc(fe, 64 * 64 * 4);
	struct virtio_gpu_mem_entry half[2] = {
		{ gpa, 4096, 0 }, { 1ull << 40, 4096, 0 },
	};
	int i;

	assert_ok(fe_create_2d(fe, 1, XRGB, 64, 64));
	assert_error(fe_create_2d(fe, 1, XRGB, 64, 64));
	assert_error(fe_attach_entries(fe, 1, half, 2));
	assert_ok(fe_attach(fe, 1, gpa, 64 * 64 * 4));
	assert_error(fe_attach(fe, 1, gpa, 64 * 64 * 4));
	assert_ok(fe_scanout(fe, 0, 1, 0, 0, 64, 64));
	assert_ok(fe_transfer_2d(fe, 1, 0, 0, 64, 64, 0));
	assert_ok(fe_flush(fe, 1, 0, 0, 64, 64));
	for (i = 0; i < 3; i++)
		g_assert_cmpint(fe_cursor(fe, 0, 1, 5, 5, 0, 0), ==, 0);
	if (has_virgl(fe)) {
		assert_ok(fe_texture(fe, 2, XRGB, 64, 64));
		assert_ok(fe_attach(fe, 2, gpa, 64 * 64 * 4));
		assert_error(fe_attach(fe, 2, gpa, 64 * 64 * 4));
		assert_ok(fe_ctx_create(fe, 1, "leak"));
		assert_ok(fe_ctx_attach(fe, 1, 2));
		assert_ok(fe_unref(fe, 2));
		assert_ok(fe_ctx_destroy(fe, 1));
	}
	assert_ok(fe_scanout(fe, 0, 0, 0, 0, 0, 0));
	assert_ok(fe_unref(fe, 1));
	fe_release(fe, gpa, 64 * 64 * 4);
	fe_settle(fe, 0);
}

static void leaks(void)
{
	struct fe *fe = begin_case(NULL);
	int i, fds, maps;
	long kib;

	for (i = 0; i < 100; i++)
		leaky_round(fe);
	kib = tree_kib(fe);
	fds = tree_fds(fe);
	maps = tree_maps(fe);
	for (i = 0; i < 1000; i++)
		leaky_round(fe);
	g_assert_cmpint(tree_fds(fe), ==, fds);
	g_assert_cmpint(tree_maps(fe) - maps, <=, 3 + PROC_MAPS_SLACK);
	/* one picture is 16 KiB: a leak would be 16 MiB */
	g_assert_cmpint(tree_kib(fe) - kib, <, 3000 + PROC_KIB_SLACK);
	finish(fe);
}

/* A hundred guests in the place of one. */
static void life_leaks(void)
{
	struct fe *fe = begin_case(NULL);
	int i, fds = 0, maps = 0;
	long kib = 0;

	for (i = 0; i < 120; i++) {
		if (i == 20) {
			kib = tree_kib(fe);
			fds = tree_fds(fe);
			maps = tree_maps(fe);
		}
		leaky_round(fe);
		if (i % 3 == 0) {
			g_assert_cmpint(fe_stop(fe), ==, 0);
			g_assert_cmpint(fe_start(fe), ==, 0);
		}
		g_assert_cmpint(fe_reboot(fe), ==, 0);
		leaky_round(fe);
	}
	g_assert_cmpint(tree_fds(fe), ==, fds);
	g_assert_cmpint(tree_maps(fe) - maps, <=, 5 + PROC_MAPS_SLACK);
	g_assert_cmpint(tree_kib(fe) - kib, <, 2000 + PROC_KIB_SLACK);
	finish(fe);
}

/* Commands of random bytes behind every type. */
static void random_commands(void)
{
	static const uint32_t bases[] = { 0x100, 0x200, 0x300 };
	struct fe *fe = begin_case(NULL);
	pid_t worker;
	int i;

	assert_ok(fe_create_2d(fe, 1, XRGB, 16, 16));
	worker = fe_worker(fe);
	for (i = 0; i < 20000; i++) {
		uint32_t cmd[64] = { 0 };
		struct fe_req *req;
		size_t n;

		for (n = 1; n < G_N_ELEMENTS(cmd); n++)
			cmd[n] = g_test_rand_bit() ?
				 (uint32_t)g_test_rand_int_range(0, 70) :
				 (uint32_t)g_test_rand_int();
		cmd[0] = bases[g_test_rand_int_range(0, 3)] +
			 (uint32_t)g_test_rand_int_range(0, 15);
		cmd[1] &= 3;
		req = fe_send_cmd(fe, 0, cmd, (size_t)g_test_rand_int_range(0,
				  sizeof(cmd)), 1100);
		g_assert_cmpint(fe_wait(req), ==, 0);
		fe_req_free(req);
	}
	/* random screens are no fault of the device */
	g_assert_cmpint(fe_worker(fe), ==, worker);
	g_assert_cmpint(fe_reboot(fe), ==, 0);
	finish(fe);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/commands/uninitialised", uninitialised, 0);
	runner_add("/commands/capsets", capsets, 0);
	runner_add("/commands/scanout-ids", scanout_ids, 0);
	runner_add("/commands/rectangles", rectangles, 0);
	runner_add("/commands/sizes", sizes, 0);
	runner_add("/commands/ids", ids, 0);
	runner_add("/commands/backing", backing, 0);
	runner_add("/commands/unref-in-use", unref_in_use, 0);
	runner_add("/commands/leaks", leaks, 120);
	runner_add("/commands/life-leaks", life_leaks, 120);
	runner_add("/commands/random", random_commands, 120);
	return runner_run();
}
