// SPDX-License-Identifier: MIT
/*
 * trace.c - who had which GPU when: the last turns, always recorded
 */
#include "broker/trace.h"

#include <string.h>

#include "protocol/vgpu_ipc.h"
#include "sched/arbiter.h"

struct entry {
	uint16_t vm;			/* in names */
	struct arbiter_turn turn;
};

/*
 * Names of VMs that came and went are kept while their turns are; an index is
 * used again when it has none left.
 */
struct name {
	char text[VGPU_NAME_MAX];
	uint32_t turns;			/* in the ring */
};

struct trace {
	struct entry ring[TRACE_MAX];	/* number n is at n % TRACE_MAX */
	uint64_t next;
	GArray *names;			/* struct name, at most TRACE_MAX */
	uint16_t last;			/* the last one that was looked up */
};

struct trace *trace_new(void)
{
	struct trace *trace = g_new0(struct trace, 1);

	trace->next = 1;
	trace->names = g_array_new(FALSE, TRUE, sizeof(struct name));
	return trace;
}

void trace_free(struct trace *trace)
{
	if (!trace)
		return;
	g_array_free(trace->names, TRUE);
	g_free(trace);
}

static struct name *name_at(const struct trace *trace, guint i)
{
	return &g_array_index(trace->names, struct name, i);
}

static uint16_t find_name(struct trace *trace, const char *vm)
{
	guint i, unused = trace->names->len;

	if (trace->last < trace->names->len &&
	    !strcmp(name_at(trace, trace->last)->text, vm))
		return trace->last;
	for (i = 0; i < trace->names->len; i++) {
		if (!strcmp(name_at(trace, i)->text, vm))
			return (uint16_t)i;
		if (!name_at(trace, i)->turns)
			unused = i;
	}
	/* there are never more names in use than turns */
	if (unused == trace->names->len)
		g_array_set_size(trace->names, unused + 1);
	g_strlcpy(name_at(trace, unused)->text, vm, VGPU_NAME_MAX);
	return (uint16_t)unused;
}

void trace_add(struct trace *trace, const char *vm,
	       const struct arbiter_turn *turn)
{
	struct entry *e;

	if (!trace)
		return;
	e = &trace->ring[trace->next % TRACE_MAX];
	if (trace->next > TRACE_MAX)
		name_at(trace, e->vm)->turns--;
	trace->last = find_name(trace, vm);
	e->vm = trace->last;
	e->turn = *turn;
	name_at(trace, e->vm)->turns++;
	trace->next++;
}

uint64_t trace_next(const struct trace *trace)
{
	return trace ? trace->next : 1;
}

void trace_put_turn(GString *out, GPtrArray *vms, const char *vm,
		    const struct arbiter_turn *turn)
{
	guint i;

	for (i = 0; i < vms->len; i++) {
		if (!strcmp(g_ptr_array_index(vms, i), vm))
			break;
	}
	if (i == vms->len)
		g_ptr_array_add(vms, g_strdup(vm));
	g_string_append_printf(out, "[%u,%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT
			       ",%" G_GUINT64_FORMAT ",%" G_GUINT64_FORMAT "]",
			       i, turn->granted_ns, turn->ended_ns,
			       turn->waited_ns, turn->charged_ns);
}

uint64_t trace_put(const struct trace *trace, GString *out, uint64_t since,
		   GPtrArray *vms, uint64_t *lost)
{
	uint64_t end = trace_next(trace), first, last;

	first = end > TRACE_MAX ? end - TRACE_MAX : 1;
	since = MIN(MAX(since, 1), end);
	*lost = since < first ? first - since : 0;
	since = MAX(since, first);
	last = MIN(end, since + TRACE_REPLY_MAX);
	g_string_append_c(out, '[');
	for (; since < last; since++) {
		const struct entry *e = &trace->ring[since % TRACE_MAX];

		trace_put_turn(out, vms, name_at(trace, e->vm)->text, &e->turn);
		if (since + 1 < last)
			g_string_append_c(out, ',');
	}
	g_string_append_c(out, ']');
	return since;
}
