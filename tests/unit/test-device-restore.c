// SPDX-License-Identifier: MIT
/*
 * test-device-restore.c - a worker dies at any point; its successor knows what
 * it knew
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <glib.h>
#include "base/log.h"
#include "device/context.h"
#include "device/resource.h"
#include "device/state.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_ledger.h"
#include "tests/lib/devtest.h"

#define BGRA		VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM
#define BAD_CONTEXT	VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID
#define BAD_RESOURCE	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID

static struct devtest *start(bool leases)
{
	struct devtest_config config = {
		.ledger_fd = ledger_create(), .leases = leases,
	};

	g_assert_cmpint(config.ledger_fd, >, 0);
	return devtest_new(&config);
}

static void stop(struct devtest *t)
{
	int fd = t->config.ledger_fd;

	devtest_free(t);
	close(fd);
}

static void restart(struct devtest *t)
{
	devtest_restart(t, NULL, 0);
}

static void test_picture(void)
{
	struct devtest *t = start(false);
	struct devtest_screen *s = &t->screens[0];

	devtest_create_2d(t, 1, BGRA, 64, 32, DEVTEST_OK);
	devtest_attach(t, 1, 0, 64 * 32 * 4, DEVTEST_OK);
	devtest_scanout(t, 0, 1, 8, 0, 16, 32, DEVTEST_OK);
	for (int i = 0; i < 64 * 32 * 4; i++)
		t->ram[i] = (uint8_t)g_test_rand_int();
	/* shown at once, whole, without a command of the guest */
	memset(s->pixels, 0, s->w * s->h * 4);
	s->updates = 0;
	restart(t);
	g_assert_cmpuint(s->updates, ==, 1);
	g_assert_cmpuint(s->damage.w, ==, 16);
	g_assert_cmpuint(s->damage.h, ==, 32);
	for (int y = 0; y < 32; y++)
		g_assert_cmpmem(s->pixels + y * 16, 64,
				t->ram + (y * 64 + 8) * 4, 64);
	/* and it goes on */
	devtest_transfer(t, 1, 64, 32, DEVTEST_OK);
	devtest_flush(t, 1, 0, 0, 64, 32, DEVTEST_OK);
	devtest_create_2d(t, 1, BGRA, 64, 32, BAD_RESOURCE);
	devtest_unref(t, 1, DEVTEST_OK);
	restart(t);
	devtest_unref(t, 1, BAD_RESOURCE);
	stop(t);
}

/* Backing that ends early, or is nowhere at all. */
static void test_backing(void)
{
	struct devtest *t = start(false);
	struct devtest_screen *s = &t->screens[0];

	memset(t->ram, 0x77, 4096);
	devtest_create_2d(t, 1, BGRA, 64, 32, DEVTEST_OK);
	devtest_attach(t, 1, 0, 64 * 4 * 3 + 5, DEVTEST_OK);
	devtest_scanout(t, 0, 1, 0, 0, 64, 32, DEVTEST_OK);
	devtest_create_2d(t, 2, BGRA, 64, 32, DEVTEST_OK);
	restart(t);
	g_assert_cmphex(s->pixels[64 * 3 - 1], ==, 0x77777777);
	g_assert_cmphex(s->pixels[64 * 3], ==, 0);
	devtest_attach(t, 1, 0, 4096, VIRTIO_GPU_RESP_ERR_UNSPEC);
	devtest_attach(t, 2, 0, 4096, DEVTEST_OK);
	stop(t);
}

