// SPDX-License-Identifier: MIT
/*
 * vtest_gpu.c - a vtest client's requests as virtio-gpu commands
 *
 * The client's shared memory is a memfd per resource; a resource's backing is
 * guest memory. Bytes of a transfer are copied between the two, so that the
 * back end sees what it would see of a guest. Commands are pipelined; only
 * TRANSFER_GET and BUSY_WAIT wait.
 */
#include "tests/lib/vtest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/vtest_sync.h"

#define WAIT_S		120	/* a frame of llvmpipe may take seconds */
#define ATTACH_SIZE	(1u << 31)

struct vtest_gpu {
	struct fe *fe;
	uint32_t ctx;
	bool context;
	uint64_t last_fence;
	unsigned int pending, fences;	/* requests out; fenced submits out */
	unsigned int errors;
	GHashTable *resources;
};

/* One request in flight. */
struct op {
	struct vtest_gpu *gpu;
	struct vtest_resource *res;		/* whose transfers count it, or NULL */
	uint32_t type;
};

static void completed(struct fe_req *req)
{
	struct op *op = req->opaque;
	int type = fe_resp_type(req);

	op->gpu->pending--;
	if (op->type == VIRTIO_GPU_CMD_SUBMIT_3D)
		op->gpu->fences--;
	if (op->res)
		op->res->transfers--;
	if (type < 0 || type >= VIRTIO_GPU_RESP_ERR_UNSPEC) {
		op->gpu->errors++;
		fprintf(stderr, "vtest: command %#x answered %#x\n", op->type,
			(unsigned int)type);
	}
	free(op);
	fe_req_free(req);
}

static int post(struct vtest_gpu *gpu, struct fe_req *req, uint32_t type,
		struct vtest_resource *res)
{
	struct op *op;

	if (!req)
		return -EPIPE;
	op = malloc(sizeof(*op));
	*op = (struct op){ gpu, res, type };
	req->opaque = op;
	req->complete = completed;
	gpu->pending++;
	if (type == VIRTIO_GPU_CMD_SUBMIT_3D)
		gpu->fences++;
	if (res)
		res->transfers++;
	fe_kick(gpu->fe, VIRTIO_GPU_QUEUE_CONTROL);
	return 0;
}

static int post_cmd(struct vtest_gpu *gpu, const void *cmd, size_t size,
		    struct vtest_resource *res)
{
	struct virtio_gpu_ctrl_hdr hdr;

	memcpy(&hdr, cmd, sizeof(hdr));
	return post(gpu, fe_send_cmd(gpu->fe, VIRTIO_GPU_QUEUE_CONTROL, cmd,
				     size, sizeof(hdr)), hdr.type, res);
}

static int wait_zero(struct vtest_gpu *gpu, const unsigned int *count)
{
	uint64_t end = fe_now_ns() + WAIT_S * 1000000000ull;

	while (*count) {
		if (fe_now_ns() > end)
			return -ETIMEDOUT;
		if (fe_poll(gpu->fe, 1000) < 0)
			return -EPIPE;
	}
	return 0;
}

struct vtest_gpu *vtest_gpu_new(struct fe *fe, uint32_t ctx)
{
	struct vtest_gpu *gpu = calloc(1, sizeof(*gpu));

	gpu->fe = fe;
	gpu->ctx = ctx;
	gpu->resources = g_hash_table_new(NULL, NULL);
	return gpu;
}

static struct vtest_resource *lookup(void *opaque, uint32_t handle)
{
	struct vtest_gpu *gpu = opaque;

	return g_hash_table_lookup(gpu->resources, GUINT_TO_POINTER(handle));
}

static void free_resource(struct vtest_gpu *gpu, struct vtest_resource *res)
{
	if (res->shm) {
		munmap(res->shm, res->size);
		fe_release(gpu->fe, res->gpa, res->size);
	}
	free(res);
}

void vtest_gpu_free(struct vtest_gpu *gpu)
{
	GHashTableIter iter;
	gpointer key, value;

	wait_zero(gpu, &gpu->pending);
	g_hash_table_iter_init(&iter, gpu->resources);
	while (g_hash_table_iter_next(&iter, &key, &value))
		free_resource(gpu, value);
	g_hash_table_destroy(gpu->resources);
	free(gpu);
}

