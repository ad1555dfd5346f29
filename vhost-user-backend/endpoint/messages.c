// SPDX-License-Identifier: MIT
/*
 * messages.c - what the worker says
 *
 * Sizes, indices and descriptor counts were checked by ipc_recv(), pixels and
 * rectangles are by the screen.
 */
#include <poll.h>
#include <unistd.h>

#include "endpoint/endpoint_state.h"
#include "endpoint/screen.h"

/* The descriptor is the front end's: it must not be able to block us. */
static void signal_error(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };
	uint64_t one = 1;

	if (fd < 0 || poll(&p, 1, 0) != 1 || !(p.revents & POLLOUT))
		return;
	if (write(fd, &one, sizeof(one)) < 0)
		log_debug("the error descriptor of a ring does not work");
}

static void ring_broken(struct endpoint *ep, unsigned int index)
{
	log_peer(&ep->log, "the guest broke ring %u: not served until it is "
		 "started again", index);
	signal_error(frontend_ring(ep->frontend, index)->err_fd);
}

static int first_fd(const struct ipc_msg *msg)
{
	return msg->nfds ? msg->fds[0] : -1;
}

static void check(struct endpoint *ep, int ret, uint32_t type)
{
	if (ret)
		log_peer(&ep->log, "worker: unusable %s", ipc_type_name(type));
}

void endpoint_message(struct endpoint *ep, struct ipc_msg *msg)
{
	switch (msg->type) {
	case VGPU_IPC_READY:
		log_debug("the worker serves");
		break;
	case VGPU_IPC_VRING_STOPPED:
		life_ring_stopped(ep, msg->vring_stopped.index,
				  (uint16_t)msg->vring_stopped.base);
		break;
	case VGPU_IPC_SCANOUT:
		check(ep, screen_scanout(ep->screen, &msg->scanout,
					 first_fd(msg)), msg->type);
		break;
	case VGPU_IPC_UPDATE:
		screen_update(ep->screen, &msg->update);
		break;
	case VGPU_IPC_DMABUF_SCANOUT:
		check(ep, screen_dmabuf(ep->screen, &msg->dmabuf_scanout,
					first_fd(msg)), msg->type);
		break;
	case VGPU_IPC_DMABUF_UPDATE:
		screen_dmabuf_update(ep->screen, &msg->update);
		break;
	case VGPU_IPC_CURSOR_UPDATE:
		screen_cursor(ep->screen, &msg->cursor_update);
		break;
	case VGPU_IPC_CURSOR_MOVE:
		screen_cursor_move(ep->screen, &msg->cursor_move);
		break;
	case VGPU_IPC_GET_DISPLAY_INFO:
		screen_get_display_info(ep->screen, msg->cookie.cookie);
		break;
	case VGPU_IPC_GET_EDID:
		screen_get_edid(ep->screen, msg->get_edid.cookie,
				msg->get_edid.scanout_id);
		break;
	case VGPU_IPC_VRING_BROKEN:
		ring_broken(ep, msg->vring_index.index);
		break;
	}
}
