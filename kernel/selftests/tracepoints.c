// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints: one begin and one end of each break, what it was for and what
 * came out; and one event with the reason where somebody who may write is refused.
 *
 * Of the reasons two cannot be provoked: a swap file cannot get the attribute, and
 * the root of a mount is not reached by name. "gone" takes a race.
 */
#include "harness.h"

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/xattr.h>
#include <linux/fsverity.h>

#define SIZE	10000

static const char *const all_events[] = {
	"cowlink/cowlink_break_begin", "cowlink/cowlink_break_end",
	"cowlink/cowlink_denied", NULL
};

#define EXPECT_FIELD(line, key, want)					\
	CHECK(!strcmp(tracing_field(line, key), want), "expected %s %s in '%s'", \
	      key, want, line)

static void expect_number(const char *line, const char *key, long long want)
{
	char text[30];

	snprintf(text, sizeof(text), "%lld", want);
	EXPECT_FIELD(line, key, text);
}

/* The next event, which is one about the file "f" in G1. */
static const char *expect_event(struct tracing *tr, const char *event,
				const struct shared *f)
{
	const char *line = tracing_next(tr);
	struct stat dir;

	CHECK(line, "expected %s, got no event", event);
	CHECK(!strncmp(line, event, strlen(event)), "expected %s, got '%s'",
	      event, line);
	EXPECT_OK(stat("G1", &dir));
	expect_number(line, "dir", dir.st_ino);
	expect_number(line, "ino", f->before.st.st_ino);
	EXPECT_FIELD(line, "name", "f");
	return line;
}

static void expect_no_event(struct tracing *tr)
{
	const char *line = tracing_next(tr);

	CHECK(!line, "unexpected '%s'", line);
}

static void trace_of_a_break(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct tracing tr;
	const char *line;
	struct stat st;

	tracing_begin(&tr, all_events);
	EXPECT_OK(truncate("G1/f", 4000));
	line = expect_event(&tr, "cowlink_break_begin: ", f);
	expect_number(line, "size", SIZE);
	expect_number(line, "keep", 4000);
	EXPECT_FIELD(line, "op", "truncate");
	line = expect_event(&tr, "cowlink_break_end: ", f);
	EXPECT_OK(stat("G1/f", &st));
	expect_number(line, "new_ino", st.st_ino);
	if (tracing_number(line, "cloned"))
		expect_number(line, "cloned", SIZE);
	else
		expect_number(line, "copied", 4000);
	expect_number(line, "error", 0);
	EXPECT_FIELD(line, "op", "truncate");
	expect_no_event(&tr);
	tracing_end(&tr);
	expect_broken(f, G1);
}

static void chmod_back_and_forth(const char *path)
{
	EXPECT_OK(chmod(path, 0600));
}

static void chown_it(const char *path)
{
	EXPECT_OK(chown(path, OWNER, OWNER));
}

static void open_it(const char *path)
{
	close(EXPECT_OK(open(path, O_RDWR)));
}

static void touch_it(const char *path)
{
	EXPECT_OK(utimensat(AT_FDCWD, path, NULL, 0));
}

static void set_it(const char *path)
{
	EXPECT_OK(setxattr(path, "trusted.note", "1", 1, XATTR_REPLACE));
}

static void remove_it(const char *path)
{
	EXPECT_OK(removexattr(path, "trusted.note"));
}

static void give_it_an_acl(const char *path)
{
	EXPECT_OK(set_acl(path, false, 6, STRANGER, 4, 4, 7, 4));
}

static void trace_tells_what_for(void)
{
	static const struct {
		void (*fn)(const char *path);
		const char *op;
	} ops[] = {
		{ open_it, "open" }, { chmod_back_and_forth, "chmod" },
		{ chown_it, "chown" }, { touch_it, "utimes" },
		{ set_it, "xattr" }, { remove_it, "xattr" },
		{ give_it_an_acl, "xattr" },
	};
	struct tracing tr;
	const char *line;
	size_t i;

	tracing_begin(&tr, all_events);
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		struct shared *f;

		mk_file("C/f", SIZE, SHARED_SEED);
		EXPECT_OK(setxattr("C/f", "trusted.note", "0", 1, 0));
		f = share("f");
		ops[i].fn("G1/f");
		line = expect_event(&tr, "cowlink_break_begin: ", f);
		EXPECT_FIELD(line, "op", ops[i].op);
		EXPECT_FIELD(line, "keep", "-1");
		expect_event(&tr, "cowlink_break_end: ", f);
		expect_broken(f, G1);
		unshare_file(f);
		EXPECT_OK(unlink("C/f"));
		EXPECT_OK(unlink("G1/f"));
		EXPECT_OK(unlink("G2/f"));
	}
	expect_no_event(&tr);
	tracing_end(&tr);
}

