// SPDX-License-Identifier: MIT
/*
 * svg.c - shares over time as a picture
 *
 * Totals are read at both ends of an interval, so a share is exact for it. An
 * interval in which next to nothing was used has no shares.
 */
#include "ctl/svg.h"

#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#define WIDTH		760
#define LEFT		56
#define RIGHT		744
#define TOP		64
#define BOTTOM		332
#define POINTS_MAX	1200
#define USED_MIN	0.02	/* of the time of an interval */

/* Okabe and Ito's, which people see apart whatever their eyes; then grey. */
static const char *const colours[SVG_VMS_MAX + 1] = {
	"#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00",
	"#882255", "#444444", "#999999",
};

/** struct series - a line: one VM, or (NULL) the sum of many */
struct series {
	const struct recording_vm *vm;
	const char *colour;
	double used_s;
};

struct picture {
	const struct recording *r;
	GString *out;
	GArray *series;			/* struct series */
	GArray *ends;			/* guint: samples that end intervals */
	double end_s;
};

static double at(const GArray *array, guint i)
{
	return g_array_index(array, double, i);
}

/* printf() with a point in numbers, whatever the locale: %s, %d and %f only. */
static void put(struct picture *p, const char *fmt, ...)
{
	char number[G_ASCII_DTOSTR_BUF_SIZE];
	va_list ap;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			g_string_append_c(p->out, *fmt);
			continue;
		}
		switch (*++fmt) {
		case 's':
			g_string_append(p->out, va_arg(ap, const char *));
			break;
		case 'd':
			g_string_append_printf(p->out, "%d", va_arg(ap, int));
			break;
		case 'f':
			g_string_append(p->out, g_ascii_formatd(number,
				sizeof(number), "%.1f", va_arg(ap, double)));
			break;
		default:
			g_string_append_c(p->out, *fmt);
		}
	}
	va_end(ap);
}

