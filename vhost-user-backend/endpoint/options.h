/* SPDX-License-Identifier: MIT */
/*
 * options.h - the command line of vgpu-endpoint
 */
#ifndef ENDPOINT_OPTIONS_H
#define ENDPOINT_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

/** struct options - strings are heap, options_fini() */
struct options {
	int fd;				/* -1: none */
	char *socket_path;
	bool print_capabilities, version, once;
	bool virgl, null_renderer;
	char *render_node;		/* NULL: choose; "": none */
	char *name;			/* never NULL */
	char *worker;			/* never NULL */
	int outputs, width, height;
	int broker_fd;
	char *cpus;
	int cpu_threads;
	uint64_t memory_max;
};

/**
 * options_parse() - read and check the command line
 *
 * Return: 0, or -EINVAL after saying what is wrong on standard error.
 */
int options_parse(struct options *options, int argc, char **argv);
void options_fini(struct options *options);

#endif
