// SPDX-License-Identifier: MIT
/*
 * vmctl.c - talks to a running VM: commands in its guest, and QMP
 *
 * usage: vmctl exec SOCKET SECONDS COMMAND
 *            runs COMMAND in the guest's shell; prints what it prints, ends
 *            with its status; 124: it took longer; 125: the channel is dead
 *        vmctl qmp SOCKET SECONDS COMMAND...
 *            each a QMP command's name or a JSON object; prints each answer;
 *            1: an error was answered; 124, 125 as above
 *        vmctl time SOCKET SECONDS COMMAND
 *            as qmp, but prints the milliseconds to the answer
 *        vmctl json PATH...
 *            the values at these JSONPaths ($.vms[0].jobs) of what it reads
 */
#include <errno.h>
#include <json-glib/json-glib.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_TIMEOUT = 124, EXIT_CHANNEL = 125 };

/* A connection that is read up to a mark, with one deadline for everything. */
struct link {
	int fd;
	double deadline;
	GString *in;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec * 1e-9;
}

static _Noreturn void fail(int status, const char *what)
{
	fprintf(stderr, "vmctl: %s\n", what);
	exit(status);
}

static void wait_for(struct link *l, short events)
{
	for (;;) {
		struct pollfd p = { .fd = l->fd, .events = events };
		double left = l->deadline - now();
		int n;

		if (left <= 0)
			fail(EXIT_TIMEOUT, "no answer in time");
		n = poll(&p, 1, (int)(left * 1000) + 1);
		if (n > 0)
			return;
		if (n < 0 && errno != EINTR)
			fail(EXIT_CHANNEL, "poll failed");
	}
}

static void link_open(struct link *l, const char *path, const char *seconds)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	double limit = g_ascii_strtod(seconds, NULL);

	if (limit <= 0)
		fail(2, "SECONDS is a number above 0");
	if (strlen(path) >= sizeof(a.sun_path))
		fail(2, "the socket's path is too long");
	strcpy(a.sun_path, path);
	l->deadline = now() + limit;
	l->in = g_string_new(NULL);
	l->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (l->fd < 0 || connect(l->fd, (void *)&a, sizeof(a))) {
		fprintf(stderr, "vmctl: %s: %s\n", path, strerror(errno));
		exit(EXIT_CHANNEL);
	}
}

