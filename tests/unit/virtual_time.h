/* SPDX-License-Identifier: MIT */
/*
 * virtual_time.h - the event loop of base/event.h in a time of its own
 *
 * Nothing waits: when no descriptor is readable, the clock jumps to the next
 * timer. Timers and timerfds are exact, computation takes no time, and a run
 * comes out the same on every machine. Defines the functions of base/event.h and
 * timerfd_settime(), so it can only be included by a program's one source.
 */
#ifndef TESTS_UNIT_VIRTUAL_TIME_H
#define TESTS_UNIT_VIRTUAL_TIME_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"

struct event_source {
	int fd;				/* -1: a timer */
	event_fd_fn fd_fn;
	event_fn fn;
	void *opaque;
	uint64_t at_ns;			/* a timer, 0: not set */
	bool gone;
};

static uint64_t virtual_now_ns = 1000000000;
static GPtrArray *virtual_sources;
/* timerfds are eventfds here; when they become readable, by descriptor */
static uint64_t virtual_timerfd_ns[1024];

uint64_t event_now_ns(void)
{
	return virtual_now_ns;
}

struct event_loop *event_loop_new(void)
{
	virtual_sources = g_ptr_array_new_with_free_func(g_free);
	return (struct event_loop *)virtual_sources;
}

void event_loop_free(struct event_loop *loop)
{
	g_ptr_array_free(virtual_sources, TRUE);
}

static struct event_source *virtual_source(struct event_source s)
{
	struct event_source *source = g_new(struct event_source, 1);

	*source = s;
	g_ptr_array_add(virtual_sources, source);
	return source;
}

struct event_source *event_add_fd(struct event_loop *loop, int fd,
				  unsigned int events, event_fd_fn fn,
				  void *opaque)
{
	return virtual_source((struct event_source){
		.fd = fd, .fd_fn = fn, .opaque = opaque });
}

struct event_source *event_add_timer(struct event_loop *loop, event_fn fn,
				     void *opaque)
{
	return virtual_source((struct event_source){
		.fd = -1, .fn = fn, .opaque = opaque });
}

void event_set_timer(struct event_source *source, uint64_t delay_us)
{
	source->at_ns = virtual_now_ns + delay_us * 1000;
}

void event_stop_timer(struct event_source *source)
{
	source->at_ns = 0;
}

void event_del(struct event_source *source)
{
	if (source)
		source->gone = true;
}

int timerfd_create(int clock, int flags)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	g_assert_cmpint(fd, <, G_N_ELEMENTS(virtual_timerfd_ns));
	return fd;
}

int timerfd_settime(int fd, int flags, const struct itimerspec *new,
		    struct itimerspec *old)
{
	uint64_t count;

	virtual_timerfd_ns[fd] = (uint64_t)new->it_value.tv_sec * 1000000000 +
		(uint64_t)new->it_value.tv_nsec;
	/* what fired and was not read is void */
	return read(fd, &count, sizeof(count)) < 0 ? 0 : 0;
}

static bool virtual_dispatch_fds(void)
{
	bool any = false;
	guint i;

	for (i = 0; i < virtual_sources->len; i++) {
		struct event_source *s = g_ptr_array_index(virtual_sources, i);
		struct pollfd p = { .fd = s->fd, .events = POLLIN };

		if (s->gone || s->fd < 0 || poll(&p, 1, 0) != 1)
			continue;
		any = true;
		s->fd_fn(s->opaque, EVENT_IN);
	}
	return any;
}

/* The next time at which something is due, and it happens. */
static bool virtual_step(uint64_t end_ns)
{
	uint64_t next = UINT64_MAX, one = 1;
	guint i;
	size_t fd;

	for (i = 0; i < virtual_sources->len; i++) {
		struct event_source *s = g_ptr_array_index(virtual_sources, i);

		if (!s->gone && s->fd < 0 && s->at_ns)
			next = MIN(next, s->at_ns);
	}
	for (fd = 0; fd < G_N_ELEMENTS(virtual_timerfd_ns); fd++)
		if (virtual_timerfd_ns[fd])
			next = MIN(next, virtual_timerfd_ns[fd]);
	if (next > end_ns)
		return false;
	virtual_now_ns = MAX(virtual_now_ns, next);
	for (fd = 0; fd < G_N_ELEMENTS(virtual_timerfd_ns); fd++) {
		if (!virtual_timerfd_ns[fd] ||
		    virtual_timerfd_ns[fd] > virtual_now_ns)
			continue;
		virtual_timerfd_ns[fd] = 0;
		g_assert_cmpint(write((int)fd, &one, sizeof(one)), ==,
				sizeof(one));
	}
	for (i = 0; i < virtual_sources->len; i++) {
		struct event_source *s = g_ptr_array_index(virtual_sources, i);

		if (s->gone || s->fd >= 0 || !s->at_ns ||
		    s->at_ns > virtual_now_ns)
			continue;
		s->at_ns = 0;
		s->fn(s->opaque);
	}
	return true;
}

/** virtual_run() - for @ns */
static void virtual_run(uint64_t ns)
{
	uint64_t end = virtual_now_ns + ns;

	do {
		while (virtual_dispatch_fds())
			;
	} while (virtual_step(end));
	virtual_now_ns = end;
}

#endif
