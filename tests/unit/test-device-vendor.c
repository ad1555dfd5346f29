// SPDX-License-Identifier: MIT
/*
 * test-device-vendor.c - the vendor capset, the hello, and what follows from
 * it: blobs, timelines, notices; and that nothing of it is there without
 */
#include <string.h>
#include <unistd.h>
#include <glib.h>
#include "device/context.h"
#include "device/resource.h"
#include "device/state.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_vendor.h"
#include "tests/lib/devtest.h"

#define HDR		sizeof(struct virtio_gpu_ctrl_hdr)
#define BAD_PARAMETER	VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define BAD_RESOURCE	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define UNSPEC		VIRTIO_GPU_RESP_ERR_UNSPEC
#define NO_MEMORY	VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define ALL		VGPU_VENDOR_ALL

/* Says hello. Return: what is on. */
static uint32_t hello(struct devtest *t, uint32_t version, uint32_t features,
		      uint32_t want)
{
	const struct vgpu_hello req = {
		.hdr.type = VGPU_CMD_HELLO, .version = version,
		.features = features,
	};
	struct vgpu_resp_hello resp = { 0 };
	struct devtest_cmd *cmd = devtest_send(t, 0, &req, sizeof(req),
					       sizeof(resp));

	memcpy(&resp, cmd->in, sizeof(resp));
	if (want == VGPU_RESP_OK_HELLO)
		g_assert_cmpuint(resp.version, ==, VGPU_VENDOR_VERSION);
	devtest_done(t, cmd, want);
	return resp.features;
}

static struct devtest *start(const struct devtest_config *config)
{
	struct devtest *t = devtest_new(config);

	g_assert_cmphex(hello(t, 1, ALL, VGPU_RESP_OK_HELLO), ==, ALL);
	return t;
}

/* ---- capset and hello ---- */

static void test_capset(void)
{
	struct devtest_config config = { .memory_max = 48u << 20 };
	struct devtest *t = devtest_new(&config);
	struct virtio_gpu_get_capset_info info = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
		.capset_index = t->caps.count,
	};
	struct virtio_gpu_get_capset get = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET,
		.capset_id = VGPU_VENDOR_CAPSET,
	};
	struct virtio_gpu_resp_capset_info resp;
	struct vgpu_vendor_caps caps;
	struct devtest_cmd *cmd;

	cmd = devtest_send(t, 0, &info, sizeof(info), sizeof(resp));
	memcpy(&resp, cmd->in, sizeof(resp));
	devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	/* the in-tree driver shifts an int by it */
	g_assert_cmpuint(resp.capset_id, >=, 11);
	g_assert_cmpuint(resp.capset_id, <=, 30);
	g_assert_cmpuint(resp.capset_id, ==, VGPU_VENDOR_CAPSET);
	g_assert_cmpuint(resp.capset_max_version, ==, 1);
	g_assert_cmpuint(resp.capset_max_size, ==, sizeof(caps));
	info.capset_index++;
	devtest_ask(t, info, BAD_PARAMETER);

	for (get.capset_version = 0; get.capset_version < 2;
	     get.capset_version++) {
		cmd = devtest_send(t, 0, &get, sizeof(get), HDR + sizeof(caps));
		memcpy(&caps, cmd->in + HDR, sizeof(caps));
		devtest_done(t, cmd, VIRTIO_GPU_RESP_OK_CAPSET);
		g_assert_cmphex(caps.magic, ==, VGPU_VENDOR_MAGIC);
		g_assert_cmpuint(caps.version, ==, 1);
		g_assert_cmphex(caps.features, ==, ALL);
		g_assert_cmpuint(caps.memory_max, ==, 48u << 20);
	}
	devtest_done(t, devtest_send(t, 0, &get, sizeof(get), 2000),
		     BAD_PARAMETER);
	/* no room for it */
	get.capset_version = 1;
	devtest_done(t, devtest_send(t, 0, &get, sizeof(get),
				     HDR + sizeof(caps) - 1), BAD_PARAMETER);
	devtest_free(t);
}

