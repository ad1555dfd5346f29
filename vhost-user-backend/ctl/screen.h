/* SPDX-License-Identifier: MIT */
/*
 * screen.h - vgpuctl top on a terminal
 */
#ifndef CTL_SCREEN_H
#define CTL_SCREEN_H

#include <stdbool.h>

#include "ctl/rates.h"

/** struct screen_view - what keys change */
struct screen_view {
	enum rates_column column;
	bool reverse;
	guint first;			/* row at the top */
	double delay;			/* seconds */
	bool help;
};

/** screen_begin() - take the terminal; false: it can not be used */
bool screen_begin(void);

/** screen_end() - give it back; nothing if it was not taken */
void screen_end(void);

/** screen_draw() - one round, sorted as @view says */
void screen_draw(struct rates *rates, struct screen_view *view);

/**
 * screen_wait() - for a key or the next round
 * @until_us: monotonic time of the next round
 *
 * Return: 'q' end, ' ' next round now, 0 it is time, anything else: draw again.
 */
int screen_wait(struct screen_view *view, gint64 until_us);

#endif
