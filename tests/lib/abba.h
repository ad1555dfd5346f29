/* SPDX-License-Identifier: MIT */
/*
 * abba.h - is B as good as A? Pairs of measurements, decided by an interval
 *
 * What drifts (heat, other load) meets A and B alike when each block runs A, B,
 * B, A and counts as one figure. Nothing is said of the distribution: the
 * interval is that of the median by order statistics.
 */
#ifndef TESTS_LIB_ABBA_H
#define TESTS_LIB_ABBA_H

#include <stddef.h>

enum abba_verdict {
	ABBA_YES,		/* the whole interval reaches the goal */
	ABBA_NO,		/* none of it does */
	ABBA_UNDECIDED,
};

/** struct abba - of the ratios B / A */
struct abba {
	size_t n;
	double median, low, high;	/* 95 % */
	enum abba_verdict verdict;
};

/** abba_decide() - @ratios are sorted in place; goal: B / A >= @goal */
struct abba abba_decide(double *ratios, size_t n, double goal);
const char *abba_word(enum abba_verdict verdict);

#endif
