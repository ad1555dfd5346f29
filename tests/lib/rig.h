/* SPDX-License-Identifier: MIT */
/*
 * rig.h - a renderer over virglrenderer for unit tests, checked at every step
 *
 * On the CPU renderer, or with RENDER_NODE=/dev/dri/renderD128 in the
 * environment on that GPU. What fails ends the test.
 */
#ifndef TESTS_LIB_RIG_H
#define TESTS_LIB_RIG_H

#include <stdint.h>
#include "renderer/renderer.h"
#include "tests/lib/virgl_encode.h"

#define RIG_W	64
#define RIG_H	32

/** struct rig - the one renderer of this process and its fences */
struct rig {
	struct renderer *r;
	uint64_t emitted, retired;
	unsigned int callbacks;
};

extern struct rig rig;

struct renderer *rig_setup(void);
/** rig_keep_drivers() - call with a renderer running: for LeakSanitizer */
void rig_keep_drivers(void);
void rig_teardown(void);

/** rig_new_fence() - emit the next fence; 1: it has retired already */
int rig_new_fence(uint32_t ctx);
void rig_wait_fences(uint64_t until);

/** rig_texture() - RIG_W x RIG_H pixels of B8G8R8A8 */
void rig_texture(uint32_t id, uint32_t flags);
/** rig_context() - a context that draws into texture @res, its surface 1 */
void rig_context(uint32_t ctx, uint32_t res);
int rig_submit(uint32_t ctx, const struct virgl_stream *s);
int rig_clear(uint32_t ctx, float red, float green, float blue);
uint32_t rig_pixel_of(uint32_t res, uint32_t x, uint32_t y);

#endif
