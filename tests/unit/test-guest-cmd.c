// SPDX-License-Identifier: MIT
/*
 * test-guest-cmd.c - what the guest driver encodes is what the device decodes
 *
 * The driver's encoders are compiled into this test. Every value differs from
 * every other, so that two fields that were swapped are seen.
 */
#include "guest-driver/vgpu_cmd.c"

#include <glib.h>
#include "device/command.h"
#include "device/state.h"
#include "tests/lib/devtest.h"

/** struct round - one command through the host's gate */
struct round {
	struct devtest *t;
	union vgpu_cmd wire;
	struct vring_elem elem;
	struct iovec iov[2];
	uint8_t resp[64];
	struct command *got;
};

static void round_init(struct round *r)
{
	memset(r, 0, sizeof(*r));
	/* what an encoder forgets is seen */
	memset(&r->wire, 0xee, sizeof(r->wire));
	r->t = devtest_new(&(struct devtest_config){ 0 });
}

static void round_fini(struct round *r)
{
	devtest_free(r->t);
}

/* Decode r->wire and @tail bytes after it; must not be refused. */
static const union request *decode_round(struct round *r, unsigned int queue,
					 size_t len, void *tail, size_t size)
{
	if (r->got)
		command_free(r->t->dev, r->got);
	r->iov[0] = (struct iovec){ &r->wire, len };
	r->iov[1] = (struct iovec){ tail, size };
	r->elem = (struct vring_elem){
		.n_out = tail ? 2 : 1, .out_len = len + size, .iov = r->iov,
	};
	r->got = command_decode(r->t->dev, queue, &r->elem);
	g_assert_nonnull(r->got);
	g_assert_cmphex(r->got->refused, ==, 0);
	g_assert_cmpuint(r->got->type->size, ==, len);
	return &r->got->req;
}

static void done(struct round *r)
{
	command_free(r->t->dev, r->got);
	r->got = NULL;
	memset(&r->wire, 0xee, sizeof(r->wire));
}

#define DECODE(encoded) decode_round(&r, 0, encoded, NULL, 0)

static void check_hdr(const union request *req, uint32_t type, uint32_t ctx)
{
	g_assert_cmphex(req->hdr.type, ==, type);
	g_assert_cmphex(req->hdr.ctx_id, ==, ctx);
	g_assert_cmphex(req->hdr.flags, ==, 0);
	g_assert_cmphex(req->hdr.fence_id, ==, 0);
	g_assert_cmphex(req->hdr.ring_idx, ==, 0);
	g_assert_cmphex(req->hdr.padding[2], ==, 0);
}

static void check_rect(const struct virtio_gpu_rect *got)
{
	g_assert_cmpuint(got->x, ==, 11);
	g_assert_cmpuint(got->y, ==, 12);
	g_assert_cmpuint(got->width, ==, 13);
	g_assert_cmpuint(got->height, ==, 14);
}

static const struct vgpu_rect rect = { 11, 12, 13, 14 };

static void test_queries(void)
{
	const union request *q;
	struct round r;

	round_init(&r);
	q = DECODE(vgpu_cmd_get_display_info(&r.wire));
	check_hdr(q, VIRTIO_GPU_CMD_GET_DISPLAY_INFO, 0);
	done(&r);
	q = DECODE(vgpu_cmd_get_edid(&r.wire, 3));
	check_hdr(q, VIRTIO_GPU_CMD_GET_EDID, 0);
	g_assert_cmpuint(q->edid.scanout, ==, 3);
	g_assert_cmpuint(q->edid.padding, ==, 0);
	done(&r);
	q = DECODE(vgpu_cmd_get_capset_info(&r.wire, 4));
	check_hdr(q, VIRTIO_GPU_CMD_GET_CAPSET_INFO, 0);
	g_assert_cmpuint(q->capset_info.capset_index, ==, 4);
	done(&r);
	q = DECODE(vgpu_cmd_get_capset(&r.wire, 5, 6));
	check_hdr(q, VIRTIO_GPU_CMD_GET_CAPSET, 0);
	g_assert_cmpuint(q->capset.capset_id, ==, 5);
	g_assert_cmpuint(q->capset.capset_version, ==, 6);
	done(&r);
	round_fini(&r);
}

