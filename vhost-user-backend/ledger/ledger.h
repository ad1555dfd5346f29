/* SPDX-License-Identifier: MIT */
/*
 * ledger.h - the log that outlives a worker; format in protocol/vgpu_ledger.h
 */
#ifndef LEDGER_LEDGER_H
#define LEDGER_LEDGER_H

#include <stddef.h>
#include <stdint.h>

struct ledger;
struct vgpu_ledger_ring;

/** ledger_create() - memfd of an empty ledger; -errno */
int ledger_create(void);

/** ledger_wipe() - make it empty again (device reset); no worker may run */
int ledger_wipe(int fd);

/** ledger_ring_base() - next avail index of a queue, read without a worker;
 * -ENOENT if it never started */
int ledger_ring_base(int fd, unsigned int queue);

/**
 * ledger_open() - map for a worker. The descriptor stays the caller's.
 *
 * Return: NULL with errno set; EBADMSG: not a ledger of ours, ledger_wipe() it
 */
struct ledger *ledger_open(int fd);
void ledger_close(struct ledger *ledger);

/** ledger_ring() - position of a queue; NULL if @queue is out of range */
struct vgpu_ledger_ring *ledger_ring(struct ledger *ledger, unsigned int queue);

/**
 * ledger_append() - write one record and commit it
 *
 * When the log has doubled, the dump function writes the live state into a new
 * segment first; the record follows it there. A reader must therefore stand a
 * record that repeats what the dump already says. Return: 0 or -ENOSPC.
 */
int ledger_append(struct ledger *ledger, uint32_t type, const void *payload,
		  size_t size);

/** ledger_append2() - the same with the payload in two pieces */
int ledger_append2(struct ledger *ledger, uint32_t type, const void *head,
		   size_t head_size, const void *tail, size_t tail_size);

/**
 * ledger_crashes() - counter of workers that died by their own fault
 *
 * In the ledger itself, and as good as that; for a signal handler to count up.
 */
_Atomic uint32_t *ledger_crashes(struct ledger *ledger);

/** ledger_clear() - drop all records; the rings stay */
void ledger_clear(struct ledger *ledger);

typedef int (*ledger_dump_fn)(void *opaque, struct ledger *ledger);
void ledger_set_dump(struct ledger *ledger, ledger_dump_fn fn, void *opaque);

typedef int (*ledger_visit_fn)(void *opaque, uint32_t type,
			       const void *payload, size_t size);

/**
 * ledger_replay() - visit every committed record, oldest first
 *
 * Payloads are private copies, 8-byte aligned. Stops at the first damaged
 * record, where the log is cut, or when the visitor returns non-zero. The
 * visitor must not append. Return: 0, the visitor's value, -ENOMEM, or
 * -EBADMSG if the header is not a ledger of ours.
 */
int ledger_replay(struct ledger *ledger, ledger_visit_fn fn, void *opaque);

#endif
