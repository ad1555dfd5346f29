/* SPDX-License-Identifier: MIT */
/*
 * virgl_encode.h - small virgl command streams for tests
 */
#ifndef TESTS_LIB_VIRGL_ENCODE_H
#define TESTS_LIB_VIRGL_ENCODE_H

#include <stddef.h>
#include <stdint.h>
#include "protocol/virgl.h"

/** struct virgl_stream - a buffer in the making; zero-initialise */
struct virgl_stream {
	uint32_t word[1024];
	size_t n;
};

void virgl_word(struct virgl_stream *s, uint32_t word);
void virgl_command(struct virgl_stream *s, uint32_t cmd, uint32_t object,
		   uint32_t length);

void virgl_nop(struct virgl_stream *s);
/** virgl_surface() - object @handle views level 0, layer 0 of @resource */
void virgl_surface(struct virgl_stream *s, uint32_t handle, uint32_t resource,
		   uint32_t format);
/** virgl_framebuffer() - draw into one surface, no depth */
void virgl_framebuffer(struct virgl_stream *s, uint32_t surface);
void virgl_clear(struct virgl_stream *s, const float rgba[4]);
/** virgl_clear_rect() - CLEAR_TEXTURE of level 0, with a raw 4-byte pixel */
void virgl_clear_rect(struct virgl_stream *s, uint32_t resource, uint32_t x,
		      uint32_t y, uint32_t w, uint32_t h, uint32_t pixel);
/** virgl_sub_context() - cmd: CREATE_, SET_ or DESTROY_SUB_CTX */
void virgl_sub_context(struct virgl_stream *s, uint32_t cmd, uint32_t id);
/** virgl_query() - count samples; the answer goes to @resource */
void virgl_query_create(struct virgl_stream *s, uint32_t handle,
			uint32_t type, uint32_t resource);
void virgl_query(struct virgl_stream *s, uint32_t cmd, uint32_t handle);

#endif
