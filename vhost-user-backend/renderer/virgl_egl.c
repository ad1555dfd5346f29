// SPDX-License-Identifier: MIT
/*
 * virgl_egl.c - our own EGL: a display on one GPU and contexts without surfaces
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <epoxy/gl.h>
#include <gbm.h>
#include <xf86drm.h>
#include "renderer/virgl_egl.h"

#ifndef EGL_DRM_RENDER_NODE_FILE_EXT	/* newer than libepoxy 1.5.10 */
#define EGL_DRM_RENDER_NODE_FILE_EXT	0x3377
#endif

/*
 * Mesa starts as many rasterizer threads as there are CPUs, and wakes all of
 * them for the smallest clear. The thread that feeds them is busy at the same
 * time, and so is the guest: half of the CPUs do more. Never none, or
 * that thread would draw and answer nobody meanwhile.
 */
static void limit_cpu_threads(void)
{
	char text[16];
	cpu_set_t set;
	int n = 2;

	if (!sched_getaffinity(0, sizeof(set), &set))
		n = CPU_COUNT(&set);
	n = n / 2 < 1 ? 1 : n / 2 > 8 ? 8 : n / 2;
	snprintf(text, sizeof(text), "%d", n);
	setenv("LP_NUM_THREADS", text, 0);
}

/*
 * The CPU renderer was asked for where no node was named: keep Mesa from
 * taking the first GPU it finds. Mesa looks for its shader cache by HOME.
 * What the user has set stays.
 */
static void set_mesa_environment(const char *node)
{
	if (!*node) {
		setenv("LIBGL_ALWAYS_SOFTWARE", "1", 0);
		limit_cpu_threads();
	}
	if (!getenv("HOME") && !getenv("XDG_CACHE_HOME") &&
	    !getenv("MESA_SHADER_CACHE_DIR") &&
	    !getenv("MESA_GLSL_CACHE_DIR")) {
		setenv("MESA_SHADER_CACHE_DISABLE", "true", 0);
		setenv("MESA_GLSL_CACHE_DISABLE", "true", 0);
	}
}

