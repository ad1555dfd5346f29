// SPDX-License-Identifier: MIT
/*
 * event.c - the main loop over GLib's main context
 */
#include "base/event.h"

#include <stdbool.h>
#include <time.h>

#include <glib.h>
#include <glib-unix.h>

struct event_loop {
	GMainContext *context;
	bool quit;
};

struct event_source {
	GSource *source;
	gpointer tag;		/* of a descriptor */
	event_fd_fn fd_fn;
	event_fn fn;
	void *opaque;
};

/* What GLib allocates: its own header, then where to find ours. */
struct loop_source {
	GSource source;
	struct event_source *event;
};

G_STATIC_ASSERT(EVENT_IN == (int)G_IO_IN);
G_STATIC_ASSERT(EVENT_OUT == (int)G_IO_OUT);
G_STATIC_ASSERT(EVENT_HUP == (int)G_IO_HUP);

static gboolean fd_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
	struct event_source *event = ((struct loop_source *)source)->event;
	GIOCondition got = g_source_query_unix_fd(source, event->tag);

	(void)fn;
	(void)data;
	if (got & (G_IO_ERR | G_IO_NVAL))
		got |= G_IO_HUP;
	event->fd_fn(event->opaque,
		     got & (EVENT_IN | EVENT_OUT | EVENT_HUP));
	return G_SOURCE_CONTINUE;
}

static gboolean timer_dispatch(GSource *source, GSourceFunc fn, gpointer data)
{
	struct event_source *event = ((struct loop_source *)source)->event;

	(void)fn;
	(void)data;
	g_source_set_ready_time(source, -1);
	event->fn(event->opaque);
	return G_SOURCE_CONTINUE;
}

static GSourceFuncs fd_funcs = { .dispatch = fd_dispatch };
static GSourceFuncs timer_funcs = { .dispatch = timer_dispatch };

struct event_loop *event_loop_new(void)
{
	struct event_loop *loop = g_new0(struct event_loop, 1);

	loop->context = g_main_context_ref(g_main_context_default());
	return loop;
}

void event_loop_free(struct event_loop *loop)
{
	if (!loop)
		return;
	g_main_context_unref(loop->context);
	g_free(loop);
}

void event_loop_run(struct event_loop *loop)
{
	while (!loop->quit)
		g_main_context_iteration(loop->context, TRUE);
}

void event_loop_quit(struct event_loop *loop)
{
	loop->quit = true;
	g_main_context_wakeup(loop->context);
}

static gboolean wake(gpointer data)
{
	(void)data;
	return G_SOURCE_REMOVE;
}

void event_loop_iterate(struct event_loop *loop, int timeout_ms)
{
	GSource *timeout = NULL;

	if (timeout_ms > 0) {
		timeout = g_timeout_source_new((guint)timeout_ms);
		g_source_set_callback(timeout, wake, NULL, NULL);
		g_source_attach(timeout, loop->context);
	}
	g_main_context_iteration(loop->context, timeout_ms != 0);
	if (timeout) {
		g_source_destroy(timeout);
		g_source_unref(timeout);
	}
}

static struct event_source *add(struct event_loop *loop, GSourceFuncs *funcs,
				void *opaque)
{
	struct event_source *event = g_new0(struct event_source, 1);

	event->source = g_source_new(funcs, sizeof(struct loop_source));
	((struct loop_source *)event->source)->event = event;
	event->opaque = opaque;
	g_source_attach(event->source, loop->context);
	return event;
}

struct event_source *event_add_fd(struct event_loop *loop, int fd,
				  unsigned int events, event_fd_fn fn,
				  void *opaque)
{
	struct event_source *event = add(loop, &fd_funcs, opaque);

	event->fd_fn = fn;
	event->tag = g_source_add_unix_fd(event->source, fd,
					  (GIOCondition)events | G_IO_HUP |
					  G_IO_ERR);
	return event;
}

void event_set_fd(struct event_source *event, unsigned int events)
{
	g_source_modify_unix_fd(event->source, event->tag,
				(GIOCondition)events | G_IO_HUP | G_IO_ERR);
}

struct event_source *event_add_timer(struct event_loop *loop, event_fn fn,
				     void *opaque)
{
	struct event_source *event = add(loop, &timer_funcs, opaque);

	event->fn = fn;
	return event;
}

void event_set_timer(struct event_source *event, uint64_t delay_us)
{
	g_source_set_ready_time(event->source,
				g_get_monotonic_time() + (gint64)delay_us);
}

void event_stop_timer(struct event_source *event)
{
	g_source_set_ready_time(event->source, -1);
}

static gboolean on_signal(gpointer data)
{
	struct event_source *event = data;

	event->fn(event->opaque);
	return G_SOURCE_CONTINUE;
}

struct event_source *event_add_signal(struct event_loop *loop, int signo,
				      event_fn fn, void *opaque)
{
	struct event_source *event = g_new0(struct event_source, 1);

	event->source = g_unix_signal_source_new(signo);
	event->fn = fn;
	event->opaque = opaque;
	g_source_set_callback(event->source, on_signal, event, NULL);
	g_source_attach(event->source, loop->context);
	return event;
}

void event_del(struct event_source *event)
{
	if (!event)
		return;
	/* GLib holds its own reference while a callback of the source runs */
	g_source_destroy(event->source);
	g_source_unref(event->source);
	g_free(event);
}

uint64_t event_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}
