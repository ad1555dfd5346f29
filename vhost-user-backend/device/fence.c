// SPDX-License-Identifier: MIT
/*
 * fence.c - jobs of the GPU and the order of answers
 */
#include "device/fence.h"

#include "device/command.h"
#include "device/context.h"
#include "device/scanout.h"
#include "device/state.h"
#include "device/vendor.h"
#include "renderer/renderer.h"
#include "sched/client.h"

bool fence_acquire(struct device *dev)
{
	if (sched_client_acquire(dev->config.sched))
		return true;
	dev->wants_lease = true;
	return false;
}

static void add_job(struct device *dev)
{
	g_queue_push_tail(&dev->jobs, GSIZE_TO_POINTER(dev->emitted));
}

void fence_emit(struct device *dev, uint32_t ctx)
{
	struct renderer *r = dev->renderer;
	uint64_t before = dev->emitted;
	int ret;

	dev->emitted = ++dev->next_fence;
	ret = r->ops->fence(r, ctx, dev->emitted);
	if (ret == 1)
		fence_callback(dev, dev->emitted);
	if (ret < 0) {
		/* Taken for done with those before it: a guess, but an answer. */
		log_peer(&dev->limit, "context %u: no fence: error %d", ctx,
			 ret);
		dev->emitted = before;
	}
	add_job(dev);
}

void fence_cancel(struct device *dev)
{
	add_job(dev);
}

bool fence_idle(const struct device *dev)
{
	return dev->retired >= dev->emitted;
}

void fence_callback(void *opaque, uint64_t fence)
{
	struct device *dev = opaque;

	if (fence > dev->emitted)
		fence = dev->emitted;
	if (fence > dev->retired)
		dev->retired = fence;
}

/*
 * Of a context that asked for timelines, and not for the display to answer. It
 * may be one that was refused, for its number too.
 */
static struct context *timeline_of(struct device *dev,
				   const struct command *cmd)
{
	if (!(cmd->req.hdr.flags & VIRTIO_GPU_FLAG_INFO_RING_IDX) ||
	    cmd->req.hdr.ring_idx >= VGPU_VENDOR_RINGS || !cmd->response ||
	    !vendor_may(dev, VIRTIO_GPU_F_CONTEXT_INIT,
			VGPU_VENDOR_CONTEXT_INIT))
		return NULL;
	return context_find(dev, cmd->req.hdr.ctx_id);
}

/*
 * Behind what its own timeline has, and before others that wait for later
 * fences: the list stays in the order of fences.
 */
static void complete_on(struct device *dev, struct context *ctx,
			struct command *cmd)
{
	uint64_t *last = &ctx->timeline[cmd->req.hdr.ring_idx];
	struct command **at = &dev->timelines.first;

	/* without commands there was no job */
	if (cmd->refused || cmd->req.hdr.type != VIRTIO_GPU_CMD_SUBMIT_3D ||
	    cmd->data_size)
		*last = dev->emitted;
	cmd->fence = *last;
	if (dev->timelines.last && dev->timelines.last->fence <= cmd->fence)
		at = &dev->timelines.last->next;
	while (*at && (*at)->fence <= cmd->fence)
		at = &(*at)->next;
	cmd->next = *at;
	*at = cmd;
	if (!cmd->next)
		dev->timelines.last = cmd;
}

void fence_complete(struct device *dev, struct command *cmd)
{
	struct context *ctx;

	if (!command_fenced(cmd)) {
		command_answer(dev, cmd);
		return;
	}
	ctx = timeline_of(dev, cmd);
	if (ctx) {
		complete_on(dev, ctx, cmd);
		return;
	}
	cmd->fence = dev->emitted;
	cmd->next = NULL;
	if (dev->fenced.last)
		dev->fenced.last->next = cmd;
	else
		dev->fenced.first = cmd;
	dev->fenced.last = cmd;
}

static void retire_jobs(struct device *dev)
{
	struct renderer *r = dev->renderer;
	uint64_t fence, done;

	while (!g_queue_is_empty(&dev->jobs) &&
	       GPOINTER_TO_SIZE(g_queue_peek_head(&dev->jobs)) <= dev->retired) {
		fence = GPOINTER_TO_SIZE(g_queue_pop_head(&dev->jobs));
		done = r ? r->ops->fence_time(r, fence) : 0;
		sched_client_retire_at(dev->config.sched, done);
	}
}

static void retire_timelines(struct device *dev)
{
	struct command *cmd;

	while ((cmd = dev->timelines.first) && cmd->fence <= dev->retired) {
		dev->timelines.first = cmd->next;
		if (!dev->timelines.first)
			dev->timelines.last = NULL;
		command_answer(dev, cmd);
	}
}

void fence_retire(struct device *dev)
{
	struct command *cmd;

	retire_jobs(dev);
	scanout_ready(dev);
	retire_timelines(dev);
	/* response 0: the display has not answered yet */
	while ((cmd = dev->fenced.first) && cmd->response &&
	       cmd->fence <= dev->retired) {
		dev->fenced.first = cmd->next;
		if (!dev->fenced.first)
			dev->fenced.last = NULL;
		command_answer(dev, cmd);
	}
}

void fence_reset(struct device *dev)
{
	dev->retired = dev->emitted;
	retire_jobs(dev);
}
