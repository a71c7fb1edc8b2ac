// SPDX-License-Identifier: GPL-2.0-only
/*
 * The copy is the file in all but inode number, link count and ctime.
 */
#include "harness.h"

#include <sys/ioctl.h>
#include <sys/statfs.h>
#include <sys/xattr.h>
#include <linux/capability.h>
#include <linux/fiemap.h>
#include <linux/fscrypt.h>

#define SIZE	10000

/* Breaks G1/@f without changing anything and compares. */
static void break_and_compare(struct shared *f)
{
	const char *path = shared_path(f, G1);

	close(EXPECT_OK(open(path, O_RDWR)));
	expect_broken(f, G1);
	EXPECT_SAME(path, &f->before, IGN_COPY);
}

static struct shared *with(const char *name, mode_t mode, uid_t uid,
			   gid_t gid)
{
	char path[80];

	snprintf(path, sizeof(path), "C/%s", name);
	mk_file(path, 100, SHARED_SEED);
	EXPECT_OK(chown(path, uid, gid));
	EXPECT_OK(chmod(path, mode));
	return share(name);
}

static void all_modes_in(const char *tag)
{
	static const mode_t modes[] = {
		0000, 0644, 0400, 0777, 01644, 02755, 02644, 04755, 04711,
		06755, 07777,
	};
	static const struct { uid_t uid; gid_t gid; } owners[] = {
		{ 0, 0 }, { OWNER, OWNER }, { OWNER, 50 },
	};
	char name[40];
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(owners); i++)
		for (j = 0; j < ARRAY_SIZE(modes); j++) {
			struct shared *f;

			snprintf(name, sizeof(name), "%s-%zu-%o", tag, i,
				 modes[j]);
			f = with(name, modes[j], owners[i].uid,
				 owners[i].gid);
			break_and_compare(f);
		}
}

static void modes_and_owners(void)
{
	umask(077);
	all_modes_in("plain");
}

static void sgid_directory(void)
{
	EXPECT_OK(chown("G1", 0, 77));
	EXPECT_OK(chmod("G1", 02777));
	all_modes_in("sgid");
}

static void grpid_mount(void)
{
	struct scratch fs;

	if (on_xfs())
		scratch_xfs(&fs, NULL, "grpid");
	else
		scratch_ext4(&fs, 32 << 20, NULL, "grpid");
	scratch_enter(&fs);
	EXPECT_OK(chown("G1", 0, 77));
	all_modes_in("grpid");
	scratch_leave();
	scratch_release(&fs);
}

static void bits_kept_for_an_unprivileged_writer(void)
{
	struct shared *f = with("f", 06777, OWNER, 50);

	AS_USER(STRANGER, STRANGER)
		close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	/* The write itself takes them, as it does from any file. */
	AS_USER(STRANGER, STRANGER) {
		int fd = EXPECT_OK(open("G1/f", O_RDWR));

		EXPECT_OK(write(fd, "x", 1));
		close(fd);
	}
	{
		struct stat st;

		EXPECT_OK(stat("G1/f", &st));
		EXPECT_EQ(st.st_mode, S_IFREG | 0777);
	}
}

/* ---- ACLs -------------------------------------------------------------- */

static void default_acl_of_the_directory(void)
{
	struct shared *f, *g;

	if (set_acl("G1", true, 7, STRANGER, 7, 7, 7, 7))
		skip("no ACLs here: %s", errno_name(errno));
	f = with("f", 0640, OWNER, OWNER);	/* has none, gets none */
	break_and_compare(f);
	mk_file("C/g", SIZE, SHARED_SEED);
	EXPECT_OK(set_acl("C/g", false, 6, 4711, 5, 4, 5, 0));
	g = share("g");
	break_and_compare(g);
}

/* ---- xattrs ------------------------------------------------------------ */

static void set_many(const char *path, const char *prefix, int count)
{
	char name[40], value[24];
	int i;

	for (i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "%s.c%02d", prefix, i);
		snprintf(value, sizeof(value), "value %d", i);
		if (setxattr(path, name, value, i % 9, 0))
			skip("no room for %d xattrs: %s", count,
			     errno_name(errno));
	}
}

static void hundred_xattrs(void)
{
	struct shared *f;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(chmod("C/f", 0666));
	set_many("C/f", "trusted", 60);
	set_many("C/f", "security", 20);
	if (!on_tmpfs())
		set_many("C/f", "user", 20);
	f = share("f");
	/* Nobody who lacks CAP_SYS_ADMIN even sees trusted.*. */
	AS_USER(STRANGER, STRANGER)
		close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	EXPECT_OK(getxattr("G1/f", "trusted.c59", NULL, 0));
}

