// SPDX-License-Identifier: MIT
/*
 * main.c - vgpu-endpoint: the program
 *
 * DOC: Theory of operation
 *
 * QEMU never reconnects a vhost-user-gpu device, and it stands still when a
 * display message stops half-way or a ring stop goes unanswered. So the process
 * that QEMU is connected to must not die and must not wait. This is it: it
 * reads no ring and draws nothing. What does, vgpu-worker, is a child process
 * that is told state and can be replaced at any time.
 *
 *   vhost-user/frontend   QEMU's requests, one after the other
 *   endpoint.c            what they mean for this VM
 *   life.c, child.c       the worker: start, feed, stop, replace
 *   messages.c            what the worker says
 *   screen*.c             what the VM shows; gpu_socket.c takes it to QEMU
 *   broker_link.c         the line to vgpud, if there is one
 *   confine.c             what it gives up first
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"
#include "endpoint/caps.h"
#include "endpoint/confine.h"
#include "endpoint/endpoint.h"
#include "endpoint/options.h"

#ifndef VGPU_VERSION
#define VGPU_VERSION	"0.1"
#endif

#define ACCEPT_RETRY_US	1000000

struct program {
	struct options options;
	struct event_loop *loop;
	struct endpoint *endpoint;
	int listen_fd;
	struct event_source *listen_source;	/* while nobody is served */
	struct event_source *accept_timer;	/* after a failure */
	int exit_code;
};

/* ---- the GPU ---- */

static char *first_render_node(void)
{
	char *path = NULL;
	int i;

	for (i = 128; i < 192; i++) {
		g_free(path);
		path = g_strdup_printf("/dev/dri/renderD%d", i);
		if (!access(path, R_OK | W_OK))
			return path;
	}
	g_free(path);
	return NULL;
}

/*
 * Probe what was asked for. A node that was not asked for may fail, then there
 * is still the CPU. Return: caps descriptor or -errno; options->render_node is
 * what works.
 */
static int probe(struct options *o)
{
	const char *renderer = o->null_renderer ? "null" : "virgl";
	char *node;
	int fd;

	if (o->render_node || o->null_renderer)
		return caps_probe(o->worker, o->render_node, renderer);
	node = first_render_node();
	if (node) {
		fd = caps_probe(o->worker, node, renderer);
		if (fd >= 0) {
			o->render_node = node;
			return fd;
		}
		log_warning("%s does not work: trying without", node);
		g_free(node);
	}
	return caps_probe(o->worker, NULL, renderer);
}

static int print_capabilities(struct options *o)
{
	char *node = first_render_node();
	int fd = probe(o);

	printf("{\n  \"type\": \"gpu\",\n  \"features\": [%s%s%s]\n}\n",
	       node ? "\"render-node\"" : "", node && fd >= 0 ? ", " : "",
	       fd >= 0 ? "\"virgl\"" : "");
	fdpass_close(&fd, 1);
	g_free(node);
	return 0;
}

static int find_caps(struct options *o)
{
	int fd;

	if (!o->virgl)
		return caps_none();
	if (o->render_node && *o->render_node &&
	    access(o->render_node, R_OK | W_OK)) {
		log_error("render node %s: %s. Is the GPU's driver loaded, and "
			  "may this user (group render) open it?",
			  o->render_node, strerror(errno));
		return -ENODEV;
	}
	fd = probe(o);
	if (fd < 0)
		log_error("3D (--virgl) is not possible here: needed is Mesa "
			  "(packages libegl1, libgl1-mesa-dri), and a GPU's "
			  "render node or llvmpipe; without --virgl the VM "
			  "gets 2D");
	return fd;
}

/* ---- connections ---- */

static void on_connection(void *opaque, unsigned int events)
{
	struct program *p = opaque;
	int sock = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC);

	(void)events;
	if (sock < 0 && errno == EAGAIN)
		return;
	/* the next one waits in the backlog until this one has gone */
	event_del(p->listen_source);
	p->listen_source = NULL;
	if (sock >= 0 && !endpoint_serve(p->endpoint, sock))
		return;
	if (sock < 0)
		log_warning("can not accept a front end: %s", strerror(errno));
	event_set_timer(p->accept_timer, ACCEPT_RETRY_US);
}

