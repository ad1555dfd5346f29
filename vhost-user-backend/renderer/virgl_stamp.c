// SPDX-License-Identifier: MIT
/*
 * virgl_stamp.c - when the GPU was done, by the kernel's clock
 */
#include "renderer/virgl_stamp.h"

#include <unistd.h>
#include <epoxy/gl.h>
#include "sched/clock.h"

void virgl_stamps_init(struct virgl_stamps *s, struct virgl_egl *egl)
{
	*s = (struct virgl_stamps){
		.egl = egl,
		.usable = epoxy_has_egl_extension(egl->display,
				"EGL_ANDROID_native_fence_sync") &&
			epoxy_has_egl_extension(egl->display,
						"EGL_KHR_fence_sync"),
	};
}

int virgl_stamp_new(struct virgl_stamps *s)
{
	EGLSyncKHR sync;
	int fd;

	if (!s->usable)
		return -1;
	sync = eglCreateSyncKHR(s->egl->display, EGL_SYNC_NATIVE_FENCE_ANDROID,
				NULL);
	if (sync == EGL_NO_SYNC_KHR)
		return -1;
	/* there is no descriptor before the work was sent to the GPU */
	glFlush();
	fd = eglDupNativeFenceFDANDROID(s->egl->display, sync);
	eglDestroySyncKHR(s->egl->display, sync);
	return fd >= 0 ? fd : -1;
}

void virgl_stamp_take(struct virgl_stamps *s, uint64_t fence, int fd)
{
	uint64_t ns = 0;

	if (fd < 0)
		return;
	if (clock_sync_file_time(fd, &ns))
		ns = 0;
	close(fd);
	s->last[fence % VIRGL_STAMPS].fence = fence;
	s->last[fence % VIRGL_STAMPS].ns = ns;
}

uint64_t virgl_stamp_of(const struct virgl_stamps *s, uint64_t fence)
{
	return s->last[fence % VIRGL_STAMPS].fence == fence ?
		s->last[fence % VIRGL_STAMPS].ns : 0;
}
