// SPDX-License-Identifier: MIT
/*
 * split.c - where a long command buffer may be cut
 */
#include "device/split.h"

#include "protocol/virgl.h"

#define SHADER_HEAD	5		/* words before the text */
#define SHADER_PART	(1u << 31)	/* of the offset: not the first */
#define SO_STRIDES	4

/* Commands that make the GPU work, by their numbers. */
static const uint64_t drawing =
	1ull << VIRGL_CCMD_CLEAR | 1ull << VIRGL_CCMD_DRAW_VBO |
	1ull << VIRGL_CCMD_BLIT | 1ull << VIRGL_CCMD_RESOURCE_COPY_REGION |
	1ull << VIRGL_CCMD_LAUNCH_GRID | 1ull << VIRGL_CCMD_CLEAR_TEXTURE |
	1ull << VIRGL_CCMD_CLEAR_SURFACE;

/* A shader of which parts are missing. */
struct shader {
	bool open;
	uint64_t size;		/* bytes of text, as the first part says */
};

static bool is_drawing(uint32_t header)
{
	uint32_t cmd = VIRGL_HEADER_CMD(header);

	return cmd < 64 && drawing & 1ull << cmd;
}

static void look_at_shader(struct shader *s, const uint32_t *cmd)
{
	uint32_t len = VIRGL_HEADER_LENGTH(cmd[0]);
	uint64_t head = SHADER_HEAD, text;
	uint32_t offset;

	if (VIRGL_HEADER_CMD(cmd[0]) != VIRGL_CCMD_CREATE_OBJECT ||
	    VIRGL_HEADER_OBJECT(cmd[0]) != VIRGL_OBJECT_SHADER ||
	    len < SHADER_HEAD)
		return;
	if (cmd[5])	/* stream outputs: strides, and two words for each */
		head += SO_STRIDES + 2ull * cmd[5];
	text = len > head ? (len - head) * 4 : 0;
	offset = cmd[3] & ~SHADER_PART;
	if (cmd[3] & SHADER_PART)
		s->open = s->open && offset + text < s->size;
	else
		*s = (struct shader){ offset > text, offset };
}

/* May the piece end behind this command? */
static bool may_cut(const struct shader *s, const uint32_t *cmd)
{
	return !s->open && VIRGL_HEADER_CMD(cmd[0]) != VIRGL_CCMD_TRANSFER3D;
}

struct split_piece split_next(const uint32_t *words, size_t n, size_t at,
			      uint32_t draws)
{
	struct split_piece piece = { at, 0 };
	struct shader shader = { 0 };
	bool due = false;	/* cut as soon as it may be */

	while (at < n) {
		const uint32_t *cmd = words + at;
		size_t len = 1 + (size_t)VIRGL_HEADER_LENGTH(cmd[0]);

		if (len > n - at) {
			at = n;
			break;
		}
		/* The tail without draws goes with the last piece. */
		if (due && draws && is_drawing(cmd[0]) && !shader.open)
			break;
		at += len;
		piece.draws += is_drawing(cmd[0]);
		look_at_shader(&shader, cmd);
		due |= piece.draws >= draws;
		if (due && !draws && may_cut(&shader, cmd))
			break;
	}
	piece.end = at;
	return piece;
}
