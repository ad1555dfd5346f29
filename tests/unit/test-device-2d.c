// SPDX-License-Identifier: MIT
/*
 * test-device-2d.c - 2D resources, backing, scanouts and cursors
 */
#include <string.h>
#include <glib.h>
#include "device/pixels.h"
#include "tests/lib/devtest.h"

#define BGRA	VIRTIO_GPU_FORMAT_B8G8R8A8_UNORM
#define BAD_RESOURCE	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_PARAMETER	VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER

static void fill(struct devtest *t, uint32_t offset, size_t words)
{
	uint32_t *p = (uint32_t *)(t->ram + offset);

	for (size_t i = 0; i < words; i++)
		p[i] = (uint32_t)i * 2654435761u;
}

/* A picture with everything attached, shown on output 0. */
static void show(struct devtest *t, uint32_t id, uint32_t w, uint32_t h)
{
	devtest_create_2d(t, id, BGRA, w, h, DEVTEST_OK);
	devtest_attach(t, id, 4096, w * h * 4, DEVTEST_OK);
	devtest_scanout(t, 0, id, 0, 0, w, h, DEVTEST_OK);
}

static void test_show(void)
{
	struct devtest *t = devtest_new(NULL);
	uint32_t *ram = (uint32_t *)(t->ram + 4096);

	fill(t, 4096, 64 * 32);
	show(t, 1, 64, 32);
	devtest_transfer(t, 1, 64, 32, DEVTEST_OK);
	g_assert_cmpuint(t->screens[0].updates, ==, 0);
	devtest_flush(t, 1, 3, 5, 7, 2, DEVTEST_OK);
	g_assert_cmpuint(t->screens[0].updates, ==, 1);
	/* the damage and nothing else */
	for (uint32_t y = 0; y < 32; y++)
		for (uint32_t x = 0; x < 64; x++) {
			bool in = x >= 3 && x < 10 && y >= 5 && y < 7;

			g_assert_cmphex(t->screens[0].pixels[y * 64 + x], ==,
					in ? ram[y * 64 + x] : 0);
		}
	devtest_unref(t, 1, DEVTEST_OK);
	g_assert_null(t->screens[0].pixels);
	devtest_free(t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/device/2d/show", test_show);
	return g_test_run();
}
