/* SPDX-License-Identifier: MIT */
/*
 * ctl.h - what the commands of vgpuctl share; one file each, cmd_NAME.c
 */
#ifndef CTL_CTL_H
#define CTL_CTL_H

#include <stdbool.h>

#include <json-glib/json-glib.h>

/* Exit statuses. */
#define CTL_OK		0
#define CTL_FAILED	1	/* no vgpud, or it said no */
#define CTL_USAGE	2

struct ctl {
	const char *socket;
	bool json;
	int fd;				/* -1: not connected yet */
	GByteArray *in;			/* received, not yet taken */

	/* options of single commands, see main.c */
	double delay;			/* seconds, 0: not given */
	double seconds;			/* 0: not given */
	int rounds;			/* -1: not given */
	bool batch, follow, force;
	const char *sort;		/* NULL: not given */
};

/** struct ctl_command - a row of main.c's table; argc counts what follows it */
struct ctl_command {
	const char *name;
	const char *arguments;
	const char *summary;
	const char *options;		/* letters of those that it takes */
	int (*run)(struct ctl *ctl, int argc, char **argv);
};

int cmd_list(struct ctl *ctl, int argc, char **argv);
int cmd_show(struct ctl *ctl, int argc, char **argv);
int cmd_set(struct ctl *ctl, int argc, char **argv);
int cmd_add(struct ctl *ctl, int argc, char **argv);
int cmd_remove(struct ctl *ctl, int argc, char **argv);
int cmd_suspend(struct ctl *ctl, int argc, char **argv);
int cmd_resume(struct ctl *ctl, int argc, char **argv);
int cmd_top(struct ctl *ctl, int argc, char **argv);
int cmd_events(struct ctl *ctl, int argc, char **argv);
int cmd_trace(struct ctl *ctl, int argc, char **argv);
int cmd_record(struct ctl *ctl, int argc, char **argv);
int cmd_plot(struct ctl *ctl, int argc, char **argv);

/**
 * ctl_request() - send one command, wait for its reply
 * @request: consumed; the root object of a request, still open
 *
 * Return: the reply's object (json_object_unref() it), or NULL after saying
 * on standard error what is wrong.
 */
JsonObject *ctl_request(struct ctl *ctl, JsonBuilder *request);

/** ctl_wait() - another reply to the same request, whenever it comes */
JsonObject *ctl_wait(struct ctl *ctl);

/** ctl_begin() - a request of that name, for ctl_request() */
JsonBuilder *ctl_begin(const char *cmd);

/** ctl_begin_vm() - the same about one VM */
JsonBuilder *ctl_begin_vm(const char *cmd, const char *vm);

/** ctl_since() - {"cmd":@cmd,"since":@since}, and its reply */
JsonObject *ctl_since(struct ctl *ctl, const char *cmd, gint64 since);

void ctl_error(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/** ctl_nonsense() - complain about a reply that vgpud would not send */
void ctl_nonsense(struct ctl *ctl);

/** ctl_usage() - complain about arguments. Return: CTL_USAGE */
int ctl_usage(const char *fmt, ...) G_GNUC_PRINTF(1, 2);

/* Called before anything is written to standard error; NULL: nothing is. */
extern void (*ctl_before_error)(void);

/** ctl_print_json() - one line */
void ctl_print_json(JsonNode *node);

/** ctl_print_object() - one line */
void ctl_print_object(JsonObject *object);

/**
 * ctl_write() - @text becomes the file @path, or goes to standard output ("-")
 *
 * Return: false after saying what is wrong.
 */
bool ctl_write(const char *path, const char *text, size_t len);

/* ---- values of a reply, 0 or "" where it has none ---- */
double ctl_double(JsonObject *object, const char *name);
gint64 ctl_int(JsonObject *object, const char *name);
bool ctl_bool(JsonObject *object, const char *name);
const char *ctl_string(JsonObject *object, const char *name);
JsonObject *ctl_object(JsonObject *object, const char *name);
/** ctl_array() - NULL where it has none */
JsonArray *ctl_array(JsonObject *object, const char *name);
/** ctl_objects() - the objects of an array; free with g_list_free() */
GList *ctl_objects(JsonObject *reply, const char *name);
/** ctl_vms() - the objects of "vms"; free with g_list_free() */
GList *ctl_vms(JsonObject *reply);

/** ctl_bytes() - "12.3M" into @buf */
const char *ctl_bytes(gint64 bytes, char *buf, size_t size);

#endif
