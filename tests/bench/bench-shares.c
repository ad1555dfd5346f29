// SPDX-License-Identifier: MIT
/*
 * bench-shares.c - shares of VMs that all want the GPU
 *
 * usage: bench-shares [--seconds S] [--only TEXT] [--json FILE]
 *
 * Real GL work of front ends under one vgpud. The GPU is CPU 0 with one
 * llvmpipe thread in each worker. Shares are those of the kernel's CPU time,
 * over the time in which every client had work or was thinking; how much of the
 * time that was is printed. Where this host was busy with other things, a
 * figure that misses its aim is called undecided.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/load.h"
#include "tests/lib/share.h"
#include "tests/lib/vgpud.h"

#define VMS_MAX		5
#define OTHERS_MAX	0.1	/* of the CPU: this host is busy */
#define ACTIVE_MIN	0.6
#define WARM_US		1500000
#define WAIT_S		120

enum measure {
	MEASURE_SHARE,		/* of what all used */
	MEASURE_CAP,		/* the first VM's, of the wall time */
};

struct row {
	const char *name;
	enum measure measure;
	double points;			/* aim: largest error */
	size_t n;
	const char *keys[VMS_MAX];	/* of each VM */
	double want[VMS_MAX];		/* parts of 100 */
	unsigned int depth, think_us;
	unsigned int blits[VMS_MAX];	/* 0: 2 */
};

static const struct row rows[] = {
	{ "1:1", MEASURE_SHARE, 1, 2, { "weight=100", "weight=100" },
	  { 50, 50 }, 3, 0, { 0 } },
	{ "1:3", MEASURE_SHARE, 1, 2, { "weight=100", "weight=300" },
	  { 25, 75 }, 3, 0, { 0 } },
	{ "50:30:20", MEASURE_SHARE, 1, 3,
	  { "weight=50", "weight=30", "weight=20" },
	  { 50, 30, 20 }, 3, 0, { 0 } },
	{ "90:10", MEASURE_SHARE, 1, 2, { "weight=90", "weight=10" },
	  { 90, 10 }, 3, 0, { 0 } },
	{ "1:1, jobs 1:8", MEASURE_SHARE, 1, 2, { "weight=100", "weight=100" },
	  { 50, 50 }, 3, 0, { 1, 8 } },
	{ "cap 25 %", MEASURE_CAP, 1, 2, { "cap=25%", "weight=100" },
	  { 25, 75 }, 3, 0, { 0 } },
	{ "cap 25 %, alone", MEASURE_CAP, 1, 1, { "cap=25%" }, { 25 }, 3, 0,
	  { 0 } },
	{ "reserve 40 %, 3 others", MEASURE_SHARE, 1, 4,
	  { "reserve=40%", "weight=100", "weight=100", "weight=100" },
	  { 40, 20, 20, 20 }, 3, 0, { 0 } },
	{ "3:1, depth 1, think 0.5 ms", MEASURE_SHARE, 2, 2,
	  { "weight=300", "weight=100" }, { 75, 25 }, 1, 500, { 0 } },
	{ "3:1, depth 1, think 2 ms", MEASURE_SHARE, 2, 2,
	  { "weight=300", "weight=100" }, { 75, 25 }, 1, 2000, { 0 } },
};

static double seconds = 20;
static FILE *json;
static const char *comma = "";

static void start(struct vgpud *d, const struct row *row, struct load *loads,
		  struct load_run *runs)
{
	g_autoptr(GString) vms = g_string_new(NULL);
	size_t i;

	for (i = 0; i < row->n; i++)
		g_string_append_printf(vms, "[vm v%zu]\n%s\n", i, row->keys[i]);
	vgpud_start(d, SHARE_KEYS, vms->str);
	for (i = 0; i < row->n; i++) {
		g_autofree char *name = g_strdup_printf("v%zu", i);

		loads[i] = (struct load){
			.name = "bench", .depth = row->depth,
			.think_us = row->think_us,
			.blits = row->blits[i] ? row->blits[i] : 2,
		};
		load_start(&runs[i], &loads[i], vgpud_connect(d, name));
	}
	for (i = 0; i < row->n; i++)
		g_assert_true(load_wait(&runs[i], 5, WAIT_S));
	usleep(WARM_US);
}

