/* SPDX-License-Identifier: MIT */
/*
 * clock.h - how long the GPU has worked, by four clocks
 *
 * One file each. The worker takes the time stamp of a job's sync_file where the
 * GPU's driver makes them, and the wall time until the fence was seen
 * otherwise. vgpud charges by CPU time on a CPU renderer; the sum that the
 * kernel keeps per DRM client tells it how far the workers' claims are off.
 */
#ifndef SCHED_CLOCK_H
#define SCHED_CLOCK_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** clock_name() - of an enum vgpu_sched_clock, whatever a page claims */
const char *clock_name(uint32_t clock);

/**
 * clock_fence_cost() - time of one job of a GPU that works in order
 * @submitted: when it was submitted
 * @last_done: when the one before it was done
 * @done: when it was done
 */
uint64_t clock_fence_cost(uint64_t submitted, uint64_t last_done,
			  uint64_t done);

/**
 * clock_sync_file_time() - when the fences of a sync_file were signalled
 *
 * Return: 0; -EAGAIN: they are not yet; -EIO: one failed; -errno.
 */
int clock_sync_file_time(int fd, uint64_t *ns);

/** clock_sync_file_ioctl() - stands for ioctl(); NULL: the real one (tests) */
void clock_sync_file_ioctl(int (*fn)(int fd, unsigned long request, void *arg));

/** clock_cpu_read() - CPU time of a process and all its threads; 0 or -errno */
int clock_cpu_read(pid_t pid, uint64_t *ns);

/**
 * clock_fdinfo_read() - engine time of all DRM clients of a process
 *
 * Return: 0; -ENODATA: it has none, or a driver that does not tell; -errno.
 */
int clock_fdinfo_read(pid_t pid, uint64_t *ns);

/** clock_fdinfo_dir() - the same for one fdinfo directory (tests) */
int clock_fdinfo_dir(const char *path, uint64_t *ns);

#endif