static void large_xattrs(void)
{
	static const char *const opts[] = { "-O", "ea_inode", NULL };
	static char value[65536];
	struct scratch fs;
	struct shared *f;

	if (on_xfs())
		scratch_xfs(&fs, NULL, "");
	else
		scratch_ext4(&fs, 32 << 20, opts, "");
	scratch_enter(&fs);
	pattern_fill(value, sizeof(value), 0, 9);
	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(setxattr("C/f", "trusted.big", value, sizeof(value), 0));
	EXPECT_OK(setxattr("C/f", "user.medium", value, 9000, 0));
	f = share("f");
	break_and_compare(f);
	scratch_leave();
	scratch_release(&fs);
}

static void file_capabilities(void)
{
	const struct vfs_ns_cap_data v3 = {
		.magic_etc = VFS_CAP_REVISION_3 | VFS_CAP_FLAGS_EFFECTIVE,
		.data[0].permitted = 1 << CAP_NET_RAW,
		.rootid = 100000,
	};
	const struct vfs_cap_data v2 = {
		.magic_etc = VFS_CAP_REVISION_2,
		.data[0] = { 1 << CAP_CHOWN, 1 << CAP_KILL },
	};
	struct shared *f, *g;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(setxattr("C/f", "security.capability", &v3, sizeof(v3), 0));
	f = share("f");
	break_and_compare(f);
	mk_file("C/g", SIZE, SHARED_SEED);
	EXPECT_OK(setxattr("C/g", "security.capability", &v2, sizeof(v2), 0));
	g = share("g");
	break_and_compare(g);
}

/* Metadata operations copy them too, and writing takes none away early. */
static void xattrs_with_other_operations(void)
{
	const struct vfs_cap_data v2 = { .magic_etc = VFS_CAP_REVISION_2 };
	struct shared *f;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(setxattr("C/f", "trusted.a", "b", 1, 0));
	EXPECT_OK(setxattr("C/f", "security.capability", &v2, sizeof(v2), 0));
	f = share("f");
	EXPECT_OK(chmod("G1/f", 0600));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY | IGN_MODE);
	EXPECT_OK(truncate("G2/f", 0));
	expect_broken(f, G2);
	EXPECT_OK(getxattr("G2/f", "trusted.a", NULL, 0));
}

/* ---- times ------------------------------------------------------------- */

static void times(void)
{
	static const struct timespec pairs[][2] = {
		{ { 1, 1 }, { 2, 999999999 } },
		{ { 1700000000, 123456789 }, { 1600000000, 1 } },
		{ { -86400, 500000000 }, { -1, 250000000 } },
		{ { 4102444800, 7 }, { 5000000000, 8 } },
	};
	char path[40], name[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pairs); i++) {
		struct shared *f;

		snprintf(name, sizeof(name), "f%zu", i);
		snprintf(path, sizeof(path), "C/%s", name);
		mk_file(path, SIZE, SHARED_SEED);
		EXPECT_OK(utimensat(AT_FDCWD, path, pairs[i], 0));
		f = share(name);
		EXPECT_OK(chmod(shared_path(f, G1), 0600));
		expect_broken(f, G1);
		EXPECT_SAME(shared_path(f, G1), &f->before,
			    IGN_COPY | IGN_MODE);
		close(EXPECT_OK(open(shared_path(f, G2), O_RDWR)));
		expect_broken(f, G2);
		EXPECT_SAME(shared_path(f, G2), &f->before, IGN_COPY);
	}
}

static void inode_attributes(void)
{
	const unsigned int keep = FS_NODUMP_FL | FS_NOATIME_FL |
				  (on_tmpfs() ? 0 : FS_SYNC_FL);
	unsigned int flags;
	struct shared *f;

	mk_file("C/f", SIZE, SHARED_SEED);
	EXPECT_OK(set_flags("C/f", keep));
	f = share("f");
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_OK(get_flags("G1/f", &flags));
	EXPECT_EQ(flags & (keep | SHARED_FL | FS_APPEND_FL), keep);
}

/* ---- holes ------------------------------------------------------------- */

#define K	1024ULL
#define M	(1024 * K)

struct extent {
	uint64_t start, len;
};

