/* SPDX-License-Identifier: MIT */
/*
 * fe.h - a front end for tests: plays QEMU and the driver of the guest's rings
 *
 * It starts any vhost-user-gpu back end, sends it the messages of a chosen VMM
 * in that VMM's order, keeps guest memory in a memfd, drives both virtqueues
 * and answers on the display socket. One thread: events are served while the
 * caller waits, and, as in QEMU, nothing else while a reply is awaited.
 *
 * Functions return 0 or -errno; -ETIMEDOUT and -EPIPE are the two to expect.
 * Commands return the type of the response (VIRTIO_GPU_RESP_*) or -errno.
 */
#ifndef TESTS_LIB_FE_H
#define TESTS_LIB_FE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "protocol/vhost_user.h"
#include "protocol/vhost_user_gpu.h"
#include "protocol/virtio_gpu.h"

struct fe;
struct fe_req;
struct vring_desc;
struct vring_avail;
struct vring_used;

#define FE_PAGE		4096u
#define FE_LOW_END	0xc0000u	/* guest memory has a hole here, as */
#define FE_HIGH_START	0x100000u	/* on a PC, up to here */
#define FE_RESP_MAX	2048u		/* of a request's own buffer */

/* Which VMM's messages, and their order. */
enum fe_flavour {
	FE_QEMU_10,
	FE_QEMU_7_2,		/* no RESET_DEVICE, no EDID on the display */
	FE_QEMU_11_1,		/* need_reply on CALL, KICK and ERR too */
	FE_UML,			/* virtio_uml: no display socket */
};

struct fe_options {
	const char *command;	/* of the back end; NULL: $VGPU_BACKEND */
	const char *add;	/* more arguments */
	bool no_fd;		/* start with --socket-path, not --fd */
	enum fe_flavour flavour;
	size_t ram_size;	/* 0: 64 MiB */
	unsigned int queue_size[2];	/* 0: 1024 */
	bool no_indirect, no_event_idx;
	uint64_t no_features;	/* device features not to acknowledge */
	uint64_t more_features;	/* acknowledge even if not offered */
	uint64_t no_protocol;	/* protocol features to leave out */
	uint64_t display_features;	/* offered by the display socket */
	bool no_display_features;	/* offer none: as QEMU 7.2 */
	bool no_poison;		/* do not poison responses (benchmarks) */
	int timeout_ms;		/* of every wait, 0: 10 s */
};

/* ---- one virtqueue, the driver's side ---- */

struct fe_ring {
	struct fe *fe;
	unsigned int index, num;
	uint64_t desc_gpa, avail_gpa, used_gpa, slots_gpa;
	struct vring_desc *desc;
	struct vring_avail *avail;
	struct vring_used *used;
	uint16_t avail_idx, last_used, kicked_idx;
	uint16_t free_head, num_free;
	uint16_t base;			/* given to the back end at start */
	bool indirect, event_idx;
	int kick_fd, call_fd, err_fd, masked_fd;
	struct fe_req **inflight;	/* by head */
	unsigned int outstanding;
	uint64_t kicks, calls;		/* eventfds written, read */
};

/* A request: made by fe_send(), freed by fe_req_free(). */
struct fe_req {
	struct fe_ring *ring;
	struct fe_req *next;
	uint16_t head;
	bool done;			/* answered */
	bool dropped;			/* the device was reset before */
	uint32_t len;			/* written, as the device says */
	size_t resp_size;
	uint8_t *resp;
	uint64_t resp_gpa, cmd_gpa;
	uint64_t extra_gpa;		/* what did not fit its slot */
	size_t extra_size;
	uint64_t order;			/* of answers, from 1 */
	void (*complete)(struct fe_req *req);	/* NULL, or called when done */
	void *opaque;
};

/* ---- the display ---- */

struct fe_scanout {
	uint32_t width, height;
	uint32_t *pixels;		/* what a screen would show */
	bool dmabuf;
	unsigned int scanouts, updates;	/* messages */
	uint64_t update_bytes;
	struct vhost_user_gpu_update last;
};

