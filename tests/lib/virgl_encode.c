// SPDX-License-Identifier: MIT
/*
 * virgl_encode.c - small virgl command streams for tests
 */
#include <glib.h>
#include <string.h>
#include "tests/lib/virgl_encode.h"

void virgl_word(struct virgl_stream *s, uint32_t word)
{
	g_assert_cmpuint(s->n, <, G_N_ELEMENTS(s->word));
	s->word[s->n++] = word;
}

void virgl_command(struct virgl_stream *s, uint32_t cmd, uint32_t object,
		   uint32_t length)
{
	virgl_word(s, VIRGL_HEADER(cmd, object, length));
}

void virgl_nop(struct virgl_stream *s)
{
	virgl_command(s, VIRGL_CCMD_NOP, 0, 0);
}

void virgl_surface(struct virgl_stream *s, uint32_t handle, uint32_t resource,
		   uint32_t format)
{
	virgl_command(s, VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SURFACE,
		      VIRGL_SURFACE_SIZE);
	virgl_word(s, handle);
	virgl_word(s, resource);
	virgl_word(s, format);
	virgl_word(s, 0);	/* level */
	virgl_word(s, 0);	/* first layer, last layer << 16 */
}

void virgl_framebuffer(struct virgl_stream *s, uint32_t surface)
{
	virgl_command(s, VIRGL_CCMD_SET_FRAMEBUFFER_STATE, 0,
		      VIRGL_FRAMEBUFFER_SIZE(1));
	virgl_word(s, 1);
	virgl_word(s, 0);	/* depth and stencil */
	virgl_word(s, surface);
}

void virgl_clear(struct virgl_stream *s, const float rgba[4])
{
	uint32_t bits[4];
	int i;

	memcpy(bits, rgba, sizeof(bits));
	virgl_command(s, VIRGL_CCMD_CLEAR, 0, VIRGL_CLEAR_SIZE);
	virgl_word(s, VIRGL_CLEAR_COLOR0);
	for (i = 0; i < 4; i++)
		virgl_word(s, bits[i]);
	virgl_word(s, 0);	/* depth, a double */
	virgl_word(s, 0);
	virgl_word(s, 0);	/* stencil */
}

void virgl_clear_rect(struct virgl_stream *s, uint32_t resource, uint32_t x,
		      uint32_t y, uint32_t w, uint32_t h, uint32_t pixel)
{
	virgl_command(s, VIRGL_CCMD_CLEAR_TEXTURE, 0, 12);
	virgl_word(s, resource);
	virgl_word(s, 0);	/* level */
	virgl_word(s, x);
	virgl_word(s, y);
	virgl_word(s, 0);
	virgl_word(s, w);
	virgl_word(s, h);
	virgl_word(s, 1);
	virgl_word(s, pixel);
	virgl_word(s, 0);
	virgl_word(s, 0);
	virgl_word(s, 0);
}

void virgl_sub_context(struct virgl_stream *s, uint32_t cmd, uint32_t id)
{
	virgl_command(s, cmd, 0, 1);
	virgl_word(s, id);
}

void virgl_query_create(struct virgl_stream *s, uint32_t handle,
			uint32_t type, uint32_t resource)
{
	virgl_command(s, VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_QUERY, 4);
	virgl_word(s, handle);
	virgl_word(s, type);	/* type, index << 16 */
	virgl_word(s, 0);	/* offset */
	virgl_word(s, resource);
}

void virgl_query(struct virgl_stream *s, uint32_t cmd, uint32_t handle)
{
	virgl_command(s, cmd, 0, cmd == VIRGL_CCMD_GET_QUERY_RESULT ? 2 : 1);
	virgl_word(s, handle);
	if (cmd == VIRGL_CCMD_GET_QUERY_RESULT)
		virgl_word(s, 1);	/* wait */
}
