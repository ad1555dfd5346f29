// SPDX-License-Identifier: MIT
/*
 * test-sched-clock.c - the four clocks; what needs a GPU's driver is faked
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <linux/sync_file.h>

#include "protocol/vgpu_sched.h"
#include "sched/clock.h"

static void test_fence(void)
{
	g_assert_cmpuint(clock_fence_cost(100, 0, 150), ==, 50);
	/* it waited for the one before it */
	g_assert_cmpuint(clock_fence_cost(100, 130, 150), ==, 20);
	g_assert_cmpuint(clock_fence_cost(100, 160, 150), ==, 0);
	g_assert_cmpuint(clock_fence_cost(100, 0, 90), ==, 0);
	g_assert_cmpuint(clock_fence_cost(0, 0, UINT64_MAX), ==, UINT64_MAX);
	g_assert_cmpstr(clock_name(VGPU_CLOCK_SYNC_FILE), ==, "sync-file");
	g_assert_cmpstr(clock_name(VGPU_CLOCK_NONE), ==, "none");
	g_assert_cmpstr(clock_name(0xffffffff), ==, "unknown");
}

static void test_cpu(void)
{
	volatile unsigned int spin;
	uint64_t a = 0, b = 0;
	pid_t gone = fork();

	if (!gone)
		_exit(0);
	g_assert_cmpint(waitpid(gone, NULL, 0), ==, gone);
	g_assert_cmpint(clock_cpu_read(getpid(), &a), ==, 0);
	for (spin = 0; spin < 10000000; spin++)
		;
	g_assert_cmpint(clock_cpu_read(getpid(), &b), ==, 0);
	g_assert_cmpuint(b, >, a + 1000000);
	g_assert_cmpint(clock_cpu_read(gone, &b), <, 0);
}

/* ---- sync_file: a kernel that says what the case wants ---- */

static struct {
	int error, status;
	uint32_t n;
	uint64_t stamps[4];
} kernel;

static int fake_ioctl(int fd, unsigned long request, void *arg)
{
	struct sync_file_info *info = arg;
	struct sync_fence_info *f = (void *)(uintptr_t)info->sync_fence_info;

	g_assert_cmpint(fd, ==, 7);
	g_assert_cmpuint(request, ==, SYNC_IOC_FILE_INFO);
	if (kernel.error) {
		errno = kernel.error;
		return -1;
	}
	for (uint32_t i = 0; i < MIN(MIN(kernel.n, 4), info->num_fences); i++)
		f[i].timestamp_ns = kernel.stamps[i];
	info->num_fences = kernel.n;
	info->status = kernel.status;
	return 0;
}

static void test_sync_file(void)
{
	uint64_t ns = 5;

	clock_sync_file_ioctl(fake_ioctl);
	kernel.status = 1;
	kernel.n = 3;
	kernel.stamps[0] = 1000;
	kernel.stamps[1] = 3000;
	kernel.stamps[2] = 2000;
	g_assert_cmpint(clock_sync_file_time(7, &ns), ==, 0);
	g_assert_cmpuint(ns, ==, 3000);		/* the last to be done */
	kernel.n = 0xffffffff;			/* more than there was room */
	g_assert_cmpint(clock_sync_file_time(7, &ns), ==, 0);
	kernel.n = 0;
	ns = 5;
	g_assert_cmpint(clock_sync_file_time(7, &ns), ==, -ENODATA);
	kernel.n = 3;
	kernel.status = 0;
	g_assert_cmpint(clock_sync_file_time(7, &ns), ==, -EAGAIN);
	kernel.status = -110;
	g_assert_cmpint(clock_sync_file_time(7, &ns), ==, -EIO);
	kernel.error = ENOTTY;
	g_assert_cmpint(clock_sync_file_time(7, &ns), ==, -ENOTTY);
	g_assert_cmpuint(ns, ==, 5);
	/* the real kernel, and no sync_file */
	clock_sync_file_ioctl(NULL);
	g_assert_cmpint(clock_sync_file_time(-1, &ns), ==, -EBADF);
	g_assert_cmpint(clock_sync_file_time(0, &ns), <, 0);
}

/* ---- fdinfo: directories as drivers of today write them ---- */

static const char amdgpu[] =
	"pos:\t0\nflags:\t02100002\nmnt_id:\t27\nino:\t571\n"
	"drm-driver:\tamdgpu\ndrm-client-id:\t42\ndrm-pdev:\t0000:03:00.0\n"
	"pasid:\t32788\ndrm-memory-vram:\t4096 KiB\n"
	"drm-engine-gfx:\t1000000 ns\ndrm-engine-compute:\t500 ns\n"
	"drm-engine-capacity-gfx:\t2\n";
