/* SPDX-License-Identifier: MIT */
/*
 * rings.h - the virtqueues of a worker
 */
#ifndef WORKER_RINGS_H
#define WORKER_RINGS_H

#include <stdint.h>

struct rings;
struct vgpu_ipc_vring;
struct vring_elem;
struct worker;

struct rings *rings_new(struct worker *w);
void rings_free(struct rings *rings);

/** rings_start() - VRING_START; descriptors are consumed. Served at once. */
void rings_start(struct rings *rings, const struct vgpu_ipc_vring *vring,
		 int kick_fd, int call_fd);

/** rings_stop() - VRING_STOP. Return: next avail index */
uint16_t rings_stop(struct rings *rings, unsigned int index);

void rings_set_call(struct rings *rings, unsigned int index, int call_fd);

/** rings_give_up() - answer what predecessors took with an error */
void rings_give_up(struct rings *rings);

/** rings_set_mem() - the worker has a new memory table */
void rings_set_mem(struct rings *rings);

/** rings_complete() - the device's answer; the guest hears at rings_notify() */
void rings_complete(struct rings *rings, struct vring_elem *elem, uint32_t len);

/** rings_notify() - one call a queue for all that was answered */
void rings_notify(struct rings *rings);

#endif
