// SPDX-License-Identifier: MIT
/*
 * virgl_gl.c - the GL contexts that virglrenderer draws with
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "base/log.h"
#include "renderer/virgl_gl.h"

struct virgl_gl_context {
	EGLContext egl;
	bool dirty;		/* has work behind its sync object */
	bool listed;
	GLsync sync;		/* behind its work when it was left, or NULL */
	struct virgl_gl_context *next;	/* in virgl_gl.left */
};

void virgl_gl_init(struct virgl_gl *gl, struct virgl_egl *egl)
{
	*gl = (struct virgl_gl){ .egl = egl };
}

void virgl_gl_fini(struct virgl_gl *gl)
{
	free(gl->orphans);
	if (gl->overflow) {
		eglDestroyContext(gl->egl->display, gl->overflow->egl);
		free(gl->overflow);
	}
	*gl = (struct virgl_gl){ 0 };
}

EGLContext virgl_gl_current(struct virgl_gl *gl)
{
	return gl->current ? gl->current->egl : EGL_NO_CONTEXT;
}

static struct virgl_gl_context *make(struct virgl_gl *gl, int major, int minor,
				     bool shared)
{
	struct virgl_gl_context *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	/*
	 * Shared means with the context that is current: virglrenderer's
	 * first one is in no group.
	 */
	c->egl = virgl_egl_context_new(gl->egl, major, minor, shared ?
				       eglGetCurrentContext() :
				       EGL_NO_CONTEXT);
	if (c->egl == EGL_NO_CONTEXT) {
		free(c);
		return NULL;
	}
	return c;
}

/*
 * virglrenderer does not look at what it gets and would call GL without a
 * context. Whoever goes past the limit gets wrong pictures instead.
 */
void *virgl_gl_create(struct virgl_gl *gl, int major, int minor, bool shared)
{
	struct virgl_gl_context *c = NULL;

	if (gl->ncontexts < VIRGL_GL_MAX_CONTEXTS)
		c = make(gl, major, minor, shared);
	if (c) {
		gl->ncontexts++;
		return c;
	}
	if (!shared)
		return NULL;
	if (!gl->overflow) {
		log_warning("the guest has too many GL contexts (%u): the rest will draw into one",
			    gl->ncontexts);
		gl->overflow = make(gl, major, minor, shared);
	}
	return gl->overflow;
}

static void unlist(struct virgl_gl *gl, struct virgl_gl_context *c)
{
	struct virgl_gl_context **at = &gl->left;

	while (*at && *at != c)
		at = &(*at)->next;
	if (*at)
		*at = c->next;
	c->listed = false;
}

/* Put a sync object behind the work of the current context. */
static void mark(struct virgl_gl *gl)
{
	struct virgl_gl_context *c = gl->current;

	if (!c || !c->dirty)
		return;
	c->dirty = false;
	/* the newer one covers what the older one did */
	if (c->sync)
		glDeleteSync(c->sync);
	c->sync = glFenceSync(GL_SYNC_GPU_COMMANDS_COMPLETE, 0);
	if (c->sync && !c->listed) {
		c->listed = true;
		c->next = gl->left;
		gl->left = c;
	}
}

static void adopt(struct virgl_gl *gl, GLsync sync)
{
	if (gl->norphans == gl->orphans_size) {
		size_t size = gl->orphans_size ? 2 * gl->orphans_size : 16;
		GLsync *more = realloc(gl->orphans, size * sizeof(*more));

		if (!more) {
			glFinish();
			glDeleteSync(sync);
			return;
		}
		gl->orphans = more;
		gl->orphans_size = size;
	}
	gl->orphans[gl->norphans++] = sync;
}

void virgl_gl_destroy(struct virgl_gl *gl, void *context)
{
	struct virgl_gl_context *c = context;

	if (!c || c == gl->overflow)
		return;
	if (gl->current == c) {
		mark(gl);
		glFlush();
	}
	/* sync objects belong to the share group and outlive the context */
	if (c->listed) {
		unlist(gl, c);
		adopt(gl, c->sync);
	}
	/* EGL keeps it until another is current */
	if (gl->current == c)
		gl->current = NULL;
	eglDestroyContext(gl->egl->display, c->egl);
	free(c);
	gl->ncontexts--;
}

int virgl_gl_make_current(struct virgl_gl *gl, void *context)
{
	struct virgl_gl_context *c = context;
	int ret;

	if (gl->current == c)
		return 0;
	mark(gl);
	ret = virgl_egl_make_current(gl->egl, c ? c->egl : EGL_NO_CONTEXT);
	if (ret) {
		log_error("cannot switch GL contexts (EGL error 0x%x)",
			  eglGetError());
		return ret;
	}
	gl->current = c;
	if (gl->working && c)
		c->dirty = true;
	return 0;
}

void virgl_gl_work_begin(struct virgl_gl *gl, bool in_current)
{
	gl->working = true;
	if (in_current && gl->current)
		gl->current->dirty = true;
}

void virgl_gl_work_end(struct virgl_gl *gl)
{
	gl->working = false;
	if (gl->current)
		gl->current->dirty = true;
}

void virgl_gl_collect(struct virgl_gl *gl,
		      void (*take)(void *opaque, GLsync sync), void *opaque)
{
	struct virgl_gl_context *c;
	size_t i;

	mark(gl);
	glFlush();
	for (i = 0; i < gl->norphans; i++)
		take(opaque, gl->orphans[i]);
	gl->norphans = 0;
	while ((c = gl->left)) {
		gl->left = c->next;
		c->listed = false;
		take(opaque, c->sync);
		c->sync = NULL;
	}
}

void virgl_gl_wait(struct virgl_gl *gl)
{
	struct virgl_gl_context *c;
	size_t i;

	for (i = 0; i < gl->norphans; i++)
		glWaitSync(gl->orphans[i], 0, GL_TIMEOUT_IGNORED);
	for (c = gl->left; c; c = c->next)
		if (c != gl->current)
			glWaitSync(c->sync, 0, GL_TIMEOUT_IGNORED);
}

bool virgl_gl_lost(struct virgl_gl *gl)
{
	if (!gl->egl->robust || !gl->current)
		return false;
	if (epoxy_gl_version() >= 45 ||
	    epoxy_has_gl_extension("GL_KHR_robustness"))
		return glGetGraphicsResetStatus() != GL_NO_ERROR;
	if (epoxy_has_gl_extension("GL_ARB_robustness"))
		return glGetGraphicsResetStatusARB() != GL_NO_ERROR;
	return false;
}
