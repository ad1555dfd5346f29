/* SPDX-License-Identifier: MIT */
/*
 * cursor.h - the bounded reader: every byte of a peer's message is taken
 * through it, nobody else does the arithmetic
 */
#ifndef BASE_CURSOR_H
#define BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct cursor {
	const uint8_t *data;
	size_t left;
};

static inline struct cursor cursor_init(const void *data, size_t len)
{
	return (struct cursor){ .data = data, .left = len };
}

/** cursor_get() - copy the next @len bytes; false, and nothing moved, if short */
static inline bool cursor_get(struct cursor *c, void *to, size_t len)
{
	if (c->left < len)
		return false;
	memcpy(to, c->data, len);
	c->data += len;
	c->left -= len;
	return true;
}

/** cursor_take() - the next @len bytes in place, or NULL */
static inline const void *cursor_take(struct cursor *c, size_t len)
{
	const void *p = c->data;

	if (c->left < len)
		return NULL;
	c->data += len;
	c->left -= len;
	return p;
}

#endif
