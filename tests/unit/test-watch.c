// SPDX-License-Identifier: MIT
/*
 * test-watch.c - events and turns: asked for, followed, lost, and asked badly
 */
#include "broker/watch.h"
#include "tests/unit/control_fixture.h"

static void post(unsigned int n)
{
	while (n--)
		events_post(broker.events, EVENT_CONNECTED, "a", "hello %u", n);
}

static JsonArray *array_of(JsonObject *o, const char *name)
{
	return json_object_get_array_member(o, name);
}

static gint64 event_id(JsonObject *o, guint i)
{
	return json_object_get_int_member(json_array_get_object_element(
		array_of(o, "events"), i), "id");
}

static void test_events(void)
{
	JsonObject *o, *e;

	setup();
	o = answer("{\"cmd\":\"events\"}", true);
	g_assert_cmpuint(json_array_get_length(array_of(o, "events")), ==, 0);
	g_assert_cmpint(json_object_get_int_member(o, "next"), ==, 1);
	json_object_unref(o);

	events_post(broker.events, EVENT_HUNG, "b", "\"%s\" \xff", "quoted");
	post(1);
	json_object_unref(answer("{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":300}",
				 true));
	o = answer("{\"cmd\":\"events\",\"since\":1}", true);
	g_assert_cmpuint(json_array_get_length(array_of(o, "events")), ==, 3);
	g_assert_cmpint(json_object_get_int_member(o, "next"), ==, 4);
	e = json_array_get_object_element(array_of(o, "events"), 0);
	g_assert_cmpstr(json_object_get_string_member(e, "event"), ==, "hung");
	g_assert_cmpstr(json_object_get_string_member(e, "vm"), ==, "b");
	g_assert_true(g_str_has_prefix(json_object_get_string_member(
		e, "message"), "\"quoted\" "));
	e = json_array_get_object_element(array_of(o, "events"), 2);
	g_assert_cmpstr(json_object_get_string_member(e, "event"), ==, "set");
	g_assert_nonnull(strstr(json_object_get_string_member(e, "message"),
				"300"));
	json_object_unref(o);
	g_assert_cmpuint(events_count(broker.events, EVENT_HUNG), ==, 1);
	teardown();
}

/* The ring has gone round: the oldest are lost, and that is said. */
static void test_events_lost(void)
{
	gint64 next = 1, seen = 0, lost = 0, end;
	JsonObject *o;

	setup();
	post(EVENTS_MAX + 100);
	do {
		g_autofree char *line = g_strdup_printf(
			"{\"cmd\":\"events\",\"since\":%" G_GINT64_FORMAT "}",
			next);

		o = answer(line, true);
		if (json_array_get_length(array_of(o, "events")))
			g_assert_cmpint(event_id(o, 0), ==, next +
				json_object_get_int_member(o, "lost"));
		lost += json_object_get_int_member(o, "lost");
		seen += json_array_get_length(array_of(o, "events"));
		next = json_object_get_int_member(o, "next");
		end = json_object_get_int_member(o, "end");
		json_object_unref(o);
	} while (next < end);
	g_assert_cmpint(seen, ==, EVENTS_MAX);
	g_assert_cmpint(lost, ==, 100);
	/* what is yet to come is no error */
	o = answer("{\"cmd\":\"events\",\"since\":9223372036854775807}", true);
	g_assert_cmpint(json_object_get_int_member(o, "next"), ==, end);
	json_object_unref(o);
	teardown();
}

static void test_follow(void)
{
	JsonObject *o;
	char *line;
	int fd, i;

	setup();
	fd = connect_client(control_path);
	say(fd, "{\"cmd\":\"events\",\"follow\":true}\n");
	line = read_line(fd);
	json_object_unref(parse_reply(line, true));
	g_free(line);
	for (i = 1; i <= 3; i++) {
		post(1);
		line = read_line(fd);
		o = parse_reply(line, true);
		g_assert_cmpuint(json_array_get_length(array_of(o, "events")),
				 ==, 1);
		g_assert_cmpint(event_id(o, 0), ==, i);
		json_object_unref(o);
		g_free(line);
	}
	/* a request on the same connection is answered as well */
	say(fd, "{\"cmd\":\"list\"}\n");
	line = read_line(fd);
	o = parse_reply(line, true);
	g_assert_true(json_object_has_member(o, "vms"));
	json_object_unref(o);
	g_free(line);
	close(fd);
	post(5);
	serve(20);
	teardown();
}

/* Does not read: events go on, others are told, and its memory is bounded. */
static void test_slow_follower(void)
{
	gint64 told = 0, lost = 0;
	int fd, good, i;
	JsonObject *o;
	char *line;

	setup();
	fd = connect_client(control_path);
	say(fd, "{\"cmd\":\"events\",\"follow\":true}\n");
	good = connect_client(control_path);
	for (i = 0; i < 200; i++) {
		post(100);
		serve(0);
	}
	say(good, "{\"cmd\":\"list\"}\n");
	line = read_line(good);
	json_object_unref(parse_reply(line, true));
	g_free(line);
	/* now it reads: all of them were told, or told to be lost */
	while (told + lost < 200 * 100) {
		line = read_line(fd);
		g_assert_nonnull(line);
		o = parse_reply(line, true);
		told += json_array_get_length(array_of(o, "events"));
		lost += json_object_get_int_member(o, "lost");
		json_object_unref(o);
		g_free(line);
	}
	g_assert_cmpint(told + lost, ==, 200 * 100);
	g_assert_cmpint(lost, >, 0);
	close(fd);
	close(good);
	serve(20);
	teardown();
}

