// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_device.c - one virtio GPU: start, stop, and what its configuration says
 */
#include <linux/jiffies.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <drm/drm_managed.h>
#include <drm/drm_print.h>
#include <drm/drm_probe_helper.h>

#include "vgpu_device.h"
#include "vgpu_caps.h"
#include "vgpu_cmd.h"
#include "vgpu_gem.h"
#include "vgpu_kms.h"
#include "vgpu_output.h"
#include "vgpu_vendor.h"
#include "compat.h"

/* All the time that a silent host may add to the start of the guest. */
#define START_TIMEOUT	(10 * HZ)
#define CONFIG_TIMEOUT	(5 * HZ)
/* A command, its answer and two pieces of payload. */
#define RING_MIN	4

static void control_callback(struct virtqueue *vq)
{
	struct vgpu_device *dev = vq->vdev->priv;

	vgpu_queue_interrupt(&dev->ctrl);
}

static void cursor_callback(struct virtqueue *vq)
{
	struct vgpu_device *dev = vq->vdev->priv;

	vgpu_queue_interrupt(&dev->cursor);
}

/* Runs without interrupts of ours lost: the event bits are cleared first. */
static void config_work(struct work_struct *work)
{
	struct vgpu_device *dev = container_of(work, struct vgpu_device,
					       config_work);
	bool refresh = atomic_xchg(&dev->refresh, 0);
	u32 events = 0;

	mutex_lock(&dev->stop_lock);
	if (dev->running) {
		/* it may want a reset */
		vgpu_watchdog_broken(&dev->dog);
		virtio_cread_le(dev->vdev, struct virtio_gpu_config,
				events_read, &events);
		events &= VIRTIO_GPU_EVENT_DISPLAY;
		if (events)
			virtio_cwrite_le(dev->vdev, struct virtio_gpu_config,
					 events_clear, &events);
	}
	mutex_unlock(&dev->stop_lock);

	/* a host that was silent at the start may have some after all */
	if (refresh && !dev->num_capsets)
		vgpu_caps_probe(dev, dev->offered_capsets,
				jiffies + CONFIG_TIMEOUT);
	if ((!events && !refresh) || !dev->num_outputs)
		return;
	vgpu_outputs_read(dev, jiffies + CONFIG_TIMEOUT);
	if (dev->drm->registered)
		drm_kms_helper_hotplug_event(dev->drm);
}

void vgpu_device_refresh(struct vgpu_device *dev)
{
	atomic_set(&dev->refresh, 1);
	schedule_work(&dev->config_work);
}

void vgpu_device_config_changed(struct vgpu_device *dev)
{
	schedule_work(&dev->config_work);
}

static void device_release(struct drm_device *drm, void *data)
{
	struct vgpu_device *dev = data;

	/* the worker may still free objects; nothing new can come */
	vgpu_jobs_fini(dev);
	vgpu_queue_fini(&dev->cursor);
	vgpu_queue_fini(&dev->ctrl);
	vgpu_watchdog_fini(dev);
	vgpu_caps_fini(dev);
	ida_destroy(&dev->contexts);
	mutex_destroy(&dev->files_lock);
	mutex_destroy(&dev->bos_lock);
	mutex_destroy(&dev->caps_lock);
	mutex_destroy(&dev->stop_lock);
}

struct vgpu_device *vgpu_device_new(struct drm_device *drm,
				    struct virtio_device *vdev)
{
	struct vgpu_device *dev;
	int ret;

	dev = drmm_kzalloc(drm, sizeof(*dev), GFP_KERNEL);
	if (!dev)
		return ERR_PTR(-ENOMEM);
	dev->drm = drm;
	dev->vdev = vdev;
	drm->dev_private = dev;
	dev->ctrl.dev_name = dev_name(drm->dev);
	dev->cursor.dev_name = dev->ctrl.dev_name;
	mutex_init(&dev->stop_lock);
	mutex_init(&dev->caps_lock);
	mutex_init(&dev->bos_lock);
	mutex_init(&dev->files_lock);
	INIT_LIST_HEAD(&dev->files);
	vgpu_jobs_init(dev);
	INIT_LIST_HEAD(&dev->bos);
	ida_init(&dev->contexts);
	INIT_WORK(&dev->config_work, config_work);
	ret = vgpu_watchdog_init(dev);
	if (!ret)
		ret = vgpu_queue_init(&dev->ctrl, "control", &dev->dog);
	if (!ret)
		ret = vgpu_queue_init(&dev->cursor, "cursor", &dev->dog);
	/* takes care of what is half made, too */
	if (drmm_add_action_or_reset(drm, device_release, dev) || ret)
		return ERR_PTR(-ENOMEM);
	return dev;
}

