// SPDX-License-Identifier: MIT
/*
 * test-device-gate.c - what decode lets through, and what an answer may hold
 */
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include <glib.h>
#include "base/log.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"
#include "tests/lib/devtest.h"

/* Sanitizers reserve more address space than there is. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

#define BAD_PARAMETER	VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define UNSPEC		VIRTIO_GPU_RESP_ERR_UNSPEC
#define HDR		sizeof(struct virtio_gpu_ctrl_hdr)

/* Sizes as in VIRTIO 1.2, and the answer to the command in prepare()'s world. */
static const struct {
	uint32_t type;
	size_t size;
	unsigned int queue;
	uint32_t ok;		/* type of a good answer */
	size_t answer;		/* its size */
	bool needs_3d;
} commands[] = {
	{ VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 24, 0,
	  VIRTIO_GPU_RESP_OK_DISPLAY_INFO, 408, false },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 40, 0, DEVTEST_OK, HDR, false },
	{ VIRTIO_GPU_CMD_SET_SCANOUT, 48, 0, DEVTEST_OK, HDR, false },
	{ VIRTIO_GPU_CMD_RESOURCE_FLUSH, 48, 0, DEVTEST_OK, HDR, false },
	{ VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, 56, 0, DEVTEST_OK, HDR, false },
	{ VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING, 32, 0, DEVTEST_OK, HDR,
	  false },
	{ VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 48, 0, DEVTEST_OK, HDR,
	  false },
	{ VIRTIO_GPU_CMD_GET_CAPSET_INFO, 32, 0,
	  VIRTIO_GPU_RESP_OK_CAPSET_INFO, 40, true },
	{ VIRTIO_GPU_CMD_GET_CAPSET, 32, 0, VIRTIO_GPU_RESP_OK_CAPSET,
	  HDR + 308, true },
	{ VIRTIO_GPU_CMD_GET_EDID, 32, 0, VIRTIO_GPU_RESP_OK_EDID, 1056, true },
	{ VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 32, 0,
	  VIRTIO_GPU_RESP_OK_RESOURCE_UUID, 40, true },
	{ VIRTIO_GPU_CMD_CTX_CREATE, 96, 0, DEVTEST_OK, HDR, true },
	{ VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 32, 0, DEVTEST_OK, HDR, true },
	{ VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 72, 0, DEVTEST_OK, HDR, true },
	{ VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, 72, 0, DEVTEST_OK, HDR, true },
	{ VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 72, 0, DEVTEST_OK, HDR, true },
	{ VIRTIO_GPU_CMD_SUBMIT_3D, 40, 0, DEVTEST_OK, HDR, true },
	{ VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, 32, 0, DEVTEST_OK, HDR, true },
	{ VIRTIO_GPU_CMD_CTX_DESTROY, 24, 0, DEVTEST_OK, HDR, true },
	{ VIRTIO_GPU_CMD_UPDATE_CURSOR, 56, 1, DEVTEST_OK, HDR, false },
	{ VIRTIO_GPU_CMD_MOVE_CURSOR, 56, 1, DEVTEST_OK, HDR, false },
	{ VIRTIO_GPU_CMD_RESOURCE_UNREF, 32, 0, DEVTEST_OK, HDR, false },
};

/* Resource 5 with backing, context 6 that has it. */
static void prepare(struct devtest *t)
{
	devtest_create_2d(t, 5, 1, 8, 8, DEVTEST_OK);
	devtest_attach(t, 5, 0, 4096, DEVTEST_OK);
	if (t->config.no_3d)
		return;
	devtest_ctx_create(t, 6, DEVTEST_OK);
	devtest_ctx(t, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 6, 5, DEVTEST_OK);
}

