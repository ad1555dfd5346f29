// SPDX-License-Identifier: MIT
/*
 * sim.c - the scheduling policy in virtual time
 *
 * One lane, one job at a time, jobs are not preempted and their cost is unknown
 * before they complete. The first VMs are interactive (a fixed cost at 60 Hz),
 * the others hogs (always `depth` jobs outstanding; even ones long, odd ones
 * short jobs). It links the very object that vgpud runs.
 */
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <glib.h>

#include "sched/policy.h"

#define MS		1000000ull
#define PERIOD_NS	(1000 * MS / 60)
#define QUEUE_MAX	60

struct setup {
	int vms, interactive, depth, weight;
	double hog_ms, inter_ms, seconds;
};

struct job {
	uint64_t arrival, cost;
};

struct vm {
	struct policy_entity entity;
	bool interactive;
	struct job queue[QUEUE_MAX + 4];
	unsigned int head, count;
	uint64_t next_arrival;
	uint64_t request;
	uint64_t served;
};

struct sim {
	struct setup set;
	struct policy policy;
	struct vm *vm;
	int *heap;			/* interactive VMs by next arrival */
	uint64_t random, now, end, dropped, jobs, idle, decide_ns;
	int64_t lag_min, lag_max;
	GArray *latency;
};

struct result {
	double jain, share_min, share_max, p50, p99, p999, max;
	double lag_min, lag_max, decision;
};

static double uniform(struct sim *s)
{
	s->random ^= s->random << 13;
	s->random ^= s->random >> 7;
	s->random ^= s->random << 17;
	return (double)(s->random >> 11) / 9007199254740992.0;
}

static uint64_t hog_cost(struct sim *s, int i)
{
	double h = s->set.hog_ms * (double)MS, u = uniform(s);

	return (uint64_t)(i & 1 ? h * (0.02 + 0.08 * u) : h * (0.3 + 0.7 * u));
}

static void push(struct vm *vm, uint64_t arrival, uint64_t cost)
{
	vm->queue[(vm->head + vm->count++) % G_N_ELEMENTS(vm->queue)] =
		(struct job){ arrival, cost };
}

static void sift(struct sim *s, int i)
{
	int n = s->set.interactive;

	for (;;) {
		int least = i, kid;

		for (kid = 2 * i + 1; kid <= 2 * i + 2 && kid < n; kid++) {
			if (s->vm[s->heap[kid]].next_arrival <
			    s->vm[s->heap[least]].next_arrival)
				least = kid;
		}
		if (least == i)
			return;
		kid = s->heap[i];
		s->heap[i] = s->heap[least];
		s->heap[least] = kid;
		i = least;
	}
}

static uint64_t next_arrival(struct sim *s)
{
	return s->set.interactive ? s->vm[s->heap[0]].next_arrival :
		UINT64_MAX;
}

static void arrive(struct sim *s)
{
	struct vm *vm = &s->vm[s->heap[0]];

	if (vm->count < QUEUE_MAX) {
		push(vm, vm->next_arrival, vm->request);
		policy_wake(&s->policy, &vm->entity);
	} else {
		s->dropped++;
	}
	vm->next_arrival += PERIOD_NS;
	sift(s, 0);
}

static void sim_init(struct sim *s, const struct setup *set)
{
	int i, j;

	*s = (struct sim){ .set = *set, .random = 88172645463325252ull };
	s->end = (uint64_t)(set->seconds * 1e9);
	s->latency = g_array_new(FALSE, FALSE, sizeof(double));
	s->vm = g_new0(struct vm, set->vms);
	s->heap = g_new0(int, set->interactive + 1);
	policy_init(&s->policy);
	for (i = 0; i < set->vms; i++) {
		struct vm *vm = &s->vm[i];

		vm->interactive = i < set->interactive;
		vm->request = (uint64_t)((vm->interactive ? set->inter_ms :
					  set->hog_ms / 4) * (double)MS);
		policy_entity_init(&s->policy, &vm->entity, vm->interactive ?
				   (uint32_t)set->weight * 100 : 100,
				   vm->request);
		if (vm->interactive) {
			vm->next_arrival = (uint64_t)(uniform(s) *
						      (double)PERIOD_NS);
			s->heap[i] = i;
			continue;
		}
		for (j = 0; j < set->depth; j++)
			push(vm, 0, hog_cost(s, i));
		policy_wake(&s->policy, &vm->entity);
	}
	for (i = set->interactive / 2; i >= 0; i--)
		sift(s, i);
}

