/* SPDX-License-Identifier: MIT */
/*
 * recording.h - shares over time, as vgpuctl record writes and plot reads them
 *
 * A JSON object a line, each a shortened reply to "stats", as vgpuctl --json top
 * prints them too, or {"event":{...}}. Files come from anywhere: what is no
 * recording is refused with its line, and what does not matter is ignored.
 */
#ifndef CTL_RECORDING_H
#define CTL_RECORDING_H

#include <stdio.h>

#include <json-glib/json-glib.h>

#define RECORDING_LINE_MAX	(4u << 20)
#define RECORDING_VMS_MAX	1024
#define RECORDING_SAMPLES_MAX	1000000
#define RECORDING_CELLS_MAX	(16u << 20)	/* samples times VMs */

/** struct recording_vm - arrays have one element a sample */
struct recording_vm {
	char *name;
	char *gpu;			/* "" if it is not told */
	GArray *gpu_s;			/* double: used so far; NAN: not there */
	GArray *target;			/* double: 0 to 1; NAN: has no work */
};

struct recording_mark {
	double at_s;
	char *text;
};

struct recording {
	char *renderer;			/* "" if it is not told */
	GArray *at_s;			/* double, from 0, ascending */
	GPtrArray *vms;			/* struct recording_vm */
	GArray *marks;			/* struct recording_mark */
};

/**
 * recording_read() - read a file ("-": standard input)
 *
 * Return: NULL with @why set (g_free it).
 */
struct recording *recording_read(const char *path, char **why);

/** recording_read_from() - the same; @path is for messages */
struct recording *recording_read_from(FILE *file, const char *path, char **why);
void recording_free(struct recording *recording);

/** recording_sample() - the line for a reply to "stats", with its end */
char *recording_sample(JsonObject *reply);

/** recording_event() - the line for an event, with its end */
char *recording_event(JsonObject *event);

#endif