/* A request of this type that succeeds after prepare(). Return: its size */
static size_t request(uint32_t type, uint8_t buf[128])
{
	union {
		uint8_t bytes[128];
		struct virtio_gpu_ctrl_hdr hdr;
		struct virtio_gpu_resource_create_2d create_2d;
		struct virtio_gpu_set_scanout set_scanout;
		struct virtio_gpu_resource_flush flush;
		struct virtio_gpu_transfer_to_host_2d transfer_2d;
		struct virtio_gpu_resource_create_3d create_3d;
		struct virtio_gpu_transfer_host_3d transfer_3d;
		struct virtio_gpu_resource_unref with_id;
		struct virtio_gpu_resource_attach_backing attach;
		struct virtio_gpu_get_capset capset;
		struct virtio_gpu_cmd_submit submit;
	} r = { .hdr.type = type };
	struct virtio_gpu_mem_entry entry = {
		.addr = DEVTEST_GPA, .length = 4096,
	};
	size_t i;

	for (i = 0; commands[i].type != type; i++)
		;
	if (commands[i].needs_3d)
		r.hdr.ctx_id = 6;
	switch (type) {
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_2D:
		r.create_2d.resource_id = 7;
		r.create_2d.format = 1;
		r.create_2d.width = r.create_2d.height = 8;
		break;
	case VIRTIO_GPU_CMD_SET_SCANOUT:
		r.set_scanout.resource_id = 5;
		r.set_scanout.r.width = r.set_scanout.r.height = 8;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_FLUSH:
		r.flush.resource_id = 5;
		r.flush.r.width = r.flush.r.height = 8;
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D:
		r.transfer_2d.resource_id = 5;
		r.transfer_2d.r.width = r.transfer_2d.r.height = 8;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING:
		r.attach.resource_id = 5;
		r.attach.nr_entries = 1;
		memcpy(r.bytes + sizeof(r.attach), &entry, sizeof(entry));
		break;
	case VIRTIO_GPU_CMD_GET_CAPSET:
		r.capset.capset_id = 1;
		r.capset.capset_version = 1;
		break;
	case VIRTIO_GPU_CMD_CTX_CREATE:
		r.hdr.ctx_id = 9;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_CREATE_3D:
		r.create_3d.resource_id = 8;
		r.create_3d.target = 2;
		r.create_3d.format = 1;
		r.create_3d.width = r.create_3d.height = r.create_3d.depth = 1;
		break;
	case VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D:
	case VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D:
		r.transfer_3d.resource_id = 5;
		r.transfer_3d.box.w = r.transfer_3d.box.h = 8;
		r.transfer_3d.box.d = 1;
		break;
	case VIRTIO_GPU_CMD_SUBMIT_3D:
		r.submit.size = 8;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_UNREF:
	case VIRTIO_GPU_CMD_RESOURCE_DETACH_BACKING:
	case VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID:
	case VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE:
	case VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE:
		r.with_id.resource_id = 5;
		break;
	}
	memcpy(buf, &r, sizeof(r));
	return commands[i].size;
}

static void test_good(void)
{
	struct devtest *t = devtest_new(NULL);

	prepare(t);
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		uint8_t buf[128];
		size_t size = request(commands[i].type, buf);
		struct devtest_cmd *cmd;

		cmd = devtest_send(t, commands[i].queue, buf, size, 2000);
		g_assert_cmpuint(cmd->len, ==, commands[i].answer);
		devtest_done(t, cmd, commands[i].ok);
		devtest_poll(t);
	}
	devtest_free(t);
}

/* Too short by any number of bytes: an error, whatever it is. */
static void test_truncated(void)
{
	struct devtest *t = devtest_new(NULL);
	struct vgpu_sched_report *report = sched_client_report(t->sched);

	prepare(t);
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		uint8_t buf[128];
		size_t size = request(commands[i].type, buf);

		for (size_t len = 0; len < size; len++) {
			uint64_t errors = report->errors;
			uint32_t want = len < HDR ? UNSPEC : BAD_PARAMETER;

			devtest_done(t, devtest_send(t, commands[i].queue, buf,
						     len, HDR), want);
			g_assert_cmpuint(report->errors, ==, errors + 1);
		}
	}
	/* and nothing happened */
	g_assert_cmpuint(report->resources, ==, 1);
	g_assert_cmpuint(report->contexts, ==, 1);
	g_assert_cmpuint(t->screens[0].modes, ==, 0);
	g_assert_cmpuint(t->cursors[0].moves, ==, 0);
	devtest_free(t);
}

/* Any room for the answer: never more than that, never half a payload. */
static void test_short_answer(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		size_t max = commands[i].answer;

		for (size_t room = 0; room < max; room += room < 64 ? 1 : 37) {
			struct devtest *t = devtest_new(NULL);
			struct devtest_cmd *cmd;
			uint8_t buf[128];
			size_t size = request(commands[i].type, buf);

			prepare(t);
			cmd = devtest_send(t, commands[i].queue, buf, size,
					   room);
			g_assert_cmpuint(cmd->len, ==, MIN(room, HDR));
			devtest_done(t, cmd, max > HDR ? BAD_PARAMETER :
				     commands[i].ok);
			devtest_poll(t);
			devtest_free(t);
		}
	}
}

static void test_wrong_queue(void)
{
	struct devtest *t = devtest_new(NULL);

	prepare(t);
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		uint8_t buf[128];
		size_t size = request(commands[i].type, buf);

		devtest_done(t, devtest_send(t, !commands[i].queue, buf, size,
					     2000), UNSPEC);
	}
	devtest_free(t);
}

