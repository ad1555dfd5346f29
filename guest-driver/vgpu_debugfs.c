// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_debugfs.c - counters for people: /sys/kernel/debug/dri/N/vgpu
 */
#include <linux/seq_file.h>
#include <drm/drm_debugfs.h>
#include <drm/drm_file.h>

#include "vgpu_debugfs.h"
#include "vgpu_device.h"

static void show_queue(struct seq_file *m, struct vgpu_queue *q)
{
	static const char * const states[] = {
		[VGPU_QUEUE_OFF] = "off",
		[VGPU_QUEUE_RUNNING] = "running",
		[VGPU_QUEUE_STOPPING] = "stopping",
		[VGPU_QUEUE_DEAD] = "dead",
	};

	spin_lock_irq(&q->lock);
	seq_printf(m, "%s: %s, slots %u, in flight %u, waiting %u\n", q->name,
		   states[q->state], q->chain_max, q->nr_inflight,
		   q->nr_pending);
	seq_printf(m, "%s: submitted %llu, completed %llu, failed %llu\n",
		   q->name, q->submitted, q->completed, q->failed);
	seq_printf(m, "%s: kicks %llu, interrupts %llu\n", q->name, q->kicks,
		   q->interrupts);
	spin_unlock_irq(&q->lock);
}

static int show(struct seq_file *m, void *data)
{
	struct drm_info_node *node = m->private;
	struct vgpu_device *dev = to_vgpu(node->minor->dev);
	unsigned int i;

	seq_printf(m, "virgl %d, EDID %d, outputs %u\n", dev->has_virgl,
		   dev->has_edid, dev->num_outputs);
	for (i = 0; i < dev->num_capsets; i++)
		seq_printf(m, "capset %u: version %u, %u bytes\n",
			   dev->capsets[i].id, dev->capsets[i].max_version,
			   dev->capsets[i].max_size);
	show_queue(m, &dev->ctrl);
	show_queue(m, &dev->cursor);
	return 0;
}

static const struct drm_info_list files[] = {
	{ "vgpu", show, 0 },
};

void vgpu_debugfs_init(struct drm_minor *minor)
{
	drm_debugfs_create_files(files, ARRAY_SIZE(files),
				 minor->debugfs_root, minor);
}
