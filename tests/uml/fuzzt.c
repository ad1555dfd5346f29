// SPDX-License-Identifier: MIT
/*
 * fuzzt.c - random ioctls on a virtio GPU from several threads and processes
 *
 * usage: fuzzt SECONDS SEED
 *
 * Arguments are mostly right, with one thing wrong now and then, and sometimes
 * nothing but noise. Objects, files and fences are shared between the threads,
 * and a process with all of them is killed from time to time. What is looked for
 * is found by the kernel's own checkers; here only that something of every kind
 * has worked. Exit status 0 if so, 1 if not, 2 for bad usage. SEED 0: choose one.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <drm_mode.h>
#include "guest-driver/vgpu_drm.h"
#include "tests/uml/sw_sync.h"

#define THREADS		4
#define FILES		4
#define HANDLES		24	/* of each file, of each kind */
#define FENCES		16
#define SMALL		(64u << 10)
#define LARGE		(1u << 20)

/** struct file - an open device file; threads race for all of it */
struct file {
	int fd;
	uint32_t bos[HANDLES], syncobjs[HANDLES];
};

/* Some things are for the one, some for the other. */
static const char * const paths[] = { "/dev/dri/renderD128", "/dev/dri/card0" };
static struct file files[FILES];
static int fences[FENCES], sw;
static double end;
static volatile bool stop;
static __thread uint64_t rng;

enum op {
	CREATE, BLOB, EXEC, TRANSFER, WAIT, CAPS, PARAM, INIT, MAP, CLOSE, INFO,
	SHARE, FLINK, DUMB, SYNCOBJ, REOPEN, EVENTS, SW, NOISE, NR_OPS,
};

static const char * const names[NR_OPS] = {
	"create", "blob", "exec", "transfer", "wait", "caps", "param", "init",
	"map", "close", "info", "share", "flink", "dumb", "syncobj", "reopen",
	"events", "sw-sync", "noise",
};

static unsigned long good[NR_OPS], bad[NR_OPS];

/* splitmix64 */
static uint64_t rnd(void)
{
	uint64_t z = rng += 0x9e3779b97f4a7c15ull;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ z >> 27) * 0x94d049bb133111ebull;
	return z ^ z >> 31;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)(rnd() % n);
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

/* A number that code likes to get wrong. */
static uint64_t odd(void)
{
	static const uint64_t edges[] = {
		0, 1, 2, 3, 4, 31, 32, 63, 64, 65, 4095, 4096, 4097, 0x7fffffff,
		0x80000000, 0xfffff000, 0xffffffff, 1ull << 32, 1ull << 62,
		1ull << 63, ~0ull, ~4095ull,
	};

	if (one_in(2))
		return edges[below(sizeof(edges) / sizeof(edges[0]))];
	return rnd() >> below(64);
}

/* Once in a while something else than @value. */
#define maybe(value)	(one_in(24) ? (__typeof__(value))odd() : (value))

static struct file *any_file(void)
{
	return &files[below(FILES)];
}

/* One that is there, if that is not asking too much. */
static uint32_t any_of(const uint32_t *list)
{
	unsigned int i, at = below(HANDLES);

	for (i = 0; i < HANDLES; i++)
		if (list[(at + i) % HANDLES])
			return maybe(list[(at + i) % HANDLES]);
	return maybe(0);
}

static uint32_t any_bo(struct file *f)
{
	return any_of(f->bos);
}

static uint32_t any_syncobj(struct file *f)
{
	return any_of(f->syncobjs);
}

/* Keep it, and give up what was there. */
static void keep_bo(struct file *f, uint32_t handle)
{
	struct drm_gem_close c = { 0 };
	uint32_t *at = &f->bos[below(HANDLES)];

	c.handle = __atomic_exchange_n(at, handle, __ATOMIC_RELAXED);
	if (c.handle)
		ioctl(f->fd, DRM_IOCTL_GEM_CLOSE, &c);
}

