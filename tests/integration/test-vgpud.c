// SPDX-License-Identifier: MIT
/*
 * test-vgpud.c - vgpud as a process, with real endpoints and no GPU
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <glib.h>
#include <glib/gstdio.h>
#include <json-glib/json-glib.h>

#include "base/fdpass.h"
#include "tests/lib/fe.h"
#include "tests/lib/runner.h"

static char *dir, *config_path, *log_path;
static pid_t vgpud;

static void write_config(const char *more)
{
	g_autofree char *text = g_strdup_printf(
		"[vgpud]\nruntime-dir=%s\ncontrol-socket=%s/control\n"
		"renderer=null\n%s", dir, dir, more);

	g_assert_true(g_file_set_contents(config_path, text, -1, NULL));
}

static void spawn_vgpud(void)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";
	g_autofree char *program = g_strdup_printf("%s/vgpud", b);
	FILE *log;

	vgpud = fork();
	if (vgpud)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	log = freopen(log_path, "a", stderr);
	if (log)
		execl(program, "vgpud", "--config", config_path, NULL);
	_exit(127);
}

static bool log_has(const char *text)
{
	g_autofree char *log = NULL;

	return g_file_get_contents(log_path, &log, NULL, NULL) &&
		strstr(log, text);
}

/* Wait until it is so; what never comes fails the case. */
#define UNTIL(condition) do { \
	int tries_; \
	for (tries_ = 0; !(condition); tries_++) { \
		if (tries_ > 1500) \
			g_error("never came: %s", #condition); \
		usleep(10000); \
	} \
} while (0)

static void setup(const char *more)
{
	dir = g_dir_make_tmp("vgpu-vgpud-XXXXXX", NULL);
	config_path = g_strdup_printf("%s/vgpud.conf", dir);
	log_path = g_strdup_printf("%s/log", dir);
	write_config(more);
	spawn_vgpud();
	UNTIL(log_has("control socket") ||
	      waitpid(vgpud, NULL, WNOHANG) == vgpud);
}

static int socket_count(void)
{
	GDir *d = g_dir_open(dir, 0, NULL);
	const char *name;
	int n = 0;

	while ((name = g_dir_read_name(d))) {
		g_autofree char *path = g_build_filename(dir, name, NULL);
		struct stat st;

		n += !lstat(path, &st) && S_ISSOCK(st.st_mode);
	}
	g_dir_close(d);
	return n;
}

/* It ends within two seconds and leaves no socket. */
static void stop_vgpud(int signo)
{
	uint64_t began = fe_now_ns();
	int status;

	kill(vgpud, signo);
	g_assert_cmpint(waitpid(vgpud, &status, 0), ==, vgpud);
	g_assert_cmpint(status, ==, 0);
	g_assert_cmpuint(fe_now_ns() - began, <, 2000000000);
	g_assert_cmpint(socket_count(), ==, 0);
}

static void teardown(void)
{
	g_autofree char *command = g_strdup_printf("rm -rf %s", dir);

	stop_vgpud(SIGTERM);
	g_assert_cmpint(system(command), ==, 0);
	g_free(dir);
	g_free(config_path);
	g_free(log_path);
}

static int connect_vm(const char *vm)
{
	g_autofree char *path = g_strdup_printf("%s/%s.sock", dir, vm);

	return fdpass_connect(path, SOCK_STREAM);
}

static struct fe *start_vm(const char *vm)
{
	static const struct fe_options opts = { .timeout_ms = 20000 };
	int sock = connect_vm(vm);
	struct fe *fe;

	g_assert_cmpint(sock, >=, 0);
	fe = fe_new_on(&opts, sock);
	g_assert_cmpint(fe_up(fe), ==, 0);
	return fe;
}

static bool draws(struct fe *fe)
{
	struct virtio_gpu_resp_display_info info;

	return fe_display_info(fe, &info) == VIRTIO_GPU_RESP_OK_DISPLAY_INFO;
}

static JsonNode *ask(const char *line)
{
	g_autofree char *path = g_strdup_printf("%s/control", dir);
	int sock = fdpass_connect(path, SOCK_STREAM);
	g_autoptr(GString) in = g_string_new(NULL);
	char buf[4096];
	ssize_t n;

	g_assert_cmpint(sock, >=, 0);
	g_assert_cmpint(send(sock, line, strlen(line), 0), >, 0);
	do {
		n = recv(sock, buf, sizeof(buf), 0);
		g_assert_cmpint(n, >, 0);
		g_string_append_len(in, buf, n);
	} while (in->str[in->len - 1] != '\n');
	close(sock);
	return json_from_string(in->str, NULL);
}

/* A number of a VM; -1 if there is no such VM. */
static gint64 vm_int(const char *vm, const char *member)
{
	g_autofree char *line = g_strdup_printf(
		"{\"cmd\":\"show\",\"vm\":\"%s\"}\n", vm);
	JsonNode *node = ask(line);
	JsonObject *object = json_node_get_object(node);
	gint64 value = -1;

	if (json_object_has_member(object, "vm"))
		value = json_object_get_int_member(
			json_object_get_object_member(object, "vm"), member);
	json_node_unref(node);
	return value;
}