static void test_hello(void)
{
	struct devtest *t = devtest_new(NULL);
	struct vgpu_hello req = {
		.hdr.type = VGPU_CMD_HELLO, .version = 1, .features = ALL,
	};

	hello(t, 0, ALL, BAD_PARAMETER);
	g_assert_cmphex(t->dev->vendor, ==, 0);
	for (size_t size = HDR; size < sizeof(req); size++)
		devtest_done(t, devtest_send(t, 0, &req, size, 32),
			     BAD_PARAMETER);
	devtest_done(t, devtest_send(t, 1, &req, sizeof(req), 32), UNSPEC);
	g_assert_cmphex(t->dev->vendor, ==, 0);
	/* a newer driver, and bits that we do not know */
	g_assert_cmphex(hello(t, 9, ~0u, VGPU_RESP_OK_HELLO), ==, ALL);
	g_assert_cmphex(hello(t, 1, VGPU_VENDOR_UUID, VGPU_RESP_OK_HELLO), ==,
			VGPU_VENDOR_UUID);
	g_assert_cmphex(hello(t, 1, 0, VGPU_RESP_OK_HELLO), ==, 0);
	/* numbers beside it are nothing */
	for (req.hdr.type = VGPU_CMD_NOTICE + 1; req.hdr.type < 0x5700;
	     req.hdr.type++)
		devtest_done(t, devtest_send(t, 0, &req, sizeof(req), HDR),
			     UNSPEC);
	devtest_free(t);

	/* without 3D there is no capset, and no hello */
	t = devtest_new(&(struct devtest_config){ .no_3d = true });
	hello(t, 1, ALL, UNSPEC);
	devtest_free(t);
}

/* ---- blobs ---- */

struct blob {
	struct virtio_gpu_resource_create_blob req;
	struct virtio_gpu_mem_entry entries[2];
};

static const struct blob good = {
	.req.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
	.req.resource_id = 7, .req.blob_mem = VIRTIO_GPU_BLOB_MEM_GUEST,
	.req.blob_flags = VIRTIO_GPU_BLOB_FLAGS, .req.nr_entries = 2,
	.req.size = 8192,
	.entries = {
		{ .addr = DEVTEST_GPA, .length = 4096 },
		{ .addr = DEVTEST_GPA + 16384, .length = 4096 },
	},
};

#define BAD(field, value, want) do { \
		struct blob bad = good; \
		bad.field = (value); \
		devtest_ask(t, bad, want); \
		g_assert_cmpuint(g_hash_table_size(t->dev->resources), ==, 0); \
	} while (0)

static void test_blob_bad(void)
{
	struct devtest *t = start(NULL);

	BAD(req.resource_id, 0, BAD_RESOURCE);
	BAD(req.blob_mem, 0, BAD_PARAMETER);
	BAD(req.blob_mem, VIRTIO_GPU_BLOB_MEM_HOST3D, BAD_PARAMETER);
	BAD(req.blob_mem, VIRTIO_GPU_BLOB_MEM_HOST3D_GUEST, BAD_PARAMETER);
	BAD(req.blob_mem, 4, BAD_PARAMETER);
	BAD(req.blob_flags, 8, BAD_PARAMETER);
	BAD(req.blob_flags, ~0u, BAD_PARAMETER);
	BAD(req.blob_id, 1, BAD_PARAMETER);
	BAD(req.size, 0, BAD_PARAMETER);
	BAD(req.size, 8193, BAD_PARAMETER);
	BAD(req.size, ~0ull, BAD_PARAMETER);
	BAD(req.nr_entries, 0, BAD_PARAMETER);
	BAD(req.nr_entries, 1, BAD_PARAMETER);		/* half of it */
	BAD(req.nr_entries, 3, BAD_PARAMETER);
	BAD(req.nr_entries, ~0u, BAD_PARAMETER);
	BAD(req.nr_entries, 0x10000001, BAD_PARAMETER);	/* times 16 wraps */
	BAD(entries[1].addr, DEVTEST_GPA + DEVTEST_RAM, BAD_PARAMETER);
	BAD(entries[1].addr, ~0ull - 4095, BAD_PARAMETER);
	BAD(entries[0].length, ~0u, BAD_PARAMETER);
	g_assert_cmpuint(t->dev->entries, ==, 0);
	for (size_t size = HDR; size < sizeof(good); size += 4)
		devtest_done(t, devtest_send(t, 0, &good, size, HDR),
			     BAD_PARAMETER);
	/* UUIDs are off: nothing to cross devices with */
	hello(t, 1, VGPU_VENDOR_BLOB, VGPU_RESP_OK_HELLO);
	device_set_features(t->dev, 1);
	BAD(req.blob_flags, VIRTIO_GPU_BLOB_FLAG_USE_CROSS_DEVICE,
	    BAD_PARAMETER);
	hello(t, 1, ALL & ~VGPU_VENDOR_BLOB, VGPU_RESP_OK_HELLO);
	devtest_ask(t, good, UNSPEC);
	devtest_free(t);
}

