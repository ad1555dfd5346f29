/* SPDX-License-Identifier: MIT */
/*
 * scanout.h - what the outputs show
 */
#ifndef DEVICE_SCANOUT_H
#define DEVICE_SCANOUT_H

#include <stdbool.h>
#include <stdint.h>

struct device;
struct resource;

struct rect {
	uint32_t x, y, w, h;
};

enum scanout_way {
	SCANOUT_UNDECIDED,	/* nothing was sent: decide at a flush */
	SCANOUT_PIXELS,
	SCANOUT_DMABUF,
};

struct scanout_cursor {
	uint32_t resource;	/* 0: none, or it went while it was shown */
	bool shown;		/* the display may still have it */
	uint32_t x, y, hot_x, hot_y;
};

/** struct scanout - one output */
struct scanout {
	uint32_t resource;	/* 0: off */
	struct rect r;		/* of the resource */
	enum scanout_way way;
	uint8_t *pixels;	/* r.w * r.h, owned by the display */
	bool lent;		/* the resource lives in pixels */
	unsigned int flushes;	/* since the last change */
	struct scanout_cursor cursor;
};

/** rect_inside() - whether @r is not empty and inside @w x @h; never wraps */
bool rect_inside(const struct rect *r, uint32_t w, uint32_t h);

/** scanout_set() - show @r of @res; NULL: off. Return: 0, -ENOMEM, -errno */
int scanout_set(struct device *dev, uint32_t id, struct resource *res,
		const struct rect *r);

/** scanout_flush() - @damage of @res is new: bring it to every display */
int scanout_flush(struct device *dev, struct resource *res,
		  const struct rect *damage);

/** scanout_keep() - the display keeps its memory, the resource moves away */
void scanout_keep(struct device *dev, struct resource *res);

/** scanout_drop() - the resource goes away */
void scanout_drop(struct device *dev, struct resource *res);

/**
 * scanout_ready() - dma-buf updates whose rendering is done go out
 */
void scanout_ready(struct device *dev);

/** cursor_show() - a scanout's cursor to the display. Return: 0 or -errno */
int cursor_show(struct device *dev, uint32_t id);

#endif
