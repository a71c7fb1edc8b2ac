/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * XXH3-128 of contents, and the key under which the store keeps a master.
 *
 * XXH3 is fast and not collision resistant, and guests are hostile: an equal
 * digest makes a candidate, never a proof. Whoever acts on one compares bytes.
 * (XXH3: Yann Collet, https://xxhash.com; libxxhash >= 0.8, seed 0.)
 */
#ifndef COWLINK_HASH_H
#define COWLINK_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iattr;
struct hasher;

#define DIGEST_SIZE 16
#define DIGEST_HEX_SIZE (2 * DIGEST_SIZE + 1)

struct digest {
	unsigned char b[DIGEST_SIZE];	/* XXH128 canonical (big-endian) form */
};

/* A running digest. NULL when memory is out. */
struct hasher *hasher_new(void);
void hasher_free(struct hasher *h);
void hasher_update(struct hasher *h, const void *data, size_t len);
void hasher_update_zeros(struct hasher *h, uint64_t len);	/* a hole */
void hasher_final(const struct hasher *h, struct digest *ret);

static inline void hasher_cleanup(struct hasher **h)
{
	hasher_free(*h);
}
#define _cleanup_hasher_ __attribute__((cleanup(hasher_cleanup)))

/*
 * Digest of the @size_bytes of @fd. -EAGAIN when the file ended before or goes
 * on after that size; else 0 or the read error.
 */
int hash_fd(int fd, uint64_t size_bytes, struct digest *ret);

/* The same of what the disk has, whatever is in memory: by direct I/O, -EINVAL where there
 * is none. */
int hash_disk(int fd, uint64_t size_bytes, struct digest *ret);

/*
 * The key of a master: digest over, in this order, each integer little-endian,
 *
 *	u32 version (1), u8[16] content digest, u64 size, u32 mode (permission
 *	bits and type), u32 uid, u32 gid, i64 mtime seconds, u32 mtime nanoseconds,
 *	u32 number of xattrs, then for each xattr in byte order of the names:
 *	u32 name length, name, u32 value length, value.
 *
 * ACLs, capabilities and labels are xattrs. What is not part of it: inode
 * number, link count, atime, ctime, inode flags, project id.
 */
int hash_key(const struct iattr *attr, const struct digest *content,
	     struct digest *ret);

bool digest_equal(const struct digest *a, const struct digest *b);
void digest_hex(const struct digest *d, char out[DIGEST_HEX_SIZE]);
int digest_parse(const char *hex, struct digest *ret); /* -EINVAL */

#endif
