// SPDX-License-Identifier: MIT
/*
 * arbiter_new.c - an arbiter's beginning, configuration and end
 */
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/event.h"
#include "sched/lane.h"

#define MS	1000000ull

void arbiter_configure(struct arbiter *a, enum arbiter_policy policy,
		       uint64_t slice_ns, uint64_t timeout_ns)
{
	struct arbiter_config *c = &a->config;
	bool cpu = c->cpu_renderer;

	if (c->policy != policy)
		policy_set_mode(&a->policy, limits_mode(policy));
	c->policy = policy;
	c->slice_ns = slice_ns ? slice_ns : 4 * MS;
	c->hard_ns = timeout_ns ? timeout_ns : (cpu ? 60000 : 10000) * MS;
	c->soft_ns = timeout_ns ? timeout_ns / 2 : (cpu ? 10000 : 2000) * MS;
	if (a->vms)
		limits_slots(a);
}

struct arbiter *arbiter_new(struct event_loop *loop,
			    const struct arbiter_config *config)
{
	struct arbiter *a = g_new0(struct arbiter, 1);
	struct arbiter_config *c = &a->config;
	bool cpu = config->cpu_renderer;

	*c = *config;
	arbiter_configure(a, config->policy, config->slice_ns, config->hard_ns);
	c->gap_max_ns = c->gap_max_ns ? c->gap_max_ns : (cpu ? 30 : 2) * MS;
	c->soft_ns = config->soft_ns ? config->soft_ns : c->soft_ns;
	a->totals.cpus = !cpu ? 0 : c->cpus ? c->cpus :
		(unsigned int)g_get_num_processors();
	a->loop = loop;
	a->vms = g_ptr_array_new();
	policy_init(&a->policy);
	policy_set_mode(&a->policy, limits_mode(c->policy));
	policy_set_capacity(&a->policy, (uint64_t)MAX(a->totals.cpus, 1) *
			    POLICY_WHOLE);
	policy_advance(&a->policy, event_now_ns());
	a->timer_fd = timerfd_create(CLOCK_MONOTONIC,
				     TFD_CLOEXEC | TFD_NONBLOCK);
	if (a->timer_fd < 0) {
		g_ptr_array_free(a->vms, TRUE);
		g_free(a);
		return NULL;
	}
	a->timer_source = event_add_fd(loop, a->timer_fd, EVENT_IN, lane_timer, a);
	watchdog_init(a);
	return a;
}

void arbiter_free(struct arbiter *a)
{
	if (!a)
		return;
	event_del(a->tick);
	event_del(a->timer_source);
	close(a->timer_fd);
	g_ptr_array_free(a->vms, TRUE);
	g_free(a);
}