/* It is memory and nothing else, whatever it is taken for. */
static void test_blob(void)
{
	struct devtest *t = start(NULL);
	struct virtio_gpu_transfer_host_3d transfer = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
		.hdr.ctx_id = 1, .resource_id = 7,
		.box = { .w = 1, .h = 1, .d = 1 },
	};
	struct virtio_gpu_resource_assign_uuid uuid = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID,
		.resource_id = 7,
	};
	struct renderer_null_state state;

	devtest_ask(t, good, DEVTEST_OK);
	devtest_ask(t, good, BAD_RESOURCE);
	devtest_create_3d(t, 7, 8, 8, BAD_RESOURCE);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, 7, DEVTEST_OK);
	devtest_done(t, devtest_submit(t, 1, 0), DEVTEST_OK);
	/* the renderer does not know of it */
	renderer_null_state(t->renderer, &state);
	g_assert_cmpuint(state.resources, ==, 0);
	devtest_ask(t, transfer, BAD_PARAMETER);
	transfer.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D;
	devtest_ask(t, transfer, BAD_PARAMETER);
	devtest_transfer(t, 7, 1, 1, BAD_PARAMETER);
	devtest_scanout(t, 0, 7, 0, 0, 1, 1, BAD_PARAMETER);
	devtest_flush(t, 7, 0, 0, 1, 1, BAD_PARAMETER);
	devtest_done(t, devtest_send(t, 0, &uuid, sizeof(uuid), HDR + 16),
		     VIRTIO_GPU_RESP_OK_RESOURCE_UUID);
	/* memory that goes away and comes back */
	devtest_map(t, DEVTEST_GPA, 8192);
	devtest_map(t, DEVTEST_GPA, DEVTEST_RAM);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, 1, 7, DEVTEST_OK);
	devtest_unref(t, 7, DEVTEST_OK);
	devtest_unref(t, 7, BAD_RESOURCE);
	g_assert_cmpuint(t->dev->entries, ==, 0);
	g_assert_cmpuint(t->dev->memory, ==, 0);
	devtest_free(t);
}

/* ---- contexts and timelines ---- */

static void ctx_create(struct devtest *t, uint32_t ctx, uint32_t init,
		       uint32_t want)
{
	struct virtio_gpu_ctx_create req = {
		.hdr.type = VIRTIO_GPU_CMD_CTX_CREATE, .hdr.ctx_id = ctx,
		.nlen = 3, .context_init = init, .debug_name = "abc",
	};

	devtest_ask(t, req, want);
}

static void test_context_init(void)
{
	struct devtest *t = devtest_new(NULL);

	/* padding, as long as nobody has asked for more */
	ctx_create(t, 1, 0xdeadbeef, DEVTEST_OK);
	g_assert_cmphex(context_find(t->dev, 1)->context_init, ==, 0);
	hello(t, 1, VGPU_VENDOR_CONTEXT_INIT, VGPU_RESP_OK_HELLO);
	ctx_create(t, 2, 1, DEVTEST_OK);
	ctx_create(t, 3, 2, DEVTEST_OK);
	ctx_create(t, 4, 0, DEVTEST_OK);
	g_assert_cmpuint(context_find(t->dev, 3)->context_init, ==, 2);
	/* no capset of ours, the one that is not for programs, reserved bits */
	ctx_create(t, 5, 4, BAD_PARAMETER);
	ctx_create(t, 5, VGPU_VENDOR_CAPSET, BAD_PARAMETER);
	ctx_create(t, 5, 0x102, BAD_PARAMETER);
	g_assert_null(context_find(t->dev, 5));
	devtest_free(t);
}

