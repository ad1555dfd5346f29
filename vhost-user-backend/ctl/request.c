// SPDX-License-Identifier: MIT
/*
 * request.c - one line to vgpud, one line back
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fdpass.h"
#include "ctl/ctl.h"

#define REPLY_MS	10000
#define REPLY_MAX	(64u << 20)

static int connect_to(struct ctl *ctl)
{
	int fd = fdpass_connect(ctl->socket, SOCK_STREAM);

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		ctl_error("no vgpud at %s: is it running? (systemctl status vgpud; --socket=PATH for another one)",
			  ctl->socket);
	else if (fd == -EACCES)
		ctl_error("%s: permission denied; run vgpuctl as root, or join the socket's group",
			  ctl->socket);
	else if (fd < 0)
		ctl_error("%s: %s", ctl->socket, strerror(-fd));
	return fd;
}

static bool send_all(struct ctl *ctl, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n = send(ctl->fd, text, left, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			ctl_error("vgpud at %s has gone away", ctl->socket);
			return false;
		}
		text += n;
		left -= (size_t)n;
	}
	return true;
}

static char *take_line(GByteArray *in)
{
	guint8 *end = in->len ? memchr(in->data, '\n', in->len) : NULL;
	char *line;

	if (!end)
		return NULL;
	line = g_strndup((char *)in->data, (gsize)(end - in->data));
	g_byte_array_remove_range(in, 0, (guint)(end - in->data) + 1);
	return line;
}

static char *receive_line(struct ctl *ctl, int patience_ms)
{
	struct pollfd p = { .fd = ctl->fd, .events = POLLIN };
	guint8 buf[16384];
	char *line;

	while (!(line = take_line(ctl->in))) {
		ssize_t n;
		int ready = poll(&p, 1, patience_ms);

		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0) {
			ctl_error("vgpud at %s does not answer", ctl->socket);
			return NULL;
		}
		n = recv(ctl->fd, buf, sizeof(buf), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || ctl->in->len > REPLY_MAX) {
			ctl_error("vgpud at %s has closed the connection",
				  ctl->socket);
			return NULL;
		}
		g_byte_array_append(ctl->in, buf, (guint)n);
	}
	return line;
}

static JsonObject *parse_reply(struct ctl *ctl, const char *line)
{
	JsonParser *parser = json_parser_new();
	JsonObject *reply = NULL;
	JsonNode *root;

	if (json_parser_load_from_data(parser, line, -1, NULL) &&
	    (root = json_parser_get_root(parser)) &&
	    JSON_NODE_HOLDS_OBJECT(root))
		reply = json_object_ref(json_node_get_object(root));
	g_object_unref(parser);
	if (!reply) {
		ctl_nonsense(ctl);
		return NULL;
	}
	if (!ctl_bool(reply, "ok")) {
		if (*ctl_string(reply, "error"))
			ctl_error("%s", ctl_string(reply, "error"));
		else
			ctl_nonsense(ctl);
		json_object_unref(reply);
		return NULL;
	}
	return reply;
}

JsonBuilder *ctl_begin(const char *cmd)
{
	JsonBuilder *b = json_builder_new();

	json_builder_begin_object(b);
	json_builder_set_member_name(b, "cmd");
	json_builder_add_string_value(b, cmd);
	return b;
}

JsonBuilder *ctl_begin_vm(const char *cmd, const char *vm)
{
	JsonBuilder *b = ctl_begin(cmd);

	json_builder_set_member_name(b, "vm");
	json_builder_add_string_value(b, vm);
	return b;
}

static char *to_line(JsonBuilder *b)
{
	JsonNode *root;
	char *text, *line;

	json_builder_end_object(b);
	root = json_builder_get_root(b);
	text = json_to_string(root, FALSE);
	line = g_strconcat(text, "\n", NULL);
	g_free(text);
	json_node_unref(root);
	g_object_unref(b);
	return line;
}

JsonObject *ctl_request(struct ctl *ctl, JsonBuilder *request)
{
	JsonObject *reply = NULL;
	char *line = to_line(request), *answer = NULL;

	if (ctl->fd < 0)
		ctl->fd = connect_to(ctl);
	if (ctl->fd >= 0 && send_all(ctl, line))
		answer = receive_line(ctl, REPLY_MS);
	if (answer)
		reply = parse_reply(ctl, answer);
	g_free(answer);
	g_free(line);
	return reply;
}

JsonObject *ctl_wait(struct ctl *ctl)
{
	char *line = receive_line(ctl, -1);
	JsonObject *reply = line ? parse_reply(ctl, line) : NULL;

	g_free(line);
	return reply;
}

JsonObject *ctl_since(struct ctl *ctl, const char *cmd, gint64 since)
{
	JsonBuilder *b = ctl_begin(cmd);

	json_builder_set_member_name(b, "since");
	json_builder_add_int_value(b, since);
	return ctl_request(ctl, b);
}
