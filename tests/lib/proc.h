/* SPDX-License-Identifier: MIT */
/*
 * proc.h - what the kernel says of processes: descriptors, memory, time
 */
#ifndef TESTS_LIB_PROC_H
#define TESTS_LIB_PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/** proc_children() - direct children of @pid; return how many, at most @max */
size_t proc_children(pid_t pid, pid_t *out, size_t max);
/** proc_tree() - @pid and all its descendants that live */
size_t proc_tree(pid_t pid, pid_t *out, size_t max);

int proc_count_fds(pid_t pid);
int proc_count_maps(pid_t pid);
/** proc_private_kib() - what a process wrote and shares with nobody */
long proc_private_kib(pid_t pid);

/** proc_pss_kib() - its part of all that it maps, in proportion; -1: unknown */
long proc_pss_kib(pid_t pid);
/** proc_maps() - does it map a file whose path has @text in it? */
bool proc_maps(pid_t pid, const char *text);

/* AddressSanitizer keeps what was freed; it finds leaks by itself. */
#ifdef __SANITIZE_ADDRESS__
#define PROC_KIB_SLACK	400000
#define PROC_MAPS_SLACK	16
#else
#define PROC_KIB_SLACK	0
#define PROC_MAPS_SLACK	0
#endif

/** proc_cpu_us() - user and system time of a process, dead threads included */
uint64_t proc_cpu_us(pid_t pid);
/** proc_tree_cpu_us() - of a process and its living descendants */
uint64_t proc_tree_cpu_us(pid_t pid);
/** proc_name() - its comm, "" if there is none */
void proc_name(pid_t pid, char *name, size_t size);

#endif
