// SPDX-License-Identifier: MIT
/*
 * options.c - the command line of vgpu-endpoint
 */
#include "endpoint/options.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <glib.h>

#include "endpoint/cpulist.h"
#include "protocol/vgpu_ipc.h"
#include "protocol/virtio_gpu.h"

#ifndef VGPU_LIBEXECDIR
#define VGPU_LIBEXECDIR	"/usr/local/libexec/vgpu"
#endif

#define SIDE_MAX	16384

static const char summary[] =
	"Serves the virtio GPU of one virtual machine to QEMU's\n"
	"vhost-user-gpu-pci, vhost-user-vga or vhost-user-gpu device.";

static const char description[] =
	"Example:\n"
	"  vgpu-endpoint --socket-path=/run/vm1.sock --virgl &\n"
	"  qemu-system-x86_64 -object memory-backend-memfd,id=m,size=1G,share=on \\\n"
	"    -machine memory-backend=m -m 1G -chardev socket,id=c,path=/run/vm1.sock \\\n"
	"    -device vhost-user-gpu-pci,chardev=c ...\n\n"
	"VGPU_LOG=error|warning|info|debug in the environment says how much is logged.\n";

static char *default_worker(void)
{
	char *exe = g_file_read_link("/proc/self/exe", NULL);
	char *dir = exe ? g_path_get_dirname(exe) : g_strdup(".");
	char *path = g_build_filename(dir, "vgpu-worker", NULL);

	if (access(path, X_OK)) {
		g_free(path);
		path = g_strdup(VGPU_LIBEXECDIR "/vgpu-worker");
	}
	g_free(dir);
	g_free(exe);
	return path;
}

static char *default_name(const char *socket_path)
{
	char *name;

	if (!socket_path)
		return g_strdup("vm");
	name = g_path_get_basename(socket_path);
	if (g_str_has_suffix(name, ".sock"))
		name[strlen(name) - strlen(".sock")] = '\0';
	if (!*name || strlen(name) >= VGPU_NAME_MAX) {
		g_free(name);
		return g_strdup("vm");
	}
	return name;
}

/* Bytes, with K, M, G or T for powers of 1024. */
static int parse_size(const char *text, uint64_t *size)
{
	static const char units[] = "KMGT";
	const char *unit;
	char *end;
	uint64_t value;

	errno = 0;
	value = g_ascii_strtoull(text, &end, 10);
	if (errno || end == text || !g_ascii_isdigit(*text))
		return -EINVAL;
	if (*end) {
		unit = strchr(units, g_ascii_toupper(*end));
		if (!unit || end[1])
			return -EINVAL;
		for (; unit >= units; unit--) {
			if (value > UINT64_MAX / 1024)
				return -EINVAL;
			value *= 1024;
		}
	}
	*size = value;
	return 0;
}

static bool is_socket(int fd, int type)
{
	int got;
	socklen_t len = sizeof(got);

	return !getsockopt(fd, SOL_SOCKET, SO_TYPE, &got, &len) && got == type;
}

/* Return: NULL, or what is wrong. */
static const char *check(const struct options *o)
{
	cpu_set_t cpus;

	if (o->fd >= 0 && o->socket_path)
		return "--fd and --socket-path exclude each other";
	if (o->fd < 0 && !o->socket_path)
		return "one of --fd and --socket-path is needed";
	if (o->socket_path && !*o->socket_path)
		return "--socket-path is empty";
	if (o->fd >= 0 && !is_socket(o->fd, SOCK_STREAM))
		return "--fd is not a connected stream socket";
	if (o->broker_fd >= 0 && !is_socket(o->broker_fd, SOCK_SEQPACKET))
		return "--broker-fd is not a SEQPACKET socket";
	if (o->outputs < 0 || o->outputs > VIRTIO_GPU_MAX_SCANOUTS)
		return "--outputs must be 1 to 16";
	if (o->width < 1 || o->width > SIDE_MAX || o->height < 1 ||
	    o->height > SIDE_MAX)
		return "--width and --height must be 1 to 16384";
	if (!*o->name || strlen(o->name) >= VGPU_NAME_MAX)
		return "--name must have 1 to 63 bytes";
	if (o->render_node && strlen(o->render_node) >= VGPU_PATH_MAX)
		return "--render-node is too long";
	if (o->cpu_threads < 0 || o->cpu_threads > 1024)
		return "--cpu-threads must be 0 to 1024";
	if (o->cpus && (strlen(o->cpus) >= 64 || cpulist_parse(o->cpus, &cpus)))
		return "--cpus must be a list such as 0-3,6";
	return NULL;
}

static const char *set_defaults(struct options *o, const char *memory_max,
				const char *renderer)
{
	if (!o->worker)
		o->worker = default_worker();
	if (!o->name)
		o->name = default_name(o->socket_path);
	if (o->render_node && !strcmp(o->render_node, "none"))
		*o->render_node = '\0';
	o->null_renderer = renderer && !strcmp(renderer, "null");
	if (renderer && !o->null_renderer && strcmp(renderer, "virgl"))
		return "--renderer must be virgl or null";
	if (memory_max && parse_size(memory_max, &o->memory_max))
		return "--memory-max must be a number of bytes such as 512M";
	return NULL;
}

