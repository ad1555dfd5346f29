/* SPDX-License-Identifier: MIT */
/*
 * cpulist.h - CPU lists as in "0-3,6"
 */
#ifndef ENDPOINT_CPULIST_H
#define ENDPOINT_CPULIST_H

#include <sched.h>

/** cpulist_parse() - 0, or -EINVAL for what is not a list of CPUs */
int cpulist_parse(const char *list, cpu_set_t *set);

#endif