/* Commands of features that were not negotiated, and of no feature at all. */
static void test_unknown(void)
{
	static const uint32_t types[] = {
		VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB,
		VIRTIO_GPU_CMD_SET_SCANOUT_BLOB,
		VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB,
		VIRTIO_GPU_CMD_RESOURCE_UNMAP_BLOB,
		0, 1, 0xff, 0x10e, 0x1ff, 0x20a, 0x302, 0x3ff, 0x400, 0x1100,
		0x1200, 0x10000100, 0x80000000, 0xffffffff,
	};
	struct devtest_config config = { .no_3d = true };
	struct devtest *t = devtest_new(NULL);
	uint8_t buf[128] = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(types); i++)
		for (unsigned int queue = 0; queue < 2; queue++) {
			memcpy(buf, &types[i], 4);
			devtest_done(t, devtest_send(t, queue, buf, 128, 100),
				     UNSPEC);
		}
	devtest_free(t);

	t = devtest_new(&config);
	prepare(t);
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++) {
		size_t size = request(commands[i].type, buf);

		devtest_done(t, devtest_send(t, commands[i].queue, buf, size,
					     2000),
			     commands[i].needs_3d ? UNSPEC : commands[i].ok);
	}
	g_assert_cmpuint(t->renderers, ==, 0);
	/* negotiated by a guest, but there is nothing behind it */
	device_set_features(t->dev, 1);
	devtest_ctx_create(t, 1, UNSPEC);
	devtest_free(t);
}

/* A timeline of a context can not be waited for: refused, and told so. */
static void test_ring_idx(void)
{
	struct devtest *t = devtest_new(NULL);
	struct virtio_gpu_cmd_submit req = {
		.hdr.type = VIRTIO_GPU_CMD_SUBMIT_3D,
		.hdr.flags = VIRTIO_GPU_FLAG_FENCE |
			VIRTIO_GPU_FLAG_INFO_RING_IDX,
		.hdr.fence_id = 0xfedcba9876543210, .hdr.ctx_id = 6,
		.hdr.ring_idx = 3,
	};
	struct virtio_gpu_ctrl_hdr resp;
	struct devtest_cmd *cmd;

	prepare(t);
	cmd = devtest_send(t, 0, &req, sizeof(req), HDR);
	memcpy(&resp, cmd->in, sizeof(resp));
	g_assert_cmpuint(resp.flags, ==, req.hdr.flags);
	g_assert_cmpuint(resp.ring_idx, ==, 3);
	g_assert_cmpuint(resp.ctx_id, ==, 6);
	devtest_done(t, cmd, BAD_PARAMETER);
	devtest_free(t);
}

static void test_submit_size(void)
{
	static const struct {
		uint32_t size;
		size_t there;
		uint32_t want;
	} cases[] = {
		{ 0, 0, DEVTEST_OK },
		{ 0, 100, DEVTEST_OK },
		{ 4, 4, DEVTEST_OK },
		{ 4, 100, DEVTEST_OK },
		{ 1, 4, BAD_PARAMETER },
		{ 6, 8, BAD_PARAMETER },
		{ 8, 4, BAD_PARAMETER },
		{ 0xfffffffc, 4, BAD_PARAMETER },
		{ 0xffffffe0, 64, BAD_PARAMETER },
		{ 64 << 20, 64 << 20, DEVTEST_OK },
		{ (64 << 20) + 4, (64 << 20) + 4,
		  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY },
	};
	struct devtest *t = devtest_new(NULL);
	uint8_t *buf = g_malloc0((65 << 20));

	prepare(t);
	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct virtio_gpu_cmd_submit req = {
			.hdr.type = VIRTIO_GPU_CMD_SUBMIT_3D, .hdr.ctx_id = 6,
			.size = cases[i].size,
		};

		memcpy(buf, &req, sizeof(req));
		devtest_done(t, devtest_send(t, 0, buf,
					     sizeof(req) + cases[i].there, HDR),
			     cases[i].want);
		devtest_poll(t);
	}
	g_free(buf);
	devtest_free(t);
}

