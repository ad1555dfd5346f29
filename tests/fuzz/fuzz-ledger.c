// SPDX-License-Identifier: MIT
/*
 * fuzz-ledger.c - a ledger as a worker that went mad may have left it
 *
 * Input: records of {u8 what, u8 type, u16 length, u32 offset, bytes}: an even
 * `what` appends a record, an odd one writes the bytes anywhere.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib.h>

#include "base/cursor.h"
#include "base/log.h"
#include "ledger/ledger.h"
#include "protocol/vgpu_ledger.h"
#include "tests/lib/fuzz.h"

struct op {
	uint8_t what, type;
	uint16_t len;
	uint32_t offset;
};

static int visit(void *opaque, uint32_t type, const void *payload, size_t size)
{
	uint64_t *sum = opaque;
	const uint8_t *p = payload;

	while (size--)
		*sum += *p++;
	return 0;
}

static void apply(int fd, struct ledger *ledger, const struct op *op,
		  const uint8_t *data, off_t file_size)
{
	off_t at;

	if (!(op->what & 1)) {
		ledger_append(ledger, op->type, data, op->len);
		return;
	}
	/* often in the header, or at the start of a segment */
	at = op->what & 2 ? op->offset % 256 :
	     op->what & 4 ? (off_t)op->offset % 1048576 :
			    (off_t)op->offset % file_size;
	if (at + op->len <= file_size &&
	    pwrite(fd, data, op->len, at) != op->len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor in = cursor_init(data, size);
	int fd = ledger_create();
	struct ledger *ledger = ledger_open(fd);
	uint64_t sum = 0;
	unsigned int i;
	struct stat st;
	struct op op;

	log_set_level(LOG_LEVEL_ERROR);
	if (fd < 0 || !ledger || fstat(fd, &st))
		abort();
	while (cursor_get(&in, &op, sizeof(op))) {
		if (op.len > in.left)
			op.len = (uint16_t)in.left;
		apply(fd, ledger, &op, cursor_take(&in, op.len), st.st_size);
	}
	ledger_replay(ledger, visit, &sum);
	ledger_close(ledger);
	/* the successor's and the endpoint's view */
	for (i = 0; i < 4; i++) {
		int base = ledger_ring_base(fd, i);

		g_assert_cmpint(base, <=, 0xffff);
	}
	ledger = ledger_open(fd);
	if (ledger) {
		ledger_replay(ledger, visit, &sum);
		ledger_append(ledger, VGPU_LEDGER_CURSOR, "12345678", 8);
		ledger_close(ledger);
	}
	g_assert_cmpint(ledger_wipe(fd), ==, 0);
	ledger = ledger_open(fd);
	g_assert_nonnull(ledger);
	sum = 0;
	g_assert_cmpint(ledger_replay(ledger, visit, &sum), ==, 0);
	g_assert_cmpuint(sum, ==, 0);
	ledger_close(ledger);
	close(fd);
	return 0;
}

#ifndef FUZZ_LIBFUZZER
int main(int argc, char **argv)
{
	return fuzz_main(argc, argv, LLVMFuzzerTestOneInput, 4000);
}
#endif
