/* SPDX-License-Identifier: MIT */
/*
 * virgl_gl.h - the GL contexts that virglrenderer draws with
 *
 * virglrenderer has one GL context for each of a guest's sub-contexts and
 * switches between them unseen, also inside a command buffer. Contexts have
 * queues of their own, so a sync object in the last one says nothing of the
 * others. As we are the ones who switch, every context that is left with work
 * gets a sync object first; a fence waits for all of them.
 */
#ifndef RENDERER_VIRGL_GL_H
#define RENDERER_VIRGL_GL_H

#include <stdbool.h>
#include <stddef.h>
#include <epoxy/gl.h>
#include "renderer/virgl_egl.h"

/* Live contexts; a guest that makes more draws all of these into one. */
#define VIRGL_GL_MAX_CONTEXTS	1024

struct virgl_gl_context;

struct virgl_gl {
	struct virgl_egl *egl;
	struct virgl_gl_context *current;
	struct virgl_gl_context *overflow;	/* for all past the limit */
	struct virgl_gl_context *left;		/* have a sync object */
	GLsync *orphans;			/* of contexts that are gone */
	size_t norphans, orphans_size;
	unsigned int ncontexts;
	bool working;		/* between work_begin and work_end */
};

void virgl_gl_init(struct virgl_gl *gl, struct virgl_egl *egl);
/** virgl_gl_fini() - after virglrenderer has destroyed its contexts */
void virgl_gl_fini(struct virgl_gl *gl);

/* The three that virglrenderer calls; contexts are struct virgl_gl_context. */
void *virgl_gl_create(struct virgl_gl *gl, int major, int minor, bool shared);
void virgl_gl_destroy(struct virgl_gl *gl, void *context);
int virgl_gl_make_current(struct virgl_gl *gl, void *context);

/**
 * virgl_gl_work_begin() - what is drawn until virgl_gl_work_end() needs syncs
 * @in_current: the current context may be drawn in before any switch
 */
void virgl_gl_work_begin(struct virgl_gl *gl, bool in_current);
void virgl_gl_work_end(struct virgl_gl *gl);

/**
 * virgl_gl_collect() - take the sync objects of all work there is
 * @take: called for each; the receiver deletes it
 *
 * All of it has been flushed afterwards.
 */
void virgl_gl_collect(struct virgl_gl *gl,
		      void (*take)(void *opaque, GLsync sync), void *opaque);

/** virgl_gl_wait() - the current context goes on after all collectable work */
void virgl_gl_wait(struct virgl_gl *gl);

/** virgl_gl_lost() - whether the GPU was reset under the current context */
bool virgl_gl_lost(struct virgl_gl *gl);

EGLContext virgl_gl_current(struct virgl_gl *gl);

#endif