static int find_queues(struct vgpu_device *dev)
{
	struct virtqueue *vqs[VIRTIO_GPU_NUM_QUEUES];
	struct virtqueue_info info[VIRTIO_GPU_NUM_QUEUES] = {
		[VIRTIO_GPU_QUEUE_CONTROL] = { "control", control_callback },
		[VIRTIO_GPU_QUEUE_CURSOR] = { "cursor", cursor_callback },
	};
	unsigned int i;
	int ret;

	ret = vgpu_find_vqs(dev->vdev, VIRTIO_GPU_NUM_QUEUES, vqs, info);
	if (ret)
		return ret;
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++) {
		if (virtqueue_get_vring_size(vqs[i]) < RING_MIN) {
			drm_err(dev->drm, "ring %u has fewer than %u slots\n",
				i, RING_MIN);
			dev->vdev->config->del_vqs(dev->vdev);
			return -EINVAL;
		}
	}
	vgpu_queue_set_ring(&dev->ctrl, vqs[VIRTIO_GPU_QUEUE_CONTROL]);
	vgpu_queue_set_ring(&dev->cursor, vqs[VIRTIO_GPU_QUEUE_CURSOR]);
	return 0;
}

/*
 * What was sent before the lock is taken fails, and is on the list if it made
 * a resource; what comes after it is queued after the list.
 */
int vgpu_device_up(struct vgpu_device *dev)
{
	int ret = find_queues(dev);

	if (ret)
		return ret;
	mutex_lock(&dev->bos_lock);
	vgpu_queue_fail(&dev->cursor, -EIO);
	vgpu_queue_fail(&dev->ctrl, -EIO);
	vgpu_queue_new_epoch(&dev->cursor);
	vgpu_queue_new_epoch(&dev->ctrl);
	/* what a resource is may need the host's extensions */
	vgpu_vendor_restart(dev);
	vgpu_bos_restore(dev);
	mutex_unlock(&dev->bos_lock);

	virtio_device_ready(dev->vdev);
	dev->running = true;
	vgpu_queue_start(&dev->ctrl);
	vgpu_queue_start(&dev->cursor);
	vgpu_watchdog_start(&dev->dog);
	return 0;
}

void vgpu_device_down(struct vgpu_device *dev)
{
	/* also one that came up only half */
	vgpu_queue_stopping(&dev->cursor);
	vgpu_queue_stopping(&dev->ctrl);
	virtio_reset_device(dev->vdev);
	if (!dev->running)
		return;
	dev->running = false;
	vgpu_queue_detach(&dev->cursor);
	vgpu_queue_detach(&dev->ctrl);
	dev->vdev->config->del_vqs(dev->vdev);
}

int vgpu_device_start(struct vgpu_device *dev)
{
	unsigned long deadline = jiffies + START_TIMEOUT;
	u32 scanouts, capsets;
	int ret;

	dev->has_virgl = virtio_has_feature(dev->vdev, VIRTIO_GPU_F_VIRGL);
	dev->has_edid = virtio_has_feature(dev->vdev, VIRTIO_GPU_F_EDID);
	dev->has_uuid = virtio_has_feature(dev->vdev,
					   VIRTIO_GPU_F_RESOURCE_UUID);
	dev->has_blob = virtio_has_feature(dev->vdev,
					   VIRTIO_GPU_F_RESOURCE_BLOB);
	dev->has_host_blob = dev->has_blob && dev->has_virgl;
	dev->has_context_init = dev->has_virgl &&
		virtio_has_feature(dev->vdev, VIRTIO_GPU_F_CONTEXT_INIT);
	dev->use_dma_api = !virtio_has_dma_quirk(dev->vdev);

	virtio_cread_le(dev->vdev, struct virtio_gpu_config, num_scanouts,
			&scanouts);
	virtio_cread_le(dev->vdev, struct virtio_gpu_config, num_capsets,
			&capsets);
	dev->num_outputs = min_t(u32, scanouts, VIRTIO_GPU_MAX_SCANOUTS);
	dev->offered_capsets = capsets;

	ret = vgpu_kms_init(dev);
	if (ret)
		return ret;
	mutex_lock(&dev->stop_lock);
	ret = vgpu_device_up(dev);
	mutex_unlock(&dev->stop_lock);
	if (ret)
		return ret;
	vgpu_caps_probe(dev, capsets, deadline);
	vgpu_vendor_start(dev, deadline);
	vgpu_outputs_read(dev, deadline);
	drm_info(dev->drm, "virtio GPU: %s, %u capsets, %u outputs%s\n",
		 dev->has_virgl ? "virgl" : "2D", dev->num_capsets,
		 dev->num_outputs, dev->has_edid ? ", EDID" : "");
	return 0;
}

void vgpu_device_stop(struct vgpu_device *dev)
{
	mutex_lock(&dev->stop_lock);
	if (!dev->stopped) {
		dev->stopped = true;
		vgpu_device_down(dev);
		vgpu_queue_dead(&dev->cursor);
		vgpu_queue_dead(&dev->ctrl);
		vgpu_jobs_stop(dev);
	}
	mutex_unlock(&dev->stop_lock);
}
