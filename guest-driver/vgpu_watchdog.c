// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_watchdog.c - notices that the host is dead
 *
 * DOC: when a host is dead
 *
 * How long a command may take is the host's affair: it may wait for its share
 * of the GPU as long as the host likes. But a host that is alive answers a
 * query at once, also while commands before it wait. So when nothing was
 * answered for a quarter of the limit, a query is sent, for which the ring
 * always has a slot; and when neither it nor anything else was answered for
 * half of the limit, the host is dead. A host that does answer such queries,
 * but late, because it takes everything in order, gets more time.
 */
#include <linux/debugfs.h>
#include <linux/jiffies.h>
#include <linux/moduleparam.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/virtio.h>
#include <linux/virtio_config.h>
#include <drm/drm_file.h>
#include <drm/drm_print.h>

#include "vgpu_watchdog.h"
#include "vgpu_cmd.h"
#include "vgpu_device.h"
#include "vgpu_request.h"
#include "vgpu_reset.h"
#include "vgpu_vbuf.h"
#include "compat.h"

/* Looks of the watchdog in the time of its limit. */
#define LOOKS		8
/* If it is switched off: a device may still say that it wants a reset. */
#define PERIOD_OFF	(2 * HZ)
#define PATIENCE_MAX	2
#define LIMIT_MAX	3600u

static unsigned int watchdog = 20;
module_param(watchdog, uint, 0644);
MODULE_PARM_DESC(watchdog, "seconds without any answer after which the host is dead; 0: never");

static struct vgpu_device *to_device(struct vgpu_watchdog *dog)
{
	return container_of(dog, struct vgpu_device, dog);
}

unsigned long vgpu_watchdog_limit(const struct vgpu_watchdog *dog)
{
	unsigned int seconds = min(READ_ONCE(watchdog), LIMIT_MAX);

	return (unsigned long)(seconds * HZ) << dog->patience;
}

static unsigned long period(const struct vgpu_watchdog *dog)
{
	return vgpu_watchdog_limit(dog) / LOOKS ?: PERIOD_OFF;
}

void vgpu_watchdog_start(struct vgpu_watchdog *dog)
{
	queue_delayed_work(dog->wq, &dog->tick, period(dog));
}

void vgpu_watchdog_broken(struct vgpu_watchdog *dog)
{
	queue_work(dog->wq, &dog->broken);
}

/* The answer is of no interest, only that there is one. */
static struct vgpu_request *send_ping(struct vgpu_device *dev)
{
	struct vgpu_request *req;
	struct vgpu_vbuf *cmd;

	req = vgpu_request_new(sizeof(struct virtio_gpu_resp_capset_info),
			       VIRTIO_GPU_RESP_OK_CAPSET_INFO, &cmd);
	if (!req)
		return NULL;
	cmd->cmd_len = vgpu_cmd_get_capset_info(&cmd->cmd, 0);
	vgpu_queue_ping(&dev->ctrl, cmd);
	return req;
}

int vgpu_watchdog_ping(struct vgpu_device *dev)
{
	struct vgpu_request *req = send_ping(dev);

	vgpu_request_put(req);
	return req ? 0 : -ENOMEM;
}

int vgpu_watchdog_answers(struct vgpu_device *dev)
{
	unsigned long wait = vgpu_watchdog_limit(&dev->dog) / 2 ?: 10 * HZ;
	struct vgpu_request *req = send_ping(dev);
	int ret;

	if (!req)
		return -ENOMEM;
	ret = vgpu_request_wait(req, jiffies + wait);
	vgpu_request_put(req);
	if (ret == -EBUSY)
		return -ETIMEDOUT;
	return ret == -ENODEV ? ret : 0;
}

/* Has nothing been answered for too long? Sends the ping that shall tell. */
static bool host_is_dead(struct vgpu_device *dev)
{
	struct vgpu_watchdog *dog = &dev->dog;
	unsigned long limit = vgpu_watchdog_limit(dog);
	struct vgpu_queue *q = &dev->ctrl;
	unsigned long silent, asked, took;
	bool running, waits;

	if (!limit)
		return false;
	spin_lock_irq(&q->lock);
	running = q->state == VGPU_QUEUE_RUNNING;
	waits = q->ping;
	silent = jiffies - q->last_answer;
	asked = jiffies - q->ping_sent;
	took = q->ping_took;
	q->ping_took = 0;
	spin_unlock_irq(&q->lock);

	if (took > limit / 4 && dog->patience < PATIENCE_MAX) {
		dog->patience++;
		drm_info(dev->drm, "the host is slow, it gets %lu s\n",
			 vgpu_watchdog_limit(dog) / HZ);
	}
	if (!running)
		return false;
	if (!waits) {
		if (silent >= limit / 4)
			vgpu_watchdog_ping(dev);
		return false;
	}
	return min(silent, asked) >= limit / 2;
}

