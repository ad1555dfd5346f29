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
 * eventfd too when its last job in flight retires under the lease, and keeps
 * at most VGPU_SCHED_DEPTH jobs in flight, so that it drains soon.
 */
#ifndef VGPU_PROTOCOL_VGPU_SCHED_H
#define VGPU_PROTOCOL_VGPU_SCHED_H

#include <stdatomic.h>
#include <stdint.h>

#define VGPU_SCHED_MAGIC	0x64636873	/* "shcd" */
#define VGPU_SCHED_PAGE_SIZE	4096
#define VGPU_SCHED_DEPTH	2

/* Written by vgpud. Times are CLOCK_MONOTONIC nanoseconds. */
struct vgpu_sched_grant {
	uint32_t magic;
	_Atomic uint32_t notify;	/* another VM waits */
	_Atomic uint64_t lease;		/* its number, 0: none */
};

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
};

#endif
