/* SPDX-License-Identifier: MIT */
/*
 * average.h - a moving average, factor 1/8
 */
#ifndef SCHED_AVERAGE_H
#define SCHED_AVERAGE_H

#include <stdint.h>

/** average_add() - @old with @value; 0: there is none yet, @value is it */
static inline uint64_t average_add(uint64_t old, uint64_t value)
{
	return old ? old - old / 8 + value / 8 : value;
}

#endif
