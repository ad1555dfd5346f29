// SPDX-License-Identifier: MIT
/*
 * cmd_top.c - vgpuctl top: who uses the GPU, again and again
 *
 * Shares and rates are differences of vgpud's totals, so they are exact for
 * whatever interval was asked for. The first round has none to compare with and
 * shows vgpud's own last second.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "ctl/ctl.h"

static JsonObject *find_vm(GList *vms, const char *name)
{
	for (; vms; vms = vms->next) {
		if (!strcmp(ctl_string(vms->data, "name"), name))
			return vms->data;
	}
	return NULL;
}

/* A total of a VM that was connected anew may have gone back. */
static double grown(JsonObject *vm, JsonObject *before, const char *name)
{
	double now = (double)ctl_int(vm, name);

	return before ? MAX(0, now - (double)ctl_int(before, name)) : 0;
}

static double used_by_all(GList *vms, GList *before)
{
	double all = 0;

	for (; vms; vms = vms->next)
		all += grown(vms->data,
			     find_vm(before, ctl_string(vms->data, "name")),
			     "gpu_ns");
	return all;
}

static void print_vm(JsonObject *vm, JsonObject *before, double elapsed_ns,
		     double all)
{
	double share = ctl_double(vm, "share"), busy = ctl_double(vm, "busy");
	double frames = 0, jobs = 0;
	char memory[16];

	if (before && elapsed_ns > 0) {
		share = all > 0 ? grown(vm, before, "gpu_ns") / all : 0;
		busy = MIN(1, grown(vm, before, "busy_ns") / elapsed_ns);
		frames = grown(vm, before, "frames") * 1e9 / elapsed_ns;
		jobs = grown(vm, before, "jobs") * 1e9 / elapsed_ns;
	}
	printf("%-16s %-10s %6" G_GINT64_FORMAT
	       " %6.1f%% %6.1f%% %5.0f%% %7.1f %7.1f %8s %4" G_GINT64_FORMAT
	       "%s\n", ctl_string(vm, "name"), ctl_string(vm, "state"),
	       ctl_int(vm, "weight"), 100 * share,
	       100 * ctl_double(vm, "target_share"), 100 * busy, jobs, frames,
	       ctl_bytes(ctl_int(vm, "memory"), memory, sizeof(memory)),
	       ctl_int(vm, "contexts"),
	       json_object_get_boolean_member_with_default(vm, "holds_lease",
							   FALSE) ? " *" : "");
}

static void print_round(JsonObject *reply, JsonObject *last)
{
	GList *vms = ctl_vms(reply), *before = last ? ctl_vms(last) : NULL, *i;
	double elapsed = last ? (double)(ctl_int(reply, "monotonic_ns") -
					 ctl_int(last, "monotonic_ns")) : 0;
	double all = used_by_all(vms, before);

	if (isatty(STDOUT_FILENO))
		fputs("\033[H\033[2J", stdout);
	printf("%s%s, %" G_GINT64_FORMAT " connected", ctl_string(reply, "renderer"),
	       json_object_get_boolean_member_with_default(reply,
							   "cpu_renderer", FALSE)
	       ? " (CPU)" : "", ctl_int(reply, "connected"));
	if (elapsed > 0)
		printf(", used %.1f %%", 100 * all / elapsed);
	printf("\n%-16s %-10s %6s %7s %7s %6s %7s %7s %8s %4s\n", "NAME",
	       "STATE", "WEIGHT", "SHARE", "TARGET", "BUSY", "JOBS/s", "FRAMES/s",
	       "MEMORY", "CTX");
	for (i = vms; i; i = i->next)
		print_vm(i->data, find_vm(before, ctl_string(i->data, "name")),
			 elapsed, all);
	if (!isatty(STDOUT_FILENO))
		putchar('\n');
	fflush(stdout);
	g_list_free(vms);
	g_list_free(before);
}

int cmd_top(struct ctl *ctl, int argc, char **argv)
{
	double delay = ctl->delay > 0 ? ctl->delay : 2;
	JsonObject *last = NULL, *reply;
	int round;

	if (argc)
		return ctl_usage("top takes no arguments but -d and -n");
	for (round = 0; ctl->rounds < 0 || round < ctl->rounds; round++) {
		if (round)
			g_usleep((gulong)(delay * 1e6));
		reply = ctl_request(ctl, ctl_begin("stats"));
		if (!reply) {
			g_clear_pointer(&last, json_object_unref);
			return CTL_FAILED;
		}
		if (ctl->json) {
			JsonNode *node = json_node_new(JSON_NODE_OBJECT);

			json_node_set_object(node, reply);
			ctl_print_json(node);
			json_node_unref(node);
		} else {
			print_round(reply, last);
		}
		g_clear_pointer(&last, json_object_unref);
		last = reply;
	}
	g_clear_pointer(&last, json_object_unref);
	return CTL_OK;
}
