// SPDX-License-Identifier: MIT
/*
 * control.c - the control socket: clients and their lines
 */
#include "broker/control.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/command.h"
#include "broker/listen.h"
#include "broker/watch.h"

#define STUCK_US	5000000		/* a reply nobody reads */

struct control {
	struct broker *broker;
	struct listener *listener;
	GPtrArray *clients;
	struct client *answered;	/* whose line is being answered */
	struct event_source *posted;	/* tell those who follow */
	struct log_limit limit;
};

struct client {
	struct control *control;
	int fd;
	struct event_source *source;
	struct event_source *stuck;	/* runs while a reply waits */
	struct ucred peer;
	GString *in, *out;
	uint64_t next_event;		/* follows from here, 0: does not */
	bool dead;
};

static void client_free(struct client *c)
{
	g_ptr_array_remove_fast(c->control->clients, c);
	event_del(c->source);
	event_del(c->stuck);
	close(c->fd);
	g_string_free(c->in, TRUE);
	g_string_free(c->out, TRUE);
	g_free(c);
}

static void complain(struct client *c, const char *what)
{
	log_peer(&c->control->limit, "control client (pid %d, uid %u): %s",
		 (int)c->peer.pid, (unsigned int)c->peer.uid, what);
}

static void flush(struct client *c)
{
	while (c->out->len) {
		ssize_t n = send(c->fd, c->out->str, c->out->len,
				 MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			c->dead = true;
		if (n <= 0)
			break;
		g_string_erase(c->out, 0, n);
		event_set_timer(c->stuck, STUCK_US);
	}
	if (!c->out->len)
		event_stop_timer(c->stuck);
	/* unread replies: no more questions */
	event_set_fd(c->source, c->out->len ? EVENT_OUT : EVENT_IN);
}

/*
 * One line after another while replies leave at once; the rest waits in the
 * buffer until they do.
 */
static void answer_lines(struct client *c)
{
	while (!c->dead && !c->out->len) {
		char *end = memchr(c->in->str, '\n', c->in->len);
		char *reply;

		if (!end)
			break;
		c->control->answered = c;
		reply = command_answer(c->control->broker, c->in->str,
				       (size_t)(end - c->in->str), &c->peer);
		c->control->answered = NULL;
		g_string_erase(c->in, 0, end - c->in->str + 1);
		g_string_append(c->out, reply);
		g_string_append_c(c->out, '\n');
		g_free(reply);
		event_set_timer(c->stuck, STUCK_US);
		flush(c);
	}
	if (!c->dead && !c->out->len && c->in->len >= CONTROL_LINE_MAX) {
		complain(c, "a line of more than 64 KiB; dropped");
		c->dead = true;
	}
}

static void read_some(struct client *c)
{
	char buf[4096];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0)
		g_string_append_len(c->in, buf, n);
	else if (!n || (errno != EAGAIN && errno != EINTR))
		c->dead = true;
}

/* Whoever reads slowly is told less often, and loses what is not kept. */
static void tell_events(struct client *c)
{
	while (c->next_event && !c->dead && !c->out->len) {
		char *line = watch_follow(c->control->broker, &c->next_event);

		if (!line)
			break;
		g_string_append(c->out, line);
		g_string_append_c(c->out, '\n');
		g_free(line);
		event_set_timer(c->stuck, STUCK_US);
		flush(c);
	}
}

static void on_client(void *opaque, unsigned int events)
{
	struct client *c = opaque;

	if (c->out->len)
		flush(c);
	else
		read_some(c);
	if (events & EVENT_HUP && !(events & EVENT_IN) && !c->in->len)
		c->dead = true;
	answer_lines(c);
	tell_events(c);
	/* it has gone and what it could still be told has no taker */
	if (events & EVENT_HUP && c->out->len)
		c->dead = true;
	if (c->dead)
		client_free(c);
}

static void on_stuck(void *opaque)
{
	struct client *c = opaque;

	complain(c, "does not read its replies; dropped");
	client_free(c);
}

/* All reads and writes are MSG_DONTWAIT. */
static void on_connect(void *opaque, int fd)
{
	struct control *control = opaque;
	struct client *c = g_new0(struct client, 1);
	socklen_t len = sizeof(struct ucred);

	c->control = control;
	c->fd = fd;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &c->peer, &len) ||
	    control->clients->len >= CONTROL_CLIENTS_MAX) {
		complain(c, "refused, there are too many clients");
		close(fd);
		g_free(c);
		return;
	}
	c->in = g_string_new(NULL);
	c->out = g_string_new(NULL);
	c->stuck = event_add_timer(control->broker->loop, on_stuck, c);
	c->source = event_add_fd(control->broker->loop, fd, EVENT_IN, on_client,
				 c);
	g_ptr_array_add(control->clients, c);
	log_debug("control client: pid %d, uid %u", (int)c->peer.pid,
		  (unsigned int)c->peer.uid);
}

/* Not from events_post() itself: its caller may be answering a client. */
static void on_posted(void *opaque)
{
	struct control *control = opaque;
	guint i = control->clients->len;

	while (i--) {
		struct client *c = g_ptr_array_index(control->clients, i);

		tell_events(c);
		if (c->dead)
			client_free(c);
	}
}

void control_follow(struct control *control, uint64_t next)
{
	if (control && control->answered)
		control->answered->next_event = next;
}

void control_posted(struct control *control)
{
	if (control)
		event_set_timer(control->posted, 0);
}

struct control *control_new(struct broker *broker, const char *path)
{
	struct control *control = g_new0(struct control, 1);

	control->broker = broker;
	control->clients = g_ptr_array_new();
	control->posted = event_add_timer(broker->loop, on_posted, control);
	control->listener = listener_new(broker->loop, path, 0660, (uid_t)-1,
					 (gid_t)-1, on_connect, control);
	if (!control->listener) {
		log_error("control %s", listener_error(errno, path));
		control_free(control);
		return NULL;
	}
	return control;
}

void control_free(struct control *control)
{
	if (!control)
		return;
	while (control->clients->len)
		client_free(g_ptr_array_index(control->clients, 0));
	g_ptr_array_free(control->clients, TRUE);
	listener_free(control->listener);
	event_del(control->posted);
	g_free(control);
}
