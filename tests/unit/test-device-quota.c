// SPDX-License-Identifier: MIT
/*
 * test-device-quota.c - what a guest gets no more of, and that what runs in it
 * goes on
 */
#include <stdatomic.h>
#include <unistd.h>
#include "base/event.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"
#include "tests/unit/quota_play.h"

/* ---- the guest is told ---- */

static void test_told(void)
{
	struct devtest_config config = { .leases = true };
	struct virtio_gpu_get_capset get = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET, .capset_id = 2,
	};
	struct virgl_stream s = { 0 };
	struct devtest *t = begin(NULL);
	struct devtest_cmd *cmd;
	uint32_t word;

	memset(t->ram, 0x5a, DEVTEST_RAM);
	words(&s, VIRGL_CCMD_GET_MEMORY_INFO, 0, 1, GOOD);
	words(&s, VIRGL_CCMD_GET_MEMORY_INFO, 0, 1, GONE);
	words(&s, VIRGL_CCMD_GET_MEMORY_INFO, 0, 1, 99);
	words(&s, VIRGL_CCMD_GET_MEMORY_INFO, 0, 0);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "0 0 50 50");
	for (uint32_t id = GOOD; id <= GONE; id++) {
		g_assert_cmpuint(word_at(t, id * 65536), ==, 1024);
		g_assert_cmpuint(word_at(t, id * 65536 + 4), ==, 1024 - 8);
		g_assert_cmpuint(word_at(t, id * 65536 + 20), ==, 0);
		g_assert_cmphex(word_at(t, id * 65536 + 24), ==, 0x5a5a5a5a);
	}
	cmd = devtest_send(t, 0, &get, sizeof(get), 2000);
	memcpy(&word, cmd->in + 24 + VIRGL_CAPS_MEMORY_OFFSET, 4);
	g_assert_cmpuint(word, ==, 1);
	memcpy(&word, cmd->in + 24 + VIRGL_CAPS_BITS_V2_OFFSET, 4);
	g_assert_cmphex(word, ==, VIRGL_CAP_V2_VIDEO_MEMORY |
			VIRGL_CAP_V2_MEMINFO);
	devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_CAPSET);
	end(t);

	/* nothing was refused, and the quota changes while it runs */
	t = devtest_new(&config);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_grant(t, true);
	seen = g_array_new(false, false, 4);
	atomic_store(&t->grant->memory_max, 64 * MIB);
	devtest_create_3d(t, GOOD, 1024, 1024, DEVTEST_OK);
	devtest_attach(t, GOOD, 0, 8192, DEVTEST_OK);
	devtest_ctx(t, ATTACH, 1, GOOD, DEVTEST_OK);
	submit(t, 1, &s, DEVTEST_OK);
	g_assert_cmpuint(word_at(t, 0), ==, 65536);
	g_assert_cmpuint(word_at(t, 4), ==, 65536 - 4096);
	atomic_store(&t->grant->memory_max, 2 * MIB);	/* less than is used */
	submit(t, 1, &s, DEVTEST_OK);
	g_assert_cmpuint(word_at(t, 0), ==, 2048);
	g_assert_cmpuint(word_at(t, 4), ==, 0);
	devtest_create_3d(t, 9, 64, 64, NO_MEMORY);
	atomic_store(&t->grant->memory_max, 0);
	devtest_create_3d(t, 9, 64, 64, DEVTEST_OK);
	atomic_store(&t->grant->max_resources, 2);
	devtest_create_3d(t, 10, 1, 1, NO_MEMORY);
	devtest_create_2d(t, 11, BGRA, 1, 1, NO_MEMORY);
	atomic_store(&t->grant->max_resources, 3);
	devtest_create_3d(t, 10, 1, 1, DEVTEST_OK);
	g_assert_cmpuint(sched_client_report(t->sched)->refused, ==, 3);
	g_assert_cmpuint(sched_client_report(t->sched)->resources, ==, 3);
	g_array_free(seen, true);
	devtest_free(t);
}

/* ---- ids of what was refused ---- */

