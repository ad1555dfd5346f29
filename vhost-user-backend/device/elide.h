/* SPDX-License-Identifier: MIT */
/*
 * elide.h - command buffers of a guest that was refused memory
 *
 * The guest's kernel does not tell an application that a resource was refused,
 * and a command on a resource that is not there would end its context: it
 * freezes. So a refused resource stays known, and commands that touch it are
 * taken out of its buffers before the renderer sees them. The application runs
 * on with wrong pixels. A refused context is treated the same as a whole.
 *
 * Objects made of a refused resource (surfaces, views, queries, stream targets)
 * are remembered per sub-context, and so are the bindings that are missing:
 * nothing is drawn while one is. A query gets a result of 0, so that nobody
 * waits for it.
 */
#ifndef DEVICE_ELIDE_H
#define DEVICE_ELIDE_H

#include <stddef.h>
#include <stdint.h>

struct context;
struct device;
struct elide;

/**
 * elide_buffer() - make a private command buffer harmless, in place
 *
 * Answers questions for the memory that is left, too. Costs nothing while
 * nothing was refused and there is no quota.
 */
void elide_buffer(struct device *dev, struct context *ctx, uint32_t *words,
		  size_t n);

void elide_free(struct elide *elide);

#endif
