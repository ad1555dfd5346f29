// SPDX-License-Identifier: MIT
/*
 * lane.c - one GPU in virtual time
 */
#include "tests/sim/lane.h"

#include <string.h>
#include <time.h>

#define SEED		88172645463325252ull
#define TIMED		8	/* one decision of so many is timed */
#define PROGRESS	(1u << 20)

static double uniform(struct lane *lane)
{
	lane->random ^= lane->random << 13;
	lane->random ^= lane->random >> 7;
	lane->random ^= lane->random << 17;
	return (double)(lane->random >> 11) / 9007199254740992.0;
}

static uint64_t new_cost(struct lane *lane, const struct sim_vm *vm)
{
	const struct group *g = vm->group;
	double h = (double)lane->load->longest_ns, u;

	if (!g->hog && g->cost_min == g->cost_max)
		return (uint64_t)g->cost_min;
	u = uniform(lane);
	if (!g->hog)
		return (uint64_t)(g->cost_min + (g->cost_max - g->cost_min) * u);
	return (uint64_t)((vm - lane->vm) & 1 ? h * (0.02 + 0.08 * u) :
			  h * (0.3 + 0.7 * u));
}

/* ---- arrivals ---- */

static void heap_swap(struct lane *lane, int i, int j)
{
	struct sim_vm *vm = lane->heap[i];

	lane->heap[i] = lane->heap[j];
	lane->heap[j] = vm;
}

static void heap_sink(struct lane *lane, int i)
{
	for (;;) {
		int least = i, kid;

		for (kid = 2 * i + 1; kid <= 2 * i + 2 && kid < lane->heaped;
		     kid++) {
			if (lane->heap[kid]->next_arrival <
			    lane->heap[least]->next_arrival)
				least = kid;
		}
		if (least == i)
			return;
		heap_swap(lane, i, least);
		i = least;
	}
}

static void heap_add(struct lane *lane, struct sim_vm *vm)
{
	int i = lane->heaped++;

	lane->heap[i] = vm;
	while (i && lane->heap[(i - 1) / 2]->next_arrival > vm->next_arrival) {
		heap_swap(lane, i, (i - 1) / 2);
		i = (i - 1) / 2;
	}
}

static uint64_t next_arrival(const struct lane *lane)
{
	return lane->heaped ? lane->heap[0]->next_arrival : UINT64_MAX;
}

static void queue_job(struct lane *lane, struct sim_vm *vm, uint64_t arrival,
		      uint64_t cost)
{
	vm->queue[(vm->head + vm->count++) % G_N_ELEMENTS(vm->queue)] =
		(struct job){ arrival, cost };
	if (lane->method->queued)
		lane->method->queued(lane, vm);
	if (vm->count == 1 && lane->method->wake)
		lane->method->wake(lane, vm);
}

static void arrive(struct lane *lane)
{
	struct sim_vm *vm = lane->heap[0];

	if (vm->count < WORKLOAD_DEPTH_MAX)
		queue_job(lane, vm, vm->next_arrival, new_cost(lane, vm));
	else
		lane->dropped++;
	if (vm->group->hz > 0) {
		vm->next_arrival += (uint64_t)(1e9 / vm->group->hz);
	} else {
		heap_swap(lane, 0, --lane->heaped);
	}
	heap_sink(lane, 0);
}

static void arrivals(struct lane *lane)
{
	while (next_arrival(lane) <= lane->now)
		arrive(lane);
}

/* ---- changes and samples, at the first decision after their time ---- */

static void change(struct lane *lane, const struct change *c)
{
	const struct group *g = &g_array_index(lane->load->groups,
					       struct group, c->group);
	int i;

	for (i = g->first; i < g->first + g->count; i++) {
		struct sim_vm *vm = &lane->vm[i];

		vm->weight = c->weight > 0 ? c->weight : vm->weight;
		if (!lane->is_policy)
			continue;
		policy_set_weight(&lane->policy, &vm->entity,
				  (uint32_t)(vm->weight * 100));
		if (c->cap >= 0)
			policy_set_cap(&lane->policy, &vm->entity,
				       (uint32_t)(c->cap * 1e4), g->burst_ns);
		if (c->reserve >= 0 &&
		    policy_set_reserve(&lane->policy, &vm->entity,
				       (uint32_t)(c->reserve * 1e4)))
			g_error("%s: reserves of more than 90 %%",
				lane->load->name);
	}
}

