/* SPDX-License-Identifier: MIT */
/*
 * endpoint.h - one connection of a VM: its vgpu-endpoint and their messages
 */
#ifndef BROKER_ENDPOINT_H
#define BROKER_ENDPOINT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct endpoint;
struct vgpu_broker_hello;
struct vm;

/** struct endpoint_info - for people */
struct endpoint_info {
	pid_t pid, worker_pid;		/* 0: none */
	bool connected, driver_ok;
	uint32_t restarts;
};

/**
 * endpoint_new() - start the process for an accepted connection
 * @front_end: consumed
 *
 * When it has ended, vm_endpoint_gone() is called and the object is freed.
 * Return: NULL with a log line.
 */
struct endpoint *endpoint_new(struct vm *vm, int front_end);

/**
 * endpoint_adopt() - one that an earlier vgpud had started
 * @sock: to it, consumed
 * @pid: whose the kernel says that socket is
 *
 * Otherwise as endpoint_new().
 */
struct endpoint *endpoint_adopt(struct vm *vm, int sock, pid_t pid,
				const struct vgpu_broker_hello *hello);

/** endpoint_leave() - nothing more to do with it; it goes on without us */
void endpoint_leave(struct endpoint *ep);

/** endpoint_free() - kills what still runs */
void endpoint_free(struct endpoint *ep);

/** endpoint_stop() - ask it to end (SIGTERM), or (@kill) end it */
void endpoint_stop(struct endpoint *ep, bool kill);

/** endpoint_kill_worker() - SIGKILL; the endpoint starts another */
void endpoint_kill_worker(struct endpoint *ep, const char *reason);

void endpoint_info(const struct endpoint *ep, struct endpoint_info *info);

#endif