static void note_lag(struct sim *s, const struct policy_entity *e)
{
	int64_t lag = policy_lag(&s->policy, e);

	s->lag_min = MIN(s->lag_min, lag);
	s->lag_max = MAX(s->lag_max, lag);
}

static void serve(struct sim *s, struct vm *vm)
{
	struct job job = vm->queue[vm->head];
	uint64_t start = s->now;
	int i = (int)(vm - s->vm), k;

	for (k = 0; s->set.vms <= 64 && k < s->set.vms; k++) {
		if (s->vm[k].entity.backlogged)
			note_lag(s, &s->vm[k].entity);
	}
	note_lag(s, &vm->entity);
	vm->head = (vm->head + 1) % G_N_ELEMENTS(vm->queue);
	vm->count--;
	s->now += job.cost;
	while (next_arrival(s) <= s->now)
		arrive(s);

	vm->served += job.cost;
	s->jobs++;
	if (vm->interactive) {
		double ms = (double)(s->now - job.arrival) / (double)MS;

		if (start > s->end / 10)
			g_array_append_val(s->latency, ms);
	} else {
		push(vm, s->now, hog_cost(s, i));
		vm->request = (vm->request * 7 + job.cost) / 8;
		policy_set_request(&s->policy, &vm->entity, vm->request);
	}
	policy_charge(&s->policy, &vm->entity, job.cost);
	note_lag(s, &vm->entity);
	if (!vm->count)
		policy_sleep(&s->policy, &vm->entity);
}

static void run(struct sim *s)
{
	while (s->now < s->end) {
		struct policy_entity *e;
		struct timespec a, b;

		clock_gettime(CLOCK_MONOTONIC, &a);
		e = policy_pick(&s->policy);
		clock_gettime(CLOCK_MONOTONIC, &b);
		s->decide_ns += (uint64_t)(b.tv_sec - a.tv_sec) * 1000000000 +
			(uint64_t)b.tv_nsec - (uint64_t)a.tv_nsec;
		if (e) {
			serve(s, (struct vm *)((char *)e -
					       offsetof(struct vm, entity)));
			continue;
		}
		s->idle += next_arrival(s) - s->now;
		s->now = next_arrival(s);
		while (next_arrival(s) <= s->now)
			arrive(s);
	}
}