static void link_write(struct link *l, const char *text)
{
	size_t left = strlen(text);

	while (left) {
		ssize_t n;

		wait_for(l, POLLOUT);
		n = send(l->fd, text, left, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			fail(EXIT_CHANNEL, "the VM closed the connection");
		if (n > 0) {
			text += n;
			left -= n;
		}
	}
}

static void link_read(struct link *l)
{
	char buf[65536];
	ssize_t n;

	wait_for(l, POLLIN);
	n = read(l->fd, buf, sizeof(buf));
	if (n == 0 || (n < 0 && errno != EINTR && errno != EAGAIN))
		fail(EXIT_CHANNEL, "the VM closed the connection");
	if (n > 0)
		g_string_append_len(l->in, buf, n);
}

/* Up to the next newline, without it; stays valid until the next call. */
static char *link_line(struct link *l)
{
	static char *line;
	char *end;

	while (!(end = memchr(l->in->str, '\n', l->in->len)))
		link_read(l);
	g_free(line);
	line = g_strndup(l->in->str, end - l->in->str);
	g_string_erase(l->in, 0, end - l->in->str + 1);
	return line;
}

/*
 * The agent answers "\036 id begin\n", the output, "\n\036 id STATUS\n". What
 * an earlier command left in the channel comes before our own begin.
 */
static int guest_exec(struct link *l, const char *seconds, const char *command)
{
	g_autofree char *id = g_strdup_printf("%d-%ld", getpid(), random());
	g_autofree char *begin = g_strdup_printf("\036 %s begin\n", id);
	g_autofree char *end = g_strdup_printf("\n\036 %s ", id);
	g_autofree char *line = NULL;
	bool begun = false;
	char *at;

	if (strchr(command, '\n'))
		fail(2, "COMMAND must be one line");
	line = g_strdup_printf("%s %d %s\n", id,
			       (int)g_ascii_strtod(seconds, NULL) + 1, command);
	link_write(l, line);
	for (;;) {
		size_t keep;

		if (!begun) {
			at = memmem(l->in->str, l->in->len, begin, strlen(begin));
			if (at) {
				g_string_erase(l->in, 0, at + strlen(begin) - l->in->str);
				begun = true;
			}
		}
		if (begun) {
			at = memmem(l->in->str, l->in->len, end, strlen(end));
			if (at && memchr(at + strlen(end), '\n',
					 l->in->str + l->in->len - at - strlen(end))) {
				fwrite(l->in->str, 1, at - l->in->str, stdout);
				return atoi(at + strlen(end));
			}
			/* The mark may have come in part. */
			keep = strlen(end) + 16;
			if (!at && l->in->len > keep) {
				fwrite(l->in->str, 1, l->in->len - keep, stdout);
				fflush(stdout);
				g_string_erase(l->in, 0, l->in->len - keep);
			}
		}
		link_read(l);
	}
}

static bool has_member(JsonParser *parser, const char *name)
{
	JsonNode *root = json_parser_get_root(parser);

	return root && JSON_NODE_HOLDS_OBJECT(root) &&
	       json_object_has_member(json_node_get_object(root), name);
}

/* Waits for an answer; events on the way are passed over. */
static bool qmp_answer(struct link *l, bool print)
{
	for (;;) {
		g_autoptr(JsonParser) parser = json_parser_new();
		char *line = link_line(l);

		if (!json_parser_load_from_data(parser, line, -1, NULL))
			fail(EXIT_CHANNEL, "QMP sent what is not JSON");
		if (has_member(parser, "error")) {
			fprintf(stderr, "vmctl: %s\n", line);
			return false;
		}
		if (has_member(parser, "return")) {
			if (print)
				puts(line);
			return true;
		}
	}
}

static bool qmp_run(struct link *l, const char *command, bool print)
{
	g_autofree char *text = *command == '{' ? g_strdup_printf("%s\n", command) :
		g_strdup_printf("{\"execute\":\"%s\"}\n", command);

	link_write(l, text);
	return qmp_answer(l, print);
}

static int print_values(int n, char **paths)
{
	g_autoptr(JsonParser) parser = json_parser_new();
	g_autoptr(GString) text = g_string_new(NULL);
	char buf[65536];
	ssize_t got;

	while ((got = read(STDIN_FILENO, buf, sizeof(buf))) > 0)
		g_string_append_len(text, buf, got);
	if (!json_parser_load_from_data(parser, text->str, text->len, NULL))
		fail(1, "the input is not JSON");
	for (int i = 0; i < n; i++) {
		g_autoptr(JsonNode) found = json_path_query(paths[i],
				json_parser_get_root(parser), NULL);
		JsonArray *array = found ? json_node_get_array(found) : NULL;
		g_autofree char *value = NULL;

		if (!array || json_array_get_length(array) == 0) {
			fprintf(stderr, "vmctl: nothing at %s\n", paths[i]);
			return 1;
		}
		value = json_to_string(json_array_get_element(array, 0), FALSE);
		/* strings without their quotes */
		if (*value == '"')
			value[strlen(value) - 1] = 0;
		puts(*value == '"' ? value + 1 : value);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct link l;
	double start;
	bool ok = true;

	if (argc > 2 && !strcmp(argv[1], "json"))
		return print_values(argc - 2, argv + 2);

	if (argc < 5 || (strcmp(argv[1], "exec") && strcmp(argv[1], "qmp") &&
			 strcmp(argv[1], "time"))) {
		fprintf(stderr, "usage: vmctl exec|qmp|time SOCKET SECONDS COMMAND...\n"
			"       vmctl json PATH...\n");
		return 2;
	}
	srandom(time(NULL) ^ getpid());
	link_open(&l, argv[2], argv[3]);
	if (!strcmp(argv[1], "exec"))
		return guest_exec(&l, argv[3], argv[4]);

	start = now();
	link_line(&l);		/* the greeting */
	if (!qmp_run(&l, "qmp_capabilities", false))
		return 1;
	for (int i = 4; i < argc && ok; i++)
		ok = qmp_run(&l, argv[i], !strcmp(argv[1], "qmp"));
	if (!strcmp(argv[1], "time"))
		printf("%.0f\n", (now() - start) * 1000);
	return ok ? 0 : 1;
}
