// SPDX-License-Identifier: MIT
/*
 * fe_vu.c - vhost-user messages, the front end's side
 */
#include "tests/lib/fe.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/fdpass.h"

uint64_t fe_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

int fe_vu_raw(struct fe *fe, const void *buf, size_t size, const int *fds,
	      size_t nfds)
{
	uint64_t end = fe_now_ns() + (uint64_t)fe->timeout_ms * 1000000;
	const uint8_t *p = buf;
	ssize_t n;

	while (size) {
		n = fdpass_send(fe->sock, p, size, fds, nfds);
		if (n == -EAGAIN) {
			struct pollfd pfd = { fe->sock, POLLOUT, 0 };

			if (fe_now_ns() > end)
				return -ETIMEDOUT;
			poll(&pfd, 1, 100);
			continue;
		}
		if (n < 0)
			return n == -ECONNRESET ? -EPIPE : (int)n;
		p += n;
		size -= (size_t)n;
		nfds = 0;
	}
	return 0;
}

int fe_vu_send(struct fe *fe, uint32_t request, uint32_t flags,
	       const void *payload, uint32_t size, const int *fds, size_t nfds)
{
	struct vhost_user_header hdr = {
		.request = request,
		.flags = VHOST_USER_VERSION | flags,
		.size = size,
	};
	uint8_t *buf = malloc(sizeof(hdr) + size);
	int ret;

	memcpy(buf, &hdr, sizeof(hdr));
	if (size)
		memcpy(buf + sizeof(hdr), payload, size);
	ret = fe_vu_raw(fe, buf, sizeof(hdr) + size, fds, nfds);
	free(buf);
	return ret;
}

/* Wait for exactly @size bytes; nothing else is served meanwhile. */
static int read_all(struct fe *fe, void *buf, size_t size, uint64_t end,
		    int *fds, size_t *nfds)
{
	size_t room = *nfds, got;
	uint8_t *p = buf;
	ssize_t n;

	*nfds = 0;
	while (size) {
		struct pollfd pfd = { fe->sock, POLLIN, 0 };
		uint64_t now = fe_now_ns();

		if (now >= end)
			return -ETIMEDOUT;
		poll(&pfd, 1, (int)((end - now) / 1000000) + 1);
		got = room - *nfds;
		n = fdpass_recv(fe->sock, p, size, fds + *nfds, &got);
		if (n == -EAGAIN)
			continue;
		if (n <= 0)
			return n == 0 || n == -ECONNRESET ? -EPIPE : (int)n;
		*nfds += got;
		p += n;
		size -= (size_t)n;
	}
	return 0;
}

int fe_vu_reply(struct fe *fe, uint32_t request, void *payload, size_t size)
{
	uint64_t start = fe_now_ns();
	uint64_t end = start + (uint64_t)fe->timeout_ms * 1000000;
	struct vhost_user_header hdr;
	uint8_t buf[4096];
	size_t nfds = 8;
	int fds[8], ret;

	ret = read_all(fe, &hdr, sizeof(hdr), end, fds, &nfds);
	if (!ret && hdr.size > sizeof(buf)) {
		fe_fault(fe, "reply of %u bytes", hdr.size);
		ret = -EPROTO;
	}
	fdpass_close(fds, nfds);
	nfds = 0;
	if (!ret && hdr.size)
		ret = read_all(fe, buf, hdr.size, end, fds, &nfds);
	if (ret)
		return ret;
	start = (fe_now_ns() - start) / 1000;
	if (start > fe->max_reply_us)
		fe->max_reply_us = (uint32_t)start;
	if (hdr.request != request || !(hdr.flags & VHOST_USER_REPLY_MASK) ||
	    (hdr.flags & VHOST_USER_VERSION_MASK) != VHOST_USER_VERSION) {
		fe_fault(fe, "reply %u with flags %#x to request %u",
			 hdr.request, hdr.flags, request);
		return -EPROTO;
	}
	memcpy(payload, buf, hdr.size < size ? hdr.size : size);
	return (int)hdr.size;
}

int fe_vu_get_u64(struct fe *fe, uint32_t request, uint64_t *value)
{
	int ret = fe_vu_send(fe, request, 0, NULL, 0, NULL, 0);

	if (ret)
		return ret;
	ret = fe_vu_reply(fe, request, value, sizeof(*value));
	if (ret < 0)
		return ret;
	return ret == sizeof(*value) ? 0 : -EPROTO;
}

/* need_reply was set: 0 or the error that the back end told */
static int wait_ack(struct fe *fe, uint32_t request)
{
	uint64_t value = 0;
	int ret = fe_vu_reply(fe, request, &value, sizeof(value));

	if (ret < 0)
		return ret;
	if (ret != sizeof(value))
		return -EPROTO;
	return value ? -EREMOTEIO : 0;
}

