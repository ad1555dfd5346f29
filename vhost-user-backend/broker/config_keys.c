// SPDX-License-Identifier: MIT
/*
 * config_keys.c - the keys of both kinds of section, and what they accept
 */
#include "broker/config_keys.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/un.h>

#include "broker/config.h"
#include "protocol/vgpu_ipc.h"
#include "sched/policy.h"

#define SOCKET_MAX	sizeof(((struct sockaddr_un *)0)->sun_path)
#define CPUS_MAX	sizeof(((struct vgpu_broker_attach *)0)->cpus)

/* ---- kinds of values ---- */

static bool number(const char *value, uint64_t min, uint64_t max, uint64_t *to)
{
	return g_ascii_string_to_unsigned(value, 10, min, max, to, NULL);
}

static char *set_u32(uint32_t *to, const char *value, uint32_t min,
		     uint32_t max)
{
	uint64_t n;

	if (!number(value, min, max, &n))
		return g_strdup_printf("\"%s\" is not a number from %u to %u",
				       value, min, max);
	*to = (uint32_t)n;
	return NULL;
}

static char *set_path(char **to, const char *value, size_t max)
{
	if (*value != '/')
		return g_strdup_printf("\"%s\" is not an absolute path; begin it with /",
				       value);
	if (strlen(value) >= max)
		return g_strdup_printf("the path has %zu characters; at most %zu are possible here",
				       strlen(value), max - 1);
	g_free(*to);
	*to = g_strdup(value);
	return NULL;
}

static char *set_bool(bool *to, const char *value)
{
	if (!strcmp(value, "true"))
		*to = true;
	else if (!strcmp(value, "false"))
		*to = false;
	else
		return g_strdup_printf("\"%s\" is neither true nor false",
				       value);
	return NULL;
}

/* @units: pairs of suffix and factor; the last suffix is "" */
struct unit {
	const char *suffix;
	uint64_t factor;
};

static bool with_unit(const char *value, const struct unit *units, uint64_t max,
		      uint64_t *to)
{
	const struct unit *u;
	char *digits;
	bool ok;

	for (u = units; *u->suffix && !g_str_has_suffix(value, u->suffix); u++)
		;
	digits = g_strndup(value, strlen(value) - strlen(u->suffix));
	ok = u->factor && number(digits, 0, max / u->factor, to);
	g_free(digits);
	if (ok)
		*to *= u->factor;
	return ok;
}

/* ---- [vgpud] ---- */

static char *set_control_socket(void *to, const char *value)
{
	return set_path(&((struct config *)to)->control_socket, value,
			SOCKET_MAX);
}

static char *set_runtime_dir(void *to, const char *value)
{
	return set_path(&((struct config *)to)->runtime_dir, value,
			SOCKET_MAX - VGPU_NAME_MAX);
}

static char *set_render_node(void *to, const char *value)
{
	struct config *c = to;

	if (!strcmp(value, "none")) {
		g_free(c->render_node);
		c->render_node = g_strdup("");
		return NULL;
	}
	if (*value != '/')
		return g_strdup_printf("\"%s\" is no render node; write a path like /dev/dri/renderD128, or none for the CPU renderer",
				       value);
	return set_path(&c->render_node, value, VGPU_PATH_MAX);
}

static char *set_renderer(void *to, const char *value)
{
	struct config *c = to;

	if (!strcmp(value, "virgl"))
		c->renderer = CONFIG_VIRGL;
	else if (!strcmp(value, "null"))
		c->renderer = CONFIG_NULL;
	else
		return g_strdup_printf("there is no renderer \"%s\"; it is virgl or null",
				       value);
	return NULL;
}

static bool cpu_list_ok(const char *value)
{
	char **parts = g_strsplit(value, ",", -1);
	bool ok = *parts != NULL;
	char **p;

	for (p = parts; *p && ok; p++) {
		char **ends = g_strsplit(*p, "-", 2);
		uint64_t a, b;

		ok = ends[0] && number(ends[0], 0, 4095, &a) &&
			(!ends[1] || number(ends[1], a, 4095, &b));
		g_strfreev(ends);
	}
	g_strfreev(parts);
	return ok;
}

static char *set_worker_cpus(void *to, const char *value)
{
	struct config *c = to;

	if (!cpu_list_ok(value))
		return g_strdup_printf("\"%s\" is not a list of CPUs; write one like 0,2-3",
				       value);
	if (strlen(value) >= CPUS_MAX)
		return g_strdup_printf("the list has %zu characters, at most %zu are possible; use ranges",
				       strlen(value), CPUS_MAX - 1);
	g_free(c->worker_cpus);
	c->worker_cpus = g_strdup(value);
	return NULL;
}

static char *set_cpu_threads(void *to, const char *value)
{
	return set_u32(&((struct config *)to)->cpu_threads, value, 1, 256);
}