int vtest_gpu_context(struct vtest_gpu *gpu, const char *name)
{
	struct virtio_gpu_ctx_create cmd = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_CTX_CREATE, .ctx_id = gpu->ctx,
		},
	};
	size_t len = strnlen(name, sizeof(cmd.debug_name) - 1);

	if (gpu->context)
		return -EEXIST;
	gpu->context = true;
	cmd.nlen = (uint32_t)len;
	memcpy(cmd.debug_name, name, len);
	return post_cmd(gpu, &cmd, sizeof(cmd), NULL);
}

int vtest_gpu_caps(struct vtest_gpu *gpu, uint32_t id, void *data, size_t max)
{
	struct virtio_gpu_resp_capset_info info;
	uint32_t i;
	size_t len;

	for (i = 0; i < gpu->fe->config.num_capsets; i++) {
		if (fe_capset_info(gpu->fe, i, &info) !=
		    VIRTIO_GPU_RESP_OK_CAPSET_INFO)
			return -EIO;
		if (info.capset_id != id || info.capset_max_size > max)
			continue;
		if (fe_capset(gpu->fe, id, info.capset_max_version, data,
			      info.capset_max_size, &len) !=
		    VIRTIO_GPU_RESP_OK_CAPSET)
			return -EIO;
		return (int)len;
	}
	return -ENOENT;
}

/* Backing pages, and the client's memfd. Return: the memfd. */
static int add_memory(struct vtest_gpu *gpu, struct vtest_resource *res)
{
	struct {
		struct virtio_gpu_resource_attach_backing cmd;
		struct virtio_gpu_mem_entry entry;
	} attach = {
		.cmd = {
			.hdr.type = VIRTIO_GPU_CMD_RESOURCE_ATTACH_BACKING,
			.resource_id = res->id, .nr_entries = 1,
		},
	};
	int fd = memfd_create("vtest-resource", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)res->size))
		return -errno;
	res->shm = mmap(NULL, res->size, PROT_READ | PROT_WRITE, MAP_SHARED,
			fd, 0);
	if (res->shm == MAP_FAILED) {
		res->shm = NULL;
		close(fd);
		return -ENOMEM;
	}
	res->gpa = fe_alloc(gpu->fe, res->size);
	res->backing = fe_at(gpu->fe, res->gpa);
	attach.entry.addr = res->gpa;
	attach.entry.length = (uint32_t)res->size;
	post_cmd(gpu, &attach, sizeof(attach), NULL);
	return fd;
}

int vtest_gpu_create(struct vtest_gpu *gpu, const struct vtest_create *c)
{
	struct virtio_gpu_resource_create_3d cmd = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_3D,
			.ctx_id = gpu->ctx,
		},
		.resource_id = c->handle, .target = c->target,
		.format = c->format, .bind = c->bind, .width = c->width,
		.height = c->height, .depth = c->depth,
		.array_size = c->array_size, .last_level = c->last_level,
		.nr_samples = c->nr_samples,
	};
	struct virtio_gpu_ctx_resource attach = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_CTX_ATTACH_RESOURCE,
			.ctx_id = gpu->ctx,
		},
		.resource_id = c->handle,
	};
	struct vtest_resource *res;
	int ret, fd = -ENODATA;

	if (!c->handle || lookup(gpu, c->handle) || c->data_size > ATTACH_SIZE)
		return -EINVAL;
	ret = post_cmd(gpu, &cmd, sizeof(cmd), NULL);
	if (ret)
		return ret;
	res = calloc(1, sizeof(*res));
	res->id = c->handle;
	res->size = c->data_size;
	res->host_writes = c->bind & VTEST_BIND_CUSTOM;
	g_hash_table_insert(gpu->resources, GUINT_TO_POINTER(res->id), res);
	if (res->size) {
		fd = add_memory(gpu, res);
		if (fd < 0)
			return fd;
	}
	ret = post_cmd(gpu, &attach, sizeof(attach), NULL);
	return ret ? ret : fd;
}

