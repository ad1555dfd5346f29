/* SPDX-License-Identifier: GPL-2.0 OR MIT */
/*
 * vgpu_trace.h - tracepoints: /sys/kernel/tracing/events/vgpu
 *
 * The job events have the fields and the text of the kernel's gpu_scheduler
 * events of the same names, so that tools which read those read these. A job
 * is a command with a fence.
 */
#if !defined(VGPU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define VGPU_TRACE_H

#include <linux/dma-fence.h>
#include <linux/tracepoint.h>

#include "vgpu_fence.h"
#include "vgpu_queue.h"
#include "vgpu_vbuf.h"

#undef TRACE_SYSTEM
#define TRACE_SYSTEM vgpu
#define TRACE_INCLUDE_FILE vgpu_trace

#ifdef HAVE_ASSIGN_STR_2ARG
#define vgpu_assign_str(dst, src)	__assign_str(dst, src)
#else
#define vgpu_assign_str(dst, src)	__assign_str(dst)
#endif

DECLARE_EVENT_CLASS(vgpu_job,
	TP_PROTO(const struct vgpu_queue *q, const struct vgpu_fence *fence),
	TP_ARGS(q, fence),
	TP_STRUCT__entry(
		__string(name, q->name)
		__field(u32, job_count)
		__field(int, hw_job_count)
		__string(dev, q->dev_name)
		__field(u64, fence_context)
		__field(u64, fence_seqno)
		__field(u64, client_id)
	),
	TP_fast_assign(
		vgpu_assign_str(name, q->name);
		__entry->job_count = q->nr_pending;
		__entry->hw_job_count = q->nr_inflight;
		vgpu_assign_str(dev, q->dev_name);
		__entry->fence_context = fence->base.context;
		__entry->fence_seqno = fence->base.seqno;
		__entry->client_id = fence->timeline->client_id;
	),
	TP_printk("dev=%s, fence=%llu:%llu, ring=%s, job count:%u, hw job count:%d, client_id:%llu",
		  __get_str(dev), __entry->fence_context,
		  __entry->fence_seqno, __get_str(name), __entry->job_count,
		  __entry->hw_job_count, __entry->client_id)
);

/* it has its place in the order of its timeline; under the queue's lock */
DEFINE_EVENT(vgpu_job, vgpu_job_queue,
	TP_PROTO(const struct vgpu_queue *q, const struct vgpu_fence *fence),
	TP_ARGS(q, fence)
);

/* it is in the ring; under the queue's lock */
DEFINE_EVENT(vgpu_job, vgpu_job_run,
	TP_PROTO(const struct vgpu_queue *q, const struct vgpu_fence *fence),
	TP_ARGS(q, fence)
);

TRACE_EVENT(vgpu_job_done,
	TP_PROTO(const struct vgpu_fence *fence),
	TP_ARGS(fence),
	TP_STRUCT__entry(
		__field(u64, fence_context)
		__field(u64, fence_seqno)
	),
	TP_fast_assign(
		__entry->fence_context = fence->base.context;
		__entry->fence_seqno = fence->base.seqno;
	),
	TP_printk("fence=%llu:%llu signaled",
		  __entry->fence_context, __entry->fence_seqno)
);

DECLARE_EVENT_CLASS(vgpu_job_dep,
	TP_PROTO(const struct vgpu_fence *job, const struct dma_fence *fence),
	TP_ARGS(job, fence),
	TP_STRUCT__entry(
		__field(u64, fence_context)
		__field(u64, fence_seqno)
		__field(u64, ctx)
		__field(u64, seqno)
	),
	TP_fast_assign(
		__entry->fence_context = job->base.context;
		__entry->fence_seqno = job->base.seqno;
		__entry->ctx = fence->context;
		__entry->seqno = fence->seqno;
	),
	TP_printk("fence=%llu:%llu depends on fence=%llu:%llu",
		  __entry->fence_context, __entry->fence_seqno,
		  __entry->ctx, __entry->seqno)
);

/* an in-fence of a program; the job's own number is 0 until it is queued */
DEFINE_EVENT(vgpu_job_dep, vgpu_job_add_dep,
	TP_PROTO(const struct vgpu_fence *job, const struct dma_fence *fence),
	TP_ARGS(job, fence)
);

