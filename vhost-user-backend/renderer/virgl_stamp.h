/* SPDX-License-Identifier: MIT */
/*
 * virgl_stamp.h - when the GPU was done, by the kernel's clock
 *
 * Drivers with native fences give a sync_file for each fence of ours, and the
 * kernel notes in it when it was signalled. A CPU renderer has none. It stands
 * behind the work of the context that was current last; work of others before
 * it is done by then on a GPU with one queue.
 */
#ifndef RENDERER_VIRGL_STAMP_H
#define RENDERER_VIRGL_STAMP_H

#include <stdbool.h>
#include <stdint.h>
#include "renderer/virgl_egl.h"

#define VIRGL_STAMPS	64	/* fences that may retire in one go */

struct virgl_stamps {
	struct virgl_egl *egl;
	bool usable;
	struct {
		uint64_t fence, ns;
	} last[VIRGL_STAMPS];
};

void virgl_stamps_init(struct virgl_stamps *s, struct virgl_egl *egl);

/** virgl_stamp_new() - behind all work of the current context; -1: none */
int virgl_stamp_new(struct virgl_stamps *s);

/** virgl_stamp_take() - the fence has retired; consumes @fd, which may be -1 */
void virgl_stamp_take(struct virgl_stamps *s, uint64_t fence, int fd);

/** virgl_stamp_of() - CLOCK_MONOTONIC ns of a fence that retired lately, or 0 */
uint64_t virgl_stamp_of(const struct virgl_stamps *s, uint64_t fence);

#endif
