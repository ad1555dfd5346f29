// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_reset.c - the device from the start again: after a fault, after sleep
 *
 * DOC: what survives a reset
 *
 * The guest's pages do, and so does whatever can be said to the host again:
 * capability sets are asked anew, resources get their old ids and pages,
 * scanouts and cursors show what they showed. Rendering contexts do not, nor
 * what only the host had: who owns such a context gets -EIO for it from then
 * on, and nobody else notices. Everything that was in flight completes with
 * -EIO, in order.
 *
 * Submitters are not blocked: while the device is away their commands wait in
 * the software queue, and what is of before the reset is refused there. Only
 * who creates or frees a resource waits, for as long as the host's list of
 * them is queued, which takes no answer of the host.
 */
#include <linux/delay.h>
#include <linux/jiffies.h>
#include <linux/kobject.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <drm/drm_atomic.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_modeset_helper.h>
#include <drm/drm_modeset_lock.h>
#include <drm/drm_print.h>

#include "vgpu_reset.h"
#include "vgpu_device.h"
#include "compat.h"

/* Before sleep: for what the host still works on. */
#define IDLE_WAIT	(2 * HZ)
/* Resets, each soon after the one before, that get a host given up. */
#define IN_A_ROW_MAX	5

/*
 * As at the very start of a device. A transport takes bits of its own out of
 * the features when they are final, so they are put in again: virtio_uml would
 * tell a back end that it does without VHOST_USER_F_PROTOCOL_FEATURES, which
 * then starts the rings at once, and where they were before.
 */
static int negotiate(struct virtio_device *vdev)
{
	u64 offered;
	unsigned int i;
	int ret;

	virtio_add_status(vdev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	virtio_add_status(vdev, VIRTIO_CONFIG_S_DRIVER);
	offered = vdev->config->get_features(vdev);
	/* what was negotiated is built upon */
	if (vdev->features & ~offered)
		return -ENODEV;
	for (i = VIRTIO_TRANSPORT_F_START; i < VIRTIO_TRANSPORT_F_END; i++)
		if (offered & BIT_ULL(i))
			__virtio_set_bit(vdev, i);
	ret = vdev->config->finalize_features(vdev);
	if (ret)
		return ret;
	virtio_add_status(vdev, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(vdev->config->get_status(vdev) & VIRTIO_CONFIG_S_FEATURES_OK))
		return -ENODEV;
	return 0;
}

/* User space and its supervisors may want to know; the words are DRM's. */
static void tell(struct vgpu_device *dev, char *what)
{
	char *env[] = { what, NULL };

	if (dev->drm->registered)
		kobject_uevent_env(&dev->drm->primary->kdev->kobj, KOBJ_CHANGE,
				   env);
}

static void give_up(struct vgpu_device *dev, const char *why, int error)
{
	mutex_lock(&dev->stop_lock);
	if (dev->stopped) {
		mutex_unlock(&dev->stop_lock);
		return;
	}
	vgpu_device_down(dev);
	vgpu_queue_dead(&dev->cursor);
	vgpu_queue_dead(&dev->ctrl);
	mutex_unlock(&dev->stop_lock);
	drm_err(dev->drm, "the device is given up: %s (%d)\n", why, error);
	tell(dev, "WEDGED=rebind");
}

/* Show again what is shown: frames are sent whole where the host forgot. */
static void restore_display(struct vgpu_device *dev)
{
	struct drm_modeset_acquire_ctx ctx;
	struct drm_atomic_commit *state;
	int ret;

	if (!dev->num_outputs)
		return;
	DRM_MODESET_LOCK_ALL_BEGIN(dev->drm, ctx, 0, ret);
	state = drm_atomic_helper_duplicate_state(dev->drm, &ctx);
	if (IS_ERR(state)) {
		ret = PTR_ERR(state);
	} else {
		ret = drm_atomic_helper_commit_duplicated_state(state, &ctx);
		drm_atomic_commit_put(state);
	}
	DRM_MODESET_LOCK_ALL_END(dev->drm, ctx, ret);
	if (ret)
		drm_warn(dev->drm, "the displays are not restored (%d)\n",
			 ret);
}

static bool too_often(struct vgpu_device *dev)
{
	struct vgpu_watchdog *dog = &dev->dog;
	unsigned long soon = 4 * vgpu_watchdog_limit(dog) + 10 * HZ;

	if (time_after(jiffies, dog->last_reset + soon))
		dog->in_a_row = 0;
	dog->last_reset = jiffies;
	return ++dog->in_a_row > IN_A_ROW_MAX;
}

void vgpu_reset(struct vgpu_device *dev, const char *why, bool fault)
{
	ktime_t begin = ktime_get();
	int ret;

	mutex_lock(&dev->stop_lock);
	if (dev->stopped || dev->frozen) {
		mutex_unlock(&dev->stop_lock);
		return;
	}
	drm_err(dev->drm, "reset: %s\n", why);
	vgpu_device_down(dev);
	vgpu_queue_fail(&dev->cursor, -EIO);
	vgpu_queue_fail(&dev->ctrl, -EIO);
	WRITE_ONCE(dev->dog.resets, dev->dog.resets + 1);
	if (fault && too_often(dev))
		ret = -EIO;
	else
		ret = negotiate(dev->vdev) ?: vgpu_device_up(dev);
	mutex_unlock(&dev->stop_lock);
	if (ret) {
		give_up(dev, "it can not be reset", ret);
		return;
	}
	drm_info(dev->drm, "the reset took %lld us\n",
		 ktime_us_delta(ktime_get(), begin));

	ret = vgpu_watchdog_answers(dev);
	if (ret) {
		give_up(dev, "no answer after the reset", ret);
		return;
	}
	restore_display(dev);
	vgpu_device_refresh(dev);
	tell(dev, "WEDGED=none");
}

#ifdef CONFIG_PM_SLEEP
static void wait_idle(struct vgpu_device *dev)
{
	unsigned long end = jiffies + IDLE_WAIT;

	while ((vgpu_queue_busy(&dev->ctrl) ||
		vgpu_queue_busy(&dev->cursor)) && time_before(jiffies, end))
		usleep_range(5000, 6000);
}

int vgpu_reset_freeze(struct vgpu_device *dev)
{
	int ret = 0;

	vgpu_watchdog_cancel(dev);
	cancel_work_sync(&dev->config_work);
	if (dev->num_outputs)
		ret = drm_mode_config_helper_suspend(dev->drm);
	if (ret) {
		vgpu_watchdog_start(&dev->dog);
		return ret;
	}
	wait_idle(dev);
	mutex_lock(&dev->stop_lock);
	dev->frozen = true;
	vgpu_device_down(dev);
	vgpu_queue_fail(&dev->cursor, -EIO);
	vgpu_queue_fail(&dev->ctrl, -EIO);
	mutex_unlock(&dev->stop_lock);
	return 0;
}

int vgpu_reset_restore(struct vgpu_device *dev)
{
	int ret;

	mutex_lock(&dev->stop_lock);
	dev->frozen = false;
	ret = vgpu_device_up(dev);
	mutex_unlock(&dev->stop_lock);
	if (ret)
		give_up(dev, "it does not wake up", ret);
	/* without a device this costs nothing, and fails nothing */
	if (dev->num_outputs)
		drm_mode_config_helper_resume(dev->drm);
	if (!ret)
		vgpu_device_refresh(dev);
	return ret;
}
#endif
