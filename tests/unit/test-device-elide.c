// SPDX-License-Identifier: MIT
/*
 * test-device-elide.c - command buffers of a guest that was refused memory
 */
#include <stdlib.h>
#include "tests/unit/quota_play.h"

/* ---- the commands that name resources ---- */

static void test_naming(void)
{
	static const struct {
		uint32_t cmd, len, at;
	} list[] = {
		{ VIRGL_CCMD_RESOURCE_INLINE_WRITE, 12, 1 },
		{ VIRGL_CCMD_BLIT, 21, 4 }, { VIRGL_CCMD_BLIT, 21, 13 },
		{ VIRGL_CCMD_RESOURCE_COPY_REGION, 13, 1 },
		{ VIRGL_CCMD_RESOURCE_COPY_REGION, 13, 6 },
		{ VIRGL_CCMD_TRANSFER3D, 13, 1 },
		{ VIRGL_CCMD_COPY_TRANSFER3D, 14, 1 },
		{ VIRGL_CCMD_COPY_TRANSFER3D, 14, 12 },
		{ VIRGL_CCMD_CLEAR_TEXTURE, 12, 1 },
		{ VIRGL_CCMD_PIPE_RESOURCE_SET_TYPE, 8, 1 },
		{ VIRGL_CCMD_GET_QUERY_RESULT_QBO, 6, 2 },
		{ VIRGL_CCMD_DRAW_VBO, 20, 15 },
		{ VIRGL_CCMD_DRAW_VBO, 20, 20 },
		{ VIRGL_CCMD_LAUNCH_GRID, 8, 7 },
	};
	struct devtest *t = begin(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(list); i++) {
		struct virgl_stream s = { 0 };
		g_autofree char *want = g_strdup_printf("0 %u", list[i].cmd);

		naming(&s, list[i].cmd, list[i].len, list[i].at, GONE);
		naming(&s, list[i].cmd, list[i].len, list[i].at, GOOD);
		submit(t, 1, &s, DEVTEST_OK);
		got(&s, want);
		/* too short to name anything */
		memset(&s, 0, sizeof(s));
		naming(&s, list[i].cmd, list[i].at - 1, 0, 0);
		submit(t, 1, &s, DEVTEST_OK);
	}
	end(t);
}

static void test_surface(void)
{
	struct virgl_stream s = { 0 };
	struct devtest *t = begin(NULL);

	virgl_surface(&s, 10, GONE, BGRA);
	virgl_framebuffer(&s, 10);
	virgl_clear(&s, red);
	draw(&s);
	virgl_surface(&s, 11, GOOD, BGRA);
	virgl_framebuffer(&s, 11);
	virgl_clear(&s, red);
	draw(&s);
	words(&s, VIRGL_CCMD_CLEAR_SURFACE, 0, 3, 0, 10, 0);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "0 0 0 0 1 5 7 8 0");
	/* what is missing stays so in the next buffer, too */
	memset(&s, 0, sizeof(s));
	words(&s, VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 4, 2, 0, 11, 10);
	virgl_clear(&s, red);
	words(&s, VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0, 3, 1, 10, 11);
	draw(&s);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "0 0 0 0");
	/* another sub-context has bindings and handles of its own */
	memset(&s, 0, sizeof(s));
	virgl_sub_context(&s, VIRGL_CCMD_CREATE_SUB_CTX, 5);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 5);
	virgl_clear(&s, red);
	virgl_surface(&s, 10, GOOD, BGRA);
	virgl_framebuffer(&s, 10);
	draw(&s);
	virgl_sub_context(&s, VIRGL_CCMD_SET_SUB_CTX, 0);
	draw(&s);
	virgl_sub_context(&s, VIRGL_CCMD_DESTROY_SUB_CTX, 5);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "29 28 7 1 5 8 28 0 30");
	/* destroyed, the handle means what it is made anew of */
	memset(&s, 0, sizeof(s));
	words(&s, VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_SURFACE, 1, 10);
	words(&s, VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_SURFACE, 1, 10);
	virgl_surface(&s, 10, GOOD, BGRA);
	virgl_framebuffer(&s, 10);
	draw(&s);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "0 3 1 5 8");
	g_assert_cmpuint(context_find(t->dev, 1)->elide->entries, ==, 0);
	end(t);
}

