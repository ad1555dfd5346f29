// SPDX-License-Identifier: MIT
/*
 * submit.c - command buffers
 *
 * A buffer is one job of the GPU, unless another VM waits for it: then it goes
 * in pieces (split.h), each a job of its own that asks for the lease anew. What
 * the guest sent behind the buffer stays behind all of it, and a piece that
 * fails is the last.
 */
#include <errno.h>
#include "device/context.h"
#include "device/elide.h"
#include "device/exec.h"
#include "device/fence.h"
#include "device/split.h"
#include "device/state.h"
#include "renderer/renderer.h"
#include "sched/client.h"

#define OK		VIRTIO_GPU_RESP_OK_NODATA
/*
 * GPU time of a piece beside a VM that comes and goes. A CPU renderer pays for
 * each flush with a pass over all the tiles, so its pieces are longer.
 */
#define PIECE_NS	2000000ull
#define PIECE_CPU_NS	8000000ull

static void submit_failed(struct device *dev, struct context *ctx, int ret)
{
	if (ctx->failed)
		return;
	ctx->failed = true;
	log_peer(&dev->limit, "context %u (%s): bad commands, error %d; it may draw nothing from now on",
		 ctx->id, ctx->name, ret);
}

/* Draws of the next piece, with @left to come. */
static uint32_t draws_allowed(struct device *dev, uint32_t left)
{
	bool cpu = dev->caps->flags & VGPU_CAPS_CPU_RENDERER;

	if (dev->config.split_always)
		return 0;
	return sched_client_units_allowed(dev->config.sched, left,
					  cpu ? PIECE_CPU_NS : PIECE_NS);
}

static void screen(struct device *dev, struct context *ctx, struct command *cmd)
{
	if (cmd->screened)
		return;
	cmd->screened = true;
	elide_buffer(dev, ctx, cmd->data, cmd->data_size / 4);
}

static int submit_piece(struct device *dev, struct context *ctx,
			struct command *cmd)
{
	struct sched_client *sched = dev->config.sched;
	struct renderer *r = dev->renderer;
	size_t at = cmd->words_done, n = cmd->data_size / 4;
	struct split_piece piece = split_next(cmd->data, n, at, SPLIT_ALL);
	uint32_t draws = draws_allowed(dev, piece.draws);
	int ret;

	if (draws != SPLIT_ALL)
		piece = split_next(cmd->data, n, at, draws);
	cmd->words_done = piece.end;
	sched_client_units(sched, piece.draws);
	sched_client_enter(sched);
	ret = context_need(dev, ctx);
	if (!ret)
		ret = r->ops->submit(r, ctx->id, (uint32_t *)cmd->data + at,
				     piece.end - at);
	sched_client_leave(sched);
	return ret;
}

uint32_t exec_submit(struct device *dev, struct command *cmd)
{
	struct context *ctx = context_find(dev, cmd->req.hdr.ctx_id);
	int ret = 0;

	if (!ctx)
		return VIRTIO_GPU_RESP_ERR_INVALID_CONTEXT_ID;
	/* A guest's way to get a fence and nothing else. */
	if (!cmd->data_size)
		return OK;
	if (ctx->refused) {
		screen(dev, ctx, cmd);
		return OK;
	}
	/* Starting GL takes long: not under a lease, and not a hang. */
	if (!device_renderer(dev))
		return VIRTIO_GPU_RESP_ERR_UNSPEC;
	while (!ret && cmd->words_done < cmd->data_size / 4) {
		if (!fence_acquire(dev))
			return EXEC_AGAIN;
		sched_client_name(dev->config.sched, ctx->id, ctx->name);
		screen(dev, ctx, cmd);
		ret = submit_piece(dev, ctx, cmd);
		if (ret == -EIO || !ctx->in_renderer)
			fence_cancel(dev);
		else	/* some of it may have been drawn */
			fence_emit(dev, ctx->id);
	}
	if (!ret)
		return OK;
	if (ret != -EIO)
		submit_failed(dev, ctx, ret);
	return device_error(dev, ret);
}
