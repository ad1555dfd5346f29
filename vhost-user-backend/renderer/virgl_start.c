// SPDX-License-Identifier: MIT
/*
 * virgl_start.c - starts virglrenderer on our EGL
 */
#define VIRGL_RENDERER_UNSTABLE_APIS
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <virglrenderer.h>
#include "renderer/virgl_private.h"

static void write_fence(void *cookie, uint32_t fence)
{
	/* its fences only make it look for query results */
}

static void write_context_fence(void *cookie, uint32_t ctx, uint32_t ring,
				uint64_t fence)
{
}

static virgl_renderer_gl_context
create_gl_context(void *cookie, int scanout,
		  struct virgl_renderer_gl_ctx_param *param)
{
	struct virgl *v = cookie;

	return virgl_gl_create(&v->gl, param->major_ver, param->minor_ver,
			       param->shared);
}

static void destroy_gl_context(void *cookie, virgl_renderer_gl_context context)
{
	struct virgl *v = cookie;

	virgl_gl_destroy(&v->gl, context);
}

static int make_current(void *cookie, int scanout,
			virgl_renderer_gl_context context)
{
	struct virgl *v = cookie;
	int ret = virgl_gl_make_current(&v->gl, context);

	if (ret)
		v->lost = true;
	return ret;
}

static struct virgl_renderer_callbacks callbacks = {
	.version = 3,
	.write_fence = write_fence,
	.create_gl_context = create_gl_context,
	.destroy_gl_context = destroy_gl_context,
	.make_current = make_current,
	.write_context_fence = write_context_fence,
};

/* virglrenderer's state is global, and so is an EGL display. */
static bool running;
/* What it prints from then on is caused by guests, and may quote them. */
static bool guests;

static void print_message(const char *fmt, va_list ap)
{
	static struct log_limit limit;
	char text[256];
	char *p;

	vsnprintf(text, sizeof(text), fmt, ap);
	for (p = text; *p; p++)
		if (*p < ' ' || *p > '~')
			*p = p[1] ? ' ' : '\0';
	if (!guests)
		log_debug("virglrenderer: %s", text);
	else if (*text)
		log_peer(&limit, "virglrenderer: %s", text);
}

int virgl_start(struct virgl *v, const char *node, const char **why)
{
	int ret;

	if (running) {
		*why = "this process has a renderer already";
		return -EBUSY;
	}
	ret = virgl_egl_init(&v->egl, node, why);
	if (ret)
		return ret;
	virgl_gl_init(&v->gl, &v->egl);
	virgl_set_debug_callback(print_message);
	/*
	 * No flags: neither its EGL nor its thread for fences. It would use
	 * that to look after queries too, see virgl_fencing.c.
	 */
	ret = virgl_renderer_init(v, 0, &callbacks);
	if (ret) {
		*why = "virglrenderer does not start on this OpenGL driver";
		virgl_egl_make_current(&v->egl, EGL_NO_CONTEXT);
		virgl_gl_fini(&v->gl);
		virgl_egl_fini(&v->egl);
		return -EIO;
	}
	v->initialized = running = true;
	virgl_to_ctx0(v);
	return 0;
}

void virgl_serve(struct virgl *v)
{
	guests = true;
}

void virgl_stop(struct virgl *v)
{
	if (!v->initialized)
		return;
	virgl_renderer_cleanup(v);
	virgl_egl_make_current(&v->egl, EGL_NO_CONTEXT);
	virgl_gl_fini(&v->gl);
	virgl_egl_fini(&v->egl);
	v->initialized = running = guests = false;
}
