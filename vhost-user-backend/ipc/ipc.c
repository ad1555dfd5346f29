// SPDX-License-Identifier: MIT
/*
 * ipc.c - the table of messages, and the gate that everything passes
 */
#include "ipc/ipc.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include "base/fdpass.h"

#define RING_SIZE_MAX	32768

/*
 * struct ipc_row - the contract of one type
 *
 * check looks at contents, after sender, size and descriptor count are known
 * to be right; it says whether they agree with each other and with the bounds
 * that ipc.h promises.
 */
struct ipc_row {
	const char *name;
	enum ipc_sender sender;
	uint32_t size;
	uint8_t min_fds, max_fds;
	bool (*check)(const struct ipc_msg *msg);
};

static bool ends(const char *s, size_t room)
{
	return memchr(s, 0, room) != NULL;
}

static bool setup_ok(const struct vgpu_ipc_setup *setup)
{
	return ends(setup->vm, sizeof(setup->vm)) &&
	       ends(setup->render_node, sizeof(setup->render_node)) &&
	       setup->num_scanouts >= 1 &&
	       setup->num_scanouts <= VIRTIO_GPU_MAX_SCANOUTS;
}

static bool check_setup(const struct ipc_msg *msg)
{
	bool sched = msg->setup.flags & VGPU_SETUP_SCHED;

	return setup_ok(&msg->setup) && msg->nfds == (sched ? 6 : 2);
}

static bool check_mem_table(const struct ipc_msg *msg)
{
	return msg->mem_table.nregions == msg->nfds;
}

static bool check_vring(const struct ipc_msg *msg)
{
	uint32_t num = msg->vring.num;

	return msg->vring.index < IPC_NUM_VRINGS && num &&
	       num <= RING_SIZE_MAX && !(num & (num - 1)) &&
	       msg->vring.base <= UINT16_MAX;
}

static bool check_vring_index(const struct ipc_msg *msg)
{
	return msg->vring_index.index < IPC_NUM_VRINGS;
}

static bool check_vring_stopped(const struct ipc_msg *msg)
{
	return msg->vring_stopped.index < IPC_NUM_VRINGS &&
	       msg->vring_stopped.base <= UINT16_MAX;
}

static bool check_edid(const struct ipc_msg *msg)
{
	return msg->edid.size <= sizeof(msg->edid.edid);
}

static bool check_scanout_id(const struct ipc_msg *msg)
{
	return msg->scanout_id.scanout_id < VIRTIO_GPU_MAX_SCANOUTS;
}

static bool check_scanout(const struct ipc_msg *msg)
{
	return msg->scanout.scanout_id < VIRTIO_GPU_MAX_SCANOUTS &&
	       msg->nfds == (msg->scanout.width ? 1 : 0);
}

static bool check_update(const struct ipc_msg *msg)
{
	return msg->update.scanout_id < VIRTIO_GPU_MAX_SCANOUTS;
}

static bool check_dmabuf_scanout(const struct ipc_msg *msg)
{
	return msg->dmabuf_scanout.base.scanout_id < VIRTIO_GPU_MAX_SCANOUTS &&
	       msg->nfds == (msg->dmabuf_scanout.base.width ? 1 : 0);
}

static bool check_cursor_update(const struct ipc_msg *msg)
{
	return msg->cursor_update.pos.scanout_id < VIRTIO_GPU_MAX_SCANOUTS;
}

static bool check_cursor_move(const struct ipc_msg *msg)
{
	return msg->cursor_move.pos.scanout_id < VIRTIO_GPU_MAX_SCANOUTS;
}

static bool check_get_edid(const struct ipc_msg *msg)
{
	return msg->get_edid.scanout_id < VIRTIO_GPU_MAX_SCANOUTS;
}

static bool check_hello(const struct ipc_msg *msg)
{
	return ends(msg->hello.vm, sizeof(msg->hello.vm));
}

