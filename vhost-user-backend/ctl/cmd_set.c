// SPDX-License-Identifier: MIT
/*
 * cmd_set.c - vgpuctl set VM weight=N: while it runs
 */
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

#define WEIGHT	"weight="

int cmd_set(struct ctl *ctl, int argc, char **argv)
{
	JsonBuilder *request;
	JsonObject *reply, *vm;
	guint64 weight;

	if (argc != 2)
		return ctl_usage("set takes the name of a VM and weight=N");
	if (!g_str_has_prefix(argv[1], WEIGHT))
		return ctl_usage("\"%s\" can not be set; weight=N can",
				 argv[1]);
	if (!g_ascii_string_to_unsigned(argv[1] + strlen(WEIGHT), 10, 1, 10000,
					&weight, NULL))
		return ctl_usage("\"%s\" is not a weight; it is a number from 1 to 10000",
				 argv[1] + strlen(WEIGHT));
	request = ctl_begin("set");
	json_builder_set_member_name(request, "vm");
	json_builder_add_string_value(request, argv[0]);
	json_builder_set_member_name(request, "weight");
	json_builder_add_int_value(request, (gint64)weight);
	reply = ctl_request(ctl, request);
	if (!reply)
		return CTL_FAILED;
	vm = ctl_object(reply, "vm");
	if (ctl->json)
		ctl_print_json(json_object_get_member(reply, "vm"));
	else if (vm)
		printf("%s: weight %" G_GINT64_FORMAT ", target share %.1f %%\n",
		       ctl_string(vm, "name"), ctl_int(vm, "weight"),
		       100 * ctl_double(vm, "target_share"));
	json_object_unref(reply);
	return vm ? CTL_OK : CTL_FAILED;
}
