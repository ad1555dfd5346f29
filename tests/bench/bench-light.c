// SPDX-License-Identifier: MIT
/*
 * bench-light.c - a light VM at 60 frames a second beside one that never stops
 *
 * usage: bench-light [--seconds S] [--json FILE]
 *
 * Frame times, from the tick of a 60 Hz clock to the answer: the light VM alone,
 * beside the other one under vgpud, and the same two without a scheduler, each
 * with an endpoint of its own. A draw can not be interrupted, so the longest one
 * of the other VM is part of the aim; it is measured too (its p99, which is more
 * severe than a maximum that this host may have made).
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

#define TICK_US		16667
#define WAIT_S		120

static const struct load light = {
	.name = "light", .blits = 1, .side = 256, .period_us = TICK_US,
	.rests = true,
};
static const struct load heavy = {
	.name = "heavy", .depth = 3, .blits = 4, .rests = true,
};
static const struct load one_draw = {
	.name = "draw", .depth = 1, .blits = 1, .rests = true,
};

struct times {
	size_t n;
	double p50, p99, p999, max;	/* ms */
};

static unsigned int seconds = 20;

static struct times times_of(const struct load_run *run)
{
	size_t n;
	g_autofree double *us = load_times(run, &n);
	struct times t = { .n = n };

	if (!n)
		return t;
	t.p50 = us[n / 2] / 1000;
	t.p99 = us[MIN(n - 1, n * 99 / 100)] / 1000;
	t.p999 = us[MIN(n - 1, n * 999 / 1000)] / 1000;
	t.max = us[n - 1] / 1000;
	return t;
}

static void warm(struct load_run *run)
{
	load_resume(run);
	g_assert_true(load_wait(run, load_jobs(run) + 20, WAIT_S));
}

static struct times measure(struct load_run *run, unsigned int s)
{
	load_forget(run);
	sleep(s);
	return times_of(run);
}

static void print(const char *name, const struct times *t, const char *word)
{
	printf("%-34s %6zu  %8.2f %8.2f %8.2f %8.2f ms   %s\n", name, t->n,
	       t->p50, t->p99, t->p999, t->max, word);
	fflush(stdout);
}

static void put(FILE *f, const char *name, const struct times *t)
{
	fprintf(f, "    \"%s\": {\"frames\": %zu, \"p50_ms\": %.3f, "
		"\"p99_ms\": %.3f, \"p999_ms\": %.3f, \"max_ms\": %.3f},\n",
		name, t->n, t->p50, t->p99, t->p999, t->max);
}

/* Under one vgpud: one draw of the heavy kind, the light one, both. */
static void scheduled(struct times *draw, struct times *alone,
		      struct times *beside)
{
	struct load_run runs[3];
	struct vgpud d;

	vgpud_start(&d, SHARE_KEYS, "[vm light]\n[vm heavy]\n[vm draw]\n");
	load_start(&runs[0], &light, vgpud_connect(&d, "light"));
	load_start(&runs[1], &heavy, vgpud_connect(&d, "heavy"));
	load_start(&runs[2], &one_draw, vgpud_connect(&d, "draw"));
	warm(&runs[2]);
	*draw = measure(&runs[2], MIN(seconds, 5));
	load_pause(&runs[2]);
	warm(&runs[0]);
	*alone = measure(&runs[0], seconds);
	warm(&runs[1]);
	*beside = measure(&runs[0], seconds);
	g_assert_true(load_stop(&runs[0]));
	g_assert_true(load_stop(&runs[1]));
	g_assert_true(load_stop(&runs[2]));
	vgpud_stop(&d);
}

static void unscheduled(struct times *alone, struct times *beside)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";
	g_autofree char *command = g_strdup_printf(
		"%s/vgpu-endpoint --virgl --render-node=none --cpus=0 --cpu-threads=1",
		b);
	struct load_run runs[2];

	load_start_alone(&runs[0], &light, command);
	load_start_alone(&runs[1], &heavy, command);
	warm(&runs[0]);
	*alone = measure(&runs[0], seconds);
	warm(&runs[1]);
	*beside = measure(&runs[0], seconds);
	g_assert_true(load_stop(&runs[0]));
	g_assert_true(load_stop(&runs[1]));
}

int main(int argc, char **argv)
{
	struct times draw, alone, beside, un_alone, un_beside;
	const char *path = NULL;
	double aim;
	bool met;
	int i;

	for (i = 1; i + 1 < argc; i += 2) {
		if (!strcmp(argv[i], "--seconds"))
			seconds = (unsigned int)atoi(argv[i + 1]);
		else if (!strcmp(argv[i], "--json"))
			path = argv[i + 1];
		else
			break;
	}
	if (i < argc || !seconds) {
		fprintf(stderr, "usage: %s [--seconds S] [--json FILE]\n",
			argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	share_confine();
	printf("%-34s %6s  %8s %8s %8s %8s\n", "frame times at 60 a second",
	       "n", "p50", "p99", "p99.9", "longest");
	scheduled(&draw, &alone, &beside);
	aim = 1.5 * alone.p99 + draw.p99;
	met = beside.p99 <= aim;
	print("(one draw of the other VM)", &draw, "");
	print("alone", &alone, "");
	print("beside it, under vgpud", &beside, met ? "yes" : "no");
	unscheduled(&un_alone, &un_beside);
	print("alone, no scheduler", &un_alone, "");
	print("beside it, no scheduler", &un_beside, "");
	printf("aim: p99 at most 1.5 x %.2f + %.2f = %.2f ms\n", alone.p99,
	       draw.p99, aim);
	if (path) {
		FILE *f = fopen(path, "we");

		if (!f) {
			perror(path);
			return 1;
		}
		fputs("{\n", f);
		put(f, "draw", &draw);
		put(f, "alone", &alone);
		put(f, "beside", &beside);
		put(f, "unscheduled_alone", &un_alone);
		put(f, "unscheduled_beside", &un_beside);
		fprintf(f, "    \"aim_p99_ms\": %.3f, \"verdict\": \"%s\"\n  }",
			aim, met ? "yes" : "no");
		fclose(f);
	}
	return !met;
}
