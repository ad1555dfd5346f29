/* SPDX-License-Identifier: MIT */
/*
 * workload.h - what the simulator is to run, from a file
 *
 * A key file. Times are in milliseconds but where the name of the key says
 * otherwise; a list of weights (1;2;4) goes round by the index of the VM.
 *
 *   [run]
 *   title=64 VMs: 56 hogs, 8 interactive
 *   seconds=600          virtual time
 *   longest=8            L: no job is longer
 *   policy=fair          fixed, best-effort, and to compare: fifo, robin,
 *                        slice, drr, sfq
 *   frame=0              fixed: a round of slots, 0: their sum
 *   seed=1               of the random numbers; without: the reference's
 *   sample=1             seconds between the points of the picture
 *
 *   [vms NAME]           in this order; each group has its line in the picture
 *   count=56
 *   cost=hog             odd VMs 0.02 to 0.1, even ones 0.3 to 1 of `longest`;
 *                        or a time; or two times (0.3;8): evenly between them
 *   depth=8              jobs outstanding, a new one when one ends
 *   hz=60                instead: one job a period, from any time in the first
 *   think=0              with depth: time between an end and the next job
 *   weight=1  reserve=%  cap=%  burst=  slot=
 *
 *   [at SECONDS]         changes: weight, reserve or cap of the VMs of a group
 *   vms=NAME
 *   weight=3
 *
 *   [expect]             the run fails otherwise; least;most of a figure of the
 *   p99=0;8.64           table (sim --help lists them)
 */
#ifndef TESTS_SIM_WORKLOAD_H
#define TESTS_SIM_WORKLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#define WORKLOAD_VMS_MAX	100000
#define WORKLOAD_DEPTH_MAX	60

struct group {
	char *name;
	int first, count, depth;
	bool hog;
	double cost_min, cost_max;	/* ns */
	double hz, think_ns;
	double *weights;
	gsize n_weights;
	double reserve, cap;		/* % */
	uint64_t burst_ns, slot_ns;
};

struct change {
	double at;			/* s */
	int group;
	double weight, reserve, cap;	/* negative: as it was */
};

struct limit {
	char *figure;
	double least, most;
};

struct workload {
	char *name, *title, *policy;
	double seconds, sample;
	uint64_t longest_ns, frame_ns, seed;
	int vms;
	GArray *groups, *changes, *limits;
};

/** workload_read() - NULL and *error: what is wrong, and where */
struct workload *workload_read(const char *path, GError **error);
void workload_free(struct workload *workload);

/** workload_group() - the group that a VM is in */
const struct group *workload_group(const struct workload *workload, int vm);

#endif
