// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_trace.c - makes the tracepoints
 */
#ifndef __CHECKER__
#define CREATE_TRACE_POINTS
#include "vgpu_trace.h"
#endif
