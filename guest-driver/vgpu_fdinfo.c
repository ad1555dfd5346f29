// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_fdinfo.c - what /proc/PID/fdinfo says of an open device file
 *
 * The keys are those of the kernel's drm-usage-stats, which nvtop, htop and
 * gputop read. Engine time is the time in which the host had work of the
 * file: what of it was spent waiting for other virtual machines only the host
 * knows.
 */
#include <linux/atomic.h>
#include <linux/dma-resv.h>
#include <linux/pci.h>
#include <linux/seq_file.h>
#include <drm/drm_drv.h>
#include <drm/drm_file.h>
#include <drm/drm_gem.h>
#include <drm/drm_print.h>

#include "vgpu_fdinfo.h"
#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_fence.h"
#include "compat.h"

static void show_engine(struct drm_printer *p, struct drm_file *file)
{
	struct vgpu_device *dev = to_vgpu(file->minor->dev);
	struct vgpu_context *ctx = to_vgpu_context(file);
	unsigned int i;
	u64 busy, jobs;

	spin_lock_irq(&dev->ctrl.lock);
	busy = vgpu_timeline_busy(ctx->timeline);
	jobs = ctx->timeline->jobs;
	/* with what was written before it */
	for (i = 0; smp_load_acquire(&ctx->created) && i < ctx->nr_rings; i++) {
		busy += vgpu_timeline_busy(ctx->rings[i]);
		jobs += ctx->rings[i]->jobs;
	}
	spin_unlock_irq(&dev->ctrl.lock);
	drm_printf(p, "drm-engine-render:\t%llu ns\n", busy);
	drm_printf(p, "vgpu-jobs:\t%llu\n", jobs);
}

#ifdef HAVE_DRM_SHOW_FDINFO

u64 vgpu_client_id(const struct drm_file *file)
{
	return file->client_id;
}

/* The core has written the driver, the device and the client. */
void vgpu_fdinfo_show(struct drm_printer *p, struct drm_file *file)
{
	show_engine(p, file);
	drm_show_memory_stats(p, file);
}

#else

u64 vgpu_client_id(const struct drm_file *file)
{
	static atomic64_t last = ATOMIC64_INIT(0);

	return atomic64_inc_return(&last);
}

static void show_memory(struct drm_printer *p, struct drm_file *file)
{
	u64 total = 0, shared = 0, active = 0;
	struct drm_gem_object *obj;
	int id;

	spin_lock(&file->table_lock);
	idr_for_each_entry(&file->object_idr, obj, id) {
		total += obj->size;
		if (obj->handle_count > 1)
			shared += obj->size;
		if (!dma_resv_test_signaled(obj->resv, DMA_RESV_USAGE_READ))
			active += obj->size;
	}
	spin_unlock(&file->table_lock);
	drm_printf(p, "drm-total-memory:\t%llu KiB\n", total / SZ_1K);
	drm_printf(p, "drm-shared-memory:\t%llu KiB\n", shared / SZ_1K);
	drm_printf(p, "drm-active-memory:\t%llu KiB\n", active / SZ_1K);
}

void vgpu_fdinfo_seq_show(struct seq_file *m, struct file *filp)
{
	struct drm_file *file = filp->private_data;
	struct drm_device *drm = file->minor->dev;
	struct drm_printer p = drm_seq_file_printer(m);

	drm_printf(&p, "drm-driver:\t%s\n", drm->driver->name);
	drm_printf(&p, "drm-client-id:\t%llu\n",
		   to_vgpu_context(file)->timeline->client_id);
	if (dev_is_pci(drm->dev))
		drm_printf(&p, "drm-pdev:\t%s\n", dev_name(drm->dev));
	show_engine(&p, file);
	show_memory(&p, file);
}

#endif
