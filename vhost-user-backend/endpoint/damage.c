// SPDX-License-Identifier: MIT
/*
 * damage.c - what of a scanout the front end has not seen yet
 */
#include "endpoint/damage.h"

#include <string.h>

static bool contains(const struct damage_rect *a, const struct damage_rect *b)
{
	return b->x >= a->x && b->y >= a->y &&
	       b->x + b->width <= a->x + a->width &&
	       b->y + b->height <= a->y + a->height;
}

static void grow(struct damage_rect *a, const struct damage_rect *b)
{
	uint32_t right = a->x + a->width, bottom = a->y + a->height;

	if (b->x + b->width > right)
		right = b->x + b->width;
	if (b->y + b->height > bottom)
		bottom = b->y + b->height;
	if (b->x < a->x)
		a->x = b->x;
	if (b->y < a->y)
		a->y = b->y;
	a->width = right - a->x;
	a->height = bottom - a->y;
}

bool damage_clip(struct damage_rect *rect, uint32_t width, uint32_t height)
{
	if (rect->x >= width || rect->y >= height || !rect->width ||
	    !rect->height)
		return false;
	if (rect->width > width - rect->x)
		rect->width = width - rect->x;
	if (rect->height > height - rect->y)
		rect->height = height - rect->y;
	return true;
}

static void del(struct damage *damage, unsigned int i)
{
	damage->n--;
	memmove(&damage->rects[i], &damage->rects[i + 1],
		(damage->n - i) * sizeof(*damage->rects));
}

void damage_add(struct damage *damage, const struct damage_rect *rect)
{
	struct damage_rect all;
	unsigned int i = 0;

	while (i < damage->n) {
		if (contains(&damage->rects[i], rect))
			return;
		if (contains(rect, &damage->rects[i]))
			del(damage, i);
		else
			i++;
	}
	if (damage->n < DAMAGE_MAX) {
		damage->rects[damage->n++] = *rect;
		return;
	}
	all = *rect;
	for (i = 0; i < damage->n; i++)
		grow(&all, &damage->rects[i]);
	damage->rects[0] = all;
	damage->n = 1;
}

bool damage_take(struct damage *damage, uint32_t max_pixels,
		 struct damage_rect *piece)
{
	struct damage_rect *first = &damage->rects[0];
	uint32_t rows;

	if (!damage->n)
		return false;
	rows = max_pixels / first->width;
	if (!rows)
		rows = 1;
	*piece = *first;
	if (rows >= first->height) {
		del(damage, 0);
		return true;
	}
	piece->height = rows;
	first->y += rows;
	first->height -= rows;
	return true;
}

void damage_clear(struct damage *damage)
{
	damage->n = 0;
}
