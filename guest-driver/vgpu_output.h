/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_output.h - one scanout of the device: connector, encoder, CRTC, planes
 */
#ifndef VGPU_OUTPUT_H
#define VGPU_OUTPUT_H

#include <linux/hrtimer.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include <drm/drm_connector.h>
#include <drm/drm_crtc.h>
#include <drm/drm_encoder.h>
#include <drm/drm_rect.h>

#include "vgpu_cmd.h"

struct vgpu_device;
struct vgpu_vbuf;

/** struct vgpu_scanout - what the host was last told to show */
struct vgpu_scanout {
	u32 res_id;		/* 0: nothing */
	u32 epoch;		/* life of the device that was told in */
	struct vgpu_rect src;
	struct drm_rect missed;	/* damage of frames that were not sent */
	atomic_t flushes;	/* not answered yet */
	wait_queue_head_t wait;	/* for @flushes to sink */
};

/** struct vgpu_cursor - what the cursor shall be; one command at a time */
struct vgpu_cursor {
	spinlock_t lock;	/* of all that follows */
	u32 epoch;		/* life of the device that knows the image */
	u32 res_id;
	u32 hot_x, hot_y;
	int x, y;
	unsigned int uploads;	/* of its pixels, not answered yet */
	bool busy;		/* a command is not answered yet */
	bool update;		/* image and position are to be sent */
	bool move;		/* position is to be sent */
};

/** struct vgpu_vblank - a timer in place of a beam */
struct vgpu_vblank {
	spinlock_t lock;	/* of all that follows */
	struct hrtimer timer;
	u64 period_ns;
	bool on;
};

/** struct vgpu_output - lives as long as the drm_device */
struct vgpu_output {
	struct vgpu_device *dev;
	unsigned int index;
	struct drm_crtc crtc;
	struct drm_encoder encoder;
	struct drm_connector connector;

	struct mutex lock;	/* of what the host says, below */
	bool enabled;
	u32 width, height;	/* preferred mode */
	u32 edid_size;		/* 0: none */
	u8 edid[VIRTIO_GPU_EDID_MAX];

	struct vgpu_scanout scanout;	/* lock of the CRTC */
	struct vgpu_cursor cursor;
	struct vgpu_vblank vblank;
	struct vgpu_vbuf *panic[3];	/* NULL: in use, or no memory */
};

static inline struct vgpu_output *crtc_to_output(struct drm_crtc *crtc)
{
	return container_of(crtc, struct vgpu_output, crtc);
}

/** vgpu_output_init() - connector and encoder; the CRTC must exist */
int vgpu_output_init(struct vgpu_output *output);

/**
 * vgpu_outputs_read() - ask the host about displays and their EDIDs
 *
 * Waits until @deadline at most. What is not answered stays as it was.
 */
void vgpu_outputs_read(struct vgpu_device *dev, unsigned long deadline);

#endif