/* Data and hole boundaries of both files are the same. */
static void expect_same_map(const char *a, const char *b)
{
	int x = EXPECT_OK(open(a, O_RDONLY)), y = EXPECT_OK(open(b, O_RDONLY));
	off_t pos = 0;
	int whence = SEEK_DATA;

	for (;;) {
		off_t p = lseek(x, pos, whence);
		int perr = p < 0 ? errno : 0;
		off_t q = lseek(y, pos, whence);
		int qerr = q < 0 ? errno : 0;

		CHECK(p == q && perr == qerr,
		      "%s from %lld: %s at %lld (%s), %s at %lld (%s)",
		      whence == SEEK_DATA ? "data" : "hole", (long long)pos,
		      a, (long long)p, perr ? errno_name(perr) : "-", b,
		      (long long)q, qerr ? errno_name(qerr) : "-");
		if (p < 0)
			break;
		pos = p;
		whence = whence == SEEK_DATA ? SEEK_HOLE : SEEK_DATA;
	}
	close(x);
	close(y);
}

static void sparse(const char *name, uint64_t size,
		   const struct extent *data, size_t count)
{
	struct stat st, copy;
	struct shared *f;
	char path[80];
	size_t i;
	int fd;

	snprintf(path, sizeof(path), "C/%s", name);
	fd = EXPECT_OK(open(path, O_CREAT | O_EXCL | O_WRONLY, 0644));
	EXPECT_OK(ftruncate(fd, size));
	for (i = 0; i < count; i++)
		pattern_write(fd, data[i].start, data[i].len, SHARED_SEED);
	EXPECT_OK(fsync(fd));
	close(fd);
	f = share(name);
	break_and_compare(f);
	expect_same_map(shared_path(f, C), shared_path(f, G1));
	fd = EXPECT_OK(open(shared_path(f, G1), O_RDONLY));
	EXPECT_OK(fsync(fd));
	close(fd);
	EXPECT_OK(stat(shared_path(f, C), &st));
	EXPECT_OK(stat(shared_path(f, G1), &copy));
	/* ext4 may need a block for the map of one and not of the other. */
	CHECK(copy.st_blocks == st.st_blocks ||
	      (!on_xfs() && copy.st_blocks <= st.st_blocks + 64),
	      "%s: %lld blocks became %lld", name, (long long)st.st_blocks,
	      (long long)copy.st_blocks);
}

static void holes(void)
{
	static const struct extent lead[] = { { M, 5000 } };
	static const struct extent middle[] = { { 0, 64 * K }, { M, 64 * K } };
	static const struct extent trail[] = { { 0, 64 * K } };
	static const struct extent comb[] = {
		{ 64 * K, 64 * K }, { 192 * K, 64 * K }, { 320 * K, 100 },
		{ 3 * M, 64 * K },
	};

	sparse("leading", M + 5000, lead, ARRAY_SIZE(lead));
	sparse("middle", M + 64 * K, middle, ARRAY_SIZE(middle));
	sparse("trailing", 2 * M + 17, trail, ARRAY_SIZE(trail));
	sparse("comb", 4 * M, comb, ARRAY_SIZE(comb));
	sparse("nothing", 123456, NULL, 0);
}

static void huge_hole(void)
{
	static const struct extent far[] = {
		{ 0, 4 * K }, { 5 * K * M, 8 * K },
	};

	sparse("tera", M * M, NULL, 0);
	sparse("far", 6 * K * M + 1, far, ARRAY_SIZE(far));
}

static void preallocated(void)
{
	struct shared *f;
	int fd = EXPECT_OK(open("C/f", O_CREAT | O_RDWR, 0644));

	if (fallocate(fd, 0, 0, M))
		skip("no fallocate here: %s", errno_name(errno));
	pattern_write(fd, 64 * K, 64 * K, SHARED_SEED);
	if (fallocate(fd, FALLOC_FL_KEEP_SIZE, M, M))
		note("no FALLOC_FL_KEEP_SIZE: %s", errno_name(errno));
	EXPECT_OK(fsync(fd));
	close(fd);
	f = share("f");
	break_and_compare(f);
}

/* What st_blocks is for a file without holes. */
static long long blocks_for(size_t size)
{
	struct statfs sfs;

	EXPECT_OK(statfs(".", &sfs));
	return (size + sfs.f_bsize - 1) / sfs.f_bsize * (sfs.f_bsize / 512);
}

/*
 * A filesystem that allocates ahead for a file that grows does not do so for
 * the copy: quota would charge it to who has written nothing yet.
 */
