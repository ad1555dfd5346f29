// SPDX-License-Identifier: MIT
/*
 * test-vgpud.c - vgpud as a process, with real endpoints and no GPU
 */
#include "tests/integration/vgpud_fixture.h"

static void test_vm_comes_and_goes(void)
{
	int i, before = 0;
	struct fe *fe;

	setup("[vm a]\n");
	g_assert_true(state_is("a", "idle"));
	for (i = 0; i < 20; i++) {
		if (i == 1)
			before = descriptors(vgpud);
		fe = start_vm("a");
		g_assert_true(draws(fe));
		UNTIL(state_is("a", "running"));
		g_assert_cmpint(vm_int("a", "worker_pid"), >, 0);
		g_assert_cmpuint(fe_free(fe), ==, 0);
		UNTIL(state_is("a", "idle"));
		g_assert_cmpint(vm_int("a", "connections"), ==, i + 1);
		g_assert_cmpint(vm_int("a", "worker_pid"), ==, 0);
	}
	/* a control client of ours may not have been closed yet */
	UNTIL(descriptors(vgpud) <= before);
	teardown();
}

/* One front end a VM; the first is not disturbed. */
static void test_second_connection(void)
{
	struct fe *fe;
	char c;
	int sock;

	setup("[vm a]\n");
	fe = start_vm("a");
	sock = connect_vm("a");
	g_assert_cmpint(sock, >=, 0);
	g_assert_cmpint(recv(sock, &c, 1, 0), ==, 0);
	close(sock);
	UNTIL(log_has("a second connection is refused"));
	g_assert_true(draws(fe));
	fe_free(fe);
	teardown();
}

/* Only that VM loses its GPU; its socket takes the next connection. */
static void test_endpoint_crashes(void)
{
	struct fe *a, *b;

	setup("[vm a]\n[vm b]\n");
	a = start_vm("a");
	b = start_vm("b");
	kill((pid_t)vm_int("a", "endpoint_pid"), SIGKILL);
	g_assert_true(fe_vu_closed(a, 5000));
	UNTIL(log_has("was killed by signal 9"));
	g_assert_true(draws(b));
	fe_free(a);
	a = start_vm("a");
	g_assert_true(draws(a));
	fe_free(a);
	fe_free(b);
	teardown();
}

static void test_worker_killed(void)
{
	gint64 worker;
	struct fe *fe;
	int i;

	setup("[vm a]\n");
	fe = start_vm("a");
	for (i = 1; i <= 3; i++) {
		g_assert_true(draws(fe));
		worker = vm_int("a", "worker_pid");
		g_assert_cmpint(worker, >, 0);
		kill((pid_t)worker, SIGKILL);
		UNTIL(vm_int("a", "worker_pid") > 0 &&
		      vm_int("a", "worker_pid") != worker);
		g_assert_true(draws(fe));
		g_assert_cmpint(vm_int("a", "restarts"), ==, i);
	}
	fe_free(fe);
	teardown();
}

static void test_reload(void)
{
	struct fe *a, *c;

	setup("[vm a]\nweight=200\n[vm b]\n");
	a = start_vm("a");
	set_weight("b", 7);

	/* mistakes change nothing, and the VM goes on */
	write_config("[vm a]\nweight=0\n[vm z]\n");
	kill(vgpud, SIGHUP);
	UNTIL(log_has("everything runs as before"));
	g_assert_true(log_has("vgpud.conf:6: weight: \"0\" is not a number from 1 to 10000"));
	g_assert_cmpint(vm_int("a", "weight"), ==, 200);
	g_assert_cmpint(vm_int("z", "weight"), ==, -1);
	g_assert_true(draws(a));

	/* a weight, a VM more; b keeps the weight that it was given live */
	write_config("[vm a]\nweight=300\n[vm b]\n[vm c]\n");
	kill(vgpud, SIGHUP);
	UNTIL(vm_int("c", "weight") == 100);
	g_assert_cmpint(vm_int("a", "weight"), ==, 300);
	g_assert_cmpint(vm_int("b", "weight"), ==, 7);
	g_assert_true(draws(a));
	c = start_vm("c");
	g_assert_true(draws(c));

	/* a VM less that runs, and one that does not */
	write_config("[vm c]\n");
	kill(vgpud, SIGHUP);
	UNTIL(vm_int("b", "weight") == -1);
	g_assert_true(draws(a));
	g_assert_cmpint(connect_vm("a"), <, 0);
	g_assert_cmpint(connect_vm("b"), <, 0);
	fe_free(a);
	UNTIL(vm_int("a", "weight") == -1);
	g_assert_true(draws(c));
	fe_free(c);
	teardown();
}

