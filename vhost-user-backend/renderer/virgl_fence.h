/* SPDX-License-Identifier: MIT */
/*
 * virgl_fence.h - when work has retired, told through a descriptor
 *
 * virglrenderer's own fences get lost when a context is destroyed, and are
 * watched by a thread that may then read freed memory. Here a fence is a row of
 * GL sync objects in a queue. The main thread adds to the queue and frees from
 * it; one waiter thread with a GL context of its own waits for one after the
 * other. Neither knows of guests' contexts, so none can take its fences along.
 */
#ifndef RENDERER_VIRGL_FENCE_H
#define RENDERER_VIRGL_FENCE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <epoxy/gl.h>
#include "renderer/virgl_egl.h"

/** struct virgl_sync - one step of the queue; belongs to the main thread */
struct virgl_sync {
	struct virgl_sync *next;
	GLsync sync;		/* NULL: nothing to wait for */
	uint64_t fence;		/* retires with it; 0: a later one does */
	uint64_t seq;
	bool queries;		/* query results are due with it */
	int stamp;		/* sync_file, or -1 */
};

struct virgl_fences {
	struct virgl_egl *egl;
	EGLContext context;	/* the waiter's */
	pthread_t waiter;
	bool running;
	int event_fd;

	/* main thread only */
	struct virgl_sync *first, **last;
	uint64_t seq;

	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	struct virgl_sync *todo;	/* the waiter's next */
	uint64_t done;		/* seq of the last one waited for */
	bool told;		/* event_fd is readable */
	bool failed;		/* GL could not wait */
	bool stop;
};

/**
 * virgl_fences_init() - make the waiter
 * @share: a context in the group of all that will be waited for; current
 *
 * Return: 0 or -errno.
 */
int virgl_fences_init(struct virgl_fences *f, struct virgl_egl *egl,
		      EGLContext share);
/** virgl_fences_fini() - a GL context must be current, to free what is left */
void virgl_fences_fini(struct virgl_fences *f);

/** virgl_fences_idle() - whether all there was has been taken */
bool virgl_fences_idle(struct virgl_fences *f);

/**
 * virgl_sync_new() - a step that is in no queue yet
 *
 * Return: NULL without memory; the caller still owns @sync.
 */
struct virgl_sync *virgl_sync_new(GLsync sync);
void virgl_sync_free(struct virgl_sync *s);
/** virgl_sync_signalled() - whether it has been reached; does not wait */
bool virgl_sync_signalled(const struct virgl_sync *s);

/** virgl_fences_add() - append a list; the waiter starts on it */
void virgl_fences_add(struct virgl_fences *f, struct virgl_sync *list);

/**
 * virgl_fences_take() - remove the oldest step if it has been waited for
 *
 * Return: the step, which the caller frees, or NULL.
 */
struct virgl_sync *virgl_fences_take(struct virgl_fences *f);

/** virgl_fences_ack() - make the descriptor unreadable, before taking */
void virgl_fences_ack(struct virgl_fences *f);
bool virgl_fences_failed(struct virgl_fences *f);

/** virgl_fences_gpu_wait() - the current context goes on after all of them */
void virgl_fences_gpu_wait(struct virgl_fences *f);

#endif