static struct devtest_cmd *submit_on(struct devtest *t, uint32_t ctx,
				     uint8_t ring, uint64_t fence,
				     uint32_t size)
{
	struct {
		struct virtio_gpu_cmd_submit req;
		uint32_t words[4];
	} req = {
		.req.hdr.type = VIRTIO_GPU_CMD_SUBMIT_3D,
		.req.hdr.flags = VIRTIO_GPU_FLAG_FENCE |
			VIRTIO_GPU_FLAG_INFO_RING_IDX,
		.req.hdr.fence_id = fence, .req.hdr.ctx_id = ctx,
		.req.hdr.ring_idx = ring, .req.size = size,
	};

	return devtest_send(t, 0, &req, sizeof(req), HDR);
}

static void ring_done(struct devtest *t, struct devtest_cmd *cmd, uint8_t ring,
		      uint32_t want)
{
	struct virtio_gpu_ctrl_hdr resp;

	memcpy(&resp, cmd->in, sizeof(resp));
	g_assert_true(resp.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX);
	g_assert_cmpuint(resp.ring_idx, ==, ring);
	devtest_done(t, cmd, want);
}

static void test_timelines(void)
{
	const struct renderer_null_hooks hooks = { .hold_fences = true };
	struct devtest_cmd *a, *b, *c, *d, *e, *old;
	struct devtest *t;

	renderer_null_set_hooks(&hooks);
	t = start(NULL);
	ctx_create(t, 1, 2, DEVTEST_OK);
	ctx_create(t, 2, 2, DEVTEST_OK);
	a = submit_on(t, 1, 1, 10, 16);		/* job 1 */
	b = submit_on(t, 2, 1, 11, 16);		/* job 2 */
	old = devtest_nop(t, 12);		/* the one timeline of all */
	c = submit_on(t, 1, 1, 13, 0);		/* behind job 1 only */
	d = submit_on(t, 1, 0, 14, 0);		/* behind nothing */
	e = submit_on(t, 1, 63, 15, 0);
	g_assert_true(d->done && e->done);
	g_assert_false(a->done || b->done || c->done || old->done);
	ring_done(t, d, 0, DEVTEST_OK);
	ring_done(t, e, 63, DEVTEST_OK);
	renderer_null_retire(t->renderer, 1);
	devtest_poll(t);
	g_assert_true(a->done && c->done);
	g_assert_cmpuint(a->order, <, c->order);
	g_assert_false(b->done || old->done);
	ring_done(t, a, 1, DEVTEST_OK);
	ring_done(t, c, 1, DEVTEST_OK);
	/* a new one waits for its own job alone */
	c = submit_on(t, 1, 1, 16, 16);		/* job 3 */
	d = submit_on(t, 2, 1, 17, 0);		/* behind job 2 */
	renderer_null_retire(t->renderer, 2);
	devtest_poll(t);
	g_assert_true(b->done && d->done && old->done);
	g_assert_false(c->done);
	ring_done(t, b, 1, DEVTEST_OK);
	ring_done(t, d, 1, DEVTEST_OK);
	devtest_done(t, old, DEVTEST_OK);

	/* what names no timeline is on the one of all */
	d = submit_on(t, 1, 64, 20, 16);
	e = submit_on(t, 0, 1, 21, 16);
	old = submit_on(t, 1, 255, 24, 16);
	g_assert_false(d->done || e->done || old->done);
	/* errors are answers, on the timeline they were asked on */
	a = submit_on(t, 1, 1, 22, 3);
	b = submit_on(t, 9, 1, 23, 16);
	g_assert_false(a->done);
	renderer_null_retire(t->renderer, 3);
	devtest_poll(t);
	ring_done(t, c, 1, DEVTEST_OK);
	ring_done(t, d, 64, BAD_PARAMETER);
	ring_done(t, e, 1, BAD_PARAMETER);
	ring_done(t, old, 255, BAD_PARAMETER);
	ring_done(t, a, 1, BAD_PARAMETER);
	ring_done(t, b, 1, VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID);
	devtest_free(t);
	renderer_null_set_hooks(NULL);
}

