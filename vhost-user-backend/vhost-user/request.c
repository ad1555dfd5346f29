// SPDX-License-Identifier: MIT
/*
 * request.c - the table of vhost-user requests and what each one does
 *
 * Handlers run with size, descriptors and ring index checked, and with the
 * rings still that they are about to change.
 */
#include <errno.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "vhost-user/state.h"

#define BIT(n)	(UINT64_C(1) << (n))

/*
 * Not LOG_SHMFD: the display is not migratable, and without it QEMU says so.
 * Not CONFIGURE_MEM_SLOTS, although the messages work: with it QEMU sends only
 * differences, and a back end that attached anew would never see the memory.
 */
#define PROTOCOL_FEATURES (BIT(VHOST_USER_PROTOCOL_F_MQ) | \
			   BIT(VHOST_USER_PROTOCOL_F_REPLY_ACK) | \
			   BIT(VHOST_USER_PROTOCOL_F_BACKEND_REQ) | \
			   BIT(VHOST_USER_PROTOCOL_F_CONFIG) | \
			   BIT(VHOST_USER_PROTOCOL_F_BACKEND_SEND_FD) | \
			   BIT(VHOST_USER_PROTOCOL_F_RESET_DEVICE) | \
			   BIT(VHOST_USER_PROTOCOL_F_STATUS))

#define RING_SIZE_MAX	32768

static void replace_fd(int *fd, struct message *msg)
{
	fdpass_close(fd, 1);
	*fd = message_take_fd(msg);
}

static int reply_u64(struct frontend *fe, struct message *msg, uint64_t value)
{
	msg->u64 = value;
	fe->reply_size = sizeof(msg->u64);
	return 0;
}

static int get_features(struct frontend *fe, struct message *msg)
{
	return reply_u64(fe, msg, fe->offered);
}

/* Bits that were not offered are QEMU's own (EVENT_IDX, RING_RESET, ...). */
static int set_features(struct frontend *fe, struct message *msg)
{
	fe->features = msg->u64;
	fe->ops->features_changed(fe->opaque, fe->features);
	return 0;
}

static int get_protocol_features(struct frontend *fe, struct message *msg)
{
	return reply_u64(fe, msg, PROTOCOL_FEATURES);
}

static int set_protocol_features(struct frontend *fe, struct message *msg)
{
	fe->protocol_features = msg->u64;
	return 0;
}

static int get_queue_num(struct frontend *fe, struct message *msg)
{
	return reply_u64(fe, msg, FRONTEND_NUM_RINGS);
}

static int get_max_mem_slots(struct frontend *fe, struct message *msg)
{
	return reply_u64(fe, msg, MEMORY_MAX_REGIONS);
}

static int set_owner(struct frontend *fe, struct message *msg)
{
	(void)fe;
	(void)msg;
	return 0;
}

static int set_backend_fd(struct frontend *fe, struct message *msg)
{
	replace_fd(&fe->backend_fd, msg);
	return 0;
}

static int set_mem_table(struct frontend *fe, struct message *msg)
{
	const size_t head = offsetof(struct vhost_user_mem_table, regions);
	const struct vhost_user_mem_table *table = &msg->mem_table;
	size_t n = table->nregions;
	int ret;

	if (n > VHOST_USER_MEM_REGIONS_MAX || n != msg->nfds ||
	    msg->header.size < head + n * sizeof(*table->regions))
		return -EINVAL;
	ret = memory_set(&fe->memory, table->regions, msg->fds, n);
	if (!ret)
		fe->ops->mem_changed(fe->opaque);
	return ret;
}

static int add_mem_reg(struct frontend *fe, struct message *msg)
{
	int ret = memory_add(&fe->memory, &msg->mem_reg.region, &msg->fds[0]);

	if (!ret)
		fe->ops->mem_changed(fe->opaque);
	return ret;
}

static int rem_mem_reg(struct frontend *fe, struct message *msg)
{
	int ret = memory_del(&fe->memory, &msg->mem_reg.region);

	if (!ret)
		fe->ops->mem_changed(fe->opaque);
	return ret;
}

static int set_vring_num(struct frontend *fe, struct message *msg)
{
	uint32_t num = msg->state.num;

	if (!num || num > RING_SIZE_MAX || (num & (num - 1)))
		return -EINVAL;
	fe->rings[msg->state.index].num = num;
	return 0;
}

static int set_vring_addr(struct frontend *fe, struct message *msg)
{
	struct frontend_ring *ring = &fe->rings[msg->addr.index];

	ring->desc_uaddr = msg->addr.desc_uaddr;
	ring->avail_uaddr = msg->addr.avail_uaddr;
	ring->used_uaddr = msg->addr.used_uaddr;
	ring->has_addr = true;
	return 0;
}

