/* SPDX-License-Identifier: MIT */
/*
 * vgpud.h - a vgpud of a test's own: configuration, process, control socket
 *
 * What fails ends the test.
 */
#ifndef TESTS_LIB_VGPUD_H
#define TESTS_LIB_VGPUD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <json-glib/json-glib.h>

/** struct vgpud - one daemon in a folder of its own */
struct vgpud {
	char *dir;
	char *control;		/* path of the control socket */
	char *log;		/* path */
	pid_t pid;
};

/** struct vgpud_vm - what the daemon says of one VM */
struct vgpud_vm {
	int64_t cpu, busy, jobs, idle, charged, outside;	/* ns, but jobs */
	int64_t wait, grants, errors, restarts;
	pid_t worker, endpoint;
};

/**
 * vgpud_start() - and wait until it answers
 * @keys: lines for [vgpud] besides the paths
 * @vms: sections, "[vm a]\nweight=3\n" and so on
 */
void vgpud_start(struct vgpud *d, const char *keys, const char *vms);
/** vgpud_stop() - by SIGTERM, after which nothing of it may be left */
void vgpud_stop(struct vgpud *d);

/** vgpud_ask() - one line to the control socket; json_node_unref() the answer */
JsonNode *vgpud_ask(struct vgpud *d, const char *line);
/** vgpud_ask_text() - the same, as it came; g_free() it */
char *vgpud_ask_text(struct vgpud *d, const char *line);
/** vgpud_ok() - the same where nothing but success will do */
void vgpud_ok(struct vgpud *d, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/** vgpud_stats() - of the first @n VMs, in the order of the configuration */
void vgpud_stats(struct vgpud *d, struct vgpud_vm *vms, size_t n);
/** vgpud_connect() - a front end's socket to a VM */
int vgpud_connect(struct vgpud *d, const char *vm);
bool vgpud_log_has(struct vgpud *d, const char *text);
/** vgpud_wait_log() - until it says so; ends the test after @seconds */
void vgpud_wait_log(struct vgpud *d, const char *text, unsigned int seconds);

#endif