/* After parsing, which may have found something wrong. Return: what is. */
static const char *complete(struct options *o, const char *wrong,
			    const char *memory_max, const char *renderer)
{
	const char *bad = set_defaults(o, memory_max, renderer);

	if (!wrong)
		wrong = bad;
	if (!wrong && !o->version)
		wrong = check(o);
	return o->print_capabilities ? NULL : wrong;
}

/* Nothing else on the command line can keep it from being answered. */
static bool asks_for_capabilities(int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--print-capabilities"))
			return true;
	}
	return false;
}

int options_parse(struct options *o, int argc, char **argv)
{
	char *memory_max = NULL, *renderer = NULL;
	gboolean version = FALSE, once = FALSE, virgl = FALSE;
	const bool caps = asks_for_capabilities(argc, argv);
	gboolean print = FALSE;
	const GOptionEntry entries[] = {
		{ "socket-path", 's', 0, G_OPTION_ARG_FILENAME, &o->socket_path,
		  "Listen for the front end here", "PATH" },
		{ "fd", 'f', 0, G_OPTION_ARG_INT, &o->fd,
		  "Serve this connected socket, end with it", "FD" },
		{ "once", 0, 0, G_OPTION_ARG_NONE, &once,
		  "End when the first front end disconnects", NULL },
		{ "virgl", 'v', 0, G_OPTION_ARG_NONE, &virgl,
		  "Offer 3D; fail at once if that can not be", NULL },
		{ "render-node", 'r', 0, G_OPTION_ARG_FILENAME,
		  &o->render_node,
		  "GPU to use (default: the first that works, then none)",
		  "PATH|none" },
		{ "name", 'n', 0, G_OPTION_ARG_STRING, &o->name,
		  "Name of the VM in messages", "NAME" },
		{ "outputs", 0, 0, G_OPTION_ARG_INT, &o->outputs,
		  "Number of outputs (default: as the front end says)", "N" },
		{ "width", 0, 0, G_OPTION_ARG_INT, &o->width,
		  "Of output 0, if the front end does not say", "N" },
		{ "height", 0, 0, G_OPTION_ARG_INT, &o->height,
		  "Of output 0, if the front end does not say", "N" },
		{ "cpus", 0, 0, G_OPTION_ARG_STRING, &o->cpus,
		  "CPUs of the worker", "LIST" },
		{ "cpu-threads", 0, 0, G_OPTION_ARG_INT, &o->cpu_threads,
		  "Threads of a CPU renderer (0: its default)", "N" },
		{ "memory-max", 0, 0, G_OPTION_ARG_STRING, &memory_max,
		  "Limit of the guest's GPU resources", "BYTES[K|M|G]" },
		{ "worker", 0, 0, G_OPTION_ARG_FILENAME, &o->worker,
		  "The vgpu-worker program", "PATH" },
		{ "renderer", 0, 0, G_OPTION_ARG_STRING, &renderer,
		  "virgl, or null for tests", "NAME" },
		{ "broker-fd", 0, 0, G_OPTION_ARG_INT, &o->broker_fd,
		  "Socket to vgpud, which starts this program so", "FD" },
		{ "print-capabilities", 0, 0, G_OPTION_ARG_NONE, &print,
		  "Print what this host offers as JSON", NULL },
		{ "version", 'V', 0, G_OPTION_ARG_NONE, &version,
		  "Print the version", NULL },
		{ NULL, 0, 0, 0, NULL, NULL, NULL }
	};
	GOptionContext *context = g_option_context_new(NULL);
	const char *wrong = NULL;
	GError *error = NULL;

	*o = (struct options){
		.fd = -1, .broker_fd = -1, .width = 1280, .height = 800,
	};
	g_option_context_set_summary(context, summary);
	g_option_context_set_description(context, description);
	g_option_context_add_main_entries(context, entries, NULL);
	g_option_context_set_ignore_unknown_options(context, caps);
	if (!g_option_context_parse(context, &argc, &argv, &error))
		wrong = error->message;
	else if (argc > 1)
		wrong = "arguments without an option";
	o->print_capabilities = caps;
	o->version = version;
	o->once = once;
	o->virgl = virgl;
	wrong = complete(o, wrong, memory_max, renderer);
	if (wrong)
		g_printerr("vgpu-endpoint: %s; see --help\n", wrong);
	g_clear_error(&error);
	g_option_context_free(context);
	g_free(memory_max);
	g_free(renderer);
	return wrong ? -EINVAL : 0;
}

void options_fini(struct options *o)
{
	g_free(o->socket_path);
	g_free(o->render_node);
	g_free(o->name);
	g_free(o->worker);
	g_free(o->cpus);
}
