// SPDX-License-Identifier: GPL-2.0 OR MIT
/*
 * vgpu_sync.c - what a command of user space waits for, and what waits for it
 */
#include <linux/dma-fence-chain.h>
#include <linux/dma-fence-unwrap.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <drm/drm_device.h>
#include <drm/drm_file.h>
#include <drm/drm_syncobj.h>

#include "vgpu_sync.h"
#include "vgpu_drm.h"
#include "vgpu_fence.h"

/* ---- fences to wait for ---- */

static int push(struct vgpu_deps *deps, struct dma_fence *fence)
{
	struct dma_fence **list;
	u32 room = deps->room ? deps->room * 2 : 4;

	if (deps->nr == deps->room) {
		if (room > VGPU_SYNC_MAX)
			return -ENOMEM;
		list = kvmalloc_array(room, sizeof(*list), GFP_KERNEL_ACCOUNT);
		if (!list)
			return -ENOMEM;
		if (deps->nr)
			memcpy(list, deps->fences, deps->nr * sizeof(*list));
		kvfree(deps->fences);
		deps->fences = list;
		deps->room = room;
	}
	deps->fences[deps->nr++] = dma_fence_get(fence);
	return 0;
}

int vgpu_deps_add(struct vgpu_deps *deps, struct dma_fence *fence)
{
	struct dma_fence_unwrap cursor;
	struct dma_fence *f;
	int ret = 0;

	/* runs to its end in any case: it holds references on the way */
	dma_fence_unwrap_for_each(f, &cursor, fence) {
		if (!ret && f->context != deps->own && !dma_fence_is_signaled(f))
			ret = push(deps, f);
	}
	return ret;
}

void vgpu_deps_fini(struct vgpu_deps *deps)
{
	u32 i;

	for (i = 0; i < deps->nr; i++)
		dma_fence_put(deps->fences[i]);
	kvfree(deps->fences);
	deps->fences = NULL;
	deps->nr = 0;
}

/* ---- syncobjs ---- */

/** struct vgpu_syncobj - one to be set */
struct vgpu_syncobj {
	struct drm_syncobj *obj;
	struct dma_fence_chain *chain;	/* for a point of a timeline */
	u64 point;
};

static int read_syncobj(struct drm_vgpu_execbuffer_syncobj *to, u64 from,
			u32 stride, u32 i)
{
	memset(to, 0, sizeof(*to));
	if (copy_from_user(to, u64_to_user_ptr(from + (u64)stride * i),
			   min_t(u32, stride, sizeof(*to))))
		return -EFAULT;
	return 0;
}

static int alloc_list(struct vgpu_syncobjs *s, u32 nr)
{
	if (nr > VGPU_SYNC_MAX)
		return -EINVAL;
	s->list = kvcalloc(nr, sizeof(*s->list), GFP_KERNEL_ACCOUNT);
	return s->list ? 0 : -ENOMEM;
}

static int add_in(struct vgpu_syncobjs *s, struct drm_file *file,
		  const struct drm_vgpu_execbuffer_syncobj *args,
		  struct vgpu_deps *deps)
{
	struct dma_fence *fence;
	int ret;

	if (args->flags & ~VGPU_EXECBUF_SYNCOBJ_RESET)
		return -EINVAL;
	ret = drm_syncobj_find_fence(file, args->handle, args->point, 0,
				     &fence);
	if (ret)
		return ret;
	ret = vgpu_deps_add(deps, fence);
	dma_fence_put(fence);
	if (ret || !(args->flags & VGPU_EXECBUF_SYNCOBJ_RESET))
		return ret;
	s->list[s->nr].obj = drm_syncobj_find(file, args->handle);
	if (!s->list[s->nr].obj)
		return -EINVAL;
	s->nr++;
	return 0;
}

int vgpu_syncobjs_in(struct vgpu_syncobjs *s, struct drm_file *file,
		     const struct drm_vgpu_execbuffer *args,
		     struct vgpu_deps *deps)
{
	struct drm_vgpu_execbuffer_syncobj one;
	u32 i;
	int ret = 0;

