// SPDX-License-Identifier: MIT
/*
 * histogram.c - times, counted in buckets whose width grows with the time
 */
#include "base/histogram.h"

#define LINEAR		8u	/* buckets below it, and for each power of two */
#define LINEAR_LOG2	3u

static unsigned int bucket_of(uint64_t us)
{
	unsigned int log2;

	if (us < LINEAR)
		return (unsigned int)us;
	if (us >= HISTOGRAM_LAST_US)
		return HISTOGRAM_BUCKETS - 1;
	log2 = 63 - (unsigned int)__builtin_clzll(us);
	return (log2 - LINEAR_LOG2) * LINEAR +
		(unsigned int)(us >> (log2 - LINEAR_LOG2));
}

/* The first microsecond that is not in it any more. */
static uint64_t bound_us(unsigned int bucket)
{
	if (bucket < LINEAR)
		return bucket + 1;
	return (uint64_t)(LINEAR + bucket % LINEAR + 1) <<
		(bucket / LINEAR - 1);
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	h->count++;
	h->sum_ns += ns;
	h->bucket[bucket_of(ns / 1000)]++;
}

void histogram_merge(struct histogram *h, const struct histogram *other)
{
	unsigned int i;

	h->count += other->count;
	h->sum_ns += other->sum_ns;
	for (i = 0; i < HISTOGRAM_BUCKETS; i++)
		h->bucket[i] += other->bucket[i];
}

uint64_t histogram_percentile(const struct histogram *h, double percent)
{
	double due = (double)h->count * percent / 100;
	uint64_t seen = 0;
	unsigned int i;

	if (!h->count)
		return 0;
	for (i = 0; i < HISTOGRAM_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen && (double)seen >= due)
			break;
	}
	return bound_us(i) * 1000;
}

uint64_t histogram_below(const struct histogram *h, unsigned int log2_us)
{
	unsigned int end = (log2_us - LINEAR_LOG2 + 1) * LINEAR, i;
	uint64_t n = 0;

	for (i = 0; i < end && i < HISTOGRAM_BUCKETS - 1; i++)
		n += h->bucket[i];
	return n;
}
