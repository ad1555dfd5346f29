// SPDX-License-Identifier: MIT
/*
 * surfaceless-shim.c - preloaded into QEMU's own back end where there is no
 * render node: asks virglrenderer for EGL without a surface or a device
 */
#include <dlfcn.h>
#include <stdlib.h>

#define USE_EGL			(1 << 0)
#define USE_SURFACELESS		(1 << 3)

typedef int (*init_fn)(void *cookie, int flags, void *callbacks);

int virgl_renderer_init(void *cookie, int flags, void *callbacks);

int virgl_renderer_init(void *cookie, int flags, void *callbacks)
{
	init_fn next = (init_fn)dlsym(RTLD_NEXT, "virgl_renderer_init");

	if (!next)
		abort();
	return next(cookie, flags | USE_EGL | USE_SURFACELESS, callbacks);
}
