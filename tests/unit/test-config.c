// SPDX-License-Identifier: MIT
/*
 * test-config.c - vgpud.conf: what is right, and what is said of what is not
 */
#include <string.h>

#include <glib.h>
#include <glib/gstdio.h>

#include "broker/config.h"

static GPtrArray *errors_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

static struct config *parse_good(const char *text)
{
	g_autoptr(GPtrArray) errors = errors_new();
	struct config *config = config_parse("f", text, errors);
	guint i;

	for (i = 0; i < errors->len; i++)
		g_test_message("%s", (char *)errors->pdata[i]);
	g_assert_nonnull(config);
	g_assert_cmpuint(errors->len, ==, 0);
	return config;
}

static void test_defaults(void)
{
	struct config *c = parse_good("# nothing\n\n[vm a]\n");
	struct config_vm *vm = config_find_vm(c, "a");
	const struct config_gpu *gpu;

	g_assert_cmpstr(c->control_socket, ==, "/run/vgpu/control.sock");
	g_assert_cmpuint(c->gpus->len, ==, 1);
	gpu = c->gpus->pdata[0];
	g_assert_cmpstr(gpu->name, ==, "gpu0");
	g_assert_null(gpu->render_node);
	g_assert_cmpint(gpu->renderer, ==, CONFIG_VIRGL);
	g_assert_cmpint(gpu->policy, ==, CONFIG_FAIR);
	g_assert_cmpuint(gpu->timeout_ns, ==, 0);
	g_assert_cmpuint(c->hang_limit, ==, 3);
	g_assert_nonnull(vm);
	g_assert_cmpstr(vm->socket, ==, "/run/vgpu/a.sock");
	g_assert_cmpuint(vm->weight, ==, 100);
	g_assert_cmpuint(vm->memory, ==, 0);
	g_assert_cmpuint(vm->mode, ==, 0660);
	g_assert_true(vm->virgl);
	g_assert_null(config_find_vm(c, "b"));
	config_free(c);
	/* a host without VMs is one as well */
	config_free(parse_good(""));
}

static void test_everything(void)
{
	struct config *c = parse_good(
		"[vm desk-1.x_Y]\r\n"
		"socket = /tmp/x.sock \n"
		"owner = root\n"
		"group=0\n"
		"mode=0600\n"
		"weight=10000\n"
		"memory=512M\n"
		"outputs=16\nwidth=1920\nheight=1080\n"
		"3d = false\n"
		"[vgpud]\n"
		"runtime-dir=/tmp/rt\ncontrol-socket=/tmp/c\n"
		"render-node = none\nrenderer=null\nworker-cpus=0,2-3\n"
		"cpu-threads=2\ntimeout=500ms\nendpoint=/e\nworker=/w\n"
		"[vm other]\nmemory=2G\n");
	struct config_vm *vm = config_find_vm(c, "desk-1.x_Y");
	const struct config_gpu *gpu;

	gpu = c->gpus->pdata[0];
	g_assert_cmpstr(gpu->render_node, ==, "");
	g_assert_cmpint(gpu->renderer, ==, CONFIG_NULL);
	g_assert_cmpstr(gpu->cpus, ==, "0,2-3");
	g_assert_cmpuint(gpu->cpu_threads, ==, 2);
	g_assert_cmpuint(gpu->timeout_ns, ==, 500000000);
	g_assert_cmpstr(c->endpoint, ==, "/e");
	g_assert_cmpstr(c->worker, ==, "/w");
	g_assert_cmpstr(vm->socket, ==, "/tmp/x.sock");
	g_assert_cmpuint(vm->owner, ==, 0);
	g_assert_cmpuint(vm->group, ==, 0);
	g_assert_cmpuint(vm->mode, ==, 0600);
	g_assert_cmpuint(vm->weight, ==, 10000);
	g_assert_cmpuint(vm->memory, ==, 512u << 20);
	g_assert_cmpuint(vm->outputs, ==, 16);
	g_assert_cmpuint(vm->width, ==, 1920);
	g_assert_false(vm->virgl);
	vm = config_find_vm(c, "other");
	/* the directory was given below, and still counts */
	g_assert_cmpstr(vm->socket, ==, "/tmp/rt/other.sock");
	g_assert_cmpuint(vm->memory, ==, 2ull << 30);
	config_free(c);
}