static char *set_timeout(void *to, const char *value)
{
	static const struct unit units[] = {
		{ "ms", 1000000 }, { "s", 1000000000 }, { "", 0 },
	};
	uint64_t ns;

	if (!with_unit(value, units, 3600000000000ull, &ns) || ns < 100000000)
		return g_strdup_printf("\"%s\" is not a time from 100ms to 3600s; write one like 10s or 500ms",
				       value);
	((struct config *)to)->timeout_ns = ns;
	return NULL;
}

static char *set_endpoint(void *to, const char *value)
{
	return set_path(&((struct config *)to)->endpoint, value, VGPU_PATH_MAX);
}

static char *set_worker(void *to, const char *value)
{
	return set_path(&((struct config *)to)->worker, value, VGPU_PATH_MAX);
}

const struct config_key config_daemon_keys[] = {
	{ "control-socket", set_control_socket },
	{ "runtime-dir", set_runtime_dir },
	{ "render-node", set_render_node },
	{ "renderer", set_renderer },
	{ "worker-cpus", set_worker_cpus },
	{ "cpu-threads", set_cpu_threads },
	{ "timeout", set_timeout },
	{ "endpoint", set_endpoint },
	{ "worker", set_worker },
	{ NULL, NULL },
};

/* ---- [vm NAME] ---- */

bool config_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len < VGPU_NAME_MAX && *name != '-' && *name != '.' &&
		strspn(name, G_CSET_a_2_z G_CSET_A_2_Z "0123456789._-") == len;
}

static char *set_socket(void *to, const char *value)
{
	return set_path(&((struct config_vm *)to)->socket, value, SOCKET_MAX);
}

static char *set_owner(void *to, const char *value)
{
	struct config_vm *vm = to;
	struct passwd *pw = getpwnam(value);
	uint64_t id;

	if (pw)
		vm->owner = pw->pw_uid;
	else if (number(value, 0, UINT32_MAX - 1, &id))
		vm->owner = (uid_t)id;
	else
		return g_strdup_printf("there is no user \"%s\"; name one of this host, or write a number",
				       value);
	return NULL;
}

static char *set_group(void *to, const char *value)
{
	struct config_vm *vm = to;
	struct group *gr = getgrnam(value);
	uint64_t id;

	if (gr)
		vm->group = gr->gr_gid;
	else if (number(value, 0, UINT32_MAX - 1, &id))
		vm->group = (gid_t)id;
	else
		return g_strdup_printf("there is no group \"%s\"; name one of this host, or write a number",
				       value);
	return NULL;
}

static char *set_mode(void *to, const char *value)
{
	uint64_t mode;

	if (!g_ascii_string_to_unsigned(value, 8, 0, 0777, &mode, NULL))
		return g_strdup_printf("\"%s\" is not a file mode; write an octal one like 0660",
				       value);
	((struct config_vm *)to)->mode = (mode_t)mode;
	return NULL;
}

static char *set_weight(void *to, const char *value)
{
	return set_u32(&((struct config_vm *)to)->weight, value,
		       POLICY_WEIGHT_MIN, POLICY_WEIGHT_MAX);
}

static char *set_memory(void *to, const char *value)
{
	static const struct unit units[] = {
		{ "K", 1ull << 10 }, { "M", 1ull << 20 }, { "G", 1ull << 30 },
		{ "", 1 },
	};
	uint64_t bytes;

	if (!with_unit(value, units, 1ull << 50, &bytes))
		return g_strdup_printf("\"%s\" is not a size; write bytes or a number with K, M or G, 0 for no limit",
				       value);
	if (bytes && bytes < 16 << 20)
		return g_strdup_printf("%s is less than a screen needs; give at least 16M, or 0 for no limit",
				       value);
	((struct config_vm *)to)->memory = bytes;
	return NULL;
}

static char *set_outputs(void *to, const char *value)
{
	return set_u32(&((struct config_vm *)to)->outputs, value, 1,
		       VIRTIO_GPU_MAX_SCANOUTS);
}

static char *set_width(void *to, const char *value)
{
	return set_u32(&((struct config_vm *)to)->width, value, 320, 16384);
}

static char *set_height(void *to, const char *value)
{
	return set_u32(&((struct config_vm *)to)->height, value, 200, 16384);
}

static char *set_3d(void *to, const char *value)
{
	return set_bool(&((struct config_vm *)to)->virgl, value);
}

const struct config_key config_vm_keys[] = {
	{ "socket", set_socket },
	{ "owner", set_owner },
	{ "group", set_group },
	{ "mode", set_mode },
	{ "weight", set_weight },
	{ "memory", set_memory },
	{ "outputs", set_outputs },
	{ "width", set_width },
	{ "height", set_height },
	{ "3d", set_3d },
	{ NULL, NULL },
};
