/* SPDX-License-Identifier: MIT */
/*
 * run_delay.h - how long a process was ready to run and had no CPU
 */
#ifndef SCHED_RUN_DELAY_H
#define SCHED_RUN_DELAY_H

#include <stdint.h>
#include <sys/types.h>

/** run_delay_of() - sum over its threads, ns; 0 where the kernel can not say */
uint64_t run_delay_of(pid_t pid);

#endif
