// SPDX-License-Identifier: MIT
/*
 * test-change.c - what control clients change: all of it, or nothing
 */
#include <sys/stat.h>

#include "broker/state.h"
#include "broker/change.h"
#include "tests/unit/control_fixture.h"

static JsonObject *vm_of(JsonObject *reply)
{
	return json_object_get_object_member(reply, "vm");
}

static char *show(const char *vm)
{
	g_autofree char *line = g_strdup_printf("{\"cmd\":\"show\",\"vm\":\"%s\"}",
						vm);
	static const struct ucred peer = { .pid = 1 };

	return command_answer(&broker, line, strlen(line), &peer);
}

static const char *setting(JsonObject *vm, const char *key)
{
	return json_object_get_string_member(
		json_object_get_object_member(vm, "settings"), key);
}

static void error_has(const char *line, const char *text)
{
	JsonObject *o = answer(line, false);
	const char *error = json_object_get_string_member(o, "error");

	if (!strstr(error, text))
		g_error("\"%s\" gives \"%s\", without \"%s\"", line, error, text);
	json_object_unref(o);
}

static void test_set_all(void)
{
	const struct config_vm *c;
	struct arbiter_stats stats;
	JsonObject *o, *vm;

	setup();
	o = answer("{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":300,\"reserve\":\"40%\","
		   "\"cap\":62.5,\"burst\":\"20ms\",\"slice\":\"2ms\",\"fps-limit\":60,"
		   "\"max-inflight\":3,\"timeout\":\"5s\",\"memory\":\"512M\","
		   "\"max-resources\":1000,\"max-contexts\":10,\"outputs\":2}", true);
	vm = vm_of(o);
	g_assert_cmpint(json_object_get_int_member(vm, "weight"), ==, 300);
	g_assert_cmpstr(setting(vm, "reserve"), ==, "40%");
	g_assert_cmpstr(setting(vm, "cap"), ==, "62.50%");
	g_assert_cmpstr(setting(vm, "burst"), ==, "20ms");
	g_assert_cmpstr(setting(vm, "fps-limit"), ==, "60");
	g_assert_cmpstr(setting(vm, "memory"), ==, "512M");
	json_object_unref(o);
	c = vm_find(&broker, "a")->config;
	g_assert_cmpuint(c->cap, ==, 6250);
	g_assert_cmpuint(c->max_contexts, ==, 10);
	g_assert_cmpuint(c->outputs, ==, 2);
	/* the arbiter has it */
	arbiter_vm_stats(vm_find(&broker, "a")->arbiter_vm, &stats);
	g_assert_cmpuint(stats.limits.weight, ==, 300);
	g_assert_cmpuint(stats.limits.reserve, ==, 400000);
	g_assert_cmpuint(stats.limits.cap, ==, 625000);
	g_assert_cmpuint(stats.limits.frame_ns, ==, 1000000000 / 60);
	g_assert_cmpuint(stats.limits.memory_max, ==, 512u << 20);
	/* back to none */
	o = answer("{\"cmd\":\"set\",\"vm\":\"a\",\"cap\":\"none\",\"fps-limit\":\"none\","
		   "\"slice\":\"default\",\"memory\":0,\"reserve\":0}", true);
	g_assert_cmpstr(setting(vm_of(o), "cap"), ==, "none");
	g_assert_cmpstr(setting(vm_of(o), "slice"), ==, "default");
	g_assert_cmpstr(setting(vm_of(o), "memory"), ==, "none");
	json_object_unref(o);
	teardown();
}

