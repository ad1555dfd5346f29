// SPDX-License-Identifier: MIT
/*
 * arbiter.c - who holds the lease of one GPU, and until when
 */
#include "sched/arbiter.h"

#include <errno.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/event.h"
#include "sched/average.h"
#include "sched/lane.h"

#define FLOOR_SLICES	250
#define START_SLICES	25
#define TURN_MIN_NS	100000ull	/* timers are not better */
/* Who comes more often than this finds short queues. */
#define SHARED_NS	250000000ull

static void reschedule(struct arbiter *a, uint64_t now);

static void kick(int fd)
{
	uint64_t one = 1;

	/* fails only when the counter is full, and then it is readable */
	if (write(fd, &one, sizeof(one)) < 0)
		return;
}

/* The loop's own timers count milliseconds; gaps are shorter. */
static void set_timer(struct arbiter *a, uint64_t at_ns)
{
	struct itimerspec when = {
		.it_value.tv_sec = (time_t)(at_ns / 1000000000),
		.it_value.tv_nsec = (long)(at_ns % 1000000000),
	};

	timerfd_settime(a->timer_fd, TFD_TIMER_ABSTIME, &when, NULL);
}

static void enter(struct arbiter *a, enum lane_state state, uint64_t now,
		  uint64_t timer_ns)
{
	a->state = state;
	a->state_ns = now;
	set_timer(a, timer_ns);
}

static bool others_wait(const struct arbiter *a)
{
	return policy_others(&a->policy,
			     a->holder ? &a->holder->entity : NULL) > 0;
}

static struct policy_entity *pick(struct arbiter *a, uint64_t now)
{
	policy_advance(&a->policy, now);
	return policy_pick(&a->policy);
}

/*
 * When the holder's cap or slot ends its turn at the earliest: GPU time passes
 * no faster than the lane's capacity. 0: not by itself.
 */
static uint64_t turn_end(const struct arbiter *a, uint64_t now)
{
	uint64_t budget = policy_budget(&a->policy, &a->holder->entity);

	if (budget == POLICY_NEVER)
		return 0;
	return now + MAX(budget / MAX(a->totals.cpus, 1), TURN_MIN_NS);
}

/* Until when one that comes and goes is to be expected, 0: none is. */
static uint64_t shared_until(const struct arbiter *a, uint64_t now)
{
	uint64_t until = a->woken_ns + SHARED_NS;

	return a->woken_ns && now < until ? until : 0;
}

/*
 * Until @then, or as long as its cap or slot lets it, or until the policy has
 * somebody back whom a cap had kept off.
 */
static void enter_turn(struct arbiter *a, enum lane_state state, uint64_t now,
		       uint64_t then)
{
	uint64_t end = turn_end(a, now);
	uint64_t next = policy_next_ns(&a->policy);
	uint64_t shared = shared_until(a, now);

	if (end && (!then || end < then))
		then = end;
	if (next != POLICY_NEVER && (!then || next < then))
		then = MAX(next, now + TURN_MIN_NS);
	/* short queues, so that a limit is kept when it is reached */
	if (state == LANE_ALONE)
		atomic_store(&a->holder->grant->notify, end != 0);
	if (state == LANE_ALONE && shared && (!then || shared < then))
		then = shared;
	atomic_store(&a->holder->grant->shared, shared != 0);
	enter(a, state, now, then);
}

/* The lease is back: charge the turn, and the lane is free. */
static void release(struct arbiter *a, uint64_t now)
{
	struct arbiter_vm *vm = a->holder;

	account_sample(vm, now);
	account_floor(vm, now);
	if (vm->limits.slice_ns) {
		policy_set_request(&a->policy, &vm->entity,
				   vm->limits.slice_ns);
	} else if (vm->used_ns) {
		vm->request_ns = average_add(vm->request_ns, vm->used_ns);
		policy_set_request(&a->policy, &vm->entity, vm->request_ns);
	}
	if (account_idle(vm) || limits_blocked(vm, now)) {
		policy_sleep(&a->policy, &vm->entity);
		if (!vm->idle_since_ns)
			vm->idle_since_ns = now;
	} else {
		vm->idle_since_ns = 0;
	}
	a->holder = NULL;
	turns_end(vm, now);
	enter(a, LANE_FREE, now, 0);
}

static void take_back(struct arbiter *a, uint64_t now)
{
	struct arbiter_vm *vm = a->holder;

	atomic_store(&vm->grant->lease, 0);
	if (account_inflight(vm)) {
		enter(a, LANE_DRAIN, now, 0);
		return;
	}
	release(a, now);
	reschedule(a, now);
}

static void grant(struct arbiter *a, struct arbiter_vm *vm, uint64_t now)
{
	account_sample(vm, now);	/* what it did without the lease */
	vm->turn_ns = 0;
	vm->used_ns = 0;
	vm->stretch_ns = 0;
	vm->unclaimed_ns = 0;
	vm->idle_slices = 0;
	vm->idle_since_ns = 0;
	vm->total.grants++;
	vm->progress_ns = now;
	a->holder = vm;
	turns_begin(vm, now);
	a->contended_ns = 0;
	enter_turn(a, LANE_ALONE, now, 0);
	atomic_store(&vm->grant->lease, ++a->lease);
	kick(vm->fds.grant_fd);
}