static void test_cursor(void)
{
	struct devtest *t = start(false);
	struct virtio_gpu_update_cursor req = {
		.hdr.type = VIRTIO_GPU_CMD_UPDATE_CURSOR,
		.pos = { 1, 30, 40, 0 }, .resource_id = 1, .hot_x = 5, .hot_y = 6,
	};
	struct devtest_cursor *c = &t->cursors[1];

	memset(t->ram, 0x42, 64 * 64 * 4);
	devtest_create_2d(t, 1, BGRA, 64, 64, DEVTEST_OK);
	devtest_attach(t, 1, 0, 64 * 64 * 4, DEVTEST_OK);
	devtest_transfer(t, 1, 64, 64, DEVTEST_OK);
	devtest_done(t, devtest_send(t, 1, &req, sizeof(req), 0), DEVTEST_OK);
	memset(c, 0, sizeof(*c));
	restart(t);
	g_assert_cmpuint(c->updates, ==, 1);
	g_assert_cmpuint(c->x, ==, 30);
	g_assert_cmpuint(c->hot_y, ==, 6);
	g_assert_cmphex(c->image[64 * 64 - 1], ==, 0x42424242);
	/* its resource is gone: the display has a copy, until a reset */
	devtest_unref(t, 1, DEVTEST_OK);
	restart(t);
	g_assert_true(c->visible);
	g_assert_cmpuint(c->updates, ==, 1);
	device_reset(t->dev);
	g_assert_false(c->visible);
	stop(t);
}

static void test_contexts(void)
{
	struct devtest *t = start(false);

	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_ctx_create(t, 2, DEVTEST_OK);
	devtest_ctx_create(t, 3, DEVTEST_OK);
	devtest_create_3d(t, 9, 64, 32, DEVTEST_OK);
	devtest_attach(t, 9, 0, 64 * 32 * 4, DEVTEST_OK);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_DESTROY, 3, 0, DEVTEST_OK);
	restart(t);
	devtest_done(t, devtest_submit(t, 1, 0), BAD_CONTEXT);
	devtest_done(t, devtest_submit(t, 1, 1ull << 33), BAD_CONTEXT);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 9, BAD_CONTEXT);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, 1, 9, BAD_CONTEXT);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 0, DEVTEST_OK);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 0, BAD_CONTEXT);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_DESTROY, 3, 0, BAD_CONTEXT);
	devtest_ctx_create(t, 2, DEVTEST_OK);
	g_assert_cmpuint(t->renderers, ==, 1);	/* the old one's */

	/* a live context brings the 3D resource back, with its pages */
	memset(t->ram, 0x33, 64 * 32 * 4);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 2, 9, DEVTEST_OK);
	devtest_done(t, devtest_submit(t, 2, 0), DEVTEST_OK);
	g_assert_cmpuint(t->renderers, ==, 2);
	memset(t->ram, 0, 64 * 32 * 4);
	devtest_scanout(t, 0, 9, 0, 0, 64, 32, DEVTEST_OK);
	devtest_flush(t, 9, 0, 0, 64, 32, DEVTEST_OK);
	g_assert_cmphex(t->screens[0].pixels[64 * 32 - 1], ==, 0x33333333);
	devtest_poll(t);

	/* the last picture stays until the guest has a new one */
	t->screens[0].updates = 0;
	restart(t);
	g_assert_cmpuint(t->screens[0].updates, ==, 0);
	g_assert_nonnull(t->screens[0].pixels);
	devtest_flush(t, 9, 3, 3, 1, 1, DEVTEST_OK);
	g_assert_cmpuint(t->screens[0].damage.w, ==, 64);
	stop(t);
}

/* What a predecessor did and did not answer is asked again. */
static void again(struct devtest *t, const void *req, size_t size,
		  uint32_t want)
{
	struct devtest_cmd *cmd = g_new0(struct devtest_cmd, 1);

	cmd->out = g_malloc(size);
	cmd->in = g_malloc(24);
	memset(cmd->in, DEVTEST_POISON, 24);
	memcpy(cmd->out, req, size);
	cmd->elem.iov = g_new0(struct iovec, 2);
	cmd->elem.iov[0] = (struct iovec){ cmd->out, size };
	cmd->elem.iov[1] = (struct iovec){ cmd->in, 24 };
	cmd->elem.n_out = cmd->elem.n_in = 1;
	cmd->elem.out_len = size;
	cmd->elem.in_len = 24;
	cmd->elem.replayed = true;
	t->popped++;
	device_process(t->dev, 0, &cmd->elem);
	devtest_done(t, cmd, want);
}

