/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - times, counted in buckets whose width grows with the time
 *
 * Below 8 us one bucket a microsecond, then eight for each power of two: no
 * value is off by more than an eighth. Powers of two are bounds of buckets, so
 * coarser histograms can be made of it without error. From 33 s all are one.
 */
#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H

#include <stdint.h>

#define HISTOGRAM_BUCKETS	185
#define HISTOGRAM_LAST_US	(1u << 25)

/** struct histogram - zero-initialised it is empty */
struct histogram {
	uint64_t count, sum_ns;
	uint64_t bucket[HISTOGRAM_BUCKETS];
};

void histogram_add(struct histogram *h, uint64_t ns);

/** histogram_merge() - add what @other has counted */
void histogram_merge(struct histogram *h, const struct histogram *other);

/**
 * histogram_percentile() - a time that @percent of the values do not exceed
 *
 * The upper bound of its bucket; 0 if nothing was counted.
 */
uint64_t histogram_percentile(const struct histogram *h, double percent);

/** histogram_below() - how many are less than 2^@log2_us microseconds, 3 to 25 */
uint64_t histogram_below(const struct histogram *h, unsigned int log2_us);

#endif
