/* SPDX-License-Identifier: MIT */
/*
 * report.h - figures of a run, as a table, CSV and SVG
 */
#ifndef TESTS_SIM_REPORT_H
#define TESTS_SIM_REPORT_H

#include <stdio.h>

#include "tests/sim/lane.h"

/** struct figure - names are those of a workload's [expect] */
struct figure {
	const char *name, *text;
	double value;
};

enum {
	F_JAIN, F_SHARE_MIN, F_SHARE_MAX, F_P50, F_P99, F_P999, F_MAX,
	F_LAG_MIN, F_LAG_MAX, F_WAITED, F_IDLE, F_OVERRUN, F_ROUNDS,
	F_ROUND_MAX, F_DIFFER, F_DECIDE, F_UPDATE, F_SCAN, FIGURES,
};

/** report_figures() - of all figures of a run; FIGURES of them */
void report_figures(const struct lane *lane, struct figure *figures);

/** report_expected() - says what is not as [expect]; Return: how many */
int report_expected(const struct lane *lane, const struct figure *figures);

void report_head(FILE *out);
void report_row(FILE *out, const struct lane *lane,
		const struct figure *figures);

/* A line for each VM; and for each sample, the share of each group. */
int report_csv(const struct lane *lane, const char *folder);
int report_svg(const struct lane *lane, const char *folder);

#endif
