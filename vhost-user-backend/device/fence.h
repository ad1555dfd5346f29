/* SPDX-License-Identifier: MIT */
/*
 * fence.h - jobs of the GPU and the order of answers
 *
 * A Linux guest signals all fences up to the id that it sees, so fenced
 * commands are answered strictly in order, whatever happened to each. Only work
 * of the GPU gets a fence of the renderer, under a number of our own; the
 * guest's 64 bits are echoed and nothing else.
 *
 * A guest that asked for several timelines says of each command which one it is
 * on, and orders are kept within each: what needs no GPU does not wait for what
 * other timelines do.
 */
#ifndef DEVICE_FENCE_H
#define DEVICE_FENCE_H

#include <stdbool.h>
#include <stdint.h>

struct command;
struct device;

/**
 * fence_acquire() - may a GPU job start?
 *
 * It must end by fence_emit() or, if it came to nothing, by fence_cancel().
 * False: no lease; device_run() is called when there is one.
 */
bool fence_acquire(struct device *dev);

/** fence_emit() - the job was given to the renderer, on this context */
void fence_emit(struct device *dev, uint32_t ctx);
void fence_cancel(struct device *dev);

/** fence_idle() - no fence of the renderer is outstanding */
bool fence_idle(const struct device *dev);

/**
 * fence_complete() - the command was executed: answer now or in its turn
 *
 * One that is parked (response 0) must be fenced; fence_retire() goes on with
 * it when it has its response.
 */
void fence_complete(struct device *dev, struct command *cmd);

/** fence_retire() - answer whatever can be answered */
void fence_retire(struct device *dev);

/** fence_reset() - the renderer is gone, its fences will not come */
void fence_reset(struct device *dev);

/** fence_callback() - for struct renderer_config */
void fence_callback(void *opaque, uint64_t fence);

#endif
