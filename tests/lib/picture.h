/* SPDX-License-Identifier: MIT */
/*
 * picture.h - a 2D resource and what the display must show of it
 *
 * The model keeps three copies: guest backing (in guest memory), the host's
 * copy after transfers, and the screen after flushes.
 */
#ifndef TESTS_LIB_PICTURE_H
#define TESTS_LIB_PICTURE_H

#include <stdbool.h>
#include <stdint.h>

#include "tests/lib/fe.h"

struct picture {
	struct fe *fe;
	uint32_t id, format, w, h;
	uint64_t gpa;
	uint32_t *host;			/* w * h, as the guest wrote them */
	uint32_t scanout, sx, sy, sw, sh;
	uint32_t *screen;		/* sw * sh, x8r8g8b8 */
};

/* begin_case() - a started front end; aborts if the back end is not up */
struct fe *begin_case(const struct fe_options *opts);
/* end_case() - end it; aborts if the back end did what it must not */
void end_case(struct fe *fe);

/** picture_new() - CREATE_2D and ATTACH_BACKING of pages in many pieces */
struct picture *picture_new(struct fe *fe, uint32_t id, uint32_t format,
			    uint32_t w, uint32_t h);
/** picture_free() - frees the model, and unrefs if the device has it still */
void picture_free(struct picture *p, bool unref);
/** picture_create() - the same again, after a reset */
void picture_create(struct picture *p);
/** picture_show() - SET_SCANOUT with a rectangle of it */
void picture_show(struct picture *p, uint32_t scanout, uint32_t x, uint32_t y,
		  uint32_t w, uint32_t h);
/** picture_paint() - new random pixels in the backing */
void picture_paint(struct picture *p);
void picture_transfer(struct picture *p, uint32_t x, uint32_t y, uint32_t w,
		      uint32_t h);
void picture_flush(struct picture *p, uint32_t x, uint32_t y, uint32_t w,
		   uint32_t h);
/** picture_push() - paint, transfer and flush all of it */
void picture_push(struct picture *p);
/** picture_same() - wait until the display shows the model; false: it does not */
bool picture_same(struct picture *p);

/** rgb_of() - x8r8g8b8 of a pixel as it lies in memory */
uint32_t rgb_of(uint32_t format, uint32_t pixel);

#define assert_ok(call) \
	g_assert_cmphex((guint64)(call), ==, VIRTIO_GPU_RESP_OK_NODATA)
/* an error response, not a lost one */
#define assert_error(call) do { \
	int assert_ret = (call); \
	g_assert_cmphex(assert_ret, >=, VIRTIO_GPU_RESP_ERR_UNSPEC); \
	g_assert_cmphex(assert_ret, <=, \
			VIRTIO_GPU_RESP_ERR_INVALID_PARAMETER); \
} while (0)

#endif
