/* SPDX-License-Identifier: MIT */
/*
 * null.h - the renderer that draws nothing, and what tests may ask of it
 *
 * It keeps every rule of renderer.h and checks that its caller does too. What
 * is uploaded to a plain 2D texture of 32-bit pixels can be read back. With
 * VGPU_NULL_COST=N in its environment every submit takes N rounds of arithmetic
 * (some 2 ns each): jobs of one and the same cost, for measurements.
 */
#ifndef RENDERER_NULL_H
#define RENDERER_NULL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct renderer;

/** struct renderer_null_hooks - zero: fences retire by themselves */
struct renderer_null_hooks {
	bool hold_fences;	/* only renderer_null_retire() retires */
	bool sync_fences;	/* ops->fence says that it has retired */
	bool dmabuf;		/* textures can be exported */
	/* 0, or the error that the operation returns; NULL: none */
	int (*fail)(void *opaque, const char *op, uint32_t id);
	/* sees what is submitted; NULL: nobody looks */
	void (*submitted)(void *opaque, uint32_t ctx, const uint32_t *words,
			  size_t n);
	/* when a fence was signalled; NULL: the kernel does not tell */
	uint64_t (*time)(void *opaque, uint64_t fence);
	void *opaque;
};

/** renderer_null_set_hooks() - for renderers made from now on; NULL: none */
void renderer_null_set_hooks(const struct renderer_null_hooks *hooks);

/** renderer_null_retire() - up to this fence; the callback comes at poll() */
void renderer_null_retire(struct renderer *r, uint64_t fence);

/** struct renderer_null_state - what it holds */
struct renderer_null_state {
	unsigned int contexts, resources, attached_iovs;
	uint64_t emitted, retired;	/* fences */
	uint64_t submits, transfers;
};

void renderer_null_state(struct renderer *r, struct renderer_null_state *state);

#endif
