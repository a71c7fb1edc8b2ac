// SPDX-License-Identifier: GPL-2.0-only
/*
 * The real thing in small: dpkg upgrades a package in a guest whose every file
 * is shared, its own database included. The template and the other guest keep
 * every byte.
 */
#include "harness.h"

#include <ftw.h>

static const char build_packages[] =
	"set -e; umask 022\n"
	"for v in 1 2; do\n"
	"	mkdir -p p$v/DEBIAN p$v/usr/bin p$v/etc p$v/usr/share/toy\n"
	"	printf 'Package: toy\\nVersion: %s\\nArchitecture: all\\n"
	"Maintainer: nobody <n@localhost>\\nDescription: toy\\n' $v \\\n"
	"		>p$v/DEBIAN/control\n"
	"	echo /etc/toy.conf >p$v/DEBIAN/conffiles\n"
	"	echo \"program $v\" >p$v/usr/bin/toy; chmod 755 p$v/usr/bin/toy\n"
	"	echo same >p$v/usr/share/toy/same\n"
	"	echo \"conf $v\" >p$v/etc/toy.conf\n"
	"	ln -s toy p$v/usr/bin/toy-link\n"
	"	dpkg-deb --root-owner-group -b p$v toy$v.deb\n"
	"done\n"
	"echo gone in 2 >p1/usr/share/toy/old\n"
	"dpkg-deb --root-owner-group -b p1 toy1.deb\n"
	"mkdir -p C/var/lib/dpkg/updates C/var/lib/dpkg/info\n"
	": >C/var/lib/dpkg/status; : >C/var/lib/dpkg/available\n"
	"dpkg --root=$PWD/C --log=/dev/null --force-not-root \\\n"
	"	--force-bad-path -i toy1.deb\n";

static const char upgrade[] =
	"dpkg --root=$PWD/G1 --log=/dev/null --force-not-root --force-bad-path -i toy2.deb";

/* nftw() has no argument of its own: what the visitors work on. */
static struct {
	struct visited {
		char path[200];
		struct snapshot before;
	} files[200];
	size_t count;
	bool project;
} tree;

static const char *in_guest(const char *guest, const char *path)
{
	static char buf[220];

	snprintf(buf, sizeof(buf), "%s%s", guest, path + 1);
	return buf;
}

static void share_into(const char *guest, const char *path, int type)
{
	const char *to = in_guest(guest, path);
	char target[100];
	ssize_t n;

	if (type == FTW_D) {
		if (mkdir(to, 0755) && errno != EEXIST)
			FAIL("mkdir '%s': %m", to);
		if (tree.project && !strcmp(guest, "G1"))
			EXPECT_OK(set_project(to, 7, true));
	} else if (type == FTW_SL) {
		n = EXPECT_OK(readlink(path, target, sizeof(target) - 1));
		target[n] = '\0';
		EXPECT_OK(symlink(target, to));
	} else {
		EXPECT_OK(link(path, to));
	}
}

static int share_visitor(const char *path, const struct stat *st, int type,
			 struct FTW *ftw)
{
	(void)st;
	(void)ftw;
	if (type == FTW_F)
		EXPECT_OK(set_flags(path, SHARED_FL));
	share_into("G1", path, type);
	share_into("G2", path, type);
	return 0;
}

static int note_visitor(const char *path, const struct stat *st, int type,
			struct FTW *ftw)
{
	struct visited *v = &tree.files[tree.count];

	(void)st;
	(void)ftw;
	if (type != FTW_F)
		return 0;
	CHECK(tree.count < ARRAY_SIZE(tree.files), "too many files");
	snprintf(v->path, sizeof(v->path), "%s", path);
	snapshot_take(path, &v->before);
	tree.count++;
	return 0;
}

static void sh(const char *script)
{
	CHECK(!RUN("sh", "-c", script), "failed: %s", script);
}

static void expect_content(const char *path, const char *want)
{
	char got[100] = { 0 };
	int fd = EXPECT_OK(open(path, O_RDONLY));

	EXPECT_OK(read(fd, got, sizeof(got) - 1));
	close(fd);
	CHECK(!strcmp(got, want), "%s: expected '%s', got '%s'", path, want,
	      got);
}

static void upgrade_guest(bool project)
{
	size_t i;

	if (RUN("dpkg", "--version") || RUN("dpkg-deb", "--version"))
		skip("no dpkg here");
	tree.project = project;
	sh(build_packages);
	EXPECT_OK(nftw("C", share_visitor, 20, FTW_PHYS));
	EXPECT_OK(nftw("C", note_visitor, 20, FTW_PHYS));
	EXPECT_OK(nftw("G2", note_visitor, 20, FTW_PHYS));
	CHECK(tree.count > 10, "only %zu files to look after", tree.count);

	sh(upgrade);
	expect_content("G1/usr/bin/toy", "program 2\n");
	expect_content("G1/usr/share/toy/same", "same\n");
	expect_content("G1/etc/toy.conf", "conf 2\n");
	EXPECT_ERR(access("G1/usr/share/toy/old", F_OK), ENOENT);
	sh("dpkg --root=$PWD/G1 --verify toy");
	sh("grep -q 'Version: 2' G1/var/lib/dpkg/status");
	/* And in place, as an editor or a maintainer script would. */
	sh("echo more >>G1/etc/toy.conf; chmod 600 G1/usr/share/toy/same");

	for (i = 0; i < tree.count; i++)
		EXPECT_SAME(tree.files[i].path, &tree.files[i].before,
			    IGN_NLINK | IGN_CTIME);
	if (project)
		EXPECT_EQ(get_project("G1/etc/toy.conf"), 7);
}

static void plain_guest(void)
{
	upgrade_guest(false);
}

static void project_guest(void)
{
	upgrade_guest(true);
}

static const struct test tests[] = {
	{ "upgrade in a guest that shares every file", plain_guest },
	{ "the same under project quota", project_guest,
	  NEED_DISK | NEED_PRJQUOTA },
};

TEST_MAIN("dpkg", tests)
