// SPDX-License-Identifier: MIT
/*
 * test-recording.c - recordings, good and bad, and the picture of them
 */
#include <locale.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <gio/gio.h>
#include <glib.h>
#include <glib/gstdio.h>

#include "ctl/recording.h"
#include "ctl/svg.h"
#include "tests/lib/runner.h"

static struct recording *read_text(const char *text, gsize len, char **why)
{
	g_autofree char *path = NULL;
	int fd = g_file_open_tmp("vgpu-recording-XXXXXX", &path, NULL);
	struct recording *r;

	g_assert_cmpint(fd, >=, 0);
	close(fd);
	g_assert_true(g_file_set_contents(path, text, (gssize)len, NULL));
	r = recording_read(path, why);
	g_assert_true((r == NULL) == (*why != NULL));
	g_unlink(path);
	return r;
}

#define VM(name, gpu, busy, target) \
	"{\"name\":\"" name "\",\"gpu_ns\":" #gpu ",\"busy_ns\":" #busy \
	",\"busy\":1,\"target_share\":" #target "}"
#define SAMPLE(at, vms) "{\"monotonic_ns\":" #at ",\"vms\":[" vms "]}\n"

static const char step[] =
	SAMPLE(1000000000, VM("a", 0, 0, 0.5) "," VM("b", 0, 0, 0.5))
	SAMPLE(2000000000, VM("a", 500000000, 900000000, 0.5) ","
	       VM("b", 500000000, 900000000, 0.5))
	"\n{\"event\":{\"event\":\"set\",\"vm\":\"a\",\"monotonic_ns\":2100000000,"
	"\"message\":\"weight 100 to 300 by pid 1, uid 0\"}}\n"
	"{\"event\":{\"event\":\"connected\",\"vm\":\"c\",\"monotonic_ns\":2100000001}}\n"
	SAMPLE(3000000000, VM("a", 1250000000, 1900000000, 0.75) ","
	       VM("b", 750000000, 1900000000, 0.25) "," VM("idle", 0, 0, 0.2));

static double value(const GArray *array, guint i)
{
	return g_array_index(array, double, i);
}

static void test_read(void)
{
	char *why = NULL;
	struct recording *r = read_text(step, strlen(step), &why);
	struct recording_vm *a, *idle;

	g_assert_nonnull(r);
	g_assert_cmpuint(r->at_s->len, ==, 3);
	g_assert_cmpfloat(value(r->at_s, 2), ==, 2);
	g_assert_cmpuint(r->vms->len, ==, 3);
	a = r->vms->pdata[0];
	g_assert_cmpstr(a->name, ==, "a");
	g_assert_cmpfloat(value(a->gpu_s, 2), ==, 1.25);
	g_assert_cmpfloat(value(a->target, 2), ==, 0.75);
	idle = r->vms->pdata[2];
	g_assert_cmpuint(idle->gpu_s->len, ==, 3);
	g_assert_true(isnan(value(idle->gpu_s, 1)));
	g_assert_cmpuint(r->marks->len, ==, 1);
	g_assert_cmpstr(g_array_index(r->marks, struct recording_mark, 0).text,
			==, "a: weight 100 to 300");
	recording_free(r);
}

static const char *const bad[] = {
	"", "\n\n", "x", "{}", "[]", "null", "{\"monotonic_ns\":1}", "\xff",
	"{\"vms\":[]}", "{\"monotonic_ns\":-1,\"vms\":[]}",
	"{\"monotonic_ns\":\"1\",\"vms\":[]}",
	"{\"monotonic_ns\":1,\"vms\":{}}", "{\"event\":1}",
	SAMPLE(1, ""),
	SAMPLE(1, "") SAMPLE(1, ""),
	SAMPLE(2, "") SAMPLE(1, ""),
	SAMPLE(1, "") "{\"monotonic_ns\":2",
	SAMPLE(1, "") SAMPLE(2, "") "trailing",
	SAMPLE(1, VM("a", 0, 0, 0) "," VM("a", 0, 0, 0)) SAMPLE(2, ""),
	SAMPLE(1, VM("a", -5, 0, 0)) SAMPLE(2, ""),
	SAMPLE(1, VM("", 0, 0, 0)) SAMPLE(2, ""),
	SAMPLE(1, "{}") SAMPLE(2, ""),
	SAMPLE(1, "{\"name\":1}") SAMPLE(2, ""),
};

static void test_bad(void)
{
	char *deep = g_strnfill(100000, '['), *why = NULL;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_assert_null(read_text(bad[i], strlen(bad[i]), &why));
		g_test_message("%s", why);
		g_assert_cmpuint(strlen(why), >, 20);
		g_clear_pointer(&why, g_free);
	}
	g_assert_null(read_text(deep, strlen(deep), &why));
	g_clear_pointer(&why, g_free);
	g_assert_null(read_text("{}\0{}\n", 6, &why));
	g_clear_pointer(&why, g_free);
	g_assert_null(recording_read("/nonexistent/recording", &why));
	g_assert_nonnull(strstr(why, "No such file"));
	g_clear_pointer(&why, g_free);
	g_assert_null(recording_read("/", &why));
	g_free(why);
	g_free(deep);
}

/* Odd values are drawn as if they were not there, and never as "nan". */
static const char odd[] =
	SAMPLE(1, VM("a", 0, 0, 5) "," VM("b", 0, 0, -1))
	SAMPLE(9000000000000000000, VM("a", 9000000000000000000, 1, 0.5) ","
	       VM("b", 1, 9000000000000000000, 1e300))
	SAMPLE(9000000000000000001, VM("a", 1, 1, 0.5) "," VM("<b>&\\u0001\\\"", 1, 1, 1));

