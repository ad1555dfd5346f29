// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_submit.c - rendering commands and transfers of user space
 *
 * Everything that may wait or fail comes first, without locks: room in the
 * queue, memory, references. Then the objects are locked, the command is queued
 * or put behind what it has to wait for, which does neither, its fence is put on
 * the objects, and they are unlocked.
 */
#include <linux/dma-resv.h>
#include <linux/file.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/sort.h>
#include <linux/sync_file.h>
#include <linux/uaccess.h>

#include "vgpu_submit.h"
#include "vgpu_context.h"
#include "vgpu_device.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"
#include "vgpu_gem.h"
#include "vgpu_job.h"
#include "vgpu_sync.h"
#include "vgpu_vbuf.h"

/** struct submit - one command with the objects it uses */
struct submit {
	struct vgpu_device *dev;
	struct vgpu_context *ctx;
	struct vgpu_timeline *tl;
	struct vgpu_vbuf *cmd;		/* NULL once it is queued */
	size_t bytes;			/* of what follows the command */
	struct vgpu_fence *fence;	/* a reference of our own, or NULL */
	struct drm_gem_object **objs;	/* a reference each */
	unsigned int nr_objs;
	struct vgpu_job *job;		/* NULL unless it has to wait */
	struct vgpu_deps deps;
	struct vgpu_syncobjs in, out;
	struct vgpu_event *event;
	struct sync_file *sync_file;
	int out_fd;			/* -1: none */
};

static void put_objects(struct submit *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_objs; i++)
		drm_gem_object_put(s->objs[i]);
	kvfree(s->objs);
}

static void submit_fini(struct submit *s)
{
	put_objects(s);
	vgpu_vbuf_free(s->cmd);
	vgpu_job_free(s->job);
	vgpu_deps_fini(&s->deps);
	vgpu_syncobjs_fini(&s->in);
	vgpu_syncobjs_fini(&s->out);
	vgpu_event_drop(s->event);
	if (s->sync_file)
		fput(s->sync_file->file);
	if (s->fence)
		vgpu_fence_put(s->fence);
	if (s->out_fd >= 0)
		put_unused_fd(s->out_fd);
}

static int by_address(const void *a, const void *b)
{
	const struct drm_gem_object *x = *(const struct drm_gem_object **)a;
	const struct drm_gem_object *y = *(const struct drm_gem_object **)b;

	return x < y ? -1 : x > y;
}

/* The same object may be named twice, but is locked once. */
static void drop_duplicates(struct submit *s)
{
	unsigned int i, n = 1;

	if (s->nr_objs < 2)
		return;
	sort(s->objs, s->nr_objs, sizeof(*s->objs), by_address, NULL);
	for (i = 1; i < s->nr_objs; i++) {
		if (s->objs[i] == s->objs[n - 1])
			drm_gem_object_put(s->objs[i]);
		else
			s->objs[n++] = s->objs[i];
	}
	s->nr_objs = n;
}

static int get_objects(struct submit *s, struct drm_file *file,
		       const void __user *handles, u32 nr)
{
	u32 *list;
	u32 i;

	if (!nr)
		return 0;
	if (nr > VGPU_SUBMIT_MAX_BOS)
		return -EINVAL;
	list = kvmalloc_array(nr, sizeof(*list), GFP_KERNEL_ACCOUNT);
	s->objs = kvmalloc_array(nr, sizeof(*s->objs), GFP_KERNEL_ACCOUNT);
	if (!list || !s->objs) {
		kvfree(list);
		return -ENOMEM;
	}
	if (copy_from_user(list, handles, array_size(nr, sizeof(*list)))) {
		kvfree(list);
		return -EFAULT;
	}
	for (i = 0; i < nr; i++) {
		s->objs[i] = drm_gem_object_lookup(file, list[i]);
		if (!s->objs[i])
			break;
		s->nr_objs++;
	}
	kvfree(list);
	if (s->nr_objs < nr)
		return -ENOENT;
	drop_duplicates(s);
	return 0;
}

static int get_object(struct submit *s, struct drm_file *file, u32 handle)
{
	s->objs = kvmalloc_array(1, sizeof(*s->objs), GFP_KERNEL_ACCOUNT);
	if (!s->objs)
		return -ENOMEM;
	s->objs[0] = drm_gem_object_lookup(file, handle);
	if (!s->objs[0])
		return -ENOENT;
	s->nr_objs = 1;
	return 0;
}

/* Make the command wait for its work, and keep its fence for us too. */
static int add_fence(struct submit *s)
{
	s->fence = vgpu_fence_new(s->tl);
	if (!s->fence)
		return -ENOMEM;
	vgpu_fence_get(s->fence);
	s->cmd->fence = s->fence;
	return 0;
}

static int add_out_fd(struct submit *s)
{
	s->out_fd = get_unused_fd_flags(O_CLOEXEC);
	if (s->out_fd < 0)
		return s->out_fd;
	s->sync_file = sync_file_create(&s->fence->base);
	return s->sync_file ? 0 : -ENOMEM;
}