static const char i915[] =
	"drm-driver: i915\ndrm-client-id: 42\ndrm-pdev: 0000:00:02.0\n"
	"drm-engine-render: 7000 ns\ndrm-engine-copy: 0 ns\n";
static const char xe[] =
	"drm-driver:\txe\ndrm-client-id:\t9\ndrm-pdev:\t0000:00:02.0\n"
	"drm-cycles-rcs:\t1234\ndrm-total-cycles-rcs:\t99999\n";
static const char eventfd[] = "pos:\t0\nflags:\t02\neventfd-count: 0\n";
static const char *const garbage[] = {
	"", "drm-client-id:", "drm-client-id:\n", "drm-engine-gfx: 5 ns\n",
	"drm-client-id: 1\ndrm-engine-gfx: -5 ns\n",
	"drm-client-id: 1\ndrm-engine-gfx: 5 ms\n",
	"drm-client-id: 1\ndrm-engine-gfx 5 ns\n",
	"drm-client-id: 1\ndrm-engine-\n", "drm-engine-gfx:\tns\n\n\n",
};

struct dir {
	char *path;
	unsigned int n;
};

static void put(struct dir *d, const char *text)
{
	g_autofree char *name = g_strdup_printf("%s/%u", d->path, d->n++);

	g_assert_true(g_file_set_contents(name, text, -1, NULL));
}

static struct dir make_dir(void)
{
	struct dir d = { g_dir_make_tmp("fdinfo-XXXXXX", NULL), 0 };

	g_assert_nonnull(d.path);
	return d;
}

static void drop_dir(struct dir *d)
{
	while (d->n) {
		g_autofree char *name = g_strdup_printf("%s/%u", d->path,
							--d->n);

		g_unlink(name);
	}
	g_rmdir(d->path);
	g_free(d->path);
}

static void test_fdinfo(void)
{
	struct dir d = make_dir();
	uint64_t ns = 5;

	g_assert_cmpint(clock_fdinfo_dir(d.path, &ns), ==, -ENODATA);
	put(&d, eventfd);
	put(&d, xe);	/* tells cycles, not time */
	g_assert_cmpint(clock_fdinfo_dir(d.path, &ns), ==, -ENODATA);
	g_assert_cmpuint(ns, ==, 5);
	put(&d, amdgpu);
	put(&d, amdgpu);	/* a duplicate of the descriptor */
	g_assert_cmpint(clock_fdinfo_dir(d.path, &ns), ==, 0);
	g_assert_cmpuint(ns, ==, 1000500);
	put(&d, i915);		/* the same number on another device */
	g_assert_cmpint(clock_fdinfo_dir(d.path, &ns), ==, 0);
	g_assert_cmpuint(ns, ==, 1007500);
	drop_dir(&d);
	g_assert_cmpint(clock_fdinfo_dir("/nonexistent", &ns), ==, -ENOENT);
	/* this process has no GPU, as the machines of the tests */
	g_assert_cmpint(clock_fdinfo_read(1 << 30, &ns), ==, -ENOENT);
}

static void test_fdinfo_bad(void)
{
	struct dir d = make_dir();
	g_autofree char *longest = g_strnfill(100000, 'x');
	uint64_t ns = 5;

	for (size_t i = 0; i < G_N_ELEMENTS(garbage); i++)
		put(&d, garbage[i]);
	put(&d, longest);
	g_assert_cmpint(clock_fdinfo_dir(d.path, &ns), ==, -ENODATA);
	/* sums do not wrap */
	put(&d, "drm-client-id: 1\ndrm-engine-a: 18446744073709551615 ns\n"
	    "drm-engine-b: 18446744073709551615 ns\n");
	put(&d, "drm-client-id: 2\ndrm-engine-a: 18446744073709551615 ns\n");
	g_assert_cmpint(clock_fdinfo_dir(d.path, &ns), ==, 0);
	g_assert_cmpuint(ns, ==, UINT64_MAX);
	drop_dir(&d);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/sched/clock/fence", test_fence);
	g_test_add_func("/sched/clock/cpu", test_cpu);
	g_test_add_func("/sched/clock/sync-file", test_sync_file);
	g_test_add_func("/sched/clock/fdinfo", test_fdinfo);
	g_test_add_func("/sched/clock/fdinfo-bad", test_fdinfo_bad);
	return g_test_run();
}