/* Two VMs exchange their sockets. */
static void test_reload_sockets(void)
{
	g_autofree char *one = NULL;
	struct fe *fe;

	setup("[vm a]\n[vm b]\n");
	one = g_strdup_printf("[vm a]\nsocket=%s/b.sock\n[vm b]\nsocket=%s/a.sock\n",
			      dir, dir);
	write_config(one);
	kill(vgpud, SIGHUP);
	UNTIL(log_has("vgpud.conf: 2 VMs"));
	fe = start_vm("a");
	UNTIL(state_is("b", "running"));
	g_assert_true(state_is("a", "idle"));
	fe_free(fe);
	teardown();
}

/* Live weights outlive a restart, until the configuration is changed. */
static void test_restart(void)
{
	setup("[vm a]\nweight=50\n");
	set_weight("a", 77);
	stop_vgpud(SIGINT);
	g_unlink(log_path);
	spawn_vgpud();
	UNTIL(log_has("control socket"));
	g_assert_cmpint(vm_int("a", "weight"), ==, 77);
	write_config("[vm a]\nweight=60\n");
	kill(vgpud, SIGHUP);
	UNTIL(vm_int("a", "weight") == 60);
	teardown();
}

/* With VMs that run, and one whose front end never says a word. */
static void test_stop(void)
{
	struct fe *fe;
	int mute;

	setup("[vm a]\n[vm b]\n");
	fe = start_vm("a");
	mute = connect_vm("b");
	UNTIL(state_is("b", "connected"));
	stop_vgpud(SIGTERM);
	g_assert_true(fe_vu_closed(fe, 1000));
	fe_free(fe);
	close(mute);
	g_unlink(log_path);
	spawn_vgpud();
	UNTIL(log_has("control socket"));
	teardown();
}

/* It dies: VMs go on, and a new one starts where it left. */
static void test_killed(void)
{
	struct fe *fe;

	setup("[vm a]\n");
	fe = start_vm("a");
	g_assert_true(draws(fe));
	kill(vgpud, SIGKILL);
	waitpid(vgpud, NULL, 0);
	g_assert_true(draws(fe));
	g_unlink(log_path);
	spawn_vgpud();
	UNTIL(log_has("control socket"));
	g_assert_true(draws(fe));
	fe_free(fe);
	fe = start_vm("a");
	g_assert_true(draws(fe));
	fe_free(fe);
	teardown();
}

static void next_vgpud(void)
{
	g_unlink(log_path);
	spawn_vgpud();
	UNTIL(log_has("control socket"));
}

/* It dies and comes back: the same endpoint and worker, scheduled again. */
static void test_adopted(void)
{
	gint64 endpoint, worker;
	struct fe *fe;
	int i;

	setup("[vm a]\n[vm b]\n");
	fe = start_vm("a");
	g_assert_true(draws(fe));
	UNTIL(vm_int("a", "worker_pid") > 0);
	endpoint = vm_int("a", "endpoint_pid");
	worker = vm_int("a", "worker_pid");
	for (i = 0; i < 3; i++) {
		kill(vgpud, i & 1 ? SIGUSR1 : SIGKILL);
		waitpid(vgpud, NULL, 0);
		g_assert_true(draws(fe));
		next_vgpud();
		UNTIL(vm_int("a", "worker_pid") == worker);
		g_assert_cmpint(vm_int("a", "endpoint_pid"), ==, endpoint);
		g_assert_cmpint(vm_int("a", "restarts"), ==, 0);
		UNTIL(state_is("a", "running"));
		g_assert_true(draws(fe));
	}
	/* a worker that dies is replaced as ever, and the front end's end seen */
	kill((pid_t)worker, SIGKILL);
	UNTIL(vm_int("a", "worker_pid") > 0 &&
	      vm_int("a", "worker_pid") != worker);
	g_assert_true(draws(fe));
	fe_free(fe);
	UNTIL(state_is("a", "idle"));
	fe = start_vm("a");
	g_assert_true(draws(fe));
	teardown();
	fe_free(fe);
}

/* Anybody else at the socket for endpoints: refused, and nobody is delayed. */
static void test_adopt_bad(void)
{
	static const char *const lines[] = { "", "x", "nonsense nonsense" };
	g_autofree char *path = NULL;
	int socks[100];
	size_t i;
	char c;

	setup("[vm a]\n");
	path = g_strdup_printf("%s/.endpoints", dir);
	for (i = 0; i < G_N_ELEMENTS(socks); i++) {
		const char *text = lines[i % 3];

		socks[i] = fdpass_connect(path, SOCK_SEQPACKET);
		g_assert_cmpint(socks[i], >=, 0);
		if (*text)
			send(socks[i], text, strlen(text), MSG_NOSIGNAL);
		if (!(i % 10))
			g_assert_cmpint(vm_int("a", "weight"), ==, 100);
	}
	UNTIL(log_has("is not taken back: it sends nonsense"));
	/* who says nothing is dropped too, in two seconds */
	for (i = 0; i < G_N_ELEMENTS(socks); i++) {
		g_assert_cmpint(recv(socks[i], &c, 1, 0), <=, 0);
		close(socks[i]);
	}
	g_assert_true(state_is("a", "idle"));
	teardown();
}

