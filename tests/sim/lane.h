/* SPDX-License-Identifier: MIT */
/*
 * lane.h - one GPU in virtual time: VMs, their jobs, and who decides
 *
 * One job at a time, not preempted, its cost unknown before it ends.
 */
#ifndef TESTS_SIM_LANE_H
#define TESTS_SIM_LANE_H

#include "sched/policy.h"
#include "tests/sim/workload.h"

struct job {
	uint64_t arrival, cost;
};

struct sim_vm {
	struct policy_entity entity;	/* the policy's; first */
	const struct group *group;
	double weight;
	struct job queue[WORKLOAD_DEPTH_MAX + 4];
	unsigned int head, count;
	uint64_t next_arrival;
	uint64_t request;
	uint64_t served, sampled;

	/* of the methods to compare with */
	struct policy_node node;	/* by start tag */
	double tag, deficit;
	bool turn;
};

struct lane;

/** struct method - who decides; wake and sleep come in pairs */
struct method {
	const char *name;
	void (*init)(struct lane *lane);
	void (*queued)(struct lane *lane, struct sim_vm *vm);
	void (*wake)(struct lane *lane, struct sim_vm *vm);
	void (*sleep)(struct lane *lane, struct sim_vm *vm);
	struct sim_vm *(*pick)(struct lane *lane);
	void (*charge)(struct lane *lane, struct sim_vm *vm, uint64_t cost);
};

/** method_find() - "fair", "fixed" ... or NULL */
const struct method *method_find(const char *name);

/** struct timing - of one kind of call, in real time */
struct timing {
	uint64_t ns, calls;
};

struct lane {
	const struct workload *load;
	const struct method *method;
	struct policy policy;		/* if that is the method */
	bool is_policy, is_fair;
	struct sim_vm *vm;
	int n;

	struct sim_vm **heap;		/* by next arrival */
	int heaped;
	guint change;			/* next one */
	uint64_t random, now, end, next_sample;

	/* figures */
	uint64_t jobs, idle, waited, dropped, scans_differ;
	int64_t lag_min, lag_max;
	uint64_t overrun;		/* fixed: past the end of a slot */
	struct timing decide, update, scan;
	GArray *latency;		/* double, ms */
	GArray *samples;		/* double, ns by group, one after another */

	/* of the methods to compare with */
	GQueue *queue;
	struct policy_node *tree;
	double vtime, turn_ns;
};

/** lane_run() - the whole of it; @progress: told now and then, or NULL */
void lane_run(struct lane *lane, const struct workload *load,
	      void (*progress)(const struct lane *lane));
void lane_clear(struct lane *lane);

#endif
