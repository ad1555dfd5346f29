// SPDX-License-Identifier: MIT
/*
 * abba.c - is B as good as A? Pairs of measurements, decided by an interval
 */
#include "tests/lib/abba.h"

#include <math.h>
#include <stdlib.h>

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * The largest k for which fewer than k of n lie below the median with a
 * probability of at most 2.5 %: the k-th smallest and the k-th largest figure
 * then hold the median between them in 95 % of all cases. 0: n is too small.
 */
static size_t rank(size_t n)
{
	double term = pow(0.5, (double)n), sum = 0;
	size_t k = 0;

	while (k < n / 2 && sum + term <= 0.025) {
		sum += term;
		k++;
		term *= (double)(n - k + 1) / (double)k;
	}
	return k;
}

struct abba abba_decide(double *ratios, size_t n, double goal)
{
	size_t k = rank(n);
	struct abba a = { .n = n, .verdict = ABBA_UNDECIDED };

	if (!n)
		return a;
	qsort(ratios, n, sizeof(*ratios), compare);
	a.median = (ratios[(n - 1) / 2] + ratios[n / 2]) / 2;
	a.low = k ? ratios[k - 1] : -INFINITY;
	a.high = k ? ratios[n - k] : INFINITY;
	if (a.low >= goal)
		a.verdict = ABBA_YES;
	else if (a.high < goal)
		a.verdict = ABBA_NO;
	return a;
}

const char *abba_word(enum abba_verdict verdict)
{
	static const char *const words[] = { "yes", "no", "undecided" };

	return words[verdict];
}
