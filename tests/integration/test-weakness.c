// SPDX-License-Identifier: MIT
/*
 * test-weakness.c - every known weakness of QEMU's contrib back end, by its
 * number in our list of 22; each is something our back end must not share
 *
 * Number 10, needless work for each command, is a row of the benchmark; those
 * of the program rather than the device are in test-program.c.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

static struct fe *begin_virgl(void)
{
	struct fe *fe = begin_case(NULL);

	if (has_virgl(fe))
		return fe;
	end_case(fe);
	runner_skip("the back end offers no 3D");
}

static void show_something(struct fe *fe, uint32_t id)
{
	struct picture *p = picture_new(fe, id, XRGB, 64, 48);

	picture_show(p, 0, 0, 0, 64, 48);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
}

static void reboot_kills(void)
{
	struct fe *fe = begin_case(NULL);
	int i;

	for (i = 0; i < 10; i++) {
		show_something(fe, 1);
		g_assert_cmpint(fe_reboot(fe), ==, 0);
		g_assert_true(fe_alive(fe));
	}
	show_something(fe, 1);
	end_case(fe);
}

static void reset_keeps_state(void)
{
	struct fe *fe = begin_case(NULL);
	uint32_t i;

	for (i = 1; i <= 20; i++)
		assert_ok(fe_create_2d(fe, i, XRGB, 32, 32));
	if (has_virgl(fe))
		assert_ok(fe_ctx_create(fe, 1, "old"));
	g_assert_cmpint(fe_reboot(fe), ==, 0);
	for (i = 1; i <= 20; i++)
		g_assert_cmphex(fe_unref(fe, i), ==,
				VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID);
	for (i = 1; i <= 20; i++)
		assert_ok(fe_create_2d(fe, i, XRGB, 32, 32));
	if (has_virgl(fe))
		assert_ok(fe_ctx_create(fe, 1, "new"));
	end_case(fe);
}

static void bad_ring_kills(void)
{
	struct fe *fe = begin_case(NULL);

	fe_publish(&fe->ring[0], 60000);	/* no such descriptor */
	fe_ring_kick_now(&fe->ring[0]);
	fe_settle(fe, 300);
	g_assert_true(fe_vu_alive(fe));
	g_assert_true(fe_alive(fe));
	g_assert_cmpint(fe_reboot(fe), ==, 0);
	show_something(fe, 1);
	end_case(fe);
}

/* A display that does not answer must not stop the control queue. */
static void waits_for_display(void)
{
	struct virtio_gpu_ctrl_hdr cmd = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
	};
	struct fe *fe = begin_case(NULL);
	struct fe_req *req;
	uint64_t start;

	fe_settle(fe, 200);
	fe->display.mute = true;
	req = fe_send_cmd(fe, 0, &cmd, sizeof(cmd),
			  sizeof(struct virtio_gpu_resp_display_info));
	start = fe_now_ns();
	assert_ok(fe_create_2d(fe, 1, XRGB, 32, 32));
	assert_ok(fe_scanout(fe, 0, 1, 0, 0, 32, 32));
	assert_ok(fe_flush(fe, 1, 0, 0, 32, 32));
	g_assert_cmpuint(fe_now_ns() - start, <, 2000000000);
	/* and the question itself is answered, by the device */
	g_assert_cmpint(fe_wait_for(req, 5000), ==, 0);
	g_assert_cmphex(fe_resp_type(req), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	fe_req_free(req);
	end_case(fe);
}

