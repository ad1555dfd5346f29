// SPDX-License-Identifier: MIT
/*
 * fake-backend.c - a vhost-user-gpu back end that behaves badly on purpose
 *
 * usage: fake-backend MODE SOCKET [SEED]   serves one connection
 *
 * What a driver must survive from a host: no answers at all, and answers that
 * lie about type, length, ids and sizes. The modes are in the table below.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>
#include "base/event.h"
#include "base/iov.h"
#include "protocol/vgpu_ipc.h"
#include "protocol/vgpu_vendor.h"
#include "protocol/virtio_gpu.h"
#include "ring/guest_mem.h"
#include "ring/vring.h"
#include "vhost-user/frontend.h"

#define MAX_HELD	4096

/** struct request - header and first word of a command */
struct request {
	struct virtio_gpu_ctrl_hdr hdr;
	uint32_t arg;
};

/* Fill @resp; return the length to report. @max: room the driver gave. */
typedef uint32_t (*answer_fn)(const struct request *req, uint8_t *resp,
			      uint32_t max);

/** enum fault - what is done to commands, beside the answers */
enum fault {
	FAULT_NONE,
	FAULT_REVERSE,	/* fenced commands: last come, first served */
	FAULT_DEAF,	/* no answer from the 100th command on, until a reset */
	FAULT_DEAF_2,	/* nor then, after a second hundred */
	FAULT_HALF,	/* no answer to every second command */
	FAULT_SHARE,	/* for 6 s only queries are answered, then all is */
	FAULT_SLOW,	/* in order, and from the 20th on, 1.5 s for each */
	FAULT_INDEX,	/* the 100th answer is for a command there is not */
};

struct mode {
	const char *name;
	answer_fn answer;		/* NULL: never */
	uint32_t num_scanouts, num_capsets;
	enum fault fault;
};

static struct event_loop *loop;
static struct frontend *fe;
static struct guest_mem *mem;
static const struct mode *mode;
static struct vring *rings[FRONTEND_NUM_RINGS];
static struct event_source *kicks[FRONTEND_NUM_RINGS], *release;
static struct vring_elem *held[MAX_HELD];
static unsigned int nr_held;
static unsigned int seen;	/* commands on the control queue */
static unsigned int starts;	/* of the control queue */
static unsigned int in_life;	/* commands since its last start */
static unsigned int seed = 1;

static void put_hdr(uint8_t *resp, uint32_t type)
{
	struct virtio_gpu_ctrl_hdr hdr = { .type = type };

	memcpy(resp, &hdr, sizeof(hdr));
}

/* An honest device that can do nothing much: the base of the others. */
static uint32_t honest(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	memset(resp, 0, max);
	switch (req->hdr.type) {
	case VIRTIO_GPU_CMD_GET_DISPLAY_INFO: {
		struct virtio_gpu_resp_display_info *r = (void *)resp;

		put_hdr(resp, VIRTIO_GPU_RESP_OK_DISPLAY_INFO);
		r->pmodes[0].enabled = 1;
		r->pmodes[0].r.width = 800;
		r->pmodes[0].r.height = 600;
		return sizeof(*r);
	}
	case VIRTIO_GPU_CMD_GET_CAPSET_INFO: {
		struct virtio_gpu_resp_capset_info *r = (void *)resp;

		put_hdr(resp, VIRTIO_GPU_RESP_OK_CAPSET_INFO);
		r->capset_id = req->arg + 1;
		r->capset_max_version = req->arg + 1;
		r->capset_max_size = 308;
		return sizeof(*r);
	}
	case VIRTIO_GPU_CMD_GET_CAPSET:
		put_hdr(resp, VIRTIO_GPU_RESP_OK_CAPSET);
		memset(resp + sizeof(struct virtio_gpu_ctrl_hdr), req->arg,
		       max - sizeof(struct virtio_gpu_ctrl_hdr));
		return max;
	case VIRTIO_GPU_CMD_GET_EDID:
		put_hdr(resp, VIRTIO_GPU_RESP_ERR_UNSPEC);
		return sizeof(struct virtio_gpu_ctrl_hdr);
	default:
		put_hdr(resp, VIRTIO_GPU_RESP_OK_NODATA);
		return sizeof(struct virtio_gpu_ctrl_hdr);
	}
}

static uint32_t refuse(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	memset(resp, 0, max);
	put_hdr(resp, VIRTIO_GPU_RESP_ERR_OUT_OF_MEMORY);
	return sizeof(struct virtio_gpu_ctrl_hdr);
}

static uint32_t empty(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	honest(req, resp, max);
	return 0;
}

static uint32_t short_by_one(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	return honest(req, resp, max) - 1;
}