static void put_text(struct picture *p, double x, double y, const char *more,
		     const char *text)
{
	char *escaped = g_markup_escape_text(text, -1);
	char *c;

	/* XML has no way to write these */
	for (c = escaped; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	put(p, "<text x=\"%f\" y=\"%f\"%s>%s</text>\n", x, y, more, escaped);
	g_free(escaped);
}

static double x_of(const struct picture *p, double s)
{
	return LEFT + (RIGHT - LEFT) * s / p->end_s;
}

static double y_of(double share)
{
	return BOTTOM - (BOTTOM - TOP) * CLAMP(share, 0, 1);
}

/* ---- figures ---- */

/* Used from one sample to another; NAN if it was not there. A total of a VM
 * that was connected anew may have gone back. */
static double used(const struct recording_vm *vm, guint from, guint to)
{
	double d = at(vm->gpu_s, to) - at(vm->gpu_s, from);

	return isnan(d) ? NAN : MAX(d, 0);
}

/* By all that were on this GPU (NULL: on any). */
static double used_by_all(const struct recording *r, const char *gpu,
			  guint from, guint to)
{
	double all = 0, d;
	guint i;

	for (i = 0; i < r->vms->len; i++) {
		const struct recording_vm *vm = g_ptr_array_index(r->vms, i);

		d = gpu && strcmp(gpu, vm->gpu) ? 0 : used(vm, from, to);
		all += isnan(d) ? 0 : d;
	}
	return all;
}

static bool is_shown(const struct picture *p, const struct recording_vm *vm)
{
	guint i;

	for (i = 0; i < p->series->len; i++) {
		if (g_array_index(p->series, struct series, i).vm == vm)
			return true;
	}
	return false;
}

static double share_of(const struct picture *p, const struct series *s,
		       guint from, guint to)
{
	double all = used_by_all(p->r, s->vm ? s->vm->gpu : NULL, from, to);
	double mine = 0, d, elapsed = at(p->r->at_s, to) - at(p->r->at_s, from);
	guint i;

	if (all < USED_MIN * elapsed)
		return NAN;
	if (s->vm)
		return used(s->vm, from, to) / all;
	for (i = 0; i < p->r->vms->len; i++) {
		const struct recording_vm *vm = g_ptr_array_index(p->r->vms, i);

		d = is_shown(p, vm) ? 0 : used(vm, from, to);
		mine += isnan(d) ? 0 : d;
	}
	return mine / all;
}

static int most_used(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	return x->used_s < y->used_s ? 1 : x->used_s > y->used_s ? -1 :
		strcmp(x->vm->name, y->vm->name);
}

static int by_name(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	return strcmp(x->vm->name, y->vm->name);
}

/* Those that have used the GPU; of many those that used most. */
static void choose_series(struct picture *p)
{
	const struct series rest = { .colour = colours[SVG_VMS_MAX] };
	guint samples = p->r->at_s->len, i, k;
	bool more;

	for (i = 0; i < p->r->vms->len; i++) {
		struct series s = { .vm = g_ptr_array_index(p->r->vms, i) };

		for (k = 1; k < samples; k++) {
			double d = used(s.vm, k - 1, k);

			s.used_s += isnan(d) ? 0 : d;
		}
		if (s.used_s > 0)
			g_array_append_val(p->series, s);
	}
	g_array_sort(p->series, most_used);
	more = p->series->len > SVG_VMS_MAX;
	if (more)
		g_array_set_size(p->series, SVG_VMS_MAX);
	g_array_sort(p->series, by_name);
	for (i = 0; i < p->series->len; i++)
		g_array_index(p->series, struct series, i).colour = colours[i];
	if (more)
		g_array_append_val(p->series, rest);
}

/* Long recordings have more samples than the picture has room. */
static void choose_intervals(struct picture *p)
{
	guint samples = p->r->at_s->len;
	guint step = (samples + POINTS_MAX - 2) / POINTS_MAX, i;

	for (i = 0; i < samples; i += MAX(step, 1))
		g_array_append_val(p->ends, i);
	i = samples - 1;
	if (g_array_index(p->ends, guint, p->ends->len - 1) != i)
		g_array_append_val(p->ends, i);
}

/* ---- drawing ---- */

static void put_head(struct picture *p)
{
	char *title = g_strdup_printf("Shares of the GPU%s%s",
				      *p->r->renderer ? ": " : "",
				      p->r->renderer);

	put(p, "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" viewBox=\"0 0 %d %d\" font-family=\"sans-serif\" font-size=\"12\" fill=\"#222\">\n",
	    WIDTH, BOTTOM + 48, WIDTH, BOTTOM + 48);
	put(p, "<rect width=\"%d\" height=\"%d\" fill=\"#fff\"/>\n", WIDTH,
	    BOTTOM + 48);
	if (g_utf8_strlen(title, -1) > 90)
		*g_utf8_offset_to_pointer(title, 90) = '\0';
	put_text(p, LEFT, 22, " font-size=\"15\" font-weight=\"bold\"", title);
	g_free(title);
}

/* 1, 2 or 5 times a power of ten, so that there are 5 to 12 of them. */
static double nice_step(double length)
{
	double step = pow(10, floor(log10(length)));

	if (length / step < 2)
		return step / 5;
	return length / step < 5 ? step / 2 : step;
}

static void put_axes(struct picture *p)
{
	double step = nice_step(p->end_s), s;
	char label[32];
	int i;

	for (i = 0; i <= 4; i++) {
		double y = y_of(i / 4.0);

		put(p, "<path d=\"M%d %fH%d\" stroke=\"%s\"/>\n", LEFT, y,
		    RIGHT, i ? "#ddd" : "#222");
		g_snprintf(label, sizeof(label), "%d %%", 25 * i);
		put_text(p, LEFT - 8, y + 4, " text-anchor=\"end\"", label);
	}
	for (s = 0; s <= p->end_s * 1.0001; s += step) {
		char number[G_ASCII_DTOSTR_BUF_SIZE];

		put(p, "<path d=\"M%f %dv5\" stroke=\"#222\"/>\n", x_of(p, s),
		    BOTTOM);
		put_text(p, x_of(p, s), BOTTOM + 18, " text-anchor=\"middle\"",
			 g_ascii_formatd(number, sizeof(number), "%.6g", s));
	}
	put_text(p, (LEFT + RIGHT) / 2.0, BOTTOM + 38,
		 " text-anchor=\"middle\"", "seconds");
}

static void put_legend(struct picture *p)
{
	double x = LEFT;
	guint i;

	for (i = 0; i < p->series->len; i++) {
		const struct series *s = &g_array_index(p->series,
							struct series, i);
		char *name = g_strdup(s->vm ? s->vm->name : "all others");

		if (g_utf8_strlen(name, -1) > 12)
			*g_utf8_offset_to_pointer(name, 12) = '\0';
		put(p, "<path d=\"M%f 41h18\" stroke=\"%s\" stroke-width=\"2.5\"/>\n",
		    x, s->colour);
		put_text(p, x + 22, 45, "", name);
		x += 38 + 7.2 * (double)g_utf8_strlen(name, -1);
		g_free(name);
	}
	put(p, "<path d=\"M%f 41h18\" stroke=\"#222\" stroke-width=\"1.5\" stroke-dasharray=\"5 4\"/>\n",
	    x);
	put_text(p, x + 22, 45, "", "due");
}

/* Steps: a share belongs to an interval, not to a moment. */
static void put_line(struct picture *p, const struct series *s, bool target)
{
	double last = NAN;
	guint i;

	put(p, "<path fill=\"none\" stroke=\"%s\" stroke-width=\"%s\" d=\"",
	    s->colour,
	    target ? "1.5\" stroke-dasharray=\"5 4\" stroke-opacity=\"0.8" : "2");
	for (i = 1; i < p->ends->len; i++) {
		guint from = g_array_index(p->ends, guint, i - 1);
		guint to = g_array_index(p->ends, guint, i);
		double v = target ? at(s->vm->target, to) :
			share_of(p, s, from, to);

		if (isnan(v)) {
			last = v;
			continue;
		}
		if (isnan(last))
			put(p, "M%f %f", x_of(p, at(p->r->at_s, from)), y_of(v));
		else if (target && fabs(v - last) > 0.0005)
			put(p, "H%fV%f", x_of(p, at(p->r->at_s, from)), y_of(v));
		if (target)
			put(p, "H%f", x_of(p, at(p->r->at_s, to)));
		else
			put(p, "L%f %f", x_of(p, (at(p->r->at_s, from) +
						  at(p->r->at_s, to)) / 2),
			    y_of(v));
		last = v;
	}
	put(p, "\"/>\n");
}

static void put_marks(struct picture *p)
{
	double last_x[3] = { -1000, -1000, -1000 };
	guint i, row;

	for (i = 0; i < p->r->marks->len; i++) {
		const struct recording_mark *m = &g_array_index(p->r->marks,
			struct recording_mark, i);
		double x = x_of(p, m->at_s);
		char *text = g_strdup(m->text);

		if (g_utf8_strlen(text, -1) > 40)
			*g_utf8_offset_to_pointer(text, 40) = '\0';
		if (m->at_s <= p->end_s) {
			put(p, "<path d=\"M%f %dV%d\" stroke=\"#888\" stroke-dasharray=\"2 3\"/>\n",
			    x, TOP, BOTTOM);
			for (row = 0; row < 3 && x - last_x[row] < 170; row++)
				;
			/* more in one place than there is room for: a line each */
			if (row < 3) {
				bool end = x > RIGHT - 170;

				put_text(p, end ? x - 4 : x + 4,
					 TOP + 12 + 14.0 * row,
					 end ? " font-size=\"11\" fill=\"#555\" text-anchor=\"end\"" :
					 " font-size=\"11\" fill=\"#555\"", text);
				last_x[row] = x;
			}
		}
		g_free(text);
	}
}

GString *svg_shares(const struct recording *recording)
{
	struct picture p = {
		.r = recording,
		.out = g_string_new(NULL),
		.series = g_array_new(FALSE, TRUE, sizeof(struct series)),
		.ends = g_array_new(FALSE, TRUE, sizeof(guint)),
		.end_s = at(recording->at_s, recording->at_s->len - 1),
	};
	guint i;

	choose_series(&p);
	choose_intervals(&p);
	put_head(&p);
	put_axes(&p);
	put_legend(&p);
	put_marks(&p);
	for (i = 0; i < p.series->len; i++) {
		const struct series *s = &g_array_index(p.series,
							struct series, i);

		if (s->vm)
			put_line(&p, s, true);
		put_line(&p, s, false);
	}
	put(&p, "</svg>\n");
	g_array_free(p.series, TRUE);
	g_array_free(p.ends, TRUE);
	return p.out;
}
