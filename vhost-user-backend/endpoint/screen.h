/* SPDX-License-Identifier: MIT */
/*
 * screen.h - what the VM shows, between its worker and the display socket
 *
 * The worker says what is to be seen; this remembers it, so that a new display
 * socket (QEMU opens one at every start) is told all of it again, and so that a
 * worker may die in the middle. With no display socket everything is accepted,
 * and questions get default answers.
 */
#ifndef ENDPOINT_SCREEN_H
#define ENDPOINT_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "protocol/vhost_user_gpu.h"
#include "protocol/virtio_gpu.h"

struct event_loop;
struct screen;
struct vgpu_ipc_cursor_move;
struct vgpu_ipc_scanout;

struct screen_ops {
	/* the front end has shown the last DMABUF_UPDATE of this scanout */
	void (*presented)(void *opaque, uint32_t scanout_id);
	void (*display_info)(void *opaque, uint32_t cookie,
			     const struct virtio_gpu_display_one *pmodes);
	/* size 0: the front end has none */
	void (*edid)(void *opaque, uint32_t cookie, const uint8_t *edid,
		     size_t size);
};

struct screen_config {
	uint32_t width, height;		/* of output 0, where nobody knows */
};

struct screen *screen_new(struct event_loop *loop,
			  const struct screen_config *config,
			  const struct screen_ops *ops, void *opaque);
void screen_free(struct screen *screen);

/** screen_set_socket() - a display socket, taken over; replaces the old one */
void screen_set_socket(struct screen *screen, int sock);

/** screen_reset() - everything off, nothing asked; the socket stays */
void screen_reset(struct screen *screen);

/** screen_forget() - the worker is gone: nobody waits for answers */
void screen_forget(struct screen *screen);

/*
 * From the worker; scanout ids were checked by ipc_recv(), everything else is
 * here. Return: 0 or -EINVAL, with the scanout off then.
 */

/** screen_scanout() - pixels; @fd is the caller's; width 0: off, no @fd */
int screen_scanout(struct screen *screen,
		   const struct vgpu_ipc_scanout *scanout, int fd);
void screen_update(struct screen *screen,
		   const struct vhost_user_gpu_update *update);

/** screen_dmabuf() - a dma-buf; @fd is the caller's; width 0: off, no @fd */
int screen_dmabuf(struct screen *screen,
		  const struct vhost_user_gpu_dmabuf_scanout2 *scanout, int fd);
void screen_dmabuf_update(struct screen *screen,
			  const struct vhost_user_gpu_update *update);
void screen_cursor(struct screen *screen,
		   const struct vhost_user_gpu_cursor_update *cursor);
void screen_cursor_move(struct screen *screen,
			const struct vgpu_ipc_cursor_move *move);

/* Answered by the operations above, within a second, possibly at once. */
void screen_get_display_info(struct screen *screen, uint32_t cookie);
void screen_get_edid(struct screen *screen, uint32_t cookie,
		     uint32_t scanout_id);

#endif
