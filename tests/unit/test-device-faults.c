// SPDX-License-Identifier: MIT
/*
 * test-device-faults.c - a renderer that is not there, refuses, or dies
 */
#include <errno.h>
#include <string.h>
#include <glib.h>
#include "base/log.h"
#include "protocol/vgpu_sched.h"
#include "sched/client.h"
#include "tests/lib/devtest.h"

#define BGRA		VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM
#define BAD_RESOURCE	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_PARAMETER	VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER
#define NO_MEMORY	VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define UNSPEC		VIRTIO_GPU_RESP_ERR_UNSPEC
#define ATTACH		VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE
#define DESTROY		VIRTIO_GPU_CMD_CTX_DESTROY

static struct renderer_null_state state_of(struct devtest *t)
{
	struct renderer_null_state state = { 0 };

	if (t->renderer)
		renderer_null_state(t->renderer, &state);
	return state;
}

static void submit(struct devtest *t, uint32_t ctx, uint32_t want)
{
	devtest_done(t, devtest_submit(t, ctx, 0), want);
	if (!t->lost)
		devtest_poll(t);
}

static void test_no_renderer(void)
{
	struct devtest_config config = { .no_renderer = true };
	struct devtest *t = devtest_new(&config);

	devtest_ctx_create(t, 1, DEVTEST_OK);
	submit(t, 1, UNSPEC);
	devtest_create_3d(t, 2, 64, 32, UNSPEC);
	devtest_create_2d(t, 3, BGRA, 64, 32, DEVTEST_OK);
	devtest_ctx(t, ATTACH, 1, 3, DEVTEST_OK);
	submit(t, 1, UNSPEC);
	/* 2D works on */
	devtest_attach(t, 3, 0, 64 * 32 * 4, DEVTEST_OK);
	devtest_transfer(t, 3, 64, 32, DEVTEST_OK);
	devtest_done(t, devtest_submit(t, 1, 77), UNSPEC);
	devtest_ctx(t, DESTROY, 1, 0, DEVTEST_OK);
	devtest_free(t);
}

struct fault {
	const char *op;
	int error;
	unsigned int count;	/* how often it happens */
};

static int inject(void *opaque, const char *op, uint32_t id)
{
	struct fault *fault = opaque;

	if (strcmp(op, fault->op) || !fault->count)
		return 0;
	fault->count--;
	return fault->error;
}

/* Whatever the renderer refuses: the guest is told, and nothing leaks. */
static void test_refused(void)
{
	static const struct {
		const char *op;
		int error;
		uint32_t create, submit, upload;
	} cases[] = {
		{ "context_create", -ENOMEM, DEVTEST_OK, NO_MEMORY, DEVTEST_OK },
		{ "context_create", -EINVAL, DEVTEST_OK, BAD_PARAMETER,
		  DEVTEST_OK },
		/* the id stays known, see test-device-elide.c */
		{ "resource_create", -ENOMEM, NO_MEMORY, DEVTEST_OK,
		  DEVTEST_OK },
		{ "resource_create", -EINVAL, BAD_PARAMETER, DEVTEST_OK,
		  BAD_RESOURCE },
		{ "submit", -EINVAL, DEVTEST_OK, BAD_PARAMETER, DEVTEST_OK },
		{ "submit", -ENOMEM, DEVTEST_OK, NO_MEMORY, DEVTEST_OK },
		{ "transfer", -EINVAL, DEVTEST_OK, DEVTEST_OK, BAD_PARAMETER },
		{ "context_attach", -ENOMEM, DEVTEST_OK, DEVTEST_OK,
		  DEVTEST_OK },
		{ "fence", -ENOMEM, DEVTEST_OK, DEVTEST_OK, DEVTEST_OK },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
		struct fault fault = { cases[i].op, cases[i].error, 1 };
		struct renderer_null_hooks hooks = {
			.fail = inject, .opaque = &fault,
		};
		struct devtest *t;

		renderer_null_set_hooks(&hooks);
		t = devtest_new(NULL);
		devtest_ctx_create(t, 1, DEVTEST_OK);
		devtest_create_3d(t, 2, 64, 32, cases[i].create);
		if (cases[i].create != BAD_PARAMETER)
			devtest_attach(t, 2, 0, 64 * 32 * 4, DEVTEST_OK);
		devtest_ctx(t, ATTACH, 1, 2, cases[i].create == BAD_PARAMETER ?
			    BAD_RESOURCE : DEVTEST_OK);
		submit(t, 1, cases[i].submit);
		devtest_transfer(t, 2, 64, 32, cases[i].upload);
		devtest_poll(t);
		/* it was only that once */
		submit(t, 1, DEVTEST_OK);
		g_assert_cmpuint(sched_client_report(t->sched)->inflight, ==, 0);
		g_assert_cmpuint(state_of(t).resources, ==,
				 cases[i].create == DEVTEST_OK);
		devtest_free(t);
	}
	renderer_null_set_hooks(NULL);
}

/* The GPU is gone: not answered, so that a successor can do it again. */
static void test_lost(void)
{
	static const char * const ops[] = {
		"context_create", "submit", "transfer", "read_pixels",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(ops); i++) {
		struct fault fault = { ops[i], -EIO, 1 };
		struct renderer_null_hooks hooks = {
			.fail = inject, .opaque = &fault,
		};
		struct devtest_cmd *cmds[4];
		struct virtio_gpu_resource_flush flush = {
			.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
			.r.width = 1, .r.height = 1, .resource_id = 2,
		};
		struct virtio_gpu_transfer_to_host_2d up = {
			.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
			.r.width = 1, .r.height = 1, .resource_id = 2,
		};
		struct devtest *t;

		renderer_null_set_hooks(&hooks);
		t = devtest_new(NULL);
		devtest_ctx_create(t, 1, DEVTEST_OK);
		devtest_create_3d(t, 2, 64, 32, DEVTEST_OK);
		devtest_attach(t, 2, 0, 64 * 32 * 4, DEVTEST_OK);
		devtest_scanout(t, 0, 2, 0, 0, 64, 32, DEVTEST_OK);
		cmds[0] = devtest_submit(t, 1, 1);
		cmds[1] = devtest_send(t, 0, &up, sizeof(up), 24);
		cmds[2] = devtest_send(t, 0, &flush, sizeof(flush), 24);
		cmds[3] = devtest_nop(t, 2);
		g_assert_cmpuint(t->lost, ==, 1);
		g_assert_false(cmds[3]->done);
		device_reset(t->dev);
		for (int c = 0; c < 4; c++) {
			g_assert_true(cmds[c]->done);
			if (!cmds[c]->len)
				cmds[c]->elem.in_len = 0;
			devtest_done(t, cmds[c], DEVTEST_OK);
		}
		devtest_free(t);
	}
	renderer_null_set_hooks(NULL);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-device-faults", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/device/faults/no-renderer", test_no_renderer);
	g_test_add_func("/device/faults/refused", test_refused);
	g_test_add_func("/device/faults/lost", test_lost);
	return g_test_run();
}