static void two_scanouts_one_resource(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p;

	fe->display.enabled = 2;
	p = picture_new(fe, 1, XRGB, 64, 48);
	assert_ok(fe_scanout(fe, 1, 1, 0, 0, 64, 48));
	picture_show(p, 0, 0, 0, 64, 48);
	picture_push(p);
	g_assert_true(picture_same(p));
	p->scanout = 1;
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

/* QEMU stops reading the display socket while a console is blocked. */
static void blocked_display(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 1024, 768);
	uint64_t start;
	int i;

	picture_show(p, 0, 0, 0, 1024, 768);
	picture_push(p);
	g_assert_true(picture_same(p));
	fe->display.frozen = true;
	for (i = 0; i < 30; i++) {
		picture_push(p);
		start = fe_now_ns();
		g_assert_cmpint(fe_get_config(fe), ==, 0);
		g_assert_cmpuint(fe_now_ns() - start, <, 1000000000);
	}
	fe->display.frozen = false;
	g_assert_true(picture_same(p));
	g_assert_cmpint(fe_stop(fe), ==, 0);
	g_assert_cmpint(fe_start(fe), ==, 0);
	fe->display.frozen = true;
	picture_push(p);
	/* stopping while blocked */
	g_assert_cmpint(fe_stop(fe), ==, 0);
	g_assert_cmpuint(fe->max_reply_us, <, 1000000);
	fe->display.frozen = false;
	g_assert_cmpint(fe_start(fe), ==, 0);
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

static void closed_display_spins(void)
{
	struct fe *fe = begin_case(NULL);
	uint64_t cpu;

	show_something(fe, 1);
	fe_display_close(fe);
	fe_settle(fe, 200);
	cpu = proc_tree_cpu_us(fe->pid);
	g_usleep(1000000);
	g_assert_cmpuint(proc_tree_cpu_us(fe->pid) - cpu, <, 100000);
	assert_ok(fe_create_2d(fe, 2, XRGB, 8, 8));
	assert_ok(fe_scanout(fe, 0, 2, 0, 0, 8, 8));
	assert_ok(fe_flush(fe, 2, 0, 0, 8, 8));
	g_assert_true(fe_vu_alive(fe));
	end_case(fe);
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

static void queries(struct fe *fe, int n)
{
	struct virtio_gpu_resp_display_info info;
	struct virtio_gpu_resp_edid edid;

	while (n--) {
		g_assert_cmphex(fe_display_info(fe, &info), ==,
				VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
		if (fe->acked & 1ull << VIRTIO_GPU_F_EDID)
			g_assert_cmphex(fe_edid(fe, 0, &edid), ==,
					VIRTIO_GPU_RESP_OK_EDID);
	}
}

static void queries_leak(void)
{
	struct fe *fe = begin_case(NULL);
	long before;

	queries(fe, 500);
	before = tree_kib(fe);
	queries(fe, 3000);
	/* a request is more than 400 bytes: a leak would be 2 MiB */
	g_assert_cmpint(tree_kib(fe) - before, <, 600 + PROC_KIB_SLACK);
	end_case(fe);
}

/* Fence ids are 64 bits, and fences retire without another kick. */
static void fences_64_bits(void)
{
	struct fe *fe = begin_virgl();
	uint64_t base = 0xfffffffdull;
	uint32_t nop;
	int i;

	fe_virgl_nop(&nop);
	assert_ok(fe_ctx_create(fe, 1, "fences"));
	for (i = 0; i < 8; i++)
		assert_ok(fe_submit(fe, 1, &nop, 4, base + (uint64_t)i));
	assert_ok(fe_submit(fe, 1, &nop, 4, 0xffffffffffffffffull));
	assert_ok(fe_submit(fe, 1, &nop, 4, 1));
	end_case(fe);
}

static void ignored_errors(void)
{
	struct virtio_gpu_resource_create_3d r = {
		.resource_id = 9, .target = 2, .format = 9999, .bind = 2,
		.width = 16, .height = 16, .depth = 1, .array_size = 1,
	};
	uint32_t junk[4] = { 0xffffffff, 0xffffffff, 3, 4 };
	struct fe *fe = begin_virgl();

	assert_ok(fe_ctx_create(fe, 1, "a"));
	assert_error(fe_ctx_create(fe, 1, "a"));
	assert_error(fe_ctx_create(fe, 0, "zero"));
	assert_error(fe_ctx_destroy(fe, 2));
	assert_error(fe_create_3d(fe, &r));
	assert_error(fe_ctx_attach(fe, 1, 77));
	assert_error(fe_ctx_attach(fe, 77, 9));
	assert_error(fe_submit(fe, 77, junk, 16, 5));
	assert_error(fe_transfer_3d(fe, true, 1, 99, 4, 4, 0));
	/* a broken stream is the context's loss, not the device's */
	fe_submit(fe, 1, junk, 16, 6);
	assert_ok(fe_ctx_create(fe, 2, "b"));
	fe_virgl_nop(junk);
	assert_ok(fe_submit(fe, 2, junk, 4, 7));
	end_case(fe);
}

static void short_commands(void)
{
	struct virtio_gpu_resource_create_3d cmd = { .resource_id = 1 };
	static const uint32_t types[] = {
		VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		VIRTIO_GPU_CMD_RESOURCE_UNREF, VIRTIO_GPU_CMD_SET_SCANOUT,
		VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		VIRTIO_GPU_CMD_GET_CAPSET_INFO, VIRTIO_GPU_CMD_GET_CAPSET,
		VIRTIO_GPU_CMD_GET_EDID, VIRTIO_GPU_CMD_CTX_CREATE,
		VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
		VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		VIRTIO_GPU_CMD_SUBMIT_3D,
	};
	struct fe *fe = begin_case(NULL);
	uint8_t resp[2048];
	size_t i, len;

	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		cmd.hdr.type = types[i];
		cmd.hdr.ctx_id = 1;
		for (len = 24; len < 30; len++)
			assert_error(fe_call(fe, &cmd, len, resp,
					     sizeof(resp)));
	}
	show_something(fe, 1);
	end_case(fe);
}

/* Not even a whole header: an answer all the same, and no harm. */
static void short_headers(void)
{
	struct virtio_gpu_ctrl_hdr cmd = {
		.type = VIRTIO_GPU_CMD_GET_DISPLAY_INFO,
	};
	struct fe *fe = begin_case(NULL);
	size_t len;

	for (len = 0; len < sizeof(cmd); len++) {
		struct fe_req *req = fe_send_cmd(fe, 0, &cmd, len, 64);

		g_assert_cmpint(fe_wait(req), ==, 0);
		if (req->len)
			assert_error(fe_resp_type(req));
		fe_req_free(req);
	}
	show_something(fe, 1);
	end_case(fe);
}

static void huge_submit(void)
{
	struct virtio_gpu_cmd_submit cmd = {
		.hdr = { .type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1 },
	};
	static const uint32_t sizes[] = {
		4, 4096, 1u << 30, 0x7fffffff, 0xfffffffc, 0xffffffff,
	};
	struct fe *fe = begin_virgl();
	size_t i;

	assert_ok(fe_ctx_create(fe, 1, "huge"));
	for (i = 0; i < G_N_ELEMENTS(sizes); i++) {
		cmd.size = sizes[i];
		assert_error(fe_simple(fe, &cmd, sizeof(cmd)));
	}
	end_case(fe);
}

static void no_memory_limit(void)
{
	static const uint32_t sides[][2] = {
		{ 0, 0 }, { 1, 0 }, { 0, 1 }, { 65536, 65536 },
		{ 0x40000000, 1 }, { 0x40000001, 4 }, { 0xffffffff, 1 },
		{ 0x10000, 0x4001 }, { 0xffffffff, 0xffffffff },
	};
	struct fe_options opts = { .add = "--memory-max=64M" };
	struct fe *fe = fe_new(&opts);
	uint32_t i, n = 0;

	g_assert_nonnull(fe);
	g_assert_cmpint(fe_up(fe), ==, 0);
	for (i = 0; i < G_N_ELEMENTS(sides); i++)
		assert_error(fe_create_2d(fe, 5, XRGB, sides[i][0],
					  sides[i][1]));
	/* 4 MiB each */
	for (i = 1; i < 40; i++)
		if (fe_create_2d(fe, i, XRGB, 1024, 1024) ==
		    VIRTIO_GPU_RESP_OK_NODATA)
			n++;
	g_assert_cmpuint(n, >=, 8);
	g_assert_cmpuint(n, <=, 16);
	/* and what is freed can be had again */
	assert_ok(fe_unref(fe, 1));
	assert_ok(fe_create_2d(fe, 1, XRGB, 1024, 1024));
	end_case(fe);
}

/* A scanout of a GL texture on a machine without dma-bufs. */
static void virgl_scanout(void)
{
	static const float red[4] = { 1, 0, 0, 1 };
	struct fe *fe = begin_virgl();
	struct fe_scanout *s = &fe->display.scanouts[0];
	uint32_t buf[64], i, wrong = 0;
	size_t n;

	assert_ok(fe_ctx_create(fe, 1, "scanout"));
	assert_ok(fe_texture(fe, 3, XRGB, 96, 64));
	assert_ok(fe_ctx_attach(fe, 1, 3));
	assert_ok(fe_scanout(fe, 0, 3, 0, 0, 96, 64));
	n = fe_virgl_clear(buf, 5, 3, XRGB, red);
	assert_ok(fe_submit(fe, 1, buf, (uint32_t)n * 4, 1));
	assert_ok(fe_flush(fe, 3, 0, 0, 96, 64));
	fe_settle(fe, 300);
	if (s->dmabuf) {
		end_case(fe);
		return;
	}
	g_assert_cmpuint(s->width, ==, 96);
	g_assert_cmpuint(s->height, ==, 64);
	for (i = 0; i < 96 * 64; i++)
		wrong += (s->pixels[i] & 0xffffff) != 0xff0000;
	if (!strstr(fe_default_backend(), "null"))
		g_assert_cmpuint(wrong, ==, 0);
	end_case(fe);
}

static void unknown_commands(void)
{
	static const uint32_t types[] = {
		0, 1, 0xff, 0x10e, 0x1ff, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
		VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
		VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
		VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB, 0x20a, 0x2ff, 0x302,
		VIRTIO_GPU_CMD_UPDATE_CURSOR, 0x1100, 0x1200, 0x7fffffff,
		0xffffffff,
	};
	struct fe *fe = begin_case(NULL);
	uint8_t cmd[256] = { 0 };
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(types); i++) {
		memcpy(cmd, &types[i], 4);
		/* a cursor command on the control queue may be done */
		if (types[i] == VIRTIO_GPU_CMD_UPDATE_CURSOR)
			g_assert_cmpint(fe_simple(fe, cmd, sizeof(cmd)), >, 0);
		else
			assert_error(fe_simple(fe, cmd, sizeof(cmd)));
	}
	show_something(fe, 1);
	end_case(fe);
}

/* New memory at the same guest address: old pointers must not be used. */
static void memory_table_changes(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1, XRGB, 64, 48);
	size_t size = fe->ram.size;
	uint8_t *base;
	int fd;

	picture_show(p, 0, 0, 0, 64, 48);
	picture_push(p);
	g_assert_true(picture_same(p));
	g_assert_cmpint(fe_stop(fe), ==, 0);
	fd = memfd_create("other-ram", MFD_CLOEXEC);
	g_assert_cmpint(ftruncate(fd, (off_t)size), ==, 0);
	base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	g_assert_true(base != MAP_FAILED);
	memcpy(base, fe->ram.base, size);
	/* the same addresses for us, another file behind them */
	g_assert_true(mremap(base, size, size, MREMAP_MAYMOVE | MREMAP_FIXED,
			     fe->ram.base) == fe->ram.base);
	close(fe->ram.fd);
	fe->ram.fd = fd;
	g_assert_cmpint(fe_start(fe), ==, 0);
	picture_push(p);
	g_assert_true(picture_same(p));
	/* while running, too */
	g_assert_cmpint(fe_set_mem(fe), ==, 0);
	picture_push(p);
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

/* A scanout that shows a part of its resource, in another format. */
static void scanout_rectangle(void)
{
	struct fe *fe = begin_case(NULL);
	struct picture *p = picture_new(fe, 1,
					VIRTIO_GPU_FORMAT_R8G8B8A8_UNORM,
					200, 150);
	int i;

	picture_show(p, 0, 37, 23, 100, 80);
	picture_push(p);
	g_assert_true(picture_same(p));
	for (i = 0; i < 30; i++) {
		uint32_t x = (uint32_t)g_test_rand_int_range(0, 200);
		uint32_t y = (uint32_t)g_test_rand_int_range(0, 150);
		uint32_t w = (uint32_t)g_test_rand_int_range(1, 201 - (int)x);
		uint32_t h = (uint32_t)g_test_rand_int_range(1, 151 - (int)y);

		picture_paint(p);
		picture_transfer(p, x, y, w, h);
		picture_flush(p, x, y, w, h);
	}
	g_assert_true(picture_same(p));
	picture_free(p, true);
	end_case(fe);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/contrib/01-reboot", reboot_kills, 0);
	runner_add("/contrib/02-reset", reset_keeps_state, 0);
	runner_add("/contrib/03-bad-ring", bad_ring_kills, 0);
	runner_add("/contrib/04-mute-display", waits_for_display, 0);
	runner_add("/contrib/05-two-scanouts", two_scanouts_one_resource, 0);
	runner_add("/contrib/06-blocked-display", blocked_display, 0);
	runner_add("/contrib/07-closed-display", closed_display_spins, 0);
	runner_add("/contrib/08-queries-leak", queries_leak, 0);
	runner_add_3d("/contrib/09-fences-64-bits", fences_64_bits, 0);
	runner_add_3d("/contrib/11-ignored-errors", ignored_errors, 0);
	runner_add("/contrib/12-short-commands", short_commands, 0);
	runner_add("/contrib/12-short-headers", short_headers, 0);
	runner_add_3d("/contrib/13-huge-submit", huge_submit, 0);
	runner_add("/contrib/14-memory-limit", no_memory_limit, 0);
	runner_add_3d("/contrib/15-virgl-scanout", virgl_scanout, 0);
	runner_add("/contrib/17-unknown-commands", unknown_commands, 0);
	runner_add("/contrib/18-memory-table", memory_table_changes, 0);
	runner_add("/contrib/22-scanout-rectangle", scanout_rectangle, 0);
	return runner_run();
}