static const struct {
	const char *members, *says;
} bad_sets[] = {
	{ "\"weight\":0", "from 1 to 10000" },
	{ "\"weight\":-3", "from 1 to 10000" },
	{ "\"weight\":1.5", "whole number" },
	{ "\"weight\":\"5\"", "whole number" },
	{ "\"weight\":[1]", "whole number" },
	{ "\"weight\":{}", "whole number" },
	{ "\"weight\":null", "whole number" },
	{ "\"weight\":9223372036854775807", "from 1 to 10000" },
	{ "\"reserve\":91", "90%" },
	{ "\"reserve\":-1", "90%" },
	{ "\"reserve\":\"101%\"", "90%" },
	{ "\"reserve\":true", "percentage" },
	{ "\"cap\":1e300", "100%" },
	{ "\"cap\":100.01", "100%" },
	{ "\"cap\":\"a lot\"", "25%" },
	{ "\"burst\":20", "\"10s\" or" },
	{ "\"burst\":\"20\"", "500ms" },
	{ "\"burst\":\"20 ms\"", "500ms" },
	{ "\"slice\":\"0ms\"", "500us" },
	{ "\"fps-limit\":1001", "1 to 1000" },
	{ "\"fps-limit\":60.5", "whole number" },
	{ "\"max-inflight\":-1", "1 to 1024" },
	{ "\"timeout\":\"1us\"", "100ms" },
	{ "\"memory\":\"12Q\"", "K, M or G" },
	{ "\"memory\":4096", "16M" },
	{ "\"memory\":1.5", "512M" },
	{ "\"max-resources\":3", "16 to" },
	{ "\"max-contexts\":\"\"", "nor none" },
	{ "\"outputs\":17", "1 to 16" },
	{ "\"socket\":\"/x\"", "no setting \"socket\"" },
	{ "\"gpu\":\"x\"", "no setting \"gpu\"" },
	{ "\"wieght\":1", "no setting \"wieght\"" },
	{ "\"\":1", "no setting \"\"" },
	/* what alone is right does not help what is wrong */
	{ "\"weight\":7,\"cap\":\"500%\"", "100%" },
	{ "\"weight\":7,\"reserve\":50,\"cap\":20", "more than its cap" },
};

static void test_bad_sets(void)
{
	g_autofree char *before = NULL;
	size_t i;

	setup();
	before = show("a");
	for (i = 0; i < G_N_ELEMENTS(bad_sets); i++) {
		g_autofree char *line = g_strdup_printf(
			"{\"cmd\":\"set\",\"vm\":\"a\",%s}", bad_sets[i].members);
		g_autofree char *after = NULL;

		error_has(line, bad_sets[i].says);
		after = show("a");
		g_assert_cmpstr(before, ==, after);
	}
	teardown();
}

static void test_admission(void)
{
	setup();
	json_object_unref(answer("{\"cmd\":\"set\",\"vm\":\"a\",\"reserve\":60}",
				 true));
	error_has("{\"cmd\":\"set\",\"vm\":\"b\",\"reserve\":40}",
		  "reserve 60% (a) + 40% (b) = 100% is more than the 90%");
	error_has("{\"cmd\":\"add\",\"vm\":\"c\",\"reserve\":40}",
		  "reserve 60% (a) + 40% (c) = 100%");
	g_assert_null(vm_find(&broker, "c"));
	/* one's own is not counted twice */
	json_object_unref(answer("{\"cmd\":\"set\",\"vm\":\"a\",\"reserve\":90}",
				 true));
	json_object_unref(answer("{\"cmd\":\"set\",\"vm\":\"a\",\"reserve\":10}",
				 true));
	json_object_unref(answer("{\"cmd\":\"set\",\"vm\":\"b\",\"reserve\":80}",
				 true));
	teardown();
}

static bool listens(const char *vm)
{
	g_autofree char *path = g_strdup_printf("%s/%s.sock", dir, vm);
	struct stat st;

	return !stat(path, &st) && S_ISSOCK(st.st_mode);
}

