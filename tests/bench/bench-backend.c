// SPDX-License-Identifier: MIT
/*
 * bench-backend.c - our back end beside QEMU's contrib one, command by command
 *
 * usage: bench-backend [--ms MS] [--json FILE] OURS THEIRS
 *
 * OURS and THEIRS are commands without --virgl, which the 3D rows add. Same
 * front end, same process, both alive all the time; each row runs ours,
 * theirs, theirs, ours. CPU time is that of the back end's processes as the
 * kernel counts it. A row that misses its aim is run again under perf.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <glib.h>

#include "tests/lib/fe.h"
#include "tests/lib/proc.h"
#include "tests/lib/profile.h"

#define XRGB		VIRTIO_GPU_FORMAT_B8G8R8X8_UNORM
#define DEPTH		64		/* requests in flight */
#define ID_SMALL	1		/* 2D 64x64 */
#define ID_SCREEN	2		/* 2D 1024x768, shown */
#define ID_TEXTURE	3
#define ID_TEMP		100
#define MAX_SAMPLES	200000

enum mode { MODE_2D, MODE_3D };

struct row {
	const char *name;
	enum mode mode;
	bool round_trip;		/* one at a time, time of each */
	/* writes the command number n, return its size */
	size_t (*make)(void *cmd, uint64_t n);
};

struct sample {
	uint64_t commands, ns, cpu_us, errors;
	double *rtt_us;
	size_t n_rtt;
};

static unsigned int slice_ms = 400;

/* ---- commands ---- */

