// SPDX-License-Identifier: GPL-2.0-only
/*
 * Runs a table of tests, each in a child of its own, and reports in TAP.
 */
#include "harness.h"
#include "internal.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <linux/magic.h>

/* Long enough for UML on a busy machine; a hang is what it is for. */
#define TEST_TIMEOUT_S	600

enum { RESULT_PASS = 0, RESULT_FAIL = 1, RESULT_SKIP = 4 };

/* Written by the test's child, read by its parent. */
static struct verdict {
	char reason[200];
} *verdict;

static struct {
	long magic;
	bool cowlink, prjquota, reflink;
	int probe_errno;
} env;

/* ---- what a test says -------------------------------------------------- */

static void vnote(const char *prefix, const char *fmt, va_list ap)
{
	char text[1000];

	vsnprintf(text, sizeof(text), fmt, ap);
	dprintf(STDOUT_FILENO, "# %s%s\n", prefix, text);
}

void note(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vnote("", fmt, ap);
	va_end(ap);
}

void fail_at(const char *file, int line, const char *fmt, ...)
{
	char where[200];
	va_list ap;

	snprintf(where, sizeof(where), "%s:%d: ", file, line);
	va_start(ap, fmt);
	vnote(where, fmt, ap);
	va_end(ap);
	_exit(RESULT_FAIL);
}

void skip(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(verdict->reason, sizeof(verdict->reason), fmt, ap);
	va_end(ap);
	_exit(RESULT_SKIP);
}

const char *errno_name(int err)
{
	const char *name = strerrorname_np(err);

	return name ? name : "an unknown errno";
}

long expect_ok_at(const char *file, int line, const char *what, long ret)
{
	if (ret < 0)
		fail_at(file, line, "%s: expected success, got %s", what,
			errno_name(errno));
	return ret;
}

void expect_err_at(const char *file, int line, const char *what, long ret,
		   int err)
{
	if (ret >= 0)
		fail_at(file, line, "%s: expected %s, but it succeeded (%ld)",
			what, errno_name(err), ret);
	if (errno != err)
		fail_at(file, line, "%s: expected %s, got %s", what,
			errno_name(err), errno_name(errno));
}

bool on_ext4(void)
{
	return env.magic == EXT4_SUPER_MAGIC;
}

bool on_tmpfs(void)
{
	return env.magic == TMPFS_MAGIC;
}

bool on_xfs(void)
{
	return env.magic == XFS_SUPER_MAGIC;
}

bool have_reflink(void)
{
	return env.reflink;
}

bool have_cowlink(void)
{
	return env.cowlink;
}

/* ---- one test ---------------------------------------------------------- */

void time_limit(unsigned int seconds)
{
	const char *factor = getenv("COWLINK_SLOW");
	int n = factor ? atoi(factor) : 1;

	alarm(seconds * (n > 1 ? n : 1));
}

static void test_child(const struct test *test, const char *dir)
{
	setpgid(0, 0);
	time_limit(TEST_TIMEOUT_S);
	umask(022);
	EXPECT_OK(unshare(CLONE_NEWNS));
	EXPECT_OK(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL));
	test_home(dir);
	test->fn();
	expect_others();
	_exit(RESULT_PASS);
}

/* What one test left: flags go first, then the tree. */
static void remove_tree(int dirfd, const char *name)
{
	struct dirent *de;
	DIR *d;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
	if (fd >= 0)
		(void)fd_set_flags(fd, 0);
	d = fd >= 0 ? fdopendir(fd) : NULL;
	while (d && (de = readdir(d)))
		if (strcmp(de->d_name, ".") && strcmp(de->d_name, ".."))
			remove_tree(fd, de->d_name);
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
	if (unlinkat(dirfd, name, 0) && errno == EISDIR)
		(void)unlinkat(dirfd, name, AT_REMOVEDIR);
}

static int wait_for_test(pid_t pid)
{
	int status;

	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	(void)kill(-pid, SIGKILL);	/* children of its own */
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	note("the test was ended by signal %d%s", WTERMSIG(status),
	     WTERMSIG(status) == SIGALRM ? " (timeout)" : "");
	return RESULT_FAIL;
}

/* NULL, or why @test cannot be run here. */
static const char *unmet_need(const struct test *test)
{
	if (!env.cowlink && !(test->needs & NEED_NOTHING))
		return "this kernel has no copy-on-write links here";
	if ((test->needs & NEED_PRJQUOTA) && !env.prjquota)
		return "no enforced project quota on this filesystem";
	return NULL;
}

static int run_test(const struct test *test, const char *dir)
{
	const char *unmet = unmet_need(test);
	char path[300];
	int result;
	pid_t pid;

	if (unmet) {
		snprintf(verdict->reason, sizeof(verdict->reason), "%s",
			 unmet);
		return RESULT_SKIP;
	}
	snprintf(path, sizeof(path), "%s/work", dir);
	remove_tree(AT_FDCWD, path);
	if (mkdir(path, 0755)) {
		note("cannot make '%s': %m", path);
		return RESULT_FAIL;
	}
	pid = fork();
	if (pid < 0) {
		note("cannot fork: %m");
		return RESULT_FAIL;
	}
	if (!pid)
		test_child(test, path);
	result = wait_for_test(pid);
	knobs_restore();
	remove_tree(AT_FDCWD, path);
	return result;
}

