// SPDX-License-Identifier: MIT
/*
 * fe_start.c - what VMMs do, message by message: start-up, stop, reset
 */
#include "tests/lib/fe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdpass.h"

#define TRY(call) do { \
	int err = (call); \
	if (err) \
		return err; \
} while (0)

#define PF(name)	(1ull << VHOST_USER_PROTOCOL_F_##name)

/* What each VMM knows of the protocol. */
static uint64_t known_protocol(enum fe_flavour flavour)
{
	uint64_t qemu = PF(MQ) | PF(LOG_SHMFD) | PF(REPLY_ACK) |
			PF(BACKEND_REQ) | PF(CONFIG) | PF(BACKEND_SEND_FD) |
			PF(INFLIGHT_SHMFD) | PF(RESET_DEVICE) |
			PF(CONFIGURE_MEM_SLOTS) | PF(STATUS);

	switch (flavour) {
	case FE_QEMU_11_1:
		return qemu | PF(SHMEM_MAP);
	case FE_UML:
		return PF(REPLY_ACK) | PF(BACKEND_REQ) | PF(CONFIG);
	default:
		return qemu;
	}
}

static uint64_t ring_features(const struct fe *fe)
{
	uint64_t bits = 1ull << VIRTIO_F_VERSION_1_BIT;

	if (!fe->opts.no_indirect)
		bits |= 1ull << VIRTIO_RING_F_INDIRECT_DESC_BIT;
	if (!fe->opts.no_event_idx)
		bits |= 1ull << VIRTIO_RING_F_EVENT_IDX_BIT;
	return bits;
}

/* What the guest acknowledges: QEMU does not mask it by what we offered. */
static void choose_features(struct fe *fe)
{
	uint64_t dev = 1ull << VIRTIO_GPU_F_VIRGL | 1ull << VIRTIO_GPU_F_EDID;

	if (fe->opts.flavour != FE_QEMU_7_2)
		dev |= 1ull << VIRTIO_GPU_F_RESOURCE_UUID;
	if (fe->opts.flavour == FE_UML)
		dev |= 1ull << VIRTIO_GPU_F_RESOURCE_BLOB |
		       1ull << VIRTIO_GPU_F_CONTEXT_INIT;
	fe->acked = (fe->features & dev & ~fe->opts.no_features) |
		    ring_features(fe) | fe->opts.more_features |
		    (fe->features & 1ull << VHOST_USER_F_PROTOCOL_FEATURES_BIT);
}

static int open_channel(struct fe *fe)
{
	int pair[2], ret;
	bool ack = fe->protocol & PF(REPLY_ACK);
	uint64_t value = 0;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	fe->channel = pair[0];
	ret = fe_vu_send(fe, VHOST_USER_SET_BACKEND_REQ_FD,
			 ack ? VHOST_USER_NEED_REPLY_MASK : 0, NULL, 0,
			 &pair[1], 1);
	close(pair[1]);
	if (ret || !ack)
		return ret;
	ret = fe_vu_reply(fe, VHOST_USER_SET_BACKEND_REQ_FD, &value,
			  sizeof(value));
	return ret < 0 ? ret : value ? -EREMOTEIO : 0;
}

static int negotiate_protocol(struct fe *fe)
{
	uint64_t offered;

	if (!(fe->features & 1ull << VHOST_USER_F_PROTOCOL_FEATURES_BIT))
		return 0;
	TRY(fe_vu_get_u64(fe, VHOST_USER_GET_PROTOCOL_FEATURES, &offered));
	fe->protocol = offered & known_protocol(fe->opts.flavour) &
		       ~fe->opts.no_protocol;
	return fe_vu_send(fe, VHOST_USER_SET_PROTOCOL_FEATURES, 0,
			  &fe->protocol, sizeof(fe->protocol), NULL, 0);
}

static int realize_qemu(struct fe *fe)
{
	int i;

	TRY(fe_vu_get_u64(fe, VHOST_USER_GET_FEATURES, &fe->features));
	TRY(negotiate_protocol(fe));
	fe->queues = 1;
	if (fe->protocol & PF(MQ))
		TRY(fe_vu_get_u64(fe, VHOST_USER_GET_QUEUE_NUM, &fe->queues));
	if (fe->protocol & PF(CONFIGURE_MEM_SLOTS))
		TRY(fe_vu_get_u64(fe, VHOST_USER_GET_MAX_MEM_SLOTS,
				  &fe->slots));
	if (fe->protocol & PF(BACKEND_REQ))
		TRY(open_channel(fe));
	TRY(fe_vu_send(fe, VHOST_USER_SET_OWNER, 0, NULL, 0, NULL, 0));
	TRY(fe_vu_get_u64(fe, VHOST_USER_GET_FEATURES, &fe->features));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++) {
		TRY(fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_CALL, (unsigned)i,
				   fe->ring[i].masked_fd));
		TRY(fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_ERR, (unsigned)i,
				   fe->ring[i].err_fd));
	}
	/* a mandatory feature: QEMU refuses to start without it */
	return fe->protocol & PF(CONFIG) ? 0 : -EPROTO;
}

static int realize_uml(struct fe *fe)
{
	TRY(fe_vu_send(fe, VHOST_USER_SET_OWNER, 0, NULL, 0, NULL, 0));
	TRY(fe_vu_get_u64(fe, VHOST_USER_GET_FEATURES, &fe->features));
	TRY(negotiate_protocol(fe));
	if (fe->protocol & PF(BACKEND_REQ))
		TRY(open_channel(fe));
	return 0;
}