/* For a link more than the inode can have, its name gets a copy. */
static void trace_of_a_link(void)
{
	struct shared f = { .name = "f" };
	struct tracing tr;
	struct scratch fs;
	const char *line;

	scratch_ext4(&fs, 16 << 20, NULL, "");
	scratch_enter(&fs);
	mk_file("G1/f", SIZE, SHARED_SEED);
	scratch_umount(&fs);
	CHECK(!RUN("debugfs", "-w", "-R", "sif G1/f links_count 65000",
		   fs.image), "debugfs: expected success");
	scratch_mount(&fs, "");
	scratch_enter(&fs);
	EXPECT_OK(set_flags("G1/f", SHARED_FL));
	snapshot_take("G1/f", &f.before);
	tracing_begin(&tr, all_events);
	EXPECT_OK(link("G1/f", "G1/l"));
	line = expect_event(&tr, "cowlink_break_begin: ", &f);
	EXPECT_FIELD(line, "op", "link");
	line = expect_event(&tr, "cowlink_break_end: ", &f);
	EXPECT_FIELD(line, "op", "link");
	expect_number(line, "error", 0);
	expect_no_event(&tr);
	tracing_end(&tr);
	scratch_leave();
	scratch_release(&fs);
}

/* Return: the size of a file of which only one fits on it. */
static size_t enter_narrow_fs(struct scratch *fs)
{
	if (on_ext4()) {
		scratch_ext4(fs, 16 << 20, NULL, "");
		scratch_enter(fs);
		return 9 << 20;
	}
	if (on_xfs()) {
		scratch_xfs(fs, "-m reflink=0", "");
		scratch_enter(fs);
		return 34 << 20;
	}
	snprintf(fs->mnt, sizeof(fs->mnt), "narrow");
	EXPECT_OK(mkdir(fs->mnt, 0755));
	EXPECT_OK(mount("narrow", fs->mnt, "tmpfs", 0, "size=4m,mode=0755"));
	scratch_enter(fs);
	return 3 << 20;
}

static void trace_of_a_failure(void)
{
	struct tracing tr;
	struct scratch fs;
	struct shared *f;
	const char *line;
	size_t size = enter_narrow_fs(&fs);

	f = mk_shared("f", size);
	tracing_begin(&tr, all_events);
	EXPECT_ERR(chmod("G1/f", 0600), ENOSPC);
	line = expect_event(&tr, "cowlink_break_begin: ", f);
	expect_number(line, "size", size);
	line = expect_event(&tr, "cowlink_break_end: ", f);
	EXPECT_FIELD(line, "op", "chmod");
	expect_number(line, "new_ino", 0);
	expect_number(line, "error", -ENOSPC);
	expect_no_event(&tr);
	tracing_end(&tr);
	scratch_leave();
	EXPECT_OK(umount2(fs.mnt, 0));
}

/* ---- refusals ---------------------------------------------------------- */

static void expect_denied(struct tracing *tr, const struct shared *f,
			  const char *reason, const char *op, int err)
{
	const char *line = expect_event(tr, "cowlink_denied: ", f);

	EXPECT_FIELD(line, "reason", reason);
	EXPECT_FIELD(line, "op", op);
	expect_number(line, "error", -err);
	expect_no_event(tr);
}

static void trace_of_places(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct tracing tr;

	f->ctime_moves = true;
	mk_file("plain", 10, 2);
	EXPECT_OK(mkdir("view", 0755));
	EXPECT_OK(mount("G1", "view", NULL, MS_BIND, NULL));
	tracing_begin(&tr, all_events);
	EXPECT_OK(set_flags("G1", FS_IMMUTABLE_FL));
	EXPECT_ERR(open("G1/f", O_RDWR), EPERM);
	EXPECT_OK(set_flags("G1", 0));
	expect_denied(&tr, f, "directory", "open", EPERM);

	EXPECT_OK(mount("plain", "G1/f", NULL, MS_BIND, NULL));
	EXPECT_ERR(truncate("view/f", 0), EBUSY);
	expect_denied(&tr, f, "mountpoint", "truncate", EBUSY);
	EXPECT_OK(umount2("G1/f", 0));

	EXPECT_OK(mount(NULL, "view", NULL, MS_BIND | MS_REMOUNT | MS_RDONLY,
			NULL));
	EXPECT_ERR(open("view/f", O_RDWR), EROFS);
	expect_denied(&tr, f, "read-only", "open", EROFS);
	EXPECT_OK(umount2("view", 0));
	tracing_end(&tr);
}

