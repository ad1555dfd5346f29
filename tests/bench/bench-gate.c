// SPDX-License-Identifier: MIT
/*
 * bench-gate.c - what scheduling itself costs: two halves, and the gate alone
 *
 * usage: bench-gate [--blocks N] [--ms MS] [--only TEXT] [--json FILE]
 *
 * Work per CPU-second of the workers, all on one CPU. A phase begins and ends
 * with nothing in flight, so that jobs and CPU time belong together exactly.
 *
 *   halves  B: two VMs that share the GPU half and half; A: one of them alone
 *   gate    B: one VM under vgpud; A: the same work without any vgpud. Both
 *           processes are started anew again and again: where memory happens to
 *           lie makes one process faster than its twin.
 *
 * Blocks of A B B A, one ratio each; the median's 95 % interval decides.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/abba.h"
#include "tests/lib/fe.h"
#include "tests/lib/load.h"
#include "tests/lib/share.h"
#include "tests/lib/vgpud.h"

#define BLOCKS_MAX	400
#define GOAL		0.995
#define WAIT_S		120
#define LIVES		8	/* fresh processes, of the gate's blocks */
#define NULL_COST	"400000"	/* some 0.8 ms */

struct row {
	const char *name;
	bool gate, null;
};

static const struct row rows[] = {
	{ "two halves, GL work", false, false },
	{ "two halves, null jobs", false, true },
	{ "the gate alone, GL work", true, false },
	{ "the gate alone, null jobs", true, true },
};

/* Those who work in one phase. */
struct side {
	size_t n;
	struct load_run *run[2];
	pid_t worker[2];
};

struct work {
	double jobs, cpu;
};

static unsigned int blocks = 24, ms = 400;
static FILE *json;
static const char *comma = "";

static void read_side(const struct side *s, struct work *w)
{
	size_t i;

	*w = (struct work){ 0, 0 };
	for (i = 0; i < s->n; i++) {
		w->jobs += (double)load_jobs(s->run[i]);
		w->cpu += (double)share_cpu_ns(s->worker[i]);
	}
}

/* Add what was done in one phase to @sum. */
static void phase(const struct side *s, struct work *sum)
{
	struct work before, after;
	size_t i;

	read_side(s, &before);
	for (i = 0; i < s->n; i++)
		load_resume(s->run[i]);
	usleep(ms * 1000);
	for (i = 0; i < s->n; i++)
		load_pause(s->run[i]);
	/* what follows the last answer */
	usleep(2000);
	read_side(s, &after);
	sum->jobs += after.jobs - before.jobs;
	sum->cpu += after.cpu - before.cpu;
}

static double rate(const struct work *w)
{
	return w->jobs / w->cpu;
}

/* A may be two, one for each end of the block. */
static double block(const struct side *a1, const struct side *a2,
		    const struct side *b, struct work *all)
{
	struct work a = { 0, 0 }, both = { 0, 0 };

	phase(a1, &a);
	phase(b, &both);
	phase(b, &both);
	phase(a2, &a);
	all[0].jobs += a.jobs;
	all[0].cpu += a.cpu;
	all[1].jobs += both.jobs;
	all[1].cpu += both.cpu;
	return rate(&both) / rate(&a);
}

static struct load load_of(const struct row *row)
{
	return (struct load){
		.name = "bench", .depth = 3, .blits = row->null ? 0 : 2,
		.rests = true,
	};
}

static void start_vgpud(struct vgpud *d, const struct row *row,
			const char *vms)
{
	vgpud_start(d, row->null ? "renderer=null\n" SHARE_KEYS : SHARE_KEYS,
		    vms);
}

static void warm(struct load_run *run)
{
	load_resume(run);
	g_assert_true(load_wait(run, load_jobs(run) + 10, WAIT_S));
	load_pause(run);
}

static void halves(const struct row *row, double *ratios, size_t n,
		   struct work *all)
{
	const struct load load = load_of(row);
	struct load_run runs[2];
	struct vgpud_vm vm[2];
	struct vgpud d;
	size_t i;

	start_vgpud(&d, row, "[vm a]\n[vm b]\n");
	load_start(&runs[0], &load, vgpud_connect(&d, "a"));
	load_start(&runs[1], &load, vgpud_connect(&d, "b"));
	warm(&runs[0]);
	warm(&runs[1]);
	vgpud_stats(&d, vm, 2);
	for (i = 0; i < n; i++) {
		struct side a = { 1, { &runs[0] }, { vm[0].worker } };
		struct side b = { 1, { &runs[1] }, { vm[1].worker } };
		struct side both = {
			2, { &runs[0], &runs[1] },
			{ vm[0].worker, vm[1].worker },
		};

		ratios[i] = block(&a, &b, &both, all);
	}
	g_assert_true(load_stop(&runs[0]));
	g_assert_true(load_stop(&runs[1]));
	vgpud_stop(&d);
}

