/* SPDX-License-Identifier: MIT */
/*
 * load.h - a VM that has work: a front end in a process of its own
 *
 * It keeps some number of command buffers outstanding, or draws a frame at
 * every tick of a clock, and counts in shared memory. What is wrong with an
 * answer ends its process, which load_stop() finds out.
 */
#ifndef TESTS_LIB_LOAD_H
#define TESTS_LIB_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define LOAD_DEPTH_MAX	8
#define LOAD_SAMPLES	65536

/** struct load - what kind of work */
struct load {
	const char *name;		/* of its context */
	unsigned int depth;		/* buffers outstanding, 0: 1 */
	unsigned int blits;		/* a buffer; 0: one NOP, no textures */
	unsigned int side;		/* of the textures, 0: 1024 */
	unsigned int think_us;		/* between an answer and the next */
	unsigned int period_us;		/* a frame at each tick, depth 1 */
	bool errors;			/* refused work is not the end */
	bool rests;			/* at first, until load_resume() */
};

/** struct load_run - one that runs; fields are its own */
struct load_run {
	pid_t pid;
	struct load_shared *shared;
};

/** load_start() - on a connected socket, which it takes; does not wait */
void load_start(struct load_run *run, const struct load *load, int sock);
/** load_start_alone() - with a back end of its own, started by @command */
void load_start_alone(struct load_run *run, const struct load *load,
		      const char *command);
/** load_wait() - until it has had @jobs answers, or @seconds are over */
bool load_wait(struct load_run *run, uint64_t jobs, unsigned int seconds);
/** load_pause() - and wait until nothing is in flight */
void load_pause(struct load_run *run);
void load_resume(struct load_run *run);
/** load_stop() - everything was answered, nothing was wrong */
bool load_stop(struct load_run *run);
/** load_kill() - whatever it does */
void load_kill(struct load_run *run);

uint64_t load_jobs(const struct load_run *run);
uint64_t load_errors(const struct load_run *run);
/** load_worker() - of a back end of its own, 0: not known yet */
pid_t load_worker(const struct load_run *run);

/** load_forget() - the samples so far */
void load_forget(struct load_run *run);
/** load_times() - of jobs since then, from submission or from the tick to
 * the answer, sorted, in microseconds; g_free() them */
double *load_times(const struct load_run *run, size_t *n);

#endif
