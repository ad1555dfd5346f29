// SPDX-License-Identifier: MIT
/*
 * test-histogram.c - times in buckets of growing width
 */
#include <stdlib.h>
#include <string.h>

#include <glib.h>

#include "base/histogram.h"
#include "tests/lib/runner.h"

static void test_empty(void)
{
	static const struct histogram h;

	g_assert_cmpuint(histogram_percentile(&h, 50), ==, 0);
	g_assert_cmpuint(histogram_percentile(&h, 100), ==, 0);
	g_assert_cmpuint(histogram_below(&h, 25), ==, 0);
}

/* One value alone is every percentile, at most an eighth too large. */
static void test_each_value(void)
{
	uint64_t us;

	for (us = 0; us < HISTOGRAM_LAST_US; us += us / 100 + 1) {
		struct histogram h = { 0 };
		uint64_t told;

		histogram_add(&h, us * 1000 + 999);
		told = histogram_percentile(&h, 99);
		g_assert_cmpuint(told, ==, histogram_percentile(&h, 1));
		g_assert_cmpuint(told, >, us * 1000);
		g_assert_cmpuint(told, <=, (us + us / 8 + 1) * 1000);
		g_assert_cmpuint(h.sum_ns, ==, us * 1000 + 999);
	}
}

/* Every microsecond has its bucket: bounds have neither holes nor overlaps. */
static void test_powers_of_two(void)
{
	unsigned int log2;

	for (log2 = 3; log2 <= 25; log2++) {
		struct histogram h = { 0 };
		uint64_t bound = (1ull << log2) * 1000;

		histogram_add(&h, bound - 1);
		g_assert_cmpuint(histogram_below(&h, log2), ==, 1);
		if (log2 > 3)
			g_assert_cmpuint(histogram_below(&h, log2 - 1), ==, 0);
		histogram_add(&h, bound);
		g_assert_cmpuint(histogram_below(&h, log2), ==, 1);
		g_assert_cmpuint(h.count, ==, 2);
	}
}

static void test_huge(void)
{
	struct histogram h = { 0 };

	histogram_add(&h, UINT64_MAX);
	histogram_add(&h, HISTOGRAM_LAST_US * 1000ull);
	g_assert_cmpuint(h.bucket[HISTOGRAM_BUCKETS - 1], ==, 2);
	g_assert_cmpuint(histogram_below(&h, 25), ==, 0);
	g_assert_cmpuint(histogram_percentile(&h, 50), >=,
			 HISTOGRAM_LAST_US * 1000ull);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Beside the sorted values themselves. */
static void test_percentiles(void)
{
	static uint64_t values[20000];
	struct histogram h = { 0 }, other = { 0 };
	size_t i, n = G_N_ELEMENTS(values);
	double percent;

	for (i = 0; i < n; i++) {
		values[i] = (uint64_t)1000 <<
			g_test_rand_int_range(0, 24);
		values[i] += (uint64_t)g_test_rand_int_range(0, 1000000);
		histogram_add(i & 1 ? &h : &other, values[i]);
	}
	histogram_merge(&h, &other);
	g_assert_cmpuint(h.count, ==, n);
	qsort(values, n, sizeof(values[0]), compare);
	for (percent = 0.5; percent <= 100; percent += 0.5) {
		size_t rank = (size_t)((double)n * percent / 100 + 0.999999);
		uint64_t exact = values[rank - 1];
		uint64_t told = histogram_percentile(&h, percent);

		g_assert_cmpuint(told, >, exact);
		g_assert_cmpuint(told, <=, exact + exact / 8 + 1000);
	}
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/base/histogram/empty", test_empty, 0);
	runner_add("/base/histogram/each-value", test_each_value, 0);
	runner_add("/base/histogram/powers-of-two", test_powers_of_two, 0);
	runner_add("/base/histogram/huge", test_huge, 0);
	runner_add("/base/histogram/percentiles", test_percentiles, 0);
	return runner_run();
}