/* Many large commands behind one that waits: memory in use stays bounded. */
static void test_flood(void)
{
	struct devtest_config config = { .leases = true };
	struct devtest *t = devtest_new(&config);
	struct devtest_cmd *cmds[12];
	uint8_t *buf = g_malloc0(33 << 20);
	struct virtio_gpu_cmd_submit req = {
		.hdr.type = VIRTIO_GPU_CMD_SUBMIT_3D, .hdr.ctx_id = 6,
		.size = 32 << 20,
	};
	struct virtio_gpu_get_capset_info info = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
	};
	struct renderer_null_state state;
	struct devtest_cmd *last;

	prepare(t);
	for (size_t i = 0; i < G_N_ELEMENTS(cmds); i++) {
		req.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
		req.hdr.fence_id = i + 1;
		memcpy(buf, &req, sizeof(req));
		cmds[i] = devtest_send(t, 0, buf,
				       sizeof(req) + req.size, HDR);
		/* not copied: its own memory is all there is */
		if (i >= 4)
			memset(cmds[i]->out + sizeof(req), 1, 4096);
	}
	devtest_grant(t, true);
	renderer_null_state(t->renderer, &state);
	g_assert_cmpuint(state.submits, ==, 12);
	devtest_poll(t);
	for (size_t i = 0; i < G_N_ELEMENTS(cmds); i++) {
		g_assert_cmpuint(cmds[i]->order, ==, 3 + 1 + i + 1);
		devtest_done(t, cmds[i], DEVTEST_OK);
	}

	/* the same, and a reset instead of a grant */
	devtest_grant(t, false);
	for (size_t i = 0; i < G_N_ELEMENTS(cmds); i++)
		cmds[i] = devtest_send(t, 0, buf, sizeof(req) + req.size, HDR);
	/* a driver asks whether we live; with a fence it waits its turn */
	devtest_done(t, devtest_send(t, 0, &info, sizeof(info), 40),
		     VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	info.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
	last = devtest_send(t, 0, &info, sizeof(info), 40);
	g_assert_false(last->done);
	device_reset(t->dev);
	last->elem.in_len = 0;
	devtest_done(t, last, 0);
	for (size_t i = 0; i < G_N_ELEMENTS(cmds); i++) {
		g_assert_true(cmds[i]->done);
		g_assert_cmpuint(cmds[i]->len, ==, 0);
		g_assert_cmphex(cmds[i]->in[0], ==, DEVTEST_POISON);
		cmds[i]->elem.in_len = 0;
		devtest_done(t, cmds[i], 0);
	}
	g_free(buf);
	devtest_free(t);
}

#ifndef SANITIZED
static rlim_t in_use(void)
{
	g_autofree char *text = NULL;

	g_assert_true(g_file_get_contents("/proc/self/statm", &text, NULL,
					  NULL));
	return strtoull(text, NULL, 10) * (rlim_t)getpagesize();
}

/* No memory for what the guest may well ask for: it is told, we live. */
static void test_no_memory(void)
{
	struct devtest_config config = { .memory_max = 1ull << 34 };
	struct devtest *t = devtest_new(&config);
	uint8_t *buf = g_malloc0(64 << 20);
	struct virtio_gpu_cmd_submit req = {
		.hdr.type = VIRTIO_GPU_CMD_SUBMIT_3D, .hdr.ctx_id = 6,
		.size = 32 << 20,
	};
	struct rlimit old, tight;
	struct devtest_cmd *cmd;

	prepare(t);
	memcpy(buf, &req, sizeof(req));
	g_assert_cmpint(getrlimit(RLIMIT_AS, &old), ==, 0);
	tight = old;
	/* room for the test's own copy, not for one of the device */
	tight.rlim_cur = in_use() + (48 << 20);
	g_assert_cmpint(setrlimit(RLIMIT_AS, &tight), ==, 0);
	cmd = devtest_send(t, 0, buf, sizeof(req) + req.size, HDR);
	devtest_done(t, cmd, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	devtest_create_2d(t, 9, 1, 16384, 16384,
			  VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	g_assert_cmpint(setrlimit(RLIMIT_AS, &old), ==, 0);
	/* and nothing of it stays */
	devtest_create_2d(t, 9, 1, 16384, 16384, DEVTEST_OK);
	g_free(buf);
	devtest_free(t);
}
#endif

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-device-gate", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/device/gate/good", test_good);
	g_test_add_func("/device/gate/truncated", test_truncated);
	g_test_add_func("/device/gate/short-answer", test_short_answer);
	g_test_add_func("/device/gate/wrong-queue", test_wrong_queue);
	g_test_add_func("/device/gate/unknown", test_unknown);
	g_test_add_func("/device/gate/ring-idx", test_ring_idx);
	g_test_add_func("/device/gate/submit-size", test_submit_size);
	g_test_add_func("/device/gate/flood", test_flood);
#ifndef SANITIZED
	g_test_add_func("/device/gate/no-memory", test_no_memory);
#endif
	return g_test_run();
}