static void keep_fence(int fence)
{
	int old = __atomic_exchange_n(&fences[below(FENCES)], fence,
				      __ATOMIC_RELAXED);

	if (old >= 0)
		close(old);
}

static uint32_t any_size(void)
{
	if (one_in(64))
		return (uint32_t)odd() | 0x40000000;	/* more than there is */
	return below(one_in(16) ? LARGE : SMALL);
}

/* ---- operations; each returns what its ioctl did ---- */

static int do_create(struct file *f)
{
	struct drm_vgpu_resource_create c = {
		.target = maybe(one_in(2) ? 2 : below(9)),
		.format = maybe(one_in(2) ? 1 : below(140)),
		.bind = maybe(1u << below(20)),
		.width = maybe(1 + below(128)), .height = maybe(1 + below(128)),
		.depth = maybe(1), .array_size = maybe(1),
		.last_level = maybe(0), .nr_samples = maybe(0),
		.flags = maybe(0), .size = any_size(), .stride = maybe(0),
	};
	int ret = ioctl(f->fd, DRM_IOCTL_VGPU_RESOURCE_CREATE, &c);

	if (!ret)
		keep_bo(f, c.bo_handle);
	return ret;
}

static int do_blob(struct file *f)
{
	struct drm_vgpu_resource_create_blob b = {
		.blob_mem = maybe(one_in(4) ? 1 + below(3) : 1), .blob_flags = maybe(below(8)),
		.size = maybe((uint64_t)any_size()), .pad = maybe(0),
		.cmd_size = maybe(0), .cmd = maybe((uint64_t)0),
		.blob_id = maybe((uint64_t)0), .blob_hints = maybe((uint64_t)0),
	};
	int ret = ioctl(f->fd, DRM_IOCTL_VGPU_RESOURCE_CREATE_BLOB, &b);

	if (!ret)
		keep_bo(f, b.bo_handle);
	return ret;
}

static void add_syncobjs(struct file *f,
			 struct drm_vgpu_execbuffer_syncobj *list, uint32_t *n)
{
	uint32_t i;

	*n = one_in(4) ? below(4) : 0;
	for (i = 0; i < *n; i++) {
		list[i].handle = any_syncobj(f);
		list[i].flags = maybe(0);
		list[i].point = one_in(2) ? 0 : maybe((uint64_t)below(9));
	}
	if (one_in(64))
		*n = (uint32_t)odd();
}

static int do_exec(struct file *f)
{
	static uint32_t zeros[SMALL / 4];
	uint32_t noise[16], bos[8], i, n = below(8);
	struct drm_vgpu_execbuffer_syncobj in[4], out[4];
	struct drm_vgpu_execbuffer e = {
		.flags = maybe(below(one_in(4) ? 8 : 4)), .command = (uintptr_t)zeros,
		.size = maybe(below(one_in(8) ? SMALL : 256) & ~3u),
		.bo_handles = (uintptr_t)bos, .num_bo_handles = n,
		.fence_fd = fences[below(FENCES)], .ring_idx = maybe(below(4)),
		.syncobj_stride = maybe((uint32_t)sizeof(in[0])),
		.in_syncobjs = (uintptr_t)in, .out_syncobjs = (uintptr_t)out,
	};
	int ret;

	/* most hosts dislike what follows, and end the context */
	if (one_in(64)) {
		for (i = 0; i < 16; i++)
			noise[i] = (uint32_t)rnd() & 0xffff;
		e.command = (uintptr_t)noise;
		e.size = sizeof(noise);
	}
	for (i = 0; i < n; i++)
		bos[i] = any_bo(f);
	add_syncobjs(f, in, &e.num_in_syncobjs);
	add_syncobjs(f, out, &e.num_out_syncobjs);
	if (one_in(64))
		e.num_bo_handles = (uint32_t)odd();
	e.command = maybe(e.command);
	e.bo_handles = maybe(e.bo_handles);
	e.out_syncobjs = maybe(e.out_syncobjs);
	if (e.flags & VGPU_EXECBUF_FENCE_FD_IN && e.fence_fd < 0)
		e.flags &= ~VGPU_EXECBUF_FENCE_FD_IN;
	ret = ioctl(f->fd, DRM_IOCTL_VGPU_EXECBUFFER, &e);
	if (!ret && e.flags & VGPU_EXECBUF_FENCE_FD_OUT)
		keep_fence(e.fence_fd);
	return ret;
}

