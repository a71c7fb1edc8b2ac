// SPDX-License-Identifier: GPL-2.0-only
/*
 * The log: one sector with the number of entries, then for each entry a sector
 * that describes it, with the text of a mark, and the data of a write.
 */
#include "harness.h"
#include "logwrites.h"

#include <endian.h>

#define LOG_MAGIC	0x6a736677736872ULL
#define LOG_VERSION	1
#define COPY_SIZE	65536

struct disk_super {
	uint64_t magic, version, entries;
	uint32_t sector_size;
};

struct disk_entry {
	uint64_t sector, sectors, flags, text_len;
};

static void read_at(int fd, void *buf, size_t len, off_t pos)
{
	EXPECT_EQ(EXPECT_OK(pread(fd, buf, len, pos)), len);
}

void log_open(struct log_reader *log, const char *path)
{
	struct disk_super super;

	memset(log, 0, sizeof(*log));
	log->fd = EXPECT_OK(open(path, O_RDONLY | O_CLOEXEC));
	read_at(log->fd, &super, sizeof(super), 0);
	EXPECT_EQ(le64toh(super.magic), LOG_MAGIC);
	EXPECT_EQ(le64toh(super.version), LOG_VERSION);
	log->count = le64toh(super.entries);
	log->sector_size = le32toh(super.sector_size);
	CHECK(log->sector_size >= 512 && log->sector_size <= COPY_SIZE,
	      "sectors of %u bytes", log->sector_size);
	log->pos = log->sector_size;
}

static void read_mark(struct log_reader *log, struct log_entry *e, size_t len)
{
	CHECK(len < sizeof(e->mark), "a mark of %zu bytes", len);
	read_at(log->fd, e->mark, len,
		log->pos + (off_t)sizeof(struct disk_entry));
}

bool log_next(struct log_reader *log, struct log_entry *ret)
{
	struct disk_entry disk;

	memset(ret, 0, sizeof(*ret));
	if (log->next == log->count)
		return false;
	read_at(log->fd, &disk, sizeof(disk), log->pos);
	ret->number = log->next++;
	ret->flags = le64toh(disk.flags);
	ret->offset = (off_t)le64toh(disk.sector) * log->sector_size;
	ret->length = (off_t)le64toh(disk.sectors) * log->sector_size;
	if (ret->flags & LOG_MARK)
		read_mark(log, ret, le64toh(disk.text_len));
	log->pos += log->sector_size;
	ret->data = log->pos;
	/* A discard has a length, but nothing to write. */
	if (!(ret->flags & LOG_DISCARD))
		log->pos += ret->length;
	return true;
}

void log_apply(const struct log_reader *log, const struct log_entry *e, int fd)
{
	char buf[COPY_SIZE];
	off_t done = 0;

	if (e->flags & LOG_DISCARD) {
		EXPECT_OK(fallocate(fd, FALLOC_FL_PUNCH_HOLE |
				    FALLOC_FL_KEEP_SIZE, e->offset,
				    e->length));
		return;
	}
	while (done < e->length) {
		size_t n = e->length - done < COPY_SIZE ? e->length - done :
							  COPY_SIZE;

		read_at(log->fd, buf, n, e->data + done);
		EXPECT_EQ(EXPECT_OK(pwrite(fd, buf, n, e->offset + done)), n);
		done += n;
	}
}

void log_close(struct log_reader *log)
{
	close(log->fd);
}