static void test_ids(void)
{
	struct virtio_gpu_transfer_host_3d get = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
		.hdr.ctx_id = 1, .box = { 0, 0, 0, 4, 4, 1 },
		.resource_id = GONE,
	};
	struct virgl_stream s = { 0 };
	struct devtest *t = begin(NULL);
	struct sched_client *sched = t->sched;

	/* nothing of it is in the renderer, and no command on it fails */
	devtest_ask(t, get, DEVTEST_OK);
	devtest_transfer(t, GONE, 4, 4, DEVTEST_OK);
	get.box.w = 4096;
	devtest_ask(t, get, VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	devtest_scanout(t, 0, GONE, 0, 0, 64, 32,
			VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER);
	devtest_flush(t, GONE, 0, 0, 4, 4, DEVTEST_OK);
	g_assert_cmpuint(sched_client_report(sched)->memory, ==, 64 * 32 * 4);
	g_assert_cmpuint(sched_client_report(sched)->resources, ==, 1);
	g_assert_cmpuint(sched_client_report(sched)->refused, ==, 1);
	/* the guest may use the id again, or free it */
	devtest_create_3d(t, GONE, 2048, 2048, NO_MEMORY);
	devtest_create_2d(t, GONE, BGRA, 2048, 2048, NO_MEMORY);
	devtest_attach(t, GONE, 0, 4096, BAD_RESOURCE);
	devtest_create_3d(t, GONE, 2048, 2048, NO_MEMORY);
	devtest_create_3d(t, GONE, 16, 16, DEVTEST_OK);
	g_assert_cmpuint(t->dev->denied, ==, 0);
	devtest_ctx(t, ATTACH, 1, GONE, DEVTEST_OK);
	virgl_surface(&s, 10, GONE, BGRA);
	virgl_framebuffer(&s, 10);
	virgl_clear(&s, red);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "1 5 7");
	devtest_unref(t, GONE, DEVTEST_OK);
	devtest_unref(t, GONE, BAD_RESOURCE);
	end(t);
}

/* Fences and query results of others, when one program has taken all. */
static void test_small(void)
{
	struct virtio_gpu_resource_create_3d small = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.target = VIRGL_TARGET_BUFFER, .format = VIRGL_FORMAT_R8_UNORM,
		.bind = VIRGL_BIND_CUSTOM, .width = 4096, .height = 1,
		.depth = 1, .array_size = 1,
	};
	struct devtest *t = begin(NULL);
	uint32_t id = 100, n;

	devtest_create_3d(t, id++, 512, 508, DEVTEST_OK);
	devtest_create_3d(t, id++, 64, 1, NO_MEMORY);
	for (n = 0; n < 64; n++) {
		small.resource_id = id++;
		devtest_ask(t, small, DEVTEST_OK);
	}
	small.resource_id = id++;
	devtest_ask(t, small, NO_MEMORY);
	small.width = 4097;
	small.resource_id = id++;
	devtest_ask(t, small, NO_MEMORY);
	end(t);
}

/* ---- contexts ---- */

static void test_contexts(void)
{
	struct devtest_config config = { .max_contexts = 2 };
	struct virgl_stream s = { 0 };
	struct devtest *t = begin(&config);
	struct devtest_cmd *cmd;

	memset(t->ram, 0x5a, DEVTEST_RAM);
	devtest_ctx_create(t, 2, DEVTEST_OK);
	devtest_ctx_create(t, 3, NO_MEMORY);
	g_assert_cmpuint(sched_client_report(t->sched)->contexts, ==, 2);
	g_assert_cmpuint(sched_client_report(t->sched)->refused, ==, 2);
	devtest_ctx(t, ATTACH, 3, GOOD, DEVTEST_OK);
	virgl_surface(&s, 10, GOOD, BGRA);
	virgl_framebuffer(&s, 10);
	virgl_clear(&s, red);
	virgl_query_create(&s, 8, 0, GOOD);
	get_query(&s, 8);
	submit(t, 3, &s, DEVTEST_OK);
	g_assert_cmpuint(seen->len, ==, 0);
	g_assert_cmpuint(t->renderers, ==, 1);	/* for the resource */
	g_assert_cmpuint(word_at(t, GOOD * 65536), ==, 1);
	/* fences come, in order */
	cmd = devtest_words(t, 3, 77, s.word, s.n);
	devtest_done(t, cmd, DEVTEST_OK);
	/* the others draw */
	submit(t, 2, &s, DEVTEST_OK);
	got(&s, "1 5 7 1 19 20 21");
	/* one goes: there is room for a new one, not for the refused one */
	devtest_ctx(t, DESTROY, 2, 0, DEVTEST_OK);
	submit(t, 3, &s, DEVTEST_OK);
	g_assert_cmpuint(seen->len, ==, 0);
	devtest_ctx_create(t, 3, BAD_CONTEXT);
	devtest_ctx_create(t, 4, DEVTEST_OK);
	devtest_ctx_create(t, 5, NO_MEMORY);
	devtest_ctx(t, DESTROY, 3, 0, DEVTEST_OK);
	devtest_ctx(t, DESTROY, 5, 0, DEVTEST_OK);
	g_assert_cmpuint(t->dev->refused, ==, 0);
	devtest_ctx(t, DESTROY, 4, 0, DEVTEST_OK);
	devtest_ctx_create(t, 3, DEVTEST_OK);
	end(t);
}