static int do_transfer(struct file *f)
{
	struct drm_vgpu_3d_transfer t = {
		.bo_handle = any_bo(f),
		.box = { maybe(0), maybe(0), maybe(0), maybe(1 + below(64)),
			 maybe(1 + below(64)), maybe(1) },
		.level = maybe(0), .offset = maybe(0), .stride = maybe(0),
		.layer_stride = maybe(0),
	};

	return ioctl(f->fd, one_in(2) ? DRM_IOCTL_VGPU_TRANSFER_TO_HOST :
		     DRM_IOCTL_VGPU_TRANSFER_FROM_HOST, &t);
}

static int do_wait(struct file *f)
{
	/* one that waits may wait for a fence that nobody signals */
	struct drm_vgpu_3d_wait w = { any_bo(f), maybe(1u) | 1 };

	return ioctl(f->fd, DRM_IOCTL_VGPU_WAIT, &w);
}

static int do_caps(struct file *f)
{
	char buf[4096];
	struct drm_vgpu_get_caps c = {
		.cap_set_id = maybe(1 + below(2)), .cap_set_ver = maybe(1),
		.addr = maybe((uint64_t)(uintptr_t)buf),
		.size = below(sizeof(buf)),
	};

	return ioctl(f->fd, DRM_IOCTL_VGPU_GET_CAPS, &c);
}

static int do_param(struct file *f)
{
	uint64_t value;
	struct drm_vgpu_getparam p = {
		.param = maybe((uint64_t)below(11)),
		.value = maybe((uint64_t)(uintptr_t)&value),
	};

	return ioctl(f->fd, DRM_IOCTL_VGPU_GETPARAM, &p);
}

static int do_init(struct file *f)
{
	static const char name[] = "a name that is a good deal longer than the sixty-four bytes there are";
	struct drm_vgpu_context_set_param p[4] = {
		{ maybe((uint64_t)1), maybe((uint64_t)1 + below(2)) },
		{ maybe((uint64_t)2), maybe((uint64_t)4) },
		{ maybe((uint64_t)3), maybe((uint64_t)below(16)) },
		{ maybe((uint64_t)4), maybe((uint64_t)(uintptr_t)name) },
	};
	struct drm_vgpu_context_init i = {
		.num_params = maybe(below(5)), .pad = maybe(0),
		.ctx_set_params = maybe((uint64_t)(uintptr_t)p),
	};

	return ioctl(f->fd, DRM_IOCTL_VGPU_CONTEXT_INIT, &i);
}

static int do_map(struct file *f)
{
	struct drm_vgpu_map m = { .handle = any_bo(f) };
	int ret = ioctl(f->fd, DRM_IOCTL_VGPU_MAP, &m);
	char *p;

	if (ret)
		return ret;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd,
		 (off_t)maybe(m.offset));
	if (p == MAP_FAILED)
		return -1;
	p[below(4096)] = 1;
	return munmap(p, 4096);
}

static int do_close(struct file *f)
{
	struct drm_gem_close c = { 0 };

	c.handle = maybe(__atomic_exchange_n(&f->bos[below(HANDLES)], 0,
					     __ATOMIC_RELAXED));
	return ioctl(f->fd, DRM_IOCTL_GEM_CLOSE, &c);
}

static int do_info(struct file *f)
{
	struct drm_vgpu_resource_info i = { .bo_handle = any_bo(f) };

	return ioctl(f->fd, DRM_IOCTL_VGPU_RESOURCE_INFO, &i);
}

