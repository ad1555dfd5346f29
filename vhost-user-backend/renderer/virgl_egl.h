/* SPDX-License-Identifier: MIT */
/*
 * virgl_egl.h - our own EGL: a display on one GPU and contexts without surfaces
 *
 * virglrenderer could do this itself, but makes contexts that abort after a
 * GPU reset, and refuses to start where there is no render node.
 */
#ifndef RENDERER_VIRGL_EGL_H
#define RENDERER_VIRGL_EGL_H

#include <stdbool.h>
#include <epoxy/egl.h>
#include "renderer/renderer.h"

struct gbm_device;

/** struct virgl_egl - the display; contexts made on it must go first */
struct virgl_egl {
	EGLDisplay display;
	EGLConfig config;
	struct gbm_device *gbm;	/* NULL: surfaceless or an EGL device */
	int node_fd;		/* -1: no render node */
	bool robust;		/* contexts tell of a GPU reset */
	bool software;		/* drawn by the CPU */
	bool dmabuf;		/* textures can be exported */
	char renderer[128];	/* GL_RENDERER */
};

/**
 * virgl_egl_init() - open the display and find out what it can do
 * @node: path of the render node, "" for the CPU renderer
 *
 * Return: 0 or -errno and *why, a static string for people. No context is
 * current afterwards.
 */
int virgl_egl_init(struct virgl_egl *egl, const char *node, const char **why);
void virgl_egl_fini(struct virgl_egl *egl);

/**
 * virgl_egl_context_new() - a core profile context
 * @share: whose objects it sees, or EGL_NO_CONTEXT
 *
 * Return: EGL_NO_CONTEXT where this version can not be had.
 */
EGLContext virgl_egl_context_new(struct virgl_egl *egl, int major, int minor,
				 EGLContext share);
int virgl_egl_make_current(struct virgl_egl *egl, EGLContext context);

/**
 * virgl_egl_export() - level 0 of a 2D texture as a dma-buf of one plane
 *
 * The texture's context must be current. Fills fd, stride, fourcc, modifier.
 * Return: 0, or -ENOTSUP where it can not be had.
 */
int virgl_egl_export(struct virgl_egl *egl, unsigned int texture,
		     struct renderer_dmabuf *out);

#endif