static void listen_again(void *opaque)
{
	struct program *p = opaque;

	if (!p->listen_source)
		p->listen_source = event_add_fd(p->loop, p->listen_fd,
						EVENT_IN, on_connection, p);
}

static void on_disconnected(void *opaque)
{
	struct program *p = opaque;

	if (p->listen_fd < 0 || p->options.once)
		event_loop_quit(p->loop);
	else
		listen_again(p);
}

static int begin(struct program *p)
{
	struct options *o = &p->options;

	if (o->fd >= 0) {
		fcntl(o->fd, F_SETFD, FD_CLOEXEC);
		return endpoint_serve(p->endpoint, o->fd);
	}
	p->listen_fd = fdpass_listen(o->socket_path);
	if (p->listen_fd < 0) {
		log_error("can not listen on %s: %s%s", o->socket_path,
			  strerror(-p->listen_fd),
			  p->listen_fd == -EADDRINUSE ?
			  "; another program listens there, or it is no socket"
			  : "");
		return p->listen_fd;
	}
	listen_again(p);
	log_info("listening on %s", o->socket_path);
	return 0;
}

static void on_signal(void *opaque)
{
	struct program *p = opaque;

	event_loop_quit(p->loop);
}

static int serve(struct program *p)
{
	struct options *o = &p->options;
	struct endpoint_config config = {
		.name = o->name,
		.worker = o->worker,
		.virgl = o->virgl,
		.null_renderer = o->null_renderer,
		.outputs = (uint32_t)o->outputs,
		.width = (uint32_t)o->width,
		.height = (uint32_t)o->height,
		.memory_max = o->memory_max,
		.cpus = o->cpus,
		.cpu_threads = (unsigned int)o->cpu_threads,
		.broker_fd = o->broker_fd,
	};
	struct event_source *term, *intr;
	int ret;

	/* the reader of our messages may go away; a terminal may be closed */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (access(o->worker, X_OK)) {
		log_error("can not run %s: %s; install it beside this program, "
			  "or name it with --worker", o->worker,
			  strerror(errno));
		return 1;
	}
	/* vgpud knows the GPU; without it this program has to look */
	config.caps_fd = o->broker_fd >= 0 ? caps_none() : find_caps(o);
	if (config.caps_fd < 0)
		return 1;
	config.render_node = o->render_node;
	if (o->broker_fd >= 0)
		fcntl(o->broker_fd, F_SETFD, FD_CLOEXEC);
	p->loop = event_loop_new();
	term = event_add_signal(p->loop, SIGTERM, on_signal, p);
	intr = event_add_signal(p->loop, SIGINT, on_signal, p);
	p->accept_timer = event_add_timer(p->loop, listen_again, p);
	p->endpoint = endpoint_open(p->loop, &config, on_disconnected, p);
	ret = p->endpoint ? begin(p) : -errno;
	if (!ret)
		event_loop_run(p->loop);
	else
		p->exit_code = 1;
	endpoint_close(p->endpoint);
	event_del(p->listen_source);
	event_del(p->accept_timer);
	if (p->listen_fd >= 0) {
		unlink(o->socket_path);
		close(p->listen_fd);
	}
	event_del(term);
	event_del(intr);
	event_loop_free(p->loop);
	return p->exit_code;
}

int main(int argc, char **argv)
{
	struct program p = { .listen_fd = -1 };
	int ret;

	if (options_parse(&p.options, argc, argv)) {
		options_fini(&p.options);
		return 1;
	}
	log_init("vgpu-endpoint", p.options.name);
	if (p.options.version) {
		printf("vgpu-endpoint %s\n", VGPU_VERSION);
		ret = 0;
	} else if (p.options.print_capabilities) {
		ret = print_capabilities(&p.options);
	} else {
		ret = confine() ? 1 : serve(&p);
	}
	options_fini(&p.options);
	return ret;
}