static int do_share(struct file *f)
{
	struct drm_prime_handle h = {
		.handle = any_bo(f), .flags = maybe(DRM_CLOEXEC | DRM_RDWR),
	};
	struct drm_prime_handle g = { 0 };
	struct file *to = any_file();
	int ret = ioctl(f->fd, DRM_IOCTL_PRIME_HANDLE_TO_FD, &h);

	if (ret)
		return ret;
	g.fd = h.fd;
	ret = ioctl(to->fd, DRM_IOCTL_PRIME_FD_TO_HANDLE, &g);
	if (!ret)
		keep_bo(to, g.handle);
	close(h.fd);
	return ret;
}

static int do_flink(struct file *f)
{
	struct drm_gem_flink l = { .handle = any_bo(f) };
	struct drm_gem_open o = { 0 };
	struct file *to = any_file();
	int ret = ioctl(f->fd, DRM_IOCTL_GEM_FLINK, &l);

	o.name = maybe(l.name);
	if (!ret)
		ret = ioctl(to->fd, DRM_IOCTL_GEM_OPEN, &o);
	if (!ret)
		keep_bo(to, o.handle);
	return ret;
}

static int do_dumb(struct file *f)
{
	struct drm_mode_create_dumb d = {
		.width = maybe(1 + below(128)), .height = maybe(1 + below(128)),
		.bpp = maybe(32), .flags = maybe(0),
	};
	int ret;

	/* a buffer of half the memory is none of our business */
	if ((uint64_t)d.width * d.height > LARGE && (uint64_t)d.width * d.height < 1ull << 32)
		d.width = 8;
	if ((uint64_t)d.width * d.height > LARGE && d.height < 4096)
		d.height = 8, d.width = 8;
	ret = ioctl(f->fd, DRM_IOCTL_MODE_CREATE_DUMB, &d);
	if (!ret)
		keep_bo(f, d.handle);
	return ret;
}

static int do_syncobj(struct file *f)
{
	struct drm_syncobj_create c = { .flags = one_in(2) };
	struct drm_syncobj_destroy d = { 0 };
	int ret = ioctl(f->fd, DRM_IOCTL_SYNCOBJ_CREATE, &c);

	if (ret)
		return ret;
	d.handle = __atomic_exchange_n(&f->syncobjs[below(HANDLES)], c.handle,
				       __ATOMIC_RELAXED);
	if (d.handle)
		ioctl(f->fd, DRM_IOCTL_SYNCOBJ_DESTROY, &d);
	return 0;
}

