/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_sched.h - the two shared pages of a worker and vgpud
 *
 * Each page has one writer; the other side maps it read-only (memfd with
 * F_SEAL_FUTURE_WRITE for the reader). A lease is permission to put work on
 * one GPU.
 *
 * Worker, per command buffer:   inflight = n + 1;  if (lease == 0) undo, wait
 * vgpud, to take a lease back:  lease = 0;  if (inflight == 0) it is back
 *
 * Both pairs are sequentially consistent, so one of the two always sees the
 * other: no work runs outside a lease, and no system call is made inside one.
 * If inflight was not 0, the worker writes the want eventfd when it gets there.
 * A worker without a lease sets want, then writes the want eventfd; vgpud sets
 * lease, then writes the grant eventfd.
 *
 * While another VM waits, vgpud sets notify: then a worker writes the want
 * eventfd too when its last job in flight retires under the lease, cuts long
 * command buffers, and puts a job on top of others in flight only while those
 * are expected to take less than VGPU_SCHED_QUEUE_NS and are fewer than
 * VGPU_SCHED_DEPTH; but on top of one always. While shared is set, because another
 * VM comes and goes often, pieces are shorter and one job has no exception.
 *
 * Limits may change at any time; each is read by itself, where it is needed.
 * vgpud writes the grant eventfd after it has changed one that a waiting job
 * may wait for.
 */
#ifndef VGPU_PROTOCOL_VGPU_SCHED_H
#define VGPU_PROTOCOL_VGPU_SCHED_H

#include <stdatomic.h>
#include <stdint.h>

#define VGPU_SCHED_MAGIC	0x64636873	/* "shcd" */
#define VGPU_SCHED_PAGE_SIZE	4096
#define VGPU_SCHED_DEPTH	4
#define VGPU_SCHED_QUEUE_NS	4000000ull

/* Written by vgpud. Times are CLOCK_MONOTONIC nanoseconds. */
struct vgpu_sched_grant {
	uint32_t magic;
	_Atomic uint32_t notify;	/* another VM waits */
	_Atomic uint64_t lease;		/* its number, 0: none */

	/* limits of the VM, 0: none */
	_Atomic uint64_t frame_ns;	/* least time from frame to frame */
	_Atomic uint64_t memory_max;	/* bytes of resources */
	_Atomic uint32_t max_inflight;	/* GPU jobs */
	_Atomic uint32_t max_resources;
	_Atomic uint32_t max_contexts;

	_Atomic uint32_t shared;	/* one that comes and goes, of late */
};

/* How the worker knows the GPU time of a job. */
enum vgpu_sched_clock {
	VGPU_CLOCK_NONE,		/* no job yet */
	VGPU_CLOCK_CPU,			/* CPU time of the process */
	VGPU_CLOCK_FENCE,		/* wall time until its fence */
	VGPU_CLOCK_SYNC_FILE,		/* time stamps of sync_files */
	VGPU_CLOCK_FDINFO,		/* /proc/PID/fdinfo of the DRM node */
};

#define VGPU_SCHED_NAME_MAX	64

/* Written by the worker. Every field is a claim, checked by vgpud. */
struct vgpu_sched_report {
	uint32_t magic;
	uint32_t padding;
	_Atomic uint32_t inflight;	/* GPU jobs submitted and not retired,
					   counted before the lease is read */
	_Atomic uint32_t want;		/* jobs that wait for a lease */
	_Atomic uint64_t submit_started_ns; /* inside a submit, 0: not */
	_Atomic uint64_t oldest_job_ns;	/* submit time of the oldest job in
					   flight, 0: none */
	_Atomic uint64_t gpu_ns;	/* sum of GPU time of retired jobs */
	_Atomic uint64_t jobs;		/* retired */
	_Atomic uint64_t busy_ns;	/* total time with a job waiting or in
					   flight, up to busy_since_ns */
	_Atomic uint64_t busy_since_ns;	/* 0: neither now */
	_Atomic uint64_t wait_ns;	/* total time waiting for leases */
	_Atomic uint64_t frames;	/* scanout flushes */
	_Atomic uint64_t memory;	/* bytes of resources */
	_Atomic uint32_t resources;
	_Atomic uint32_t contexts;
	_Atomic uint64_t errors;	/* commands answered with an error */

	_Atomic uint64_t refused;	/* allocations, by a limit */
	_Atomic uint32_t clock;		/* enum vgpu_sched_clock */
	/*
	 * The context of the job that is being submitted, else of the oldest in
	 * flight, 0: none, and its debug name (by convention the guest's
	 * process). A name that is being written has an odd number; one that
	 * changed while it was read is read again, a few times.
	 */
	_Atomic uint32_t context;
	_Atomic uint32_t name_seq;
	uint32_t padding2;
	_Atomic uint8_t name[VGPU_SCHED_NAME_MAX];
};

#endif
