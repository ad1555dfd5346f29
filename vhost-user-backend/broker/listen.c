// SPDX-License-Identifier: MIT
/*
 * listen.c - listening sockets with an owner and a mode
 */
#include "broker/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/fdpass.h"

static int make_directory(const char *path)
{
	char *dir = g_path_get_dirname(path);
	int ret = g_mkdir_with_parents(dir, 0755) ? -errno : 0;

	g_free(dir);
	return ret;
}

int listen_at(const char *path, mode_t mode, uid_t owner, gid_t group)
{
	int ret = make_directory(path);
	mode_t old;
	int fd;

	if (ret)
		return ret;
	old = umask(0777);
	fd = fdpass_listen(path);
	umask(old);
	if (fd < 0)
		return fd;
	if (((owner != (uid_t)-1 || group != (gid_t)-1) &&
	     lchown(path, owner, group)) || chmod(path, mode)) {
		ret = -errno;
		unlink(path);
		close(fd);
		return ret;
	}
	return fd;
}

const char *listen_error(int error, const char *path)
{
	static char buf[512];
	const char *hint = "";

	if (error == -EADDRINUSE)
		hint = "; another program listens there, or it is no socket: end it, or choose another path";
	else if (error == -EACCES || error == -EROFS)
		hint = "; run vgpud as a user that may write there, or choose another path";
	else if (error == -EPERM)
		hint = "; only root can give a socket to another user: run vgpud as root, or leave out owner and group";
	g_snprintf(buf, sizeof(buf), "socket %s: %s%s", path, strerror(-error),
		   hint);
	return buf;
}