static void sample(struct lane *lane)
{
	GArray *groups = lane->load->groups;
	guint k;
	int i;

	for (k = 0; k < groups->len; k++) {
		const struct group *g = &g_array_index(groups, struct group, k);
		double ns = 0;

		for (i = g->first; i < g->first + g->count; i++) {
			struct sim_vm *vm = &lane->vm[i];

			ns += (double)(vm->served - vm->sampled);
			vm->sampled = vm->served;
		}
		g_array_append_val(lane->samples, ns);
	}
	lane->next_sample += (uint64_t)(lane->load->sample * 1e9);
}

static void scheduled(struct lane *lane)
{
	GArray *changes = lane->load->changes;

	while (lane->now >= lane->next_sample)
		sample(lane);
	while (lane->change < changes->len) {
		const struct change *c = &g_array_index(changes, struct change,
							lane->change);

		if ((double)lane->now < c->at * 1e9)
			return;
		change(lane, c);
		lane->change++;
	}
}

/* ---- figures ---- */

static uint64_t real_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void note_lag(struct lane *lane, const struct sim_vm *vm)
{
	int64_t lag;

	if (!lane->is_fair)
		return;
	lag = policy_lag(&lane->policy, &vm->entity);
	lane->lag_min = MIN(lane->lag_min, lag);
	lane->lag_max = MAX(lane->lag_max, lag);
}

/* All of them, at each decision or so often that it costs as little. */
static void note_lags(struct lane *lane)
{
	int i;

	if (!lane->is_fair || lane->jobs % (guint)(lane->n / 64 * 16 + 1))
		return;
	for (i = 0; i < lane->n; i++)
		note_lag(lane, &lane->vm[i]);
}

/* The same decision by the definition: look at everybody. */
static void scan(struct lane *lane, const struct sim_vm *got)
{
	policy_vtime now = policy_now(&lane->policy);
	const struct policy_entity *best = NULL;
	uint64_t begin;
	int i;

	if (!lane->is_fair || lane->policy.reserved || lane->policy.throttled ||
	    lane->jobs % (TIMED * (guint)(lane->n / 16 + 1)))
		return;
	begin = real_ns();
	for (i = 0; i < lane->n; i++) {
		const struct policy_entity *e = &lane->vm[i].entity;

		if (e->ready && e->v <= now && (!best ||
		    e->fair.deadline < best->fair.deadline))
			best = e;
	}
	lane->scan.ns += real_ns() - begin;
	lane->scan.calls++;
	if (best && best->fair.deadline != got->entity.fair.deadline)
		lane->scans_differ++;
}

static struct sim_vm *decide(struct lane *lane)
{
	struct sim_vm *vm;
	uint64_t begin;

	if (lane->is_policy)
		policy_advance(&lane->policy, lane->now);
	if (lane->jobs % TIMED)
		return lane->method->pick(lane);
	begin = real_ns();
	vm = lane->method->pick(lane);
	lane->decide.ns += real_ns() - begin;
	lane->decide.calls++;
	if (vm)
		scan(lane, vm);
	return vm;
}

static void charge(struct lane *lane, struct sim_vm *vm, uint64_t cost)
{
	uint64_t begin;

	if (lane->jobs % TIMED) {
		lane->method->charge(lane, vm, cost);
	} else {
		begin = real_ns();
		lane->method->charge(lane, vm, cost);
		lane->update.ns += real_ns() - begin;
		lane->update.calls++;
	}
	if (lane->is_policy && lane->policy.mode == POLICY_FIXED)
		lane->overrun = MAX(lane->overrun, vm->entity.debt_ns);
}

/* ---- the run ---- */

