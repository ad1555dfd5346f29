// SPDX-License-Identifier: MIT
/*
 * test-endpoint.c - what a worker is told when it starts, what the endpoint
 * passes on between worker, front end and vgpud, and the probe
 */
#include "tests/unit/endpoint_play.h"

static int play_probe(char **argv)
{
	struct vgpu_caps caps = { .magic = VGPU_CAPS_MAGIC, .count = 2 };
	const char *how = getenv("VGPU_TEST_PROBE");

	caps.sets[0].size = 308;
	caps.sets[1].size = VGPU_CAPSET_MAX_SIZE;
	if (how && !strcmp(how, "crash"))
		abort();
	if (how && !strcmp(how, "fail"))
		return 1;
	if (how && !strcmp(how, "none"))
		caps.count = 0;
	if (how && !strcmp(how, "many"))
		caps.count = VGPU_CAPS_MAX + 1;
	if (how && !strcmp(how, "long"))
		caps.sets[1].size++;
	if (how && !strcmp(how, "magic"))
		caps.magic++;
	if (how && !strcmp(how, "name"))
		memset(caps.renderer, 'x', sizeof(caps.renderer));
	return pwrite(atoi(argv[2]), &caps, sizeof(caps), 0) != sizeof(caps);
}

/* ---- starting ---- */

static void test_start(void)
{
	struct vgpu_ipc_cookie cookie = { 77 };
	struct vgpu_ipc_get_edid get_edid = { 78, 0 };
	uint64_t index = 0;
	int ledger;

	setup();
	g_assert_cmphex(vu_features() & 0x1f, ==, 6);	/* EDID, UUID */
	vu_negotiate();
	g_assert_false(worker_comes(50));	/* costs nothing before */
	/* the cursor ring alone does not need one */
	vu_start(1, 0);
	g_assert_false(worker_comes(50));
	vu_start(0, 5);
	ledger = expect_worker(0, 2, 0);
	say(VGPU_IPC_READY, NULL, 0);
	/* without a display socket there are answers all the same */
	say(VGPU_IPC_GET_DISPLAY_INFO, &cookie, sizeof(cookie));
	told(VGPU_IPC_DISPLAY_INFO);
	g_assert_cmpuint(msg.display_info.cookie, ==, 77);
	g_assert_cmpuint(msg.display_info.pmodes[0].r.width, ==, 800);
	say(VGPU_IPC_GET_EDID, &get_edid, sizeof(get_edid));
	told(VGPU_IPC_EDID);
	g_assert_cmpuint(msg.edid.cookie, ==, 78);
	vu_ack(VHOST_USER_SET_VRING_CALL, &index, 8, &call_fd, 1);
	told(VGPU_IPC_VRING_CALL);
	g_assert_cmpuint(msg.vring_index.index, ==, 0);
	ipc_msg_close(&msg);
	/* QEMU takes it away: the worker still gets one to write to */
	index |= VHOST_USER_VRING_NOFD_MASK;
	vu_ack(VHOST_USER_SET_VRING_CALL, &index, 8, NULL, 0);
	told(VGPU_IPC_VRING_CALL);
	ipc_msg_close(&msg);
	g_assert_false(told_anything());
	close(ledger);
	teardown();
	g_assert_cmpint(kill(wpid, 0), ==, -1);
}

static unsigned int count_fds(pid_t pid)
{
	char path[64];
	unsigned int n = 0;
	GDir *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = g_dir_open(path, 0, NULL);
	g_assert_nonnull(dir);
	while (g_dir_read_name(dir))
		n++;
	g_dir_close(dir);
	return n;
}

