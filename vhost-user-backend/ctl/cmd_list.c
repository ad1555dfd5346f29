// SPDX-License-Identifier: MIT
/*
 * cmd_list.c - vgpuctl list: one line a VM
 */
#include <stdio.h>

#include "ctl/ctl.h"

static void print_vm(JsonObject *vm)
{
	char memory[16];

	printf("%-16s %-10s %6" G_GINT64_FORMAT " %6.1f%% %6.1f%% %9.1f %8s %6"
	       G_GINT64_FORMAT "\n", ctl_string(vm, "name"),
	       ctl_string(vm, "state"), ctl_int(vm, "weight"),
	       100 * ctl_double(vm, "share"),
	       100 * ctl_double(vm, "target_share"),
	       ctl_double(vm, "gpu_seconds"),
	       ctl_bytes(ctl_int(vm, "memory"), memory, sizeof(memory)),
	       ctl_int(vm, "worker_pid"));
}

int cmd_list(struct ctl *ctl, int argc, char **argv)
{
	JsonObject *reply;
	GList *vms, *vm;

	if (argc)
		return ctl_usage("list takes no arguments");
	reply = ctl_request(ctl, ctl_begin("list"));
	if (!reply)
		return CTL_FAILED;
	if (!ctl_array(reply, "vms")) {
		ctl_nonsense(ctl);
		json_object_unref(reply);
		return CTL_FAILED;
	}
	vms = ctl_vms(reply);
	if (ctl->json) {
		ctl_print_json(json_object_get_member(reply, "vms"));
	} else {
		printf("%-16s %-10s %6s %7s %7s %9s %8s %6s\n", "NAME", "STATE",
		       "WEIGHT", "SHARE", "TARGET", "GPU s", "MEMORY", "PID");
		for (vm = vms; vm; vm = vm->next)
			print_vm(vm->data);
	}
	g_list_free(vms);
	json_object_unref(reply);
	return CTL_OK;
}
