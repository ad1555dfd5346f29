// SPDX-License-Identifier: MIT
/*
 * virgl_fencing.c - fences behind all work so far, and queries before them
 *
 * The guest waits for a fence and then expects the results of its queries in
 * memory. virglrenderer keeps a list of those that GL had not finished and
 * looks through it only when a fence of its own has retired. So where a buffer
 * asked for results, the fences after it get a virglrenderer fence as well, in
 * front of ours, and virglrenderer is polled before ours is reported.
 */
#define VIRGL_RENDERER_UNSTABLE_APIS
#include <errno.h>
#include <virglrenderer.h>
#include "protocol/virgl.h"
#include "renderer/virgl_private.h"

/* A result may need more than one look on drivers that are late to tell. */
#define QUERY_CHECKS	4

void virgl_note_queries(struct virgl *v, const uint32_t *buf, size_t dwords)
{
	size_t at = 0;

	while (at < dwords) {
		if (VIRGL_HEADER_CMD(buf[at]) == VIRGL_CCMD_GET_QUERY_RESULT) {
			v->query_checks = QUERY_CHECKS;
			return;
		}
		at += 1 + (size_t)VIRGL_HEADER_LENGTH(buf[at]);
	}
}

struct list {
	struct virgl_sync *first, **last;
	bool lost_one;
};

static void take(void *opaque, GLsync sync)
{
	struct list *list = opaque;
	struct virgl_sync *s = virgl_sync_new(sync);

	if (!s) {
		glDeleteSync(sync);
		list->lost_one = true;
		return;
	}
	*list->last = s;
	list->last = &s->next;
}

static void free_list(struct virgl_sync *s)
{
	struct virgl_sync *next;

	for (; s; s = next) {
		next = s->next;
		virgl_sync_free(s);
	}
}

static bool list_signalled(const struct virgl_sync *s)
{
	for (; s; s = s->next)
		if (!virgl_sync_signalled(s))
			return false;
	return true;
}

static void check_queries(struct virgl *v)
{
	virgl_renderer_poll();
	v->on = VIRGL_NO_CONTEXT;
}

int virgl_fence(struct renderer *r, uint32_t ctx, uint64_t fence)
{
	struct virgl *v = to_virgl(r);
	struct list list = { .last = &list.first };
	struct virgl_sync *s;
	bool queries = false;

	if (v->lost)
		return -EIO;
	if (v->query_checks &&
	    !virgl_renderer_create_fence((int)++v->query_seq, 0)) {
		v->query_checks--;
		queries = true;
	}
	virgl_gl_collect(&v->gl, take, &list);
	if (list.lost_one)
		glFinish();
	/*
	 * What is done already needs no other thread. Waiting here for a
	 * little while for the rest was tried: it gained nothing for one
	 * buffer at a time and cost a tenth with more in flight.
	 */
	if (virgl_fences_idle(&v->fences) && list_signalled(list.first)) {
		free_list(list.first);
		if (queries)
			check_queries(v);
		return 1;
	}
	s = virgl_sync_new(NULL);
	if (!s) {
		free_list(list.first);
		return -ENOMEM;
	}
	s->fence = fence;
	s->queries = queries;
	s->stamp = virgl_stamp_new(&v->stamps);
	*list.last = s;
	virgl_fences_add(&v->fences, list.first);
	return 0;
}

uint64_t virgl_fence_time(struct renderer *r, uint64_t fence)
{
	return virgl_stamp_of(&to_virgl(r)->stamps, fence);
}

int virgl_poll_fd(struct renderer *r)
{
	return to_virgl(r)->fences.event_fd;
}

void virgl_poll(struct renderer *r)
{
	struct virgl *v = to_virgl(r);
	struct virgl_sync *s;
	uint64_t retired = 0;
	bool queries = false;

	virgl_fences_ack(&v->fences);
	while ((s = virgl_fences_take(&v->fences))) {
		if (s->fence) {
			retired = s->fence;
			virgl_stamp_take(&v->stamps, s->fence, s->stamp);
			s->stamp = -1;
		}
		queries |= s->queries;
		virgl_sync_free(s);
	}
	if (virgl_fences_failed(&v->fences) && !v->lost &&
	    virgl_gl_lost(&v->gl)) {
		log_error("the GPU was reset, its contexts are lost");
		v->lost = true;
	}
	if (queries)
		check_queries(v);
	if (retired)
		v->fences_retired(v->opaque, retired);
}
