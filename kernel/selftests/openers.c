// SPDX-License-Identifier: GPL-2.0-only
/*
 * System calls that open a file in the kernel's name, for writing, by a path:
 * for them too it is a private copy. And access(2), which promises an open.
 */
#include "harness.h"

#include <sys/acct.h>
#include <sys/mount.h>
#include <sys/swap.h>
#include <sys/wait.h>

/* ---- acct(2) ----------------------------------------------------------- */

static void exit_of_a_process(void)
{
	pid_t pid = EXPECT_OK(fork());

	if (!pid)
		_exit(0);
	EXPECT_OK(waitpid(pid, NULL, 0));
}

static void accounting(void)
{
	struct shared *f = mk_shared("f", 1000);
	struct counters since = counters_now();
	struct stat st;

	if (acct("G1/f"))
		skip("no process accounting: %s", errno_name(errno));
	exit_of_a_process();
	EXPECT_OK(acct(NULL));
	EXPECT_BREAKS(since, 1);
	expect_broken(f, G1);
	/* Appended to the copy. */
	EXPECT_OK(stat("G1/f", &st));
	CHECK(st.st_size > 1000, "expected a record, the size is %lld",
	      (long long)st.st_size);
	pattern_check("G1/f", 0, 1000, SHARED_SEED);
}

static void accounting_refused(void)
{
	struct counters since;
	char path[40];
	int fd;

	mk_shared("f", 1000);
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	since = counters_now();
	AS_USER(OWNER, OWNER)
		EXPECT_ERR(acct("G1/f"), EPERM);
	EXPECT_ERR(acct("G1/f/"), ENOTDIR);
	EXPECT_ERR(acct(path), EPERM);
	EXPECT_BREAKS(since, 0);
}

/* ---- swapon(2) --------------------------------------------------------- */

#define SWAP_SIZE	(1 << 20)

/* A file without holes, marked as swap space, and shared. */
static struct shared *mk_swap(const char *name)
{
	static char zeroes[65536];
	char path[40];
	int i, fd;

	snprintf(path, sizeof(path), "C/%s", name);
	fd = EXPECT_OK(open(path, O_CREAT | O_RDWR, 0600));
	for (i = 0; i < SWAP_SIZE; i += sizeof(zeroes))
		EXPECT_OK(write(fd, zeroes, sizeof(zeroes)));
	EXPECT_OK(fsync(fd));
	close(fd);
	if (RUN("mkswap", path))
		skip("no mkswap");
	set_old_times(path);
	return share(name);
}

static void swap_space(void)
{
	struct shared *f = mk_swap("f"), *g;
	struct counters since = counters_now();
	bool on;

	on = !swapon("G1/f", 0);
	note("swapon: %s", on ? "success" : errno_name(errno));
	EXPECT_BREAKS(since, 1);
	expect_broken(f, G1);
	EXPECT_SAME("G1/f", &f->before, IGN_COPY);
	/*
	 * tmpfs refuses it for what it is, after the open for writing, XFS
	 * because the copy shares its blocks.
	 */
	CHECK(on || on_tmpfs() || have_reflink(),
	      "expected to swap on the copy");
	if (!on)
		return;
	/* The other names stay as free as they were. */
	expect_others();
	EXPECT_OK(unlink("G2/f"));
	expect_gone(f, G2);
	EXPECT_ERR(unlink("G1/f"), EPERM);
	EXPECT_OK(swapoff("G1/f"));
	g = mk_swap("g");
	EXPECT_OK(swapon("G1/g", 0));
	EXPECT_OK(swapoff("G1/g"));
	expect_broken(g, G1);
}

static void swap_refused(void)
{
	struct counters since;

	mk_swap("f");
	since = counters_now();
	AS_USER(OWNER, OWNER)
		EXPECT_ERR(swapon("G1/f", 0), EPERM);
	EXPECT_BREAKS(since, 0);
}