static void add_turns(unsigned int n, const char *vm)
{
	static uint64_t now = 1000;

	while (n--) {
		const struct arbiter_turn turn = {
			.granted_ns = now, .ended_ns = now + 10,
			.waited_ns = 5, .charged_ns = 7,
		};

		now += 10;
		trace_add(broker.trace, vm, &turn);
	}
}

/* All turns that there are, in order, each with the name it was added with. */
static guint64 take_trace(guint64 *lost)
{
	guint64 n = 0, last_end = 0;
	gint64 next = 1, end;

	*lost = 0;
	do {
		g_autofree char *line = g_strdup_printf(
			"{\"cmd\":\"trace\",\"since\":%" G_GINT64_FORMAT "}",
			next);
		JsonObject *o = answer(line, true);
		JsonArray *turns = array_of(o, "turns");
		guint i;

		for (i = 0; i < json_array_get_length(turns); i++) {
			JsonArray *t = json_array_get_array_element(turns, i);
			const char *vm = json_array_get_string_element(
				array_of(o, "vms"),
				(guint)json_array_get_int_element(t, 0));
			guint64 granted = (guint64)json_array_get_int_element(
				t, 1);

			g_assert_cmpuint(json_array_get_length(t), ==, 5);
			g_assert_cmpuint(granted, >=, last_end);
			last_end = (guint64)json_array_get_int_element(t, 2);
			g_assert_cmpuint(last_end, ==, granted + 10);
			g_assert_cmpuint(strlen(vm), ==, 1);
			n++;
		}
		*lost += (guint64)json_object_get_int_member(o, "lost");
		next = json_object_get_int_member(o, "next");
		end = json_object_get_int_member(o, "end");
		json_object_unref(o);
	} while (next < end);
	return n;
}

static void test_trace(void)
{
	guint64 lost;

	setup();
	g_assert_cmpuint(take_trace(&lost), ==, 0);
	add_turns(1, "a");
	add_turns(2 * TRACE_REPLY_MAX, "b");
	add_turns(1, "a");
	g_assert_cmpuint(take_trace(&lost), ==, 2 * TRACE_REPLY_MAX + 2);
	g_assert_cmpuint(lost, ==, 0);
	add_turns(TRACE_MAX, "c");
	g_assert_cmpuint(take_trace(&lost), ==, TRACE_MAX);
	g_assert_cmpuint(lost, ==, 2 * TRACE_REPLY_MAX + 2);
	teardown();
}

/* Names come and go; those without turns make room for others. */
static void test_trace_names(void)
{
	g_autoptr(GPtrArray) vms = g_ptr_array_new_with_free_func(g_free);
	GString *out = g_string_new(NULL);
	uint64_t lost;
	int i;

	setup();
	for (i = 0; i < 3 * TRACE_MAX; i++) {
		g_autofree char *vm = g_strdup_printf("vm-%d", i / 700);

		add_turns(1, vm);
	}
	trace_put(broker.trace, out, 3 * TRACE_MAX, vms, &lost);
	g_assert_cmpuint(vms->len, ==, 1);
	g_assert_cmpstr(vms->pdata[0], ==, "vm-140");
	g_string_free(out, TRUE);
	teardown();
}

static const char *const bad_lines[] = {
	"{\"cmd\":\"events\",\"since\":-1}",
	"{\"cmd\":\"events\",\"since\":1.5}",
	"{\"cmd\":\"events\",\"since\":\"1\"}",
	"{\"cmd\":\"events\",\"since\":null}",
	"{\"cmd\":\"events\",\"since\":[1]}",
	"{\"cmd\":\"events\",\"follow\":1}",
	"{\"cmd\":\"events\",\"follow\":\"true\"}",
	"{\"cmd\":\"events\",\"follow\":null}",
	"{\"cmd\":\"events\",\"folow\":true}",
	"{\"cmd\":\"trace\",\"since\":-5}",
	"{\"cmd\":\"trace\",\"since\":{}}",
	"{\"cmd\":\"trace\",\"follow\":true}",
};

static void test_bad_lines(void)
{
	size_t i;

	setup();
	for (i = 0; i < G_N_ELEMENTS(bad_lines); i++)
		json_object_unref(answer(bad_lines[i], false));
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	log_set_level(LOG_LEVEL_ERROR);
	runner_add("/broker/watch/events", test_events, 0);
	runner_add("/broker/watch/events-lost", test_events_lost, 0);
	runner_add("/broker/watch/follow", test_follow, 0);
	runner_add("/broker/watch/slow-follower", test_slow_follower, 0);
	runner_add("/broker/watch/trace", test_trace, 0);
	runner_add("/broker/watch/trace-names", test_trace_names, 0);
	runner_add("/broker/watch/bad-lines", test_bad_lines, 0);
	return runner_run();
}