static char *vm_state(const char *vm)
{
	g_autofree char *line = g_strdup_printf(
		"{\"cmd\":\"show\",\"vm\":\"%s\"}\n", vm);
	JsonNode *node = ask(line);
	char *state = g_strdup(json_object_get_string_member(
		json_object_get_object_member(json_node_get_object(node), "vm"),
		"state"));

	json_node_unref(node);
	return state;
}

static bool state_is(const char *vm, const char *wanted)
{
	g_autofree char *state = vm_state(vm);

	return !strcmp(state, wanted);
}

static void set_weight(const char *vm, int weight)
{
	g_autofree char *line = g_strdup_printf(
		"{\"cmd\":\"set\",\"vm\":\"%s\",\"weight\":%d}\n", vm, weight);

	json_node_unref(ask(line));
	g_assert_cmpint(vm_int(vm, "weight"), ==, weight);
}

/* The CPU that a process may run on; -1: several. */
static int cpus_of(pid_t pid)
{
	cpu_set_t set;
	int i;

	g_assert_cmpint(sched_getaffinity(pid, sizeof(set), &set), ==, 0);
	if (CPU_COUNT(&set) != 1)
		return -1;
	for (i = 0; !CPU_ISSET(i, &set); i++)
		;
	return i;
}

/* ---- cases ---- */

static int descriptors(pid_t pid)
{
	g_autofree char *path = g_strdup_printf("/proc/%d/fd", (int)pid);
	GDir *d = g_dir_open(path, 0, NULL);
	int n = 0;

	while (g_dir_read_name(d))
		n++;
	g_dir_close(d);
	return n;
}

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

/* Return: exit status; what it prints is @out, and @err */
static int run_ctl(const char *arguments, char **out, char **err)
{
	const char *b = g_getenv("B") ? g_getenv("B") : "build";
	g_autofree char *command = g_strdup_printf(
		"%s/vgpuctl --socket %s/control %s", b, dir, arguments);
	int status;

	g_assert_true(g_spawn_command_line_sync(command, out, err, &status,
						NULL));
	g_assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void test_vgpuctl(void)
{
	static const struct {
		const char *arguments;
		int status;
		const char *out, *err;	/* what must be in there */
	} runs[] = {
		{ "list", 0, "NAME ", "" },
		{ "list", 0, "\na  ", "" },
		{ "show a", 0, "weight         200\n", "" },
		{ "set b weight=10000", 0, "weight 10000, ", "" },
		{ "top -n 2 -d 0.1", 0, "FPS", "" },
		{ "--json list", 0, "[{\"name\":\"a\"", "" },
		{ "--json show b", 0, "\"weight\":10000", "" },
		{ "--json top -n 1", 0, "\"monotonic_ns\":", "" },
		{ "events", 0, "weight=10000 by pid", "" },
		{ "--json events", 0, "\"event\":\"set\"", "" },
		{ "trace -", 0, "\"traceEvents\":[", "" },
		{ "trace - -t 0.2", 0, "process_name", "" },
		{ "record - -t 0.3 -d 0.1", 0, "\"gpu_ns\":0", "" },
		{ "suspend a for a test", 0, "a: suspended", "" },
		{ "show a", 0, "suspended      for a test, by pid", "" },
		{ "list", 0, "suspended ", "" },
		{ "resume a", 0, "a: idle", "" },
		{ "resume a", 1, "", "not suspended" },
		{ "add d weight=50 cap=25% 3d=false", 0, "d: added", "" },
		{ "show d", 0, " cap=25", "" },
		{ "add d", 1, "", "there is a VM d already" },
		{ "set d cap=none weight=60", 0, "weight 60", "" },
		{ "set d cap=101%", 1, "", "cap" },
		{ "remove d", 0, "d: removed", "" },
		{ "show d", 1, "", "there is no VM \"d\"" },
		{ "show c", 1, "", "there is no VM \"c\"" },
		{ "set c weight=5", 1, "", "there is no VM \"c\"" },
		{ "set b weight=0", 1, "", "from 1 to 10000" },
		{ "set b weight=ten", 1, "", "from 1 to 10000" },
		{ "set b share=1", 1, "", "share" },
		{ "set b", 2, "", "KEY=VALUE" },
		{ "show", 2, "", "name of one VM" },
		{ "list a", 2, "", "no arguments" },
		{ "list -n 3", 2, "", "does not take -n" },
		{ "top -d -1", 2, "", "--help" },
		{ "frobnicate", 2, "", "list, show, set, add" },
		{ "", 2, "", "no command" },
		{ "--socket /nonexistent/s list", 1, "",
		  "no vgpud at /nonexistent/s: is it running?" },
	};
	size_t i;

	setup("[vm a]\nweight=200\n[vm b]\n");
	for (i = 0; i < G_N_ELEMENTS(runs); i++) {
		g_autofree char *out = NULL, *err = NULL;
		int status = run_ctl(runs[i].arguments, &out, &err);

		g_test_message("vgpuctl %s: %d %s", runs[i].arguments, status,
			       err);
		g_assert_cmpint(status, ==, runs[i].status);
		g_assert_nonnull(strstr(out, runs[i].out));
		g_assert_nonnull(strstr(err, runs[i].err));
	}
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
	runner_add("/vgpud/vgpuctl", test_vgpuctl, 0);
	runner_add("/vgpud/service-manager", test_service_manager, 0);
	return runner_run();
}