static void test_again(void)
{
	struct devtest *t = start(false);
	struct virtio_gpu_resource_create_2d create = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		.resource_id = 1, .format = BGRA, .width = 64, .height = 32,
	};
	struct virtio_gpu_resource_create_3d create_3d = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
		.resource_id = 2, .target = 2, .format = BGRA, .bind = 2,
		.width = 64, .height = 32, .depth = 1, .array_size = 1,
	};
	struct {
		struct virtio_gpu_resource_attach_backing req;
		struct virtio_gpu_mem_entry entry;
	} attach = {
		.req.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
		.req.resource_id = 1, .req.nr_entries = 1,
		.entry.addr = DEVTEST_GPA, .entry.length = 64 * 32 * 4,
	};
	struct virtio_gpu_resource_detach_backing detach = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING,
		.resource_id = 1,
	};
	struct virtio_gpu_resource_unref unref = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF, .resource_id = 1,
	};
	struct virtio_gpu_ctx_create ctx = {
		.hdr.type = VIRTIO_GPU_CMD_CTX_CREATE, .hdr.ctx_id = 1,
	};
	struct virtio_gpu_ctx_destroy destroy = {
		.hdr.type = VIRTIO_GPU_CMD_CTX_DESTROY, .hdr.ctx_id = 1,
	};
	const struct {
		const void *req;
		size_t size;
	} steps[] = {
		{ &create, sizeof(create) }, { &create_3d, sizeof(create_3d) },
		{ &attach, sizeof(attach) }, { &ctx, sizeof(ctx) },
		{ &detach, sizeof(detach) }, { &unref, sizeof(unref) },
		{ &destroy, sizeof(destroy) },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(steps); i++) {
		devtest_done(t, devtest_send(t, 0, steps[i].req, steps[i].size,
					     24), DEVTEST_OK);
		if (g_test_rand_bit())
			restart(t);
		again(t, steps[i].req, steps[i].size, DEVTEST_OK);
		again(t, steps[i].req, steps[i].size, DEVTEST_OK);
	}
	/* the same id for another thing is no repetition */
	create_3d.width = 32;
	again(t, &create_3d, sizeof(create_3d), BAD_RESOURCE);
	create.resource_id = 2;
	again(t, &create, sizeof(create), BAD_RESOURCE);
	/* and without a predecessor nothing is forgiven */
	devtest_ask(t, unref, BAD_RESOURCE);
	devtest_ask(t, destroy, BAD_CONTEXT);
	stop(t);
}

static void test_uuid(void)
{
	struct devtest *t = start(false);
	struct virtio_gpu_resource_assign_uuid req = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
		.resource_id = 1,
	};
	struct devtest_cmd *cmd;
	uint8_t uuid[16];

	devtest_create_2d(t, 1, BGRA, 8, 8, DEVTEST_OK);
	cmd = devtest_send(t, 0, &req, sizeof(req), 40);
	memcpy(uuid, cmd->in + 24, 16);
	devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	restart(t);
	cmd = devtest_send(t, 0, &req, sizeof(req), 40);
	g_assert_cmpmem(cmd->in + 24, 16, uuid, 16);
	devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	stop(t);
}

/* A reset is not undone by a restart. */
static void test_reset(void)
{
	struct devtest *t = start(false);

	devtest_create_2d(t, 1, BGRA, 64, 32, DEVTEST_OK);
	devtest_scanout(t, 0, 1, 0, 0, 64, 32, DEVTEST_OK);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	device_reset(t->dev);
	restart(t);
	g_assert_cmpuint(g_hash_table_size(t->dev->resources), ==, 0);
	g_assert_cmpuint(g_hash_table_size(t->dev->contexts), ==, 0);
	g_assert_cmpuint(t->dev->scanouts[0].resource, ==, 0);
	stop(t);
}

/* ---- random commands, killed anywhere ---- */