static void test_resources(void)
{
	const struct vgpu_texture t = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10 };
	const union request *q;
	struct round r;

	round_init(&r);
	q = DECODE(vgpu_cmd_create_2d(&r.wire, 21, 22, 23, 24));
	check_hdr(q, VIRTIO_GPU_CMD_RESOURCE_CREATE_2D, 0);
	g_assert_cmpuint(q->create_2d.resource_id, ==, 21);
	g_assert_cmpuint(q->create_2d.format, ==, 22);
	g_assert_cmpuint(q->create_2d.width, ==, 23);
	g_assert_cmpuint(q->create_2d.height, ==, 24);
	done(&r);
	q = DECODE(vgpu_cmd_create_3d(&r.wire, 31, 32, &t));
	check_hdr(q, VIRTIO_GPU_CMD_RESOURCE_CREATE_3D, 31);
	g_assert_cmpuint(q->create_3d.resource_id, ==, 32);
	g_assert_cmpuint(q->create_3d.target, ==, 1);
	g_assert_cmpuint(q->create_3d.format, ==, 2);
	g_assert_cmpuint(q->create_3d.bind, ==, 3);
	g_assert_cmpuint(q->create_3d.width, ==, 4);
	g_assert_cmpuint(q->create_3d.height, ==, 5);
	g_assert_cmpuint(q->create_3d.depth, ==, 6);
	g_assert_cmpuint(q->create_3d.array_size, ==, 7);
	g_assert_cmpuint(q->create_3d.last_level, ==, 8);
	g_assert_cmpuint(q->create_3d.nr_samples, ==, 9);
	g_assert_cmpuint(q->create_3d.flags, ==, 10);
	g_assert_cmpuint(q->create_3d.padding, ==, 0);
	done(&r);
	q = DECODE(vgpu_cmd_unref(&r.wire, 0xfffffffe));
	check_hdr(q, VIRTIO_GPU_CMD_RESOURCE_UNREF, 0);
	g_assert_cmphex(q->unref.resource_id, ==, 0xfffffffe);
	done(&r);
	round_fini(&r);
}

static void test_backing(void)
{
	struct virtio_gpu_mem_entry e[3], *got;
	const union request *q;
	struct round r;
	size_t len;
	int i;

	round_init(&r);
	memset(e, 0xee, sizeof(e));
	for (i = 0; i < 3; i++)
		vgpu_cmd_mem_entry(&e[i], 0x123456789000ull + i, 0x1000 * i);
	len = vgpu_cmd_attach_backing(&r.wire, 41, 3);
	q = decode_round(&r, 0, len, e, sizeof(e));
	check_hdr(q, VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING, 0);
	g_assert_cmpuint(q->attach.resource_id, ==, 41);
	g_assert_cmpuint(q->attach.nr_entries, ==, 3);
	g_assert_cmpuint(r.got->data_size, ==, sizeof(e));
	got = r.got->data;
	for (i = 0; i < 3; i++) {
		g_assert_cmphex(got[i].addr, ==, 0x123456789000ull + i);
		g_assert_cmphex(got[i].length, ==, 0x1000 * i);
		g_assert_cmphex(got[i].padding, ==, 0);
	}
	done(&r);

	/* fewer entries than promised: the gate must see it */
	len = vgpu_cmd_attach_backing(&r.wire, 41, 4);
	r.iov[0] = (struct iovec){ &r.wire, len };
	r.iov[1] = (struct iovec){ e, sizeof(e) };
	r.elem = (struct vring_elem){
		.n_out = 2, .out_len = len + sizeof(e), .iov = r.iov,
	};
	r.got = command_decode(r.t->dev, 0, &r.elem);
	g_assert_cmphex(r.got->refused, !=, 0);
	done(&r);
	round_fini(&r);
}

