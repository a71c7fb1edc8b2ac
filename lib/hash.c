// SPDX-License-Identifier: GPL-2.0-only
#include "hash.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "cleanup.h"
#include "fdio.h"
#include "fx.h"
#include "iattr.h"

#define KEY_VERSION 1
#define READ_CHUNK (256 * 1024)

/* Of direct I/O; the largest page there is, and no device has larger blocks. */
#define DIRECT_ALIGN (64 << 10)
#define DIRECT_CHUNK (1 << 20)

struct hasher {
	XXH3_state_t *state;
};

struct hasher *hasher_new(void)
{
	struct hasher *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->state = XXH3_createState();
	if (!h->state || XXH3_128bits_reset(h->state) == XXH_ERROR) {
		hasher_free(h);
		return NULL;
	}
	return h;
}

void hasher_free(struct hasher *h)
{
	if (!h)
		return;
	(void)XXH3_freeState(h->state); /* always XXH_OK; NULL is fine */
	free(h);
}

void hasher_update(struct hasher *h, const void *data, size_t len)
{
	/* fails for a NULL state or NULL data only */
	if (len)
		(void)XXH3_128bits_update(h->state, data, len);
}

void hasher_update_zeros(struct hasher *h, uint64_t len)
{
	static const char zeros[64 * 1024];

	while (len) {
		size_t n = len < sizeof(zeros) ? len : sizeof(zeros);

		hasher_update(h, zeros, n);
		len -= n;
	}
}

void hasher_final(const struct hasher *h, struct digest *ret)
{
	XXH128_canonical_t canonical;

	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(h->state));
	memcpy(ret->b, canonical.digest, DIGEST_SIZE);
}

/* @want bytes at a time, which @buf has room for. */
static int hash_by(int fd, uint64_t size_bytes, char *buf, size_t want,
		   struct digest *ret)
{
	_cleanup_hasher_ struct hasher *h = hasher_new();
	uint64_t pos = 0;
	ssize_t n;

	if (!buf || !h)
		return -ENOMEM;
	do {
		if (fx_interrupted())
			return -EINTR;
		n = fdio_pread_once(fd, buf, want, pos, size_bytes - pos);
		if (n < 0)
			return n;
		hasher_update(h, buf, n);
		pos += n;
	} while ((size_t)n == want && pos <= size_bytes);
	if (pos != size_bytes)
		return -EAGAIN;
	hasher_final(h, ret);
	return 0;
}

int hash_fd(int fd, uint64_t size_bytes, struct digest *ret)
{
	size_t want = fdio_read_size(size_bytes, READ_CHUNK);
	_cleanup_free_ char *buf = malloc(want);

	return hash_by(fd, size_bytes, buf, want, ret);
}

int hash_disk(int fd, uint64_t size_bytes, struct digest *ret)
{
	_cleanup_close_ int direct = fdio_reopen(fd, O_DIRECT);
	_cleanup_free_ char *buf = aligned_alloc(DIRECT_ALIGN, DIRECT_CHUNK);

	return direct < 0 ? direct :
			    hash_by(direct, size_bytes, buf, DIRECT_CHUNK, ret);
}

static void put_u32(struct hasher *h, uint32_t v)
{
	v = htole32(v);
	hasher_update(h, &v, sizeof(v));
}

static void put_u64(struct hasher *h, uint64_t v)
{
	v = htole64(v);
	hasher_update(h, &v, sizeof(v));
}

int hash_key(const struct iattr *attr, const struct digest *content,
	     struct digest *ret)
{
	_cleanup_hasher_ struct hasher *h = hasher_new();
	size_t i;

	if (!h)
		return -ENOMEM;
	put_u32(h, KEY_VERSION);
	hasher_update(h, content->b, DIGEST_SIZE);
	put_u64(h, attr->stx.stx_size);
	put_u32(h, attr->stx.stx_mode);
	put_u32(h, attr->stx.stx_uid);
	put_u32(h, attr->stx.stx_gid);
	put_u64(h, attr->stx.stx_mtime.tv_sec);
	put_u32(h, attr->stx.stx_mtime.tv_nsec);
	put_u32(h, attr->xattr_count);
	for (i = 0; i < attr->xattr_count; i++) {
		const struct xattr *x = &attr->xattrs[i];

		put_u32(h, strlen(x->name));
		hasher_update(h, x->name, strlen(x->name));
		put_u32(h, x->size);
		hasher_update(h, x->value, x->size);
	}
	hasher_final(h, ret);
#ifdef COWLINK_KEY_BYTES
	/* a test build: nearly everything collides */
	memset(ret->b + COWLINK_KEY_BYTES, 0, DIGEST_SIZE - COWLINK_KEY_BYTES);
#endif
	return 0;
}

bool digest_equal(const struct digest *a, const struct digest *b)
{
	return !memcmp(a->b, b->b, DIGEST_SIZE);
}

void digest_hex(const struct digest *d, char out[DIGEST_HEX_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	size_t i;

	for (i = 0; i < DIGEST_SIZE; i++) {
		out[2 * i] = digits[d->b[i] >> 4];
		out[2 * i + 1] = digits[d->b[i] & 15];
	}
	out[2 * i] = '\0';
}

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int digest_parse(const char *hex, struct digest *ret)
{
	struct digest d;
	size_t i;

	if (strnlen(hex, DIGEST_HEX_SIZE) != DIGEST_HEX_SIZE - 1)
		return -EINVAL;
	for (i = 0; i < DIGEST_SIZE; i++) {
		int hi = hex_value(hex[2 * i]);
		int lo = hex_value(hex[2 * i + 1]);

		if (hi < 0 || lo < 0)
			return -EINVAL;
		d.b[i] = hi << 4 | lo;
	}
	*ret = d;
	return 0;
}
