/* SPDX-License-Identifier: MIT */
/*
 * hangs.h - what is done with VMs whose jobs do not end
 *
 * The watchdog says who (sched/watchdog.c). One hang costs a worker. Who hangs
 * again within ten minutes is kept off the GPU for a time that grows with each,
 * and has less patience shown while others wait; past hang-limit it is
 * suspended, until somebody resumes it.
 */
#ifndef BROKER_HANGS_H
#define BROKER_HANGS_H

/* Callbacks of an arbiter; @vm is a struct vm. */
void hangs_slow(void *vm, const char *reason);
void hangs_hung(void *vm, const char *reason);

#endif
