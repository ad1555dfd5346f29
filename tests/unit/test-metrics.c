// SPDX-License-Identifier: MIT
/*
 * test-metrics.c - OpenMetrics, read by a strict reader, and bad HTTP clients
 */
#include <locale.h>
#include <math.h>
#include <netinet/in.h>
#include <stdlib.h>

#include "broker/metrics.h"
#include "broker/listen.h"
#include "tests/unit/control_fixture.h"

/* ---- a strict reader of OpenMetrics 1.0 text ---- */

struct family {
	char *name, *type, *unit;
	bool help, closed;		/* closed: another one has begun */
	double last_bucket, last_le;
	double inf;			/* of the last +Inf bucket */
};

struct reader {
	GPtrArray *families;
	GHashTable *samples;		/* "name{labels}" to value */
	struct family *now;
};

static void family_free(gpointer opaque)
{
	struct family *f = opaque;

	g_free(f->name);
	g_free(f->type);
	g_free(f->unit);
	g_free(f);
}

static bool name_ok(const char *name)
{
	return *name && !g_ascii_isdigit(*name) &&
		strspn(name, G_CSET_a_2_z G_CSET_A_2_Z "0123456789_:") ==
		strlen(name);
}

/* # TYPE, # UNIT, # HELP of one family, before its samples, once each. */
static const char *read_meta(struct reader *r, char *line)
{
	char **word = g_strsplit(line, " ", 4);
	const char *error = NULL;
	guint i;

	if (g_strv_length(word) != 4 || strcmp(word[0], "#") ||
	    !name_ok(word[2])) {
		error = "no metadata";
	} else if (!strcmp(word[1], "TYPE")) {
		for (i = 0; i < r->families->len; i++) {
			struct family *f = r->families->pdata[i];

			if (!strcmp(f->name, word[2]))
				error = "a family twice";
			f->closed = true;
		}
		r->now = g_new0(struct family, 1);
		r->now->name = g_strdup(word[2]);
		r->now->type = g_strdup(word[3]);
		g_ptr_array_add(r->families, r->now);
		if (!strstr(" counter gauge histogram info stateset ",
			    word[3]))
			error = "no such type";
	} else if (!r->now || strcmp(r->now->name, word[2])) {
		error = "metadata of another family";
	} else if (!strcmp(word[1], "UNIT")) {
		g_autofree char *suffix = g_strconcat("_", word[3], NULL);

		if (r->now->unit || !g_str_has_suffix(word[2], suffix))
			error = "the name does not end with the unit";
		r->now->unit = g_strdup(word[3]);
	} else if (!strcmp(word[1], "HELP")) {
		if (r->now->help || !*word[3])
			error = "no help, or twice";
		r->now->help = true;
	} else {
		error = "no such metadata";
	}
	g_strfreev(word);
	return error;
}

/* {name="value",...}: returns what follows it, NULL if it is bad */
static const char *read_labels(const char *at, GHashTable *labels)
{
	while (*at != '}') {
		size_t len = strspn(at, G_CSET_a_2_z "_");
		GString *value = g_string_new(NULL);
		char *name = g_strndup(at, len);

		at += len;
		if (!len || at[0] != '=' || at[1] != '"' ||
		    g_hash_table_contains(labels, name))
			goto bad;
		for (at += 2; *at && *at != '"'; at++) {
			if (*at == '\\' && !strchr("\\\"n", *++at))
				goto bad;
			g_string_append_c(value, *at);
		}
		if (*at++ != '"')
			goto bad;
		g_hash_table_insert(labels, name, g_string_free(value, FALSE));
		if (*at == ',' && at[1] != '}')
			at++;
		else if (*at != '}')
			return NULL;
		continue;
bad:
		g_free(name);
		g_string_free(value, TRUE);
		return NULL;
	}
	return at + 1;
}

