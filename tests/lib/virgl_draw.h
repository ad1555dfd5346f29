/* SPDX-License-Identifier: MIT */
/*
 * virgl_draw.h - draws with shaders of one's own, for tests
 */
#ifndef TESTS_LIB_VIRGL_DRAW_H
#define TESTS_LIB_VIRGL_DRAW_H

#include <stdint.h>
#include "tests/lib/virgl_encode.h"

/* Ways to keep a GPU busy for longer than anybody waits. */
enum virgl_hang {
	VIRGL_HANG_NONE,	/* a triangle over everything, green */
	VIRGL_HANG_FRAGMENTS,	/* the fence never signals */
	VIRGL_HANG_VERTICES,	/* on a CPU renderer, the submit never returns */
};

/**
 * virgl_pipeline() - objects 100 and up: shaders and state, bound
 *
 * They draw into surface @surface of @w x @h pixels.
 */
void virgl_pipeline(struct virgl_stream *s, enum virgl_hang kind,
		    uint32_t surface, uint32_t w, uint32_t h);
/** virgl_draw() - one triangle over everything, for @instances times */
void virgl_draw(struct virgl_stream *s, uint32_t instances);

#endif
