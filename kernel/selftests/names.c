// SPDX-License-Identifier: GPL-2.0-only
/*
 * Names of a shared inode are free: they come, move and go like those of any
 * file, without a copy, and without a trace on the other names.
 */
#include "harness.h"

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/statvfs.h>

static void remove_a_name(void)
{
	struct shared *f = mk_shared("f", 5000);
	struct counters c = counters_now();

	EXPECT_OK(unlink("G1/f"));
	expect_gone(f, G1);
	expect_others();
	EXPECT_OK(unlink("C/f"));
	expect_gone(f, C);
	EXPECT_BREAKS(c, 0);
}

static void last_name_frees_the_inode(void)
{
	struct scratch fs;
	struct statvfs before;

	scratch_disk(&fs, 16 << 20);
	scratch_enter(&fs);
	EXPECT_OK(statvfs(".", &before));
	mk_file("f", 100000, 1);
	EXPECT_OK(set_flags("f", SHARED_FL));
	EXPECT_OK(unlink("f"));
	EXPECT_FREE(&before);
	scratch_leave();
	scratch_release(&fs);
}

static void rename_a_name(void)
{
	struct shared *f = mk_shared("f", 5000);

	EXPECT_OK(rename("G1/f", "G1/g"));
	expect_gone(f, G1);
	f->links++;
	f->ctime_moves = true;	/* rename(2) sets ctime on many filesystems */
	EXPECT_SAME("G1/g", &f->before, IGN_CTIME);
	EXPECT_OK(mkdir("G1/d", 0755));
	EXPECT_OK(renameat2(AT_FDCWD, "G1/g", AT_FDCWD, "G1/d/h",
			    RENAME_NOREPLACE));
	EXPECT_SAME("G1/d/h", &f->before, IGN_CTIME);
	EXPECT_OK(rename("G1/d", "G1/e"));
	EXPECT_SAME("G1/e/h", &f->before, IGN_CTIME);
}

static void rename_over_a_name(void)
{
	struct shared *f = mk_shared("f", 5000);

	mk_file("G1/new", 700, 2);
	EXPECT_OK(rename("G1/new", "G1/f"));
	expect_broken(f, G1);
	pattern_check("G1/f", 0, 700, 2);
}

static void rename_shared_over_others(void)
{
	struct shared *f = mk_shared("f", 5000), *g = mk_shared("g", 50);

	mk_file("G1/plain", 10, 2);
	EXPECT_OK(rename("G1/f", "G1/plain"));
	expect_gone(f, G1);
	f->links++;
	f->ctime_moves = true;
	EXPECT_SAME("G1/plain", &f->before, IGN_CTIME);
	EXPECT_OK(rename("G1/plain", "G1/g"));
	expect_gone(g, G1);
	EXPECT_SAME("G1/g", &f->before, IGN_CTIME);
	/* Two names of one inode: nothing to do, says POSIX. */
	EXPECT_OK(rename("G1/g", "G2/f"));
	EXPECT_SAME("G1/g", &f->before, IGN_CTIME);
	EXPECT_SAME("G2/f", &f->before, IGN_CTIME);
}

static void exchange_names(void)
{
	struct shared *f = mk_shared("f", 5000), *g = mk_shared("g", 50);

	mk_file("G1/plain", 10, 2);
	EXPECT_OK(renameat2(AT_FDCWD, "G1/f", AT_FDCWD, "G1/plain",
			    RENAME_EXCHANGE));
	expect_broken(f, G1);
	f->links++;
	f->ctime_moves = true;
	EXPECT_SAME("G1/plain", &f->before, IGN_CTIME);
	EXPECT_OK(renameat2(AT_FDCWD, "G1/plain", AT_FDCWD, "G1/g",
			    RENAME_EXCHANGE));
	expect_gone(g, G1);
	g->links++;
	g->ctime_moves = true;
	EXPECT_SAME("G1/g", &f->before, IGN_CTIME);
	EXPECT_SAME("G1/plain", &g->before, IGN_CTIME);
}

static void rename_with_whiteout(void)
{
	struct shared *f = mk_shared("f", 5000);

	if (renameat2(AT_FDCWD, "G1/f", AT_FDCWD, "G1/g", RENAME_WHITEOUT))
		skip("no RENAME_WHITEOUT here: %s", errno_name(errno));
	expect_gone(f, G1);
	f->links++;
	f->ctime_moves = true;
	EXPECT_SAME("G1/g", &f->before, IGN_CTIME);
}