int vtest_gpu_unref(struct vtest_gpu *gpu, uint32_t handle)
{
	struct virtio_gpu_resource_unref cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF,
		.resource_id = handle,
	};
	struct virtio_gpu_ctx_resource detach = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_CTX_DETACH_RESOURCE,
			.ctx_id = gpu->ctx,
		},
		.resource_id = handle,
	};
	struct vtest_resource *res = lookup(gpu, handle);
	int ret;

	if (!res)
		return -ENOENT;
	ret = post_cmd(gpu, &detach, sizeof(detach), NULL);
	if (!ret)
		ret = post_cmd(gpu, &cmd, sizeof(cmd), res);
	/* its pages may be used anew only when the device let go of them */
	if (!ret)
		ret = wait_zero(gpu, &res->transfers);
	g_hash_table_remove(gpu->resources, GUINT_TO_POINTER(handle));
	free_resource(gpu, res);
	return ret;
}

static struct virtio_gpu_transfer_host_3d
make_transfer(struct vtest_gpu *gpu, uint32_t type,
	      const struct vtest_transfer *t)
{
	return (struct virtio_gpu_transfer_host_3d){
		.hdr = { .type = type, .ctx_id = gpu->ctx },
		.box = { t->x, t->y, t->z, t->w, t->h, t->d },
		.offset = t->offset, .resource_id = t->handle,
		.level = t->level,
	};
}

int vtest_gpu_put(struct vtest_gpu *gpu, const struct vtest_transfer *t)
{
	struct virtio_gpu_transfer_host_3d cmd =
		make_transfer(gpu, VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D, t);
	struct vtest_resource *res = lookup(gpu, t->handle);
	int ret;

	if (!res || !res->shm)
		return -ENOENT;
	/* the client may have changed what an earlier one has not read yet */
	ret = wait_zero(gpu, &res->transfers);
	if (ret)
		return ret;
	vtest_sync_out(res, t->offset, t->size);
	return post_cmd(gpu, &cmd, sizeof(cmd), res);
}

int vtest_gpu_get(struct vtest_gpu *gpu, const struct vtest_transfer *t)
{
	struct virtio_gpu_transfer_host_3d cmd =
		make_transfer(gpu, VIRTIO_GPU_CMD_TRANSFER_FROM_HOST_3D, t);
	struct vtest_resource *res = lookup(gpu, t->handle);
	int ret;

	if (!res || !res->shm)
		return -ENOENT;
	ret = wait_zero(gpu, &res->transfers);
	if (ret)
		return ret;
	/* what lies between the rows of the box must come back unchanged */
	vtest_sync_out(res, t->offset, t->size);
	cmd.hdr.flags = VIRTIO_GPU_FLAG_FENCE;
	cmd.hdr.fence_id = ++gpu->last_fence;
	ret = post_cmd(gpu, &cmd, sizeof(cmd), res);
	if (!ret)
		ret = wait_zero(gpu, &res->transfers);
	if (!ret)
		vtest_sync_in(res, t->offset, t->size);
	return ret;
}

int vtest_gpu_submit(struct vtest_gpu *gpu, const void *buf, uint32_t size)
{
	struct fe_req *req;

	vtest_sync_submit(buf, size / 4, lookup, gpu);
	req = fe_submit_send(gpu->fe, gpu->ctx, buf, size, ++gpu->last_fence);
	return post(gpu, req, VIRTIO_GPU_CMD_SUBMIT_3D, NULL);
}

int vtest_gpu_busy(struct vtest_gpu *gpu, uint32_t handle, int wait)
{
	struct vtest_resource *res = lookup(gpu, handle);
	int ret = wait ? wait_zero(gpu, &gpu->fences) : fe_poll(gpu->fe, 0);

	if (ret < 0)
		return ret;
	if (gpu->fences)
		return 1;
	if (res)
		vtest_sync_idle(res);
	return 0;
}

unsigned int vtest_gpu_errors(const struct vtest_gpu *gpu)
{
	return gpu->errors;
}