/* Two sets of CPUs are two GPUs: each VM on its own, by itself or as told. */
static void test_two_gpus(void)
{
	struct fe *a, *b;
	JsonNode *node;
	JsonArray *gpus;

	setup("[gpu left]\nrender-node=none\ncpus=0\n"
	      "[gpu right]\nrender-node=none\ncpus=1\npolicy=fixed\n"
	      "[vm a]\n[vm b]\n[vm c]\ngpu=right\n");
	a = start_vm("a");
	b = start_vm("b");
	g_assert_true(draws(a));
	g_assert_true(draws(b));
	node = ask("{\"cmd\":\"stats\"}\n");
	gpus = json_object_get_array_member(json_node_get_object(node), "gpus");
	g_assert_cmpuint(json_array_get_length(gpus), ==, 2);
	g_assert_cmpint(json_object_get_int_member(
		json_array_get_object_element(gpus, 0), "vms"), ==, 1);
	g_assert_cmpint(json_object_get_int_member(
		json_array_get_object_element(gpus, 1), "vms"), ==, 2);
	json_node_unref(node);
	/* both run where they are: on one CPU each */
	g_assert_cmpint(cpus_of((pid_t)vm_int("a", "worker_pid")), ==, 0);
	g_assert_cmpint(cpus_of((pid_t)vm_int("b", "worker_pid")), ==, 1);
	fe_free(a);
	fe_free(b);
	teardown();
}

static void test_second_vgpud(void)
{
	pid_t first;
	int status;

	setup("[vm a]\n");
	first = vgpud;
	spawn_vgpud();
	g_assert_cmpint(waitpid(vgpud, &status, 0), ==, vgpud);
	g_assert_cmpint(WEXITSTATUS(status), ==, 1);
	UNTIL(log_has("Address already in use; another program listens there"));
	vgpud = first;
	g_assert_cmpint(vm_int("a", "weight"), ==, 100);
	teardown();
}

static void test_missing_programs(void)
{
	int sock;
	char c;

	setup("endpoint=/nonexistent/endpoint\n[vm a]\n");
	sock = connect_vm("a");
	g_assert_cmpint(recv(sock, &c, 1, 0), ==, 0);
	close(sock);
	UNTIL(log_has("/nonexistent/endpoint can not be started: No such file or directory; install it"));
	teardown();

	setup("worker=/nonexistent/worker\n[vm a]\n");
	g_assert_true(log_has("/nonexistent/worker can not be started"));
	g_assert_true(log_has("there is no 3D"));
	teardown();
}

static void test_service_manager(void)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	int sock = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	char buf[64] = "";

	g_snprintf(addr.sun_path, sizeof(addr.sun_path),
		   "/tmp/vgpu-notify-%d", (int)getpid());
	g_assert_cmpint(bind(sock, (struct sockaddr *)&addr, sizeof(addr)), ==,
			0);
	g_setenv("NOTIFY_SOCKET", addr.sun_path, TRUE);
	setup("[vm a]\n");
	g_assert_cmpint(recv(sock, buf, sizeof(buf), 0), ==, 7);
	g_assert_cmpstr(buf, ==, "READY=1");
	teardown();
	memset(buf, 0, sizeof(buf));
	g_assert_cmpint(recv(sock, buf, sizeof(buf), 0), ==, 10);
	g_assert_cmpstr(buf, ==, "STOPPING=1");
	close(sock);
	unlink(addr.sun_path);
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	runner_add("/vgpud/vm-comes-and-goes", test_vm_comes_and_goes, 0);
	runner_add("/vgpud/second-connection", test_second_connection, 0);
	runner_add("/vgpud/endpoint-crashes", test_endpoint_crashes, 0);
	runner_add("/vgpud/worker-killed", test_worker_killed, 0);
	runner_add("/vgpud/reload", test_reload, 0);
	runner_add("/vgpud/reload-sockets", test_reload_sockets, 0);
	runner_add("/vgpud/restart", test_restart, 0);
	runner_add("/vgpud/stop", test_stop, 0);
	runner_add("/vgpud/killed", test_killed, 0);
	runner_add("/vgpud/adopted", test_adopted, 0);
	runner_add("/vgpud/adopt-bad", test_adopt_bad, 0);
	runner_add("/vgpud/two-gpus", test_two_gpus, 0);
	runner_add("/vgpud/second-vgpud", test_second_vgpud, 0);
	runner_add("/vgpud/missing-programs", test_missing_programs, 0);
	runner_add("/vgpud/service-manager", test_service_manager, 0);
	return runner_run();
}