static void test_transfers(void)
{
	const struct vgpu_transfer t = {
		.box = { 1, 2, 3, 4, 5, 6 }, .offset = 0x700000007ull,
		.level = 8, .stride = 9, .layer_stride = 10,
	};
	const union request *q;
	struct round r;
	int i;

	round_init(&r);
	q = DECODE(vgpu_cmd_transfer_2d(&r.wire, 51, &rect, 0x500000001ull));
	check_hdr(q, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D, 0);
	check_rect(&q->transfer_2d.r);
	g_assert_cmphex(q->transfer_2d.offset, ==, 0x500000001ull);
	g_assert_cmpuint(q->transfer_2d.resource_id, ==, 51);
	done(&r);
	for (i = 0; i < 2; i++) {
		q = DECODE(i ? vgpu_cmd_transfer_to_host(&r.wire, 52, 53, &t) :
			   vgpu_cmd_transfer_from_host(&r.wire, 52, 53, &t));
		check_hdr(q, i ? VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D :
			  VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, 52);
		g_assert_cmpuint(q->transfer_3d.resource_id, ==, 53);
		g_assert_cmpuint(q->transfer_3d.box.x, ==, 1);
		g_assert_cmpuint(q->transfer_3d.box.y, ==, 2);
		g_assert_cmpuint(q->transfer_3d.box.z, ==, 3);
		g_assert_cmpuint(q->transfer_3d.box.w, ==, 4);
		g_assert_cmpuint(q->transfer_3d.box.h, ==, 5);
		g_assert_cmpuint(q->transfer_3d.box.d, ==, 6);
		g_assert_cmphex(q->transfer_3d.offset, ==, 0x700000007ull);
		g_assert_cmpuint(q->transfer_3d.level, ==, 8);
		g_assert_cmpuint(q->transfer_3d.stride, ==, 9);
		g_assert_cmpuint(q->transfer_3d.layer_stride, ==, 10);
		done(&r);
	}
	round_fini(&r);
}

static void test_display(void)
{
	const union request *q;
	struct round r;
	size_t len;

	round_init(&r);
	q = DECODE(vgpu_cmd_set_scanout(&r.wire, 61, 62, &rect));
	check_hdr(q, VIRTIO_GPU_CMD_SET_SCANOUT, 0);
	check_rect(&q->set_scanout.r);
	g_assert_cmpuint(q->set_scanout.scanout_id, ==, 61);
	g_assert_cmpuint(q->set_scanout.resource_id, ==, 62);
	done(&r);
	q = DECODE(vgpu_cmd_flush(&r.wire, 63, &rect));
	check_hdr(q, VIRTIO_GPU_CMD_RESOURCE_FLUSH, 0);
	check_rect(&q->flush.r);
	g_assert_cmpuint(q->flush.resource_id, ==, 63);
	done(&r);
	len = vgpu_cmd_update_cursor(&r.wire, 64, 65, 66, 67, 68, 69);
	q = decode_round(&r, 1, len, NULL, 0);
	check_hdr(q, VIRTIO_GPU_CMD_UPDATE_CURSOR, 0);
	g_assert_cmpuint(q->cursor.pos.scanout_id, ==, 64);
	g_assert_cmpuint(q->cursor.pos.x, ==, 65);
	g_assert_cmpuint(q->cursor.pos.y, ==, 66);
	g_assert_cmpuint(q->cursor.resource_id, ==, 67);
	g_assert_cmpuint(q->cursor.hot_x, ==, 68);
	g_assert_cmpuint(q->cursor.hot_y, ==, 69);
	done(&r);
	len = vgpu_cmd_move_cursor(&r.wire, 64, 65, 66);
	q = decode_round(&r, 1, len, NULL, 0);
	check_hdr(q, VIRTIO_GPU_CMD_MOVE_CURSOR, 0);
	g_assert_cmpuint(q->cursor.pos.y, ==, 66);
	g_assert_cmpuint(q->cursor.resource_id, ==, 0);
	done(&r);
	round_fini(&r);
}