/* What can be changed while a VM runs, and profiles under it. */
static void test_limits(void)
{
	struct config *c = parse_good(
		"[vm a]\n"
		"weight=7\nprofile=half\ncap=12.5%\n"
		"[vm b]\nprofile=half\n[vm c]\n"
		"[profile half]\n"
		"weight=50\nreserve=10%\ncap=50\nburst=20ms\nslice=500us\n"
		"fps-limit=60\nmax-inflight=4\ntimeout=3s\nmemory=2G\n"
		"max-resources=1000\nmax-contexts=64\noutputs=2\nmode=0600\n");
	struct config_vm *vm = config_find_vm(c, "a");

	g_assert_cmpstr(vm->profile, ==, "half");
	/* its own before the profile's, whichever stands first */
	g_assert_cmpuint(vm->weight, ==, 7);
	g_assert_cmpuint(vm->cap, ==, 1250);
	g_assert_cmpuint(vm->reserve, ==, 1000);
	g_assert_cmpuint(vm->burst_ns, ==, 20000000);
	g_assert_cmpuint(vm->slice_ns, ==, 500000);
	g_assert_cmpuint(vm->fps_limit, ==, 60);
	g_assert_cmpuint(vm->max_inflight, ==, 4);
	g_assert_cmpuint(vm->timeout_ns, ==, 3000000000);
	g_assert_cmpuint(vm->memory, ==, 2ull << 30);
	g_assert_cmpuint(vm->max_resources, ==, 1000);
	g_assert_cmpuint(vm->max_contexts, ==, 64);
	g_assert_cmpuint(vm->outputs, ==, 2);
	g_assert_cmpuint(vm->mode, ==, 0600);
	g_assert_cmpstr(vm->socket, ==, "/run/vgpu/a.sock");
	vm = config_find_vm(c, "b");
	g_assert_cmpuint(vm->weight, ==, 50);
	g_assert_cmpuint(vm->cap, ==, 5000);
	g_assert_cmpstr(vm->socket, ==, "/run/vgpu/b.sock");
	vm = config_find_vm(c, "c");
	g_assert_null(vm->profile);
	g_assert_cmpuint(vm->cap, ==, 0);
	g_assert_cmpuint(vm->memory, ==, 0);
	config_free(c);
}

static void test_gpus(void)
{
	struct config *c = parse_good(
		"[vgpud]\npolicy=fixed\ntimeout=5s\ncpu-threads=1\n"
		"[gpu one]\nrender-node=none\ncpus=0-1\n"
		"[gpu two]\nrender-node=none\ncpus=2,3\npolicy=best-effort\n"
		"timeout=7s\nslice=2ms\nmemory=8G\n"
		"[gpu hw]\nrender-node=/dev/dri/renderD128\n"
		"[vm a]\ngpu=two\naffinity=x\n"
		"[vm b]\nanti-affinity=y\nexclusive=true\ngpu=hw\n");
	const struct config_gpu *gpu = config_find_gpu(c, "one");

	g_assert_cmpuint(c->gpus->len, ==, 3);
	g_assert_cmpint(gpu->policy, ==, CONFIG_FIXED);
	g_assert_cmpuint(gpu->timeout_ns, ==, 5000000000);
	g_assert_cmpuint(gpu->cpu_threads, ==, 1);
	g_assert_cmpstr(gpu->cpus, ==, "0-1");
	gpu = config_find_gpu(c, "two");
	g_assert_cmpint(gpu->policy, ==, CONFIG_BEST_EFFORT);
	g_assert_cmpuint(gpu->timeout_ns, ==, 7000000000);
	g_assert_cmpuint(gpu->slice_ns, ==, 2000000);
	g_assert_cmpuint(gpu->memory, ==, 8ull << 30);
	g_assert_null(config_find_gpu(c, "three"));
	g_assert_cmpstr(config_find_vm(c, "a")->affinity, ==, "x");
	g_assert_true(config_find_vm(c, "b")->exclusive);
	config_free(c);
}