static const char *check_bucket(struct family *f, GHashTable *labels,
				double value)
{
	const char *le = g_hash_table_lookup(labels, "le");
	double bound;

	if (!le)
		return "a bucket without le";
	bound = !strcmp(le, "+Inf") ? INFINITY : g_ascii_strtod(le, NULL);
	/* the first of the next VM */
	if (f->last_le == INFINITY)
		f->last_le = f->last_bucket = 0;
	if (bound <= f->last_le || value < f->last_bucket)
		return "buckets that do not grow";
	if (!strpbrk(le, ".e") && bound != INFINITY)
		return "a bound that is no float";
	f->last_le = bound;
	f->last_bucket = value;
	if (bound == INFINITY)
		f->inf = value;
	return NULL;
}

static const char *check_sample(struct reader *r, const char *name,
				GHashTable *labels, double value)
{
	struct family *f = r->now;
	const char *suffix;

	if (!f || !g_str_has_prefix(name, f->name))
		return "a sample outside of its family";
	suffix = name + strlen(f->name);
	if (!strcmp(f->type, "counter"))
		return strcmp(suffix, "_total") || value < 0 ?
			"a counter that is none" : NULL;
	if (!strcmp(f->type, "info"))
		return strcmp(suffix, "_info") || value != 1 ?
			"an info that is none" : NULL;
	if (!strcmp(f->type, "stateset"))
		return *suffix || (value != 0 && value != 1) ||
			!g_hash_table_contains(labels, f->name) ?
			"a state that is none" : NULL;
	if (!strcmp(f->type, "gauge"))
		return *suffix ? "a gauge with a suffix" : NULL;
	if (!strcmp(suffix, "_bucket"))
		return check_bucket(f, labels, value);
	if (!strcmp(suffix, "_count"))
		return f->last_le != INFINITY || value != f->inf ?
			"a count that is not the last bucket" : NULL;
	return strcmp(suffix, "_sum") ? "no part of a histogram" : NULL;
}

static const char *read_sample(struct reader *r, const char *line)
{
	size_t len = strcspn(line, "{ ");
	g_autofree char *name = g_strndup(line, len), *key = NULL;
	g_autoptr(GHashTable) labels = g_hash_table_new_full(
		g_str_hash, g_str_equal, g_free, g_free);
	const char *at = line + len;
	double *value;
	char *end;

	if (!name_ok(name))
		return "no name";
	if (*at == '{')
		at = read_labels(at + 1, labels);
	if (!at || *at != ' ')
		return "bad labels";
	key = g_strndup(line, (gsize)(at - line));
	if (g_hash_table_contains(r->samples, key))
		return "a sample twice";
	value = g_new(double, 1);
	*value = g_ascii_strtod(at + 1, &end);
	g_hash_table_insert(r->samples, g_steal_pointer(&key), value);
	if (end == at + 1 || *end || !isfinite(*value))
		return "no number";
	return check_sample(r, name, labels, *value);
}

static void reader_init(struct reader *r)
{
	r->families = g_ptr_array_new_with_free_func(family_free);
	r->samples = g_hash_table_new_full(g_str_hash, g_str_equal, g_free,
					   g_free);
	r->now = NULL;
}

static void reader_clear(struct reader *r)
{
	g_ptr_array_free(r->families, TRUE);
	g_hash_table_unref(r->samples);
}

/* NULL, or what is wrong with it. */
static const char *read_text(struct reader *r, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	guint n = g_strv_length(lines), i;
	const char *error = NULL;

	if (!g_utf8_validate(text, -1, NULL))
		return "no UTF-8";
	if (n < 2 || *lines[n - 1] || strcmp(lines[n - 2], "# EOF"))
		return "no # EOF at the end";
	for (i = 0; i < n - 2 && !error; i++) {
		error = *lines[i] == '#' ? read_meta(r, lines[i]) :
			read_sample(r, lines[i]);
		if (error)
			g_test_message("%s: %s", lines[i], error);
	}
	return error;
}