static void test_contexts(void)
{
	static const char name[] = "a name that is longer than the sixty-four "
				   "bytes that the wire has room for";
	const union request *q;
	uint32_t words[3] = { 1, 2, 3 };
	struct round r;
	size_t len;

	round_init(&r);
	q = DECODE(vgpu_cmd_ctx_create(&r.wire, 71, 0, "Xorg", 4));
	check_hdr(q, VIRTIO_GPU_CMD_CTX_CREATE, 71);
	g_assert_cmpuint(q->ctx_create.nlen, ==, 4);
	g_assert_cmpuint(q->ctx_create.context_init, ==, 0);
	g_assert_cmpstr(q->ctx_create.debug_name, ==, "Xorg");
	done(&r);
	q = DECODE(vgpu_cmd_ctx_create(&r.wire, 71, 2, name, strlen(name)));
	g_assert_cmpuint(q->ctx_create.context_init, ==, 2);
	g_assert_cmpuint(q->ctx_create.nlen, ==, 63);
	g_assert_cmpmem(q->ctx_create.debug_name, 63, name, 63);
	g_assert_cmpint(q->ctx_create.debug_name[63], ==, 0);
	done(&r);
	q = DECODE(vgpu_cmd_ctx_destroy(&r.wire, 72));
	check_hdr(q, VIRTIO_GPU_CMD_CTX_DESTROY, 72);
	done(&r);
	q = DECODE(vgpu_cmd_ctx_attach(&r.wire, 73, 74));
	check_hdr(q, VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE, 73);
	g_assert_cmpuint(q->ctx_resource.resource_id, ==, 74);
	done(&r);
	q = DECODE(vgpu_cmd_ctx_detach(&r.wire, 75, 76));
	check_hdr(q, VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE, 75);
	g_assert_cmpuint(q->ctx_resource.resource_id, ==, 76);
	done(&r);
	len = vgpu_cmd_submit(&r.wire, 77, sizeof(words));
	q = decode_round(&r, 0, len, words, sizeof(words));
	check_hdr(q, VIRTIO_GPU_CMD_SUBMIT_3D, 77);
	g_assert_cmpuint(q->submit.size, ==, sizeof(words));
	g_assert_cmpmem(r.got->data, r.got->data_size, words, sizeof(words));
	done(&r);
	round_fini(&r);
}

static void test_fence(void)
{
	const union request *q;
	struct round r;
	size_t len;

	round_init(&r);
	len = vgpu_cmd_submit(&r.wire, 81, 0);
	vgpu_cmd_set_fence(&r.wire, 0x8200000083ull);
	q = DECODE(len);
	g_assert_cmphex(q->hdr.flags, ==, VIRTIO_GPU_FLAG_FENCE);
	g_assert_cmphex(q->hdr.fence_id, ==, 0x8200000083ull);
	g_assert_cmpuint(q->hdr.ctx_id, ==, 81);
	g_assert_true(command_fenced(r.got));
	done(&r);
	round_fini(&r);
}