static void start_slice(struct arbiter *a, uint64_t now)
{
	enter_turn(a, LANE_SLICE, now, now + limits_slice(a->holder));
}

/* The holder has run dry while another waits. */
static void holder_dry(struct arbiter *a, uint64_t now)
{
	struct arbiter_vm *vm = a->holder;
	uint64_t limit;

	account_sample(vm, now);
	vm->idle_since_ns = now;
	vm->gpu_at_idle = vm->last.gpu_ns;
	limit = gap_limit(vm);
	vm->work_ns = average_add(vm->work_ns, vm->stretch_ns);
	if (limit && pick(a, now) == &vm->entity)
		enter(a, LANE_GAP, now, now + limit);
	else
		take_back(a, now);
}

/* The holder has work again; its gap ended some time before now. */
static void gap_over(struct arbiter *a, uint64_t now)
{
	struct arbiter_vm *vm = a->holder;
	uint64_t since = atomic_load(&vm->report->busy_since_ns);
	uint64_t wall = now - vm->idle_since_ns, gap = wall;

	account_sample(vm, now);
	if (since >= vm->idle_since_ns && since <= now)
		gap = since - vm->idle_since_ns;
	else
		gap -= MIN(wall, vm->last.gpu_ns - vm->gpu_at_idle);
	vm->total.idle_ns += gap;
	a->totals.idle_ns += gap;
	gap_learn(vm, gap);
	vm->idle_since_ns = 0;
	vm->stretch_ns = 0;
	start_slice(a, now);
}

static void gap_expired(struct arbiter *a, uint64_t now)
{
	if (!account_idle(a->holder)) {
		gap_over(a, now);
		return;
	}
	a->holder->total.idle_ns += now - a->holder->idle_since_ns;
	a->totals.idle_ns += now - a->holder->idle_since_ns;
	take_back(a, now);
}

/*
 * Granted, and it does not begin: stopped, or stuck outside of any job. It is
 * not asked again before it asks.
 */
static bool does_not_start(struct arbiter_vm *vm)
{
	vm->idle_slices = account_inflight(vm) ? 0 : vm->idle_slices + 1;
	return vm->idle_slices > START_SLICES;
}

static void slice_expired(struct arbiter *a, uint64_t now)
{
	if (account_idle(a->holder)) {
		holder_dry(a, now);	/* its job was gone when the grant came */
		return;
	}
	if (does_not_start(a->holder)) {
		policy_sleep(&a->policy, &a->holder->entity);
		take_back(a, now);
		return;
	}
	account_sample(a->holder, now);
	/*
	 * The kernel tells a thread's wait for a CPU when it is over, and on a
	 * busy host that may be long: an earlier answer would charge for it.
	 */
	if (now - a->contended_ns > FLOOR_SLICES * a->config.slice_ns)
		account_floor(a->holder, now);
	if (pick(a, now) == &a->holder->entity)
		start_slice(a, now);
	else
		take_back(a, now);
}

static void contend(struct arbiter *a, uint64_t now);

/* Nobody else waits, but a cap or a slot may have ended its turn. */
static void alone_expired(struct arbiter *a, uint64_t now)
{
	struct arbiter_vm *vm = a->holder;

	account_sample(vm, now);
	if (account_idle(vm) && turn_end(a, now)) {
		/* it is asked again when it has work */
		policy_sleep(&a->policy, &vm->entity);
		take_back(a, now);
	} else if (pick(a, now) != &vm->entity && !others_wait(a)) {
		take_back(a, now);
	} else if (others_wait(a)) {
		contend(a, now);
	} else {
		enter_turn(a, LANE_ALONE, now, 0);
	}
}

void lane_timer(void *opaque, unsigned int events)
{
	struct arbiter *a = opaque;
	uint64_t count, now;

	if (read(a->timer_fd, &count, sizeof(count)) < 0)
		return;		/* set anew since it fired */
	now = event_now_ns();
	switch (a->state) {
	case LANE_FREE:
		reschedule(a, now);
		break;
	case LANE_ALONE:
		alone_expired(a, now);
		break;
	case LANE_SLICE:
		slice_expired(a, now);
		break;
	case LANE_GAP:
		gap_expired(a, now);
		break;
	case LANE_DRAIN:
		break;
	}
}

/* What the holder has to say: it drained, ran dry, or has work again. */
static void holder_event(struct arbiter *a, uint64_t now)
{
	struct arbiter_vm *vm = a->holder;

	switch (a->state) {
	case LANE_DRAIN:
		if (account_inflight(vm))
			break;
		release(a, now);
		/*
		 * It may have been put to sleep for being idle and have begun
		 * at that very moment. What it wants now it will not say again.
		 */
		if (atomic_load(&vm->report->want))
			lane_wake(vm, now);
		reschedule(a, now);
		break;
	case LANE_GAP:
		/* it drained again, so it had a job since */
		gap_over(a, now);
		if (account_idle(vm))
			holder_dry(a, now);
		break;
	case LANE_SLICE:
		if (account_idle(vm))
			holder_dry(a, now);
		break;
	default:
		break;
	}
}