static void test_confined(void)
{
	char path[64], *text = NULL;
	gsize len;
	int i;

	setenv("SECRET_TOKEN", "x", 1);
	setenv("LP_NUM_THREADS", "9", 1);
	config = (struct endpoint_config){
		.name = "vm1", .worker = "/proc/self/exe", .broker_fd = -1,
		.cpus = "0", .cpu_threads = 1, .outputs = 2,
		.memory_max = 12345,
	};
	setup();
	vu_negotiate();
	vu_start(0, 0);
	g_assert_true(worker_comes(3000));
	told(VGPU_IPC_SETUP);
	g_assert_cmpuint(msg.setup.num_scanouts, ==, 2);
	g_assert_cmpuint(msg.setup.memory_max, ==, 12345);
	ipc_msg_close(&msg);
	snprintf(path, sizeof(path), "/proc/%d/environ", wpid);
	g_assert_true(g_file_get_contents(path, &text, &len, NULL));
	g_assert_null(memmem(text, len, "SECRET", 6));
	g_assert_nonnull(memmem(text, len, "LP_NUM_THREADS=1", 17));
	g_free(text);
	snprintf(path, sizeof(path), "/proc/%d/status", wpid);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_nonnull(strstr(text, "Cpus_allowed_list:\t0\n"));
	g_free(text);
	snprintf(path, sizeof(path), "/proc/%d/oom_score_adj", wpid);
	g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
	g_assert_cmpint(atoi(text), >=, 500);
	g_free(text);
	/* it has closed its own two by then: 0 to 2 are left */
	for (i = 0; i < 200 && count_fds(wpid) > 3; i++)
		event_loop_iterate(loop, 5);
	g_assert_cmpuint(count_fds(wpid), ==, 3);
	teardown();
}

/* ---- the display, through to the front end ---- */

static void test_display(void)
{
	struct vgpu_ipc_scanout scanout = { 0, 16, 16 };
	struct vhost_user_gpu_header head;
	uint64_t features = 0;
	int gpu[2], pixels = shm_create("pixels", 1024);

	setup();
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0,
				   gpu), ==, 0);
	vu_ack(VHOST_USER_GPU_SET_SOCKET, NULL, 0, &gpu[1], 1);
	close(gpu[1]);
	settle();
	g_assert_cmpint(fdpass_recv(gpu[0], &head, sizeof(head), NULL, NULL),
			==, sizeof(head));
	g_assert_cmpuint(head.request, ==,
			 VHOST_USER_GPU_GET_PROTOCOL_FEATURES);
	head.flags = 4;
	head.size = 8;
	fdpass_send(gpu[0], &head, sizeof(head), NULL, 0);
	fdpass_send(gpu[0], &features, 8, NULL, 0);
	g_assert_cmpint(ipc_send(wsock, VGPU_IPC_SCANOUT, &scanout,
				 sizeof(scanout), &pixels, 1), ==, 0);
	settle();
	g_assert_cmpint(fdpass_recv(gpu[0], &head, sizeof(head), NULL, NULL),
			==, sizeof(head));
	g_assert_cmpuint(head.request, ==, VHOST_USER_GPU_SCANOUT);
	g_assert_cmpint(fdpass_recv(gpu[0], &scanout, sizeof(scanout), NULL,
				    NULL), ==, sizeof(scanout));
	/* the worker's death does not turn it off, a reset does */
	kill_worker();
	close(expect_worker(VGPU_SETUP_TAKEOVER, 1, 0));
	g_assert_cmpint(fdpass_recv(gpu[0], &head, sizeof(head), NULL, NULL),
			==, -EAGAIN);
	vu_ack(VHOST_USER_RESET_DEVICE, NULL, 0, NULL, 0);
	settle();
	g_assert_cmpint(fdpass_recv(gpu[0], &head, sizeof(head), NULL, NULL),
			==, sizeof(head));
	g_assert_cmpuint(head.request, ==, VHOST_USER_GPU_SCANOUT);
	close(gpu[0]);
	close(pixels);
	teardown();
}

/* A ring that the guest broke: the front end's error descriptor says so. */
static void test_broken(void)
{
	struct vgpu_ipc_vring_index broken = { 0 };
	int err = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), i;
	uint64_t index = 0, count = 0;

	setup();
	vu_negotiate();
	vu_ack(VHOST_USER_SET_VRING_ERR, &index, 8, &err, 1);
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	say(VGPU_IPC_VRING_BROKEN, &broken, sizeof(broken));
	g_assert_cmpint(read(err, &count, 8), ==, 8);
	g_assert_cmpuint(count, ==, 1);
	/* full: nobody waits for it */
	count = UINT64_MAX - 1;
	g_assert_cmpint(write(err, &count, 8), ==, 8);
	for (i = 0; i < 3; i++)
		say(VGPU_IPC_VRING_BROKEN, &broken, sizeof(broken));
	g_assert_cmpuint(vu_features(), !=, 0);
	close(err);
	teardown();
}

