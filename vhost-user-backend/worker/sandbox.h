/* SPDX-License-Identifier: MIT */
/*
 * sandbox.h - what a worker gives up before it sees a guest's bytes
 */
#ifndef WORKER_SANDBOX_H
#define WORKER_SANDBOX_H

/* Sanitizers fork, trace, and report crashes themselves. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED	1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED	1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED	0
#endif

/**
 * sandbox_enter() - no new programs, privileges, networks, namespaces, or core
 * dumps from here on; what GL drivers need (threads, executable memory, files)
 * stays
 *
 * Return: 0 or -errno, with a log line.
 */
int sandbox_enter(void);

#endif
