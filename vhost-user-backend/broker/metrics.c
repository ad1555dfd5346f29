// SPDX-License-Identifier: MIT
/*
 * metrics.c - as much HTTP as a monitoring system needs to read our figures
 *
 * One request a connection. Whoever sends too much, or nothing for a while, or
 * does not read, is dropped, and nothing waits for it.
 */
#include "broker/metrics.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/broker.h"
#include "broker/listen.h"

#define PATIENCE_US	5000000
#define TYPE_METRICS	"application/openmetrics-text; version=1.0.0; charset=utf-8"
#define TYPE_TEXT	"text/plain; charset=utf-8"

struct metrics {
	struct broker *broker;
	struct listener *listener;
	GPtrArray *clients;
	struct log_limit limit;
};

struct client {
	struct metrics *metrics;
	int fd;
	struct event_source *source, *timer;
	GString *in, *out;		/* out: once it has asked */
	bool asked, dead;
};

static void client_free(struct client *c)
{
	g_ptr_array_remove_fast(c->metrics->clients, c);
	event_del(c->source);
	event_del(c->timer);
	close(c->fd);
	g_string_free(c->in, TRUE);
	g_string_free(c->out, TRUE);
	g_free(c);
}

static void answer(struct client *c, const char *status, const char *type,
		   const char *more, const char *body, bool head)
{
	c->asked = true;
	g_string_printf(c->out, "HTTP/1.1 %s\r\nContent-Type: %s\r\n"
			"Content-Length: %zu\r\nConnection: close\r\n%s\r\n%s",
			status, type, strlen(body), more, head ? "" : body);
	event_set_fd(c->source, EVENT_OUT);
	event_set_timer(c->timer, PATIENCE_US);
}

static bool is_metrics(const char *target)
{
	size_t len = strcspn(target, "?#");

	return (len == 1 && *target == '/') ||
		(len == strlen("/metrics") && !strncmp(target, "/metrics", len));
}

/* The request line is all we look at; METHOD TARGET HTTP/1.x */
static void handle_request(struct client *c)
{
	char *line = g_strndup(c->in->str, strcspn(c->in->str, "\r\n"));
	char **word = g_strsplit(line, " ", 4);
	guint words = g_strv_length(word);
	bool head;
	char *text;

	if (words != 3 || !*word[0] || !*word[1] ||
	    !g_str_has_prefix(word[2], "HTTP/1.")) {
		answer(c, "400 Bad Request", TYPE_TEXT, "",
		       "this is no HTTP request\n", false);
		goto out;
	}
	head = !strcmp(word[0], "HEAD");
	if (!head && strcmp(word[0], "GET")) {
		answer(c, "405 Method Not Allowed", TYPE_TEXT,
		       "Allow: GET, HEAD\r\n", "only GET and HEAD\n", false);
	} else if (!is_metrics(word[1])) {
		answer(c, "404 Not Found", TYPE_TEXT, "",
		       "there is only /metrics\n", head);
	} else {
		text = metrics_text(c->metrics->broker);
		answer(c, "200 OK", TYPE_METRICS, "", text, head);
		g_free(text);
	}
out:
	g_strfreev(word);
	g_free(line);
}

static void read_some(struct client *c)
{
	char buf[2048];
	ssize_t n = recv(c->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		c->dead = true;
		return;
	}
	g_string_append_len(c->in, buf, n);
	if (strlen(c->in->str) != c->in->len)
		answer(c, "400 Bad Request", TYPE_TEXT, "",
		       "this is no HTTP request\n", false);
	else if (strstr(c->in->str, "\r\n\r\n") || strstr(c->in->str, "\n\n"))
		handle_request(c);
	else if (c->in->len > METRICS_REQUEST_MAX)
		answer(c, "431 Request Header Fields Too Large", TYPE_TEXT, "",
		       "the request is too long\n", false);
}

static void write_some(struct client *c)
{
	ssize_t n = send(c->fd, c->out->str, c->out->len,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		c->dead = true;
		return;
	}
	g_string_erase(c->out, 0, n);
	event_set_timer(c->timer, PATIENCE_US);
	if (c->out->len)
		return;
	/* what it sent beyond the request must not reset what it was told */
	shutdown(c->fd, SHUT_WR);
	c->dead = true;
}

static void on_client(void *opaque, unsigned int events)
{
	struct client *c = opaque;

	if (c->asked)
		write_some(c);
	else
		read_some(c);
	if (c->dead)
		client_free(c);
}

static void on_timer(void *opaque)
{
	struct client *c = opaque;

	log_peer(&c->metrics->limit, "metrics: a client that %s is dropped",
		 c->asked ? "does not read" : "asks nothing");
	client_free(c);
}

static void on_connect(void *opaque, int fd)
{
	struct metrics *metrics = opaque;
	struct client *c;

	if (metrics->clients->len >= METRICS_CLIENTS_MAX) {
		log_peer(&metrics->limit, "metrics: a client is refused, there are too many");
		close(fd);
		return;
	}
	c = g_new0(struct client, 1);
	c->metrics = metrics;
	c->fd = fd;
	c->in = g_string_new(NULL);
	c->out = g_string_new(NULL);
	c->timer = event_add_timer(metrics->broker->loop, on_timer, c);
	c->source = event_add_fd(metrics->broker->loop, fd, EVENT_IN, on_client,
				 c);
	event_set_timer(c->timer, PATIENCE_US);
	g_ptr_array_add(metrics->clients, c);
}

struct metrics *metrics_new(struct broker *broker, const char *address)
{
	struct metrics *metrics = g_new0(struct metrics, 1);

	metrics->broker = broker;
	metrics->clients = g_ptr_array_new();
	if (*address == '/')
		metrics->listener = listener_new(broker->loop, address, 0660,
						 (uid_t)-1, (gid_t)-1,
						 on_connect, metrics);
	else
		metrics->listener = listener_new_tcp(broker->loop, address,
						     on_connect, metrics);
	if (!metrics->listener) {
		log_error("metrics %s", listener_error(errno, address));
		metrics_free(metrics);
		return NULL;
	}
	return metrics;
}

void metrics_free(struct metrics *metrics)
{
	if (!metrics)
		return;
	while (metrics->clients->len)
		client_free(g_ptr_array_index(metrics->clients, 0));
	g_ptr_array_free(metrics->clients, TRUE);
	listener_free(metrics->listener);
	g_free(metrics);
}