	if (!args->num_in_syncobjs)
		return 0;
	ret = alloc_list(s, args->num_in_syncobjs);
	for (i = 0; !ret && i < args->num_in_syncobjs; i++) {
		ret = read_syncobj(&one, args->in_syncobjs,
				   args->syncobj_stride, i);
		if (!ret)
			ret = add_in(s, file, &one, deps);
	}
	return ret;
}

static int add_out(struct vgpu_syncobjs *s, struct drm_file *file,
		   const struct drm_vgpu_execbuffer_syncobj *args)
{
	struct vgpu_syncobj *to = &s->list[s->nr];

	if (args->flags)
		return -EINVAL;
	if (args->point) {
		to->chain = dma_fence_chain_alloc();
		if (!to->chain)
			return -ENOMEM;
	}
	to->point = args->point;
	to->obj = drm_syncobj_find(file, args->handle);
	if (!to->obj) {
		dma_fence_chain_free(to->chain);
		return -EINVAL;
	}
	s->nr++;
	return 0;
}

int vgpu_syncobjs_out(struct vgpu_syncobjs *s, struct drm_file *file,
		      const struct drm_vgpu_execbuffer *args)
{
	struct drm_vgpu_execbuffer_syncobj one;
	u32 i;
	int ret;

	if (!args->num_out_syncobjs)
		return 0;
	ret = alloc_list(s, args->num_out_syncobjs);
	for (i = 0; !ret && i < args->num_out_syncobjs; i++) {
		ret = read_syncobj(&one, args->out_syncobjs,
				   args->syncobj_stride, i);
		if (!ret)
			ret = add_out(s, file, &one);
	}
	return ret;
}

void vgpu_syncobjs_set(struct vgpu_syncobjs *s, struct dma_fence *fence)
{
	struct vgpu_syncobj *to;
	u32 i;

	for (i = 0; i < s->nr; i++) {
		to = &s->list[i];
		if (!to->chain) {
			drm_syncobj_replace_fence(to->obj, fence);
			continue;
		}
		drm_syncobj_add_point(to->obj, to->chain, fence, to->point);
		to->chain = NULL;
	}
}

void vgpu_syncobjs_fini(struct vgpu_syncobjs *s)
{
	u32 i;

	for (i = 0; i < s->nr; i++) {
		drm_syncobj_put(s->list[i].obj);
		dma_fence_chain_free(s->list[i].chain);
	}
	kvfree(s->list);
	s->list = NULL;
	s->nr = 0;
}

/* ---- events ---- */

/** struct vgpu_event - freed by the DRM core once it was sent */
struct vgpu_event {
	struct drm_pending_event base;	/* first */
	struct drm_event event;
	struct dma_fence_cb cb;
	struct drm_device *drm;
};

struct vgpu_event *vgpu_event_new(struct drm_device *drm,
				  struct drm_file *file)
{
	struct vgpu_event *event = kzalloc(sizeof(*event), GFP_KERNEL_ACCOUNT);
	int ret;

	if (!event)
		return ERR_PTR(-ENOMEM);
	event->drm = drm;
	event->event.type = VGPU_EVENT_FENCE_SIGNALED;
	event->event.length = sizeof(event->event);
	ret = drm_event_reserve_init(drm, file, &event->base, &event->event);
	if (ret) {
		kfree(event);
		return ERR_PTR(ret);
	}
	return event;
}

void vgpu_event_drop(struct vgpu_event *event)
{
	if (event)
		drm_event_cancel_free(event->drm, &event->base);
}

static void signalled(struct dma_fence *fence, struct dma_fence_cb *cb)
{
	struct vgpu_event *event = container_of(cb, struct vgpu_event, cb);

	drm_send_event(event->drm, &event->base);
}

void vgpu_event_arm(struct vgpu_event *event, struct vgpu_fence *fence)
{
	if (dma_fence_add_callback(&fence->base, &event->cb, signalled))
		signalled(&fence->base, &event->cb);
}
