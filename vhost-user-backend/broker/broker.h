/* SPDX-License-Identifier: MIT */
/*
 * broker.h - the one vgpud of a host: what its parts share
 *
 * DOC: Theory of operation
 *
 * main.c     options, start, signals, end
 * config.c   vgpud.conf, as a whole or not at all; reload.c applies a new one
 * probe.c    capability sets, once, from a process that ends
 * vm.c       a configured VM: its socket, and who may connect to it
 * endpoint.c one connection of a VM: the vgpu-endpoint process and its messages
 * control.c  clients and their lines; command.c what they may ask for
 * events.c   what has happened; trace.c who had the GPU when; watch.c the
 *            requests for both
 * metrics.c  the same figures for a monitoring system
 * state.c    weights that were set live, over a restart
 *
 * vgpud accepts the front end's connection and gives it to an endpoint: no
 * VM's memory is mapped here, and no byte of a guest or VMM is read.
 */
#ifndef BROKER_BROKER_H
#define BROKER_BROKER_H

#include <stdbool.h>
#include <stdint.h>

#include <glib.h>

#ifndef VGPU_VERSION
#define VGPU_VERSION	"0.1"
#endif

struct arbiter;
struct config;
struct control;
struct event_loop;
struct events;
struct metrics;
struct trace;
struct vgpu_caps;

struct broker {
	struct event_loop *loop;
	struct config *config;
	struct arbiter *arbiter;
	struct control *control;
	struct events *events;		/* NULL: nobody keeps them */
	struct trace *trace;
	struct metrics *metrics;	/* NULL: not served */
	GPtrArray *vms;			/* struct vm */
	GHashTable *live_weights;	/* VM name to weight, set by clients */

	/* the GPU, as probed at the start */
	int caps_fd;			/* sealed struct vgpu_caps */
	char *render_node;		/* "": surfaceless or null */
	char *renderer_name;
	bool has_3d, cpu_renderer;

	uint64_t started_ns;
	bool stopping;
};

#endif