int fe_realize(struct fe *fe)
{
	if (fe->opts.flavour == FE_UML)
		TRY(realize_uml(fe));
	else
		TRY(realize_qemu(fe));
	TRY(fe_get_config(fe));
	choose_features(fe);
	fe->realized = true;
	return 0;
}

static int give_display(struct fe *fe)
{
	int fd = fe_display_open(fe);
	int ret;

	if (fd < 0)
		return fd;
	ret = fe_vu_send(fe, VHOST_USER_GPU_SET_SOCKET, 0, NULL, 0, &fd, 1);
	close(fd);
	return ret;
}

static int start_ring(struct fe *fe, struct fe_ring *ring)
{
	struct vhost_user_vring_addr addr = {
		.index = ring->index,
		.desc_uaddr = fe_uaddr(fe, ring->desc_gpa),
		.avail_uaddr = fe_uaddr(fe, ring->avail_gpa),
		.used_uaddr = fe_uaddr(fe, ring->used_gpa),
		.log_gpa = ring->used_gpa,
	};
	bool ack = fe->opts.flavour == FE_UML && fe->protocol & PF(REPLY_ACK);
	uint64_t value = 0;

	ring->indirect = fe->acked & 1ull << VIRTIO_RING_F_INDIRECT_DESC_BIT;
	ring->event_idx = fe->acked & 1ull << VIRTIO_RING_F_EVENT_IDX_BIT;
	if (fe->opts.flavour == FE_UML)
		TRY(fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_CALL, ring->index,
				   ring->call_fd));
	TRY(fe_vu_vring(fe, VHOST_USER_SET_VRING_NUM, ring->index, ring->num));
	TRY(fe_vu_vring(fe, VHOST_USER_SET_VRING_BASE, ring->index,
			ring->base));
	TRY(fe_vu_send(fe, VHOST_USER_SET_VRING_ADDR,
		       ack ? VHOST_USER_NEED_REPLY_MASK : 0, &addr,
		       sizeof(addr), NULL, 0));
	if (ack && fe_vu_reply(fe, VHOST_USER_SET_VRING_ADDR, &value,
			       sizeof(value)) != sizeof(value))
		return -EPROTO;
	return fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_KICK, ring->index,
			      ring->kick_fd);
}

static int start_qemu(struct fe *fe)
{
	uint64_t status = 0;
	unsigned int i;

	TRY(give_display(fe));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		TRY(fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_CALL, i,
				   fe->ring[i].masked_fd));
	TRY(fe_vu_set_u64(fe, VHOST_USER_SET_FEATURES, fe->acked));
	if (fe->protocol & PF(STATUS)) {
		TRY(fe_vu_get_u64(fe, VHOST_USER_GET_STATUS, &status));
		TRY(fe_vu_set_u64(fe, VHOST_USER_SET_STATUS, status | 8));
	}
	TRY(fe_set_mem(fe));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		TRY(start_ring(fe, &fe->ring[i]));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		TRY(fe_vu_vring(fe, VHOST_USER_SET_VRING_ENABLE, i, 1));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		TRY(fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_CALL, i,
				   fe->ring[i].call_fd));
	return 0;
}

static int start_uml(struct fe *fe)
{
	unsigned int i;

	TRY(fe_vu_set_u64(fe, VHOST_USER_SET_FEATURES, fe->acked));
	TRY(fe_set_mem(fe));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		TRY(start_ring(fe, &fe->ring[i]));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		TRY(fe_vu_vring(fe, VHOST_USER_SET_VRING_ENABLE, i, 1));
	return 0;
}

int fe_start(struct fe *fe)
{
	if (fe->opts.flavour == FE_UML)
		TRY(start_uml(fe));
	else
		TRY(start_qemu(fe));
	fe->running = true;
	return 0;
}

int fe_up(struct fe *fe)
{
	TRY(fe_realize(fe));
	return fe_start(fe);
}

static int get_base(struct fe *fe, struct fe_ring *ring)
{
	struct vhost_user_vring_state state = { .index = ring->index };
	int ret;

	TRY(fe_vu_send(fe, VHOST_USER_GET_VRING_BASE, 0, &state, sizeof(state),
		       NULL, 0));
	ret = fe_vu_reply(fe, VHOST_USER_GET_VRING_BASE, &state,
			  sizeof(state));
	if (ret < 0)
		return ret;
	if (ret != sizeof(state) || state.index != ring->index)
		return -EPROTO;
	ring->base = (uint16_t)state.num;
	return 0;
}

int fe_stop(struct fe *fe)
{
	unsigned int i;

	fe_display_close(fe);
	fe->running = false;
	if (fe->opts.flavour != FE_UML)
		for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
			TRY(fe_vu_vring(fe, VHOST_USER_SET_VRING_ENABLE, i,
					0));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		TRY(get_base(fe, &fe->ring[i]));
	if (fe->opts.flavour != FE_UML)
		for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
			TRY(fe_vu_vring_fd(fe, VHOST_USER_SET_VRING_CALL, i,
					   fe->ring[i].masked_fd));
	return 0;
}

int fe_reset(struct fe *fe)
{
	unsigned int i;

	if (fe->running)
		TRY(fe_stop(fe));
	if (fe->protocol & PF(RESET_DEVICE) &&
	    fe->opts.flavour != FE_QEMU_7_2)
		TRY(fe_vu_send(fe, VHOST_USER_RESET_DEVICE, 0, NULL, 0, NULL,
			       0));
	for (i = 0; i < VIRTIO_GPU_NUM_QUEUES; i++)
		fe_ring_clear(&fe->ring[i]);
	return 0;
}

int fe_reboot(struct fe *fe)
{
	TRY(fe_reset(fe));
	TRY(fe_get_config(fe));
	return fe_start(fe);
}
