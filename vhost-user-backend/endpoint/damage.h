/* SPDX-License-Identifier: MIT */
/*
 * damage.h - what of a scanout the front end has not seen yet
 *
 * A short list of rectangles; when it is full it becomes their bounding box.
 */
#ifndef ENDPOINT_DAMAGE_H
#define ENDPOINT_DAMAGE_H

#include <stdbool.h>
#include <stdint.h>

#define DAMAGE_MAX	8

struct damage_rect {
	uint32_t x, y, width, height;
};

/** struct damage - zero-initialise */
struct damage {
	unsigned int n;
	struct damage_rect rects[DAMAGE_MAX];
};

/** damage_clip() - the part inside of width x height; false if there is none */
bool damage_clip(struct damage_rect *rect, uint32_t width, uint32_t height);

/** damage_add() - one more rectangle, not empty and clipped */
void damage_add(struct damage *damage, const struct damage_rect *rect);

/**
 * damage_take() - remove a piece: whole rows of the oldest rectangle
 * @max_pixels: at least one row is taken all the same
 *
 * Return: false if there is no damage.
 */
bool damage_take(struct damage *damage, uint32_t max_pixels,
		 struct damage_rect *piece);

/** damage_clear() - everything was seen, or there is nothing to see */
void damage_clear(struct damage *damage);

#endif