static uint32_t too_long(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	honest(req, resp, max);
	return 0xfffffff0;
}

static uint32_t noise(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	uint32_t i;

	for (i = 0; i < max; i++)
		resp[i] = rand_r(&seed);
	return rand_r(&seed) % (max + 2);
}

/* Right type, every other byte set. */
static uint32_t ones(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	struct virtio_gpu_ctrl_hdr hdr;

	honest(req, resp, max);
	memcpy(&hdr, resp, sizeof(hdr));
	if (req->hdr.type == VIRTIO_GPU_CMD_GET_EDID)
		hdr.type = VIRTIO_GPU_RESP_OK_EDID;
	memset(resp, 0xff, max);
	memcpy(resp, &hdr, sizeof(hdr));
	return max;
}

/* Right type and length, contents at random. */
static uint32_t fuzz(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	struct virtio_gpu_ctrl_hdr hdr;
	uint32_t len = honest(req, resp, max), i;

	memcpy(&hdr, resp, sizeof(hdr));
	if (req->hdr.type == VIRTIO_GPU_CMD_GET_EDID) {
		hdr.type = VIRTIO_GPU_RESP_OK_EDID;
		len = max;
	}
	for (i = sizeof(hdr); i < max; i++)
		resp[i] = rand_r(&seed);
	memcpy(resp, &hdr, sizeof(hdr));
	return len;
}

/* A device that can do everything, if only by its own account. */
static uint32_t willing(const struct request *req, uint8_t *resp,
			uint32_t max)
{
	uint32_t len = honest(req, resp, max);
	uint32_t words[6] = { 0 }, n = 0, type = 0;

	switch (req->hdr.type) {
	case VIRTIO_GPU_CMD_GET_CAPSET_INFO:
		if (req->arg != 2)
			return len;
		words[0] = VGPU_VENDOR_CAPSET, words[1] = 1;
		words[2] = sizeof(struct vgpu_vendor_caps);
		type = VIRTIO_GPU_RESP_OK_CAPSET_INFO, n = 4;
		break;
	case VIRTIO_GPU_CMD_GET_CAPSET:
		if (req->arg != VGPU_VENDOR_CAPSET)
			return len;
		words[0] = VGPU_VENDOR_MAGIC, words[1] = 1;
		words[2] = VGPU_VENDOR_ALL;
		type = VIRTIO_GPU_RESP_OK_CAPSET, n = 6;
		break;
	case VGPU_CMD_HELLO:
		words[0] = 1, words[1] = 0xffffffff;
		type = VGPU_RESP_OK_HELLO, n = 2;
		break;
	case VGPU_CMD_NOTICE:
		words[0] = rand_r(&seed) % 3, words[1] = rand_r(&seed) % 8;
		type = VGPU_RESP_OK_NOTICE, n = 2;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID:
		type = VIRTIO_GPU_RESP_OK_RESOURCE_UUID, n = 4;
		break;
	case VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB:
		words[0] = rand_r(&seed);
		type = VIRTIO_GPU_RESP_OK_MAP_INFO, n = 2;
		break;
	}
	if (!n || max < sizeof(req->hdr) + n * 4)
		return len;
	put_hdr(resp, type);
	memcpy(resp + sizeof(req->hdr), words, n * 4);
	return sizeof(req->hdr) + n * 4;
}

/* Most answers are good, so that the bad ones meet something to spoil. */
static uint32_t chaos(const struct request *req, uint8_t *resp, uint32_t max)
{
	uint32_t len;

	switch (rand_r(&seed) % 16) {
	case 0:
		return noise(req, resp, max);
	case 1:
		return fuzz(req, resp, max);
	case 2:
		return ones(req, resp, max);
	case 3:
		return refuse(req, resp, max);
	case 4:
		return rand_r(&seed);	/* what was there, of any length */
	case 5:
		len = willing(req, resp, max);
		resp[rand_r(&seed) % max] ^= 1 << rand_r(&seed) % 8;
		return len;
	default:
		return willing(req, resp, max);
	}
}

static const struct mode modes[] = {
	{ "honest", honest, 1, 2, FAULT_NONE },
	{ "reverse", honest, 1, 2, FAULT_REVERSE },
	{ "deaf", NULL, 1, 1, FAULT_NONE },
	{ "deaf-once", honest, 1, 2, FAULT_DEAF },
	{ "deaf-twice", honest, 1, 2, FAULT_DEAF_2 },
	{ "half", honest, 1, 2, FAULT_HALF },
	{ "share", honest, 1, 2, FAULT_SHARE },
	{ "slow", honest, 1, 2, FAULT_SLOW },
	{ "index", honest, 1, 2, FAULT_INDEX },
	{ "refuse", refuse, 1, 2, FAULT_NONE },
	{ "empty", empty, 1, 2, FAULT_NONE },
	{ "short", short_by_one, 2, 2, FAULT_NONE },
	{ "long", too_long, 2, 2, FAULT_NONE },
	{ "noise", noise, 16, 8, FAULT_NONE },
	{ "ones", ones, 0xffffffff, 0xffffffff, FAULT_NONE },
	{ "fuzz", fuzz, 16, 64, FAULT_NONE },
	{ "blobs", honest, 1, 0, FAULT_NONE },
	{ "chaos", chaos, 4, 3, FAULT_NONE },
};