static int set_vring_base(struct frontend *fe, struct message *msg)
{
	if (msg->state.num > UINT16_MAX)
		return -EINVAL;
	fe->rings[msg->state.index].base = (uint16_t)msg->state.num;
	return 0;
}

static int get_vring_base(struct frontend *fe, struct message *msg)
{
	struct frontend_ring *ring = &fe->rings[msg->state.index];

	ring->started = false;
	fdpass_close(&ring->kick_fd, 1);
	msg->state.num = ring->base;
	fe->reply_size = sizeof(msg->state);
	return 0;
}

/* Without a descriptor the front end wants us to poll: not done. */
static int set_vring_kick(struct frontend *fe, struct message *msg)
{
	struct frontend_ring *ring =
		&fe->rings[msg->u64 & VHOST_USER_VRING_IDX_MASK];

	if (msg->u64 & VHOST_USER_VRING_NOFD_MASK)
		return -ENOTSUP;
	replace_fd(&ring->kick_fd, msg);
	ring->started = true;
	return 0;
}

static int set_vring_call(struct frontend *fe, struct message *msg)
{
	unsigned int index = msg->u64 & VHOST_USER_VRING_IDX_MASK;
	struct frontend_ring *ring = &fe->rings[index];

	replace_fd(&ring->call_fd, msg);
	if (ring->active)
		fe->ops->ring_call(fe->opaque, index);
	return 0;
}

static int set_vring_err(struct frontend *fe, struct message *msg)
{
	replace_fd(&fe->rings[msg->u64 & VHOST_USER_VRING_IDX_MASK].err_fd,
		   msg);
	return 0;
}

static int set_vring_enable(struct frontend *fe, struct message *msg)
{
	if (msg->state.num > 1)
		return -EINVAL;
	fe->rings[msg->state.index].enabled = msg->state.num;
	return 0;
}

static bool config_ok(const struct message *msg)
{
	const struct vhost_user_config *config = &msg->config;

	return config->size <= VHOST_USER_CONFIG_MAX &&
	       msg->header.size == offsetof(struct vhost_user_config, data) +
				   config->size;
}

/* An empty reply says that there is no such place. */
static int get_config(struct frontend *fe, struct message *msg)
{
	struct vhost_user_config *config = &msg->config;

	if (!config_ok(msg))
		return -EINVAL;
	if (!fe->ops->get_config(fe->opaque, config->offset, config->data,
				 config->size))
		fe->reply_size = msg->header.size;
	return 0;
}

static int set_config(struct frontend *fe, struct message *msg)
{
	struct vhost_user_config *config = &msg->config;

	if (!config_ok(msg))
		return -EINVAL;
	return fe->ops->set_config(fe->opaque, config->offset, config->data,
				   config->size);
}

static int gpu_set_socket(struct frontend *fe, struct message *msg)
{
	fe->ops->set_socket(fe->opaque, message_take_fd(msg));
	return 0;
}

static int reset_device(struct frontend *fe, struct message *msg)
{
	(void)msg;
	frontend_reset_rings(fe);
	fe->status = 0;
	return 0;
}

static int get_status(struct frontend *fe, struct message *msg)
{
	return reply_u64(fe, msg, fe->status);
}

static int set_status(struct frontend *fe, struct message *msg)
{
	if (msg->u64 > UINT8_MAX)
		return -EINVAL;
	if (!msg->u64)
		frontend_reset_rings(fe);
	fe->status = msg->u64;
	return 0;
}

#define STATE_SIZE	sizeof(struct vhost_user_vring_state)
#define ADDR_SIZE	sizeof(struct vhost_user_vring_addr)
#define REG_SIZE	sizeof(struct vhost_user_mem_reg)
#define CONFIG_HEAD	offsetof(struct vhost_user_config, data)
#define CONFIG_SIZE	(CONFIG_HEAD + VHOST_USER_CONFIG_MAX)
#define TABLE_HEAD	offsetof(struct vhost_user_mem_table, regions)
#define TABLE_SIZE	sizeof(struct vhost_user_mem_table)