static int lock_objects(struct submit *s, struct ww_acquire_ctx *ticket)
{
	unsigned int i;
	int ret;

	if (!s->nr_objs)
		return 0;
	ret = drm_gem_lock_reservations(s->objs, s->nr_objs, ticket);
	if (ret)
		return ret;
	for (i = 0; i < s->nr_objs; i++) {
		ret = dma_resv_reserve_fences(s->objs[i]->resv, 1);
		if (ret) {
			drm_gem_unlock_reservations(s->objs, s->nr_objs,
						    ticket);
			return ret;
		}
	}
	return 0;
}

/* The job keeps the objects' references, and we need them to unlock. */
static int prepare_job(struct submit *s, struct drm_gem_object ***objs)
{
	unsigned int i;

	*objs = NULL;
	if (!vgpu_jobs_needed(s->dev, &s->deps))
		return 0;
	if (s->nr_objs) {
		*objs = kvmalloc_array(s->nr_objs, sizeof(**objs),
				       GFP_KERNEL_ACCOUNT);
		if (!*objs)
			return -ENOMEM;
	}
	s->job = vgpu_job_new(s->dev, s->ctx, &s->deps);
	if (!s->job) {
		kvfree(*objs);
		return -ENOMEM;
	}
	for (i = 0; i < s->nr_objs; i++) {
		drm_gem_object_get(s->objs[i]);
		(*objs)[i] = s->objs[i];
	}
	return 0;
}

static int send(struct submit *s, struct drm_gem_object **objs)
{
	struct vgpu_vbuf *cmd = s->cmd;
	struct vgpu_job *job = s->job;

	s->cmd = NULL;
	s->job = NULL;
	if (!job)
		return vgpu_queue_submit_one(&s->dev->ctrl, cmd);
	vgpu_job_push(job, cmd, s->bytes, s->tl, objs, s->nr_objs);
	return 0;
}

/* Nothing before this was visible; after it everything is done. */
static int submit_queue(struct submit *s)
{
	struct drm_gem_object **objs;
	struct ww_acquire_ctx ticket;
	unsigned int i;
	int ret;

	/* without 3D there is no context to lose */
	s->cmd->epoch = s->ctx->epoch;
	ret = prepare_job(s, &objs);
	if (ret)
		return ret;
	ret = lock_objects(s, &ticket);
	if (ret)
		goto err;
	if (s->event) {
		vgpu_event_arm(s->event, s->fence);
		s->event = NULL;
	}
	ret = send(s, objs);
	if (!s->nr_objs)
		return ret;
	for (i = 0; s->fence && i < s->nr_objs; i++)
		dma_resv_add_fence(s->objs[i]->resv, &s->fence->base,
				   DMA_RESV_USAGE_WRITE);
	drm_gem_unlock_reservations(s->objs, s->nr_objs, &ticket);
	return ret;

err:
	for (i = 0; objs && i < s->nr_objs; i++)
		drm_gem_object_put(objs[i]);
	kvfree(objs);
	return ret;
}

static int add_in_fence(struct submit *s, int fd)
{
	struct dma_fence *fence = sync_file_get_fence(fd);
	int ret;

	if (!fence)
		return -EINVAL;
	ret = vgpu_deps_add(&s->deps, fence);
	dma_fence_put(fence);
	return ret;
}

/* What has to be waited for; what is refused is refused here. */
static int read_dependencies(struct submit *s, struct drm_file *file,
			     const struct drm_vgpu_execbuffer *args)
{
	int ret = 0;

	s->deps.own = s->tl->context;
	if (args->flags & VGPU_EXECBUF_FENCE_FD_IN)
		ret = add_in_fence(s, args->fence_fd);
	if (!ret)
		ret = vgpu_syncobjs_in(&s->in, file, args, &s->deps);
	if (!ret)
		ret = vgpu_syncobjs_out(&s->out, file, args);
	return ret;
}

static int read_commands(struct submit *s,
			 const struct drm_vgpu_execbuffer *args)
{
	struct vgpu_vbuf *cmd;
	u32 size = args->size;

	if (size > VGPU_SUBMIT_MAX_BYTES)
		return -EINVAL;
	cmd = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);
	if (!cmd)
		return -ENOMEM;
	s->cmd = cmd;
	s->bytes = size;
	cmd->cmd_len = vgpu_cmd_submit(&cmd->cmd, s->ctx->id, size);
	if (args->flags & VGPU_EXECBUF_RING_IDX)
		vgpu_cmd_set_ring(&cmd->cmd, args->ring_idx);
	if (!size)
		return 0;
	cmd->payload = vgpu_payload_new(size, s->dev->ctrl.chain_max - 2);
	if (!cmd->payload)
		return -ENOMEM;
	return vgpu_payload_copy_from_user(cmd->payload,
					   u64_to_user_ptr(args->command));
}