static void test_blobs(void)
{
	const struct vgpu_blob blob = {
		VIRTIO_GPU_BLOB_MEM_GUEST, 2, 0, 0x9100000092ull,
	};
	struct virtio_gpu_mem_entry entries[2];
	const union request *q;
	struct round r;
	size_t len;

	round_init(&r);
	r.t->dev->vendor = VGPU_VENDOR_ALL;
	vgpu_cmd_mem_entry(&entries[0], 0x9300000094ull, 95);
	vgpu_cmd_mem_entry(&entries[1], 96, 97);
	len = vgpu_cmd_create_blob(&r.wire, 98, 99, &blob, 2);
	q = decode_round(&r, 0, len, entries, sizeof(entries));
	check_hdr(q, VIRTIO_GPU_CMD_RESOURCE_CREATE_BLOB, 98);
	g_assert_cmpuint(q->create_blob.resource_id, ==, 99);
	g_assert_cmpuint(q->create_blob.blob_mem, ==, blob.mem);
	g_assert_cmpuint(q->create_blob.blob_flags, ==, 2);
	g_assert_cmpuint(q->create_blob.nr_entries, ==, 2);
	g_assert_cmpuint(q->create_blob.blob_id, ==, 0);
	g_assert_cmphex(q->create_blob.size, ==, blob.size);
	g_assert_cmpmem(r.got->data, r.got->data_size, entries,
			sizeof(entries));
	done(&r);
	q = DECODE(vgpu_cmd_assign_uuid(&r.wire, 101));
	check_hdr(q, VIRTIO_GPU_CMD_RESOURCE_ASSIGN_UUID, 0);
	g_assert_cmpuint(q->uuid.resource_id, ==, 101);
	done(&r);
	round_fini(&r);
	/* what our host lacks goes by the specification alone */
	g_assert_cmpuint(vgpu_cmd_map_blob(&r.wire, 102, 0x103), ==, 40);
	g_assert_cmphex(r.wire.hdr.type, ==, VIRTIO_GPU_CMD_RESOURCE_MAP_BLOB);
	g_assert_cmpuint(r.wire.map_blob.resource_id, ==, 102);
	g_assert_cmphex(r.wire.map_blob.offset, ==, 0x103);
	g_assert_cmpuint(vgpu_cmd_unmap_blob(&r.wire, 104), ==, 32);
	g_assert_cmpuint(r.wire.unmap_blob.resource_id, ==, 104);
}

static void test_vendor(void)
{
	const union request *q;
	struct round r;
	size_t len;

	round_init(&r);
	q = DECODE(vgpu_cmd_hello(&r.wire, 0x55));
	check_hdr(q, VGPU_CMD_HELLO, 0);
	g_assert_cmpuint(q->hello.version, ==, VGPU_VENDOR_VERSION);
	g_assert_cmphex(q->hello.features, ==, 0x55);
	done(&r);
	r.t->dev->vendor = VGPU_VENDOR_ALL;
	q = DECODE(vgpu_cmd_notice(&r.wire));
	check_hdr(q, VGPU_CMD_NOTICE, 0);
	done(&r);
	len = vgpu_cmd_submit(&r.wire, 81, 0);
	vgpu_cmd_set_ring(&r.wire, 63);
	vgpu_cmd_set_fence(&r.wire, 82);
	q = DECODE(len);
	g_assert_cmphex(q->hdr.flags, ==, VIRTIO_GPU_FLAG_FENCE |
			VIRTIO_GPU_FLAG_INFO_RING_IDX);
	g_assert_cmpuint(q->hdr.ring_idx, ==, 63);
	g_assert_cmpuint(q->hdr.fence_id, ==, 82);
	done(&r);
	round_fini(&r);
}

int main(int argc, char **argv)
{
	g_test_init(&argc, &argv, NULL);
	g_test_add_func("/guest-cmd/queries", test_queries);
	g_test_add_func("/guest-cmd/resources", test_resources);
	g_test_add_func("/guest-cmd/backing", test_backing);
	g_test_add_func("/guest-cmd/transfers", test_transfers);
	g_test_add_func("/guest-cmd/display", test_display);
	g_test_add_func("/guest-cmd/contexts", test_contexts);
	g_test_add_func("/guest-cmd/fence", test_fence);
	g_test_add_func("/guest-cmd/blobs", test_blobs);
	g_test_add_func("/guest-cmd/vendor", test_vendor);
	return g_test_run();
}
