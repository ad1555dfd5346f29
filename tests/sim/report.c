// SPDX-License-Identifier: MIT
/*
 * report.c - figures of a run, as a table, CSV and SVG
 */
#include "tests/sim/report.h"

#include <errno.h>
#include <math.h>
#include <string.h>

static int compare(gconstpointer a, gconstpointer b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double percentile(const GArray *sorted, double p)
{
	guint n = sorted->len;

	if (!n)
		return 0;
	return g_array_index(sorted, double, MIN(n - 1, (guint)(p * n)));
}

static double ms_of(int64_t ns)
{
	return (double)ns / 1e6;
}

static double mean_of(const struct timing *t)
{
	return t->calls ? (double)t->ns / (double)t->calls : 0;
}

/* Of those that always have work, by weight. */
static void shares(const struct lane *lane, struct figure *f)
{
	double sum = 0, squares = 0, least = INFINITY, most = 0;
	int i, n = 0;

	for (i = 0; i < lane->n; i++) {
		double y = (double)lane->vm[i].served / lane->vm[i].weight;

		if (lane->vm[i].group->hz > 0)
			continue;
		n++;
		sum += y;
		squares += y * y;
		least = MIN(least, y);
		most = MAX(most, y);
	}
	if (!n || !(sum > 0))
		return;
	f[F_JAIN].value = sum * sum / (n * squares);
	f[F_SHARE_MIN].value = least * n / sum;
	f[F_SHARE_MAX].value = most * n / sum;
}

/*
 * What a VM got less its debt is whole slots, the same number for all but one.
 * Only where all have work and the debt of the slot in use is known: of those
 * that are not in it.
 */
static void rounds(const struct lane *lane, struct figure *f)
{
	double least = INFINITY, most = 0, worst = 0;
	int i;

	if (!lane->is_policy || lane->policy.mode != POLICY_FIXED)
		return;
	for (i = 0; i < lane->n; i++) {
		const struct sim_vm *vm = &lane->vm[i];
		double q = (double)vm->entity.slot_ns, had, k;

		if (&vm->entity == lane->policy.slot)
			continue;
		had = (double)vm->served - (double)vm->entity.debt_ns;
		k = round(had / q);
		least = MIN(least, k);
		most = MAX(most, k);
		if (fabs(had - k * q) > 1)
			worst = INFINITY;	/* B7 */
		worst = MAX(worst, (double)vm->served / (k * q));
	}
	f[F_ROUNDS].value = most - least;
	f[F_ROUND_MAX].value = worst;
}

void report_figures(const struct lane *lane, struct figure *figures)
{
	const struct figure all[FIGURES] = {
		[F_JAIN] = { "jain", "Jain's index of VMs that always have work", 0 },
		[F_SHARE_MIN] = { "share-min", "the smallest of their shares, by the mean", 0 },
		[F_SHARE_MAX] = { "share-max", "the largest", 0 },
		[F_P50] = { "p50", "arrival to end of periodic jobs, ms", 0 },
		[F_P99] = { "p99", "", 0 },
		[F_P999] = { "p99.9", "", 0 },
		[F_MAX] = { "max", "", 0 },
		[F_LAG_MIN] = { "lag-min", "what a VM was owed (fair), ms", ms_of(lane->lag_min) },
		[F_LAG_MAX] = { "lag-max", "", ms_of(lane->lag_max) },
		[F_WAITED] = { "waited", "idle while one could run, s", (double)lane->waited / 1e9 },
		[F_IDLE] = { "idle", "idle, s", (double)lane->idle / 1e9 },
		[F_OVERRUN] = { "overrun", "past a slot (fixed), ms", ms_of((int64_t)lane->overrun) },
		[F_ROUNDS] = { "rounds", "difference in slots had (fixed)", 0 },
		[F_ROUND_MAX] = { "round-max", "most served by slots had (fixed)", 0 },
		[F_DIFFER] = { "differ", "decisions other than by a scan", (double)lane->scans_differ },
		[F_DECIDE] = { "decide", "a decision, with two clock readings, ns", mean_of(&lane->decide) },
		[F_UPDATE] = { "update", "the charge after it, ns", mean_of(&lane->update) },
		[F_SCAN] = { "scan", "the same decision by a scan, ns", mean_of(&lane->scan) },
	};

	g_array_sort(lane->latency, compare);
	memcpy(figures, all, sizeof(all));
	figures[F_P50].value = percentile(lane->latency, 0.5);
	figures[F_P99].value = percentile(lane->latency, 0.99);
	figures[F_P999].value = percentile(lane->latency, 0.999);
	figures[F_MAX].value = percentile(lane->latency, 1);
	shares(lane, figures);
	rounds(lane, figures);
}

/* "share.NAME": percent of the time that a group had, all changes included. */
static double group_share(const struct lane *lane, const char *name)
{
	double ns = 0;
	bool any = false;
	int i;

	for (i = 0; i < lane->n; i++) {
		if (strcmp(lane->vm[i].group->name, name))
			continue;
		ns += (double)lane->vm[i].served;
		any = true;
	}
	return any ? 100 * ns / (double)lane->now : NAN;
}

int report_expected(const struct lane *lane, const struct figure *figures)
{
	const GArray *limits = lane->load->limits;
	int failed = 0, k;
	guint i;

	for (i = 0; i < limits->len; i++) {
		const struct limit *l = &g_array_index(limits, struct limit, i);
		double value = NAN;

		if (g_str_has_prefix(l->figure, "share."))
			value = group_share(lane, l->figure + 6);
		for (k = 0; k < FIGURES; k++) {
			if (!strcmp(figures[k].name, l->figure))
				value = figures[k].value;
		}
		if (value >= l->least && value <= l->most)
			continue;
		failed++;
		printf("FAIL %s: %s is %.6f, expected %g to %g\n",
		       lane->load->name, l->figure, value, l->least, l->most);
	}
	return failed;
}

void report_head(FILE *out)
{
	fprintf(out, "%-20s %-11s %8s  %-15s  %-27s  %-13s  %9s %7s %7s %7s %7s\n",
		"", "", "", "share", "latency, ms", "lag, ms", "", "decide",
		"update", "scan", "");
	fprintf(out, "%-20s %-11s %8s  %-15s  %-27s  %-13s  %9s %7s %7s %7s %7s\n",
		"workload", "policy", "Jain", "min..max",
		"p50 / p99 / p99.9 / max", "min..max", "jobs", "ns", "ns",
		"ns", "idle, s");
}

void report_row(FILE *out, const struct lane *lane, const struct figure *f)
{
	char share[32], latency[64] = "-", lag[32] = "-", scan[16] = "-";

	g_snprintf(share, sizeof(share), "%.4f..%.4f", f[F_SHARE_MIN].value,
		   f[F_SHARE_MAX].value);
	if (lane->latency->len)
		g_snprintf(latency, sizeof(latency), "%.2f / %.2f / %.2f / %.2f",
			   f[F_P50].value, f[F_P99].value, f[F_P999].value,
			   f[F_MAX].value);
	if (lane->is_fair)
		g_snprintf(lag, sizeof(lag), "%.2f..%.2f", f[F_LAG_MIN].value,
			   f[F_LAG_MAX].value);
	if (lane->scan.calls)
		g_snprintf(scan, sizeof(scan), "%.0f", f[F_SCAN].value);
	fprintf(out, "%-20s %-11s %8.6f  %-15s  %-27s  %-13s  %9llu %7.0f %7.0f %7s %7.1f\n",
		lane->load->name, lane->load->policy, f[F_JAIN].value, share,
		latency, lag, (unsigned long long)lane->jobs,
		f[F_DECIDE].value, f[F_UPDATE].value, scan, f[F_IDLE].value);
	if (lane->is_policy && lane->policy.mode == POLICY_FIXED)
		fprintf(out, "%-20s overrun to %.2f ms, served to %.4f of the slots had\n",
			"", f[F_OVERRUN].value, f[F_ROUND_MAX].value);
}

static FILE *create(const struct lane *lane, const char *folder,
		    const char *ending)
{
	char *path = g_strdup_printf("%s/%s-%s%s", folder, lane->load->name,
				     lane->load->policy, ending);
	FILE *f = fopen(path, "w");

	if (!f)
		fprintf(stderr, "sim: %s: %s\n", path, g_strerror(errno));
	g_free(path);
	return f;
}

static int finish(FILE *f)
{
	int bad = ferror(f);

	return fclose(f) || bad ? -EIO : 0;
}

static double share_at(const struct lane *lane, guint sample, guint group)
{
	double ns = g_array_index(lane->samples, double,
				  sample * lane->load->groups->len + group);

	return 100 * ns / (lane->load->sample * 1e9);
}

int report_csv(const struct lane *lane, const char *folder)
{
	guint groups = lane->load->groups->len, i, k;
	FILE *f = create(lane, folder, ".csv");
	int n, ret;

	if (!f)
		return -EIO;
	fprintf(f, "vm,group,weight,served_ms,share_percent\n");
	for (n = 0; n < lane->n; n++) {
		const struct sim_vm *vm = &lane->vm[n];

		fprintf(f, "%d,%s,%g,%.6f,%.6f\n", n, vm->group->name,
			vm->weight, (double)vm->served / 1e6,
			100 * (double)vm->served / (double)lane->now);
	}
	ret = finish(f);
	f = create(lane, folder, "-time.csv");
	if (!f)
		return -EIO;
	fprintf(f, "seconds");
	for (k = 0; k < groups; k++)
		fprintf(f, ",%s", g_array_index(lane->load->groups,
						struct group, k).name);
	for (i = 0; i < lane->samples->len / groups; i++) {
		fprintf(f, "\n%g", (i + 1) * lane->load->sample);
		for (k = 0; k < groups; k++)
			fprintf(f, ",%.4f", share_at(lane, i, k));
	}
	fprintf(f, "\n");
	return finish(f) ? -EIO : ret;
}

#define WIDTH	800
#define HEIGHT	300
#define LEFT	50
#define TOP	40

static void svg_axes(FILE *f, const struct lane *lane)
{
	char *title = g_markup_escape_text(lane->load->title, -1);
	int i;

	fprintf(f, "<text x=\"%d\" y=\"20\" font-size=\"15\">%s (%s)</text>\n",
		LEFT, title, lane->load->policy);
	g_free(title);
	for (i = 0; i <= 4; i++) {
		int y = TOP + HEIGHT - i * HEIGHT / 4;

		fprintf(f, "<path d=\"M%d %dh%d\" stroke=\"#ddd\"/>"
			"<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d %%</text>\n",
			LEFT, y, WIDTH, LEFT - 6, y + 4, 25 * i);
		fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\">%g s</text>\n",
			LEFT + i * WIDTH / 4, TOP + HEIGHT + 18,
			lane->load->seconds * i / 4);
	}
}

