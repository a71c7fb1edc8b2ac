// SPDX-License-Identifier: GPL-2.0-only
/*
 * Direct reads where the filesystem has them: what the page cache holds says nothing
 * about the disk, and a pass over all masters must not push out what guests use.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "iattr.h"
#include "scrub.h"

#define CHUNK (1 << 20)
#define ALIGNMENT 4096
#define NS_PER_S 1000000000u

struct scrub_reader {
	uint64_t rate;		/* bytes a second, 0: no limit */
	uint64_t paid_bytes;	/* read since begun */
	struct timespec begun;
	void *buf;
};

struct scrub_reader *scrub_reader_new(uint64_t rate)
{
	struct scrub_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->rate = rate;
	/* fails for bad arguments only */
	(void)clock_gettime(CLOCK_MONOTONIC, &r->begun);
	r->buf = aligned_alloc(ALIGNMENT, CHUNK);
	if (!r->buf) {
		free(r);
		return NULL;
	}
	return r;
}

void scrub_reader_free(struct scrub_reader *r)
{
	if (r)
		free(r->buf);
	free(r);
}

/* Sleep until what was read is not more than the rate allows. */
static void pay(struct scrub_reader *r, uint64_t bytes)
{
	struct timespec until = r->begun;
	uint64_t rest;

	if (!r->rate)
		return;
	r->paid_bytes += bytes < ALIGNMENT ? ALIGNMENT : bytes;
	until.tv_sec += r->paid_bytes / r->rate;
	rest = r->paid_bytes % r->rate;
	until.tv_nsec += (double)rest / (double)r->rate * NS_PER_S;
	if (until.tv_nsec >= NS_PER_S) {
		until.tv_nsec -= NS_PER_S;
		until.tv_sec++;
	}
	/* a signal that does not end us may cut it short: the next one is longer */
	(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static bool set_direct(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return false;
	flags = on ? flags | O_DIRECT : flags & ~O_DIRECT;
	return fcntl(fd, F_SETFL, flags) == 0;
}

static ssize_t read_chunk(int fd, void *buf, uint64_t pos, bool *direct)
{
	for (;;) {
		ssize_t n = pread(fd, buf, CHUNK, (off_t)pos);

		if (n >= 0)
			return n;
		if (errno == EINVAL && *direct && set_direct(fd, false))
			*direct = false; /* not for this file after all */
		else if (errno != EINTR)
			return -errno;
	}
}

/* 0 when it was read to its end, which was at @size_bytes, -EAGAIN when at another. */
static int read_all(struct scrub_reader *r, int fd, uint64_t size_bytes,
		    struct digest *ret)
{
	_cleanup_hasher_ struct hasher *h = hasher_new();
	bool direct = set_direct(fd, true);
	uint64_t pos = 0;
	ssize_t n;

	if (!h)
		return -ENOMEM;
	do {
		n = read_chunk(fd, r->buf, pos, &direct);
		if (n < 0)
			return n;
		hasher_update(h, r->buf, n);
		pos += n;
		pay(r, n);
	} while (n && n % ALIGNMENT == 0 && pos <= size_bytes);
	hasher_final(h, ret);
	return pos == size_bytes ? 0 : -EAGAIN;
}

int scrub_read(struct scrub_reader *r, int fd, const struct digest *key,
	       uint64_t *read_bytes)
{
	_cleanup_iattr_ struct iattr attr = IATTR_INIT;
	struct digest content;
	struct digest have;
	int ret = iattr_read_fd(fd, &attr);

	if (!ret)
		ret = read_all(r, fd, attr.stx.stx_size, &content);
	if (ret == -EAGAIN)
		return 0;
	if (!ret)
		ret = hash_key(&attr, &content, &have);
	if (ret < 0)
		return ret;
	*read_bytes += attr.stx.stx_size;
	return digest_equal(&have, key);
}

bool scrub_is_damage(int code)
{
	switch (-code) {
	case EIO:
	case EUCLEAN:	/* the filesystem found itself damaged */
	case EBADMSG:	/* a checksum of its metadata */
	case ENODATA:	/* the medium, as direct reads see it */
	case EILSEQ:	/* protection information */
	case EREMOTEIO:	/* the device */
		return true;
	default:
		return false;
	}
}
