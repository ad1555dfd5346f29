/* SPDX-License-Identifier: MIT */
/*
 * quota.h - how much a VM may have
 *
 * Limits come with the set-up, and where there is a vgpud from its page, where
 * they may change at any time. What a VM has already is never taken away.
 */
#ifndef DEVICE_QUOTA_H
#define DEVICE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct device;
struct renderer_resource;

/** quota_memory() - bytes of resources in all, 0: no limit */
uint64_t quota_memory(struct device *dev);

/**
 * quota_resource() - may there be one more of this size?
 *
 * A little is kept for buffers of a page or less: queries and fences of
 * programs that had room before another program took all there was. Return: 0
 * or -ENOMEM, which was said in the log.
 */
int quota_resource(struct device *dev, const struct renderer_resource *args,
		   uint64_t size);

/** quota_context() - may there be one more? 0 or -ENOMEM */
int quota_context(struct device *dev);

/** quota_refused() - count a refusal */
void quota_refused(struct device *dev);

#endif