static void link_a_name(void)
{
	struct shared *f = mk_shared("f", 5000);
	struct counters c = counters_now();
	int fd = EXPECT_OK(open("G1/f", O_RDONLY));
	char path[40];

	EXPECT_OK(link("G1/f", "G1/l1"));
	EXPECT_OK(linkat(fd, "", AT_FDCWD, "G1/l2", AT_EMPTY_PATH));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	EXPECT_OK(linkat(AT_FDCWD, path, AT_FDCWD, "G1/l3",
			 AT_SYMLINK_FOLLOW));
	EXPECT_ERR(link("G1/f", "G2/f"), EEXIST);
	f->links = 3;
	EXPECT_SAME("G1/l1", &f->before, IGN_NLINK | IGN_CTIME);
	EXPECT_SAME("G1/l3", &f->before, IGN_NLINK | IGN_CTIME);
	EXPECT_BREAKS(c, 0);
}

/* How dpkg replaces a file; it gives up where the first step fails. */
static void dpkg_dance(void)
{
	struct shared *f = mk_shared("f", 5000);

	EXPECT_OK(link("G1/f", "G1/f.dpkg-tmp"));
	mk_file("G1/f.dpkg-new", 600, 2);
	EXPECT_OK(rename("G1/f.dpkg-new", "G1/f"));
	EXPECT_OK(unlink("G1/f.dpkg-tmp"));
	expect_broken(f, G1);
	pattern_check("G1/f", 0, 600, 2);
}