/* Text, the line it must name, what it must say, what would be right. */
static const struct {
	const char *text;
	unsigned int line;
	const char *wrong, *right;
} bad[] = {
	{ "weight=1\n", 1, "weight stands before any section", "[vm NAME]" },
	{ "[vgpud]\nnonsense\n", 2, "\"nonsense\" is not a setting", "KEY = VALUE" },
	{ "[vgpud\n", 1, "\"[vgpud\" is not a section", "[vm NAME]" },
	{ "[]\n", 1, "\"[]\" is not a section", "[vgpud]" },
	{ "[vgpud]\n= 3\n", 2, "\" =\" is not a setting", "KEY = VALUE" },
	{ "[vgpud]\n\nweight[de]=3\n", 3, "\"weight[de] =\" is not a setting", "KEY = VALUE" },
	{ "[vgpud]\n\xff=3\n", 2, "is not a setting", "KEY = VALUE" },
	{ "[vm [a]\n", 1, "\"[vm [a]\" is not a section", "[vm NAME]" },
	{ "\n[vm \x01]\n", 2, "is not a section", "[vm NAME]" },
	{ "[\xff]\n", 1, "is not a section", "[vm NAME]" },
	{ "[vgpud]x\n", 1, "\"[vgpud]x\" is not a section", "[vm NAME]" },
	{ "[vgpud]\n\n[vgpud]\n", 3, "[vgpud] is there already at line 1", "keep one" },
	{ "[vm a]\n[vm a]\n", 2, "[vm a] is there already at line 1", "keep one" },
	{ "[vm a]\n[vm  a]\n", 2, "there is a VM a already", "another name" },
	{ "[vm a]\nweight=1\nweight=2\n", 3, "weight is set already at line 2", "keep one" },
	{ "[gpu]\n", 1, "no section [gpu]", "[vm NAME]" },
	{ "[vgpud]\nfoo=1\n", 2, "no setting \"foo\" in [vgpud]", "render-node" },
	{ "[vm a]\nWeight=1\n", 2, "no setting \"Weight\" in [vm a]", "weight" },
	{ "[vm a]\nrender-node=/x\n", 2, "no setting \"render-node\"", "memory" },
	{ "[vm ]\n", 1, "is no name for a VM", "letters" },
	{ "[vm a/b]\n", 1, "\"a/b\" is no name", "letters" },
	{ "[vm ../x]\n", 1, "\"../x\" is no name", "letters" },
	{ "[vm -x]\n", 1, "\"-x\" is no name", "letters" },
	{ "[vm a b]\n", 1, "\"a b\" is no name", "letters" },
	{ "[vm 123456789012345678901234567890123456789012345678901234567890abcd]\n",
	  1, "is no name", "63" },
	{ "[vm a]\nweight=0\n", 2, "\"0\" is not a number", "1 to 10000" },
	{ "[vm a]\nweight=10001\n", 2, "\"10001\"", "1 to 10000" },
	{ "[vm a]\nweight=-5\n", 2, "\"-5\"", "1 to 10000" },
	{ "[vm a]\nweight=1e3\n", 2, "\"1e3\"", "1 to 10000" },
	{ "[vm a]\nweight=\n", 2, "\"\" is not", "1 to 10000" },
	{ "[vm a]\nweight=200 # much\n", 2, "\"200 # much\"", "1 to 10000" },
	{ "[vm a]\nmemory=12Q\n", 2, "\"12Q\" is not a size", "K, M or G" },
	{ "[vm a]\nmemory=1.5G\n", 2, "\"1.5G\" is not a size", "K, M or G" },
	{ "[vm a]\nmemory=99999999999G\n", 2, "is not a size", "K, M or G" },
	{ "[vm a]\nmemory=4K\n", 2, "less than a screen needs", "16M" },
	{ "[vm a]\nmemory=G\n", 2, "\"G\" is not a size", "K, M or G" },
	{ "[vm a]\nowner=no such user\n", 2, "no user \"no such user\"", "number" },
	{ "[vm a]\ngroup=no-such-group\n", 2, "no group \"no-such-group\"", "number" },
	{ "[vm a]\nmode=rw\n", 2, "\"rw\" is not a file mode", "0660" },
	{ "[vm a]\nmode=0888\n", 2, "not a file mode", "0660" },
	{ "[vm a]\nmode=07777\n", 2, "not a file mode", "0660" },
	{ "[vm a]\nsocket=x.sock\n", 2, "not an absolute path", "begin it with /" },
	{ "[vm a]\nsocket=/12345678901234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890.sock\n",
	  2, "characters", "at most 107" },
	{ "[vm a]\noutputs=17\n", 2, "\"17\"", "1 to 16" },
	{ "[vm a]\noutputs=0\n", 2, "\"0\"", "1 to 16" },
	{ "[vm a]\nwidth=100000\n", 2, "\"100000\"", "16384" },
	{ "[vm a]\nheight=1\n", 2, "\"1\"", "200" },
	{ "[vm a]\n3d=yes\n", 2, "\"yes\" is neither", "true nor false" },
	{ "[vgpud]\nrenderer=vulkan\n", 2, "no renderer \"vulkan\"", "virgl or null" },
	{ "[vgpud]\nrender-node=renderD128\n", 2, "\"renderD128\" is no render node", "/dev/dri/renderD128" },
	{ "[vgpud]\nworker-cpus=3-1\n", 2, "\"3-1\" is not a list of CPUs", "0,2-3" },
	{ "[vgpud]\nworker-cpus=0,,1\n", 2, "not a list of CPUs", "0,2-3" },
	{ "[vgpud]\nworker-cpus=all\n", 2, "\"all\" is not a list", "0,2-3" },
	{ "[vgpud]\ncpu-threads=0\n", 2, "\"0\"", "1 to 256" },
	{ "[vgpud]\ntimeout=10\n", 2, "\"10\" is not a time", "10s or 500ms" },
	{ "[vgpud]\ntimeout=1ms\n", 2, "\"1ms\" is not a time", "100ms" },
	{ "[vgpud]\ntimeout=2h\n", 2, "\"2h\" is not a time", "10s" },
	{ "[vm a]\nsocket=/s\n[vm b]\nsocket=/s\n", 4, "/s is VM a's already", "its own" },
	{ "[vgpud]\ncontrol-socket=/s\n[vm b]\nsocket=/s\n", 4, "the control socket's already", "its own" },
	{ "[vm a]\nsocket=/run/vgpu/b.sock\n[vm b]\n", 3, "VM a's already", "its own" },
	{ "[vm a]\nsocket=/\xff\xfe\n", 2, "can not be read", "UTF-8" },
	{ "[vm a]\nsocket=/\\q\n", 2, "can not be read", "backslash" },
	{ "[vm a]\nreserve=91%\n", 2, "\"91%\" is not a share", "90%" },
	{ "[vm a]\nreserve=-5%\n", 2, "\"-5%\" is not a share", "25%" },
	{ "[vm a]\nreserve=1.234%\n", 2, "\"1.234%\"", "25%" },
	{ "[vm a]\nreserve=%\n", 2, "\"%\" is not a share", "none" },
	{ "[vm a]\ncap=101%\n", 2, "\"101%\" is not a share", "100%" },
	{ "[vm a]\ncap=1e9\n", 2, "\"1e9\" is not a share", "25%" },
	{ "[vm a]\ncap=99999999999999999999%\n", 2, "is not a share", "25%" },
	{ "[vm a]\nreserve=50%\ncap=25%\n", 1, "more than its cap", "raise the cap" },
	{ "[vm a]\nburst=0ms\n", 2, "\"0ms\" is not a time", "1ms" },
	{ "[vm a]\nburst=20\n", 2, "\"20\" is not a time", "500ms" },
	{ "[vm a]\nslice=2h\n", 2, "\"2h\" is not a time", "1s" },
	{ "[vm a]\nfps-limit=-1\n", 2, "\"-1\" is neither", "1 to 1000" },
	{ "[vm a]\nmax-inflight=2000\n", 2, "\"2000\" is neither", "1 to 1024" },
	{ "[vm a]\nmax-resources=1\n", 2, "\"1\" is neither", "16 to" },
	{ "[vm a]\nmax-contexts=many\n", 2, "\"many\" is neither", "nor none" },
	{ "[vm a]\ntimeout=1ms\n", 2, "\"1ms\" is not a time", "100ms" },
	{ "[vm a]\nexclusive=1\n", 2, "\"1\" is neither true", "false" },
	{ "[vm a]\naffinity=a b\n", 2, "\"a b\" is no name", "letters" },
	{ "[vm a]\ngpu=x\n", 1, "there is no GPU \"x\"", "[gpu x]" },
	{ "[vm a]\nprofile=x\n", 2, "there is no profile \"x\"", "[profile x]" },
	{ "[profile x]\nsocket=/x\n", 2, "no setting \"socket\"", "weight" },
	{ "[profile x]\nweight=0\n", 2, "\"0\" is not a number", "1 to 10000" },
	{ "[profile x/y]\n", 1, "\"x/y\" is no name for a profile", "letters" },
	{ "[profile x]\n[profile  x]\n", 2, "there is a profile x already", "another" },
	{ "[gpu x]\n[gpu  x]\n", 2, "there is a GPU x already", "another" },
	{ "[gpu x]\nweight=1\n", 2, "no setting \"weight\" in [gpu x]", "render-node" },
	{ "[gpu x]\npolicy=good\n", 2, "no policy \"good\"", "best-effort" },
	{ "[gpu x]\nmemory=1K\n", 2, "less than", "16M" },
	{ "[gpu x]\nrender-node=none\n[gpu y]\nrender-node=none\ncpus=0\n", 5,
	  "x and y are CPU renderers on the same CPUs", "0-1 and 2-3" },
	{ "[gpu x]\nrender-node=none\ncpus=0-2\n[gpu y]\nrender-node=none\ncpus=1\n", 6,
	  "on the same CPUs", "each its own" },
	{ "[gpu x]\nrender-node=/a\n[gpu y]\nrender-node=/a\n", 4, "have the same render-node", "once" },
	{ "[gpu x]\n[gpu y]\nrender-node=/a\n", 1, "GPU x has no render-node", "none" },
	{ "[vgpud]\nrender-node=/a\n[gpu x]\n", 2, "beside [gpu NAME]", "those" },
	{ "[vgpud]\nhang-limit=0x\n", 2, "\"0x\" is neither", "nor none" },
	{ "[vgpud]\nmetrics=9400\n", 2, "\"9400\" is neither a path", "127.0.0.1:9400" },
	{ "[vgpud]\nmetrics=localhost:9400\n", 2, "\"localhost:9400\" is neither a path", "127.0.0.1:9400" },
	{ "[vgpud]\nmetrics=127.0.0.1:99999\n", 2, "\"127.0.0.1:99999\" is neither", "127.0.0.1:9400" },
	/* promises, with the arithmetic */
	{ "[vm a]\nreserve=60%\n[vm b]\nreserve=40%\n", 3,
	  "60% (a) + 40% (b) = 100%", "more than the 90% that can be reserved" },
	{ "[gpu g]\nrender-node=none\nmemory=1G\n[vm a]\nmemory=768M\n[vm b]\nmemory=512M\n", 6,
	  "768M (a) + 512M (b) = 1280M", "more than its 1G" },
	{ "[vgpud]\npolicy=best-effort\n[vm a]\nreserve=10%\n", 3, "keeps no reserve", "fair or fixed" },
	{ "[vm a]\nexclusive=true\n[vm b]\n", 3, "is VM a's alone", "exclusive" },
	{ "[vm a]\n[vm b]\nexclusive=true\n", 2, "has VM a already", "exclusive" },
	{ "[vm a]\nanti-affinity=x\n[vm b]\nanti-affinity=x\n", 3, "anti-affinity group x", "gpu0 has VM a" },
	{ "[vm a]\nsocket=/\\q\\\n", 2, "can not be read", "backslash" },
};