/* Nobody waits for what a reset took. */
static void test_timeline_reset(void)
{
	const struct renderer_null_hooks hooks = { .hold_fences = true };
	struct devtest_cmd *a, *n;
	struct devtest *t;

	renderer_null_set_hooks(&hooks);
	t = start(NULL);
	ctx_create(t, 1, 2, DEVTEST_OK);
	a = submit_on(t, 1, 1, 10, 16);
	n = devtest_send(t, 0, &(struct virtio_gpu_ctrl_hdr){
			 .type = VGPU_CMD_NOTICE }, HDR, HDR + 8);
	g_assert_false(a->done || n->done);
	device_reset(t->dev);
	g_assert_true(a->done && n->done);
	g_assert_cmpuint(a->len, ==, 0);
	g_assert_cmpuint(n->len, ==, 0);
	g_assert_cmphex(t->dev->vendor, ==, 0);
	/* back to an ordinary device */
	device_set_features(t->dev, 1);
	devtest_map(t, DEVTEST_GPA, DEVTEST_RAM);
	devtest_ask(t, good, UNSPEC);
	ctx_create(t, 1, 0xff, DEVTEST_OK);
	ring_done(t, submit_on(t, 1, 1, 10, 16), 1, BAD_PARAMETER);
	devtest_done(t, devtest_send(t, 0, &(struct virtio_gpu_ctrl_hdr){
			.type = VGPU_CMD_NOTICE }, HDR, HDR + 8), UNSPEC);
	free(a->out), free(a->in), g_free(a->elem.iov), g_free(a);
	free(n->out), free(n->in), g_free(n->elem.iov), g_free(n);
	devtest_free(t);
	renderer_null_set_hooks(NULL);
}

/* ---- notices ---- */

static struct devtest_cmd *park(struct devtest *t, uint32_t flags)
{
	const struct virtio_gpu_ctrl_hdr req = {
		.type = VGPU_CMD_NOTICE, .flags = flags,
	};

	return devtest_send(t, 0, &req, sizeof(req),
			    sizeof(struct vgpu_resp_notice));
}

static void told(struct devtest *t, struct devtest_cmd *cmd, uint32_t what,
		 uint32_t *ctx)
{
	struct vgpu_resp_notice resp;

	g_assert_true(cmd->done);
	memcpy(&resp, cmd->in, sizeof(resp));
	g_assert_cmpuint(resp.notice, ==, what);
	if (ctx)
		*ctx = resp.ctx_id;
	devtest_done(t, cmd, VGPU_RESP_OK_NOTICE);
}

static void test_notice(void)
{
	struct devtest_cmd *cmds[VGPU_VENDOR_NOTICES], *nop;
	struct devtest *t = start(NULL);
	unsigned int last = 0;

	devtest_done(t, park(t, VIRTIO_GPU_FLAG_FENCE), BAD_PARAMETER);
	for (int i = 0; i < VGPU_VENDOR_NOTICES; i++)
		cmds[i] = park(t, 0);
	devtest_done(t, park(t, 0), NO_MEMORY);
	/* nothing waits behind them */
	nop = devtest_nop(t, 5);
	g_assert_true(nop->done);
	devtest_done(t, nop, DEVTEST_OK);
	for (int i = 0; i < VGPU_VENDOR_NOTICES; i++)
		g_assert_false(cmds[i]->done);
	/* the ring stops: all of them come back, in order */
	device_pause(t->dev, true);
	for (int i = 0; i < VGPU_VENDOR_NOTICES; i++) {
		g_assert_cmpuint(cmds[i]->order, >, last);
		last = cmds[i]->order;
		told(t, cmds[i], VGPU_NOTICE_NONE, NULL);
	}
	device_pause(t->dev, false);
	device_run(t->dev);
	cmds[0] = park(t, 0);
	g_assert_false(cmds[0]->done);
	/* no longer wanted */
	hello(t, 1, ALL & ~VGPU_VENDOR_NOTICE, VGPU_RESP_OK_HELLO);
	told(t, cmds[0], VGPU_NOTICE_NONE, NULL);
	devtest_done(t, park(t, 0), UNSPEC);
	devtest_free(t);
}

