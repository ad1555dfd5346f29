// SPDX-License-Identifier: MIT
/*
 * main.c - vgpud: options, start, signals, end
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/log.h"
#include "broker/adopt.h"
#include "broker/broker.h"
#include "broker/change.h"
#include "broker/config.h"
#include "broker/control.h"
#include "broker/endpoint.h"
#include "broker/events.h"
#include "broker/gpu.h"
#include "broker/live.h"
#include "broker/metrics.h"
#include "broker/notify.h"
#include "broker/reload.h"
#include "broker/state.h"
#include "broker/trace.h"
#include "broker/vm.h"

#define STOP_MS		1000	/* for endpoints to end by themselves */

struct options {
	char *config;
	gboolean check, version;
};

static void on_event(void *opaque)
{
	const struct broker *broker = opaque;

	control_posted(broker->control);
}

static void on_reload(void *opaque)
{
	reload(opaque);
}

static void on_stop(void *opaque)
{
	struct broker *broker = opaque;

	if (broker->stopping)
		return;
	broker->stopping = true;
	event_loop_quit(broker->loop);
}

/* For another vgpud to take over: VMs go on, unscheduled meanwhile. */
static void on_leave(void *opaque)
{
	struct broker *broker = opaque;

	broker->leaving = true;
	on_stop(broker);
}

static struct config *load(const char *path)
{
	GPtrArray *errors = g_ptr_array_new_with_free_func(g_free);
	struct config *config = config_load(path, errors);
	guint i;

	for (i = 0; i < errors->len; i++)
		log_error("%s", (char *)g_ptr_array_index(errors, i));
	g_ptr_array_free(errors, TRUE);
	return config;
}

static int parse_options(int argc, char **argv, struct options *o)
{
	const GOptionEntry entries[] = {
		{ "config", 'c', 0, G_OPTION_ARG_FILENAME, &o->config,
		  "configuration (default " VGPU_SYSCONFDIR "/vgpu/vgpud.conf)",
		  "PATH" },
		{ "check-config", 0, 0, G_OPTION_ARG_NONE, &o->check,
		  "check the configuration, and end", NULL },
		{ "version", 'V', 0, G_OPTION_ARG_NONE, &o->version,
		  "print the version, and end", NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL },
	};
	GOptionContext *context = g_option_context_new("- divides a GPU between virtual machines");
	GError *error = NULL;
	int ret = 0;

	g_option_context_add_main_entries(context, entries, NULL);
	if (!g_option_context_parse(context, &argc, &argv, &error)) {
		log_error("%s; see vgpud --help", error->message);
		g_error_free(error);
		ret = -EINVAL;
	} else if (argc > 1) {
		log_error("\"%s\" is no option; see vgpud --help", argv[1]);
		ret = -EINVAL;
	}
	g_option_context_free(context);
	if (!o->config)
		o->config = g_strdup(VGPU_SYSCONFDIR "/vgpu/vgpud.conf");
	return ret;
}

static int start(struct broker *broker)
{
	const struct config *config = broker->config;
	guint i;
	int ret;

	if (g_mkdir_with_parents(config->runtime_dir, 0755)) {
		ret = -errno;
		log_error("runtime-dir %s: %s; make it writable, or choose another in [vgpud]",
			  config->runtime_dir, strerror(-ret));
		return ret;
	}
	/* first, so that a second vgpud ends before it has touched anything */
	broker->control = control_new(broker, config->control_socket);
	if (!broker->control)
		return -EADDRINUSE;
	ret = gpus_start(broker);
	if (ret)
		return ret;
	state_load(broker);
	for (i = 0; i < config->vms->len; i++) {
		if (!vm_new(broker, g_ptr_array_index(config->vms, i), NULL))
			return -EADDRINUSE;
	}
	change_restore(broker);
	broker->adopt = adopt_new(broker);
	if (!broker->adopt)
		return -EADDRINUSE;
	if (config->metrics) {
		broker->metrics = metrics_new(broker, config->metrics);
		if (!broker->metrics)
			return -EADDRINUSE;
	}
	return 0;
}

static bool any_endpoint(const struct broker *broker)
{
	guint i;

	for (i = 0; i < broker->vms->len; i++) {
		if (((struct vm *)g_ptr_array_index(broker->vms, i))->endpoint)
			return true;
	}
	return false;
}

/* Endpoints get a second to tell their front ends, then they are killed. */
static void stop(struct broker *broker)
{
	uint64_t end = event_now_ns() + STOP_MS * 1000000ull;
	guint i;

	for (i = broker->vms->len; i--;) {
		struct vm *vm = g_ptr_array_index(broker->vms, i);

		vm_stop_listening(vm);
		if (vm->endpoint && broker->leaving)
			endpoint_leave(vm->endpoint);
		else if (vm->endpoint)
			endpoint_stop(vm->endpoint, false);
	}
	adopt_free(broker->adopt);
	while (!broker->leaving && any_endpoint(broker) && event_now_ns() < end)
		event_loop_iterate(broker->loop, 50);
	while (broker->vms->len)
		vm_free(g_ptr_array_index(broker->vms, 0));
	gpus_stop(broker);
	control_free(broker->control);
	metrics_free(broker->metrics);
	events_free(broker->events);
	trace_free(broker->trace);
	live_free(broker->live);
	g_ptr_array_free(broker->gpus, TRUE);
	g_ptr_array_free(broker->vms, TRUE);
	config_free(broker->config);
}

/* A VM takes about ten descriptors. */
static void raise_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static int serve(struct config *config)
{
	struct broker broker = {
		.config = config,
		.started_ns = event_now_ns(),
	};
	struct event_source *signals[4];
	size_t i;
	int ret;

	raise_limit();
	broker.loop = event_loop_new();
	broker.vms = g_ptr_array_new();
	broker.events = events_new(on_event, &broker);
	broker.trace = trace_new();
	broker.gpus = g_ptr_array_new();
	broker.live = live_new();
	signals[0] = event_add_signal(broker.loop, SIGTERM, on_stop, &broker);
	signals[1] = event_add_signal(broker.loop, SIGINT, on_stop, &broker);
	signals[2] = event_add_signal(broker.loop, SIGHUP, on_reload, &broker);
	signals[3] = event_add_signal(broker.loop, SIGUSR1, on_leave, &broker);
	ret = start(&broker);
	if (!ret) {
		log_info("%u VMs, control socket %s", broker.vms->len,
			 broker.config->control_socket);
		notify_send("READY=1");
		event_loop_run(broker.loop);
		notify_send("STOPPING=1");
	}
	broker.stopping = true;
	for (i = 0; i < G_N_ELEMENTS(signals); i++)
		event_del(signals[i]);
	stop(&broker);
	event_loop_free(broker.loop);
	return ret;
}

int main(int argc, char **argv)
{
	struct options options = { 0 };
	struct config *config;
	int ret;

	log_init("vgpud", NULL);
	signal(SIGPIPE, SIG_IGN);
	if (parse_options(argc, argv, &options))
		return 2;
	if (options.version) {
		printf("vgpud %s\n", VGPU_VERSION);
		g_free(options.config);
		return 0;
	}
	config = load(options.config);
	if (!config) {
		g_free(options.config);
		return 2;
	}
	if (options.check) {
		printf("%s: ok, %u VMs\n", options.config, config->vms->len);
		config_free(config);
		ret = 0;
	} else {
		ret = serve(config);
	}
	g_free(options.config);
	return ret ? EXIT_FAILURE : EXIT_SUCCESS;
}