/* sizes, descriptors, reply, what must be still, where the ring is named */
#define ROW(name, min, max, min_fds, max_fds, reply, quiesce, index, fn) \
	[VHOST_USER_##name] = { #name, min, max, min_fds, max_fds, \
				REPLY_##reply, QUIESCE_##quiesce, \
				INDEX_##index, fn }

static const struct request requests[VHOST_USER_REQUEST_MAX] = {
	ROW(GET_FEATURES, 0, 0, 0, 0, OWN, NONE, NONE, get_features),
	ROW(SET_FEATURES, 8, 8, 0, 0, ACK, NONE, NONE, set_features),
	ROW(GET_PROTOCOL_FEATURES, 0, 0, 0, 0, OWN, NONE, NONE,
	    get_protocol_features),
	ROW(SET_PROTOCOL_FEATURES, 8, 8, 0, 0, ACK, NONE, NONE,
	    set_protocol_features),
	ROW(SET_OWNER, 0, 0, 0, 0, ACK, NONE, NONE, set_owner),
	ROW(RESET_OWNER, 0, 0, 0, 0, ACK, NONE, NONE, set_owner),
	ROW(GET_QUEUE_NUM, 0, 0, 0, 0, OWN, NONE, NONE, get_queue_num),
	ROW(SET_BACKEND_REQ_FD, 0, 0, 1, 1, ACK, NONE, NONE, set_backend_fd),

	ROW(SET_MEM_TABLE, TABLE_HEAD, TABLE_SIZE, 0,
	    VHOST_USER_MEM_REGIONS_MAX, ACK, NONE, NONE, set_mem_table),
	ROW(GET_MAX_MEM_SLOTS, 0, 0, 0, 0, OWN, NONE, NONE, get_max_mem_slots),
	ROW(ADD_MEM_REG, REG_SIZE, REG_SIZE, 1, 1, ACK, NONE, NONE,
	    add_mem_reg),
	/* a descriptor may come along, the specification says: unused */
	ROW(REM_MEM_REG, REG_SIZE, REG_SIZE, 0, 1, ACK, NONE, NONE,
	    rem_mem_reg),

	ROW(SET_VRING_NUM, STATE_SIZE, STATE_SIZE, 0, 0, ACK, RING, STATE,
	    set_vring_num),
	ROW(SET_VRING_ADDR, ADDR_SIZE, ADDR_SIZE, 0, 0, ACK, RING, STATE,
	    set_vring_addr),
	ROW(SET_VRING_BASE, STATE_SIZE, STATE_SIZE, 0, 0, ACK, RING, STATE,
	    set_vring_base),
	ROW(GET_VRING_BASE, STATE_SIZE, STATE_SIZE, 0, 0, OWN, RING, STATE,
	    get_vring_base),
	ROW(SET_VRING_KICK, 8, 8, 0, 1, ACK, RING, FD, set_vring_kick),
	ROW(SET_VRING_CALL, 8, 8, 0, 1, ACK, NONE, FD, set_vring_call),
	ROW(SET_VRING_ERR, 8, 8, 0, 1, ACK, NONE, FD, set_vring_err),
	ROW(SET_VRING_ENABLE, STATE_SIZE, STATE_SIZE, 0, 0, ACK, DISABLE,
	    STATE, set_vring_enable),

	ROW(GET_CONFIG, CONFIG_HEAD, CONFIG_SIZE, 0, 0, OWN, NONE, NONE,
	    get_config),
	ROW(SET_CONFIG, CONFIG_HEAD, CONFIG_SIZE, 0, 0, ACK, NONE, NONE,
	    set_config),
	ROW(GPU_SET_SOCKET, 0, 8, 1, 1, ACK, NONE, NONE, gpu_set_socket),
	ROW(RESET_DEVICE, 0, 0, 0, 0, ACK, ALL, NONE, reset_device),
	ROW(SET_STATUS, 8, 8, 0, 0, ACK, STATUS, NONE, set_status),
	ROW(GET_STATUS, 0, 0, 0, 0, OWN, NONE, NONE, get_status),
};

const struct request *request_find(uint32_t request)
{
	if (request >= VHOST_USER_REQUEST_MAX || !requests[request].handle)
		return NULL;
	return &requests[request];
}

unsigned int request_ring(const struct request *req, const struct message *msg)
{
	if (req->index == INDEX_FD)
		return msg->u64 & VHOST_USER_VRING_IDX_MASK;
	return msg->state.index;
}

const char *request_check(const struct request *req, const struct message *msg)
{
	if (msg->header.size < req->min_size ||
	    msg->header.size > req->max_size)
		return "wrong payload size";
	if (msg->nfds < req->min_fds || msg->nfds > req->max_fds)
		return "wrong number of descriptors";
	if (req->index != INDEX_NONE &&
	    request_ring(req, msg) >= FRONTEND_NUM_RINGS)
		return "no such ring";
	if (req->index == INDEX_FD &&
	    msg->nfds == ((msg->u64 & VHOST_USER_VRING_NOFD_MASK) ? 1 : 0))
		return "descriptor and flag do not agree";
	return NULL;
}
