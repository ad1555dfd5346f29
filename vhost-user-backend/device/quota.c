// SPDX-License-Identifier: MIT
/*
 * quota.c - how much a VM may have
 */
#include "device/quota.h"

#include <errno.h>
#include <stdatomic.h>
#include "device/context.h"
#include "device/resource.h"
#include "device/state.h"
#include "protocol/vgpu_sched.h"
#include "protocol/virgl.h"
#include "sched/client.h"

#define SMALL		4096u		/* bytes of a buffer */
#define KEPT_MIN	(256u << 10)	/* bytes kept for those */

static struct sched_limits limits(struct device *dev)
{
	struct sched_limits l = {
		.memory_max = dev->config.memory_max,
		.max_resources = dev->config.max_resources,
		.max_contexts = dev->config.max_contexts,
	};

	sched_client_limits(dev->config.sched, &l);
	return l;
}

uint64_t quota_memory(struct device *dev)
{
	return limits(dev).memory_max;
}

void quota_refused(struct device *dev)
{
	atomic_fetch_add_explicit(&dev->report->refused, 1,
				  memory_order_relaxed);
}

static bool is_small(const struct renderer_resource *args)
{
	return args->target == VIRGL_TARGET_BUFFER && args->width <= SMALL;
}

int quota_resource(struct device *dev, const struct renderer_resource *args,
		   uint64_t size)
{
	struct sched_limits l = limits(dev);
	uint32_t n = g_hash_table_size(dev->resources) - dev->denied;
	uint64_t max = l.memory_max;

	if (l.max_resources && n >= l.max_resources) {
		log_peer(&dev->limit, "resource %u: there are %u already, which is the limit (max-resources)",
			 args->id, n);
		return -ENOMEM;
	}
	if (!max)
		return 0;
	if (is_small(args))
		max += max / 64 > KEPT_MIN ? max / 64 : KEPT_MIN;
	if (size <= max && dev->memory <= max - size)
		return 0;
	log_peer(&dev->limit, "resource %u: %llu KiB, with %llu KiB in use, are over the quota of %llu MiB (memory)",
		 args->id, (unsigned long long)(size >> 10),
		 (unsigned long long)(dev->memory >> 10),
		 (unsigned long long)(l.memory_max >> 20));
	return -ENOMEM;
}

int quota_context(struct device *dev)
{
	struct sched_limits l = limits(dev);
	uint32_t n = g_hash_table_size(dev->contexts) - dev->refused;

	if (!l.max_contexts || n < l.max_contexts)
		return 0;
	log_peer(&dev->limit, "there are %u contexts already, which is the limit (max-contexts)",
		 n);
	return -ENOMEM;
}
