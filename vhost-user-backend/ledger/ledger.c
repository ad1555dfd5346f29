// SPDX-License-Identifier: MIT
/*
 * ledger.c - the log that outlives a worker
 *
 * There is one writer at a time. What a predecessor left is read like any other
 * hostile input: positions are checked once, at ledger_open() and
 * ledger_replay(), and kept privately from then on.
 */
#include "ledger/ledger.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "base/log.h"
#include "base/shm.h"
#include "ledger/crc32c.h"
#include "protocol/vgpu_ledger.h"

#define PAGE		4096u
#define SEGMENT_SIZE	(16u << 20)	/* sparse: costs what it holds */
#define SEGMENT_LIMIT	(1ull << 30)
#define COMPACT_MIN	(256u << 10)	/* below this nothing is gained */

#define RINGS_OFFSET	PAGE
#define RING_STRIDE \
	((sizeof(struct vgpu_ledger_ring) + PAGE - 1) / PAGE * PAGE)
#define SEGMENTS_OFFSET	(RINGS_OFFSET + VIRTIO_GPU_NUM_QUEUES * RING_STRIDE)
#define LEDGER_SIZE	(SEGMENTS_OFFSET + 2ull * SEGMENT_SIZE)

struct ledger {
	struct vgpu_ledger_header *header;
	uint8_t *map;
	size_t map_size;
	uint64_t segment_size;
	unsigned int active;
	uint64_t used;		/* committed bytes of the active segment */
	uint64_t compacted;	/* used after the last compaction */

	bool dumping;		/* the dump function writes to the other one */
	uint64_t dump_used;
	ledger_dump_fn dump;
	void *dump_opaque;
};

static int write_header(int fd)
{
	struct vgpu_ledger_header header = {
		.magic = VGPU_LEDGER_MAGIC,
		.version = VGPU_LEDGER_VERSION,
		.segment_size = SEGMENT_SIZE,
	};
	ssize_t n = pwrite(fd, &header, sizeof(header), 0);

	if (n < 0)
		return -errno;
	return n == sizeof(header) ? 0 : -EIO;
}

int ledger_create(void)
{
	int fd = shm_create("vgpu-ledger", LEDGER_SIZE);
	int ret;

	if (fd < 0)
		return fd;
	ret = write_header(fd);
	/* A worker must not be able to make it unwritable for the next one. */
	if (!ret && fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL))
		ret = -errno;
	if (ret) {
		close(fd);
		return ret;
	}
	return fd;
}

int ledger_wipe(int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      st.st_size))
		return -errno;
	return write_header(fd);
}

int ledger_ring_base(int fd, unsigned int queue)
{
	struct {
		uint32_t valid, last_avail;
	} ring;
	off_t at = RINGS_OFFSET + queue * (off_t)RING_STRIDE;
	ssize_t n;

	if (queue >= VIRTIO_GPU_NUM_QUEUES)
		return -EINVAL;
	n = pread(fd, &ring, sizeof(ring), at);
	if (n < 0)
		return -errno;
	if (n != sizeof(ring))
		return -EIO;
	return ring.valid ? (int)(ring.last_avail & 0xffff) : -ENOENT;
}

static uint8_t *segment(struct ledger *ledger, unsigned int n)
{
	return ledger->map + SEGMENTS_OFFSET + n * ledger->segment_size;
}

/* Where the active segment is and ends, checked. */
static int read_position(struct ledger *ledger)
{
	uint32_t active = atomic_load_explicit(&ledger->header->active,
					       memory_order_acquire);
	uint64_t used;

	if (active > 1)
		return -EBADMSG;
	used = atomic_load_explicit(&ledger->header->committed[active],
				    memory_order_acquire);
	if (used > ledger->segment_size || used % 8)
		return -EBADMSG;
	ledger->active = active;
	ledger->used = used;
	return 0;
}

static int check_header(struct ledger *ledger, uint64_t file_size)
{
	struct vgpu_ledger_header *header = ledger->header;
	uint64_t size = header->segment_size;

	if (header->magic != VGPU_LEDGER_MAGIC ||
	    header->version != VGPU_LEDGER_VERSION)
		return -EBADMSG;
	if (size < PAGE || size > SEGMENT_LIMIT || size % PAGE ||
	    SEGMENTS_OFFSET + 2 * size > file_size)
		return -EBADMSG;
	ledger->segment_size = size;
	return read_position(ledger);
}

struct ledger *ledger_open(int fd)
{
	struct ledger *ledger;
	struct stat st;
	int ret;

	if (fstat(fd, &st))
		return NULL;
	if (st.st_size < (off_t)SEGMENTS_OFFSET) {
		errno = EBADMSG;
		return NULL;
	}
	ledger = calloc(1, sizeof(*ledger));
	if (!ledger)
		return NULL;
	ledger->map_size = (size_t)st.st_size;
	ledger->map = shm_map(fd, ledger->map_size, true);
	if (!ledger->map) {
		ret = -errno;
		goto err_free;
	}
	ledger->header = (struct vgpu_ledger_header *)ledger->map;
	ret = check_header(ledger, ledger->map_size);
	if (ret)
		goto err_unmap;
	return ledger;

err_unmap:
	shm_unmap(ledger->map, ledger->map_size);
err_free:
	free(ledger);
	errno = -ret;
	return NULL;
}

void ledger_close(struct ledger *ledger)
{
	if (!ledger)
		return;
	shm_unmap(ledger->map, ledger->map_size);
	free(ledger);
}

struct vgpu_ledger_ring *ledger_ring(struct ledger *ledger, unsigned int queue)
{
	if (queue >= VIRTIO_GPU_NUM_QUEUES)
		return NULL;
	return (void *)(ledger->map + RINGS_OFFSET + queue * RING_STRIDE);
}