static int compare(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double percentile(const struct sim *s, double p)
{
	guint n = s->latency->len;

	if (!n)
		return 0;
	return g_array_index(s->latency, double,
			     MIN(n - 1, (guint)(p * (double)n)));
}

static void evaluate(struct sim *s, struct result *r)
{
	double sum = 0, squares = 0, mean;
	int i, n = s->set.vms - s->set.interactive;

	g_array_sort(s->latency, compare);
	*r = (struct result){ .share_min = INFINITY };
	for (i = s->set.interactive; i < s->set.vms; i++) {
		double y = (double)s->vm[i].served;

		sum += y;
		squares += y * y;
	}
	mean = sum / n;
	r->jain = sum * sum / (n * squares);
	for (i = s->set.interactive; i < s->set.vms; i++) {
		double share = (double)s->vm[i].served / mean;

		r->share_min = MIN(r->share_min, share);
		r->share_max = MAX(r->share_max, share);
	}
	r->p50 = percentile(s, 0.5);
	r->p99 = percentile(s, 0.99);
	r->p999 = percentile(s, 0.999);
	r->max = percentile(s, 1);
	r->lag_min = (double)s->lag_min / (double)MS;
	r->lag_max = (double)s->lag_max / (double)MS;
	r->decision = (double)s->decide_ns / (double)s->jobs;
}

static int expect(const char *what, double got, double low, double high)
{
	if (got >= low && got <= high)
		return 0;
	printf("FAIL %s = %.6f, expected %.6f to %.6f\n", what, got, low, high);
	return 1;
}

/*
 * The reference run: 16 VMs, 600 s (p50 2.6, p99 7.8, p99.9 8.8, max 10.7 ms,
 * lag -6.97 to 4.92, shares 0.9999 to 1.0001 with L = 8 ms).
 */
static int check_16(const struct result *r)
{
	return expect("jain", r->jain, 0.999999, 1.0000001) +
		expect("smallest share", r->share_min, 0.9997, 1) +
		expect("largest share", r->share_max, 1, 1.0003) +
		expect("p50", r->p50, 2.6 * 0.9, 2.6 * 1.1) +
		expect("p99", r->p99, 7.8 * 0.9, 7.8 * 1.1) +
		expect("p99.9", r->p999, 8.8 * 0.9, 8.8 * 1.1) +
		expect("max", r->max, 8, 10.7 * 1.15) +
		expect("lag min", r->lag_min, -8, -6.97 * 0.9) +
		expect("lag max", r->lag_max, 4.92 * 0.8, 8);
}

int main(int argc, char **argv)
{
	struct setup set = { 16, 0, 0, 1, 8, 0, 600 };
	gboolean check = FALSE;
	int interactive = -1, depth = 0;
	double inter_ms = 0;
	const GOptionEntry options[] = {
		{ "vms", 'n', 0, G_OPTION_ARG_INT, &set.vms, "number of VMs (16)", "N" },
		{ "interactive", 'i', 0, G_OPTION_ARG_INT, &interactive, "how many are interactive (1/8)", "N" },
		{ "inter-ms", 0, 0, G_OPTION_ARG_DOUBLE, &inter_ms, "their cost (0.5; 0.2 for 64 VMs)", "MS" },
		{ "weight", 'w', 0, G_OPTION_ARG_INT, &set.weight, "their weight (1)", "W" },
		{ "hog-ms", 0, 0, G_OPTION_ARG_DOUBLE, &set.hog_ms, "largest job of a hog (8)", "MS" },
		{ "depth", 'd', 0, G_OPTION_ARG_INT, &depth, "jobs a hog has outstanding (4; 8 from 64 VMs)", "N" },
		{ "seconds", 's', 0, G_OPTION_ARG_DOUBLE, &set.seconds, "virtual time (600)", "S" },
		{ "check", 'c', 0, G_OPTION_ARG_NONE, &check, "fail unless the 16 VM figures are the reference's", NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	GOptionContext *context = g_option_context_new("- the policy in virtual time");
	GError *error = NULL;
	struct result r;
	struct sim s;
	int failed = 0;

	g_option_context_add_main_entries(context, options, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		fprintf(stderr, "sim: %s\n", error->message);
		return 2;
	}
	set.interactive = interactive >= 0 ? interactive : set.vms / 8;
	set.inter_ms = inter_ms > 0 ? inter_ms : set.vms < 64 ? 0.5 : 0.2;
	set.depth = depth > 0 ? depth : set.vms < 64 ? 4 : 8;
	if (set.vms < 1 || set.interactive >= set.vms || set.depth > QUEUE_MAX ||
	    set.weight < 1 || set.weight > 100 || set.hog_ms < 0.1 ||
	    !(set.seconds > 0 && set.seconds < 1e6)) {
		fprintf(stderr, "sim: need at least one hog, depth to %d, weight 1 to 100, hog-ms from 0.1\n",
			QUEUE_MAX);
		return 2;
	}
	sim_init(&s, &set);
	run(&s);
	evaluate(&s, &r);
	printf("%d VMs: %d hogs (%g ms, depth %d), %d interactive (%g ms, weight %d), %g s\n",
	       set.vms, set.vms - set.interactive, set.hog_ms, set.depth,
	       set.interactive, set.inter_ms, set.weight, set.seconds);
	printf("jain %.6f  shares %.4f..%.4f  p50 %.2f  p99 %.2f  p99.9 %.2f  max %.2f ms\n",
	       r.jain, r.share_min, r.share_max, r.p50, r.p99, r.p999, r.max);
	printf("lag %.2f..%.2f ms  %llu jobs  idle %.3f s  dropped %llu  pick %.0f ns\n",
	       r.lag_min, r.lag_max, (unsigned long long)s.jobs,
	       (double)s.idle / 1e9, (unsigned long long)s.dropped, r.decision);
	if (check)
		failed = check_16(&r);
	g_array_free(s.latency, TRUE);
	g_free(s.vm);
	g_free(s.heap);
	g_option_context_free(context);
	return failed ? 1 : 0;
}
