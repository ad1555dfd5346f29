// SPDX-License-Identifier: MIT
/*
 * test-device-lent.c - pictures that move between memories
 */
#include <string.h>
#include <glib.h>
#include "tests/lib/devtest.h"

#define BGRA		VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM
#define BAD_RESOURCE	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID

/*
 * Pictures move between our memory and the display's, into the renderer, away;
 * whatever happens, a flush shows what was transferred.
 */
struct model {
	struct devtest *t;
	uint32_t pictures[4][32 * 16];		/* by id - 1 */
	bool there[4];
	uint32_t shown[2];
};

static void model_show(struct model *m)
{
	uint32_t out = (uint32_t)g_test_rand_int_range(0, 2);
	uint32_t id = (uint32_t)g_test_rand_int_range(0, 5);
	bool ok = !id || m->there[id - 1];

	devtest_scanout(m->t, out, id, 0, 0, 32, 16,
			ok ? DEVTEST_OK : BAD_RESOURCE);
	if (ok)
		m->shown[out] = id;
}

static void model_transfer(struct model *m, uint32_t id)
{
	uint32_t *ram = (uint32_t *)(m->t->ram + id * 4096);

	for (int i = 0; i < 32 * 16; i++)
		ram[i] = (uint32_t)g_test_rand_int();
	devtest_transfer(m->t, id, 32, 16, DEVTEST_OK);
	memcpy(m->pictures[id - 1], ram, 32 * 16 * 4);
	devtest_poll(m->t);
	/* what the guest writes without a transfer is not seen */
	memset(ram, 0, 32 * 16 * 4);
}

static void model_flush(struct model *m, uint32_t id)
{
	devtest_flush(m->t, id, 0, 0, 32, 16, DEVTEST_OK);
	for (int out = 0; out < 2; out++)
		if (m->shown[out] == id)
			g_assert_cmpmem(m->t->screens[out].pixels, 2048,
					m->pictures[id - 1], 2048);
}

static void model_unref(struct model *m, uint32_t id)
{
	devtest_unref(m->t, id, DEVTEST_OK);
	m->there[id - 1] = false;
	for (int out = 0; out < 2; out++)
		if (m->shown[out] == id) {
			m->shown[out] = 0;
			g_assert_null(m->t->screens[out].pixels);
		}
}

static void model_create(struct model *m, uint32_t id)
{
	devtest_create_2d(m->t, id, BGRA, 32, 16, DEVTEST_OK);
	devtest_attach(m->t, id, id * 4096, 4096, DEVTEST_OK);
	memset(m->pictures[id - 1], 0, sizeof(m->pictures[0]));
	m->there[id - 1] = true;
}

static void model_promote(struct model *m, uint32_t id)
{
	devtest_ctx(m->t, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 1, id,
		    DEVTEST_OK);
	devtest_done(m->t, devtest_submit(m->t, 1, 0), DEVTEST_OK);
	devtest_poll(m->t);
}

static void model_step(struct model *m)
{
	uint32_t id = (uint32_t)g_test_rand_int_range(1, 5);

	if (!m->there[id - 1]) {
		model_create(m, id);
		return;
	}
	switch (g_test_rand_int_range(0, 100)) {
	case 0 ... 4:
		model_show(m);
		break;
	case 5:
		model_unref(m, id);
		break;
	case 6:
		model_promote(m, id);
		break;
	case 7:
		devtest_map(m->t, DEVTEST_GPA, DEVTEST_RAM);
		break;
	case 8 ... 40:
		model_transfer(m, id);
		break;
	default:
		model_flush(m, id);
	}
}

static void test_lent(void)
{
	struct model *m = g_new0(struct model, 1);

	for (int round = 0; round < 40; round++) {
		m->t = devtest_new(NULL);
		devtest_ctx_create(m->t, 1, DEVTEST_OK);
		for (int i = 0; i < 1000; i++)
			model_step(m);
		if (round & 1)
			device_reset(m->t->dev);
		devtest_free(m->t);
		memset(m, 0, sizeof(*m));
	}
	g_free(m);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/device/lent", test_lent);
	return g_test_run();
}
