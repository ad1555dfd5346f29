/* SPDX-License-Identifier: MIT */
/*
 * trace.h - who had which GPU when: the last turns, always recorded
 */
#ifndef BROKER_TRACE_H
#define BROKER_TRACE_H

#include <stdint.h>

#include <glib.h>

#define TRACE_MAX	32768	/* turns; two minutes of 4 ms slices */
#define TRACE_REPLY_MAX	2048	/* in one reply */

struct arbiter_turn;
struct trace;

struct trace *trace_new(void);
void trace_free(struct trace *trace);

/** trace_add() - a turn of that VM has ended; NULL @trace: nothing is done */
void trace_add(struct trace *trace, const char *vm,
	       const struct arbiter_turn *turn);

/**
 * trace_put() - append turns to @out as a JSON array of arrays
 * @since: number of the first one wanted, the first ever is 1
 * @vms: gets names; a turn's first element is an index into it
 * @lost: how many of those asked for are gone
 *
 * Each is [vm, granted_ns, ended_ns, waited_ns, charged_ns]. Return: the number
 * to ask for next; it is trace_next() when there are no more.
 */
uint64_t trace_put(const struct trace *trace, GString *out, uint64_t since,
		   GPtrArray *vms, uint64_t *lost);
uint64_t trace_next(const struct trace *trace);

/** trace_put_turn() - one such array; @vms as above */
void trace_put_turn(GString *out, GPtrArray *vms, const char *vm,
		    const struct arbiter_turn *turn);

#endif