static void test_add_remove(void)
{
	JsonObject *o;

	setup();
	o = answer("{\"cmd\":\"add\",\"vm\":\"c\",\"weight\":50,\"memory\":\"1G\"}",
		   true);
	g_assert_cmpstr(json_object_get_string_member(vm_of(o), "name"), ==, "c");
	g_assert_true(json_object_get_boolean_member(vm_of(o), "added"));
	json_object_unref(o);
	g_assert_true(listens("c"));
	error_has("{\"cmd\":\"add\",\"vm\":\"c\"}", "there is a VM c already");
	error_has("{\"cmd\":\"add\",\"vm\":\"../c\"}", "is no name");
	error_has("{\"cmd\":\"add\"}", "\"vm\" is missing");
	error_has("{\"cmd\":\"add\",\"vm\":5}", "\"vm\" is missing");
	error_has("{\"cmd\":\"add\",\"vm\":\"d\",\"profile\":\"x\"}",
		  "no profile \"x\"");
	error_has("{\"cmd\":\"add\",\"vm\":\"d\",\"gpu\":\"x\"}", "no GPU \"x\"");
	error_has("{\"cmd\":\"add\",\"vm\":\"d\",\"weight\":0}", "1 to 10000");
	error_has("{\"cmd\":\"add\",\"vm\":\"d\",\"colour\":1}", "no setting");
	error_has("{\"cmd\":\"remove\",\"vm\":\"d\"}", "no VM \"d\"");
	error_has("{\"cmd\":\"remove\",\"vm\":\"c\",\"force\":1}", "true nor false");
	o = answer("{\"cmd\":\"remove\",\"vm\":\"c\"}", true);
	g_assert_true(json_object_get_boolean_member(o, "gone"));
	json_object_unref(o);
	g_assert_null(vm_find(&broker, "c"));
	g_assert_false(listens("c"));
	/* one of the file says that it comes back */
	o = answer("{\"cmd\":\"remove\",\"vm\":\"b\"}", true);
	g_assert_nonnull(strstr(json_object_get_string_member(o, "note"),
				"back with a reload"));
	json_object_unref(o);
	teardown();
}

/* Who may only talk to vgpud must not have it write elsewhere. */
static void test_rights(void)
{
	static const char line[] =
		"{\"cmd\":\"add\",\"vm\":\"c\",\"socket\":\"/etc/x\"}";
	const struct ucred peer = { .pid = 1, .uid = 12345 };
	g_autofree char *reply = NULL;
	JsonObject *o;

	setup();
	reply = command_answer(&broker, line, strlen(line), &peer);
	o = parse_reply(reply, false);
	g_assert_nonnull(strstr(json_object_get_string_member(o, "error"),
				"by root"));
	json_object_unref(o);
	/* not beside another's socket either, nor on it */
	error_has("{\"cmd\":\"add\",\"vm\":\"c\",\"socket\":\"x\"}",
		  "absolute path");
	g_free(reply);
	reply = g_strdup_printf("{\"cmd\":\"add\",\"vm\":\"c\",\"socket\":\"%s/a.sock\"}",
				dir);
	error_has(reply, "is VM a's already");
	teardown();
}

static void test_suspend(void)
{
	g_autofree char *big = g_strnfill(300, 'x');
	g_autofree char *line = NULL;
	JsonObject *o;

	setup();
	o = answer("{\"cmd\":\"suspend\",\"vm\":\"a\",\"reason\":\"it smells\"}",
		   true);
	g_assert_cmpstr(json_object_get_string_member(vm_of(o), "state"), ==,
			"suspended");
	g_assert_true(g_str_has_prefix(json_object_get_string_member(
		vm_of(o), "suspended"), "it smells, by pid 1"));
	json_object_unref(o);
	error_has("{\"cmd\":\"resume\",\"vm\":\"b\"}", "b is not suspended");
	error_has("{\"cmd\":\"suspend\",\"vm\":\"b\",\"reason\":1}", "not text");
	line = g_strdup_printf("{\"cmd\":\"suspend\",\"vm\":\"b\",\"reason\":\"%s\"}",
			       big);
	error_has(line, "at most 256");
	error_has("{\"cmd\":\"suspend\",\"vm\":\"b\",\"why\":\"x\"}",
		  "does not take \"why\"");
	o = answer("{\"cmd\":\"resume\",\"vm\":\"a\"}", true);
	g_assert_cmpstr(json_object_get_string_member(vm_of(o), "state"), ==,
			"idle");
	g_assert_false(json_object_has_member(vm_of(o), "suspended"));
	json_object_unref(o);
	teardown();
}

static void restart(void)
{
	guint i;

	while (broker.vms->len)
		vm_free(broker.vms->pdata[0]);
	live_free(broker.live);
	broker.live = live_new();
	state_load(&broker);
	for (i = 0; i < broker.config->vms->len; i++)
		g_assert_nonnull(vm_new(&broker, broker.config->vms->pdata[i],
					NULL));
	change_restore(&broker);
}