/* ---- vgpud ---- */

static int broker;

static void broker_told(uint32_t type)
{
	int i, ret = -EAGAIN;

	for (i = 0; i < 200 && ret == -EAGAIN; i++) {
		event_loop_iterate(loop, 5);
		ret = ipc_recv(broker, IPC_FROM_ENDPOINT_TO_BROKER, &msg);
	}
	g_assert_cmpint(ret, ==, 1);
	g_assert_cmpstr(ipc_type_name(msg.type), ==, ipc_type_name(type));
	ipc_msg_close(&msg);
}

static void setup_broker(void)
{
	int socks[2];

	g_assert_cmpint(ipc_pair(socks), ==, 0);
	broker = socks[0];
	config = (struct endpoint_config){
		.name = "vm1", .worker = "/proc/self/exe",
		.broker_fd = socks[1],
	};
	setup();
	broker_told(VGPU_BROKER_HELLO);
	g_assert_cmpuint(msg.hello.version, ==, VGPU_IPC_VERSION);
	g_assert_cmpuint(msg.hello.pid, ==, getpid());
	g_assert_cmpstr(msg.hello.vm, ==, "vm1");
}

static void broker_attach(void)
{
	static struct vgpu_broker_attach attach = {
		.setup = { .version = VGPU_IPC_VERSION, .vm = "vm1",
			   .flags = VGPU_SETUP_VIRGL | VGPU_SETUP_TAKEOVER,
			   .num_scanouts = 4, .width = 640, .height = 480,
			   .memory_max = 99 },
		.cpus = "0", .cpu_threads = 1,
	};
	static struct vgpu_caps caps = { .magic = VGPU_CAPS_MAGIC, .count = 3 };
	int fds[5], i;

	fds[0] = shm_create("caps", sizeof(caps));
	g_assert_cmpint(pwrite(fds[0], &caps, sizeof(caps), 0), ==,
			sizeof(caps));
	for (i = 1; i < 5; i++)
		fds[i] = eventfd(0, EFD_CLOEXEC);
	g_assert_cmpint(ipc_send(broker, VGPU_BROKER_ATTACH, &attach,
				 sizeof(attach), fds, 5), ==, 0);
	fdpass_close(fds, 5);
	settle();
}

static void test_broker(void)
{
	struct vhost_user_config cfg = { .size = 16 };
	struct virtio_gpu_config gpu;
	struct vgpu_broker_kill reason = { "too slow" };

	setup_broker();
	/* the front end waits for vgpud's answer */
	vu_send(VHOST_USER_GET_FEATURES, NULL, 0, NULL, 0);
	g_assert_cmpint(vu_reply(0, NULL, 0), ==, -1);
	broker_attach();
	g_assert_cmpint(vu_reply(VHOST_USER_GET_FEATURES, &cfg, 1000), ==, 8);
	g_assert_true(vu_features() & BIT(VIRTIO_GPU_F_VIRGL));
	cfg = (struct vhost_user_config){ .size = 16 };
	vu_send(VHOST_USER_GET_CONFIG, &cfg, 28, NULL, 0);
	g_assert_cmpint(vu_reply(VHOST_USER_GET_CONFIG, &cfg, 1000), ==, 28);
	memcpy(&gpu, cfg.data, sizeof(gpu));
	g_assert_cmpuint(gpu.num_capsets, ==, 4);
	g_assert_cmpuint(gpu.num_scanouts, ==, 4);
	broker_told(VGPU_BROKER_STATE);
	g_assert_cmpuint(msg.state.connected, ==, 1);
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(VGPU_SETUP_VIRGL | VGPU_SETUP_SCHED, 1, 0));
	broker_told(VGPU_BROKER_WORKER_STARTED);
	g_assert_cmpuint(msg.worker.pid, ==, wpid);
	broker_told(VGPU_BROKER_STATE);
	g_assert_cmpuint(msg.state.driver_ok, ==, 1);
	/* a second ATTACH has no place */
	broker_attach();

	g_assert_cmpint(ipc_send(broker, VGPU_BROKER_KILL_WORKER, &reason,
				 sizeof(reason), NULL, 0), ==, 0);
	close(expect_worker(VGPU_SETUP_VIRGL | VGPU_SETUP_SCHED |
			    VGPU_SETUP_TAKEOVER, 1, 0));
	broker_told(VGPU_BROKER_WORKER_EXITED);
	g_assert_cmpint(WTERMSIG(msg.worker.status), ==, SIGKILL);
	broker_told(VGPU_BROKER_WORKER_STARTED);
	g_assert_cmpuint(msg.worker.restarts, ==, 1);

	/* vgpud goes: this worker runs on, freely, and so does the next */
	close(broker);
	told(VGPU_IPC_SCHED_DETACH);
	kill_worker();
	close(expect_worker(VGPU_SETUP_VIRGL | VGPU_SETUP_TAKEOVER, 1, 0));
	teardown();
}

