/* SPDX-License-Identifier: MIT */
/*
 * quota_play.h - a device with a small quota, a resource that is there and one
 * that was refused; and what of a command buffer gets through to the renderer
 */
#ifndef TESTS_UNIT_QUOTA_PLAY_H
#define TESTS_UNIT_QUOTA_PLAY_H

#include <stdarg.h>
#include <string.h>
#include <glib.h>
#include "base/log.h"
#include "device/context.h"
#include "device/elide.h"
#include "device/elide_state.h"
#include "device/state.h"
#include "protocol/virgl.h"
#include "tests/lib/devtest.h"
#include "tests/lib/virgl_encode.h"

#define BGRA		VIRGL_FORMAT_B8G8R8A8_UNORM
#define NO_MEMORY	VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY
#define BAD_RESOURCE	VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID
#define BAD_CONTEXT	VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID
#define ATTACH		VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE
#define DESTROY		VIRTIO_GPU_CMD_CTX_DESTROY
#define MIB		(1ull << 20)
#define GOOD		2	/* a resource that is there */
#define GONE		3	/* one that was refused */

static const float red[4] = { 1, 0, 0, 1 };

/* ---- what the renderer gets ---- */

static GArray *seen;

static inline void submitted(void *opaque, uint32_t ctx, const uint32_t *words,
		      size_t n)
{
	g_array_append_vals(seen, words, (guint)n);
}

/* A context with a 64 x 32 texture that is there and one that is not. */
static inline struct devtest *begin(const struct devtest_config *more)
{
	struct renderer_null_hooks hooks = { .submitted = submitted };
	struct devtest_config config = more ? *more :
		(struct devtest_config){ 0 };
	struct devtest *t;

	config.memory_max = MIB;
	seen = g_array_new(false, false, 4);
	renderer_null_set_hooks(&hooks);
	t = devtest_new(&config);
	devtest_ctx_create(t, 1, DEVTEST_OK);
	devtest_create_3d(t, GOOD, 64, 32, DEVTEST_OK);
	devtest_create_3d(t, GONE, 1024, 1024, NO_MEMORY);
	for (uint32_t id = GOOD; id <= GONE; id++) {
		devtest_attach(t, id, id * 65536, 8192, DEVTEST_OK);
		devtest_ctx(t, ATTACH, 1, id, DEVTEST_OK);
	}
	return t;
}

static inline void end(struct devtest *t)
{
	devtest_free(t);
	g_array_free(seen, true);
	renderer_null_set_hooks(NULL);
}

static inline void submit(struct devtest *t, uint32_t ctx,
		   const struct virgl_stream *s, uint32_t want)
{
	struct devtest_cmd *cmd;

	g_array_set_size(seen, 0);
	cmd = devtest_words(t, ctx, 0, s->word, s->n);
	devtest_poll(t);
	devtest_done(t, cmd, want);
}

/*
 * The commands that got through, as their numbers. Nothing may name what was
 * refused: its id appears in no command that is not a NOP.
 */
static inline void got(const struct virgl_stream *s, const char *want)
{
	g_autoptr(GString) text = g_string_new(NULL);

	g_assert_cmpuint(seen->len, ==, s->n);
	for (guint at = 0; at < seen->len;) {
		uint32_t head = g_array_index(seen, uint32_t, at);

		g_string_append_printf(text, "%s%u", at ? " " : "",
				       VIRGL_HEADER_CMD(head));
		at += 1 + VIRGL_HEADER_LENGTH(head);
	}
	g_assert_cmpstr(text->str, ==, want);
}

static inline void words(struct virgl_stream *s, uint32_t cmd, uint32_t object,
		  uint32_t n, ...)
{
	va_list ap;

	virgl_command(s, cmd, object, n);
	va_start(ap, n);
	while (n--)
		virgl_word(s, va_arg(ap, uint32_t));
	va_end(ap);
}

/* Any command of @len words that names resource @id in word @at (from 1). */
static inline void naming(struct virgl_stream *s, uint32_t cmd, uint32_t len,
		   uint32_t at, uint32_t id)
{
	virgl_command(s, cmd, 0, len);
	for (uint32_t i = 1; i <= len; i++)
		virgl_word(s, i == at ? id : 0);
}

static inline void draw(struct virgl_stream *s)
{
	naming(s, VIRGL_CCMD_DRAW_VBO, 12, 0, 0);
}

static inline void get_query(struct virgl_stream *s, uint32_t handle)
{
	virgl_query(s, VIRGL_CCMD_BEGIN_QUERY, handle);
	virgl_query(s, VIRGL_CCMD_END_QUERY, handle);
	virgl_query(s, VIRGL_CCMD_GET_QUERY_RESULT, handle);
}

static inline uint32_t word_at(struct devtest *t, uint32_t offset)
{
	uint32_t word;

	memcpy(&word, t->ram + offset, 4);
	return word;
}

#endif
