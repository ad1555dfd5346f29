// SPDX-License-Identifier: MIT
/*
 * values.c - what a reply says, and how people read it
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/ctl.h"

void (*ctl_before_error)(void);

static void before_error(void)
{
	void (*fn)(void) = ctl_before_error;

	ctl_before_error = NULL;
	if (fn)
		fn();
}

void ctl_error(const char *fmt, ...)
{
	va_list ap;

	before_error();
	va_start(ap, fmt);
	fputs("vgpuctl: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
}

void ctl_nonsense(struct ctl *ctl)
{
	ctl_error("what listens at %s is no vgpud, or a newer one: its reply makes no sense",
		  ctl->socket);
}

int ctl_usage(const char *fmt, ...)
{
	va_list ap;

	before_error();
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

void ctl_print_object(JsonObject *object)
{
	JsonNode *node = json_node_new(JSON_NODE_OBJECT);

	json_node_set_object(node, object);
	ctl_print_json(node);
	json_node_unref(node);
}

bool ctl_write(const char *path, const char *text, size_t len)
{
	GError *error = NULL;

	if (!strcmp(path, "-")) {
		if (fwrite(text, 1, len, stdout) == len && !fflush(stdout))
			return true;
		ctl_error("standard output can not be written to");
		return false;
	}
	if (g_file_set_contents(path, text, (gssize)len, &error))
		return true;
	ctl_error("%s", error->message);
	g_error_free(error);
	return false;
}

/* Its type, G_TYPE_INVALID if it has none: no member, or no plain value. */
static GType type_of(JsonObject *object, const char *name, JsonNode **node)
{
	*node = json_object_get_member(object, name);
	return *node && JSON_NODE_HOLDS_VALUE(*node) ?
		json_node_get_value_type(*node) : G_TYPE_INVALID;
}

double ctl_double(JsonObject *object, const char *name)
{
	JsonNode *node;
	GType type = type_of(object, name, &node);

	return type == G_TYPE_DOUBLE || type == G_TYPE_INT64 ?
		json_node_get_double(node) : 0;
}

gint64 ctl_int(JsonObject *object, const char *name)
{
	JsonNode *node;

	return type_of(object, name, &node) == G_TYPE_INT64 ?
		json_node_get_int(node) : 0;
}

const char *ctl_string(JsonObject *object, const char *name)
{
	JsonNode *node;

	return type_of(object, name, &node) == G_TYPE_STRING ?
		json_node_get_string(node) : "";
}

bool ctl_bool(JsonObject *object, const char *name)
{
	JsonNode *node;

	return type_of(object, name, &node) == G_TYPE_BOOLEAN &&
		json_node_get_boolean(node);
}

JsonObject *ctl_object(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node && JSON_NODE_HOLDS_OBJECT(node) ?
		json_node_get_object(node) : NULL;
}

JsonArray *ctl_array(JsonObject *object, const char *name)
{
	JsonNode *node = json_object_get_member(object, name);

	return node && JSON_NODE_HOLDS_ARRAY(node) ? json_node_get_array(node) :
		NULL;
}

GList *ctl_objects(JsonObject *reply, const char *name)
{
	JsonArray *array = ctl_array(reply, name);
	GList *objects = NULL;
	guint i = array ? json_array_get_length(array) : 0;

	while (i--) {
		JsonNode *node = json_array_get_element(array, i);

		if (JSON_NODE_HOLDS_OBJECT(node))
			objects = g_list_prepend(objects,
						 json_node_get_object(node));
	}
	return objects;
}

GList *ctl_vms(JsonObject *reply)
{
	return ctl_objects(reply, "vms");
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
