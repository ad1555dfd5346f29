/* SPDX-License-Identifier: MIT */
/*
 * split.h - where a long command buffer may be cut
 *
 * The GPU can be taken from a VM between command buffers only, so while another
 * VM waits a long one is submitted in pieces, each with a fence of its own.
 */
#ifndef DEVICE_SPLIT_H
#define DEVICE_SPLIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SPLIT_ALL	UINT32_MAX

/** struct split_piece - one piece of a buffer */
struct split_piece {
	size_t end;		/* first word behind it */
	uint32_t draws;		/* in it */
};

/**
 * split_next() - the piece that starts at word @at of @n
 * @draws: it has at most so many; SPLIT_ALL: what is left; 0: one command
 *
 * A piece ends behind a draw, never within a shader that comes in parts nor
 * between the transfers at the head of a buffer and their end mark. What is no
 * row of commands stays in one piece with all that follows, for the renderer to
 * refuse. Pieces are never empty where @at < @n.
 */
struct split_piece split_next(const uint32_t *words, size_t n, size_t at,
			      uint32_t draws);

#endif