DEFINE_EVENT_PRINT(vgpu_job_dep, vgpu_job_unschedulable,
	TP_PROTO(const struct vgpu_fence *job, const struct dma_fence *fence),
	TP_ARGS(job, fence),
	TP_printk("fence=%llu:%llu depends on unsignalled fence=%llu:%llu",
		  __entry->fence_context, __entry->fence_seqno,
		  __entry->ctx, __entry->seqno)
);

/* every command, with a fence or without; under the queue's lock */
DECLARE_EVENT_CLASS(vgpu_cmd,
	TP_PROTO(const struct vgpu_queue *q, const struct vgpu_vbuf *vbuf),
	TP_ARGS(q, vbuf),
	TP_STRUCT__entry(
		__string(dev, q->dev_name)
		__string(queue, q->name)
		__field(u32, type)
		__field(u32, flags)
		__field(u64, fence_id)
		__field(u32, ctx_id)
		__field(u32, pending)
		__field(u32, inflight)
		__field(u32, resp_type)
		__field(int, error)
	),
	TP_fast_assign(
		vgpu_assign_str(dev, q->dev_name);
		vgpu_assign_str(queue, q->name);
		__entry->type = le32_to_cpu(vbuf->cmd.hdr.type);
		__entry->flags = le32_to_cpu(vbuf->cmd.hdr.flags);
		__entry->fence_id = le64_to_cpu(vbuf->cmd.hdr.fence_id);
		__entry->ctx_id = le32_to_cpu(vbuf->cmd.hdr.ctx_id);
		__entry->pending = q->nr_pending;
		__entry->inflight = q->nr_inflight;
		__entry->resp_type = le32_to_cpu(vbuf->resp_hdr.type);
		__entry->error = vbuf->error;
	),
	TP_printk("dev=%s vq=%s type=0x%x flags=0x%x fence_id=%llu ctx_id=%u pending=%u inflight=%u response=0x%x error=%d",
		  __get_str(dev), __get_str(queue), __entry->type,
		  __entry->flags, __entry->fence_id, __entry->ctx_id,
		  __entry->pending, __entry->inflight, __entry->resp_type,
		  __entry->error)
);

DEFINE_EVENT(vgpu_cmd, vgpu_cmd_queue,
	TP_PROTO(const struct vgpu_queue *q, const struct vgpu_vbuf *vbuf),
	TP_ARGS(q, vbuf)
);

DEFINE_EVENT(vgpu_cmd, vgpu_cmd_response,
	TP_PROTO(const struct vgpu_queue *q, const struct vgpu_vbuf *vbuf),
	TP_ARGS(q, vbuf)
);

DECLARE_EVENT_CLASS(vgpu_ring,
	TP_PROTO(const struct vgpu_queue *q),
	TP_ARGS(q),
	TP_STRUCT__entry(
		__string(dev, q->dev_name)
		__string(queue, q->name)
		__field(u32, pending)
		__field(u32, inflight)
		__field(u64, kicks)
		__field(u64, interrupts)
	),
	TP_fast_assign(
		vgpu_assign_str(dev, q->dev_name);
		vgpu_assign_str(queue, q->name);
		__entry->pending = q->nr_pending;
		__entry->inflight = q->nr_inflight;
		__entry->kicks = q->kicks;
		__entry->interrupts = q->interrupts;
	),
	TP_printk("dev=%s vq=%s pending=%u inflight=%u kicks=%llu interrupts=%llu",
		  __get_str(dev), __get_str(queue), __entry->pending,
		  __entry->inflight, __entry->kicks, __entry->interrupts)
);

/* the device is to be told of new commands */
DEFINE_EVENT(vgpu_ring, vgpu_kick,
	TP_PROTO(const struct vgpu_queue *q),
	TP_ARGS(q)
);

DEFINE_EVENT(vgpu_ring, vgpu_interrupt,
	TP_PROTO(const struct vgpu_queue *q),
	TP_ARGS(q)
);

TRACE_EVENT(vgpu_reset,
	TP_PROTO(const char *dev_name, const char *why),
	TP_ARGS(dev_name, why),
	TP_STRUCT__entry(
		__string(dev, dev_name)
		__string(why, why)
	),
	TP_fast_assign(
		vgpu_assign_str(dev, dev_name);
		vgpu_assign_str(why, why);
	),
	TP_printk("dev=%s why=%s", __get_str(dev), __get_str(why))
);

#endif

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#include <trace/define_trace.h>
