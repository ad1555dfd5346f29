/* SPDX-License-Identifier: MIT */
/*
 * broker.h - the one vgpud of a host: what its parts share
 *
 * DOC: Theory of operation
 *
 * main.c     options, start, signals, end
 * config.c   vgpud.conf, as a whole or not at all; reload.c applies a new one
 * gpu.c      one GPU, or set of CPUs that plays one: its arbiter is a lane
 * probe.c    capability sets, once a GPU, from a process that ends
 * placement.c  which GPU a VM gets, and whether its promises can be kept
 * vm.c       a configured VM: its socket, and who may connect to it
 * adopt.c    endpoints that have outlived the vgpud that started them
 * hangs.c    what is done with VMs whose jobs do not end
 * endpoint.c one connection of a VM: the vgpu-endpoint process and its messages
 * control.c  clients and their lines; command.c what they may ask for,
 *            change.c what they may change
 * events.c   what has happened; trace.c who had the GPU when; watch.c the
 *            requests for both
 * metrics.c  the same figures for a monitoring system
 * live.c     what clients have set; state.c keeps it over a restart
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

struct adopt;
struct config;
struct control;
struct event_loop;
struct events;
struct live;
struct metrics;
struct trace;

struct broker {
	struct event_loop *loop;
	struct config *config;
	struct control *control;
	struct events *events;		/* NULL: nobody keeps them */
	struct trace *trace;
	struct metrics *metrics;	/* NULL: not served */
	GPtrArray *vms;			/* struct vm */
	GPtrArray *gpus;		/* struct gpu, as in config->gpus */
	struct live *live;
	struct adopt *adopt;		/* NULL: endpoints can not come back */

	uint64_t started_ns;
	bool stopping;
	bool leaving;			/* and endpoints go on without us */
};

#endif