/* The reader refuses what is wrong: it is not the reason that all is well. */
static void test_reader(void)
{
	static const char *const bad[] = {
		"", "# EOF", "a 1\n# EOF\n", "# TYPE a gauge\na 1\n",
		"# TYPE a gauge\na x\n# EOF\n", "# TYPE a gauge\na\n# EOF\n",
		"# TYPE a gauge\na 1\na 1\n# EOF\n",
		"# TYPE a gauge\n# TYPE a gauge\n# EOF\n",
		"# TYPE a gauge\nb 1\n# EOF\n",
		"# TYPE a gauge\na{x=\"1} 1\n# EOF\n",
		"# TYPE a gauge\na{x=\"1\",} 1\n# EOF\n",
		"# TYPE a gauge\na{x=\"\\q\"} 1\n# EOF\n",
		"# TYPE a gauge\na NaN\n# EOF\n",
		"# TYPE a counter\na 1\n# EOF\n",
		"# TYPE a counter\na_total -1\n# EOF\n",
		"# TYPE a gauge\n# UNIT a seconds\na 1\n# EOF\n",
		"# TYPE a thing\n# EOF\n", "\n# EOF\n",
		("# TYPE a histogram\na_bucket{le=\"1.0\"} 2\n"
		 "a_bucket{le=\"+Inf\"} 1\n# EOF\n"),
		"# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\n# EOF\n",
		"# TYPE a histogram\na_bucket{le=\"1.0\"} 1\na_count 1\n# EOF\n",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		struct reader r;

		reader_init(&r);
		if (!read_text(&r, bad[i]))
			g_error("accepted: %s", bad[i]);
		reader_clear(&r);
	}
}

/* ---- ours ---- */

static double sample(const struct reader *r, const char *key)
{
	const double *value = g_hash_table_lookup(r->samples, key);

	if (!value)
		g_error("there is no %s", key);
	return *value;
}

static void test_text(void)
{
	static const char *const each[] = {
		"vgpu_gpu_seconds_total", "vgpu_memory_bytes",
		"vgpu_frames_total", "vgpu_faults_total",
		"vgpu_worker_restarts_total", "vgpu_lease_wait_seconds_count",
		"vgpu_lease_wait_seconds_sum",
	};
	g_autofree char *text = NULL;
	struct reader r;
	size_t i;

	setup();
	events_post(broker.events, EVENT_HUNG, "a", "x");
	text = metrics_text(&broker);
	reader_init(&r);
	g_assert_cmpstr(read_text(&r, text), ==, NULL);
	for (i = 0; i < G_N_ELEMENTS(each); i++) {
		g_autofree char *a = g_strdup_printf("%s{vm=\"a\"}", each[i]);
		g_autofree char *b = g_strdup_printf("%s{vm=\"b\"}", each[i]);

		g_assert_cmpfloat(sample(&r, a), ==, 0);
		g_assert_cmpfloat(sample(&r, b), ==, 0);
	}
	g_assert_cmpfloat(sample(&r, "vgpu_weight{vm=\"a\"}"), ==, 200);
	g_assert_cmpfloat(sample(&r, "vgpu_events_total{event=\"hung\"}"), ==,
			  1);
	g_assert_cmpfloat(sample(&r, "vgpu_state{vm=\"a\",vgpu_state=\"idle\"}"),
			  ==, 1);
	g_assert_cmpfloat(sample(&r, "vgpu_uptime_seconds"), >, 0);
	reader_clear(&r);
	teardown();
}

/* A locale with a decimal comma must not get into it. */
static void test_locale(void)
{
	g_autofree char *text = NULL;
	struct reader r;

	if (!setlocale(LC_ALL, "de_DE.UTF-8") &&
	    !setlocale(LC_ALL, "fr_FR.UTF-8"))
		setlocale(LC_ALL, "");
	setup();
	serve(3);
	text = metrics_text(&broker);
	reader_init(&r);
	g_assert_cmpstr(read_text(&r, text), ==, NULL);
	reader_clear(&r);
	teardown();
}

/* ---- over HTTP ---- */

static char *metrics_path;

