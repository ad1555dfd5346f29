// SPDX-License-Identifier: MIT
/*
 * cmd_show.c - vgpuctl show VM: all there is to know of one
 */
#include <stdio.h>

#include "ctl/ctl.h"

static void print_int(JsonObject *vm, const char *label, const char *name)
{
	printf("%-14s %" G_GINT64_FORMAT "\n", label, ctl_int(vm, name));
}

static void print_seconds(JsonObject *vm, const char *label, const char *name)
{
	printf("%-14s %.3f s\n", label, ctl_double(vm, name));
}

static void print_percent(JsonObject *vm, const char *label, const char *name)
{
	printf("%-14s %.1f %%\n", label, 100 * ctl_double(vm, name));
}

/* Only where it has one. */
static void print_text(JsonObject *vm, const char *label, const char *name)
{
	const char *text = ctl_string(vm, name);

	if (*text)
		printf("%-14s %s\n", label, text);
}

static void print_wait(JsonObject *vm)
{
	printf("%-14s half within %.2f ms, 99 %% within %.2f ms\n", "last waits",
	       ctl_double(vm, "wait_p50_ms"), ctl_double(vm, "wait_p99_ms"));
}

/* In the words in which they can be set. */
static void print_settings(JsonObject *vm)
{
	JsonObject *settings = ctl_object(vm, "settings");
	GList *names = settings ? json_object_get_members(settings) : NULL, *n;

	if (!names)
		return;
	printf("%-14s", "settings");
	for (n = names; n; n = n->next) {
		const char *text = ctl_string(settings, n->data);

		if (*text)
			printf(" %s=%s", (char *)n->data, text);
		else
			printf(" %s=%" G_GINT64_FORMAT, (char *)n->data,
			       ctl_int(settings, n->data));
	}
	putchar('\n');
	g_list_free(names);
}

static void print_memory(JsonObject *vm)
{
	gint64 limit = ctl_int(vm, "memory_max");
	char used[16], max[16];

	printf("%-14s %s of %s\n", "memory",
	       ctl_bytes(ctl_int(vm, "memory"), used, sizeof(used)),
	       limit ? ctl_bytes(limit, max, sizeof(max)) : "unlimited");
}

static void print_vm(JsonObject *vm)
{
	printf("%-14s %s\n", "name", ctl_string(vm, "name"));
	printf("%-14s %s\n", "state", ctl_string(vm, "state"));
	print_text(vm, "suspended", "suspended");
	print_text(vm, "GPU", "gpu");
	print_text(vm, "profile", "profile");
	printf("%-14s %s\n", "socket", ctl_string(vm, "socket"));
	print_int(vm, "weight", "weight");
	print_percent(vm, "share", "share");
	print_percent(vm, "target share", "target_share");
	print_percent(vm, "busy", "busy");
	print_seconds(vm, "GPU time", "gpu_seconds");
	print_seconds(vm, "CPU time", "cpu_seconds");
	print_text(vm, "clock", "clock");
	print_seconds(vm, "waited", "wait_seconds");
	print_wait(vm);
	print_seconds(vm, "throttled", "throttled_seconds");
	print_seconds(vm, "GPU kept idle", "idle_seconds");
	printf("%-14s %.3f ms\n", "owed", ctl_double(vm, "lag_ms"));
	print_int(vm, "grants", "grants");
	print_int(vm, "jobs", "jobs");
	print_int(vm, "frames", "frames");
	print_int(vm, "errors", "errors");
	print_int(vm, "refused", "refused");
	print_int(vm, "hangs", "hangs");
	print_memory(vm);
	print_int(vm, "resources", "resources");
	print_int(vm, "contexts", "contexts");
	print_int(vm, "worker pid", "worker_pid");
	print_int(vm, "endpoint pid", "endpoint_pid");
	print_int(vm, "restarts", "restarts");
	print_int(vm, "connections", "connections");
	print_settings(vm);
}

int cmd_show(struct ctl *ctl, int argc, char **argv)
{
	JsonBuilder *request;
	JsonObject *reply, *vm;

	if (argc != 1)
		return ctl_usage("show takes the name of one VM");
	request = ctl_begin("show");
	json_builder_set_member_name(request, "vm");
	json_builder_add_string_value(request, argv[0]);
	reply = ctl_request(ctl, request);
	if (!reply)
		return CTL_FAILED;
	vm = ctl_object(reply, "vm");
	if (!vm)
		ctl_nonsense(ctl);
	else if (ctl->json)
		ctl_print_object(vm);
	else
		print_vm(vm);
	json_object_unref(reply);
	return vm ? CTL_OK : CTL_FAILED;
}
