/* SPDX-License-Identifier: MIT */
/*
 * caps.h - what the renderer can do, found out once and frozen
 */
#ifndef ENDPOINT_CAPS_H
#define ENDPOINT_CAPS_H

#include <stddef.h>

struct vgpu_caps;

/** caps_none() - sealed memfd without any capset: 2D only; -errno */
int caps_none(void);

/**
 * caps_probe() - let a short-lived worker look at the GPU; waits for it
 * @render_node: NULL or "": none
 * @renderer: "virgl" or "null"
 *
 * Return: sealed memfd, or -errno; the worker has said what is missing.
 */
int caps_probe(const char *worker, const char *render_node,
	       const char *renderer);

/** caps_read() - check what a memfd holds; 0 or -EBADMSG */
int caps_read(int fd, struct vgpu_caps *caps);

#endif
