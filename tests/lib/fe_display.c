// SPDX-License-Identifier: MIT
/*
 * fe_display.c - the display socket: plays QEMU's side, strictly
 *
 * What QEMU 10 would answer is answered; what would make it read beyond its
 * memory, allocate without bound or show nothing is counted as a fault.
 */
#include "tests/lib/fe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdpass.h"

#define HDR	sizeof(struct vhost_user_gpu_header)
#define MAX_DIM	16384u

void fe_fault(struct fe *fe, const char *fmt, ...)
{
	va_list ap;

	fe->faults++;
	fputs("fe: FAULT: ", stderr);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int fe_display_open(struct fe *fe)
{
	struct fe_display *d = &fe->display;
	int pair[2];

	fe_display_close(fe);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return -errno;
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	d->sock = pair[0];
	d->asked = false;
	d->accepted = 0;
	return pair[1];
}

void fe_display_close(struct fe *fe)
{
	struct fe_display *d = &fe->display;

	if (d->sock >= 0)
		close(d->sock);
	if (d->in_fd >= 0)
		close(d->in_fd);
	d->in_fd = -1;
	d->sock = -1;
	d->in_len = 0;
	d->dmabuf_due_ns = 0;
}

void fe_display_free(struct fe *fe)
{
	unsigned int i;

	fe_display_close(fe);
	for (i = 0; i < VIRTIO_GPU_MAX_SCANOUTS; i++)
		free(fe->display.scanouts[i].pixels);
	free(fe->display.in);
	fe->display.in = NULL;
}

static void reply(struct fe *fe, uint32_t request, const void *payload,
		  uint32_t size)
{
	struct vhost_user_gpu_header hdr = {
		request, VHOST_USER_GPU_MSG_FLAG_REPLY, size
	};
	uint8_t buf[HDR + sizeof(struct virtio_gpu_resp_edid)];

	if (fe->display.mute)
		return;
	memcpy(buf, &hdr, HDR);
	if (size)
		memcpy(buf + HDR, payload, size);
	if (fdpass_send(fe->display.sock, buf, HDR + size, NULL, 0) < 0 &&
	    fe->running)
		fprintf(stderr, "fe: display reply %u not taken\n", request);
}

static void on_display_info(struct fe *fe)
{
	struct virtio_gpu_resp_display_info info = {
		.hdr.type = VIRTIO_GPU_RESP_OK_DISPLAY_INFO,
	};
	unsigned int i;

	for (i = 0; i < fe->display.enabled; i++) {
		info.pmodes[i].r.width = fe->display.width;
		info.pmodes[i].r.height = fe->display.height;
		info.pmodes[i].enabled = 1;
	}
	reply(fe, VHOST_USER_GPU_GET_DISPLAY_INFO, &info, sizeof(info));
}

static void on_edid(struct fe *fe, const uint8_t *payload)
{
	struct virtio_gpu_resp_edid edid = {
		.hdr.type = VIRTIO_GPU_RESP_OK_EDID, .size = 128,
	};
	static const uint8_t magic[8] = { 0, 255, 255, 255, 255, 255, 255, 0 };
	struct vhost_user_gpu_edid_request req;
	unsigned int i, sum = 0;

	memcpy(&req, payload, sizeof(req));
	if (!(fe->display.accepted & 1u << VHOST_USER_GPU_PROTOCOL_F_EDID))
		fe_fault(fe, "GET_EDID without its protocol feature");
	/* QEMU gives no answer at all to a bad scanout */
	if (req.scanout_id >= VIRTIO_GPU_MAX_SCANOUTS)
		return;
	memcpy(edid.edid, magic, 8);
	memcpy(edid.edid + 95, "front end", 9);
	edid.edid[12] = (uint8_t)req.scanout_id;
	for (i = 0; i < 127; i++)
		sum += edid.edid[i];
	edid.edid[127] = (uint8_t)(256 - sum % 256);
	reply(fe, VHOST_USER_GPU_GET_EDID, &edid, sizeof(edid));
}

static void on_scanout(struct fe *fe, const uint8_t *payload)
{
	struct vhost_user_gpu_scanout m;
	struct fe_scanout *s;

	memcpy(&m, payload, sizeof(m));
	if (m.scanout_id >= VIRTIO_GPU_MAX_SCANOUTS || m.width > MAX_DIM ||
	    m.height > MAX_DIM) {
		fe_fault(fe, "SCANOUT %u %ux%u", m.scanout_id, m.width,
			 m.height);
		return;
	}
	s = &fe->display.scanouts[m.scanout_id];
	s->scanouts++;
	s->dmabuf = false;
	if (s->width == m.width && s->height == m.height)
		return;
	free(s->pixels);
	s->width = m.width;
	s->height = m.height;
	s->pixels = calloc((size_t)m.width * m.height, 4);
}

static void on_update(struct fe *fe, const uint8_t *payload, size_t size)
{
	struct vhost_user_gpu_update m;
	struct fe_scanout *s;
	uint32_t y;

	memcpy(&m, payload, sizeof(m));
	if (m.scanout_id >= VIRTIO_GPU_MAX_SCANOUTS) {
		fe_fault(fe, "UPDATE of scanout %u", m.scanout_id);
		return;
	}
	s = &fe->display.scanouts[m.scanout_id];
	if (!s->width || m.x > s->width || m.width > s->width - m.x ||
	    m.y > s->height || m.height > s->height - m.y ||
	    size != sizeof(m) + (uint64_t)m.width * m.height * 4) {
		fe_fault(fe, "UPDATE %u,%u %ux%u (%zu bytes) of %ux%u", m.x,
			 m.y, m.width, m.height, size, s->width, s->height);
		return;
	}
	for (y = 0; y < m.height; y++)
		memcpy(s->pixels + (size_t)(m.y + y) * s->width + m.x,
		       payload + sizeof(m) + (size_t)y * m.width * 4,
		       (size_t)m.width * 4);
	s->last = m;
	s->updates++;
	s->update_bytes += size - sizeof(m);
}

static void on_cursor(struct fe *fe, uint32_t request, const uint8_t *payload)
{
	struct vhost_user_gpu_cursor_update m;

	memcpy(&m.pos, payload, sizeof(m.pos));
	if (m.pos.scanout_id >= VIRTIO_GPU_MAX_SCANOUTS)
		fe_fault(fe, "cursor on scanout %u", m.pos.scanout_id);
	fe->display.cursor.scanout_id = m.pos.scanout_id;
	fe->display.cursor.x = m.pos.x;
	fe->display.cursor.y = m.pos.y;
	fe->display.cursor.visible = request != VHOST_USER_GPU_CURSOR_POS_HIDE;
	if (request != VHOST_USER_GPU_CURSOR_UPDATE) {
		fe->display.cursor.moves++;
		return;
	}
	memcpy(&m, payload, sizeof(m));
	fe->display.cursor.hot_x = m.hot_x;
	fe->display.cursor.hot_y = m.hot_y;
	memcpy(fe->display.cursor.data, m.data, sizeof(m.data));
	fe->display.cursor.updates++;
}

static void on_dmabuf(struct fe *fe, uint32_t request, const uint8_t *payload)
{
	struct vhost_user_gpu_dmabuf_scanout m;

	memcpy(&m, payload, sizeof(m));
	if (m.scanout_id >= VIRTIO_GPU_MAX_SCANOUTS)
		fe_fault(fe, "dma-buf on scanout %u", m.scanout_id);
	else
		fe->display.scanouts[m.scanout_id].dmabuf =
			fe->display.in_fd >= 0;
	if (request == VHOST_USER_GPU_DMABUF_SCANOUT2 &&
	    !(fe->display.accepted & 1u << VHOST_USER_GPU_PROTOCOL_F_DMABUF2))
		fe_fault(fe, "DMABUF_SCANOUT2 without its protocol feature");
}

static void set_accepted(struct fe *fe, const uint8_t *payload)
{
	memcpy(&fe->display.accepted, payload, 8);
	if (fe->display.accepted & ~fe->display.offered)
		fe_fault(fe, "display features %#llx accepted, not offered",
			 (unsigned long long)fe->display.accepted);
}

static void dispatch(struct fe *fe, uint32_t request, const uint8_t *payload,
		     size_t size)
{
	switch (request) {
	case VHOST_USER_GPU_GET_PROTOCOL_FEATURES:
		fe->display.asked = true;
		reply(fe, request, &fe->display.offered, 8);
		break;
	case VHOST_USER_GPU_SET_PROTOCOL_FEATURES:
		set_accepted(fe, payload);
		break;
	case VHOST_USER_GPU_GET_DISPLAY_INFO:
		on_display_info(fe);
		break;
	case VHOST_USER_GPU_CURSOR_POS:
	case VHOST_USER_GPU_CURSOR_POS_HIDE:
	case VHOST_USER_GPU_CURSOR_UPDATE:
		on_cursor(fe, request, payload);
		break;
	case VHOST_USER_GPU_SCANOUT:
		on_scanout(fe, payload);
		break;
	case VHOST_USER_GPU_UPDATE:
		on_update(fe, payload, size);
		break;
	case VHOST_USER_GPU_DMABUF_SCANOUT:
	case VHOST_USER_GPU_DMABUF_SCANOUT2:
		on_dmabuf(fe, request, payload);
		break;
	case VHOST_USER_GPU_DMABUF_UPDATE:
		fe->display.dmabuf_due_ns = fe_now_ns() + 1 +
			(uint64_t)fe->display.dmabuf_delay_ms * 1000000;
		break;
	case VHOST_USER_GPU_GET_EDID:
		on_edid(fe, payload);
		break;
	}
}

/* Smallest payload; the same as the largest, but for UPDATE. */
static uint32_t payload_size(uint32_t request)
{
	static const uint32_t sizes[] = {
		[VHOST_USER_GPU_GET_PROTOCOL_FEATURES] = 0,
		[VHOST_USER_GPU_SET_PROTOCOL_FEATURES] = 8,
		[VHOST_USER_GPU_GET_DISPLAY_INFO] = 0,
		[VHOST_USER_GPU_CURSOR_POS] = 12,
		[VHOST_USER_GPU_CURSOR_POS_HIDE] = 12,
		[VHOST_USER_GPU_CURSOR_UPDATE] = 16404,
		[VHOST_USER_GPU_SCANOUT] = 12,
		[VHOST_USER_GPU_UPDATE] = 20,
		[VHOST_USER_GPU_DMABUF_SCANOUT] = 40,
		[VHOST_USER_GPU_DMABUF_UPDATE] = 20,
		[VHOST_USER_GPU_GET_EDID] = 4,
		[VHOST_USER_GPU_DMABUF_SCANOUT2] = 48,
	};

	if (!request || request >= sizeof(sizes) / sizeof(*sizes))
		return UINT32_MAX;
	return sizes[request];
}

static bool header_ok(struct fe *fe, const struct vhost_user_gpu_header *hdr)
{
	uint32_t want = payload_size(hdr->request);

	if (want == UINT32_MAX ||
	    (hdr->request == VHOST_USER_GPU_UPDATE ?
	     hdr->size < want || hdr->size > want + MAX_DIM * MAX_DIM :
	     hdr->size != want)) {
		fe_fault(fe, "display request %u of %u bytes", hdr->request,
			 hdr->size);
		return false;
	}
	return true;
}

/* Take complete messages from the buffer. Return: how many, -1 if broken. */
static int take_messages(struct fe *fe)
{
	struct fe_display *d = &fe->display;
	struct vhost_user_gpu_header hdr;
	size_t at = 0;
	int n = 0;

	while (d->in_len - at >= HDR) {
		memcpy(&hdr, d->in + at, HDR);
		if (!header_ok(fe, &hdr))
			return -1;
		if (d->in_len - at < HDR + hdr.size)
			break;
		d->counts[hdr.request]++;
		dispatch(fe, hdr.request, d->in + at + HDR, hdr.size);
		if (d->in_fd >= 0) {
			close(d->in_fd);
			d->in_fd = -1;
		}
		at += HDR + hdr.size;
		n++;
	}
	memmove(d->in, d->in + at, d->in_len - at);
	d->in_len -= at;
	return n;
}

int fe_display_serve(struct fe *fe)
{
	struct fe_display *d = &fe->display;
	int did = 0, ret;

	if (d->dmabuf_due_ns && fe_now_ns() >= d->dmabuf_due_ns) {
		d->dmabuf_due_ns = 0;
		reply(fe, VHOST_USER_GPU_DMABUF_UPDATE, NULL, 0);
		did = 1;
	}
	if (d->sock < 0 || d->frozen)
		return did;
	for (;;) {
		size_t nfds = 1;
		ssize_t n;
		int fd = -1;

		if (d->in_max - d->in_len < 65536) {
			d->in_max = d->in_max ? d->in_max * 2 : 1 << 18;
			d->in = realloc(d->in, d->in_max);
		}
		n = fdpass_recv(d->sock, d->in + d->in_len,
				d->in_max - d->in_len, &fd, &nfds);
		if (n == -EAGAIN)
			return did;
		if (n <= 0) {
			close(d->sock);
			d->sock = -1;
			return 1;
		}
		if (nfds) {
			if (d->in_fd >= 0)
				close(d->in_fd);
			d->in_fd = fd;
		}
		d->in_len += (size_t)n;
		ret = take_messages(fe);
		if (ret < 0) {
			fe_display_close(fe);
			return 1;
		}
		did |= ret > 0;
	}
}
