// SPDX-License-Identifier: MIT
/*
 * clock_sync_file.c - when the GPU was done, by the kernel's time stamp
 *
 * The stamp is made in the interrupt, so it does not matter when the worker
 * gets a CPU to look at it.
 */
#include "sched/clock.h"

#include <errno.h>
#include <glib.h>
#include <linux/sync_file.h>
#include <string.h>
#include <sys/ioctl.h>

#define FENCES_MAX	64	/* in one sync_file: one a context, as a rule */

static int real_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg);
}

static int (*call)(int fd, unsigned long request, void *arg) = real_ioctl;

void clock_sync_file_ioctl(int (*fn)(int fd, unsigned long request, void *arg))
{
	call = fn ? fn : real_ioctl;
}

int clock_sync_file_time(int fd, uint64_t *ns)
{
	struct sync_fence_info fences[FENCES_MAX] = { 0 };
	struct sync_file_info info = {
		.num_fences = FENCES_MAX,
		.sync_fence_info = (uintptr_t)fences,
	};
	uint64_t last = 0;

	if (call(fd, SYNC_IOC_FILE_INFO, &info))
		return -errno;
	if (info.status < 0)
		return -EIO;
	if (!info.status)
		return -EAGAIN;
	/* what it did not fill in stays zero */
	for (size_t i = 0; i < MIN(info.num_fences, FENCES_MAX); i++)
		last = MAX(last, fences[i].timestamp_ns);
	if (!last)
		return -ENODATA;
	*ns = last;
	return 0;
}
