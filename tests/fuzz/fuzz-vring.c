// SPDX-License-Identifier: MIT
/*
 * fuzz-vring.c - a ring in guest memory of any contents
 *
 * Input: u8 log2 of the ring size, u8 features, u16 base, then guest memory
 * from address 0: descriptors at 0, avail at 0x1000, used at 0x2000.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "base/cursor.h"
#include "base/iov.h"
#include "base/log.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_ipc.h"
#include "protocol/vhost_user.h"
#include "ring/guest_mem.h"
#include "ring/vring.h"
#include "tests/lib/fuzz.h"

#define MEM_SIZE	0x10000u
#define UADDR		0x7f0000000000ull
#define MAX_POPS	600

struct head {
	uint8_t log2_num, features;
	uint16_t base;
};

static struct guest_mem *make_memory(const uint8_t *data, size_t size)
{
	struct vgpu_ipc_mem_region region = {
		.gpa = 0, .size = MEM_SIZE, .uaddr = UADDR,
	};
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	struct guest_mem *mem;

	if (ftruncate(fd, MEM_SIZE))
		abort();
	if (size > MEM_SIZE)
		size = MEM_SIZE;
	if (size && pwrite(fd, data, size, 0) != (ssize_t)size)
		abort();
	mem = guest_mem_new(&region, &fd, 1);
	if (!mem)
		abort();
	return mem;
}

/* Touch every byte that the element says is ours. */
static void use(struct vring_elem *e)
{
	uint8_t buf[256];
	size_t n = 0;
	unsigned int i;

	g_assert_cmpuint(e->n_out + e->n_in, <=, VRING_MAX_DESCS);
	for (i = 0; i < e->n_out + e->n_in; i++)
		g_assert_cmpuint(e->iov[i].iov_len, <=, MEM_SIZE);
	g_assert_cmpuint(iov_size(e->iov, e->n_out), ==, e->out_len);
	iov_to_buf(e->iov, e->n_out, 0, buf, sizeof(buf));
	memset(buf, 0x5a, sizeof(buf));
	for (n = 0; n < e->in_len && n < 4 * MEM_SIZE; n += sizeof(buf))
		iov_from_buf(e->iov + e->n_out, e->n_in, n, buf, sizeof(buf));
}

static void serve(struct vring *vr)
{
	struct vring_elem *held = NULL, *e;
	unsigned int pops = 0;

	while (pops++ < MAX_POPS && vring_pop(vr, &e) == 1) {
		use(e);
		/* every other one is answered out of order */
		if (pops & 1 && !held) {
			held = e;
			continue;
		}
		vring_push(vr, e, 24);
		if (held) {
			vring_push(vr, held, 0);
			held = NULL;
		}
		vring_notify(vr);
		vring_enable_kick(vr, pops & 2);
	}
	if (held)
		vring_push(vr, held, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_init(data, size);
	struct vring_config config = { .kick_fd = -1, .call_fd = -1 };
	struct guest_mem *mem;
	struct ledger *ledger;
	struct vring *vr;
	struct head h;
	int fd;

	log_set_level(LOG_LEVEL_ERROR);
	if (!cursor_get(&in, &h, sizeof(h)))
		return 0;
	mem = make_memory(in.data, in.left);
	fd = ledger_create();
	ledger = ledger_open(fd);
	vr = vring_new(0, ledger_ring(ledger, 0));
	config.num = 1u << (h.log2_num & 15);
	if (h.features & 1)
		config.features |= 1ull << VIRTIO_RING_F_INDIRECT_DESC_BIT;
	if (h.features & 2)
		config.features |= 1ull << VIRTIO_RING_F_EVENT_IDX_BIT;
	config.desc_uaddr = UADDR;
	config.avail_uaddr = UADDR + 0x1000;
	config.used_uaddr = UADDR + 0x2000;
	config.base = h.base;
	if (!vring_start(vr, &config, mem)) {
		serve(vr);
		vring_stop(vr);
		/* a successor goes on where the ledger says */
		config.resume = true;
		if (!vring_start(vr, &config, mem))
			serve(vr);
	}
	vring_free(vr);
	ledger_close(ledger);
	close(fd);
	guest_mem_put(mem);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, LLVMFuzzerTestOneInput, 20000);
}
#endif
