// SPDX-License-Identifier: MIT
/*
 * virgl_draw.c - draws with shaders of one's own, for tests
 */
#include "tests/lib/virgl_draw.h"

#include <string.h>

#define BLEND		100
#define RASTERIZER	101
#define DSA		102
#define ELEMENTS	103
#define VERTEX		104
#define FRAGMENT	105

#define SHADER_VERTEX	0
#define SHADER_FRAGMENT	1
#define TOKENS		1024	/* room for any of these */
#define TRIANGLES	4

/* From its number, each vertex makes its corner. */
#define CORNER \
	"U2F TEMP[0].x, SV[0].xxxx\n" \
	"SEQ TEMP[1].x, TEMP[0].xxxx, IMM[0].xxxx\n" \
	"SEQ TEMP[1].y, TEMP[0].xxxx, IMM[0].yyyy\n"
#define PLACE \
	"MAD OUT[0].xy, TEMP[1].xyyy, IMM[0].zzzz, IMM[0].wwww\n" \
	"MOV OUT[0].zw, IMM[1].xxxy\n" \
	"END\n"
#define VERTEX_HEAD \
	"VERT\nDCL SV[0], VERTEXID\nDCL OUT[0], POSITION\nDCL TEMP[0..3]\n" \
	"IMM[0] FLT32 {1.0, 2.0, 4.0, -1.0}\n" \
	"IMM[1] FLT32 {0.0, 1.0, 0.5, 3.0}\n"

/* No sine is 3, but that is not for a compiler to know. */
#define ROUND \
	"SIN TEMP[2].x, TEMP[2].xxxx\n" \
	"ADD TEMP[2].x, TEMP[2].xxxx, IMM[1].zzzz\n"
#define LOOP \
	"MOV TEMP[2], IMM[1].zzzz\n" \
	"BGNLOOP\n" \
	"FSGE TEMP[3].x, TEMP[2].xxxx, IMM[1].wwww\n" \
	"UIF TEMP[3].xxxx\nBRK\nENDIF\n" \
	ROUND ROUND ROUND ROUND ROUND ROUND ROUND ROUND \
	"ENDLOOP\n"

static const char vertex[] = VERTEX_HEAD CORNER PLACE;
/* its result moves the corner, so that it is needed */
static const char slow_vertex[] = VERTEX_HEAD CORNER LOOP
	"MAD TEMP[1].x, TEMP[2].xxxx, IMM[1].zzzz, TEMP[1].xxxx\n" PLACE;
static const char fragment[] =
	"FRAG\nDCL OUT[0], COLOR\n"
	"IMM[0] FLT32 {0.0, 1.0, 0.0, 1.0}\n"
	"MOV OUT[0], IMM[0]\nEND\n";
static const char slow_fragment[] =
	"FRAG\nDCL OUT[0], COLOR\nDCL TEMP[0..3]\n"
	"IMM[0] FLT32 {0.0, 0.0, 0.0, 0.0}\n"
	"IMM[1] FLT32 {0.0, 1.0, 0.5, 3.0}\n"
	LOOP "MOV OUT[0], TEMP[2]\nEND\n";

static void word_of_float(struct virgl_stream *s, float value)
{
	uint32_t word;

	memcpy(&word, &value, sizeof(word));
	virgl_word(s, word);
}

static void zeros(struct virgl_stream *s, unsigned int n)
{
	while (n--)
		virgl_word(s, 0);
}

static void add_shader(struct virgl_stream *s, uint32_t handle, uint32_t type,
		       const char *text)
{
	uint32_t size = (uint32_t)strlen(text) + 1, words = (size + 3) / 4, i;

	virgl_command(s, VIRGL_CCMD_CREATE_OBJECT, VIRGL_OBJECT_SHADER,
		      5 + words);
	virgl_word(s, handle);
	virgl_word(s, type);
	virgl_word(s, size);
	virgl_word(s, TOKENS);
	virgl_word(s, 0);		/* no stream output */
	for (i = 0; i < words; i++) {
		uint32_t word = 0;

		memcpy(&word, text + 4 * i,
		       size - 4 * i < 4 ? size - 4 * i : 4);
		virgl_word(s, word);
	}
	virgl_command(s, VIRGL_CCMD_BIND_SHADER, 0, 2);
	virgl_word(s, handle);
	virgl_word(s, type);
}

static void add_object(struct virgl_stream *s, uint32_t type, uint32_t handle,
		       uint32_t length)
{
	virgl_command(s, VIRGL_CCMD_CREATE_OBJECT, type, length);
	virgl_word(s, handle);
}

static void bind(struct virgl_stream *s, uint32_t type, uint32_t handle)
{
	virgl_command(s, VIRGL_CCMD_BIND_OBJECT, type, 1);
	virgl_word(s, handle);
}

static void add_state(struct virgl_stream *s)
{
	add_object(s, VIRGL_OBJECT_BLEND, BLEND, 11);
	zeros(s, 2);
	virgl_word(s, 0xfu << 27);	/* all channels of the first target */
	zeros(s, 7);
	bind(s, VIRGL_OBJECT_BLEND, BLEND);
	add_object(s, VIRGL_OBJECT_RASTERIZER, RASTERIZER, 9);
	virgl_word(s, 1u << 29);	/* pixel centres at one half */
	word_of_float(s, 1);		/* point size */
	zeros(s, 2);
	word_of_float(s, 1);		/* line width */
	zeros(s, 3);
	bind(s, VIRGL_OBJECT_RASTERIZER, RASTERIZER);
	add_object(s, VIRGL_OBJECT_DSA, DSA, 5);
	zeros(s, 4);
	bind(s, VIRGL_OBJECT_DSA, DSA);
	add_object(s, VIRGL_OBJECT_VERTEX_ELEMENTS, ELEMENTS, 1);
	bind(s, VIRGL_OBJECT_VERTEX_ELEMENTS, ELEMENTS);
}

void virgl_pipeline(struct virgl_stream *s, enum virgl_hang kind,
		    uint32_t surface, uint32_t w, uint32_t h)
{
	int i;

	add_shader(s, VERTEX, SHADER_VERTEX,
		   kind == VIRGL_HANG_VERTICES ? slow_vertex : vertex);
	add_shader(s, FRAGMENT, SHADER_FRAGMENT,
		   kind == VIRGL_HANG_FRAGMENTS ? slow_fragment : fragment);
	add_state(s);
	virgl_framebuffer(s, surface);
	virgl_command(s, VIRGL_CCMD_SET_VIEWPORT_STATE, 0, 7);
	virgl_word(s, 0);
	for (i = 0; i < 2; i++) {	/* scale, translate */
		word_of_float(s, (float)w / 2);
		word_of_float(s, (float)h / 2);
		word_of_float(s, 0.5f);
	}
}

void virgl_draw(struct virgl_stream *s, uint32_t instances)
{
	virgl_command(s, VIRGL_CCMD_DRAW_VBO, 0, 12);
	virgl_word(s, 0);		/* first vertex */
	virgl_word(s, 3);
	virgl_word(s, TRIANGLES);
	virgl_word(s, 0);		/* not indexed */
	virgl_word(s, instances);
	zeros(s, 5);
	virgl_word(s, 2);		/* last index */
	virgl_word(s, 0);
}
