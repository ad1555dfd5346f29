// SPDX-License-Identifier: MIT
/*
 * test-placement.c - which GPU a VM gets, and what is refused
 */
#include <string.h>

#include <glib.h>

#include "broker/config.h"
#include "broker/placement.h"

static struct config *config;
static struct placement *place;

static void setup(const char *text)
{
	g_autoptr(GPtrArray) errors = g_ptr_array_new_with_free_func(g_free);

	config = config_parse("f", text, errors);
	if (errors->len)
		g_error("%s", (char *)errors->pdata[0]);
	place = placement_new(config);
}

static void teardown(void)
{
	placement_free(place);
	config_free(config);
}

static struct config_vm *vm_at(guint i)
{
	return g_ptr_array_index(config->vms, i);
}

/* Return: name of the GPU that it is put on. */
static const char *put(struct config_vm *vm)
{
	const struct config_gpu *gpu;
	char *why = NULL;
	int at = placement_choose(place, vm, &why);

	if (at < 0)
		g_error("%s", why);
	placement_add(place, vm, (unsigned int)at);
	gpu = g_ptr_array_index(config->gpus, (guint)at);
	return gpu->name;
}

static void refused(struct config_vm *vm, const char *text)
{
	char *why = NULL;

	g_assert_cmpint(placement_choose(place, vm, &why), <, 0);
	if (!strstr(why, text))
		g_error("\"%s\" should contain \"%s\"", why, text);
	g_free(why);
}

#define TWO "[gpu one]\nrender-node=none\ncpus=0\nmemory=4G\n" \
	"[gpu two]\nrender-node=none\ncpus=1\nmemory=8G\n"

/* Where its weight is worth most; then the tightest memory. */
static void test_best_fit(void)
{
	setup(TWO "[vm a]\nweight=300\n[vm b]\n[vm c]\n[vm d]\n[vm e]\n");
	g_assert_cmpstr(put(vm_at(0)), ==, "one");	/* equal: less memory */
	g_assert_cmpstr(put(vm_at(1)), ==, "two");
	g_assert_cmpstr(put(vm_at(2)), ==, "two");
	g_assert_cmpstr(put(vm_at(3)), ==, "two");
	g_assert_cmpstr(put(vm_at(4)), ==, "one");
	teardown();
}

/* More CPUs are more GPU. */
static void test_capacity(void)
{
	setup("[gpu big]\nrender-node=none\ncpus=0-2\n"
	      "[gpu small]\nrender-node=none\ncpus=3\n"
	      "[vm a]\n[vm b]\n[vm c]\n[vm d]\n");
	g_assert_cmpstr(put(vm_at(0)), ==, "big");
	g_assert_cmpstr(put(vm_at(1)), ==, "big");
	g_assert_cmpstr(put(vm_at(2)), ==, "big");
	g_assert_cmpstr(put(vm_at(3)), ==, "small");
	teardown();
}

static void test_groups(void)
{
	setup(TWO "[vm a]\naffinity=x\n[vm b]\naffinity=x\n"
	      "[vm c]\nanti-affinity=y\n[vm d]\nanti-affinity=y\n"
	      "[vm e]\ngpu=two\n");
	g_assert_cmpstr(put(vm_at(0)), ==, "one");
	g_assert_cmpstr(put(vm_at(1)), ==, "one");
	g_assert_cmpstr(put(vm_at(2)), ==, "two");
	g_assert_cmpstr(put(vm_at(3)), ==, "one");
	g_assert_cmpstr(put(vm_at(4)), ==, "two");
	vm_at(4)->anti_affinity = g_strdup("y");
	refused(vm_at(4), "anti-affinity group y");
	g_clear_pointer(&vm_at(4)->anti_affinity, g_free);
	vm_at(4)->affinity = g_strdup("x");
	refused(vm_at(4), "pinned to one GPU, and its affinity group is on another");
	teardown();
}

static void test_exclusive(void)
{
	struct config_vm *more;

	setup(TWO "[vm a]\nexclusive=true\n[vm b]\n");
	g_assert_cmpstr(put(vm_at(0)), ==, "one");
	g_assert_cmpstr(put(vm_at(1)), ==, "two");
	more = config_vm_new(config, "c", NULL);
	more->exclusive = true;
	refused(more, "GPU one is VM a's alone");
	refused(more, "GPU two has VM b already");
	config_vm_free(more);
	teardown();
}

/* What is refused on one may fit on the other; on none it says why for each. */
static void test_promises(void)
{
	struct config_vm *more;
	char *why = NULL;

	setup(TWO "[vm a]\nreserve=60%\nmemory=3G\n[vm b]\nreserve=60%\nmemory=3G\n");
	g_assert_cmpstr(put(vm_at(0)), ==, "one");
	g_assert_cmpstr(put(vm_at(1)), ==, "two");
	more = config_vm_new(config, "c", NULL);
	more->reserve = 4000;
	refused(more, "GPU one: reserve 60% (a) + 40% (c) = 100% is more than the 90%");
	refused(more, "GPU two: reserve 60% (b) + 40% (c) = 100%");
	more->reserve = 3000;
	g_assert_cmpint(placement_fits(place, more, 0, &why), ==, 0);
	more->memory = 2ull << 30;
	g_assert_cmpint(placement_fits(place, more, 0, &why), <, 0);
	g_assert_cmpstr(why, ==, "GPU one: memory 3G (a) + 2G (c) = 5G is more than its 4G; lower one of them");
	g_clear_pointer(&why, g_free);
	g_assert_cmpint(placement_choose(place, more, &why), ==, 1);
	/* no quota, no part in the sum */
	more->memory = 0;
	g_assert_cmpint(placement_fits(place, more, 0, &why), ==, 0);
	config_vm_free(more);
	teardown();
}

/* A long sum is shortened, and still right. */
static void test_long_sum(void)
{
	GString *text = g_string_new("");
	struct config_vm *more;
	int i;

	for (i = 0; i < 20; i++)
		g_string_append_printf(text, "[vm v%d]\nreserve=4%%\n", i);
	setup(text->str);
	for (i = 0; i < 20; i++)
		put(vm_at((guint)i));
	more = config_vm_new(config, "more", NULL);
	more->reserve = 1050;
	refused(more, "4% (v0) + 4% (v1) + 4% (v2) + 4% (v3) + 17 more = 90.50%");
	config_vm_free(more);
	g_string_free(text, TRUE);
	teardown();
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/broker/placement/best-fit", test_best_fit);
	g_test_add_func("/broker/placement/capacity", test_capacity);
	g_test_add_func("/broker/placement/groups", test_groups);
	g_test_add_func("/broker/placement/exclusive", test_exclusive);
	g_test_add_func("/broker/placement/promises", test_promises);
	g_test_add_func("/broker/placement/long-sum", test_long_sum);
	return g_test_run();
}