static int open_node(struct virgl_egl *egl, const char *node, const char **why)
{
	egl->node_fd = open(node, O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (egl->node_fd >= 0) {
		/* Mesa would draw on the CPU without a word */
		if (drmGetNodeTypeFromFd(egl->node_fd) >= 0)
			return 0;
		*why = "this is no DRM render node; ls /dev/dri shows what there is";
		return -ENODEV;
	}
	if (errno == EACCES || errno == EPERM)
		*why = "no permission to open the render node; be in the group that owns it (render)";
	else if (errno == ENOENT)
		*why = "there is no such render node; ls /dev/dri shows what there is";
	else
		*why = "the render node does not open";
	return -errno;
}

static EGLDisplay initialized(EGLDisplay display)
{
	if (display == EGL_NO_DISPLAY || !eglInitialize(display, NULL, NULL))
		return EGL_NO_DISPLAY;
	return display;
}

static EGLDisplay open_gbm(struct virgl_egl *egl)
{
	EGLDisplay display;

	if (!epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_KHR_platform_gbm") &&
	    !epoxy_has_egl_extension(EGL_NO_DISPLAY, "EGL_MESA_platform_gbm"))
		return EGL_NO_DISPLAY;
	egl->gbm = gbm_create_device(egl->node_fd);
	if (!egl->gbm)
		return EGL_NO_DISPLAY;
	display = initialized(eglGetPlatformDisplayEXT(EGL_PLATFORM_GBM_KHR,
						       egl->gbm, NULL));
	if (display == EGL_NO_DISPLAY) {
		gbm_device_destroy(egl->gbm);
		egl->gbm = NULL;
	}
	return display;
}

/* The EGL device with this render node; with none, one drawn by the CPU. */
static EGLDisplay open_device(const char *node)
{
	EGLDeviceEXT devices[32];
	EGLint n = 0, i;

	if (!epoxy_has_egl_extension(EGL_NO_DISPLAY,
				     "EGL_EXT_platform_device") ||
	    !epoxy_has_egl_extension(EGL_NO_DISPLAY,
				     "EGL_EXT_device_enumeration") ||
	    !eglQueryDevicesEXT(32, devices, &n))
		return EGL_NO_DISPLAY;
	for (i = 0; i < n; i++) {
		const char *ext = eglQueryDeviceStringEXT(devices[i],
							  EGL_EXTENSIONS);
		const char *path = NULL;

		if (!ext)
			continue;
		if (!*node) {
			if (!strstr(ext, "EGL_MESA_device_software"))
				continue;
		} else {
			if (!strstr(ext, "EGL_EXT_device_drm_render_node"))
				continue;
			path = eglQueryDeviceStringEXT(devices[i],
						EGL_DRM_RENDER_NODE_FILE_EXT);
			if (!path || strcmp(path, node))
				continue;
		}
		return initialized(eglGetPlatformDisplayEXT(
				EGL_PLATFORM_DEVICE_EXT, devices[i], NULL));
	}
	return EGL_NO_DISPLAY;
}

static EGLDisplay open_surfaceless(void)
{
	if (!epoxy_has_egl_extension(EGL_NO_DISPLAY,
				     "EGL_MESA_platform_surfaceless"))
		return EGL_NO_DISPLAY;
	return initialized(eglGetPlatformDisplayEXT(
			EGL_PLATFORM_SURFACELESS_MESA, EGL_DEFAULT_DISPLAY,
			NULL));
}

static int open_display(struct virgl_egl *egl, const char *node,
			const char **why)
{
	int ret;

	if (*node) {
		ret = open_node(egl, node, why);
		if (ret)
			return ret;
		egl->display = open_gbm(egl);
	} else {
		egl->display = open_surfaceless();
	}
	if (egl->display == EGL_NO_DISPLAY)
		egl->display = open_device(node);
	if (egl->display != EGL_NO_DISPLAY)
		return 0;
	*why = *node ? "no OpenGL driver for this render node; Mesa's is the package libgl1-mesa-dri" :
		       "no OpenGL driver for the CPU; Mesa's is the package libgl1-mesa-dri";
	return -ENODEV;
}

static int choose_config(struct virgl_egl *egl, const char **why)
{
	static const EGLint attributes[] = {
		EGL_SURFACE_TYPE, EGL_PBUFFER_BIT,
		EGL_RENDERABLE_TYPE, EGL_OPENGL_BIT,
		EGL_NONE
	};
	EGLint n = 0;

	if (!epoxy_has_egl_extension(egl->display,
				     "EGL_KHR_surfaceless_context")) {
		*why = "its EGL has no contexts without surfaces (EGL_KHR_surfaceless_context)";
		return -ENOTSUP;
	}
	if (epoxy_has_egl_extension(egl->display,
				    "EGL_KHR_no_config_context")) {
		egl->config = EGL_NO_CONFIG_KHR;
		return 0;
	}
	if (!eglChooseConfig(egl->display, attributes, &egl->config, 1, &n) ||
	    n < 1) {
		*why = "its EGL offers no configuration for desktop OpenGL";
		return -ENOTSUP;
	}
	return 0;
}

EGLContext virgl_egl_context_new(struct virgl_egl *egl, int major, int minor,
				 EGLContext share)
{
	EGLint attributes[16];
	int n = 0;

	attributes[n++] = EGL_CONTEXT_MAJOR_VERSION;
	attributes[n++] = major;
	attributes[n++] = EGL_CONTEXT_MINOR_VERSION;
	attributes[n++] = minor;
	if (major > 3 || minor >= 2) {
		attributes[n++] = EGL_CONTEXT_OPENGL_PROFILE_MASK;
		attributes[n++] = EGL_CONTEXT_OPENGL_CORE_PROFILE_BIT;
	}
	if (egl->robust) {
		attributes[n++] = EGL_CONTEXT_OPENGL_ROBUST_ACCESS;
		attributes[n++] = EGL_TRUE;
		attributes[n++] =
			EGL_CONTEXT_OPENGL_RESET_NOTIFICATION_STRATEGY;
		attributes[n++] = EGL_LOSE_CONTEXT_ON_RESET;
	}
	attributes[n] = EGL_NONE;
	return eglCreateContext(egl->display, egl->config, share, attributes);
}

int virgl_egl_make_current(struct virgl_egl *egl, EGLContext context)
{
	if (eglMakeCurrent(egl->display, EGL_NO_SURFACE, EGL_NO_SURFACE,
			   context))
		return 0;
	return -EIO;
}

static EGLContext try_context(struct virgl_egl *egl)
{
	static const int versions[][2] = {
		{ 4, 5 }, { 4, 2 }, { 3, 3 }, { 3, 1 },
	};
	EGLContext context;
	size_t i;

	for (i = 0; i < sizeof(versions) / sizeof(*versions); i++) {
		context = virgl_egl_context_new(egl, versions[i][0],
						versions[i][1],
						EGL_NO_CONTEXT);
		if (context != EGL_NO_CONTEXT)
			return context;
	}
	return EGL_NO_CONTEXT;
}

int virgl_egl_export(struct virgl_egl *egl, unsigned int texture,
		     struct renderer_dmabuf *out)
{
	EGLint stride = 0, offset = 0;
	EGLuint64KHR modifier = 0;
	int fd = -1, fourcc = 0, planes = 0;
	EGLImageKHR image;
	bool ok;

	if (!epoxy_has_egl_extension(egl->display,
				     "EGL_MESA_image_dma_buf_export") ||
	    !epoxy_has_egl_extension(egl->display,
				     "EGL_KHR_gl_texture_2D_image"))
		return -ENOTSUP;
	image = eglCreateImageKHR(egl->display, eglGetCurrentContext(),
				  EGL_GL_TEXTURE_2D_KHR,
				  (EGLClientBuffer)(uintptr_t)texture, NULL);
	if (image == EGL_NO_IMAGE_KHR)
		return -ENOTSUP;
	/* one plane and no offset: the scanout message has room for no more */
	ok = eglExportDMABUFImageQueryMESA(egl->display, image, &fourcc,
					   &planes, &modifier) &&
	     planes == 1 &&
	     eglExportDMABUFImageMESA(egl->display, image, &fd, &stride,
				      &offset) &&
	     fd >= 0;
	eglDestroyImageKHR(egl->display, image);
	if (ok && offset) {
		close(fd);
		ok = false;
	}
	if (!ok)
		return -ENOTSUP;
	out->fd = fd;
	out->stride = (uint32_t)stride;
	out->fourcc = (uint32_t)fourcc;
	out->modifier = modifier;
	return 0;
}

static bool try_export(struct virgl_egl *egl)
{
	struct renderer_dmabuf buf = { .fd = -1 };
	GLuint texture;
	bool ok;

	glGenTextures(1, &texture);
	glBindTexture(GL_TEXTURE_2D, texture);
	glTexImage2D(GL_TEXTURE_2D, 0, GL_RGBA8, 64, 64, 0, GL_BGRA,
		     GL_UNSIGNED_BYTE, NULL);
	glTexParameteri(GL_TEXTURE_2D, GL_TEXTURE_MAX_LEVEL, 0);
	ok = !virgl_egl_export(egl, texture, &buf);
	if (ok)
		close(buf.fd);
	glBindTexture(GL_TEXTURE_2D, 0);
	glDeleteTextures(1, &texture);
	return ok;
}

/* With a context that is thrown away at once. */
static int look_at_gl(struct virgl_egl *egl, const char **why)
{
	static const char *const cpu[] = {
		"llvmpipe", "softpipe", "swrast", "Software Rasterizer", "SWR",
	};
	EGLContext context;
	const char *name;
	size_t i;

	eglBindAPI(EGL_OPENGL_API);
	egl->robust = true;
	context = try_context(egl);
	if (context == EGL_NO_CONTEXT) {
		egl->robust = false;
		context = try_context(egl);
	}
	if (context == EGL_NO_CONTEXT ||
	    virgl_egl_make_current(egl, context)) {
		*why = "the driver has no desktop OpenGL 3.1 or newer, which virgl needs";
		if (context != EGL_NO_CONTEXT)
			eglDestroyContext(egl->display, context);
		return -ENOTSUP;
	}
	name = (const char *)glGetString(GL_RENDERER);
	snprintf(egl->renderer, sizeof(egl->renderer), "%s", name ? name : "");
	for (i = 0; i < sizeof(cpu) / sizeof(*cpu); i++)
		egl->software |= strstr(egl->renderer, cpu[i]) != NULL;
	egl->dmabuf = try_export(egl);
	virgl_egl_make_current(egl, EGL_NO_CONTEXT);
	eglDestroyContext(egl->display, context);
	return 0;
}

int virgl_egl_init(struct virgl_egl *egl, const char *node, const char **why)
{
	void *library;
	int ret;

	*egl = (struct virgl_egl){ .display = EGL_NO_DISPLAY, .node_fd = -1 };
	set_mesa_environment(node);
	/* libepoxy would end the process where there is none */
	library = dlopen("libEGL.so.1", RTLD_LAZY);
	if (!library) {
		*why = "libEGL.so.1 is not installed (package libegl1)";
		return -ENOENT;
	}
	dlclose(library);
	ret = open_display(egl, node, why);
	if (!ret)
		ret = choose_config(egl, why);
	if (!ret)
		ret = look_at_gl(egl, why);
	if (ret)
		virgl_egl_fini(egl);
	return ret;
}

void virgl_egl_fini(struct virgl_egl *egl)
{
	if (egl->display != EGL_NO_DISPLAY)
		eglTerminate(egl->display);
	if (egl->gbm)
		gbm_device_destroy(egl->gbm);
	if (egl->node_fd >= 0)
		close(egl->node_fd);
	egl->display = EGL_NO_DISPLAY;
	egl->gbm = NULL;
	egl->node_fd = -1;
}
