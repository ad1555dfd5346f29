// SPDX-License-Identifier: MIT
/*
 * test-json.c - what is written is what a reader of JSON gets
 */
#include <locale.h>
#include <math.h>
#include <string.h>

#include <json-glib/json-glib.h>

#include "broker/json.h"
#include "tests/lib/runner.h"

static JsonNode *parse(char *text)
{
	JsonNode *node = json_from_string(text, NULL);

	if (!node)
		g_error("no JSON: %s", text);
	g_assert_null(strchr(text, '\n'));
	g_free(text);
	return node;
}

static void test_values(void)
{
	struct json *json;
	JsonObject *o, *in;
	JsonNode *node;
	JsonArray *a;

	setlocale(LC_ALL, "de_DE.UTF-8");
	json = json_new();
	json_bool(json, "yes", true);
	json_int(json, "big", UINT64_MAX);
	json_double(json, "half", 0.5);
	json_double(json, "whole", 3);
	json_double(json, "tiny", 1e-300);
	json_double(json, "none", NAN);
	json_open(json, "array", '[');
	json_int(json, NULL, 1);
	json_open(json, NULL, '{');
	json_string(json, "x", "y");
	json_close(json);
	json_open(json, NULL, '[');
	json_close(json);
	json_close(json);
	json_bool(json, "after", false);
	node = parse(json_end(json));
	o = json_node_get_object(node);
	g_assert_true(json_object_get_boolean_member(o, "yes"));
	g_assert_cmpint(json_object_get_int_member(o, "big"), ==, G_MAXINT64);
	g_assert_cmpfloat(json_object_get_double_member(o, "half"), ==, 0.5);
	g_assert_true(json_node_get_value_type(json_object_get_member(o, "whole")) ==
		      G_TYPE_DOUBLE);
	g_assert_cmpfloat(json_object_get_double_member(o, "tiny"), ==, 1e-300);
	g_assert_cmpfloat(json_object_get_double_member(o, "none"), ==, 0);
	a = json_object_get_array_member(o, "array");
	g_assert_cmpuint(json_array_get_length(a), ==, 3);
	in = json_array_get_object_element(a, 1);
	g_assert_cmpstr(json_object_get_string_member(in, "x"), ==, "y");
	g_assert_false(json_object_get_boolean_member(o, "after"));
	json_node_unref(node);
}

/* Whatever the bytes are, the text is JSON; what is UTF-8 comes back. */
static void test_strings(void)
{
	int i, k;

	for (i = 0; i < 3000; i++) {
		char text[40] = "";
		int len = g_test_rand_int_range(0, 39);
		struct json *json = json_new();
		const char *back;
		JsonNode *node;

		for (k = 0; k < len; k++)
			text[k] = (char)g_test_rand_int_range(1, i & 1 ? 128 :
							      256);
		json_string(json, "text", text);
		node = parse(json_end(json));
		back = json_object_get_string_member(json_node_get_object(node),
						     "text");
		if (g_utf8_validate(text, -1, NULL))
			g_assert_cmpstr(back, ==, text);
		else
			g_assert_true(g_utf8_validate(back, -1, NULL));
		json_node_unref(node);
	}
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/broker/json/values", test_values, 0);
	runner_add("/broker/json/strings", test_strings, 0);
	return runner_run();
}
