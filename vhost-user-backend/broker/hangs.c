// SPDX-License-Identifier: MIT
/*
 * hangs.c - what is done with VMs whose jobs do not end
 */
#include "broker/hangs.h"

#include <string.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/config.h"
#include "broker/endpoint.h"
#include "broker/events.h"
#include "broker/vm.h"
#include "sched/arbiter.h"

#define WINDOW_NS	(600 * 1000000000ull)	/* strikes are forgotten after */
#define HOLD_NS		1000000000ull		/* after the first; then 4 times */
#define HOLD_MAX_NS	(60 * HOLD_NS)

void hangs_slow(void *opaque, const char *reason)
{
	const struct vm *vm = opaque;

	events_post(vm->broker->events, EVENT_SLOW, vm->config->name, "%s",
		    reason);
}

static uint64_t hold_of(unsigned int hangs)
{
	uint64_t hold = HOLD_NS;

	while (--hangs && hold < HOLD_MAX_NS)
		hold *= 4;
	return MIN(hold, HOLD_MAX_NS);
}

void hangs_hung(void *opaque, const char *reason)
{
	struct vm *vm = opaque;
	uint32_t limit = vm->broker->config->hang_limit;
	uint64_t now = event_now_ns();

	events_post(vm->broker->events, EVENT_HUNG, vm->config->name,
		    "%s; its worker is killed", reason);
	if (vm->last_hang_ns && now - vm->last_hang_ns > WINDOW_NS)
		vm->hangs = 0;
	vm->last_hang_ns = now;
	vm->hangs++;
	vm->total_hangs++;
	if (vm->endpoint)
		endpoint_kill_worker(vm->endpoint, reason);
	if (limit && vm->hangs >= limit) {
		char *why = g_strdup_printf("%u hangs within %u minutes, the last: %s",
					    vm->hangs,
					    (unsigned int)(WINDOW_NS / 60 / 1000000000ull),
					    reason);

		vm_suspend(vm, why);
		g_free(why);
	}
	arbiter_vm_strike(vm->arbiter_vm, vm->hangs, hold_of(vm->hangs));
}