static void push(struct vring_elem *elem)
{
	static uint8_t resp[1 << 20];
	struct request req = { 0 };
	uint32_t max = elem->in_len, len = 0;

	iov_to_buf(elem->iov, elem->n_out, 0, &req, sizeof(req));
	if (max > sizeof(resp))
		max = sizeof(resp);
	if (max >= sizeof(req.hdr)) {
		len = mode->answer(&req, resp, max);
		iov_from_buf(elem->iov + elem->n_out, elem->n_in, 0, resp,
			     max);
	}
	vring_push(elem->vring, elem, len);
}

static void take_oldest(void)
{
	struct vring_elem *elem = held[0];

	memmove(held, held + 1, --nr_held * sizeof(held[0]));
	push(elem);
}

static void release_held(void *opaque)
{
	if (!nr_held)
		return;
	switch (mode->fault) {
	case FAULT_SHARE:
		while (nr_held)
			take_oldest();
		break;
	case FAULT_SLOW:
		take_oldest();
		break;
	default:
		/* one at a time, so that the driver sees each by itself */
		push(held[--nr_held]);
		break;
	}
	vring_notify(rings[0]);
	if (nr_held)
		event_set_timer(release, mode->fault == FAULT_SLOW ? 1500000 :
				3000);
}

static bool is_query(const struct virtio_gpu_ctrl_hdr *hdr)
{
	return hdr->type == VIRTIO_GPU_CMD_GET_CAPSET_INFO ||
	       hdr->type == VIRTIO_GPU_CMD_GET_CAPSET ||
	       hdr->type == VIRTIO_GPU_CMD_GET_DISPLAY_INFO ||
	       hdr->type == VIRTIO_GPU_CMD_GET_EDID;
}

static void hold(struct vring_elem *elem, unsigned int us)
{
	if (nr_held == MAX_HELD) {
		push(elem);
		return;
	}
	if (!nr_held)
		event_set_timer(release, us);
	held[nr_held++] = elem;
}

/* A command of the control queue: answered now, later or never. */
static void control(struct vring_elem *elem)
{
	struct virtio_gpu_ctrl_hdr hdr = { 0 };

	iov_to_buf(elem->iov, elem->n_out, 0, &hdr, sizeof(hdr));
	seen++;
	in_life++;
	switch (mode->fault) {
	case FAULT_REVERSE:
		if (hdr.flags & VIRTIO_GPU_FLAG_FENCE)
			hold(elem, 20000);
		else
			push(elem);
		return;
	case FAULT_DEAF:
		if (starts == 1 && seen >= 100)
			return;
		break;
	case FAULT_DEAF_2:
		if (starts <= 2 && in_life >= 100)
			return;
		break;
	case FAULT_HALF:
		if (seen % 2 == 0)
			return;
		break;
	case FAULT_SHARE:
		if (starts == 1 && !is_query(&hdr)) {
			hold(elem, 6000000);
			return;
		}
		break;
	case FAULT_SLOW:
		if (seen >= 20) {
			hold(elem, 1500000);
			return;
		}
		break;
	case FAULT_INDEX:
		if (starts == 1 && seen == 100)
			elem->head = 0x7fff;
		break;
	case FAULT_NONE:
		break;
	}
	push(elem);
}

static void on_kick(void *opaque, unsigned int events)
{
	struct vring *vr = opaque;
	struct vring_elem *elem;
	uint64_t count;

	if (read(vring_kick_fd(vr), &count, sizeof(count)) < 0)
		return;
	do {
		while (vring_pop(vr, &elem) > 0) {
			if (!mode->answer)
				continue;	/* kept for ever */
			if (vr == rings[0])
				control(elem);
			else
				push(elem);
		}
	} while (vring_enable_kick(vr, true));
	vring_notify(vr);
}