static char *describe(struct devtest *t)
{
	GString *s = g_string_new(NULL);

	for (uint32_t id = 0; id < 12; id++) {
		struct resource *res = resource_find(t->dev, id);

		g_string_append_printf(s, "ctx %u %d\n", id,
				       context_known(t->dev, id));
		if (!res)
			continue;
		g_string_append_printf(s, "res %u 3d %d %ux%u format %u out %x",
				       id, res->is_3d, res->args.width,
				       res->args.height, res->args.format,
				       res->scanouts);
		for (size_t i = 0; i < res->backing.nr_entries; i++)
			g_string_append_printf(s, " %llx+%x",
				(unsigned long long)res->backing.entries[i].addr,
				res->backing.entries[i].length);
		g_string_append_printf(s, " size %llu\n",
				       (unsigned long long)res->backing.size);
	}
	for (int i = 0; i < 4; i++) {
		struct scanout *o = &t->dev->scanouts[i];

		g_string_append_printf(s, "scanout %u %u+%u %ux%u\n",
				       o->resource, o->r.x, o->r.y, o->r.w,
				       o->r.h);
		/* a cursor whose resource went is hidden by the successor */
		if (resource_find(t->dev, o->cursor.resource))
			g_string_append_printf(s, "cursor %u %u,%u\n",
					       o->cursor.resource, o->cursor.x,
					       o->cursor.y);
	}
	g_string_append_printf(s, "memory %llu entries %llu\n",
			       (unsigned long long)t->dev->memory,
			       (unsigned long long)t->dev->entries);
	return g_string_free(s, false);
}

static uint32_t rnd(uint32_t end)
{
	return (uint32_t)g_test_rand_int_range(0, (gint32)end);
}

/* Any of these may fail; what counts is that both see the same. */
static size_t random_command(uint8_t *buf, unsigned int *queue)
{
	union {
		struct virtio_gpu_ctrl_hdr hdr;
		struct virtio_gpu_resource_create_2d create;
		struct virtio_gpu_resource_create_3d create_3d;
		struct virtio_gpu_set_scanout scanout;
		struct virtio_gpu_resource_flush flush;
		struct virtio_gpu_resource_attach_backing attach;
		struct virtio_gpu_resource_unref id;
		struct virtio_gpu_update_cursor cursor;
		struct virtio_gpu_ctx_create ctx;
		uint8_t bytes[256];
	} r = { 0 };
	struct virtio_gpu_mem_entry *e =
		(void *)(r.bytes + sizeof(r.attach));

	*queue = 0;
	r.id.resource_id = 1 + rnd(10);
	switch (rnd(11)) {
	case 0:
		r.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D;
		r.create.format = 1 + rnd(4);
		r.create.width = 32 + rnd(64);
		r.create.height = 32 + rnd(64);
		break;
	case 1:
		r.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D;
		r.create_3d.target = 2;
		r.create_3d.format = 1;
		r.create_3d.width = r.create_3d.height = 32 + rnd(64);
		r.create_3d.depth = 1;
		break;
	case 2:
		r.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF;
		break;
	case 3:
	case 4:
		r.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING;
		r.attach.nr_entries = 1 + rnd(10);
		for (uint32_t i = 0; i < r.attach.nr_entries; i++) {
			e[i].addr = DEVTEST_GPA + rnd(DEVTEST_RAM - 8192);
			e[i].length = rnd(8192);
		}
		break;
	case 5:
		r.hdr.type = VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING;
		break;
	case 6:
	case 7:
		r.hdr.type = VIRTIO_GPU_CMD_SET_SCANOUT;
		r.scanout.resource_id = rnd(8);
		r.scanout.scanout_id = rnd(5);
		r.scanout.r = (struct virtio_gpu_rect){
			rnd(20), rnd(20), 1 + rnd(40), 1 + rnd(40),
		};
		break;
	case 8:
		*queue = 1;
		r.hdr.type = rnd(2) ? VIRTIO_GPU_CMD_UPDATE_CURSOR :
			VIRTIO_GPU_CMD_MOVE_CURSOR;
		r.cursor.resource_id = rnd(8);
		r.cursor.pos = (struct virtio_gpu_cursor_pos){
			rnd(4), rnd(100), rnd(100), 0,
		};
		break;
	case 9:
		memset(&r, 0, sizeof(r));
		r.hdr.type = VIRTIO_GPU_CMD_CTX_CREATE;
		r.hdr.ctx_id = rnd(12);
		break;
	default:
		r.hdr.type = VIRTIO_GPU_CMD_CTX_DESTROY;
		r.hdr.ctx_id = rnd(12);
		break;
	}
	memcpy(buf, &r, sizeof(r));
	return sizeof(r);
}

