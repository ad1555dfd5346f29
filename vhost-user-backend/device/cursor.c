// SPDX-License-Identifier: MIT
/*
 * cursor.c - the cursor queue
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "device/exec.h"
#include "device/pixels.h"
#include "device/record.h"
#include "device/resource.h"
#include "device/state.h"

#define SIZE	64u

/* Convert what there is; the rest is transparent. */
static int read_image(struct device *dev, struct resource *res, uint32_t *to)
{
	struct renderer *r = dev->renderer;
	uint32_t w = res->args.width < SIZE ? res->args.width : SIZE;
	uint32_t h = res->args.height < SIZE ? res->args.height : SIZE;
	const uint8_t *from = (uint8_t *)to;
	size_t stride = SIZE * 4;
	int ret;

	memset(to, 0, SIZE * SIZE * 4);
	if (res->pixels) {
		from = res->pixels;
		stride = (size_t)res->args.width * 4;
	} else {
		ret = r->ops->read_pixels(r, res->args.id, 0, 0, w, h, to,
					  stride);
		if (ret)
			return ret;
	}
	for (uint32_t y = 0; y < h; y++) {
		pixels_convert(res->args.format, to + y * SIZE,
			       from + y * stride, w);
		for (uint32_t x = 0; x < w && !pixels_alpha(res->args.format);
		     x++)
			to[y * SIZE + x] |= 0xff000000;
	}
	return 0;
}

static int show_image(struct device *dev, uint32_t id, struct resource *res)
{
	struct scanout_cursor *c = &dev->scanouts[id].cursor;
	uint32_t image[SIZE * SIZE];
	int ret = 0;

	if (!resource_is_picture(res))
		return -EINVAL;
	if (!res->pixels)
		ret = resource_need(dev, res);
	if (!ret)
		ret = read_image(dev, res, image);
	if (ret)
		return ret;
	c->shown = true;
	dev->ops->cursor_update(dev->opaque, id, c->x, c->y, c->hot_x, c->hot_y,
				image);
	return 0;
}

int cursor_show(struct device *dev, uint32_t id)
{
	struct scanout_cursor *c = &dev->scanouts[id].cursor;
	struct resource *res = resource_find(dev, c->resource);

	if (res)
		return show_image(dev, id, res);
	c->resource = 0;
	c->shown = false;
	dev->ops->cursor_move(dev->opaque, id, c->x, c->y, false);
	return 0;
}

uint32_t exec_update_cursor(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_update_cursor *req = &cmd->req.cursor;
	uint32_t id = req->pos.scanout_id;
	struct scanout_cursor old;
	int ret;

	if (id >= dev->config.num_scanouts)
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	if (req->resource_id && !resource_find(dev, req->resource_id))
		return VIRTIO_GPU_RESP_ERR_INVALID_RESOURCE_ID;
	old = dev->scanouts[id].cursor;
	dev->scanouts[id].cursor = (struct scanout_cursor){
		.resource = req->resource_id,
		.x = req->pos.x, .y = req->pos.y,
		.hot_x = req->hot_x < SIZE ? req->hot_x : SIZE - 1,
		.hot_y = req->hot_y < SIZE ? req->hot_y : SIZE - 1,
	};
	ret = cursor_show(dev, id);
	if (ret) {
		dev->scanouts[id].cursor = old;
		return device_error(dev, ret);
	}
	record_cursor(dev, id);
	return VIRTIO_GPU_RESP_OK_NODATA;
}

uint32_t exec_move_cursor(struct device *dev, struct command *cmd)
{
	const struct virtio_gpu_update_cursor *req = &cmd->req.cursor;
	uint32_t id = req->pos.scanout_id;
	struct scanout_cursor *c;

	if (id >= dev->config.num_scanouts)
		return VIRTIO_GPU_RESP_ERR_INVALID_SCANOUT_ID;
	c = &dev->scanouts[id].cursor;
	c->x = req->pos.x;
	c->y = req->pos.y;
	dev->ops->cursor_move(dev->opaque, id, c->x, c->y,
			      req->resource_id);
	record_cursor(dev, id);
	return VIRTIO_GPU_RESP_OK_NODATA;
}
