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
#include "vgpu_kms.h"
#include "vgpu_output.h"
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

static void lost_work(struct work_struct *work)
{
	struct vgpu_device *dev = container_of(work, struct vgpu_device,
					       lost_work);

	drm_err(dev->drm, "a ring is broken, the device is given up\n");
	vgpu_device_stop(dev);
}

/* Runs without interrupts of ours lost: the event bits are cleared first. */
static void config_work(struct work_struct *work)
{
	struct vgpu_device *dev = container_of(work, struct vgpu_device,
					       config_work);
	u32 events = 0;

	mutex_lock(&dev->stop_lock);
	if (!dev->stopped) {
		virtio_cread_le(dev->vdev, struct virtio_gpu_config,
				events_read, &events);
		events &= VIRTIO_GPU_EVENT_DISPLAY;
		if (events)
			virtio_cwrite_le(dev->vdev, struct virtio_gpu_config,
					 events_clear, &events);
	}
	mutex_unlock(&dev->stop_lock);

	if (!events || !dev->num_outputs)
		return;
	vgpu_outputs_read(dev, jiffies + CONFIG_TIMEOUT);
	drm_kms_helper_hotplug_event(dev->drm);
}

void vgpu_device_config_changed(struct vgpu_device *dev)
{
	schedule_work(&dev->config_work);
}

static void device_release(struct drm_device *drm, void *data)
{
	struct vgpu_device *dev = data;

	/* the worker may still free objects; nothing new can come */
	vgpu_queue_fini(&dev->cursor);
	vgpu_queue_fini(&dev->ctrl);
	vgpu_caps_fini(dev);
	ida_destroy(&dev->contexts);
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
	INIT_LIST_HEAD(&dev->bos);
	ida_init(&dev->contexts);
	INIT_WORK(&dev->lost_work, lost_work);
	INIT_WORK(&dev->config_work, config_work);
	ret = vgpu_queue_init(&dev->ctrl, "control", &dev->lost_work);
	if (!ret)
		ret = vgpu_queue_init(&dev->cursor, "cursor",
				      &dev->lost_work);
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
	virtio_device_ready(dev->vdev);
	vgpu_queue_start(&dev->ctrl, vqs[VIRTIO_GPU_QUEUE_CONTROL]);
	vgpu_queue_start(&dev->cursor, vqs[VIRTIO_GPU_QUEUE_CURSOR]);
	return 0;
}

int vgpu_device_start(struct vgpu_device *dev)
{
	unsigned long deadline = jiffies + START_TIMEOUT;
	u32 scanouts, capsets;
	int ret;

	dev->has_virgl = virtio_has_feature(dev->vdev, VIRTIO_GPU_F_VIRGL);
	dev->has_edid = virtio_has_feature(dev->vdev, VIRTIO_GPU_F_EDID);
	dev->use_dma_api = !virtio_has_dma_quirk(dev->vdev);

	virtio_cread_le(dev->vdev, struct virtio_gpu_config, num_scanouts,
			&scanouts);
	virtio_cread_le(dev->vdev, struct virtio_gpu_config, num_capsets,
			&capsets);
	dev->num_outputs = min_t(u32, scanouts, VIRTIO_GPU_MAX_SCANOUTS);

	ret = vgpu_kms_init(dev);
	if (ret)
		return ret;
	ret = find_queues(dev);
	if (ret)
		return ret;
	vgpu_caps_probe(dev, capsets, deadline);
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
		vgpu_queue_stopping(&dev->cursor);
		vgpu_queue_stopping(&dev->ctrl);
		virtio_reset_device(dev->vdev);
		vgpu_queue_detach(&dev->cursor);
		vgpu_queue_detach(&dev->ctrl);
		dev->vdev->config->del_vqs(dev->vdev);
		vgpu_queue_dead(&dev->cursor);
		vgpu_queue_dead(&dev->ctrl);
	}
	mutex_unlock(&dev->stop_lock);
}