static void test_bindings(void)
{
	struct virgl_stream s = { 0 };
	struct devtest *t = begin(NULL);
	uint32_t at;

	words(&s, VIRGL_CCMD_SET_VERTEX_BUFFERS, 0, 6, 4, 0, GOOD, 4, 0, GONE);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_VERTEX_BUFFERS, 0, 3, 4, 0, GOOD);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_INDEX_BUFFER, 0, 3, GONE, 2, 0);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_INDEX_BUFFER, 0, 1, 0);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_UNIFORM_BUFFER, 0, 5, 1, 3, 0, 16, GONE);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_CONSTANT_BUFFER, 0, 3, 1, 2, 0);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_CONSTANT_BUFFER, 0, 3, 1, 3, 0);
	draw(&s);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "0 0 6 8 0 0 11 8 0 0 12 0 12 8");

	/* slots of their own: the refused one is unbound */
	memset(&s, 0, sizeof(s));
	words(&s, VIRGL_CCMD_SET_SHADER_BUFFERS, 0, 8, 0, 1, 0, 4, GOOD, 0, 4,
	      GONE);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_SHADER_BUFFERS, 0, 5, 0, 2, 0, 4, GOOD);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_SHADER_IMAGES, 0, 7, 5, 0, 1, 0, 0, 0, GONE);
	naming(&s, VIRGL_CCMD_LAUNCH_GRID, 8, 0, 0);
	words(&s, VIRGL_CCMD_SET_SHADER_IMAGES, 0, 7, 5, 0, 1, 0, 0, 0, GOOD);
	words(&s, VIRGL_CCMD_SET_ATOMIC_BUFFERS, 0, 4, 2, 0, 4, GONE);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_ATOMIC_BUFFERS, 0, 4, 2, 0, 4, GOOD);
	draw(&s);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "34 0 34 8 35 0 35 40 0 40 8");
	g_assert_cmpuint(g_array_index(seen, uint32_t, 5), ==, GOOD);
	g_assert_cmpuint(g_array_index(seen, uint32_t, 8), ==, 0);

	/* a view that is missing can be drawn with; a target can not */
	memset(&s, 0, sizeof(s));
	words(&s, VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SAMPLER_VIEW, 6, 20,
	      GONE, 1, 0, 0, 0);
	at = (uint32_t)s.n;
	words(&s, VIRGL_CCMD_SET_SAMPLER_VIEWS, 0, 4, 1, 0, 20, 21);
	draw(&s);
	words(&s, VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_STREAMOUT_TARGET, 4,
	      30, GONE, 0, 16);
	words(&s, VIRGL_CCMD_SET_STREAMOUT_TARGETS, 0, 2, 0, 30);
	draw(&s);
	words(&s, VIRGL_CCMD_SET_STREAMOUT_TARGETS, 0, 1, 0);
	naming(&s, VIRGL_CCMD_DRAW_VBO, 12, 12, 30);
	draw(&s);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "0 10 8 0 0 0 25 0 8");
	g_assert_cmpuint(g_array_index(seen, uint32_t, at + 3), ==, 0);
	g_assert_cmpuint(g_array_index(seen, uint32_t, at + 4), ==, 21);
	end(t);
}

/* ---- queries ---- */

static void test_query(void)
{
	struct virgl_stream s = { 0 };
	struct devtest *t = begin(NULL);

	memset(t->ram, 0x5a, DEVTEST_RAM);
	virgl_query_create(&s, 7, 0, GONE);
	get_query(&s, 7);
	words(&s, VIRGL_CCMD_GET_QUERY_RESULT_QBO, 0, 6, 7, GOOD, 0, 0, 0, 0);
	words(&s, VIRGL_CCMD_SET_RENDER_CONDITION, 0, 3, 7, 1, 0);
	virgl_query_create(&s, 8, 0, GOOD);
	get_query(&s, 8);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "0 0 0 0 0 26 1 19 20 21");
	g_assert_cmpuint(word_at(t, GONE * 65536), ==, 1);	/* done */
	g_assert_cmpuint(word_at(t, GONE * 65536 + 8), ==, 0);
	g_assert_cmphex(word_at(t, GONE * 65536 + 16), ==, 0x5a5a5a5a);
	g_assert_cmphex(word_at(t, GOOD * 65536), ==, 0x5a5a5a5a);

	/* never beyond the pages: at their end, and with wild offsets */
	for (uint32_t offset = 8192 - 15; offset; offset <<= 1) {
		memset(&s, 0, sizeof(s));
		words(&s, VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_QUERY, 4, 9, 0,
		      offset, GONE);
		get_query(&s, 9);
		submit(t, 1, &s, DEVTEST_OK);
	}
	g_assert_cmphex(word_at(t, GONE * 65536 + 8192 - 4), ==, 0x5a5a5a5a);
	g_assert_cmphex(word_at(t, GONE * 65536 + 8192), ==, 0x5a5a5a5a);
	/* its pages go, then it goes as a whole */
	device_set_mem(t->dev, NULL);
	submit(t, 1, &s, DEVTEST_OK);
	devtest_map(t, DEVTEST_GPA, DEVTEST_RAM);
	devtest_unref(t, GONE, DEVTEST_OK);
	memset(&s, 0, sizeof(s));
	get_query(&s, 9);
	submit(t, 1, &s, DEVTEST_OK);
	got(&s, "0 0 0");
	end(t);
}