static bool wants_reset(struct vgpu_device *dev)
{
	struct virtio_device *vdev = dev->vdev;
	bool wants = false;

	mutex_lock(&dev->stop_lock);
	if (dev->running)
		wants = vdev->config->get_status(vdev) &
			VIRTIO_CONFIG_S_NEEDS_RESET;
	mutex_unlock(&dev->stop_lock);
	return wants;
}

static bool is_broken(struct vgpu_queue *q)
{
	bool broken;

	spin_lock_irq(&q->lock);
	broken = q->vq && virtqueue_is_broken(q->vq);
	spin_unlock_irq(&q->lock);
	return broken;
}

static void look(struct vgpu_device *dev, bool time_too)
{
	if (wants_reset(dev))
		vgpu_reset(dev, "the device asks for it", true);
	else if (is_broken(&dev->ctrl) || is_broken(&dev->cursor))
		vgpu_reset(dev, "a ring is broken", true);
	else if (time_too && host_is_dead(dev))
		vgpu_reset(dev, "the host does not answer", true);
}

/* It may be that memory is only freed by commands we have to end. */
static void tick(struct work_struct *work)
{
	struct vgpu_watchdog *dog = container_of(to_delayed_work(work),
						 struct vgpu_watchdog, tick);
	struct vgpu_device *dev = to_device(dog);
	unsigned int noio = memalloc_noio_save();
	bool busy;

	/* each is asked: it notes that it is not watched any more */
	busy = vgpu_queue_busy(&dev->ctrl);
	if (vgpu_queue_busy(&dev->cursor))
		busy = true;
	if (busy) {
		look(dev, true);
		vgpu_watchdog_start(dog);
	}
	memalloc_noio_restore(noio);
}

static void broken(struct work_struct *work)
{
	look(to_device(container_of(work, struct vgpu_watchdog, broken)),
	     false);
}

static void forced(struct work_struct *work)
{
	vgpu_reset(to_device(container_of(work, struct vgpu_watchdog,
					  forced)), "by hand", false);
}

int vgpu_watchdog_init(struct vgpu_device *dev)
{
	struct vgpu_watchdog *dog = &dev->dog;

	INIT_DELAYED_WORK(&dog->tick, tick);
	INIT_WORK(&dog->broken, broken);
	INIT_WORK(&dog->forced, forced);
	dog->wq = alloc_ordered_workqueue("vgpu-watchdog", WQ_MEM_RECLAIM);
	return dog->wq ? 0 : -ENOMEM;
}

void vgpu_watchdog_cancel(struct vgpu_device *dev)
{
	cancel_delayed_work_sync(&dev->dog.tick);
	cancel_work_sync(&dev->dog.broken);
	cancel_work_sync(&dev->dog.forced);
}

void vgpu_watchdog_fini(struct vgpu_device *dev)
{
	if (!dev->dog.wq)
		return;
	vgpu_watchdog_cancel(dev);
	destroy_workqueue(dev->dog.wq);
	dev->dog.wq = NULL;
}

static int reset_show(struct seq_file *m, void *data)
{
	struct drm_minor *minor = m->private;
	struct vgpu_device *dev = to_vgpu(minor->dev);

	seq_printf(m, "%u\n", READ_ONCE(dev->dog.resets));
	return 0;
}

static int reset_open(struct inode *inode, struct file *file)
{
	return single_open(file, reset_show, inode->i_private);
}

static ssize_t reset_write(struct file *file, const char __user *from,
			   size_t size, loff_t *pos)
{
	struct drm_minor *minor = file_inode(file)->i_private;
	struct vgpu_watchdog *dog = &to_vgpu(minor->dev)->dog;

	queue_work(dog->wq, &dog->forced);
	flush_work(&dog->forced);
	return size;
}

static const struct file_operations reset_fops = {
	.owner = THIS_MODULE,
	.open = reset_open,
	.read = seq_read,
	.write = reset_write,
	.llseek = seq_lseek,
	.release = single_release,
};

void vgpu_watchdog_debugfs_init(struct drm_minor *minor)
{
	debugfs_create_file("reset", 0600, minor->debugfs_root, minor,
			    &reset_fops);
}