struct fe_display {
	int sock;			/* our end, -1: none */
	uint64_t offered, accepted;
	bool asked;			/* GET_PROTOCOL_FEATURES came */
	bool frozen;			/* do not read: a blocked console */
	bool mute;			/* never reply */
	int dmabuf_delay_ms;		/* before a DMABUF_UPDATE is answered */
	uint64_t dmabuf_due_ns;
	uint32_t width, height;		/* of output 0 in GET_DISPLAY_INFO */
	unsigned int enabled;		/* outputs, from 1 */
	struct fe_scanout scanouts[VIRTIO_GPU_MAX_SCANOUTS];
	unsigned int counts[16];	/* messages by request */
	struct {
		uint32_t scanout_id, x, y, hot_x, hot_y;
		bool visible;
		unsigned int updates, moves;
		uint32_t data[VHOST_USER_GPU_CURSOR_SIZE *
			      VHOST_USER_GPU_CURSOR_SIZE];
	} cursor;
	uint8_t *in;			/* partial message */
	size_t in_len, in_max;
	int in_fd;
};

/* ---- the front end ---- */

struct fe_ram {
	int fd;
	uint8_t *base;
	size_t size, npages, next;
	uint8_t *used;			/* one byte a page */
};

struct fe {
	struct fe_options opts;
	pid_t pid;			/* the back end, 0: none */
	int sock;			/* vhost-user */
	int channel;			/* back-end channel, our end, or -1 */
	int log_fd;			/* the back end's standard error */
	char dir[64];			/* for sockets, removed at the end */
	int timeout_ms;

	uint64_t features;		/* offered */
	uint64_t acked;
	uint64_t protocol;		/* negotiated */
	uint64_t queues, slots;
	struct virtio_gpu_config config;
	uint32_t max_reply_us;		/* longest wait for a reply */
	bool realized, running;

	struct fe_ram ram;
	struct fe_ring ring[VIRTIO_GPU_NUM_QUEUES];
	struct fe_display display;
	uint64_t answers;
	unsigned int faults;		/* what a back end must never do */
};

/** fe_new() - start the back end; nothing is sent yet. NULL: see stderr */
struct fe *fe_new(const struct fe_options *opts);
/** fe_new_on() - a front end on a connected socket, which it takes */
struct fe *fe_new_on(const struct fe_options *opts, int sock);
/** fe_free() - end the back end, close everything. Return: fe->faults */
unsigned int fe_free(struct fe *fe);

/** fe_hangup() - close the vhost-user socket, wait for the process to end;
 * return: wait status, -ETIMEDOUT, or 0 without a process */
int fe_hangup(struct fe *fe);
/** fe_kill() - signal the back end and wait; return: wait status, -errno */
int fe_kill(struct fe *fe, int signo);
/** fe_alive() - has the back end's process not ended? */
bool fe_alive(struct fe *fe);

/* ---- the VMM's operations, in fe_start.c ---- */

int fe_realize(struct fe *fe);	/* handshake up to the guest's start */
int fe_start(struct fe *fe);	/* DRIVER_OK, or cont */
int fe_stop(struct fe *fe);	/* stop: what is in flight stays so */
int fe_reset(struct fe *fe);	/* the driver writes status 0 */
int fe_reboot(struct fe *fe);	/* reset, new rings, DRIVER_OK */
/** fe_up() - fe_realize() and fe_start() */
int fe_up(struct fe *fe);
int fe_get_config(struct fe *fe);
/** fe_set_mem() - send the memory table again */
int fe_set_mem(struct fe *fe);

/* ---- vhost-user messages, in fe_vu.c ---- */

int fe_vu_send(struct fe *fe, uint32_t request, uint32_t flags,
	       const void *payload, uint32_t size, const int *fds, size_t nfds);