static const char *verdict(const struct row *row, const struct share *s,
			   double error)
{
	if (s->active < ACTIVE_MIN)
		return "undecided: clients did not get to ask";
	if (error <= row->points)
		return "yes";
	return s->others > OTHERS_MAX ? "undecided: this host is busy" : "no";
}

static void print(const struct row *row, const struct share *s, double error,
		  const char *word)
{
	const double *got = row->measure == MEASURE_CAP ? s->cap : s->share;
	char text[80] = "", *p = text;
	size_t i;

	for (i = 0; i < row->n; i++)
		p += snprintf(p, sizeof(text) - (size_t)(p - text), "%s%.2f",
			      i ? " : " : "", 100 * got[i]);
	printf("%-27s %-30s %5.2f  %4.0f %%  %4.0f %%  %6.2f   %s\n", row->name,
	       text, error, 100 * s->active, 100 * s->others, s->kept_idle_s,
	       word);
	fflush(stdout);
	if (!json)
		return;
	fprintf(json, "%s    {\"name\": \"%s\", \"of\": \"%s\", \"share\": [",
		comma, row->name, row->measure == MEASURE_CAP ? "wall time" :
		"time used");
	comma = ",\n";
	for (i = 0; i < row->n; i++)
		fprintf(json, "%s%.4f", i ? ", " : "", got[i]);
	fprintf(json, "], \"want\": [");
	for (i = 0; i < row->n; i++)
		fprintf(json, "%s%.4f", i ? ", " : "", row->want[i] / 100);
	fprintf(json, "], \"error_points\": %.3f, \"aim_points\": %.1f, "
		"\"active\": %.4f, \"others\": %.4f, \"cpu_s\": %.2f, "
		"\"wall_s\": %.2f, \"kept_idle_s\": %.3f, \"verdict\": \"%s\"}",
		error, row->points, s->active, s->others, s->cpu_s, s->wall_s,
		s->kept_idle_s, word);
}

static int run_row(const struct row *row)
{
	struct load_run runs[VMS_MAX];
	struct load loads[VMS_MAX];
	double want[VMS_MAX], error;
	const char *word;
	struct vgpud d;
	struct share s;
	size_t i;
	bool ok = true;

	for (i = 0; i < row->n; i++)
		want[i] = row->want[i] / 100;
	start(&d, row, loads, runs);
	share_measure(&d, loads, row->n, 1e9, seconds, &s);
	error = share_error(&s, want);
	if (row->measure == MEASURE_CAP)
		error = 100 * ABS(s.cap[0] - want[0]);
	word = verdict(row, &s, error);
	print(row, &s, error, word);
	for (i = 0; i < row->n; i++)
		ok &= load_stop(&runs[i]);
	vgpud_stop(&d);
	if (!ok)
		printf("    a command was not answered, or with an error\n");
	return !ok || !strcmp(word, "no");
}

int main(int argc, char **argv)
{
	const char *only = "", *path = NULL;
	int i, ret = 0;
	size_t r;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seconds"))
			seconds = atof(argv[i + 1]);
		else if (!strcmp(argv[i], "--only"))
			only = argv[i + 1];
		else if (!strcmp(argv[i], "--json"))
			path = argv[i + 1];
		else
			break;
	}
	if (i < argc || seconds < 1) {
		fprintf(stderr, "usage: %s [--seconds S] [--only TEXT] [--json FILE]\n",
			argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	share_confine();
	json = path ? fopen(path, "we") : NULL;
	if (json)
		fputs("[\n", json);
	printf("%-27s %-30s %5s  %6s  %6s  %6s   aim\n", "shares",
	       "of the kernel's CPU time, %", "error", "active", "others",
	       "idle s");
	for (r = 0; r < G_N_ELEMENTS(rows); r++)
		if (strstr(rows[r].name, only))
			ret |= run_row(&rows[r]);
	if (json) {
		fputs("\n  ]", json);
		fclose(json);
	}
	return ret;
}
