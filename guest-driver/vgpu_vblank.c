// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_vblank.c - vertical blanking, from a timer
 *
 * The host tells nothing about its display's frames, but compositors pace
 * themselves by them.
 */
#include <linux/hrtimer.h>
#include <drm/drm_vblank.h>

#include "vgpu_kms.h"
#include "vgpu_output.h"
#include "compat.h"

#define DEFAULT_PERIOD	(NSEC_PER_SEC / 60)

static enum hrtimer_restart tick(struct hrtimer *timer)
{
	struct vgpu_output *output = container_of(timer, struct vgpu_output,
						  vblank.timer);
	struct vgpu_vblank *v = &output->vblank;
	unsigned long flags;
	bool mine;

	spin_lock_irqsave(&v->lock, flags);
	/* queued: it was switched off and on again since this tick began */
	mine = v->on && !hrtimer_is_queued(timer);
	if (mine)
		hrtimer_forward_now(timer, ns_to_ktime(v->period_ns));
	spin_unlock_irqrestore(&v->lock, flags);
	if (!mine)
		return HRTIMER_NORESTART;
	drm_crtc_handle_vblank(&output->crtc);
	return HRTIMER_RESTART;
}

int vgpu_vblank_enable(struct drm_crtc *crtc)
{
	struct vgpu_vblank *v = &crtc_to_output(crtc)->vblank;
	struct drm_vblank_crtc *vblank = &crtc->dev->vblank[crtc->index];
	unsigned long flags;

	drm_calc_timestamping_constants(crtc, &crtc->mode);
	spin_lock_irqsave(&v->lock, flags);
	v->period_ns = vblank->framedur_ns > 0 ? vblank->framedur_ns :
		       DEFAULT_PERIOD;
	v->on = true;
	hrtimer_start(&v->timer, ns_to_ktime(v->period_ns), HRTIMER_MODE_REL);
	spin_unlock_irqrestore(&v->lock, flags);
	return 0;
}

/* A tick that runs right now may want a lock the caller has: no waiting. */
void vgpu_vblank_disable(struct drm_crtc *crtc)
{
	struct vgpu_vblank *v = &crtc_to_output(crtc)->vblank;
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	v->on = false;
	hrtimer_try_to_cancel(&v->timer);
	spin_unlock_irqrestore(&v->lock, flags);
}

bool vgpu_vblank_timestamp(struct drm_crtc *crtc, int *max_error,
			   ktime_t *time, bool in_irq)
{
	struct vgpu_vblank *v = &crtc_to_output(crtc)->vblank;
	unsigned long flags;

	spin_lock_irqsave(&v->lock, flags);
	*time = ktime_get();
	if (v->on)
		*time = ktime_sub_ns(hrtimer_get_expires(&v->timer),
				     v->period_ns);
	spin_unlock_irqrestore(&v->lock, flags);
	return true;
}

void vgpu_vblank_init(struct vgpu_output *output)
{
	spin_lock_init(&output->vblank.lock);
	hrtimer_setup(&output->vblank.timer, tick, CLOCK_MONOTONIC,
		      HRTIMER_MODE_REL);
}