/** fe_vu_reply() - wait; return payload size or -errno */
int fe_vu_reply(struct fe *fe, uint32_t request, void *payload, size_t size);
int fe_vu_get_u64(struct fe *fe, uint32_t request, uint64_t *value);
int fe_vu_set_u64(struct fe *fe, uint32_t request, uint64_t value);
int fe_vu_vring(struct fe *fe, uint32_t request, unsigned int index,
		uint32_t value);
int fe_vu_vring_fd(struct fe *fe, uint32_t request, unsigned int index, int fd);
/** fe_vu_raw() - any bytes with any descriptors */
int fe_vu_raw(struct fe *fe, const void *buf, size_t size, const int *fds,
	      size_t nfds);
/** fe_vu_closed() - wait until the back end closes the connection */
bool fe_vu_closed(struct fe *fe, int timeout_ms);
/** fe_vu_alive() - a message is answered */
bool fe_vu_alive(struct fe *fe);

/* ---- guest memory, in fe_mem.c ---- */

int fe_ram_init(struct fe_ram *ram, size_t size);
void fe_ram_free(struct fe_ram *ram);
/** fe_alloc() - zeroed pages above the hole; never fails (aborts) */
uint64_t fe_alloc(struct fe *fe, size_t size);
/** fe_alloc_low() - below the hole */
uint64_t fe_alloc_low(struct fe *fe, size_t size);
void fe_release(struct fe *fe, uint64_t gpa, size_t size);
void *fe_at(struct fe *fe, uint64_t gpa);
uint64_t fe_uaddr(struct fe *fe, uint64_t gpa);

/* ---- rings, in fe_ring.c ---- */

int fe_ring_init(struct fe *fe, unsigned int index, unsigned int num);
/** fe_ring_clear() - as a driver that starts anew; in flight is dropped */
void fe_ring_clear(struct fe_ring *ring);
void fe_ring_free(struct fe_ring *ring);
/** fe_send() - queue a request without a kick; waits while the ring is full */
struct fe_req *fe_send(struct fe *fe, unsigned int queue,
		       const struct iovec *out, size_t n, size_t resp_size);
struct fe_req *fe_send_cmd(struct fe *fe, unsigned int queue, const void *cmd,
			   size_t size, size_t resp_size);
/** fe_kick() - tell the device, if it wants to be told */
void fe_kick(struct fe *fe, unsigned int queue);
void fe_req_free(struct fe_req *req);
/** fe_wait() - kick and wait for one request */
int fe_wait(struct fe_req *req);
int fe_wait_for(struct fe_req *req, int timeout_ms);
/** fe_drain() - wait until nothing is outstanding on either queue */
int fe_drain(struct fe *fe);
/** fe_resp_type() - of an answered request; -EPROTO if it has none */
int fe_resp_type(const struct fe_req *req);
/** fe_reap() - take answers from the used ring without waiting */
unsigned int fe_reap(struct fe_ring *ring);
/** fe_publish() - raw: make descriptor @head available */
void fe_publish(struct fe_ring *ring, uint16_t head);
void fe_ring_kick_now(struct fe_ring *ring);

/** fe_poll() - serve display and calls once; 1 if something happened */
int fe_poll(struct fe *fe, int timeout_ms);
/** fe_settle() - serve until nothing happens for @quiet_ms */
void fe_settle(struct fe *fe, int quiet_ms);
/** fe_until() - serve until *value >= wanted, or the time is over */
bool fe_until(struct fe *fe, const unsigned int *value, unsigned int wanted);

/* ---- the display, in fe_display.c ---- */

