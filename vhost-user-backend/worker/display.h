/* SPDX-License-Identifier: MIT */
/*
 * display.h - pictures and cursors on their way to the endpoint
 */
#ifndef WORKER_DISPLAY_H
#define WORKER_DISPLAY_H

#include <stdbool.h>
#include <stdint.h>

struct display;
struct renderer_dmabuf;
struct worker;

struct display *display_new(struct worker *w);
void display_free(struct display *d);

/** display_flush() - tell the endpoint what changed; cheap if nothing did */
void display_flush(struct display *d);

/** display_presented() - DMABUF_PRESENTED: the next update may go */
void display_presented(struct display *d, uint32_t scanout);

/* The display part of struct device_ops. Sent by display_flush(). */
uint8_t *display_pixels(struct display *d, uint32_t scanout, uint32_t w,
			uint32_t h);
void display_update(struct display *d, uint32_t scanout, uint32_t x, uint32_t y,
		    uint32_t w, uint32_t h);
bool display_dmabuf(struct display *d, uint32_t scanout, uint32_t x, uint32_t y,
		    uint32_t w, uint32_t h, const struct renderer_dmabuf *buf);
void display_cursor_update(struct display *d, uint32_t scanout, uint32_t x,
			   uint32_t y, uint32_t hot_x, uint32_t hot_y,
			   const uint32_t *pixels);
void display_cursor_move(struct display *d, uint32_t scanout, uint32_t x,
			 uint32_t y, bool visible);

#endif
