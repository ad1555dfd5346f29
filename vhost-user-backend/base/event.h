/* SPDX-License-Identifier: MIT */
/*
 * event.h - the main loop: descriptors, timers, signals
 *
 * A thin layer over GLib's main context, so that nothing else depends on which
 * loop it is. One thread. Callbacks may delete any source, their own too.
 */
#ifndef BASE_EVENT_H
#define BASE_EVENT_H

#include <stdint.h>

#define EVENT_IN	1
#define EVENT_OUT	4
#define EVENT_HUP	16	/* always reported, with EVENT_IN readable */

struct event_loop;
struct event_source;

typedef void (*event_fd_fn)(void *opaque, unsigned int events);
typedef void (*event_fn)(void *opaque);

struct event_loop *event_loop_new(void);
void event_loop_free(struct event_loop *loop);
void event_loop_run(struct event_loop *loop);
void event_loop_quit(struct event_loop *loop);

/** event_loop_iterate() - wait at most @timeout_ms (-1: for ever), dispatch */
void event_loop_iterate(struct event_loop *loop, int timeout_ms);

/* The descriptor stays the caller's. */
struct event_source *event_add_fd(struct event_loop *loop, int fd,
				  unsigned int events, event_fd_fn fn,
				  void *opaque);
void event_set_fd(struct event_source *source, unsigned int events);

/* One-shot; starts disarmed. */
struct event_source *event_add_timer(struct event_loop *loop, event_fn fn,
				     void *opaque);
void event_set_timer(struct event_source *source, uint64_t delay_us);
void event_stop_timer(struct event_source *source);

/* SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2. */
struct event_source *event_add_signal(struct event_loop *loop, int signo,
				      event_fn fn, void *opaque);

/** event_del() - remove and free; NULL is allowed */
void event_del(struct event_source *source);

/** event_now_ns() - CLOCK_MONOTONIC */
uint64_t event_now_ns(void);

#endif