static void svg_line(FILE *f, const struct lane *lane, guint group)
{
	static const char *const colours[] = {
		"#1f77b4", "#d62728", "#2ca02c", "#9467bd", "#ff7f0e",
		"#8c564b", "#17becf", "#7f7f7f",
	};
	const char *colour = colours[group % G_N_ELEMENTS(colours)];
	guint i, n = lane->samples->len / lane->load->groups->len;
	char *name = g_markup_escape_text(g_array_index(lane->load->groups,
					  struct group, group).name, -1);

	fprintf(f, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"1.5\" d=\"",
		colour);
	for (i = 0; i < n; i++)
		fprintf(f, "%c%.1f %.1f", i ? 'L' : 'M', LEFT + WIDTH *
			(i + 1) * lane->load->sample / lane->load->seconds,
			TOP + HEIGHT * (1 - share_at(lane, i, group) / 100));
	fprintf(f, "\"/>\n<text x=\"%d\" y=\"%u\" fill=\"%s\">%s</text>\n",
		LEFT + WIDTH + 8, TOP + 12 + 18 * group, colour, name);
	g_free(name);
}

/* The share of each group over time. */
int report_svg(const struct lane *lane, const char *folder)
{
	FILE *f = create(lane, folder, ".svg");
	guint k;

	if (!f)
		return -EIO;
	fprintf(f, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\""
		" font-family=\"sans-serif\" font-size=\"12\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n",
		LEFT + WIDTH + 140, TOP + HEIGHT + 30);
	svg_axes(f, lane);
	for (k = 0; k < lane->load->groups->len; k++)
		svg_line(f, lane, k);
	fprintf(f, "</svg>\n");
	return finish(f);
}
