// SPDX-License-Identifier: MIT
/*
 * values.c - what a reply says, and how people read it
 */
#include <stdarg.h>
#include <stdio.h>

#include "ctl/ctl.h"

void ctl_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("vgpuctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

int ctl_usage(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("vgpuctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputs("; see vgpuctl --help\n", stderr);
	va_end(ap);
	return CTL_USAGE;
}

void ctl_print_json(JsonNode *node)
{
	char *text = json_to_string(node, FALSE);

	puts(text);
	fflush(stdout);
	g_free(text);
}

double ctl_double(JsonObject *object, const char *name)
{
	return json_object_get_double_member_with_default(object, name, 0);
}

gint64 ctl_int(JsonObject *object, const char *name)
{
	return json_object_get_int_member_with_default(object, name, 0);
}

const char *ctl_string(JsonObject *object, const char *name)
{
	return json_object_get_string_member_with_default(object, name, "");
}

JsonObject *ctl_object(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node && JSON_NODE_HOLDS_OBJECT(node) ?
		json_node_get_object(node) : NULL;
}

GList *ctl_vms(JsonObject *reply)
{
	JsonNode *node = json_object_get_member(reply, "vms");
	GList *vms = NULL;
	guint i;

	if (!node || !JSON_NODE_HOLDS_ARRAY(node))
		return NULL;
	for (i = 0; i < json_array_get_length(json_node_get_array(node)); i++) {
		JsonNode *vm = json_array_get_element(json_node_get_array(node),
						      i);

		if (JSON_NODE_HOLDS_OBJECT(vm))
			vms = g_list_append(vms, json_node_get_object(vm));
	}
	return vms;
}

const char *ctl_bytes(gint64 bytes, char *buf, size_t size)
{
	static const char units[] = "BKMGTP";
	double value = (double)bytes;
	unsigned int unit = 0;

	while (value >= 1024 && unit < sizeof(units) - 2) {
		value /= 1024;
		unit++;
	}
	g_snprintf(buf, size, unit ? "%.1f%c" : "%.0f%c", value, units[unit]);
	return buf;
}
