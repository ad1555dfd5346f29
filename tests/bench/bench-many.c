// SPDX-License-Identifier: MIT
/*
 * bench-many.c - 256 VMs on one vgpud, mostly idle
 *
 * usage: bench-many [--vms N] [--busy N] [--seconds S] [--json FILE]
 *
 * Each VM is started as QEMU and a guest's driver do. What an idle one costs in
 * memory (proportional set size of endpoint and worker), whether those that
 * work get equal shares, how fast the control socket answers meanwhile, and
 * whether anything was lost.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/load.h"
#include "tests/lib/proc.h"
#include "tests/lib/share.h"
#include "tests/lib/vgpud.h"

#define VMS_MAX		1024
#define PSS_AIM_KIB	8192
#define ANSWER_AIM_MS	10
#define SHARE_AIM	1.0
#define OTHERS_MAX	0.1
#define ACTIVE_MIN	0.6
#define CALLS		100
#define WAIT_S		120

static unsigned int vms = 256, busy = 8, seconds = 20;
static struct vgpud vgpud;
static struct fe *fe[VMS_MAX];		/* NULL: that VM is busy */
static FILE *json;
static int ret;

static void verdict(const char *what, const char *figure, const char *word)
{
	printf("%-44s %-34s %s\n", what, figure, word);
	fflush(stdout);
	if (!strcmp(word, "no"))
		ret = 1;
}

static const char *yes(bool met)
{
	return met ? "yes" : "no";
}

static int connect_to(unsigned int i)
{
	g_autofree char *name = g_strdup_printf("v%u", i);

	return vgpud_connect(&vgpud, name);
}