/* Another wants the GPU that the holder has had for itself. */
static void contend(struct arbiter *a, uint64_t now)
{
	account_sample(a->holder, now);
	account_contended(a->holder);
	a->contended_ns = now;
	atomic_store(&a->holder->grant->notify, 1);
	if (account_idle(a->holder)) {
		/* it may have been so for long: no gap to wait for */
		policy_sleep(&a->policy, &a->holder->entity);
		take_back(a, now);
		return;
	}
	start_slice(a, now);
}

/* Somebody may be allowed to go on by then. */
static void wait_for_policy(struct arbiter *a)
{
	uint64_t next = policy_next_ns(&a->policy);

	set_timer(a, next == POLICY_NEVER ? 0 : next);
}

static void reschedule(struct arbiter *a, uint64_t now)
{
	struct policy_entity *next;

	if (!a->holder) {
		next = pick(a, now);
		if (!next) {
			wait_for_policy(a);
			return;
		}
		grant(a, (struct arbiter_vm *)((char *)next -
			offsetof(struct arbiter_vm, entity)), now);
	}
	if (a->state == LANE_ALONE && others_wait(a)) {
		contend(a, now);
	} else if ((a->state == LANE_SLICE || a->state == LANE_GAP) &&
		   !others_wait(a)) {
		account_sample(a->holder, now);
		a->contended_ns = 0;
		a->holder->idle_since_ns = 0;
		enter_turn(a, LANE_ALONE, now, 0);
	}
}

/*
 * One that is owed time, or whose slot it is, does not wait for the end of a
 * slice. In a ring of turns nobody is owed anything.
 */
static bool goes_first(const struct arbiter_vm *vm, uint64_t now)
{
	struct arbiter *a = vm->arbiter;

	return a->holder && a->holder != vm &&
		a->config.policy != ARBITER_BEST_EFFORT &&
		pick(a, now) == &vm->entity;
}

void lane_wake(struct arbiter_vm *vm, uint64_t now)
{
	struct arbiter *a = vm->arbiter;

	if (vm->entity.backlogged || limits_blocked(vm, now))
		return;
	if (a->holder)
		account_sample(a->holder, now);	/* V as it is now */
	if (vm->idle_since_ns)
		gap_learn(vm, now - vm->idle_since_ns);
	vm->idle_since_ns = 0;
	policy_advance(&a->policy, now);
	policy_wake(&a->policy, &vm->entity);
	turns_wait(vm, now);
	if (a->holder && a->holder != vm)
		a->woken_ns = now;
	reschedule(a, now);
	if (!goes_first(vm, now))
		return;
	if (a->state == LANE_SLICE)
		take_back(a, now);
	else if (a->state == LANE_GAP)
		gap_expired(a, now);
}

/* It is to have no lease from now on. */
void lane_block(struct arbiter_vm *vm, uint64_t now)
{
	struct arbiter *a = vm->arbiter;

	policy_sleep(&a->policy, &vm->entity);
	vm->waiting_ns = 0;
	if (a->holder == vm && a->state != LANE_DRAIN)
		take_back(a, now);
	else
		reschedule(a, now);
}

/* Limits are others now: of the turn that is under way too. */
void lane_changed(struct arbiter *a, uint64_t now)
{
	if (a->state == LANE_ALONE)
		enter_turn(a, LANE_ALONE, now, 0);
	reschedule(a, now);
}

/* What it has asked for meanwhile counts from now. */
void lane_unblock(struct arbiter_vm *vm, uint64_t now)
{
	struct arbiter *a = vm->arbiter;

	if (!vm->pid)
		return;
	if (vm == a->holder)	/* still draining; release() looks at what it has */
		policy_wake(&a->policy, &vm->entity);
	else if (atomic_load(&vm->report->want))
		lane_wake(vm, now);
}

void lane_want(void *opaque, unsigned int events)
{
	struct arbiter_vm *vm = opaque;
	uint64_t count, now = event_now_ns();

	if (read(vm->fds.want_fd, &count, sizeof(count)) < 0)
		return;
	if (!vm->pid)
		vm->wanted_early = true;
	else if (vm == vm->arbiter->holder)
		holder_event(vm->arbiter, now);
	else if (atomic_load(&vm->report->want))
		lane_wake(vm, now);
}

/* Its worker is dead, or of no more use: whatever it held is back now. */
void lane_lost(struct arbiter_vm *vm, uint64_t now)
{
	struct arbiter *a = vm->arbiter;

	account_sample(vm, now);
	atomic_store(&vm->grant->lease, 0);
	if (a->holder == vm) {
		/* a hang costs who hung, not those who waited */
		account_floor(vm, now);
		a->holder = NULL;
		enter(a, LANE_FREE, now, 0);
	}
	policy_sleep(&a->policy, &vm->entity);
	turns_end(vm, now);
}
