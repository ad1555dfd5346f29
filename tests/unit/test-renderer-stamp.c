// SPDX-License-Identifier: MIT
/*
 * test-renderer-stamp.c - time stamps of fences; EGL and the kernel are faked,
 * for the CPU renderer of the tests has no native fences
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <glib.h>
#include <linux/sync_file.h>

#include <epoxy/gl.h>

#include "renderer/virgl_stamp.h"
#include "sched/clock.h"

static struct {
	unsigned int syncs, flushes;
	EGLSyncKHR sync;	/* what it makes */
	int dup;		/* descriptor, or what EGL says */
	int status;
	uint64_t ns;
} fake;

static EGLSyncKHR create(EGLDisplay display, EGLenum type,
			 const EGLint *attributes)
{
	g_assert_cmphex(type, ==, EGL_SYNC_NATIVE_FENCE_ANDROID);
	if (fake.sync != EGL_NO_SYNC_KHR)
		fake.syncs++;
	return fake.sync;
}

static EGLint dup_fd(EGLDisplay display, EGLSyncKHR sync)
{
	g_assert_cmpuint(fake.flushes, >, 0);	/* else there is none yet */
	g_assert_true(sync == fake.sync);
	return fake.dup;
}

static EGLBoolean destroy(EGLDisplay display, EGLSyncKHR sync)
{
	fake.syncs--;
	return EGL_TRUE;
}

static void flush(void)
{
	fake.flushes++;
}

static int kernel(int fd, unsigned long request, void *arg)
{
	struct sync_file_info *info = arg;
	struct sync_fence_info *f = (void *)(uintptr_t)info->sync_fence_info;

	g_assert_cmpuint(request, ==, SYNC_IOC_FILE_INFO);
	info->status = fake.status;
	info->num_fences = 1;
	f->timestamp_ns = fake.ns;
	return 0;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void test_stamps(void)
{
	struct virgl_egl egl = { 0 };
	struct virgl_stamps s = { .egl = &egl };
	int fd;

	/* a driver without */
	g_assert_cmpint(virgl_stamp_new(&s), ==, -1);
	virgl_stamp_take(&s, 1, -1);
	g_assert_cmpuint(virgl_stamp_of(&s, 1), ==, 0);

	s.usable = true;
	fake.sync = &fake;
	fake.dup = open("/dev/null", O_RDONLY | O_CLOEXEC);
	fake.status = 1;
	fake.ns = 12345;
	fd = virgl_stamp_new(&s);
	g_assert_cmpint(fd, ==, fake.dup);
	g_assert_cmpuint(fake.syncs, ==, 0);
	virgl_stamp_take(&s, 7, fd);
	g_assert_false(is_open(fd));
	g_assert_cmpuint(virgl_stamp_of(&s, 7), ==, 12345);
	g_assert_cmpuint(virgl_stamp_of(&s, 7 + VIRGL_STAMPS), ==, 0);
	g_assert_cmpuint(virgl_stamp_of(&s, 6), ==, 0);

	/* one that failed takes the place of an old one */
	fake.status = -EIO;
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	virgl_stamp_take(&s, 7 + VIRGL_STAMPS, fd);
	g_assert_false(is_open(fd));
	g_assert_cmpuint(virgl_stamp_of(&s, 7 + VIRGL_STAMPS), ==, 0);
	g_assert_cmpuint(virgl_stamp_of(&s, 7), ==, 0);

	/* EGL fails, early and late; nothing is left behind */
	fake.dup = EGL_NO_NATIVE_FENCE_FD_ANDROID;
	g_assert_cmpint(virgl_stamp_new(&s), ==, -1);
	fake.sync = EGL_NO_SYNC_KHR;
	g_assert_cmpint(virgl_stamp_new(&s), ==, -1);
	g_assert_cmpuint(fake.syncs, ==, 0);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	epoxy_eglCreateSyncKHR = create;
	epoxy_eglDupNativeFenceFDANDROID = dup_fd;
	epoxy_eglDestroySyncKHR = destroy;
	epoxy_glFlush = flush;
	clock_sync_file_ioctl(kernel);
	g_test_add_func("/renderer/stamp", test_stamps);
	return g_test_run();
}