static bool check_attach(const struct ipc_msg *msg)
{
	return setup_ok(&msg->attach.setup) &&
	       ends(msg->attach.cpus, sizeof(msg->attach.cpus)) &&
	       ends(msg->attach.rejoin, sizeof(msg->attach.rejoin));
}

static bool check_kill(const struct ipc_msg *msg)
{
	return ends(msg->kill.reason, sizeof(msg->kill.reason));
}

#define ROW(type, from, bytes, min, max, fn) \
	[VGPU_##type] = { #type, from, bytes, min, max, fn }
#define WORKER_IN(type, bytes, min, max, fn) \
	ROW(IPC_##type, IPC_FROM_ENDPOINT, bytes, min, max, fn)
#define WORKER_OUT(type, bytes, min, max, fn) \
	ROW(IPC_##type, IPC_FROM_WORKER, bytes, min, max, fn)

static const struct ipc_row rows[] = {
	WORKER_IN(SETUP, sizeof(struct vgpu_ipc_setup), 2, 6, check_setup),
	WORKER_IN(FEATURES, sizeof(struct vgpu_ipc_features), 0, 0, NULL),
	WORKER_IN(MEM_TABLE, sizeof(struct vgpu_ipc_mem_table), 0,
		  VGPU_IPC_MAX_FDS, check_mem_table),
	WORKER_IN(VRING_START, sizeof(struct vgpu_ipc_vring), 2, 2,
		  check_vring),
	WORKER_IN(VRING_CALL, sizeof(struct vgpu_ipc_vring_index), 1, 1,
		  check_vring_index),
	WORKER_IN(VRING_STOP, sizeof(struct vgpu_ipc_vring_index), 0, 0,
		  check_vring_index),
	WORKER_IN(DISPLAY_INFO, sizeof(struct vgpu_ipc_display_info), 0, 0,
		  NULL),
	WORKER_IN(EDID, sizeof(struct vgpu_ipc_edid), 0, 0, check_edid),
	WORKER_IN(DMABUF_PRESENTED, sizeof(struct vgpu_ipc_scanout_id), 0, 0,
		  check_scanout_id),
	WORKER_IN(SCHED_DETACH, 0, 0, 0, NULL),
	WORKER_IN(SCHED_ATTACH, 0, 4, 4, NULL),

	WORKER_OUT(READY, 0, 0, 0, NULL),
	WORKER_OUT(VRING_STOPPED, sizeof(struct vgpu_ipc_vring_stopped), 0, 0,
		   check_vring_stopped),
	WORKER_OUT(SCANOUT, sizeof(struct vgpu_ipc_scanout), 0, 1,
		   check_scanout),
	WORKER_OUT(UPDATE, sizeof(struct vhost_user_gpu_update), 0, 0,
		   check_update),
	WORKER_OUT(DMABUF_SCANOUT,
		   sizeof(struct vhost_user_gpu_dmabuf_scanout2), 0, 1,
		   check_dmabuf_scanout),
	WORKER_OUT(DMABUF_UPDATE, sizeof(struct vhost_user_gpu_update), 0, 0,
		   check_update),
	WORKER_OUT(CURSOR_UPDATE, sizeof(struct vhost_user_gpu_cursor_update),
		   0, 0, check_cursor_update),
	WORKER_OUT(CURSOR_MOVE, sizeof(struct vgpu_ipc_cursor_move), 0, 0,
		   check_cursor_move),
	WORKER_OUT(GET_DISPLAY_INFO, sizeof(struct vgpu_ipc_cookie), 0, 0,
		   NULL),
	WORKER_OUT(GET_EDID, sizeof(struct vgpu_ipc_get_edid), 0, 0,
		   check_get_edid),
	WORKER_OUT(VRING_BROKEN, sizeof(struct vgpu_ipc_vring_index), 0, 0,
		   check_vring_index),

	ROW(BROKER_HELLO, IPC_FROM_ENDPOINT_TO_BROKER,
	    sizeof(struct vgpu_broker_hello), 0, 0, check_hello),
	ROW(BROKER_WORKER_STARTED, IPC_FROM_ENDPOINT_TO_BROKER,
	    sizeof(struct vgpu_broker_worker), 1, 1, NULL),
	ROW(BROKER_WORKER_EXITED, IPC_FROM_ENDPOINT_TO_BROKER,
	    sizeof(struct vgpu_broker_worker), 0, 0, NULL),
	ROW(BROKER_STATE, IPC_FROM_ENDPOINT_TO_BROKER,
	    sizeof(struct vgpu_broker_state), 0, 0, NULL),
	ROW(BROKER_ATTACH, IPC_FROM_BROKER,
	    sizeof(struct vgpu_broker_attach), 5, 5, check_attach),
	ROW(BROKER_KILL_WORKER, IPC_FROM_BROKER,
	    sizeof(struct vgpu_broker_kill), 0, 0, check_kill),
};

#define NUM_ROWS	(sizeof(rows) / sizeof(*rows))

static const struct ipc_row *row_find(uint32_t type)
{
	if (type >= NUM_ROWS || !rows[type].name)
		return NULL;
	return &rows[type];
}

const char *ipc_type_name(uint32_t type)
{
	const struct ipc_row *row = row_find(type);

	return row ? row->name : "unknown";
}

int ipc_pair(int socks[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
		       0, socks))
		return -errno;
	return 0;
}

int ipc_send(int sock, uint32_t type, const void *payload, size_t size,
	     const int *fds, size_t nfds)
{
	const struct ipc_row *row = row_find(type);
	struct {
		struct vgpu_ipc_header header;
		uint8_t data[VGPU_IPC_MAX_SIZE - sizeof(struct vgpu_ipc_header)];
	} out;
	ssize_t n;

	_Static_assert(sizeof(out) == VGPU_IPC_MAX_SIZE, "no padding");
	if (!row || size != row->size || nfds < row->min_fds ||
	    nfds > row->max_fds)
		return -EINVAL;
	out.header.type = type;
	out.header.size = (uint32_t)size;
	if (size)
		memcpy(out.data, payload, size);
	n = fdpass_send(sock, &out, sizeof(out.header) + size, fds, nfds);
	return n < 0 ? (int)n : 0;
}

static bool row_allows(const struct ipc_row *row, enum ipc_sender from,
		       const struct vgpu_ipc_header *header, size_t got,
		       const struct ipc_msg *msg)
{
	return row && row->sender == from && header->size == row->size &&
	       got == sizeof(*header) + header->size &&
	       msg->nfds >= row->min_fds && msg->nfds <= row->max_fds;
}

int ipc_recv(int sock, enum ipc_sender from, struct ipc_msg *msg)
{
	struct vgpu_ipc_header header;
	uint8_t in[VGPU_IPC_MAX_SIZE];
	const struct ipc_row *row;
	ssize_t n;

	msg->nfds = VGPU_IPC_MAX_FDS;	/* zeroed when nothing came */
	n = fdpass_recv(sock, in, sizeof(in), msg->fds, &msg->nfds);
	if (n <= 0)
		ipc_msg_close(msg);
	if (n == 0 || n == -ECONNRESET)
		return 0;
	if (n < 0)
		return n == -EMSGSIZE ? -EPROTO : (int)n;
	if ((size_t)n < sizeof(header))
		goto err_malformed;
	memcpy(&header, in, sizeof(header));
	msg->type = header.type;
	msg->size = header.size;
	row = row_find(header.type);
	if (!row_allows(row, from, &header, (size_t)n, msg))
		goto err_malformed;
	memcpy(msg->data, in + sizeof(header), header.size);
	if (row->check && !row->check(msg))
		goto err_malformed;
	return 1;

err_malformed:
	ipc_msg_close(msg);
	return -EPROTO;
}

void ipc_msg_close(struct ipc_msg *msg)
{
	fdpass_close(msg->fds, msg->nfds);
	msg->nfds = 0;
}