/* A fence, and whatever is to be told when it signals. */
static int add_outputs(struct submit *s, struct drm_file *file,
		       const struct drm_vgpu_execbuffer *args)
{
	bool out_fd = args->flags & VGPU_EXECBUF_FENCE_FD_OUT;
	bool poll = args->flags & VGPU_EXECBUF_RING_IDX &&
		    s->ctx->poll_rings & BIT_ULL(args->ring_idx);
	int ret = 0;

	if (out_fd || poll || s->nr_objs || s->out.nr)
		ret = add_fence(s);
	if (!ret && out_fd)
		ret = add_out_fd(s);
	if (!ret && poll) {
		s->event = vgpu_event_new(s->dev->drm, file);
		if (IS_ERR(s->event)) {
			ret = PTR_ERR(s->event);
			s->event = NULL;
		}
	}
	return ret;
}

static int wait_room(struct submit *s)
{
	int ret = vgpu_queue_wait_room(&s->dev->ctrl);

	if (!ret)
		ret = vgpu_jobs_wait_room(s->dev, s->ctx);
	return ret;
}

int vgpu_submit(struct vgpu_device *dev, struct drm_file *file,
		struct drm_vgpu_execbuffer *args)
{
	struct submit s = {
		.dev = dev, .ctx = to_vgpu_context(file), .out_fd = -1,
	};
	int ret;

	s.tl = vgpu_context_timeline(s.ctx, args);
	if (!s.tl)
		return -EINVAL;
	ret = wait_room(&s);
	if (ret)
		return ret;
	ret = vgpu_context_need(dev, s.ctx);
	if (ret)
		return ret;
	ret = read_dependencies(&s, file, args);
	if (!ret)
		ret = get_objects(&s, file, u64_to_user_ptr(args->bo_handles),
				  args->num_bo_handles);
	if (!ret)
		ret = read_commands(&s, args);
	if (!ret)
		ret = add_outputs(&s, file, args);
	if (!ret)
		ret = submit_queue(&s);
	if (!ret) {
		vgpu_syncobjs_set(&s.in, NULL);
		vgpu_syncobjs_set(&s.out, s.out.nr ? &s.fence->base : NULL);
	}
	if (!ret && s.sync_file) {
		args->fence_fd = s.out_fd;
		fd_install(s.out_fd, s.sync_file->file);
		s.out_fd = -1;
		s.sync_file = NULL;
	}
	submit_fini(&s);
	return ret;
}

int vgpu_submit_plain(struct vgpu_device *dev, struct drm_file *file, u64 from,
		      u32 size)
{
	const struct drm_vgpu_execbuffer args = {
		.command = from, .size = size,
	};
	struct submit s = {
		.dev = dev, .ctx = to_vgpu_context(file), .out_fd = -1,
	};
	int ret;

	s.tl = s.ctx->timeline;
	ret = wait_room(&s);
	if (ret)
		return ret;
	ret = read_commands(&s, &args);
	if (!ret)
		ret = submit_queue(&s);
	submit_fini(&s);
	return ret;
}

static int encode_transfer(struct submit *s, const struct vgpu_transfer *t,
			   bool to_host)
{
	struct vgpu_bo *bo = to_vgpu_bo(s->objs[0]);
	const struct vgpu_rect r = {
		t->box.x, t->box.y, t->box.w, t->box.h
	};
	struct vgpu_vbuf *cmd = vgpu_vbuf_new(GFP_KERNEL_ACCOUNT);

	if (!cmd)
		return -ENOMEM;
	s->cmd = cmd;
	if (!s->ctx->id)
		cmd->cmd_len = vgpu_cmd_transfer_2d(&cmd->cmd, bo->res_id, &r,
						    t->offset);
	else if (to_host)
		cmd->cmd_len = vgpu_cmd_transfer_to_host(&cmd->cmd, s->ctx->id,
							 bo->res_id, t);
	else
		cmd->cmd_len = vgpu_cmd_transfer_from_host(&cmd->cmd,
							   s->ctx->id,
							   bo->res_id, t);
	return 0;
}

/* A blob of the guest has nothing on the host to copy from or to. */
static bool can_transfer(struct submit *s, const struct vgpu_transfer *t)
{
	u32 mem = to_vgpu_bo(s->objs[0])->blob_mem;

	if (mem == VIRTIO_GPU_BLOB_MEM_GUEST)
		return false;
	/* strides are for what the host has not laid out itself */
	return mem || !s->ctx->id || (!t->stride && !t->layer_stride);
}

int vgpu_submit_transfer(struct vgpu_device *dev, struct drm_file *file,
			 u32 handle, const struct vgpu_transfer *t,
			 bool to_host)
{
	struct submit s = {
		.dev = dev, .ctx = to_vgpu_context(file), .out_fd = -1,
	};
	int ret;

	s.tl = s.ctx->timeline;
	ret = get_object(&s, file, handle);
	if (ret)
		goto out;
	ret = -EINVAL;
	if (!can_transfer(&s, t))
		goto out;
	ret = wait_room(&s);
	if (ret)
		goto out;
	if (s.ctx->id) {
		ret = vgpu_context_need(dev, s.ctx);
		if (ret)
			goto out;
	}
	if (to_host)
		vgpu_bo_sync_for_device(dev, to_vgpu_bo(s.objs[0]));
	ret = encode_transfer(&s, t, to_host);
	if (!ret && s.ctx->id)
		ret = add_fence(&s);
	if (!ret)
		ret = submit_queue(&s);
out:
	submit_fini(&s);
	return ret;
}