/* One life of both processes. */
static void gate(const struct row *row, double *ratios, size_t n,
		 struct work *all)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";
	g_autofree char *alone = g_strdup_printf(
		"%s/vgpu-endpoint --virgl --render-node=none --cpus=0 --cpu-threads=1%s",
		b, row->null ? " --renderer=null" : "");
	const struct load load = load_of(row);
	struct load_run runs[2];
	struct vgpud_vm vm;
	struct vgpud d;
	size_t i;

	start_vgpud(&d, row, "[vm a]\n");
	load_start(&runs[0], &load, vgpud_connect(&d, "a"));
	load_start_alone(&runs[1], &load, alone);
	warm(&runs[0]);
	warm(&runs[1]);
	vgpud_stats(&d, &vm, 1);
	for (i = 0; i < n; i++) {
		struct side with = { 1, { &runs[0] }, { vm.worker } };
		struct side without = {
			1, { &runs[1] }, { load_worker(&runs[1]) },
		};

		g_assert_cmpint(load_worker(&runs[1]), >, 0);
		ratios[i] = block(&without, &without, &with, all);
	}
	g_assert_true(load_stop(&runs[0]));
	g_assert_true(load_stop(&runs[1]));
	vgpud_stop(&d);
}

static void print(const struct row *row, const struct abba *a,
		  const struct work *all)
{
	double cost_a = all[0].cpu / all[0].jobs;
	double cost_b = all[1].cpu / all[1].jobs;

	printf("%-27s %4zu  %8.3f %%  %8.3f .. %8.3f %%  %8.1f %8.1f us   %s\n",
	       row->name, a->n, 100 * a->median, 100 * a->low, 100 * a->high,
	       cost_a / 1000, cost_b / 1000, abba_word(a->verdict));
	fflush(stdout);
	if (!json)
		return;
	fprintf(json, "%s    {\"name\": \"%s\", \"blocks\": %zu, \"median\": %.6f, "
		"\"low\": %.6f, \"high\": %.6f, \"aim\": %.3f, "
		"\"us_a_job\": [%.2f, %.2f], \"verdict\": \"%s\"}", comma,
		row->name, a->n, a->median, a->low, a->high, GOAL,
		cost_a / 1000, cost_b / 1000, abba_word(a->verdict));
	comma = ",\n";
}

static int run_row(const struct row *row)
{
	double ratios[BLOCKS_MAX];
	struct work all[2] = { { 0, 0 }, { 0, 0 } };
	struct abba a;
	size_t at = 0, n;

	if (row->gate) {
		for (; at < blocks; at += n) {
			n = MIN((blocks + LIVES - 1) / LIVES, blocks - at);
			gate(row, ratios + at, n, all);
		}
	} else {
		halves(row, ratios, blocks, all);
	}
	a = abba_decide(ratios, blocks, GOAL);
	print(row, &a, all);
	return a.verdict == ABBA_NO;
}

int main(int argc, char **argv)
{
	const char *only = "", *path = NULL;
	int i, ret = 0;
	size_t r;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--blocks"))
			blocks = (unsigned int)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--ms"))
			ms = (unsigned int)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--only"))
			only = argv[i + 1];
		else if (!strcmp(argv[i], "--json"))
			path = argv[i + 1];
		else
			break;
	}
	if (i < argc || !blocks || blocks > BLOCKS_MAX || ms < 10) {
		fprintf(stderr, "usage: %s [--blocks N] [--ms MS] [--only TEXT] [--json FILE]\n",
			argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	/* for null jobs; the workers inherit it */
	g_setenv("VGPU_NULL_COST", NULL_COST, TRUE);
	share_confine();
	json = path ? fopen(path, "we") : NULL;
	if (json)
		fputs("[\n", json);
	printf("%-27s %4s  %10s  %22s  %8s %8s      >= %.1f %%\n",
	       "work per CPU-second, B / A", "n", "median", "95 % interval",
	       "A a job", "B a job", 100 * GOAL);
	for (r = 0; r < G_N_ELEMENTS(rows); r++)
		if (strstr(rows[r].name, only))
			ret |= run_row(&rows[r]);
	if (json) {
		fputs("\n  ]", json);
		fclose(json);
	}
	return ret;
}
