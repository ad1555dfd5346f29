/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_fdinfo.h - what /proc/PID/fdinfo says of an open device file
 */
#ifndef VGPU_FDINFO_H
#define VGPU_FDINFO_H

#include <linux/types.h>

struct drm_file;

/** vgpu_client_id() - of a file that is being opened; no number comes twice */
u64 vgpu_client_id(const struct drm_file *file);

#ifdef HAVE_DRM_SHOW_FDINFO
struct drm_printer;

/* struct drm_driver; struct file_operations */
void vgpu_fdinfo_show(struct drm_printer *p, struct drm_file *file);
#define VGPU_DRIVER_FDINFO	.show_fdinfo = vgpu_fdinfo_show,
#define VGPU_FOPS_FDINFO	.show_fdinfo = drm_show_fdinfo,
#else
struct file;
struct seq_file;

void vgpu_fdinfo_seq_show(struct seq_file *m, struct file *filp);
#define VGPU_DRIVER_FDINFO
#define VGPU_FOPS_FDINFO	.show_fdinfo = vgpu_fdinfo_seq_show,
#endif

#endif
