// SPDX-License-Identifier: MIT
/*
 * config_keys.c - the keys of every kind of section, and what they accept
 */
#include "broker/config_keys.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/un.h>

#include <glib.h>

#include "broker/config.h"
#include "broker/listen.h"
#include "protocol/vgpu_ipc.h"
#include "sched/policy.h"

#define SOCKET_MAX	sizeof(((struct sockaddr_un *)0)->sun_path)
#define HOUR		(3600 * VALUE_NS_S)
#define LIMIT_MAX	(1 << 20)

/* ---- [vgpud] and [gpu NAME] ---- */

static char *render_node(char **to, const char *value)
{
	if (strcmp(value, "none") && *value != '/')
		return g_strdup_printf("\"%s\" is no render node; write a path like /dev/dri/renderD128, or none for the CPU renderer",
				       value);
	if (*value == '/')
		return value_read(VALUE_PATH, to, value, 0, VGPU_PATH_MAX);
	g_free(*to);
	*to = g_strdup("");
	return NULL;
}

static char *renderer(enum config_renderer *to, const char *value)
{
	if (!strcmp(value, "virgl"))
		*to = CONFIG_VIRGL;
	else if (!strcmp(value, "null"))
		*to = CONFIG_NULL;
	else
		return g_strdup_printf("there is no renderer \"%s\"; it is virgl or null",
				       value);
	return NULL;
}

static const char *const policies[] = {
	[CONFIG_FAIR] = "fair",
	[CONFIG_FIXED] = "fixed",
	[CONFIG_BEST_EFFORT] = "best-effort",
};

const char *config_policy_name(enum config_policy p)
{
	return policies[p];
}

static char *policy(enum config_policy *to, const char *value)
{
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(policies); i++) {
		if (strcmp(policies[i], value))
			continue;
		*to = (enum config_policy)i;
		return NULL;
	}
	return g_strdup_printf("there is no policy \"%s\"; it is fair, fixed or best-effort",
			       value);
}

static char *set_default_node(void *to, const char *value)
{
	return render_node(&((struct config *)to)->defaults.render_node, value);
}

static char *set_default_renderer(void *to, const char *value)
{
	return renderer(&((struct config *)to)->defaults.renderer, value);
}

static char *set_default_policy(void *to, const char *value)
{
	return policy(&((struct config *)to)->defaults.policy, value);
}

static char *set_metrics(void *to, const char *value)
{
	struct config *c = to;

	if (*value == '/')
		return value_read(VALUE_PATH, &c->metrics, value, 0,
				  SOCKET_MAX);
	if (!listener_address_ok(value))
		return g_strdup_printf("\"%s\" is neither a path nor an address with a port; write one like /run/vgpu/metrics.sock or 127.0.0.1:9400",
				       value);
	g_free(c->metrics);
	c->metrics = g_strdup(value);
	return NULL;
}

static char *set_gpu_node(void *to, const char *value)
{
	return render_node(&((struct config_gpu *)to)->render_node, value);
}

static char *set_gpu_renderer(void *to, const char *value)
{
	return renderer(&((struct config_gpu *)to)->renderer, value);
}

static char *set_gpu_policy(void *to, const char *value)
{
	return policy(&((struct config_gpu *)to)->policy, value);
}

#define DAEMON(member)	offsetof(struct config, member)
#define GPU(member)	offsetof(struct config_gpu, member)
#define VM(member)	offsetof(struct config_vm, member)

const struct config_key config_daemon_keys[] = {
	{ "control-socket", VALUE_PATH, DAEMON(control_socket), 0, SOCKET_MAX, 0, NULL },
	{ "runtime-dir", VALUE_PATH, DAEMON(runtime_dir), 0, SOCKET_MAX - VGPU_NAME_MAX, 0, NULL },
	{ "render-node", VALUE_OWN, 0, 0, 0, 0, set_default_node },
	{ "renderer", VALUE_OWN, 0, 0, 0, 0, set_default_renderer },
	{ "policy", VALUE_OWN, 0, 0, 0, 0, set_default_policy },
	{ "worker-cpus", VALUE_CPUS, DAEMON(defaults.cpus), 0, 0, 0, NULL },
	{ "cpu-threads", VALUE_U32, DAEMON(defaults.cpu_threads), 1, 256, 0, NULL },
	{ "timeout", VALUE_TIME, DAEMON(defaults.timeout_ns), 100 * VALUE_NS_MS, HOUR, 0, NULL },
	{ "slice", VALUE_TIME, DAEMON(defaults.slice_ns), VALUE_NS_MS / 2, VALUE_NS_S, 0, NULL },
	{ "hang-limit", VALUE_LIMIT, DAEMON(hang_limit), 1, 1000, 0, NULL },
	{ "metrics", VALUE_OWN, 0, 0, 0, 0, set_metrics },
	{ "endpoint", VALUE_PATH, DAEMON(endpoint), 0, VGPU_PATH_MAX, 0, NULL },
	{ "worker", VALUE_PATH, DAEMON(worker), 0, VGPU_PATH_MAX, 0, NULL },
	{ .name = NULL },
};