static void start_idle(unsigned int i)
{
	static const struct fe_options opts = {
		.timeout_ms = WAIT_S * 1000, .queue_size = { 64, 16 },
		.ram_size = 8u << 20,
	};
	struct virtio_gpu_resp_display_info info;
	struct virtio_gpu_resp_capset_info set;
	uint8_t caps[4096];
	size_t len;

	fe[i] = fe_new_on(&opts, connect_to(i));
	g_assert_cmpint(fe_up(fe[i]), ==, 0);
	/* what a guest's driver asks for when it is loaded */
	g_assert_cmpint(fe_display_info(fe[i], &info), ==,
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
	g_assert_cmpint(fe_capset_info(fe[i], 1, &set), ==,
			VIRTIO_GPU_RESP_OK_CAPSET_INFO);
	g_assert_cmpint(fe_capset(fe[i], set.capset_id, set.capset_max_version,
				  caps, sizeof(caps), &len), ==,
			VIRTIO_GPU_RESP_OK_CAPSET);
}

static void start_vgpud(void)
{
	g_autoptr(GString) text = g_string_new(NULL);
	unsigned int i;

	for (i = 0; i < vms; i++)
		g_string_append_printf(text, "[vm v%u]\n", i);
	vgpud_start(&vgpud, SHARE_KEYS, text->str);
}

/* ---- what is measured ---- */

static void memory(const struct vgpud_vm *vm)
{
	long sum = 0, most = 0, daemon = proc_pss_kib(vgpud.pid);
	unsigned int i, n = vms - busy;
	g_autofree char *text = NULL;

	for (i = busy; i < vms; i++) {
		long kib = proc_pss_kib(vm[i].worker) +
			proc_pss_kib(vm[i].endpoint);

		sum += kib;
		most = MAX(most, kib);
	}
	text = g_strdup_printf("mean %.2f, most %.2f MiB",
			       (double)sum / n / 1024, (double)most / 1024);
	verdict("memory of an idle VM, at most 8 MiB", text,
		yes(most <= PSS_AIM_KIB));
	printf("%-44s %.1f MiB\n", "memory of vgpud", (double)daemon / 1024);
	if (json)
		fprintf(json, "    \"idle_pss_kib_mean\": %ld, "
			"\"idle_pss_kib_most\": %ld, \"vgpud_pss_kib\": %ld,\n",
			sum / n, most, daemon);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void one_call(const char *line)
{
	double *t = g_new(double, CALLS);
	g_autofree char *what = g_strdup_printf("control: %.24s", line);
	g_autofree char *text = NULL;
	size_t i;

	g_strdelimit(what, "\n", ' ');
	for (i = 0; i < CALLS; i++) {
		uint64_t since = fe_now_ns();

		g_free(vgpud_ask_text(&vgpud, line));
		t[i] = (double)(fe_now_ns() - since) / 1e6;
		usleep(5000);
	}
	qsort(t, CALLS, sizeof(*t), compare);
	text = g_strdup_printf("median %.2f, p99 %.2f, longest %.2f ms",
			       t[CALLS / 2], t[CALLS * 99 / 100], t[CALLS - 1]);
	verdict(what, text, t[CALLS - 1] < ANSWER_AIM_MS ? "yes" :
		t[CALLS / 2] < ANSWER_AIM_MS ? "undecided: mostly" : "no");
	if (json)
		fprintf(json, "    \"control_ms_%.4s\": [%.3f, %.3f, %.3f],\n",
			line + 8, t[CALLS / 2], t[CALLS * 99 / 100],
			t[CALLS - 1]);
	g_free(t);
}

static void control(void)
{
	one_call("{\"cmd\":\"list\"}\n");
	one_call("{\"cmd\":\"stats\"}\n");
	one_call("{\"cmd\":\"show\",\"vm\":\"v9\"}\n");
	one_call("{\"cmd\":\"set\",\"vm\":\"v9\",\"weight\":100}\n");
}

static void shares(const struct load *loads)
{
	g_autofree char *text = NULL, *what = NULL;
	double want[SHARE_MAX], error;
	const char *word;
	struct share s;
	unsigned int i;

	for (i = 0; i < busy; i++)
		want[i] = 1.0 / busy;
	share_measure(&vgpud, loads, busy, 1e9, seconds, &s);
	error = share_error(&s, want);
	word = s.active < ACTIVE_MIN ? "undecided: clients did not get to ask" :
		error <= SHARE_AIM ? "yes" :
		s.others > OTHERS_MAX ? "undecided: this host is busy" : "no";
	what = g_strdup_printf("%u busy VMs, equal weights, within 1 point",
			       busy);
	text = g_strdup_printf("error %.2f points, active %.0f %%", error,
			       100 * s.active);
	verdict(what, text, word);
	if (json)
		fprintf(json, "    \"share_error_points\": %.3f, "
			"\"active\": %.4f, \"others\": %.4f, "
			"\"share_verdict\": \"%s\",\n", error, s.active,
			s.others, word);
}

/* Everything that was asked for was answered, by the workers of the start. */
static void losses(struct load_run *runs, const struct vgpud_vm *before)
{
	g_autofree struct vgpud_vm *now = g_new0(struct vgpud_vm, vms);
	struct virtio_gpu_resp_display_info info;
	unsigned int i, lost = 0, restarts = 0;
	g_autofree char *text = NULL;

	for (i = busy; i < vms; i++)
		lost += fe_display_info(fe[i], &info) !=
			VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
	vgpud_stats(&vgpud, now, vms);
	for (i = 0; i < vms; i++)
		restarts += now[i].worker != before[i].worker;
	for (i = 0; i < busy; i++)
		lost += !load_stop(&runs[i]);
	for (i = busy; i < vms; i++)
		lost += fe_free(fe[i]) != 0;
	text = g_strdup_printf("%u, and %u workers replaced", lost, restarts);
	verdict("VMs that lost something", text, yes(!lost && !restarts));
	if (json)
		fprintf(json, "    \"lost\": %u, \"restarts\": %u\n", lost,
			restarts);
}

static void bench(void)
{
	g_autofree struct vgpud_vm *vm = g_new0(struct vgpud_vm, vms);
	struct load_run runs[SHARE_MAX];
	struct load loads[SHARE_MAX];
	uint64_t since = fe_now_ns();
	unsigned int i;

	start_vgpud();
	for (i = busy; i < vms; i++)
		start_idle(i);
	printf("%-44s %.1f s\n", "start of all of them",
	       (double)(fe_now_ns() - since) / 1e9);
	for (i = 0; i < busy; i++) {
		loads[i] = (struct load){
			.name = "busy", .depth = 2, .blits = 2,
		};
		load_start(&runs[i], &loads[i], connect_to(i));
	}
	for (i = 0; i < busy; i++)
		g_assert_true(load_wait(&runs[i], 5, WAIT_S));
	vgpud_stats(&vgpud, vm, vms);
	memory(vm);
	control();
	shares(loads);
	losses(runs, vm);
	vgpud_stop(&vgpud);
}

static bool parse(int argc, char **argv, const char **path)
{
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		unsigned int n = (unsigned int)atoi(argv[i + 1]);

		if (!strcmp(argv[i], "--vms"))
			vms = n;
		else if (!strcmp(argv[i], "--busy"))
			busy = n;
		else if (!strcmp(argv[i], "--seconds"))
			seconds = n;
		else if (!strcmp(argv[i], "--json"))
			*path = argv[i + 1];
		else
			return false;
	}
	return i == argc && busy && busy <= SHARE_MAX && vms >= 10 &&
		vms > busy && vms <= VMS_MAX && seconds;
}

int main(int argc, char **argv)
{
	const char *path = NULL;
	struct rlimit files;

	if (!parse(argc, argv, &path)) {
		fprintf(stderr, "usage: %s [--vms N] [--busy N] [--seconds S] [--json FILE]\n",
			argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	share_confine();
	printf("%u VMs on one vgpud, %u of them busy\n", vms, busy);
	json = path ? fopen(path, "we") : NULL;
	if (json)
		fprintf(json, "{\n    \"vms\": %u, \"busy\": %u,\n", vms, busy);
	bench();
	if (json) {
		fputs("  }", json);
		fclose(json);
	}
	return ret;
}