static bool wants_ack(struct fe *fe, uint32_t request)
{
	if (!(fe->protocol & (1u << VHOST_USER_PROTOCOL_F_REPLY_ACK)))
		return false;
	if (fe->opts.flavour == FE_UML)
		return true;
	switch (request) {
	case VHOST_USER_SET_MEM_TABLE:
	case VHOST_USER_ADD_MEM_REG:
	case VHOST_USER_REM_MEM_REG:
	case VHOST_USER_SET_VRING_ENABLE:
	case VHOST_USER_SET_CONFIG:
	case VHOST_USER_SET_BACKEND_REQ_FD:
		return true;
	case VHOST_USER_SET_VRING_CALL:
	case VHOST_USER_SET_VRING_KICK:
	case VHOST_USER_SET_VRING_ERR:
		return fe->opts.flavour == FE_QEMU_11_1;
	}
	return false;
}

static int send_acked(struct fe *fe, uint32_t request, const void *payload,
		      uint32_t size, const int *fds, size_t nfds)
{
	bool ack = wants_ack(fe, request);
	int ret = fe_vu_send(fe, request, ack ? VHOST_USER_NEED_REPLY_MASK : 0,
			     payload, size, fds, nfds);

	return ret || !ack ? ret : wait_ack(fe, request);
}

int fe_vu_set_u64(struct fe *fe, uint32_t request, uint64_t value)
{
	return send_acked(fe, request, &value, sizeof(value), NULL, 0);
}

int fe_vu_vring(struct fe *fe, uint32_t request, unsigned int index,
		uint32_t value)
{
	struct vhost_user_vring_state state = { index, value };

	return send_acked(fe, request, &state, sizeof(state), NULL, 0);
}

int fe_vu_vring_fd(struct fe *fe, uint32_t request, unsigned int index, int fd)
{
	uint64_t value = index;

	if (fd < 0)
		value |= VHOST_USER_VRING_NOFD_MASK;
	return send_acked(fe, request, &value, sizeof(value), &fd,
			  fd < 0 ? 0 : 1);
}

static void fill_regions(struct fe *fe, struct vhost_user_mem_region *r)
{
	r[0] = (struct vhost_user_mem_region){
		.gpa = 0, .size = FE_LOW_END, .uaddr = fe_uaddr(fe, 0),
		.mmap_offset = 0,
	};
	r[1] = (struct vhost_user_mem_region){
		.gpa = FE_HIGH_START, .size = fe->ram.size - FE_HIGH_START,
		.uaddr = fe_uaddr(fe, FE_HIGH_START),
		.mmap_offset = FE_HIGH_START,
	};
}

int fe_set_mem(struct fe *fe)
{
	struct vhost_user_mem_table table = { .nregions = 2 };
	int fds[2] = { fe->ram.fd, fe->ram.fd };
	size_t i;
	int ret;

	fill_regions(fe, table.regions);
	if (!(fe->protocol & (1u << VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS)))
		return send_acked(fe, VHOST_USER_SET_MEM_TABLE, &table,
				  offsetof(struct vhost_user_mem_table,
					   regions[2]), fds, 2);
	for (i = 0; i < 2; i++) {
		struct vhost_user_mem_reg reg = { .region = table.regions[i] };

		ret = send_acked(fe, VHOST_USER_ADD_MEM_REG, &reg, sizeof(reg),
				 fds, 1);
		if (ret)
			return ret;
	}
	return 0;
}

int fe_get_config(struct fe *fe)
{
	struct vhost_user_config config = { .size = sizeof(fe->config) };
	uint32_t size = offsetof(struct vhost_user_config, data) +
			sizeof(fe->config);
	int ret = fe_vu_send(fe, VHOST_USER_GET_CONFIG, 0, &config, size,
			     NULL, 0);

	if (ret)
		return ret;
	ret = fe_vu_reply(fe, VHOST_USER_GET_CONFIG, &config, sizeof(config));
	if (ret < 0)
		return ret;
	if (ret != (int)size)
		return -EPROTO;
	memcpy(&fe->config, config.data, sizeof(fe->config));
	return 0;
}

bool fe_vu_closed(struct fe *fe, int timeout_ms)
{
	uint64_t end = fe_now_ns() + (uint64_t)timeout_ms * 1000000;
	uint8_t buf[4096];
	int fds[8];

	while (fe_now_ns() < end) {
		struct pollfd pfd = { fe->sock, POLLIN, 0 };
		size_t nfds = 8;
		ssize_t n;

		poll(&pfd, 1, 20);
		n = fdpass_recv(fe->sock, buf, sizeof(buf), fds, &nfds);
		fdpass_close(fds, nfds);
		if (n == 0 || (n < 0 && n != -EAGAIN))
			return true;
	}
	return false;
}

bool fe_vu_alive(struct fe *fe)
{
	uint64_t features;

	return fe_vu_get_u64(fe, VHOST_USER_GET_FEATURES, &features) == 0;
}