/* In place, so that others never see a closed one. */
static int do_reopen(struct file *f)
{
	int fd, ret;

	if (!one_in(8)) {
		errno = EAGAIN;
		return -1;
	}
	fd = open(paths[(f - files) % 2], O_RDWR | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -1;
	ret = dup2(fd, f->fd);
	close(fd);
	return ret < 0 ? -1 : 0;
}

static int do_events(struct file *f)
{
	char buf[256];

	return read(f->fd, buf, below(sizeof(buf))) < 0 ? -1 : 0;
}

static int do_sw(struct file *f)
{
	struct sw_sync_fence s = { .value = 1 + below(2), .name = "fuzz" };
	const uint32_t inc = 1;

	if (one_in(3)) {
		if (ioctl(sw, SW_SYNC_CREATE, &s))
			return -1;
		keep_fence(s.fence);
		return 0;
	}
	return ioctl(sw, SW_SYNC_INC, &inc);
}

/* Any number, any length, any bytes: the kernel must see through it. */
static int do_noise(struct file *f)
{
	uint64_t arg[32];
	unsigned long nr = DRM_COMMAND_BASE + below(14);
	unsigned long size = below(sizeof(arg));
	unsigned int i;

	for (i = 0; i < 32; i++)
		arg[i] = odd();
	/* GET_CAPS, GETPARAM: not at a random address of ours */
	arg[0] &= ~0xffffull << 47 | 0xffff;
	arg[1] = one_in(2) ? 8 : ~0ull << 47;
	/* WAIT: a fence of sw_sync may be what it waits for */
	if (nr == DRM_COMMAND_BASE + DRM_VGPU_WAIT)
		arg[0] |= 1ull << 32;
	/* sizes of memory that exists */
	if (nr == DRM_COMMAND_BASE + DRM_VGPU_RESOURCE_CREATE)
		arg[6] |= 0x40000000;
	return ioctl(f->fd, _IOC(_IOC_READ | _IOC_WRITE, DRM_IOCTL_BASE, nr,
				 size), arg);
}

static int (* const ops[NR_OPS])(struct file *f) = {
	do_create, do_blob, do_exec, do_transfer, do_wait, do_caps, do_param,
	do_init, do_map, do_close, do_info, do_share, do_flink, do_dumb,
	do_syncobj, do_reopen, do_events, do_sw, do_noise,
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void *work(void *arg)
{
	rng = (uint64_t)(uintptr_t)arg;
	while (!stop && now() < end) {
		enum op op = one_in(3) ? EXEC : (enum op)below(NR_OPS);
		unsigned long *count = ops[op](any_file()) ? bad : good;

		__atomic_add_fetch(&count[op], 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void run(uint64_t seed)
{
	pthread_t threads[THREADS];
	unsigned int i;

	for (i = 0; i < THREADS; i++)
		pthread_create(&threads[i], NULL, work,
			       (void *)(uintptr_t)(seed * THREADS + i + 1));
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

/* Its files and fences are ours too: they end with us, not with it. */
static void kill_one(uint64_t seed)
{
	pid_t pid = fork();

	if (!pid) {
		rng = seed;
		usleep(1000 * below(300));
		end = now() + 60;
		run(seed);
		_exit(0);
	}
	rng = ~seed;
	usleep(200000 + 1000 * below(500));
	if (pid > 0 && (kill(pid, SIGKILL) || waitpid(pid, NULL, 0) != pid))
		perror("kill");
}

static bool opened(void)
{
	unsigned int i;

	for (i = 0; i < FENCES; i++)
		fences[i] = -1;
	sw = open(SW_SYNC, O_RDWR | O_CLOEXEC);
	for (i = 0; i < FILES; i++) {
		files[i].fd = open(paths[i % 2], O_RDWR | O_CLOEXEC |
				   O_NONBLOCK);
		if (files[i].fd < 0) {
			perror(paths[i % 2]);
			return false;
		}
	}
	return true;
}

/* Whatever still waits for a fence of sw_sync must not wait for ever. */
static void release(void)
{
	unsigned int i;

	close(sw);
	for (i = 0; i < FENCES; i++)
		if (fences[i] >= 0)
			close(fences[i]);
	for (i = 0; i < FILES; i++)
		close(files[i].fd);
}

static int report(void)
{
	int op, status = 0;

	for (op = 0; op < NR_OPS; op++) {
		printf("%-10s %8lu worked, %8lu did not\n", names[op], good[op],
		       bad[op]);
		if (!good[op] && op != NOISE && op != EVENTS)
			status = 1;
	}
	return status;
}

static void *killer(void *arg)
{
	uint64_t seed = (uint64_t)(uintptr_t)arg;

	while (now() < end)
		kill_one(seed++);
	return NULL;
}

int main(int argc, char **argv)
{
	uint64_t seed;
	pthread_t thread;
	double seconds;

	if (argc != 3) {
		fprintf(stderr, "usage: fuzzt SECONDS SEED\n");
		return 2;
	}
	seconds = atof(argv[1]);
	seed = strtoull(argv[2], NULL, 0);
	if (!seed)
		seed = (uint64_t)time(NULL);
	printf("fuzzt: seed %llu\n", (unsigned long long)seed);
	fflush(stdout);
	if (!opened())
		return 1;
	end = now() + seconds;
	pthread_create(&thread, NULL, killer, (void *)(uintptr_t)(seed << 16));
	run(seed);
	pthread_join(thread, NULL);
	release();
	return report();
}