const struct config_key config_gpu_keys[] = {
	{ "render-node", VALUE_OWN, 0, 0, 0, 0, set_gpu_node },
	{ "renderer", VALUE_OWN, 0, 0, 0, 0, set_gpu_renderer },
	{ "policy", VALUE_OWN, 0, 0, 0, 0, set_gpu_policy },
	{ "cpus", VALUE_CPUS, GPU(cpus), 0, 0, 0, NULL },
	{ "cpu-threads", VALUE_U32, GPU(cpu_threads), 1, 256, 0, NULL },
	{ "timeout", VALUE_TIME, GPU(timeout_ns), 100 * VALUE_NS_MS, HOUR, 0, NULL },
	{ "slice", VALUE_TIME, GPU(slice_ns), VALUE_NS_MS / 2, VALUE_NS_S, 0, NULL },
	{ "memory", VALUE_SIZE, GPU(memory), 16 << 20, 1ull << 50, 0, NULL },
	{ .name = NULL },
};

/* ---- [vm NAME] and [profile NAME] ---- */

bool config_name_ok(const char *name)
{
	size_t len = strlen(name);

	return len && len < VGPU_NAME_MAX && *name != '-' && *name != '.' &&
		strspn(name, G_CSET_a_2_z G_CSET_A_2_Z "0123456789._-") == len;
}

static char *set_owner(void *to, const char *value)
{
	struct config_vm *vm = to;
	struct passwd *pw = getpwnam(value);
	uint64_t id;

	if (pw)
		vm->owner = pw->pw_uid;
	else if (value_number(value, 0, UINT32_MAX - 1, &id))
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
	else if (value_number(value, 0, UINT32_MAX - 1, &id))
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

#define P	CONFIG_PROFILE
#define L	(CONFIG_PROFILE | CONFIG_LIVE)

const struct config_key config_vm_keys[] = {
	{ "socket", VALUE_PATH, VM(socket), 0, SOCKET_MAX, 0, NULL },
	{ "profile", VALUE_NAME, VM(profile), 0, 0, 0, NULL },
	{ "owner", VALUE_OWN, 0, 0, 0, P, set_owner },
	{ "group", VALUE_OWN, 0, 0, 0, P, set_group },
	{ "mode", VALUE_OWN, 0, 0, 0, P, set_mode },
	{ "gpu", VALUE_NAME, VM(gpu), 0, 0, P, NULL },
	{ "affinity", VALUE_NAME, VM(affinity), 0, 0, P, NULL },
	{ "anti-affinity", VALUE_NAME, VM(anti_affinity), 0, 0, P, NULL },
	{ "exclusive", VALUE_BOOL, VM(exclusive), 0, 0, P, NULL },
	{ "width", VALUE_U32, VM(width), 320, 16384, P, NULL },
	{ "height", VALUE_U32, VM(height), 200, 16384, P, NULL },
	{ "3d", VALUE_BOOL, VM(virgl), 0, 0, P, NULL },
	{ "weight", VALUE_U32, VM(weight), POLICY_WEIGHT_MIN, POLICY_WEIGHT_MAX, L, NULL },
	{ "reserve", VALUE_SHARE, VM(reserve), 1, 9000, L, NULL },
	{ "cap", VALUE_SHARE, VM(cap), 10, CONFIG_SHARE_FULL, L, NULL },
	{ "burst", VALUE_TIME, VM(burst_ns), VALUE_NS_MS, 10 * VALUE_NS_S, L, NULL },
	{ "slice", VALUE_TIME, VM(slice_ns), VALUE_NS_MS / 2, VALUE_NS_S, L, NULL },
	{ "fps-limit", VALUE_LIMIT, VM(fps_limit), 1, 1000, L, NULL },
	{ "max-inflight", VALUE_LIMIT, VM(max_inflight), 1, 1024, L, NULL },
	{ "timeout", VALUE_TIME, VM(timeout_ns), 100 * VALUE_NS_MS, HOUR, L, NULL },
	{ "memory", VALUE_SIZE, VM(memory), 16 << 20, 1ull << 50, L, NULL },
	{ "max-resources", VALUE_LIMIT, VM(max_resources), 16, LIMIT_MAX, L, NULL },
	{ "max-contexts", VALUE_LIMIT, VM(max_contexts), 1, LIMIT_MAX, L, NULL },
	{ "outputs", VALUE_U32, VM(outputs), 1, VIRTIO_GPU_MAX_SCANOUTS, L, NULL },
	{ .name = NULL },
};

/* ---- any ---- */

const struct config_key *config_key_find(const struct config_key *keys,
					 const char *name, unsigned int flags)
{
	for (; keys->name; keys++) {
		if ((keys->flags & flags) == flags && !strcmp(keys->name, name))
			return keys;
	}
	return NULL;
}

char *config_key_list(const struct config_key *keys, unsigned int flags)
{
	GString *list = g_string_new(NULL);
	const char *before = NULL;

	for (; keys->name; keys++) {
		if ((keys->flags & flags) != flags)
			continue;
		if (before)
			g_string_append_printf(list, "%s%s",
					       list->len ? ", " : "", before);
		before = keys->name;
	}
	if (before)
		g_string_append_printf(list, "%s%s", list->len ? " and " : "",
				       before);
	return g_string_free(list, FALSE);
}

char *config_key_set(const struct config_key *key, void *to, const char *value)
{
	if (key->kind == VALUE_OWN)
		return key->set(to, value);
	return value_read(key->kind, (char *)to + key->offset, value, key->min,
			  key->max);
}

char *config_key_get(const struct config_key *key, const void *from)
{
	return value_write(key->kind, (const char *)from + key->offset);
}