static void test_bad(void)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autoptr(GPtrArray) errors = errors_new();
		g_autofree char *where = g_strdup_printf("f:%u: ", bad[i].line);
		const char *text;

		g_test_message("%s", bad[i].wrong);
		g_assert_null(config_parse("f", bad[i].text, errors));
		g_assert_cmpuint(errors->len, ==, 1);
		text = errors->pdata[0];
		if (!g_str_has_prefix(text, where) ||
		    !strstr(text, bad[i].wrong) || !strstr(text, bad[i].right))
			g_error("\"%s\" should begin with \"%s\", and contain \"%s\" and \"%s\"",
				text, where, bad[i].wrong, bad[i].right);
	}
}

/* All mistakes at once, not one a try. */
static void test_all_mistakes(void)
{
	g_autoptr(GPtrArray) errors = errors_new();

	g_assert_null(config_parse("f", "[vgpud]\nfoo=1\n[vm a]\nweight=x\nmode=9\n[x]\n",
				   errors));
	g_assert_cmpuint(errors->len, ==, 4);
}

static void test_files(void)
{
	g_autoptr(GPtrArray) errors = errors_new();
	g_autofree char *path = NULL;
	g_autofree char *big = g_strnfill(2 << 20, '\n');
	int fd = g_file_open_tmp("vgpud-XXXXXX", &path, NULL);

	g_assert_cmpint(fd, >=, 0);
	g_close(fd, NULL);
	g_assert_null(config_load("/nonexistent/vgpud.conf", errors));
	g_assert_nonnull(strstr(errors->pdata[0], "--config"));

	g_assert_true(g_file_set_contents(path, big, 2 << 20, NULL));
	g_assert_null(config_load(path, errors));
	g_assert_nonnull(strstr(errors->pdata[1], "bytes"));

	g_assert_true(g_file_set_contents(path, "[vm a]\n\0[vm b]\n", 15, NULL));
	g_assert_null(config_load(path, errors));
	g_assert_nonnull(strstr(errors->pdata[2], "a NUL"));
	g_assert_cmpuint(errors->len, ==, 3);
	g_unlink(path);
}