static void parse_error(GMarkupParseContext *context, GError *error,
			gpointer opaque)
{
	g_error("%s", error->message);
}

/* Well-formed, with numbers in it that are ones. */
static char *draw(const char *text)
{
	static const GMarkupParser parser = { .error = parse_error };
	g_autoptr(GMarkupParseContext) context =
		g_markup_parse_context_new(&parser, 0, NULL, NULL);
	char *why = NULL;
	struct recording *r = read_text(text, strlen(text), &why);
	GString *svg;

	g_assert_cmpstr(why, ==, NULL);
	svg = svg_shares(r);
	recording_free(r);
	g_assert_true(g_markup_parse_context_parse(context, svg->str,
						   (gssize)svg->len, NULL));
	g_assert_true(g_markup_parse_context_end_parse(context, NULL));
	g_assert_null(strstr(svg->str, "nan"));
	g_assert_null(strstr(svg->str, "inf"));
	return g_string_free(svg, FALSE);
}

static void test_picture(void)
{
	g_autofree char *svg = NULL, *other = NULL;

	setlocale(LC_ALL, "de_DE.UTF-8");
	svg = draw(step);
	/* legend, what happened, axes, and dashes for what is due */
	g_assert_nonnull(strstr(svg, ">a</text>"));
	g_assert_nonnull(strstr(svg, ">b</text>"));
	g_assert_null(strstr(svg, ">idle</text>"));
	g_assert_nonnull(strstr(svg, ">due</text>"));
	g_assert_nonnull(strstr(svg, ">a: weight 100 to 300</text>"));
	g_assert_nonnull(strstr(svg, ">seconds</text>"));
	g_assert_nonnull(strstr(svg, ">50 %</text>"));
	/* a: 50 % over the first second, 75 % over the other; by hand */
	g_assert_nonnull(strstr(svg, "stroke-width=\"2\" d=\"M56.0 198.0L228.0 198.0L572.0 131.0\""));
	g_assert_nonnull(strstr(svg, "d=\"M56.0 198.0H400.0H400.0V131.0H744.0\""));
	other = draw(odd);
	g_assert_null(strstr(other, "<b>"));
	g_assert_null(strstr(other, "\x01"));
}

/* Many VMs and many samples make no bigger picture. */
static void test_many(void)
{
	GString *text = g_string_new(NULL);
	g_autofree char *svg = NULL;
	int i, k;

	for (i = 1; i <= 4000; i++) {
		g_string_append_printf(text, "{\"monotonic_ns\":%d000000,\"vms\":[",
				       i);
		for (k = 0; k < 20; k++)
			g_string_append_printf(text, "%s{\"name\":\"vm%d\",\"gpu_ns\":%d}",
					       k ? "," : "", k, i * k * 1000);
		g_string_append(text, "]}\n");
	}
	svg = draw(text->str);
	g_assert_nonnull(strstr(svg, ">all others</text>"));
	g_assert_nonnull(strstr(svg, ">vm19</text>"));
	g_assert_null(strstr(svg, ">vm3</text>"));
	g_assert_cmpuint(strlen(svg), <, 400000);
	g_string_free(text, TRUE);
}

/* Bytes of chance in a good recording: read or refused, never worse. */
static void test_damaged(void)
{
	int i, k;

	for (i = 0; i < 300; i++) {
		g_autofree char *text = g_strdup(step);
		char *why = NULL;
		struct recording *r;

		for (k = g_test_rand_int_range(1, 8); k; k--)
			text[g_test_rand_int_range(0, (int)strlen(step))] =
				(char)g_test_rand_int_range(1, 256);
		r = read_text(text, strlen(text), &why);
		if (r)
			g_string_free(svg_shares(r), TRUE);
		recording_free(r);
		g_free(why);
	}
}

/* What is written is what is read. */
static void test_round_trip(void)
{
	JsonNode *node = json_from_string(
		"{\"ok\":true,\"renderer\":\"r\",\"monotonic_ns\":5,\"vms\":"
		"[{\"name\":\"x\",\"gpu_ns\":7,\"socket\":\"/s\"}]}", NULL);
	JsonNode *event = json_from_string("{\"event\":\"hung\",\"monotonic_ns\":6}",
					   NULL);
	g_autofree char *one = recording_sample(json_node_get_object(node));
	g_autofree char *mark = recording_event(json_node_get_object(event));
	g_autofree char *text = NULL;
	char *why = NULL;
	struct recording *r;

	g_assert_null(strstr(one, "socket"));
	json_object_set_int_member(json_node_get_object(node), "monotonic_ns",
				   1000000005);
	text = g_strconcat(one, mark, NULL);
	g_free(g_steal_pointer(&one));
	one = recording_sample(json_node_get_object(node));
	g_free(g_steal_pointer(&mark));
	mark = g_strconcat(text, one, NULL);
	r = read_text(mark, strlen(mark), &why);
	g_assert_cmpstr(why, ==, NULL);
	g_assert_cmpstr(r->renderer, ==, "r");
	g_assert_cmpuint(r->at_s->len, ==, 2);
	g_assert_cmpuint(r->marks->len, ==, 1);
	recording_free(r);
	json_node_unref(node);
	json_node_unref(event);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/ctl/recording/read", test_read, 0);
	runner_add("/ctl/recording/bad", test_bad, 0);
	runner_add("/ctl/recording/picture", test_picture, 0);
	runner_add("/ctl/recording/many", test_many, 0);
	runner_add("/ctl/recording/damaged", test_damaged, 0);
	runner_add("/ctl/recording/round-trip", test_round_trip, 0);
	return runner_run();
}
