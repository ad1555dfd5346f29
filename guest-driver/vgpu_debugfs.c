// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_debugfs.c - for people: /sys/kernel/debug/dri/N/vgpu and vgpu_clients
 *
 * vgpu has the rings: counters, rates since the last look, and the commands in
 * flight with their age. vgpu_clients has the open files.
 */
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <drm/drm_debugfs.h>
#include <drm/drm_file.h>

#include "vgpu_debugfs.h"
#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_fence.h"
#include "vgpu_vbuf.h"

/* Commands in flight that are listed, the oldest of them. */
#define JOBS_MAX	64

/** struct job_line - of a command in flight */
struct job_line {
	u64 age_us;
	u64 context, seqno;	/* of its fence; 0: none */
	u64 client_id;
	u32 type, ctx_id;
};

static void fill_line(struct job_line *line, const struct vgpu_vbuf *vbuf,
		      ktime_t now)
{
	const struct vgpu_fence *fence = vbuf->fence;

	line->age_us = ktime_us_delta(now, vbuf->sent);
	line->type = le32_to_cpu(vbuf->cmd.hdr.type);
	line->ctx_id = le32_to_cpu(vbuf->cmd.hdr.ctx_id);
	if (!fence)
		return;
	line->context = fence->base.context;
	line->seqno = fence->base.seqno;
	line->client_id = fence->timeline->client_id;
}

static unsigned int copy_jobs(struct vgpu_queue *q, struct job_line *lines)
{
	const struct vgpu_vbuf *vbuf;
	ktime_t now = ktime_get();
	unsigned int nr = 0;

	lockdep_assert_held(&q->lock);
	list_for_each_entry(vbuf, &q->inflight, node) {
		if (nr == JOBS_MAX)
			break;
		fill_line(&lines[nr++], vbuf, now);
	}
	return nr;
}

static void show_rates(struct seq_file *m, struct vgpu_queue *q,
		       struct vgpu_queue_look *last)
{
	s64 us = ktime_us_delta(ktime_get(), last->when);

	if (last->when && us > 0)
		seq_printf(m, "%s: in the last %lld ms: kicks/s %llu, interrupts/s %llu, answers/s %llu\n",
			   q->name, us / USEC_PER_MSEC,
			   div64_u64((q->kicks - last->kicks) * USEC_PER_SEC, us),
			   div64_u64((q->interrupts - last->interrupts) *
				     USEC_PER_SEC, us),
			   div64_u64((q->completed - last->completed) *
				     USEC_PER_SEC, us));
	last->when = ktime_get();
	last->kicks = q->kicks;
	last->interrupts = q->interrupts;
	last->completed = q->completed;
}

static void show_queue(struct seq_file *m, struct vgpu_queue *q,
		       struct vgpu_queue_look *last)
{
	static const char * const states[] = {
		[VGPU_QUEUE_OFF] = "off",
		[VGPU_QUEUE_RUNNING] = "running",
		[VGPU_QUEUE_STOPPING] = "stopping",
		[VGPU_QUEUE_DEAD] = "dead",
	};
	struct job_line *lines = kcalloc(JOBS_MAX, sizeof(*lines), GFP_KERNEL);
	unsigned int nr = 0, i;

	spin_lock_irq(&q->lock);
	seq_printf(m, "%s: %s, slots %u, in flight %u, waiting %u\n", q->name,
		   states[q->state], q->chain_max, q->nr_inflight,
		   q->nr_pending);
	seq_printf(m, "%s: submitted %llu, completed %llu, failed %llu\n",
		   q->name, q->submitted, q->completed, q->failed);
	seq_printf(m, "%s: kicks %llu, interrupts %llu\n", q->name, q->kicks,
		   q->interrupts);
	show_rates(m, q, last);
	if (lines)
		nr = copy_jobs(q, lines);
	spin_unlock_irq(&q->lock);
	for (i = 0; i < nr; i++)
		seq_printf(m, "%s: command 0x%x, age %llu us, context %u, fence %llu:%llu, client %llu\n",
			   q->name, lines[i].type, lines[i].age_us,
			   lines[i].ctx_id, lines[i].context, lines[i].seqno,
			   lines[i].client_id);
	kfree(lines);
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
	show_queue(m, &dev->ctrl, &dev->looks[0]);
	show_queue(m, &dev->cursor, &dev->looks[1]);
	return 0;
}

static int show_clients(struct seq_file *m, void *data)
{
	struct drm_info_node *node = m->private;
	struct drm_device *drm = node->minor->dev;
	struct vgpu_device *dev = to_vgpu(drm);
	struct drm_file *file;

	seq_puts(m, "client context host jobs running busy_ns\n");
	mutex_lock(&drm->filelist_mutex);
	list_for_each_entry(file, &drm->filelist, lhead) {
		struct vgpu_context *ctx = to_vgpu_context(file);
		struct vgpu_timeline *tl = ctx->timeline;

		spin_lock_irq(&dev->ctrl.lock);
		seq_printf(m, "%llu %u %s %llu %u %llu\n", tl->client_id,
			   ctx->id, ctx->created ? "yes" : "no", tl->jobs,
			   tl->running, vgpu_timeline_busy(tl));
		spin_unlock_irq(&dev->ctrl.lock);
	}
	mutex_unlock(&drm->filelist_mutex);
	return 0;
}

static const struct drm_info_list files[] = {
	{ "vgpu", show, 0 },
	{ "vgpu_clients", show_clients, 0 },
};

void vgpu_debugfs_init(struct drm_minor *minor)
{
	drm_debugfs_create_files(files, ARRAY_SIZE(files),
				 minor->debugfs_root, minor);
	vgpu_watchdog_debugfs_init(minor);
}