/* The worker dies: what it had parked tells of the contexts that went. */
static void test_takeover(void)
{
	struct devtest_config config = { .ledger_fd = ledger_create() };
	struct devtest *t = start(&config);
	struct devtest_cmd *cmds[3];
	uint32_t ids[3], sum = 0;
	const struct resource *res;

	devtest_ask(t, good, DEVTEST_OK);
	for (uint32_t id = 1; id <= 3; id++)
		ctx_create(t, id, 2, DEVTEST_OK);
	cmds[0] = park(t, 0);
	cmds[1] = park(t, 0);
	devtest_restart(t, cmds, 2);
	g_assert_cmphex(t->dev->vendor, ==, ALL);
	told(t, cmds[0], VGPU_NOTICE_CONTEXT_LOST, &ids[0]);
	told(t, cmds[1], VGPU_NOTICE_CONTEXT_LOST, &ids[1]);
	cmds[2] = park(t, 0);
	told(t, cmds[2], VGPU_NOTICE_CONTEXT_LOST, &ids[2]);
	for (int i = 0; i < 3; i++)
		sum |= 1u << ids[i];
	g_assert_cmphex(sum, ==, 0xe);		/* each once */
	cmds[2] = park(t, 0);
	g_assert_false(cmds[2]->done);
	/* the blob is what it was */
	res = resource_find(t->dev, 7);
	g_assert_nonnull(res);
	g_assert_true(res->is_blob);
	g_assert_cmpuint(res->blob_size, ==, 8192);
	g_assert_cmphex(res->blob_flags, ==, VIRTIO_GPU_BLOB_FLAGS);
	g_assert_cmpuint(res->backing.size, ==, 8192);
	devtest_ask(t, good, BAD_RESOURCE);
	for (uint32_t id = 1; id <= 3; id++) {
		const struct virtio_gpu_ctx_destroy req = {
			.hdr.type = VIRTIO_GPU_CMD_CTX_DESTROY, .hdr.ctx_id = id,
		};

		devtest_ask(t, req, DEVTEST_OK);
	}
	/* a blob whose answer was lost with the worker is the same blob */
	devtest_unref(t, 7, DEVTEST_OK);
	cmds[0] = devtest_send(t, 0, &good, sizeof(good), HDR);
	cmds[0]->done = false, cmds[0]->len = 0;
	memset(cmds[0]->in, DEVTEST_POISON, HDR);
	cmds[1] = cmds[2];
	devtest_restart(t, cmds, 2);
	devtest_done(t, cmds[0], DEVTEST_OK);
	g_assert_false(cmds[1]->done);
	devtest_unref(t, 7, DEVTEST_OK);
	device_pause(t->dev, true);
	told(t, cmds[1], VGPU_NOTICE_NONE, NULL);
	devtest_free(t);
	close(config.ledger_fd);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/device-vendor/capset", test_capset);
	g_test_add_func("/device-vendor/hello", test_hello);
	g_test_add_func("/device-vendor/blob", test_blob);
	g_test_add_func("/device-vendor/blob-bad", test_blob_bad);
	g_test_add_func("/device-vendor/context-init", test_context_init);
	g_test_add_func("/device-vendor/timelines", test_timelines);
	g_test_add_func("/device-vendor/timeline-reset", test_timeline_reset);
	g_test_add_func("/device-vendor/notice", test_notice);
	g_test_add_func("/device-vendor/takeover", test_takeover);
	return g_test_run();
}