/* ---- what a guest may send ---- */

static void test_hostile(void)
{
	struct devtest *t = begin(NULL);
	uint32_t buf[256];

	for (int round = 0; round < 20000; round++) {
		size_t n = (size_t)g_test_rand_int_range(1, 256);
		struct devtest_cmd *cmd;

		for (size_t i = 0; i < n; i++) {
			uint32_t w = (uint32_t)g_test_rand_int();

			/* ids and handles that are there, short commands */
			buf[i] = w & 0x80 ? w % 12 :
				VIRGL_HEADER(w % 64, w >> 8 & 15, w >> 16 & 31);
		}
		cmd = devtest_words(t, 1, 0, buf, n);
		devtest_poll(t);
		g_assert_true(cmd->done);
		cmd->elem.in_len = 0;	/* an error is fine */
		devtest_done(t, cmd, 0);
	}
	g_assert_cmpuint(context_find(t->dev, 1)->elide->entries, <=,
			 ELIDE_MAX_ENTRIES);
	end(t);
}

/* There is an end to what is remembered for a guest. */
static void test_hostile_flood(void)
{
	struct elide *e = elide_new(false);
	struct elide_object object = { 0 };

	for (uint32_t i = 1; i < 3 * ELIDE_MAX_ENTRIES; i++) {
		elide_sub_context(e, i % 1000, false);
		elide_object_add(e, i, &object);
		elide_binding(e, i, true);
	}
	g_assert_cmpuint(e->entries, ==, ELIDE_MAX_ENTRIES);
	for (uint32_t i = 0; i < 1000; i++)
		elide_sub_context_forget(e, i);
	g_assert_true(elide_is_empty(e));
	g_assert_cmpuint(g_hash_table_size(e->subs), ==, 0);
	elide_free(e);
}

/* ---- on virglrenderer: the context lives ---- */

static void test_alive(void)
{
	struct devtest_config config = { .virgl = true };
	struct virtio_gpu_transfer_host_3d get = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D,
		.hdr.ctx_id = 1, .box = { 0, 0, 0, 64, 32, 1 },
		.resource_id = GOOD,
	};
	struct devtest *t = begin(&config);
	struct virgl_stream s;

	for (int frame = 0; frame < 40; frame++) {
		const float shade[4] = { 0, (float)frame / 40, 0, 1 };

		memset(&s, 0, sizeof(s));
		/* a target that was refused, and all that is done with it */
		virgl_surface(&s, 10, GONE, BGRA);
		virgl_framebuffer(&s, 10);
		virgl_clear(&s, red);
		virgl_clear_rect(&s, GONE, 0, 0, 4, 4, 0xffffffff);
		words(&s, VIRGL_CCMD_RESOURCE_COPY_REGION, 0, 13, GOOD, 0, 0, 0,
		      0, GONE, 0, 0, 0, 0, 8, 8, 1);
		virgl_query_create(&s, 7, 0, GONE);
		get_query(&s, 7);
		words(&s, VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_QUERY, 1, 7);
		/* then what is there */
		virgl_surface(&s, 11, GOOD, BGRA);
		virgl_framebuffer(&s, 11);
		virgl_clear(&s, shade);
		words(&s, VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_SURFACE, 1,
		      10);
		words(&s, VIRGL_CCMD_DESTROY_OBJECT, VIRGL_OBJECT_SURFACE, 1,
		      11);
		submit(t, 1, &s, DEVTEST_OK);
		g_assert_false(context_find(t->dev, 1)->failed);
		while (!t->dev->renderer || t->dev->retired < t->dev->emitted)
			devtest_poll(t);
		devtest_ask(t, get, DEVTEST_OK);
		g_assert_cmphex(word_at(t, GOOD * 65536) & 0xffff00ff, ==,
				0xff000000);
		g_assert_cmpuint(abs((int)(word_at(t, GOOD * 65536) >> 8 & 0xff)
				     - frame * 255 / 40), <=, 1);
		g_assert_cmpuint(word_at(t, GONE * 65536), ==, 1);
	}
	end(t);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	log_init("test-device-elide", NULL);
	log_set_level(LOG_LEVEL_ERROR);
	g_test_add_func("/device/elide/naming", test_naming);
	g_test_add_func("/device/elide/surface", test_surface);
	g_test_add_func("/device/elide/bindings", test_bindings);
	g_test_add_func("/device/elide/query", test_query);
	g_test_add_func("/device/elide/hostile", test_hostile);
	g_test_add_func("/device/elide/hostile-flood", test_hostile_flood);
	g_test_add_func("/device/elide/alive", test_alive);
	return g_test_run();
}