/** fe_display_open() - a new socket pair; return: the end to hand over */
int fe_display_open(struct fe *fe);
void fe_display_close(struct fe *fe);
void fe_display_free(struct fe *fe);
int fe_display_serve(struct fe *fe);
/** fe_fault() - count and print what a back end must never do */
void fe_fault(struct fe *fe, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* ---- the back end's process, in fe_proc.c ---- */

const char *fe_default_backend(void);
int fe_spawn(struct fe *fe);
/** fe_log() - what the back end wrote to standard error so far; g_free() it */
char *fe_log(struct fe *fe);
bool fe_log_has(struct fe *fe, const char *text);
/** fe_worker() - process id of the worker below the back end, 0: none */
pid_t fe_worker(struct fe *fe);

uint64_t fe_now_ns(void);

/* ---- virtio-gpu commands, in fe_cmd.c ---- */

/** fe_call() - send, wait, copy the response; return its type or -errno */
int fe_call(struct fe *fe, const void *cmd, size_t size, void *resp,
	    size_t resp_size);
int fe_call_cursor(struct fe *fe, const void *cmd, size_t size);
/** fe_simple() - fe_call() with the shortest response */
int fe_simple(struct fe *fe, const void *cmd, size_t size);

int fe_display_info(struct fe *fe, struct virtio_gpu_resp_display_info *info);
int fe_edid(struct fe *fe, uint32_t scanout, struct virtio_gpu_resp_edid *edid);
int fe_create_2d(struct fe *fe, uint32_t id, uint32_t format, uint32_t w,
		 uint32_t h);
int fe_unref(struct fe *fe, uint32_t id);
int fe_attach(struct fe *fe, uint32_t id, uint64_t gpa, uint64_t size);
int fe_attach_entries(struct fe *fe, uint32_t id,
		      const struct virtio_gpu_mem_entry *entries, uint32_t n);
int fe_detach(struct fe *fe, uint32_t id);
int fe_scanout(struct fe *fe, uint32_t scanout, uint32_t id, uint32_t x,
	       uint32_t y, uint32_t w, uint32_t h);
int fe_transfer_2d(struct fe *fe, uint32_t id, uint32_t x, uint32_t y,
		   uint32_t w, uint32_t h, uint64_t offset);
int fe_flush(struct fe *fe, uint32_t id, uint32_t x, uint32_t y, uint32_t w,
	     uint32_t h);
int fe_capset_info(struct fe *fe, uint32_t index,
		   struct virtio_gpu_resp_capset_info *info);
/** fe_capset() - @data of @size bytes; *len is what came */
int fe_capset(struct fe *fe, uint32_t id, uint32_t version, void *data,
	      size_t size, size_t *len);
int fe_uuid(struct fe *fe, uint32_t id, uint8_t uuid[16]);
int fe_cursor(struct fe *fe, uint32_t scanout, uint32_t id, uint32_t x,
	      uint32_t y, uint32_t hot_x, uint32_t hot_y);
int fe_cursor_move(struct fe *fe, uint32_t scanout, uint32_t x, uint32_t y);

int fe_ctx_create(struct fe *fe, uint32_t ctx, const char *name);
int fe_ctx_destroy(struct fe *fe, uint32_t ctx);
int fe_ctx_attach(struct fe *fe, uint32_t ctx, uint32_t id);
int fe_ctx_detach(struct fe *fe, uint32_t ctx, uint32_t id);
int fe_create_3d(struct fe *fe, const struct virtio_gpu_resource_create_3d *r);
/** fe_texture() - a 2D render target by CREATE_3D */
int fe_texture(struct fe *fe, uint32_t id, uint32_t format, uint32_t w,
	       uint32_t h);
int fe_transfer_3d(struct fe *fe, bool to_host, uint32_t ctx, uint32_t id,
		   uint32_t w, uint32_t h, uint64_t offset);
int fe_submit(struct fe *fe, uint32_t ctx, const void *buf, uint32_t size,
	      uint64_t fence);
/** fe_submit_send() - the same without waiting; fence 0: none */
struct fe_req *fe_submit_send(struct fe *fe, uint32_t ctx, const void *buf,
			      uint32_t size, uint64_t fence);

/* ---- virgl command streams, in fe_virgl.c ---- */

/** fe_virgl_clear() - clear @id (a texture) with a colour; return dwords */
size_t fe_virgl_clear(uint32_t *buf, uint32_t surface, uint32_t id,
		      uint32_t format, const float rgba[4]);
size_t fe_virgl_nop(uint32_t *buf);

#endif