static void nothing_beyond_the_end(void)
{
	static const size_t sizes[] = { 1, 70000, 300000, 3 * M + 1 };
	struct stat st;
	char name[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct shared *f;

		snprintf(name, sizeof(name), "f%zu", i);
		f = mk_shared(name, sizes[i]);
		close(EXPECT_OK(open(shared_path(f, G1), O_RDWR)));
		expect_broken(f, G1);
		EXPECT_OK(stat(shared_path(f, G1), &st));
		EXPECT_EQ(st.st_blocks, blocks_for(sizes[i]));
		EXPECT_OK(truncate(shared_path(f, G2), sizes[i] - 1));
		expect_broken(f, G2);
		EXPECT_OK(stat(shared_path(f, G2), &st));
		EXPECT_EQ(st.st_blocks, blocks_for(sizes[i] - 1));
	}
}

/* The copy shares its blocks with the original; nothing is read or written. */
static void shares_extents(void)
{
	struct {
		struct fiemap map;
		struct fiemap_extent extents[16];
	} fm = {
		.map = { .fm_length = ~0ULL, .fm_flags = FIEMAP_FLAG_SYNC,
			 .fm_extent_count = 16 },
	};
	struct shared *f = mk_shared("f", 3 * M + 5);
	struct counters c;
	unsigned int i;
	int fd;

	fd = EXPECT_OK(open("C/f", O_RDONLY));
	EXPECT_OK(fsync(fd));
	close(fd);
	c = counters_now();
	fd = EXPECT_OK(open("G1/f", O_RDWR));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	EXPECT_EQ(counters_now().bytes_copied, c.bytes_copied);
	EXPECT_OK(ioctl(fd, FS_IOC_FIEMAP, &fm));
	CHECK(fm.map.fm_mapped_extents, "the copy has no extents");
	for (i = 0; i < fm.map.fm_mapped_extents; i++)
		CHECK(fm.extents[i].fe_flags & FIEMAP_EXTENT_SHARED,
		      "extent %u at %llu is not shared: flags 0x%x", i,
		      fm.extents[i].fe_logical, fm.extents[i].fe_flags);
	/* And what is written then is the guest's alone. */
	pattern_write(fd, 0, 100000, 2);
	EXPECT_OK(fsync(fd));
	close(fd);
	pattern_check("G1/f", 0, 100000, 2);
	pattern_check("G1/f", 100000, 3 * M + 5 - 100000, SHARED_SEED);
	EXPECT_OK(truncate("G2/f", M + 1));
	expect_broken(f, G2);
	pattern_check("G2/f", 0, M + 1, SHARED_SEED);
}

/* Truncation decides how much is copied; holes stay holes. */
static void truncated_sparse(void)
{
	int fd = EXPECT_OK(open("C/f", O_CREAT | O_RDWR, 0644));
	struct shared *f;
	struct stat st;

	EXPECT_OK(ftruncate(fd, 100 * M));
	pattern_write(fd, 0, 64 * K, SHARED_SEED);
	pattern_write(fd, 10 * M, 64 * K, SHARED_SEED);
	close(fd);
	f = share("f");
	EXPECT_OK(truncate("G1/f", 10 * M + 100));
	expect_broken(f, G1);
	pattern_check("G1/f", 0, 64 * K, SHARED_SEED);
	pattern_check("G1/f", 10 * M, 100, SHARED_SEED);
	EXPECT_OK(stat("G1/f", &st));
	EXPECT_EQ(st.st_size, 10 * M + 100);
	EXPECT_OK(truncate("G2/f", 200 * M));
	expect_broken(f, G2);
	EXPECT_OK(stat("G2/f", &st));
	EXPECT_EQ(st.st_size, 200 * M);
	CHECK(st.st_blocks < 2048, "the copy has %lld blocks",
	      (long long)st.st_blocks);
}

static void inline_data(void)
{
	static const char *const opts[] = {
		"-b", "4096", "-O", "inline_data", NULL,
	};
	static const size_t sizes[] = { 0, 1, 59, 60, 61, 100, 150, 5000 };
	struct scratch fs;
	char name[20];
	size_t i;

	scratch_ext4(&fs, 32 << 20, opts, "");
	scratch_enter(&fs);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		snprintf(name, sizeof(name), "f%zu", sizes[i]);
		break_and_compare(mk_shared(name, sizes[i]));
	}
	scratch_leave();
	scratch_release(&fs);
}

/*
 * Not yet converted to blocks, while it has data beyond what is inline: ext4
 * then answers SEEK_HOLE with ENOENT.
 */
