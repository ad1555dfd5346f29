/* SPDX-License-Identifier: MIT */
/*
 * rates.h - the rows of vgpuctl top: what two replies to "stats" tell
 */
#ifndef CTL_RATES_H
#define CTL_RATES_H

#include <stdbool.h>

#include <json-glib/json-glib.h>

enum rates_column {
	RATES_NAME, RATES_STATE, RATES_WEIGHT, RATES_SHARE, RATES_TARGET,
	RATES_BUSY, RATES_WAIT, RATES_FRAMES, RATES_MEMORY,
	RATES_COLUMNS
};

/** struct rates_row - one VM; strings are the newer reply's */
struct rates_row {
	const char *name, *state;
	gint64 weight, memory;
	double share, target, busy;	/* 1 is all */
	double wait_p50_ms, wait_p99_ms;
	double frames;			/* a second */
	bool holds;			/* the GPU, now */
};

/** struct rates - one round */
struct rates {
	GArray *rows;			/* struct rates_row */
	double used;			/* of the time between, -1: unknown */
	const char *renderer;
	bool cpu_renderer;		/* the first of them */
	guint gpus;
	gint64 connected;
};

/**
 * rates_new() - what has been used between two replies
 * @before: NULL: there is none yet, vgpud's own last second is shown
 *
 * Valid as long as @reply.
 */
struct rates *rates_new(JsonObject *reply, JsonObject *before);
void rates_free(struct rates *rates);

/** rates_sort() - numbers begin with the largest unless @reverse */
void rates_sort(struct rates *rates, enum rates_column column, bool reverse);

/** rates_column() - by name, RATES_COLUMNS if there is none */
enum rates_column rates_column(const char *name);
const char *rates_column_name(enum rates_column column);

/* Lines of at most 80 columns, without an end. */
#define RATES_LINE	96
void rates_head_line(const struct rates *rates, char *buf, size_t size);
void rates_title_line(char *buf, size_t size);
void rates_row_line(const struct rates_row *row, char *buf, size_t size);

#endif
