// SPDX-License-Identifier: MIT
/*
 * test-abba.c - verdicts on pairs of measurements
 */
#include <math.h>

#include <glib.h>

#include "tests/lib/abba.h"

static double figures[64];

/* @n figures around @middle, @step apart, in no order. */
static struct abba spread(size_t n, double middle, double step, double goal)
{
	size_t i;

	for (i = 0; i < n; i++)
		figures[i * 7 % n] = middle +
			step * ((double)i - (double)(n - 1) / 2);
	return abba_decide(figures, n, goal);
}

static void test_interval(void)
{
	struct abba a = spread(20, 1, 0.01, 0.99);

	/* the 6th and the 15th of 20 */
	g_assert_cmpfloat_with_epsilon(a.median, 1, 1e-9);
	g_assert_cmpfloat_with_epsilon(a.low, 1 - 0.045, 1e-9);
	g_assert_cmpfloat_with_epsilon(a.high, 1 + 0.045, 1e-9);
	a = spread(25, 1, 0.01, 0.99);
	/* the 8th and the 18th of 25; the middle one itself */
	g_assert_cmpfloat_with_epsilon(a.median, 1, 1e-9);
	g_assert_cmpfloat_with_epsilon(a.low, 1 - 0.05, 1e-9);
	g_assert_cmpfloat_with_epsilon(a.high, 1 + 0.05, 1e-9);
}

static void test_verdicts(void)
{
	g_assert_cmpint(spread(20, 1, 1e-5, 0.995).verdict, ==, ABBA_YES);
	g_assert_cmpint(spread(20, 0.99, 1e-5, 0.995).verdict, ==, ABBA_NO);
	/* the median alone decides nothing, on either side */
	g_assert_cmpint(spread(20, 1, 0.01, 0.995).verdict, ==,
			ABBA_UNDECIDED);
	g_assert_cmpint(spread(20, 0.994, 0.01, 0.995).verdict, ==,
			ABBA_UNDECIDED);
	/* just at the goal */
	g_assert_cmpint(spread(20, 0.995, 0, 0.995).verdict, ==, ABBA_YES);
}

/* So few that their range is no interval of 95 %, however close they are. */
static void test_too_few(void)
{
	size_t n;

	for (n = 0; n <= 5; n++)
		g_assert_cmpint(spread(n, 1, 0, 0.5).verdict, ==,
				ABBA_UNDECIDED);
	g_assert_cmpint(spread(6, 1, 0, 0.5).verdict, ==, ABBA_YES);
}

/* One figure that is far off changes nothing, and not-a-number is no yes. */
static void test_outliers(void)
{
	struct abba a;
	size_t i;

	for (i = 0; i < 24; i++)
		figures[i] = 0.999;
	figures[3] = 0.1;
	figures[9] = 7;
	a = abba_decide(figures, 24, 0.995);
	g_assert_cmpint(a.verdict, ==, ABBA_YES);
	for (i = 0; i < 24; i++)
		figures[i] = NAN;
	g_assert_cmpint(abba_decide(figures, 24, 0.995).verdict, ==,
			ABBA_UNDECIDED);
}

/* In fact, how often is the true median outside? */
static void test_coverage(void)
{
	unsigned int outside = 0, round;
	GRand *random = g_rand_new_with_seed(1);
	size_t i;

	for (round = 0; round < 4000; round++) {
		struct abba a;

		for (i = 0; i < 24; i++)
			figures[i] = g_rand_double(random);
		a = abba_decide(figures, 24, 0);
		outside += a.low > 0.5 || a.high < 0.5;
	}
	g_rand_free(random);
	/* 2.3 % by the binomial distribution */
	g_assert_cmpuint(outside, >, 4000 * 10 / 1000);
	g_assert_cmpuint(outside, <, 4000 * 50 / 1000);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/abba/interval", test_interval);
	g_test_add_func("/abba/verdicts", test_verdicts);
	g_test_add_func("/abba/too-few", test_too_few);
	g_test_add_func("/abba/outliers", test_outliers);
	g_test_add_func("/abba/coverage", test_coverage);
	return g_test_run();
}