static size_t transfer_2d(void *buf, uint64_t n)
{
	struct virtio_gpu_transfer_to_host_2d cmd = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = { 0, 0, 64, 64 }, .resource_id = ID_SMALL,
	};

	memcpy(buf, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

static size_t flush_small(void *buf, uint64_t n)
{
	struct virtio_gpu_resource_flush cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_FLUSH,
		.r = { 32, 32, 64, 64 }, .resource_id = ID_SCREEN,
	};

	memcpy(buf, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

/* A frame: the whole screen transferred, then flushed. */
static size_t frame(void *buf, uint64_t n)
{
	struct virtio_gpu_transfer_to_host_2d cmd = {
		.hdr.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_2D,
		.r = { 0, 0, 1024, 768 }, .resource_id = ID_SCREEN,
	};

	if (n & 1) {
		flush_small(buf, n);
		((struct virtio_gpu_resource_flush *)buf)->r = cmd.r;
		return sizeof(struct virtio_gpu_resource_flush);
	}
	memcpy(buf, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

static size_t create_unref(void *buf, uint64_t n)
{
	struct virtio_gpu_resource_create_2d cmd = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_CREATE_2D,
		.resource_id = ID_TEMP, .format = XRGB,
		.width = 16, .height = 16,
	};
	struct virtio_gpu_resource_unref unref = {
		.hdr.type = VIRTIO_GPU_CMD_RESOURCE_UNREF,
		.resource_id = ID_TEMP,
	};

	if (n & 1) {
		memcpy(buf, &unref, sizeof(unref));
		return sizeof(unref);
	}
	memcpy(buf, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

/* Nothing but the ring and an answer. */
static size_t ping(void *buf, uint64_t n)
{
	struct virtio_gpu_get_capset_info cmd = {
		.hdr.type = VIRTIO_GPU_CMD_GET_CAPSET_INFO,
	};

	memcpy(buf, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

static size_t submit(void *buf, const uint32_t *words, size_t n, uint64_t fence)
{
	struct virtio_gpu_cmd_submit cmd = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_SUBMIT_3D, .ctx_id = 1,
			.flags = fence ? VIRTIO_GPU_FLAG_FENCE : 0,
			.fence_id = fence,
		},
		.size = (uint32_t)n * 4,
	};

	memcpy(buf, &cmd, sizeof(cmd));
	memcpy((uint8_t *)buf + sizeof(cmd), words, n * 4);
	return sizeof(cmd) + n * 4;
}

static size_t submit_nop(void *buf, uint64_t n)
{
	uint32_t words[4];

	return submit(buf, words, fe_virgl_nop(words), 0);
}

static size_t submit_nop_fence(void *buf, uint64_t n)
{
	uint32_t words[4];

	return submit(buf, words, fe_virgl_nop(words), n + 1);
}

static size_t submit_clear(void *buf, uint64_t n)
{
	float colour[4] = { 0, 0.5, (float)(n & 255) / 255, 1 };
	uint32_t words[32];

	return submit(buf, words, fe_virgl_clear(words, 5, 0, XRGB, colour),
		      n + 1);
}

static size_t transfer_3d(void *buf, uint64_t n)
{
	struct virtio_gpu_transfer_host_3d cmd = {
		.hdr = {
			.type = VIRTIO_GPU_CMD_TRANSFER_TO_HOST_3D,
			.ctx_id = 1,
		},
		.box = { .w = 64, .h = 64, .d = 1 }, .resource_id = ID_TEXTURE,
	};

	memcpy(buf, &cmd, sizeof(cmd));
	return sizeof(cmd);
}

static const struct row rows[] = {
	{ "TRANSFER_TO_HOST_2D 64x64", MODE_2D, false, transfer_2d },
	{ "RESOURCE_FLUSH 64x64 of a screen", MODE_2D, false, flush_small },
	{ "frame 1024x768, transfer and flush", MODE_2D, false, frame },
	{ "RESOURCE_CREATE_2D, RESOURCE_UNREF", MODE_2D, false, create_unref },
	{ "answer round trip", MODE_3D, true, ping },
	{ "fence round trip", MODE_3D, true, submit_nop_fence },
	{ "fence round trip with a clear", MODE_3D, true, submit_clear },
	{ "SUBMIT_3D NOP", MODE_3D, false, submit_nop },
	{ "SUBMIT_3D NOP with a fence", MODE_3D, false, submit_nop_fence },
	{ "SUBMIT_3D clear with a fence", MODE_3D, false, submit_clear },
	{ "TRANSFER_TO_HOST_3D 64x64", MODE_3D, false, transfer_3d },
};

/* ---- a back end ---- */

static int check(int ret, const char *what)
{
	if (ret == VIRTIO_GPU_RESP_OK_NODATA)
		return 0;
	fprintf(stderr, "bench: %s answered %#x\n", what, (unsigned int)ret);
	return -1;
}

static int prepare_2d(struct fe *fe, uint64_t page)
{
	if (check(fe_create_2d(fe, ID_SMALL, XRGB, 64, 64), "create") ||
	    check(fe_attach(fe, ID_SMALL, page, 64 * 64 * 4), "attach") ||
	    check(fe_create_2d(fe, ID_SCREEN, XRGB, 1024, 768), "create") ||
	    check(fe_attach(fe, ID_SCREEN, page, 1024 * 768 * 4), "attach") ||
	    check(fe_scanout(fe, 0, ID_SCREEN, 0, 0, 1024, 768), "scanout"))
		return -1;
	return 0;
}

static int prepare_3d(struct fe *fe, uint64_t page)
{
	static const float black[4] = { 0, 0, 0, 1 };
	uint32_t words[64];
	size_t n;

	if (check(fe_ctx_create(fe, 1, "bench"), "context") ||
	    check(fe_texture(fe, ID_TEXTURE, XRGB, 64, 64), "texture") ||
	    check(fe_attach(fe, ID_TEXTURE, page, 64 * 64 * 4), "attach") ||
	    check(fe_ctx_attach(fe, 1, ID_TEXTURE), "context attach"))
		return -1;
	n = fe_virgl_clear(words, 5, ID_TEXTURE, XRGB, black);
	return check(fe_submit(fe, 1, words, (uint32_t)n * 4, 1), "submit");
}

static struct fe *start(const char *command, enum mode mode)
{
	struct fe_options opts = {
		.command = command, .no_poison = true,
		.add = mode == MODE_3D ? "--virgl" : NULL, .timeout_ms = 30000,
	};
	struct fe *fe = fe_new(&opts);
	uint64_t page;

	if (!fe || fe_up(fe)) {
		fprintf(stderr, "bench: %s does not start\n", command);
		fe_free(fe);
		return NULL;
	}
	page = fe_alloc(fe, 1024 * 768 * 4);
	if (mode == MODE_3D ? prepare_3d(fe, page) : prepare_2d(fe, page)) {
		fe_free(fe);
		return NULL;
	}
	fe_settle(fe, 100);
	return fe;
}

/* ---- measuring ---- */

static size_t response_size(const struct row *row)
{
	return row->make == ping ? sizeof(struct virtio_gpu_resp_capset_info) :
				   sizeof(struct virtio_gpu_ctrl_hdr);
}

static int take(struct fe_req *req, struct sample *s)
{
	int ret = fe_wait(req);

	if (!ret && fe_resp_type(req) >= VIRTIO_GPU_RESP_ERR_UNSPEC)
		s->errors++;
	fe_req_free(req);
	s->commands++;
	return ret;
}

static int run_slice(struct fe *fe, const struct row *row, struct sample *s,
		     unsigned int ms)
{
	uint64_t begin = fe_now_ns(), end = begin + ms * 1000000ull, n = 0, t;
	uint64_t cpu = proc_tree_cpu_us(fe->pid);
	unsigned int depth = row->round_trip ? 1 : DEPTH;
	struct fe_req *reqs[DEPTH] = { NULL };
	uint8_t cmd[1024];
	int ret = 0;

	while (!ret && (fe_now_ns() < end || n & 1)) {
		struct fe_req **slot = &reqs[n % depth];

		t = fe_now_ns();
		if (*slot)
			ret = take(*slot, s);
		*slot = fe_send_cmd(fe, 0, cmd, row->make(cmd, n),
				    response_size(row));
		fe_kick(fe, 0);
		n++;
		if (ret || !row->round_trip)
			continue;
		ret = take(*slot, s);
		*slot = NULL;
		if (s->n_rtt < MAX_SAMPLES)
			s->rtt_us[s->n_rtt++] = (double)(fe_now_ns() - t) / 1e3;
	}
	/* the rest, oldest first */
	for (; depth; depth--, n++) {
		struct fe_req **slot = &reqs[n % DEPTH];

		if (*slot)
			ret |= take(*slot, s);
		*slot = NULL;
	}
	fe_settle(fe, 0);
	s->ns += fe_now_ns() - begin;
	s->cpu_us += proc_tree_cpu_us(fe->pid) - cpu;
	return ret;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* ---- results ---- */

struct figures {
	double per_s, cpu_us, rtt_us, rtt_99_us;
};

static struct figures figures_of(struct sample *s)
{
	struct figures f = {
		.per_s = (double)s->commands * 1e9 / (double)s->ns,
		.cpu_us = (double)s->cpu_us / (double)s->commands,
	};

	if (s->n_rtt) {
		qsort(s->rtt_us, s->n_rtt, sizeof(*s->rtt_us), compare);
		f.rtt_us = s->rtt_us[s->n_rtt / 2];
		f.rtt_99_us = s->rtt_us[s->n_rtt * 99 / 100];
	}
	return f;
}

static double ratio(double a, double b)
{
	return b > 0 ? a / b : 0;
}

static bool meets(const struct row *row, const struct figures *ours,
		  const struct figures *theirs)
{
	bool cpu = ratio(ours->cpu_us, theirs->cpu_us) <= 0.5;

	if (row->round_trip)
		return cpu && ratio(ours->rtt_us, theirs->rtt_us) <= 0.5;
	return cpu && ratio(ours->per_s, theirs->per_s) >= 3;
}

static void print_row(const struct row *row, const struct figures *ours,
		      const struct figures *theirs)
{
	const char *unit = row->round_trip ? "us" : "/s";
	double a = row->round_trip ? ours->rtt_us : ours->per_s;
	double b = row->round_trip ? theirs->rtt_us : theirs->per_s;

	printf("%-36s %9.*f %9.*f %s %6.2f   %8.2f %8.2f us %6.2f   %s\n",
	       row->name, row->round_trip, a, row->round_trip, b, unit,
	       ratio(a, b), ours->cpu_us, theirs->cpu_us,
	       ratio(ours->cpu_us, theirs->cpu_us),
	       meets(row, ours, theirs) ? "yes" : "no");
}

static void json_figures(FILE *f, const char *name, const struct figures *v)
{
	fprintf(f, "\"%s\": {\"per_second\": %.1f, \"cpu_us\": %.3f, "
		"\"round_trip_us\": %.2f, \"round_trip_99_us\": %.2f}",
		name, v->per_s, v->cpu_us, v->rtt_us, v->rtt_99_us);
}

static void json_row(FILE *f, const struct row *row, const struct figures *a,
		     const struct figures *b, bool first)
{
	fprintf(f, "%s    {\"name\": \"%s\", ", first ? "" : ",\n", row->name);
	json_figures(f, "ours", a);
	fputs(", ", f);
	json_figures(f, "contrib", b);
	fprintf(f, ", \"ratio_per_second\": %.3f, \"ratio_cpu\": %.3f, "
		"\"ratio_round_trip\": %.3f, \"aim_met\": %s}",
		ratio(a->per_s, b->per_s), ratio(a->cpu_us, b->cpu_us),
		ratio(a->rtt_us, b->rtt_us), meets(row, a, b) ? "true" :
		"false");
}

/* ---- a row ---- */

struct again {
	struct fe *fe;
	const struct row *row;
};

static void run_again(void *opaque, unsigned int ms)
{
	struct again *a = opaque;
	struct sample s = { .rtt_us = g_new(double, MAX_SAMPLES) };

	run_slice(a->fe, a->row, &s, ms);
	g_free(s.rtt_us);
}

static int run_row(struct fe *ours, struct fe *theirs, const struct row *row,
		   FILE *json, bool first)
{
	struct sample a = { .rtt_us = g_new(double, MAX_SAMPLES) };
	struct sample b = { .rtt_us = g_new(double, MAX_SAMPLES) };
	struct figures fa, fb;
	int ret;

	run_slice(ours, row, &a, slice_ms / 4);
	run_slice(theirs, row, &b, slice_ms / 4);
	a = (struct sample){ .rtt_us = a.rtt_us };
	b = (struct sample){ .rtt_us = b.rtt_us };
	ret = run_slice(ours, row, &a, slice_ms) ||
	      run_slice(theirs, row, &b, slice_ms) ||
	      run_slice(theirs, row, &b, slice_ms) ||
	      run_slice(ours, row, &a, slice_ms);
	fa = figures_of(&a);
	fb = figures_of(&b);
	if (!ret) {
		print_row(row, &fa, &fb);
		if (json)
			json_row(json, row, &fa, &fb, first);
	} else {
		printf("%-36s no answer\n", row->name);
	}
	if (a.errors)
		printf("    %llu of ours were answered with errors\n",
		       (unsigned long long)a.errors);
	if (!ret && !meets(row, &fa, &fb)) {
		struct again again = { ours, row };

		profile_tree(ours->pid, slice_ms, run_again, &again);
	}
	g_free(a.rtt_us);
	g_free(b.rtt_us);
	return ret || a.errors;
}

static int run_mode(const char *ours, const char *theirs, enum mode mode,
		    FILE *json, bool *first)
{
	struct fe *a = start(ours, mode), *b = start(theirs, mode);
	int ret = !a || !b;
	size_t i;

	for (i = 0; i < G_N_ELEMENTS(rows) && a && b; i++) {
		if (rows[i].mode != mode)
			continue;
		ret |= run_row(a, b, &rows[i], json, *first);
		*first = false;
		fflush(stdout);
	}
	fe_free(a);
	fe_free(b);
	return ret;
}

int main(int argc, char **argv)
{
	const char *commands[2] = { NULL, NULL }, *path = NULL;
	bool first = true;
	FILE *json = NULL;
	int i, n = 0, ret;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--ms") && i + 1 < argc)
			slice_ms = (unsigned int)atoi(argv[++i]);
		else if (!strcmp(argv[i], "--json") && i + 1 < argc)
			path = argv[++i];
		else if (n < 2)
			commands[n++] = argv[i];
	}
	if (n != 2 || slice_ms < 10) {
		fprintf(stderr, "usage: %s [--ms MS] [--json FILE] OURS THEIRS\n",
			argv[0]);
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (path) {
		json = fopen(path, "we");
		if (!json) {
			perror(path);
			return 1;
		}
		fputs("{\n  \"rows\": [\n", json);
	}
	printf("%-36s %9s %9s    %6s   %8s %8s    %6s   aim\n", "", "ours",
	       "contrib", "ratio", "CPU", "contrib", "ratio");
	ret = run_mode(commands[0], commands[1], MODE_2D, json, &first);
	ret |= run_mode(commands[0], commands[1], MODE_3D, json, &first);
	puts("aim: round trip at most 0.5, three times the commands a second, "
	     "half the CPU time");
	if (json) {
		fputs("\n  ]\n}\n", json);
		fclose(json);
	}
	return ret;
}