_Atomic uint32_t *ledger_crashes(struct ledger *ledger)
{
	return &ledger->header->crashes;
}

void ledger_clear(struct ledger *ledger)
{
	atomic_store_explicit(&ledger->header->committed[ledger->active], 0,
			      memory_order_release);
	ledger->used = ledger->compacted = 0;
}

void ledger_set_dump(struct ledger *ledger, ledger_dump_fn fn, void *opaque)
{
	ledger->dump = fn;
	ledger->dump_opaque = opaque;
}

static uint32_t record_crc(const struct vgpu_ledger_record *record,
			   const void *head, size_t head_size,
			   const void *tail, size_t tail_size)
{
	uint32_t crc = crc32c(0, record, 8);	/* type and size */

	crc = crc32c(crc, head, head_size);
	return crc32c(crc, tail, tail_size);
}

static uint64_t record_room(size_t size)
{
	return sizeof(struct vgpu_ledger_record) + (((uint64_t)size + 7) & ~7ull);
}

/*
 * Write the live state into the other segment and make that the active one. On
 * failure the old one stays active, and is tried again when it has doubled once
 * more.
 */
static int compact(struct ledger *ledger)
{
	unsigned int other = !ledger->active;
	int ret;

	if (!ledger->dump)
		return -ENOSPC;
	ledger->dumping = true;
	ledger->dump_used = 0;
	ret = ledger->dump(ledger->dump_opaque, ledger);
	ledger->dumping = false;
	if (ret) {
		ledger->compacted = ledger->used;
		return ret;
	}
	atomic_store_explicit(&ledger->header->committed[other],
			      ledger->dump_used, memory_order_release);
	atomic_store_explicit(&ledger->header->active, other,
			      memory_order_release);
	/* Give the memory back; harmless if it fails. */
	madvise(segment(ledger, ledger->active), ledger->segment_size,
		MADV_REMOVE);
	ledger->active = other;
	ledger->used = ledger->dump_used;
	ledger->compacted = ledger->used;
	return 0;
}

int ledger_append2(struct ledger *ledger, uint32_t type, const void *head,
		   size_t head_size, const void *tail, size_t tail_size)
{
	struct vgpu_ledger_record record = { .type = type };
	uint64_t room, *used;
	uint8_t *to;

	if (head_size > ledger->segment_size ||
	    tail_size > ledger->segment_size)
		return -ENOSPC;
	room = record_room(head_size + tail_size);
	if (!ledger->dumping &&
	    (room > ledger->segment_size - ledger->used ||
	     (ledger->used >= COMPACT_MIN &&
	      ledger->used >= 2 * ledger->compacted)))
		compact(ledger);

	used = ledger->dumping ? &ledger->dump_used : &ledger->used;
	if (room > ledger->segment_size - *used)
		return -ENOSPC;
	to = segment(ledger, ledger->dumping ? !ledger->active : ledger->active)
		+ *used;
	record.size = (uint32_t)(head_size + tail_size);
	record.crc = record_crc(&record, head, head_size, tail, tail_size);
	memcpy(to, &record, sizeof(record));
	to += sizeof(record);
	if (head_size)
		memcpy(to, head, head_size);
	if (tail_size)
		memcpy(to + head_size, tail, tail_size);
	*used += room;
	if (!ledger->dumping)
		atomic_store_explicit(
			&ledger->header->committed[ledger->active],
			ledger->used, memory_order_release);
	return 0;
}

int ledger_append(struct ledger *ledger, uint32_t type, const void *payload,
		  size_t size)
{
	return ledger_append2(ledger, type, payload, size, NULL, 0);
}

/*
 * One record into *buf, which grows. Return: its room, 0 if it is damaged,
 * -ENOMEM.
 */
static int64_t read_record(struct ledger *ledger, uint64_t at,
			    struct vgpu_ledger_record *record, void **buf,
			    size_t *buf_size)
{
	const uint8_t *from = segment(ledger, ledger->active) + at;
	uint64_t left = ledger->used - at;

	if (left < sizeof(*record))
		return 0;
	memcpy(record, from, sizeof(*record));
	if (record->size > left || record_room(record->size) > left)
		return 0;
	if (record->size > *buf_size || !*buf) {
		size_t want = record->size > PAGE ? record->size : PAGE;
		void *bigger = realloc(*buf, want);

		if (!bigger)
			return -ENOMEM;
		*buf = bigger;
		*buf_size = want;
	}
	memcpy(*buf, from + sizeof(*record), record->size);
	if (record_crc(record, *buf, record->size, NULL, 0) != record->crc)
		return 0;
	return (int64_t)record_room(record->size);
}

/* End the log here, so that what is appended from now on is found again. */
static void cut(struct ledger *ledger, uint64_t at)
{
	log_warning("ledger: damaged record at %llu of %llu",
		    (unsigned long long)at, (unsigned long long)ledger->used);
	ledger->used = at;
	atomic_store_explicit(&ledger->header->committed[ledger->active], at,
			      memory_order_release);
}

int ledger_replay(struct ledger *ledger, ledger_visit_fn fn, void *opaque)
{
	struct vgpu_ledger_record record;
	void *buf = NULL;
	size_t buf_size = 0;
	uint64_t at = 0;
	int ret;

	ret = read_position(ledger);
	if (ret)
		return ret;
	while (at < ledger->used && !ret) {
		int64_t room = read_record(ledger, at, &record, &buf,
					   &buf_size);

		if (room < 0)
			ret = (int)room;
		if (!room)
			cut(ledger, at);
		if (room <= 0)
			break;
		at += (uint64_t)room;
		ret = fn(opaque, record.type, buf, record.size);
	}
	free(buf);
	return ret;
}