/* Any bytes: an error or a configuration, never a crash. */
static void test_garbage(void)
{
	static const char *const words[] = {
		"[vm a]\n", "[vgpud]\n", "weight", "=", "1", "\n", "[", "]",
		"socket=/", "memory=", "#", "\\", "\xff", " ", "vm", "G", "-",
	};
	int round, i;

	for (round = 0; round < 20000; round++) {
		g_autoptr(GString) text = g_string_new(NULL);
		g_autoptr(GPtrArray) errors = errors_new();
		struct config *c;

		for (i = g_test_rand_int_range(0, 24); i; i--)
			g_string_append(text, words[g_test_rand_int_range(
				0, G_N_ELEMENTS(words))]);
		c = config_parse("f", text->str, errors);
		g_assert_true(!c == !!errors->len);
		if (errors->len)
			g_assert_true(g_regex_match_simple("^f:[0-9]+: ",
				errors->pdata[0], G_REGEX_RAW, 0));
		config_free(c);
	}
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/broker/config/defaults", test_defaults);
	g_test_add_func("/broker/config/everything", test_everything);
	g_test_add_func("/broker/config/limits", test_limits);
	g_test_add_func("/broker/config/gpus", test_gpus);
	g_test_add_func("/broker/config/bad", test_bad);
	g_test_add_func("/broker/config/all-mistakes", test_all_mistakes);
	g_test_add_func("/broker/config/files", test_files);
	g_test_add_func("/broker/config/garbage", test_garbage);
	return g_test_run();
}
