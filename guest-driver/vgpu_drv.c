// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_drv.c - driver of a virtio GPU: module, probe and remove
 */
#include <linux/aperture.h>
#include <linux/dma-mapping.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ids.h>
#include <drm/drm_atomic_helper.h>
#include <drm/drm_drv.h>
#include <drm/drm_gem.h>
#include <drm/drm_prime.h>
#include <drm/drm_print.h>

#include "vgpu_cmd.h"
#include "vgpu_context.h"
#include "vgpu_debugfs.h"
#include "vgpu_device.h"
#include "vgpu_fdinfo.h"
#include "vgpu_gem.h"
#include "vgpu_ioctl.h"
#include "vgpu_kms.h"
#include "vgpu_prime.h"
#include "vgpu_reset.h"
#include "compat.h"

/* Mesa and compositors know the driver by this name, whatever the module's. */
#define DRIVER_NAME	"virtio_gpu"

static int modeset = -1;
module_param(modeset, int, 0400);
MODULE_PARM_DESC(modeset, "0: leave the device alone; 1: use it even with nomodeset");

static const struct file_operations vgpu_fops = {
	.owner = THIS_MODULE,
	VGPU_FOPS_FDINFO
	DRM_GEM_FOPS,
};

static const struct drm_driver vgpu_drm_driver = {
	.driver_features = DRIVER_GEM | DRIVER_RENDER | DRIVER_MODESET |
			   DRIVER_SYNCOBJ | DRIVER_SYNCOBJ_TIMELINE |
			   DRIVER_ATOMIC | VGPU_CURSOR_FEATURE,
	.open = vgpu_context_open,
	.postclose = vgpu_context_postclose,
	.gem_create_object = vgpu_gem_create_object,
	.dumb_create = vgpu_gem_dumb_create,
	.gem_prime_import = vgpu_prime_import,
	.gem_prime_import_sg_table = vgpu_prime_import_sg_table,
	VGPU_DRIVER_PRIME
	VGPU_DRIVER_FBDEV
	VGPU_DRIVER_FDINFO
#ifdef CONFIG_DEBUG_FS
	.debugfs_init = vgpu_debugfs_init,
#endif
	.ioctls = vgpu_ioctls,
	.num_ioctls = VGPU_NUM_IOCTLS,
	.fops = &vgpu_fops,
	.name = DRIVER_NAME,
	.desc = "virtio GPU",
	VGPU_DRIVER_DATE
	.major = 0,
	.minor = 1,
	.patchlevel = 0,
};

/* The firmware's frame buffer may be in the memory of this device. */
static int take_aperture(struct device *parent)
{
	struct pci_dev *pdev;

	if (!dev_is_pci(parent))
		return 0;
	pdev = to_pci_dev(parent);
	if (pdev->class >> 8 != PCI_CLASS_DISPLAY_VGA)
		return 0;
	return aperture_remove_conflicting_pci_devices(pdev, DRIVER_NAME);
}

static int vgpu_probe(struct virtio_device *vdev)
{
	struct drm_device *drm;
	struct vgpu_device *dev;
	int ret;

	if (!modeset || (modeset < 0 && drm_firmware_drivers_only()))
		return -ENODEV;
	if (!virtio_has_feature(vdev, VIRTIO_F_VERSION_1))
		return -ENODEV;
	ret = take_aperture(vdev->dev.parent);
	if (ret)
		return ret;

	drm = drm_dev_alloc(&vgpu_drm_driver, vdev->dev.parent);
	if (IS_ERR(drm))
		return PTR_ERR(drm);
	dma_set_max_seg_size(drm->dev,
			     dma_max_mapping_size(drm->dev) ?: UINT_MAX);
	dev = vgpu_device_new(drm, vdev);
	if (IS_ERR(dev)) {
		ret = PTR_ERR(dev);
		goto err_put;
	}
	vdev->priv = dev;
	ret = vgpu_device_start(dev);
	if (ret)
		goto err_stop;
	ret = drm_dev_register(drm, 0);
	if (ret)
		goto err_stop;
	if (dev->num_outputs)
		vgpu_fbdev_setup(drm);
	return 0;

err_stop:
	vgpu_device_stop(dev);
	vgpu_watchdog_cancel(dev);
	cancel_work_sync(&dev->config_work);
err_put:
	vdev->priv = NULL;
	drm_dev_put(drm);
	return ret;
}

/*
 * The device goes first: then every fence is signalled, nothing that follows
 * can wait for the host, and what the rest sends is dropped.
 */
static void vgpu_remove(struct virtio_device *vdev)
{
	struct vgpu_device *dev = vdev->priv;
	struct drm_device *drm = dev->drm;

	vgpu_device_stop(dev);
	vgpu_watchdog_cancel(dev);
	cancel_work_sync(&dev->config_work);
	drm_dev_unplug(drm);
	if (dev->num_outputs)
		drm_atomic_helper_shutdown(drm);
	drm_dev_put(drm);
}

static void vgpu_config_changed(struct virtio_device *vdev)
{
	vgpu_device_config_changed(vdev->priv);
}

#ifdef CONFIG_PM_SLEEP
/* Sleep is a reset that takes longer. */
static int vgpu_freeze(struct virtio_device *vdev)
{
	return vgpu_reset_freeze(vdev->priv);
}

static int vgpu_restore(struct virtio_device *vdev)
{
	return vgpu_reset_restore(vdev->priv);
}
#endif

static const struct virtio_device_id vgpu_ids[] = {
	{ VIRTIO_ID_GPU, VIRTIO_DEV_ANY_ID },
	{ 0 },
};

static unsigned int vgpu_features[] = {
#ifdef __LITTLE_ENDIAN
	/* its commands are in the byte order of the host */
	VIRTIO_GPU_F_VIRGL,
	VIRTIO_GPU_F_CONTEXT_INIT,
#endif
	VIRTIO_GPU_F_EDID,
	VIRTIO_GPU_F_RESOURCE_UUID,
	VIRTIO_GPU_F_RESOURCE_BLOB,
};

static struct virtio_driver vgpu_driver = {
	.driver.name = KBUILD_MODNAME,
	.driver.owner = THIS_MODULE,
	.feature_table = vgpu_features,
	.feature_table_size = ARRAY_SIZE(vgpu_features),
	.id_table = vgpu_ids,
	.probe = vgpu_probe,
	.remove = vgpu_remove,
	.config_changed = vgpu_config_changed,
#ifdef CONFIG_PM_SLEEP
	.freeze = vgpu_freeze,
	.restore = vgpu_restore,
#endif
};
module_virtio_driver(vgpu_driver);

MODULE_DEVICE_TABLE(virtio, vgpu_ids);
MODULE_DESCRIPTION("virtio GPU");
MODULE_LICENSE("Dual MIT/GPL");