/* ---- access(2) --------------------------------------------------------- */

static int access_then_open(const char *path, int flags)
{
	struct stat before, after;
	int said, said_errno, fd;

	EXPECT_OK(stat(path, &before));
	errno = 0;
	said = faccessat(AT_FDCWD, path, W_OK, flags);
	said_errno = errno;
	EXPECT_OK(stat(path, &after));
	EXPECT_EQ(after.st_ino, before.st_ino);
	errno = 0;
	fd = open(path, O_WRONLY);
	CHECK(said == (fd < 0 ? -1 : 0) && (!said || said_errno == errno),
	      "%s: access says %s, open does %s", path,
	      said ? errno_name(said_errno) : "yes",
	      fd < 0 ? errno_name(errno) : "succeed");
	if (fd >= 0)
		close(fd);
	return said;
}

/* W_OK by an entry of the ACL, within the mask or not, and by none. */
static void access_by_acl(void)
{
	static const struct {
		unsigned int perm, mask;
		bool writable;
	} acls[] = { { 6, 6, true }, { 6, 4, false }, { 4, 6, false } };
	char name[10], path[20];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(acls); i++) {
		struct shared *f;

		snprintf(name, sizeof(name), "f%zu", i);
		snprintf(path, sizeof(path), "C/%s", name);
		mk_file(path, 100, SHARED_SEED);
		if (set_acl(path, false, 6, STRANGER, acls[i].perm, 4,
			    acls[i].mask, 4))
			skip("no ACLs here: %s", errno_name(errno));
		f = share(name);
		AS_USER(STRANGER, STRANGER)
			EXPECT_EQ(access_then_open(shared_path(f, G1), 0),
				  acls[i].writable ? 0 : -1);
		if (acls[i].writable)
			expect_broken(f, G1);
		expect_others();
	}
}

/* access(2) is about the real user; faccessat() can ask about the other. */
static void access_of_the_real_user(void)
{
	struct counters since;

	mk_shared("f", 100);
	since = counters_now();
	EXPECT_OK(setresuid(OWNER, 0, 0));
	EXPECT_ERR(access("G1/f", W_OK), EACCES);
	EXPECT_OK(faccessat(AT_FDCWD, "G1/f", W_OK, AT_EACCESS));
	EXPECT_OK(setresuid(0, 0, 0));
	EXPECT_BREAKS(since, 0);
}

/* What it says depends on the path, not on the file. */
static void access_by_path(void)
{
	struct shared *f = mk_shared("f", 100);
	struct counters since = counters_now();

	EXPECT_OK(symlink("f", "G1/s"));
	EXPECT_OK(access("G1/f", W_OK));
	EXPECT_OK(access("G1/../G2/f", W_OK));
	EXPECT_OK(access("G1/s", W_OK));
	EXPECT_OK(access("/proc/self/cwd/G1/f", W_OK));
	EXPECT_ERR(access("G1/f/", W_OK), ENOTDIR);
	EXPECT_BREAKS(since, 0);
	mk_file("target", 0, 0);
	EXPECT_OK(mount("G2/f", "target", NULL, MS_BIND, NULL));
	EXPECT_EQ(access_then_open("target", 0), -1);
	EXPECT_BREAKS(since, 0);
	EXPECT_OK(umount2("target", 0));
	EXPECT_EQ(access_then_open("G1/s", 0), 0);
	expect_broken(f, G1);
}

static const struct test tests[] = {
	{ "acct", accounting },
	{ "acct by who may not, or not by name: EPERM, nothing copied",
	  accounting_refused },
	{ "swapon", swap_space },
	{ "swapon by who may not: EPERM, nothing copied", swap_refused },
	{ "access(W_OK) by ACL is what open says", access_by_acl },
	{ "access(W_OK) of the real and the effective user",
	  access_of_the_real_user },
	{ "access(W_OK) by all kinds of paths", access_by_path },
};

TEST_MAIN("openers", tests)
