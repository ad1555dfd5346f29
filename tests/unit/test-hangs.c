// SPDX-License-Identifier: MIT
/*
 * test-hangs.c - what is done with VMs whose jobs do not end
 */
#include "broker/hangs.h"
#include "tests/unit/control_fixture.h"

static struct arbiter_stats stats_of(const struct vm *vm)
{
	struct arbiter_stats stats;

	arbiter_vm_stats(vm->arbiter_vm, &stats);
	return stats;
}

/* Once: kept off for a moment. Again and again: suspended, until resumed. */
static void test_offender(void)
{
	struct vm *a, *b;
	JsonObject *o;
	const char *why;

	setup();
	a = vm_find(&broker, "a");
	b = vm_find(&broker, "b");
	hangs_slow(a, "it is slow");
	g_assert_false(stats_of(a).held);
	hangs_hung(a, "the first");
	g_assert_true(stats_of(a).held);
	g_assert_null(a->suspended);
	hangs_hung(a, "the second");
	g_assert_null(a->suspended);
	hangs_hung(b, "another's");
	hangs_hung(a, "a GPU job (context 3, gl\xff" "gears)");
	g_assert_nonnull(a->suspended);
	g_assert_true(stats_of(a).suspended);
	g_assert_null(b->suspended);
	/* an operator can read why, whatever the guest has named itself */
	o = answer("{\"cmd\":\"show\",\"vm\":\"a\"}", true);
	why = json_object_get_string_member(
		json_object_get_object_member(o, "vm"), "suspended");
	g_assert_nonnull(strstr(why, "3 hangs within 10 minutes, the last: a GPU job (context 3, gl"));
	g_assert_cmpint(json_object_get_int_member(
		json_object_get_object_member(o, "vm"), "hangs"), ==, 3);
	json_object_unref(o);
	g_assert_cmpuint(events_count(broker.events, EVENT_HUNG), ==, 4);
	g_assert_cmpuint(events_count(broker.events, EVENT_SLOW), ==, 1);
	g_assert_cmpuint(events_count(broker.events, EVENT_SUSPENDED), ==, 1);
	/* and lift it: with a clean record */
	json_object_unref(answer("{\"cmd\":\"resume\",\"vm\":\"a\"}", true));
	g_assert_false(stats_of(a).suspended);
	g_assert_false(stats_of(a).held);
	hangs_hung(a, "a new one");
	g_assert_null(a->suspended);
	teardown();
}

/* Never suspended, but kept off for longer and longer, a minute at most. */
static void test_no_limit(void)
{
	struct vm *a;
	int i;

	setup();
	broker.config->hang_limit = 0;
	a = vm_find(&broker, "a");
	for (i = 0; i < 1000; i++)
		hangs_hung(a, "again");
	g_assert_null(a->suspended);
	g_assert_true(stats_of(a).held);
	g_assert_cmpuint(a->total_hangs, ==, 1000);
	teardown();
}

/* Long ago is forgotten. */
static void test_forgotten(void)
{
	struct vm *a;
	int i;

	setup();
	a = vm_find(&broker, "a");
	for (i = 0; i < 10; i++) {
		hangs_hung(a, "once in a while");
		a->last_hang_ns = event_now_ns() - 601 * 1000000000ull;
	}
	g_assert_null(a->suspended);
	g_assert_cmpuint(a->hangs, ==, 1);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	log_set_level(LOG_LEVEL_ERROR);
	runner_add("/broker/hangs/offender", test_offender, 0);
	runner_add("/broker/hangs/no-limit", test_no_limit, 0);
	runner_add("/broker/hangs/forgotten", test_forgotten, 0);
	return runner_run();
}