static void sticky_directory(void)
{
	struct shared *f;

	EXPECT_OK(chmod("G1", 01777));
	mk_file("C/f", 100, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	f = share("f");
	AS_USER(STRANGER, STRANGER) {
		EXPECT_ERR(unlink("G1/f"), EPERM);
		EXPECT_ERR(rename("G1/f", "G1/g"), EPERM);
		mk_file("G1/mine", 5, 2);
		EXPECT_ERR(rename("G1/mine", "G1/f"), EPERM);
		EXPECT_ERR(unlink("G2/f"), EACCES);
	}
	expect_others();
	AS_USER(OWNER, OWNER)
		EXPECT_OK(unlink("G1/f"));
	expect_gone(f, G1);
}

static void protected_hardlinks(void)
{
	static const char knob[] = "/proc/sys/fs/protected_hardlinks";
	struct shared *f;

	EXPECT_OK(chmod("G1", 0777));
	mk_file("C/f", 100, SHARED_SEED);
	EXPECT_OK(chown("C/f", OWNER, OWNER));
	EXPECT_OK(chmod("C/f", 0666));
	f = share("f");
	write_sysctl(knob, "1");
	AS_USER(STRANGER, STRANGER)
		EXPECT_ERR(link("G1/f", "G1/l"), EPERM);
	expect_others();
	AS_USER(OWNER, OWNER)
		EXPECT_OK(link("G1/f", "G1/l"));
	write_sysctl(knob, "0");
	AS_USER(STRANGER, STRANGER)
		EXPECT_OK(link("G1/f", "G1/m"));
	f->links = 2;
}

/* ---- project directories ----------------------------------------------- */

static void project_dir(const char *path, unsigned int projid)
{
	EXPECT_OK(mkdir(path, 0755));
	if (set_project(path, projid, true))
		skip("no project ids on this filesystem: %s",
		     errno_name(errno));
}

static void link_into_a_project(void)
{
	struct shared *f = mk_shared("f", 5000);

	project_dir("P7", 7);
	mk_file("plain", 10, 2);
	EXPECT_ERR(link("plain", "P7/plain"), EXDEV);
	EXPECT_OK(link("G1/f", "P7/l"));
	f->links = 1;
	EXPECT_SAME("P7/l", &f->before, IGN_NLINK | IGN_CTIME);
	EXPECT_EQ(get_project("P7/l"), 0);
}

static void rename_into_a_project(void)
{
	struct shared *f = mk_shared("f", 5000);

	project_dir("P7", 7);
	mk_file("plain", 10, 2);
	EXPECT_ERR(rename("plain", "P7/plain"), EXDEV);
	EXPECT_OK(rename("G1/f", "P7/f"));
	expect_gone(f, G1);
	f->links = 1;
	f->ctime_moves = true;
	EXPECT_EQ(get_project("P7/f"), 0);
	/* Between two projects, and out again. */
	project_dir("P8", 8);
	EXPECT_OK(rename("P7/f", "P8/f"));
	EXPECT_OK(rename("P8/f", "G1/back"));
	EXPECT_SAME("G1/back", &f->before, IGN_CTIME);
}

static int exchange(const char *a, const char *b)
{
	return renameat2(AT_FDCWD, a, AT_FDCWD, b, RENAME_EXCHANGE);
}

static void exchange_with_a_project(void)
{
	struct shared *f = mk_shared("f", 5000), *g = mk_shared("g", 50);

	project_dir("P7", 7);
	project_dir("P8", 8);
	mk_file("plain", 10, 2);
	mk_file("P7/own", 10, 2);
	mk_file("P8/own", 10, 2);
	EXPECT_ERR(exchange("plain", "P7/own"), EXDEV);
	EXPECT_ERR(exchange("P7/own", "P8/own"), EXDEV);
	EXPECT_OK(exchange("G1/f", "P7/own"));
	EXPECT_OK(link("G1/g", "P8/g"));
	EXPECT_OK(exchange("P7/own", "P8/g"));
	expect_gone(f, G1);
	f->links = 1;
	f->ctime_moves = true;
	g->links = 1;
	g->ctime_moves = true;
	EXPECT_SAME("P8/g", &f->before, IGN_CTIME);
	EXPECT_SAME("P7/own", &g->before, IGN_NLINK | IGN_CTIME);
	/* What is private stays where its project is, also so exchanged. */
	EXPECT_ERR(exchange("P8/own", "P7/own"), EXDEV);
}

/* ---- the link limit ---------------------------------------------------- */

#define LINK_MAX_EXT4	65000

/* Links by descriptor are not "by name": they meet the limit and stop. */
static void fill_links(struct shared *f, int fd)
{
	char name[20];
	int n;

	EXPECT_OK(mkdir("many", 0755));
	for (n = 0; n < LINK_MAX_EXT4; n++) {
		snprintf(name, sizeof(name), "many/%d", n);
		if (linkat(fd, "", AT_FDCWD, name, AT_EMPTY_PATH))
			break;
	}
	CHECK(errno == EMLINK, "expected EMLINK after %d links, got %s", n,
	      errno_name(errno));
	f->links = n;
	EXPECT_EQ(n + 3, LINK_MAX_EXT4);
}

static void link_at_the_limit(void)
{
	struct scratch fs;
	struct shared *f;
	struct counters c;
	char magic[40];
	int fd;

	scratch_ext4(&fs, 64 << 20, NULL, "");
	scratch_enter(&fs);
	f = mk_shared("f", 5000);
	EXPECT_OK(symlink("f", "G2/s"));
	fd = EXPECT_OK(open("C/f", O_RDONLY));
	snprintf(magic, sizeof(magic), "/proc/self/fd/%d", fd);
	fill_links(f, fd);
	c = counters_now();
	EXPECT_ERR(linkat(AT_FDCWD, magic, AT_FDCWD, "G1/x",
			  AT_SYMLINK_FOLLOW), EMLINK);
	EXPECT_ERR(link("G1/f", "G2/f"), EEXIST);
	write_sysctl("/proc/sys/fs/protected_hardlinks", "0");
	AS_USER(OWNER, OWNER)
		EXPECT_ERR(link("G1/f", "G1/x"), EACCES);
	EXPECT_BREAKS(c, 0);
	expect_others();

	EXPECT_OK(link("G1/f", "G1/l"));
	EXPECT_BREAKS(c, 1);
	expect_broken_links(f, G1, 2);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	EXPECT_SAME("G1/l", &f->before, IGN_COPY);
	expect_others();

	/* That name's link is free again for one; then the next name goes. */
	EXPECT_OK(link("G2/f", "G2/l"));
	f->links++;
	EXPECT_OK(linkat(AT_FDCWD, "G2/s", AT_FDCWD, "G2/m",
			 AT_SYMLINK_FOLLOW));
	expect_broken_links(f, G2, 2);
	close(fd);
	scratch_leave();
	scratch_release(&fs);
}

static void private_link_limit_is_as_ever(void)
{
	struct scratch fs;

	scratch_ext4(&fs, 16 << 20, NULL, "");
	scratch_enter(&fs);
	mk_file("f", 10, 1);
	scratch_umount(&fs);
	CHECK(!RUN("debugfs", "-w", "-R", "sif f links_count 65000",
		   fs.image), "debugfs: expected success");
	scratch_mount(&fs, "");
	scratch_enter(&fs);
	EXPECT_ERR(link("f", "g"), EMLINK);
	scratch_leave();
	scratch_release(&fs);
}

static const struct test tests[] = {
	{ "unlink", remove_a_name },
	{ "unlink of the last name frees the inode",
	  last_name_frees_the_inode, NEED_DISK },
	{ "rename away, also with its directory", rename_a_name },
	{ "rename over it", rename_over_a_name },
	{ "rename it over others", rename_shared_over_others },
	{ "exchange", exchange_names },
	{ "rename leaving a whiteout", rename_with_whiteout },
	{ "link by name, by descriptor, by magic link", link_a_name },
	{ "the steps of dpkg", dpkg_dance },
	{ "a sticky directory has its rules", sticky_directory },
	{ "protected_hardlinks has its rules", protected_hardlinks },
	{ "link into a project's directory", link_into_a_project,
	  NEED_DISK },
	{ "rename into a project's directory", rename_into_a_project,
	  NEED_DISK },
	{ "exchange between projects' directories",
	  exchange_with_a_project, NEED_DISK },
	{ "link at the limit breaks that name", link_at_the_limit,
	  NEED_EXT4 },
	{ "a private file at the limit: EMLINK as ever",
	  private_link_limit_is_as_ever, NEED_EXT4 | NEED_NOTHING },
};

TEST_MAIN("names", tests)