static void test_restart(void)
{
	struct config_vm *file;

	setup();
	json_object_unref(answer("{\"cmd\":\"set\",\"vm\":\"a\",\"weight\":7,\"cap\":30,\"fps-limit\":30}",
				 true));
	json_object_unref(answer("{\"cmd\":\"add\",\"vm\":\"c\",\"weight\":9,\"memory\":\"1G\"}",
				 true));
	json_object_unref(answer("{\"cmd\":\"add\",\"vm\":\"d\"}", true));
	json_object_unref(answer("{\"cmd\":\"set\",\"vm\":\"d\",\"weight\":11}",
				 true));
	json_object_unref(answer("{\"cmd\":\"suspend\",\"vm\":\"b\",\"reason\":\"a\\nb \\u00e9\"}",
				 true));
	restart();
	g_assert_cmpuint(vm_weight(vm_find(&broker, "a")), ==, 7);
	g_assert_cmpuint(vm_find(&broker, "a")->config->cap, ==, 3000);
	g_assert_cmpuint(vm_find(&broker, "a")->config->fps_limit, ==, 30);
	g_assert_true(g_str_has_prefix(vm_find(&broker, "b")->suspended,
				       "a\nb \xc3\xa9"));
	g_assert_cmpuint(vm_weight(vm_find(&broker, "c")), ==, 9);
	g_assert_cmpuint(vm_find(&broker, "c")->config->memory, ==, 1u << 30);
	g_assert_cmpuint(vm_weight(vm_find(&broker, "d")), ==, 11);
	g_assert_true(vm_find(&broker, "d")->added);
	/* one setting is changed in the file: that counts, others stay */
	file = config_find_vm(broker.config, "a");
	file->weight = 60;
	json_object_unref(answer("{\"cmd\":\"remove\",\"vm\":\"c\"}", true));
	restart();
	g_assert_cmpuint(vm_weight(vm_find(&broker, "a")), ==, 60);
	g_assert_cmpuint(vm_find(&broker, "a")->config->cap, ==, 3000);
	g_assert_null(vm_find(&broker, "c"));
	teardown();
}

/* A state file that somebody has written to: what is sense in it counts. */
static void test_bad_state(void)
{
	static const char *const states[] = {
		"", "garbage\n", "[set a]\nweight=0\n[was a]\nweight=200\n",
		"[set a]\nweight=9\n", "[set ../x]\nweight=9\n[add ]\n[vm\n",
		"[set a]\nsocket=/x\n[was a]\nsocket=/y\n",
		"[vm a]\ngpu=nothing\n", "[add z/z]\n[add q]\nweight=-1\n",
		("[set a]\nreserve=90%\n[was a]\nreserve=none\n"
		 "[set b]\nreserve=90%\n[was b]\nreserve=none\n"),
		"[set a]\nweight=\xff\n[was a]\nweight=\xff\n",
	};
	g_autofree char *path = NULL;
	size_t i;

	setup();
	path = g_strdup_printf("%s/vgpud.state", dir);
	for (i = 0; i < G_N_ELEMENTS(states); i++) {
		g_assert_true(g_file_set_contents(path, states[i], -1, NULL));
		restart();
		g_assert_cmpuint(broker.vms->len, ==, 2);
		g_assert_cmpuint(vm_weight(vm_find(&broker, "a")), ==, 200);
		g_assert_cmpuint(vm_find(&broker, "a")->config->reserve +
				 vm_find(&broker, "b")->config->reserve, <=,
				 9000);
	}
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	log_set_level(LOG_LEVEL_ERROR);
	runner_add("/broker/change/set-all", test_set_all, 0);
	runner_add("/broker/change/bad-sets", test_bad_sets, 0);
	runner_add("/broker/change/admission", test_admission, 0);
	runner_add("/broker/change/add-remove", test_add_remove, 0);
	runner_add("/broker/change/rights", test_rights, 0);
	runner_add("/broker/change/suspend", test_suspend, 0);
	runner_add("/broker/change/restart", test_restart, 0);
	runner_add("/broker/change/bad-state", test_bad_state, 0);
	return runner_run();
}
