// SPDX-License-Identifier: MIT
/*
 * cmd_record.c - vgpuctl record: shares over time, until interrupted
 *
 * Each sample is written at once: whatever ends it, what was recorded is there.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"
#include "ctl/recording.h"

#define STEP_US		50000

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	interrupted = 1;
}

static bool put(FILE *to, char *line)
{
	bool ok = fputs(line, to) >= 0 && !fflush(to);

	g_free(line);
	return ok;
}

/* Those since the last sample. Return: the next to ask for, -1: failed. */
static gint64 put_events(struct ctl *ctl, FILE *to, gint64 next, bool silent)
{
	JsonObject *reply = ctl_since(ctl, "events", next);
	GList *events, *i;
	bool ok = reply != NULL;

	if (!reply)
		return -1;
	events = ctl_objects(reply, "events");
	for (i = events; i && ok && !silent; i = i->next)
		ok = put(to, recording_event(i->data));
	g_list_free(events);
	/* what was before the recording is not part of it */
	next = silent ? ctl_int(reply, "end") : ctl_int(reply, "next");
	json_object_unref(reply);
	return ok ? next : -1;
}

static void sleep_until(gint64 at_us)
{
	gint64 left;

	while (!interrupted && (left = at_us - g_get_monotonic_time()) > 0)
		g_usleep((gulong)MIN(left, STEP_US));
}

static int record(struct ctl *ctl, FILE *to, const char *path)
{
	double delay = ctl->delay > 0 ? ctl->delay : 0.25;
	gint64 began = g_get_monotonic_time(), next = 1;
	unsigned int samples;

	next = put_events(ctl, to, next, true);
	if (next < 0)
		return CTL_FAILED;
	for (samples = 0; ; ) {
		JsonObject *reply = ctl_request(ctl, ctl_begin("stats"));
		bool ok = reply && put(to, recording_sample(reply));

		if (!reply)
			return CTL_FAILED;
		json_object_unref(reply);
		next = ok ? put_events(ctl, to, next, false) : -1;
		if (!ok || ferror(to))
			ctl_error("%s: %s", path, strerror(errno));
		if (next < 0)
			return CTL_FAILED;
		samples++;
		if (interrupted || (ctl->seconds > 0 &&
		    (double)(g_get_monotonic_time() - began) / 1e6 >= ctl->seconds))
			break;
		sleep_until(began + (gint64)(delay * 1e6 * samples));
	}
	if (to != stdout)
		printf("%s: %u samples; vgpuctl plot %s FILE.svg draws them\n",
		       path, samples, path);
	return CTL_OK;
}

int cmd_record(struct ctl *ctl, int argc, char **argv)
{
	struct sigaction action = { .sa_handler = on_signal };
	FILE *to;
	int ret;

	if (argc != 1)
		return ctl_usage("record takes the name of a file to write, or -");
	to = strcmp(argv[0], "-") ? fopen(argv[0], "we") : stdout;
	if (!to) {
		ctl_error("%s: %s", argv[0], strerror(errno));
		return CTL_FAILED;
	}
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	ret = record(ctl, to, argv[0]);
	if (to != stdout && fclose(to) && ret == CTL_OK) {
		ctl_error("%s: %s", argv[0], strerror(errno));
		ret = CTL_FAILED;
	}
	return ret;
}
