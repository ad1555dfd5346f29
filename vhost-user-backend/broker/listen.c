// SPDX-License-Identifier: MIT
/*
 * listen.c - listening sockets with an owner and a mode
 */
#include "broker/listen.h"

#include <errno.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/event.h"
#include "base/fdpass.h"
#include "base/log.h"

#define RETRY_US	1000000

struct listener {
	char *path;
	bool tcp;			/* no file to remove */
	int fd;
	struct event_source *source;
	struct event_source *retry;	/* after it could not accept */
	listener_fn fn;
	void *opaque;
	struct log_limit limit;
};

static void on_connect(void *opaque, unsigned int events)
{
	struct listener *l = opaque;
	int sock = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);

	if (sock >= 0) {
		l->fn(l->opaque, sock);
		return;
	}
	if (errno == EAGAIN || errno == ECONNABORTED || errno == EINTR)
		return;
	/* no descriptors or memory: it would be ready again at once */
	log_peer(&l->limit, "socket %s: %s", l->path, strerror(errno));
	event_set_fd(l->source, 0);
	event_set_timer(l->retry, RETRY_US);
}

static void on_retry(void *opaque)
{
	struct listener *l = opaque;

	event_set_fd(l->source, EVENT_IN);
}

static int make_directory(const char *path)
{
	char *dir = g_path_get_dirname(path);
	int ret = g_mkdir_with_parents(dir, 0755) ? -errno : 0;

	g_free(dir);
	return ret;
}

static int listen_at(int (*listen)(const char *), const char *path, mode_t mode,
		     uid_t owner, gid_t group)
{
	int ret = make_directory(path);
	mode_t old;
	int fd;

	if (ret)
		return ret;
	old = umask(0777);
	fd = listen(path);
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

/* @fd: a listening socket or -errno */
static struct listener *adopt(struct event_loop *loop, const char *path, int fd,
			      listener_fn fn, void *opaque)
{
	struct listener *l;

	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	l = g_new0(struct listener, 1);
	l->path = g_strdup(path);
	l->fd = fd;
	l->fn = fn;
	l->opaque = opaque;
	l->source = event_add_fd(loop, fd, EVENT_IN, on_connect, l);
	l->retry = event_add_timer(loop, on_retry, l);
	return l;
}

struct listener *listener_new(struct event_loop *loop, const char *path,
			      mode_t mode, uid_t owner, gid_t group,
			      listener_fn fn, void *opaque)
{
	return adopt(loop, path,
		     listen_at(fdpass_listen, path, mode, owner, group), fn,
		     opaque);
}

static struct addrinfo *resolve(const char *address)
{
	const struct addrinfo hints = {
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
		.ai_socktype = SOCK_STREAM,
	};
	const char *colon = strrchr(address, ':');
	struct addrinfo *found = NULL;
	guint64 port;
	char *host;

	if (!colon || colon == address ||
	    !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
		return NULL;
	host = g_strndup(address, (gsize)(colon - address));
	if (*host == '[' && host[strlen(host) - 1] == ']') {
		host[strlen(host) - 1] = '\0';
		memmove(host, host + 1, strlen(host));
	} else if (strchr(host, ':')) {
		*host = '\0';	/* which colon is the port's? */
	}
	if (!*host || getaddrinfo(host, colon + 1, &hints, &found))
		found = NULL;
	g_free(host);
	return found;
}

bool listener_address_ok(const char *address)
{
	struct addrinfo *info = resolve(address);

	if (!info)
		return false;
	freeaddrinfo(info);
	return true;
}

static int listen_tcp(const char *address)
{
	struct addrinfo *info = resolve(address);
	int fd, on = 1, ret;

	if (!info)
		return -EINVAL;
	fd = socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		    0);
	ret = fd < 0 ? -errno : fd;
	if (fd >= 0 && (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on,
				   sizeof(on)) ||
			bind(fd, info->ai_addr, info->ai_addrlen) ||
			listen(fd, 16))) {
		ret = -errno;
		close(fd);
	}
	freeaddrinfo(info);
	return ret;
}

struct listener *listener_new_tcp(struct event_loop *loop, const char *address,
				  listener_fn fn, void *opaque)
{
	struct listener *l = adopt(loop, address, listen_tcp(address), fn,
				   opaque);

	if (l)
		l->tcp = true;
	return l;
}

struct listener *listener_new_packets(struct event_loop *loop, const char *path,
				      listener_fn fn, void *opaque)
{
	return adopt(loop, path,
		    listen_at(fdpass_listen_packets, path, 0600, (uid_t)-1,
			      (gid_t)-1), fn, opaque);
}

void listener_free(struct listener *l)
{
	if (!l)
		return;
	event_del(l->source);
	event_del(l->retry);
	if (!l->tcp)
		unlink(l->path);
	close(l->fd);
	g_free(l->path);
	g_free(l);
}

const char *listener_error(int error, const char *path)
{
	static char buf[512];
	const char *hint = "";

	if (error == EADDRINUSE)
		hint = "; another program listens there, or it is no socket: end it, or choose another path";
	else if (error == EACCES || error == EROFS)
		hint = "; run vgpud as a user that may write there, or choose another path";
	else if (error == EPERM)
		hint = "; only root can give a socket to another user: run vgpud as root, or leave out owner and group";
	g_snprintf(buf, sizeof(buf), "socket %s: %s%s", path, strerror(error),
		   hint);
	return buf;
}