static void test_random(void)
{
	struct devtest *t = start(false);
	uint8_t buf[256];

	for (int life = 0; life < 120; life++) {
		int n = g_test_rand_int_range(0, 400);
		char *before, *after;

		for (int i = 0; i < n; i++) {
			struct virtio_gpu_ctrl_hdr resp;
			struct devtest_cmd *cmd;
			unsigned int queue;
			size_t size = random_command(buf, &queue);

			cmd = devtest_send(t, queue, buf, size, 24);
			memcpy(&resp, cmd->in, sizeof(resp));
			devtest_done(t, cmd, resp.type);
		}
		before = describe(t);
		restart(t);
		after = describe(t);
		g_assert_cmpstr(before, ==, after);
		g_free(before);
		g_free(after);
	}
	stop(t);
}

/* Killed with commands in flight, some of them twice. */
static void test_in_flight(void)
{
	struct devtest *t = start(true);

	for (int round = 0; round < 50; round++) {
		struct devtest_cmd *cmds[20];
		unsigned int last = 0;
		int n = g_test_rand_int_range(1, 20);

		devtest_ctx_create(t, 1, DEVTEST_OK);
		for (int i = 0; i < n; i++)
			cmds[i] = rnd(2) ? devtest_submit(t, 1, (uint64_t)i + 1) :
				devtest_nop(t, (uint64_t)i + 1);
		for (uint32_t kills = rnd(3); kills; kills--)
			devtest_restart(t, cmds, (size_t)n);
		devtest_grant(t, true);
		devtest_poll(t);
		for (int i = 0; i < n; i++) {
			struct virtio_gpu_ctrl_hdr resp;

			g_assert_true(cmds[i]->done);
			g_assert_cmpuint(cmds[i]->order, >, last);
			last = cmds[i]->order;
			memcpy(&resp, cmds[i]->in, sizeof(resp));
			g_assert_true(resp.type == DEVTEST_OK ||
				      resp.type == BAD_CONTEXT);
			devtest_done(t, cmds[i], resp.type);
		}
		devtest_ctx(t, VIRTIO_GPU_CMD_CTX_DESTROY, 1, 0, DEVTEST_OK);
		devtest_grant(t, false);
	}
	stop(t);
}

/* ---- a log that says anything ---- */

static void append(int fd, uint32_t type, const void *payload, size_t size)
{
	struct ledger *ledger = ledger_open(fd);

	g_assert_cmpint(ledger_append(ledger, type, payload, size), ==, 0);
	ledger_close(ledger);
}

static void test_hostile_log(void)
{
	for (int round = 0; round < 300; round++) {
		struct devtest *t = start(false);
		int n = g_test_rand_int_range(1, 30);

		for (int i = 0; i < n; i++) {
			uint32_t words[32], type = rnd(12);
			size_t size = rnd(sizeof(words));

			for (size_t w = 0; w < G_N_ELEMENTS(words); w++)
				words[w] = rnd(3) ? rnd(70) :
					(uint32_t)g_test_rand_int();
			append(t->config.ledger_fd, type, words, size);
		}
		restart(t);
		devtest_create_2d(t, 0xfffffff0, BGRA, 8, 8, DEVTEST_OK);
		restart(t);
		devtest_unref(t, 0xfffffff0, DEVTEST_OK);
		stop(t);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-device-restore", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/device/restore/picture", test_picture);
	g_test_add_func("/device/restore/backing", test_backing);
	g_test_add_func("/device/restore/cursor", test_cursor);
	g_test_add_func("/device/restore/contexts", test_contexts);
	g_test_add_func("/device/restore/again", test_again);
	g_test_add_func("/device/restore/uuid", test_uuid);
	g_test_add_func("/device/restore/reset", test_reset);
	g_test_add_func("/device/restore/random", test_random);
	g_test_add_func("/device/restore/in-flight", test_in_flight);
	g_test_add_func("/device/restore/hostile-log", test_hostile_log);
	return g_test_run();
}
