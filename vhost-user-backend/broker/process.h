/* SPDX-License-Identifier: MIT */
/*
 * process.h - what the kernel says of a process that another one named
 */
#ifndef BROKER_PROCESS_H
#define BROKER_PROCESS_H

#include <stdbool.h>
#include <sys/types.h>

/** process_of_pidfd() - its pid here; -ESRCH: ended; -EINVAL: not a pidfd */
pid_t process_of_pidfd(int fd);

/** process_descends() - is @ancestor its parent, or a parent of that, ...? */
bool process_descends(pid_t pid, pid_t ancestor);

#endif
