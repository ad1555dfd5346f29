/* SPDX-License-Identifier: MIT */
/*
 * probe.h - what the GPU can do, found out once at the start
 */
#ifndef BROKER_PROBE_H
#define BROKER_PROBE_H

struct gpu;

/**
 * probe_gpu() - set its caps_fd, render_node and what hangs on them
 *
 * A GPU without 3D is no error: its VMs get 2D, and the log says why. Return:
 * 0 or -errno.
 */
int probe_gpu(struct gpu *gpu);

#endif