static int ring_start(void *opaque, unsigned int index)
{
	const struct frontend_ring *r = frontend_ring(fe, index);
	struct vring_config config = {
		.index = index, .num = r->num,
		.features = frontend_features(fe),
		.desc_uaddr = r->desc_uaddr, .avail_uaddr = r->avail_uaddr,
		.used_uaddr = r->used_uaddr, .base = r->base,
		.kick_fd = dup(r->kick_fd), .call_fd = dup(r->call_fd),
	};
	int ret = vring_start(rings[index], &config, mem);

	if (ret < 0)
		return ret;
	if (!index) {
		starts++;
		in_life = 0;
	}
	kicks[index] = event_add_fd(loop, vring_kick_fd(rings[index]),
				    EVENT_IN, on_kick, rings[index]);
	return 0;
}

static int ring_stop(void *opaque, unsigned int index, uint16_t *base)
{
	event_del(kicks[index]);
	kicks[index] = NULL;
	/* what the driver has forgotten need not be answered */
	if (!index)
		nr_held = 0;
	*base = vring_stop(rings[index]);
	return 0;
}

static void ring_call(void *opaque, unsigned int index)
{
	vring_set_call(rings[index], dup(frontend_ring(fe, index)->call_fd));
}

static int reset(void *opaque)
{
	return 0;
}

static void features_changed(void *opaque, uint64_t features)
{
}

static void mem_changed(void *opaque)
{
	const struct memory *m = frontend_memory(fe);
	struct vgpu_ipc_mem_region regions[MEMORY_MAX_REGIONS];
	int fds[MEMORY_MAX_REGIONS];
	size_t i;

	for (i = 0; i < m->n; i++) {
		regions[i].gpa = m->regions[i].gpa;
		regions[i].size = m->regions[i].size;
		regions[i].uaddr = m->regions[i].uaddr;
		regions[i].mmap_offset = m->regions[i].mmap_offset;
		fds[i] = dup(m->fds[i]);
	}
	if (mem)
		guest_mem_put(mem);
	mem = guest_mem_new(regions, fds, m->n);
	for (i = 0; mem && i < FRONTEND_NUM_RINGS; i++)
		if (vring_running(rings[i]))
			vring_set_mem(rings[i], mem);
}

static int get_config(void *opaque, uint32_t offset, void *buf, uint32_t size)
{
	const struct virtio_gpu_config config = {
		.num_scanouts = mode->num_scanouts,
		.num_capsets = mode->num_capsets,
	};

	memset(buf, 0, size);
	if (offset < sizeof(config))
		memcpy(buf, (const char *)&config + offset,
		       size < sizeof(config) - offset ? size :
		       sizeof(config) - offset);
	return 0;
}

static int set_config(void *opaque, uint32_t offset, const void *buf,
		      uint32_t size)
{
	return 0;
}

static void set_socket(void *opaque, int sock)
{
	close(sock);
}

static void closed(void *opaque)
{
	event_loop_quit(loop);
}

static const struct frontend_ops ops = {
	.ring_start = ring_start, .ring_stop = ring_stop,
	.ring_call = ring_call, .reset = reset,
	.features_changed = features_changed, .mem_changed = mem_changed,
	.get_config = get_config, .set_config = set_config,
	.set_socket = set_socket, .closed = closed,
};

static int accept_one(const char *path)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock, conn;

	sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	if (sock < 0 || bind(sock, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(sock, 1))
		return -1;
	conn = accept4(sock, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	close(sock);
	return conn;
}

int main(int argc, char **argv)
{
	uint64_t features = 1 << VIRTIO_GPU_F_VIRGL | 1 << VIRTIO_GPU_F_EDID;
	unsigned int i;
	int sock;

	for (i = 0; argc >= 3 && i < sizeof(modes) / sizeof(modes[0]); i++)
		if (!strcmp(modes[i].name, argv[1]))
			mode = &modes[i];
	if (!mode) {
		fprintf(stderr, "usage: fake-backend MODE SOCKET [SEED]\n");
		return 2;
	}
	/* what our own device never is: 2D, with blobs */
	if (!strcmp(mode->name, "blobs"))
		features = 1 << VIRTIO_GPU_F_RESOURCE_BLOB;
	if (mode->answer == chaos)
		features |= 1 << VIRTIO_GPU_F_RESOURCE_UUID |
			    1 << VIRTIO_GPU_F_RESOURCE_BLOB |
			    1 << VIRTIO_GPU_F_CONTEXT_INIT;
	if (argc > 3)
		seed = strtoul(argv[3], NULL, 0);
	for (i = 0; i < FRONTEND_NUM_RINGS; i++)
		rings[i] = vring_new(i, NULL);
	sock = accept_one(argv[2]);
	if (sock < 0) {
		perror(argv[2]);
		return 1;
	}
	loop = event_loop_new();
	release = event_add_timer(loop, release_held, NULL);
	fe = frontend_new(loop, sock, features, &ops, NULL);
	event_loop_run(loop);
	return 0;
}