static void limit_fsize(rlim_t bytes)
{
	struct rlimit limit;

	EXPECT_OK(getrlimit(RLIMIT_FSIZE, &limit));
	limit.rlim_cur = bytes;
	EXPECT_OK(setrlimit(RLIMIT_FSIZE, &limit));
}

static void trace_of_limits(void)
{
	static const char breaks[] = "/proc/sys/user/max_cowlink_breaks";
	static const char max[] = "/proc/sys/fs/cowlink/max_bytes";
	struct shared *f = mk_shared("f", SIZE);
	struct tracing tr;

	tracing_begin(&tr, all_events);
	write_sysctl(max, "100");
	EXPECT_ERR(chmod("G1/f", 0600), EFBIG);
	write_sysctl(max, "0");
	expect_denied(&tr, f, "max-bytes", "chmod", EFBIG);

	limit_fsize(100);
	EXPECT_ERR(utimensat(AT_FDCWD, "G1/f", NULL, 0), EFBIG);
	limit_fsize(RLIM_INFINITY);
	expect_denied(&tr, f, "rlimit", "utimes", EFBIG);

	write_sysctl(breaks, "0");
	EXPECT_ERR(chown("G1/f", OWNER, OWNER), EAGAIN);
	write_sysctl(breaks, "1000");
	expect_denied(&tr, f, "too-many", "chown", EAGAIN);
	tracing_end(&tr);
}

static void trace_of_the_switch(void)
{
	static const char enabled[] = "/proc/sys/fs/cowlink/enabled";
	struct shared *f = mk_shared("f", SIZE);
	struct tracing tr;

	tracing_begin(&tr, all_events);
	write_sysctl(enabled, "0");
	EXPECT_ERR(setxattr("G1/f", "trusted.note", "1", 1, 0), EPERM);
	write_sysctl(enabled, "1");
	expect_denied(&tr, f, "disabled", "xattr", EPERM);

	/* Who may not write to the file is refused as ever: no event. */
	AS_USER(STRANGER, STRANGER)
		EXPECT_ERR(open("G1/f", O_RDWR), EACCES);
	close(EXPECT_OK(open("G1/f", O_RDONLY)));
	expect_no_event(&tr);
	tracing_end(&tr);
}

/* The attribute cannot be set on such a file; on a disk it can be there. */
static void trace_of_verity(void)
{
	static const char *const opts[] = {
		"-b", "4096", "-O", "verity", NULL
	};
	struct fsverity_enable_arg arg = {
		.version = 1, .hash_algorithm = 1, .block_size = 4096,
	};
	struct shared f = { .name = "f" };
	struct tracing tr;
	struct scratch fs;
	int fd;

	scratch_ext4(&fs, 16 << 20, opts, "");
	scratch_enter(&fs);
	mk_file("G1/f", SIZE, SHARED_SEED);
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	if (ioctl(fd, FS_IOC_ENABLE_VERITY, &arg))
		skip("no fs-verity: %s", errno_name(errno));
	close(fd);
	scratch_umount(&fs);
	CHECK(!RUN("debugfs", "-w", "-R", "sif G1/f flags 0x8180010", fs.image),
	      "debugfs: expected success");
	scratch_mount(&fs, "");
	scratch_enter(&fs);
	snapshot_take("G1/f", &f.before);
	EXPECT_EQ(f.before.flags & SHARED_FL, SHARED_FL);
	tracing_begin(&tr, all_events);
	EXPECT_ERR(open("G1/f", O_RDWR), EPERM);
	expect_denied(&tr, &f, "unsupported", "open", EPERM);
	tracing_end(&tr);
	EXPECT_SAME("G1/f", &f.before, 0);
	scratch_leave();
	scratch_release(&fs);
}

static const struct test tests[] = {
	{ "one begin and one end of a break", trace_of_a_break },
	{ "what the link is broken for", trace_tells_what_for },
	{ "a link that is one too many", trace_of_a_link, NEED_EXT4 },
	{ "the end of a break that failed", trace_of_a_failure },
	{ "refused for the place", trace_of_places },
	{ "refused for a limit", trace_of_limits },
	{ "refused by the switch; not of who may not write",
	  trace_of_the_switch },
	{ "refused for a verity file", trace_of_verity, NEED_EXT4 },
};

TEST_MAIN("tracepoints", tests)
