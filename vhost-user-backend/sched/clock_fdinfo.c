// SPDX-License-Identifier: MIT
/*
 * clock_fdinfo.c - engine time by the kernel's books
 *
 * Every descriptor of a DRM node has a file in /proc/PID/fdinfo with lines such
 * as "drm-engine-render: 1234 ns". Descriptors that were duplicated show the
 * same client, which has a number of its own per device.
 */
#include "sched/clock.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <glib.h>

#define FILE_MAX	8192	/* such a file has a few dozen lines */

/* What one file says. */
struct client {
	char id[96];		/* device and number */
	uint64_t ns;
	bool engines;
};

static bool starts(const char *line, const char *word, const char **rest)
{
	size_t n = strlen(word);

	if (strncmp(line, word, n))
		return false;
	*rest = line + n;
	return true;
}

/* "NAME:\tNUMBER ns"; anything else is another engine figure, or garbage. */
static void take_engine(struct client *c, const char *rest)
{
	const char *colon = strchr(rest, ':');
	char unit[4] = "";
	uint64_t ns;

	if (!colon || !strncmp(rest, "capacity-", 9) || strchr(colon, '-') ||
	    sscanf(colon + 1, " %" SCNu64 " %3s", &ns, unit) != 2 ||
	    strcmp(unit, "ns") || __builtin_add_overflow(c->ns, ns, &c->ns))
		return;
	c->engines = true;
}

/* @text is changed. Return: whether this is a DRM client with engines */
static bool parse(char *text, struct client *c)
{
	char device[48] = "", number[32] = "";
	char *line, *save = NULL;
	const char *rest;

	*c = (struct client){ 0 };
	for (line = strtok_r(text, "\n", &save); line;
	     line = strtok_r(NULL, "\n", &save)) {
		if (starts(line, "drm-client-id:", &rest))
			sscanf(rest, " %31s", number);
		else if (starts(line, "drm-pdev:", &rest))
			sscanf(rest, " %47s", device);
		else if (starts(line, "drm-engine-", &rest))
			take_engine(c, rest);
	}
	if (!*number || !c->engines)
		return false;
	snprintf(c->id, sizeof(c->id), "%s/%s", device, number);
	return true;
}

static bool read_client(int dir, const char *name, struct client *c)
{
	char text[FILE_MAX];
	ssize_t n;
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return false;
	text[n] = 0;
	return parse(text, c);
}

int clock_fdinfo_dir(const char *path, uint64_t *ns)
{
	DIR *dir = opendir(path);
	GHashTable *seen;
	struct dirent *e;
	struct client c;
	uint64_t sum = 0;
	bool any = false;

	if (!dir)
		return -errno;
	seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	while ((e = readdir(dir))) {
		if (e->d_name[0] == '.' ||
		    !read_client(dirfd(dir), e->d_name, &c) ||
		    !g_hash_table_add(seen, g_strdup(c.id)))
			continue;
		any = true;
		if (__builtin_add_overflow(sum, c.ns, &sum))
			sum = UINT64_MAX;
	}
	closedir(dir);
	g_hash_table_destroy(seen);
	if (!any)
		return -ENODATA;
	*ns = sum;
	return 0;
}

int clock_fdinfo_read(pid_t pid, uint64_t *ns)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
	return clock_fdinfo_dir(path, ns);
}