static void setup_http(void)
{
	setup();
	metrics_path = g_strdup_printf("%s/metrics", dir);
	broker.metrics = metrics_new(&broker, metrics_path);
	g_assert_nonnull(broker.metrics);
}

static void teardown_http(void)
{
	metrics_free(broker.metrics);
	g_free(metrics_path);
	teardown();
}

static char *request(const char *text)
{
	int fd = connect_client(metrics_path);
	char *all;

	say(fd, text);
	all = read_all(fd);
	close(fd);
	return all;
}

static void assert_scrape(const char *reply)
{
	const char *body = strstr(reply, "\r\n\r\n");
	g_autofree char *length = NULL;
	struct reader r;

	g_assert_true(g_str_has_prefix(reply, "HTTP/1.1 200 OK\r\n"));
	g_assert_nonnull(strstr(reply, "application/openmetrics-text; version=1.0.0"));
	g_assert_nonnull(body);
	body += 4;
	length = g_strdup_printf("\r\nContent-Length: %zu\r\n", strlen(body));
	g_assert_nonnull(strstr(reply, length));
	reader_init(&r);
	g_assert_cmpstr(read_text(&r, body), ==, NULL);
	reader_clear(&r);
}

static void test_http(void)
{
	static const char *const good[] = {
		"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n",
		"GET /metrics?x=y HTTP/1.1\r\nAccept: */*\r\n\r\n",
		"GET /metrics HTTP/1.0\n\n",
	};
	static const struct {
		const char *request, *status;
	} bad[] = {
		{ "GET /other HTTP/1.1\r\n\r\n", "404" },
		{ "GET /metricsx HTTP/1.1\r\n\r\n", "404" },
		{ "POST /metrics HTTP/1.1\r\n\r\n", "405" },
		{ "\r\n\r\n", "400" },
		{ "GET\r\n\r\n", "400" },
		{ "GET  HTTP/1.1\r\n\r\n", "400" },
		{ "GET /metrics\r\n\r\n", "400" },
		{ "GET /metrics HTTP/2\r\n\r\n", "400" },
		{ "GET / metrics HTTP/1.1\r\n\r\n", "400" },
		{ "{\"cmd\":\"list\"}\n\n", "400" },
		{ "\x16\x03\x01 \xff\xfe\r\n\r\n", "400" },
	};
	g_autofree char *head = NULL;
	size_t i;

	setup_http();
	for (i = 0; i < G_N_ELEMENTS(good); i++) {
		g_autofree char *reply = request(good[i]);

		assert_scrape(reply);
	}
	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		g_autofree char *reply = request(bad[i].request);

		g_assert_true(g_str_has_prefix(reply, "HTTP/1.1 "));
		if (strncmp(reply + 9, bad[i].status, 3))
			g_error("%s: %s", bad[i].request, reply);
	}
	head = request("HEAD /metrics HTTP/1.1\r\n\r\n");
	g_assert_true(g_str_has_prefix(head, "HTTP/1.1 200"));
	g_assert_true(g_str_has_suffix(head, "\r\n\r\n"));
	teardown_http();
}

/* Too long, with NUL bytes, byte by byte, gone at once, or too many. */
static void test_clients(void)
{
	g_autofree char *filler = g_strnfill(METRICS_REQUEST_MAX + 10, 'x');
	int fds[METRICS_CLIENTS_MAX + 8], fd, i;
	const char *c;
	char *reply;

	setup_http();
	reply = request(filler);
	g_assert_true(g_str_has_prefix(reply, "HTTP/1.1 431"));
	g_free(reply);
	fd = connect_client(metrics_path);
	g_assert_cmpint(send(fd, "GET \0/\r\n\r\n", 10, 0), ==, 10);
	reply = read_all(fd);
	g_assert_true(g_str_has_prefix(reply, "HTTP/1.1 400"));
	g_free(reply);
	close(fd);
	fd = connect_client(metrics_path);
	for (c = "GET /metrics HTTP/1.1\r\nA: b\r\n\r\n"; *c; c++) {
		g_assert_cmpint(send(fd, c, 1, 0), ==, 1);
		serve(0);
	}
	reply = read_all(fd);
	assert_scrape(reply);
	g_free(reply);
	close(fd);
	for (i = 0; i < 500; i++) {
		fd = connect_client(metrics_path);
		if (i & 1)
			say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
		serve(0);
		close(fd);
	}
	for (i = 0; i < (int)G_N_ELEMENTS(fds); i++) {
		fds[i] = connect_client(metrics_path);
		serve(0);
	}
	serve(20);
	for (i = 0; i < (int)G_N_ELEMENTS(fds); i++)
		close(fds[i]);
	serve(20);
	reply = request("GET /metrics HTTP/1.1\r\n\r\n");
	assert_scrape(reply);
	g_free(reply);
	teardown_http();
}