/* vgpud dies, or speaks nonsense, before it has answered: 2D, unscheduled. */
static void test_broker_gone(void)
{
	struct vgpu_ipc_header header = { VGPU_BROKER_HELLO, 0 };

	setup_broker();
	vu_send(VHOST_USER_GET_FEATURES, NULL, 0, NULL, 0);
	fdpass_send(broker, &header, sizeof(header), NULL, 0);
	g_assert_cmpint(vu_reply(VHOST_USER_GET_FEATURES, &header, 1000), ==,
			8);
	vu_negotiate();
	vu_start(0, 0);
	close(expect_worker(0, 1, 0));
	close(broker);
	teardown();
}

/* ---- caps ---- */

static void test_caps(void)
{
	static const char *const bad[] = { "crash", "fail", "none", "many",
					   "long", "magic", "name" };
	struct vgpu_caps *caps = g_new(struct vgpu_caps, 1);
	size_t i;
	int fd;

	log_set_level(getenv("VGPU_LOG") ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR);
	fd = caps_probe("/proc/self/exe", "/dev/dri/renderD128", "virgl");
	g_assert_cmpint(fd, >=, 0);
	g_assert_cmpint(caps_read(fd, caps), ==, 0);
	g_assert_cmpuint(caps->count, ==, 2);
	/* frozen */
	g_assert_cmpint(pwrite(fd, caps, 1, 0), ==, -1);
	g_assert_true(mmap(NULL, 4096, PROT_WRITE, MAP_SHARED, fd, 0) ==
		      MAP_FAILED);
	close(fd);
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		setenv("VGPU_TEST_PROBE", bad[i], 1);
		g_assert_cmpint(caps_probe("/proc/self/exe", NULL, "virgl"), <,
				0);
	}
	g_assert_cmpint(caps_probe("/nonexistent", NULL, "virgl"), ==,
			-ENOEXEC);
	fd = caps_none();
	g_assert_cmpint(caps_read(fd, caps), ==, 0);
	g_assert_cmpuint(caps->count, ==, 0);
	close(fd);
	fd = memfd_create("short", MFD_CLOEXEC);
	g_assert_cmpint(caps_read(fd, caps), ==, -EBADMSG);
	close(fd);
	g_free(caps);
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "--probe"))
		return play_probe(argv);
	play_init(&argc, &argv);
	runner_add("/endpoint/start/told", test_start, 0);
	runner_add("/endpoint/start/confined", test_confined, 0);
	runner_add("/endpoint/display", test_display, 0);
	runner_add("/endpoint/broken", test_broken, 0);
	runner_add("/endpoint/broker/scheduled", test_broker, 0);
	runner_add("/endpoint/broker/gone", test_broker_gone, 0);
	runner_add("/endpoint/caps", test_caps, 0);
	return runner_run();
}
