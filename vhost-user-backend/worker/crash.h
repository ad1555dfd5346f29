/* SPDX-License-Identifier: MIT */
/*
 * crash.h - count deaths by one's own fault, so that successors stop repeating
 * what leads there
 */
#ifndef WORKER_CRASH_H
#define WORKER_CRASH_H

#include <stdatomic.h>
#include <stdint.h>

/* So many in a row, and what was in flight is answered with an error ... */
#define CRASH_DROP_CHAINS	3
/* ... so many, and everything is forgotten. */
#define CRASH_DROP_STATE	6
/* Who lives so long was not led to its death by its predecessor. */
#define CRASH_QUIET_US		5000000

/** crash_watch() - count this process's crashes there; it stays mapped */
void crash_watch(_Atomic uint32_t *counter);

#endif