static void job_done(struct lane *lane, struct sim_vm *vm,
		     const struct job *job, uint64_t start)
{
	if (vm->group->hz > 0) {
		double ms = (double)(lane->now - job->arrival) / 1e6;

		if (start > lane->end / 10)
			g_array_append_val(lane->latency, ms);
		return;
	}
	if (vm->group->think_ns > 0) {
		if (vm->next_arrival <= lane->now) {
			vm->next_arrival = lane->now +
				(uint64_t)vm->group->think_ns;
			heap_add(lane, vm);
		}
	} else {
		queue_job(lane, vm, lane->now, new_cost(lane, vm));
	}
	if (vm->group->hog || vm->group->cost_min < vm->group->cost_max)
		vm->request = (vm->request * 7 + job->cost) / 8;
}

static void serve(struct lane *lane, struct sim_vm *vm)
{
	struct job job = vm->queue[vm->head];
	uint64_t start = lane->now;

	note_lags(lane);
	note_lag(lane, vm);
	lane->now += job.cost;
	arrivals(lane);
	vm->served += job.cost;
	/* its place in the queue is kept until it is charged */
	job_done(lane, vm, &job, start);
	charge(lane, vm, job.cost);
	vm->head = (vm->head + 1) % G_N_ELEMENTS(vm->queue);
	vm->count--;
	lane->jobs++;
	note_lag(lane, vm);
	if (!vm->count && lane->method->sleep)
		lane->method->sleep(lane, vm);
}

/* Nobody may run. Time in which somebody could have is told apart. */
static void idle(struct lane *lane)
{
	uint64_t next = next_arrival(lane), ready = POLICY_NEVER;

	if (lane->is_policy)
		ready = policy_next_ns(&lane->policy);
	next = MIN(MIN(next, ready), lane->end);
	next = MAX(next, lane->now + 1);
	lane->idle += next - lane->now;
	if (lane->is_policy && policy_others(&lane->policy, NULL))
		lane->waited += next - lane->now;
	lane->now = next;
	arrivals(lane);
}

static void lane_start(struct lane *lane, const struct workload *load)
{
	int i, j;

	*lane = (struct lane){
		.load = load,
		.method = method_find(load->policy),
		.random = load->seed ? load->seed : SEED,
		.end = (uint64_t)(load->seconds * 1e9),
		.next_sample = (uint64_t)(load->sample * 1e9),
		.n = load->vms,
		.latency = g_array_new(FALSE, FALSE, sizeof(double)),
		.samples = g_array_new(FALSE, FALSE, sizeof(double)),
	};
	lane->vm = g_new0(struct sim_vm, lane->n);
	lane->heap = g_new0(struct sim_vm *, lane->n + 1);
	for (i = 0; i < lane->n; i++) {
		struct sim_vm *vm = &lane->vm[i];
		const struct group *g = workload_group(load, i);

		vm->group = g;
		vm->weight = g->weights[(gsize)(i - g->first) % g->n_weights];
		vm->request = g->hog ? load->longest_ns / 4 :
			(uint64_t)g->cost_max;
	}
	lane->method->init(lane);
	for (i = 0; i < lane->n; i++) {
		struct sim_vm *vm = &lane->vm[i];

		if (vm->group->hz > 0) {
			vm->next_arrival = (uint64_t)(uniform(lane) * 1e9 /
						      vm->group->hz);
			heap_add(lane, vm);
			continue;
		}
		for (j = 0; j < vm->group->depth; j++)
			queue_job(lane, vm, 0, new_cost(lane, vm));
	}
}

void lane_run(struct lane *lane, const struct workload *load,
	      void (*progress)(const struct lane *lane))
{
	lane_start(lane, load);
	while (lane->now < lane->end) {
		struct sim_vm *vm;

		scheduled(lane);
		vm = decide(lane);
		if (vm)
			serve(lane, vm);
		else
			idle(lane);
		if (progress && !(lane->jobs % PROGRESS))
			progress(lane);
	}
	scheduled(lane);
}

void lane_clear(struct lane *lane)
{
	g_array_free(lane->latency, TRUE);
	g_array_free(lane->samples, TRUE);
	if (lane->queue)
		g_queue_free(lane->queue);
	g_free(lane->vm);
	g_free(lane->heap);
}