/* ---- the program ------------------------------------------------------- */

static bool can_reflink(int dir)
{
	int in = openat(dir, "in", O_CREAT | O_RDWR | O_EXCL, 0600);
	int out = openat(dir, "out", O_CREAT | O_RDWR | O_EXCL, 0600);
	bool can = write(in, "x", 1) == 1 && !ioctl(out, FICLONE, in);

	close(in);
	close(out);
	unlinkat(dir, "in", 0);
	unlinkat(dir, "out", 0);
	return can;
}

static void probe(const char *dir)
{
	struct statfs sfs;
	char path[300];
	int fd;

	if (!statfs(dir, &sfs))
		env.magic = sfs.f_type;
	snprintf(path, sizeof(path), "%s/probe", dir);
	fd = open(path, O_CREAT | O_RDONLY | O_EXCL, 0600);
	if (fd < 0) {
		env.probe_errno = errno;
		return;
	}
	close(fd);
	env.cowlink = !set_flags(path, SHARED_FL);
	env.probe_errno = env.cowlink ? 0 : errno;
	env.prjquota = prjquota_enforced(path);
	(void)set_flags(path, 0);
	unlink(path);
	fd = open(dir, O_RDONLY | O_DIRECTORY);
	env.reflink = fd >= 0 && can_reflink(fd);
	close(fd);
}

/*
 * The contract of kselftest: a kernel without the feature is a skip. The
 * project's own runs set COWLINK_REQUIRE, and there it is a failure.
 */
static bool must_have_cowlink(void)
{
	const char *require = getenv("COWLINK_REQUIRE");

	return require && *require && strcmp(require, "0");
}

static void print_result(size_t number, const char *group,
			 const struct test *test, int result)
{
	const char *ok = result == RESULT_FAIL ? "not ok" : "ok";

	if (result == RESULT_SKIP)
		printf("%s %zu - %s: %s # SKIP %s\n", ok, number, group,
		       test->name, verdict->reason);
	else
		printf("%s %zu - %s: %s\n", ok, number, group, test->name);
	fflush(stdout);
}

/* Tests of another filesystem's business are not in the plan at all. */
static bool applies(const struct test *test, const char *only)
{
	if ((test->needs & NEED_EXT4) && !on_ext4())
		return false;
	if ((test->needs & NEED_TMPFS) && !on_tmpfs())
		return false;
	if ((test->needs & NEED_XFS) && !on_xfs())
		return false;
	if ((test->needs & NEED_DISK) && !on_ext4() && !on_xfs())
		return false;
	if ((test->needs & NEED_REFLINK) && !env.reflink)
		return false;
	if ((test->needs & NEED_NO_REFLINK) && env.reflink)
		return false;
	return !only || strstr(test->name, only);
}

static int run_table(const char *group, const char *dir, const char *only,
		     const struct test *tests, size_t count)
{
	size_t i, failed = 0, skipped = 0, done = 0, planned = 0;

	for (i = 0; i < count; i++)
		planned += applies(&tests[i], only);
	printf("1..%zu%s\n", planned, planned ? "" : " # SKIP not for this");
	fflush(stdout);
	for (i = 0; i < count; i++) {
		int result;

		if (!applies(&tests[i], only))
			continue;
		result = run_test(&tests[i], dir);
		if (result != RESULT_PASS && result != RESULT_SKIP)
			result = RESULT_FAIL;
		failed += result == RESULT_FAIL;
		skipped += result == RESULT_SKIP;
		print_result(++done, group, &tests[i], result);
	}
	if (failed)
		return RESULT_FAIL;
	return skipped == done ? RESULT_SKIP : RESULT_PASS;
}

int harness_main(int argc, char **argv, const char *group,
		 const struct test *tests, size_t count)
{
	char dir[200];
	int result;

	if (argc < 2 || argc > 3) {
		fprintf(stderr, "usage: %s DIR [PART-OF-A-TEST'S-NAME]\n",
			argv[0]);
		return 2;
	}
	printf("TAP version 13\n");
	if (geteuid()) {
		printf("1..0 # SKIP needs root\n");
		return RESULT_SKIP;
	}
	verdict = mmap(NULL, sizeof(*verdict), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	snprintf(dir, sizeof(dir), "%s/cowlink-XXXXXX", argv[1]);
	if (verdict == MAP_FAILED || !mkdtemp(dir) || chmod(dir, 0755)) {
		printf("Bail out! cannot set up in '%s': %m\n", argv[1]);
		return RESULT_FAIL;
	}
	knobs_save();
	probe(dir);
	if (!env.cowlink && must_have_cowlink()) {
		printf("Bail out! no copy-on-write links in '%s': %s\n", dir,
		       errno_name(env.probe_errno));
		return RESULT_FAIL;
	}
	result = run_table(group, dir, argc > 2 ? argv[2] : NULL, tests,
			   count);
	remove_tree(AT_FDCWD, dir);
	return result;
}