/* Bombs: one program asks for ever, another one's frames go on. */
static void test_bombs(void)
{
	struct devtest_config config = {
		.max_contexts = 100, .max_resources = 1000,
	};
	struct virgl_stream frame = { 0 }, setup = { 0 };
	struct devtest *t = begin(&config);

	virgl_surface(&setup, 1, GOOD, BGRA);
	submit(t, 1, &setup, DEVTEST_OK);
	virgl_framebuffer(&frame, 1);
	virgl_clear(&frame, red);
	for (uint32_t i = 0; i < 3000; i++) {
		devtest_create_3d(t, 1000 + i, 16, 16,
				  i < 999 ? DEVTEST_OK : NO_MEMORY);
		devtest_ctx_create(t, 1000 + i, i < 99 ? DEVTEST_OK : NO_MEMORY);
		if (i % 100)
			continue;
		submit(t, 1, &frame, DEVTEST_OK);
		got(&frame, "5 7");
	}
	g_assert_cmpuint(sched_client_report(t->sched)->contexts, ==, 100);
	g_assert_cmpuint(sched_client_report(t->sched)->resources, ==, 1000);
	device_reset(t->dev);
	g_assert_cmpuint(t->dev->denied + t->dev->refused, ==, 0);
	g_assert_cmpuint(t->dev->memory, ==, 0);
	end(t);
}

/* The worker dies: what was refused is known to its successor. */
static void test_takeover(void)
{
	struct devtest_config config = { .ledger_fd = ledger_create() };
	struct devtest *t = begin(&config);

	devtest_restart(t, NULL, 0);
	g_assert_cmpuint(t->dev->denied, ==, 1);
	devtest_transfer(t, GONE, 4, 4, DEVTEST_OK);
	devtest_unref(t, GONE, DEVTEST_OK);
	end(t);
	close(config.ledger_fd);
}

/* ---- frames ---- */

/* A flush that is too early waits, and all but questions behind it. */
static void test_frames(void)
{
	struct devtest_config config = { .leases = true };
	struct virtio_gpu_resource_flush flush = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { 0, 0, 64, 32 }, .resource_id = GOOD,
	};
	struct virtio_gpu_get_capset_info info = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
	};
	struct devtest *t = devtest_new(&config);
	const struct vgpu_sched_report *r = sched_client_report(t->sched);
	struct devtest_cmd *a, *b;
	uint64_t start;

	atomic_store(&t->grant->frame_ns, 50000000);
	devtest_create_2d(t, GOOD, BGRA, 64, 32, DEVTEST_OK);
	/* nothing is shown: no frame */
	for (int i = 0; i < 3; i++)
		devtest_flush(t, GOOD, 0, 0, 64, 32, DEVTEST_OK);
	devtest_scanout(t, 0, GOOD, 0, 0, 64, 32, DEVTEST_OK);
	devtest_flush(t, GOOD, 0, 0, 64, 32, DEVTEST_OK);
	start = event_now_ns();
	a = devtest_send(t, 0, &flush, sizeof(flush), 24);
	b = devtest_nop(t, 1);
	g_assert_false(a->done || b->done);
	g_assert_cmpuint(r->frames, ==, 1);
	devtest_done(t, devtest_send(t, 0, &info, sizeof(info), 40),
		     VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	while (!a->done)
		event_loop_iterate(t->loop, 1000);
	g_assert_cmpuint(event_now_ns() - start, >=, 40000000);
	g_assert_cmpuint(r->frames, ==, 2);
	g_assert_true(b->done);
	devtest_done(t, a, DEVTEST_OK);
	devtest_done(t, b, DEVTEST_OK);
	/* a reset while one waits */
	a = devtest_send(t, 0, &flush, sizeof(flush), 24);
	device_reset(t->dev);
	a->elem.in_len = 0;
	devtest_done(t, a, 0);
	event_loop_iterate(t->loop, 100);
	devtest_free(t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-device-quota", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/device/quota/told", test_told);
	g_test_add_func("/device/quota/ids", test_ids);
	g_test_add_func("/device/quota/small", test_small);
	g_test_add_func("/device/quota/contexts", test_contexts);
	g_test_add_func("/device/quota/bombs", test_bombs);
	g_test_add_func("/device/quota/takeover", test_takeover);
	g_test_add_func("/device/quota/frames", test_frames);
	return g_test_run();
}
