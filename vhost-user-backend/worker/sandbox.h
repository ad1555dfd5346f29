/* SPDX-License-Identifier: MIT */
/*
 * sandbox.h - what a worker gives up before it sees a guest's bytes
 */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

/**
 * sandbox_enter() - no new programs, privileges, networks, namespaces, or core
 * dumps from here on; what GL drivers need (threads, executable memory, files)
 * stays
 *
 * Return: 0 or -errno, with a log line.
 */
int sandbox_enter(void);

#endif