static void inline_data_grown(void)
{
	static const char *const opts[] = {
		"-b", "4096", "-O", "inline_data", NULL,
	};
	struct scratch fs;
	int fd;

	scratch_ext4(&fs, 32 << 20, opts, "");
	scratch_enter(&fs);
	fd = EXPECT_OK(open("C/f", O_CREAT | O_RDWR | O_EXCL, 0644));
	pattern_write(fd, 0, 100, SHARED_SEED);
	pattern_write(fd, 17856, 12290, SHARED_SEED);
	close(fd);
	break_and_compare(share("f"));
	fd = EXPECT_OK(open("C/g", O_CREAT | O_RDWR | O_EXCL, 0644));
	pattern_write(fd, 0, 50, SHARED_SEED);
	EXPECT_OK(ftruncate(fd, 3000));
	close(fd);
	break_and_compare(share("g"));
	scratch_leave();
	scratch_release(&fs);
}

/* New files below @dir are encrypted, with one key for the filesystem. */
static void encrypt(const char *dir)
{
	struct {
		struct fscrypt_add_key_arg arg;
		__u8 raw[64];
	} key = {
		.arg.key_spec.type = FSCRYPT_KEY_SPEC_TYPE_IDENTIFIER,
		.arg.raw_size = sizeof(key.raw),
		.raw = "any text will do, and it is shorter than this key",
	};
	struct fscrypt_policy_v2 policy = {
		.version = FSCRYPT_POLICY_V2,
		.contents_encryption_mode = FSCRYPT_MODE_AES_256_XTS,
		.filenames_encryption_mode = FSCRYPT_MODE_AES_256_CTS,
		.flags = FSCRYPT_POLICY_FLAGS_PAD_32,
	};
	int fd = EXPECT_OK(open(dir, O_RDONLY));

	if (ioctl(fd, FS_IOC_ADD_ENCRYPTION_KEY, &key)) {
		CHECK(errno == EOPNOTSUPP, "FS_IOC_ADD_ENCRYPTION_KEY: %m");
		skip("no CONFIG_FS_ENCRYPTION");
	}
	memcpy(policy.master_key_identifier, key.arg.key_spec.u.identifier,
	       FSCRYPT_KEY_IDENTIFIER_SIZE);
	EXPECT_OK(ioctl(fd, FS_IOC_SET_ENCRYPTION_POLICY, &policy));
	close(fd);
}

static bool is_encrypted(const char *path)
{
	int fd = EXPECT_OK(open(path, O_RDONLY)), flags;

	EXPECT_OK(ioctl(fd, FS_IOC_GETFLAGS, &flags));
	close(fd);
	return flags & FS_ENCRYPT_FL;
}

static void encrypted(void)
{
	static const char *const opts[] = { "-b", "4096", "-O", "encrypt", NULL };
	struct shared *f, *g;
	struct scratch fs;

	scratch_ext4(&fs, 32 << 20, opts, "");
	scratch_enter(&fs);
	encrypt("C");
	encrypt("G1");
	encrypt("G2");
	f = mk_shared("f", 10000);
	g = mk_shared("g", 10000);
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	CHECK(is_encrypted("G1/f"), "the copy is not encrypted");
	EXPECT_OK(truncate("G1/g", 5000));
	expect_broken(g, G1);
	pattern_check("G1/g", 0, 5000, SHARED_SEED);
	CHECK(is_encrypted("G1/g"), "the copy is not encrypted");
	scratch_leave();
	scratch_release(&fs);
}

static const struct test tests[] = {
	{ "mode and owner, whatever the umask", modes_and_owners },
	{ "in a set-group-id directory", sgid_directory },
	{ "on a grpid mount", grpid_mount, NEED_DISK },
	{ "suid and sgid until an unprivileged writer writes",
	  bits_kept_for_an_unprivileged_writer },
	{ "ACLs, also where the directory has a default ACL",
	  default_acl_of_the_directory },
	{ "a hundred xattrs, for an unprivileged writer", hundred_xattrs },
	{ "xattrs of 64 KiB", large_xattrs, NEED_DISK },
	{ "file capabilities of either version", file_capabilities },
	{ "xattrs with chmod and truncate", xattrs_with_other_operations },
	{ "atime and mtime to the nanosecond", times },
	{ "inode attributes, but never the flags", inode_attributes },
	{ "holes", holes },
	{ "a hole of 1 TiB, data beyond 4 GiB", huge_hole },
	{ "preallocated blocks", preallocated },
	{ "no blocks beyond the end", nothing_beyond_the_end, NEED_XFS },
	{ "blocks are shared where they can be", shares_extents,
	  NEED_REFLINK },
	{ "truncated sparse files", truncated_sparse },
	{ "inline data", inline_data, NEED_EXT4 },
	{ "inline data that grew and is not on disk yet", inline_data_grown,
	  NEED_EXT4 },
	{ "encrypted files", encrypted, NEED_EXT4 },
};

TEST_MAIN("preserve", tests)