/* Asks nothing: dropped; others are served meanwhile. */
static void test_silent(void)
{
	uint64_t began = event_now_ns();
	int fd;
	char *all, *reply;

	setup_http();
	fd = connect_client(metrics_path);
	say(fd, "GET /metr");
	reply = request("GET /metrics HTTP/1.1\r\n\r\n");
	assert_scrape(reply);
	g_free(reply);
	all = read_all(fd);
	g_assert_cmpstr(all, ==, "");
	g_assert_cmpuint(event_now_ns() - began, <, 9000000000);
	g_free(all);
	close(fd);
	teardown_http();
}

static void test_addresses(void)
{
	static const char *const bad[] = {
		"", ":", "9400", ":9400", "127.0.0.1", "127.0.0.1:",
		"127.0.0.1:0", "127.0.0.1:65536", "127.0.0.1:x", "::1:9400",
		"[::1]", "localhost:9400", "[]:1", "[:1", "metrics.sock",
		"127.0.0.1:-1", "256.0.0.1:80",
	};
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(bad); i++) {
		if (listener_address_ok(bad[i]))
			g_error("accepted: %s", bad[i]);
	}
	g_assert_true(listener_address_ok("127.0.0.1:9400"));
	g_assert_true(listener_address_ok("[::1]:9400"));
	g_assert_true(listener_address_ok("0.0.0.0:1"));
}

static void test_tcp(void)
{
	struct sockaddr_in in = { .sin_family = AF_INET };
	g_autofree char *address = NULL, *reply = NULL;
	socklen_t len = sizeof(in);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	/* a port that nobody has */
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	g_assert_cmpint(bind(fd, (struct sockaddr *)&in, len), ==, 0);
	g_assert_cmpint(getsockname(fd, (struct sockaddr *)&in, &len), ==, 0);
	close(fd);
	setup();
	address = g_strdup_printf("127.0.0.1:%u", ntohs(in.sin_port));
	broker.metrics = metrics_new(&broker, address);
	g_assert_nonnull(broker.metrics);
	/* taken: it is said, not waited for */
	g_assert_null(metrics_new(&broker, address));
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert_cmpint(connect(fd, (struct sockaddr *)&in, len), ==, 0);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	say(fd, "GET /metrics HTTP/1.1\r\n\r\n");
	reply = read_all(fd);
	assert_scrape(reply);
	close(fd);
	metrics_free(broker.metrics);
	teardown();
}

int main(int argc, char **argv)
{
	runner_init(&argc, &argv);
	g_main_context_default();	/* its descriptor is no case's leak */
	log_set_level(LOG_LEVEL_ERROR);
	runner_add("/broker/metrics/reader", test_reader, 0);
	runner_add("/broker/metrics/text", test_text, 0);
	runner_add("/broker/metrics/locale", test_locale, 0);
	runner_add("/broker/metrics/http", test_http, 0);
	runner_add("/broker/metrics/clients", test_clients, 0);
	runner_add("/broker/metrics/silent", test_silent, 0);
	runner_add("/broker/metrics/addresses", test_addresses, 0);
	runner_add("/broker/metrics/tcp", test_tcp, 0);
	return runner_run();
}
