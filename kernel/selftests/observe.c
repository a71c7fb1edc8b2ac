// SPDX-License-Identifier: GPL-2.0-only
/*
 * What others see of a break: who watches the directory or the file, who has it
 * open, mapped, leased or running.
 */
#include "harness.h"

#include <poll.h>
#include <signal.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#ifndef FAN_RENAME
#define FAN_RENAME			0x10000000
#endif
#ifndef FAN_EVENT_INFO_TYPE_OLD_DFID_NAME
#define FAN_EVENT_INFO_TYPE_OLD_DFID_NAME	10
#define FAN_EVENT_INFO_TYPE_NEW_DFID_NAME	12
#endif

#define SIZE	10000
#define HIDDEN	".ixunlink-"

/* ---- inotify ----------------------------------------------------------- */

static int watch_begin(const char *path, uint32_t mask)
{
	int fd = EXPECT_OK(inotify_init1(IN_NONBLOCK | IN_CLOEXEC));

	EXPECT_OK(inotify_add_watch(fd, path, mask));
	return fd;
}

static const char *event_name(uint32_t mask)
{
	static const struct {
		uint32_t bit;
		const char *name;
	} names[] = {
		{ IN_ACCESS, "ACCESS" }, { IN_MODIFY, "MODIFY" },
		{ IN_ATTRIB, "ATTRIB" }, { IN_CLOSE_WRITE, "CLOSE_WRITE" },
		{ IN_CLOSE_NOWRITE, "CLOSE_NOWRITE" }, { IN_OPEN, "OPEN" },
		{ IN_MOVED_FROM, "MOVED_FROM" }, { IN_MOVED_TO, "MOVED_TO" },
		{ IN_CREATE, "CREATE" }, { IN_DELETE, "DELETE" },
		{ IN_DELETE_SELF, "DELETE_SELF" }, { IN_MOVE_SELF, "MOVE_SELF" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (mask & names[i].bit)
			return names[i].name;
	return "OTHER";
}

/*
 * All that has been seen, as "EVENT name, EVENT name". Names as #123 are those of
 * unnamed files, of whoever makes one; the kernel tells of them at will. Of the
 * hidden name, the prefix remains.
 */
static const char *watch_end(int fd)
{
	static char text[2000];
	char buf[4096] __attribute__((aligned(8)));
	size_t used = 0;
	ssize_t n;
	char *p;

	text[0] = '\0';
	while ((n = read(fd, buf, sizeof(buf))) > 0) {
		struct inotify_event *ev;

		for (p = buf; p < buf + n; p += sizeof(*ev) + ev->len) {
			const char *name;

			ev = (void *)p;
			name = ev->len ? ev->name : "";
			if (*name == '#')
				continue;
			if (!strncmp(name, HIDDEN, strlen(HIDDEN)))
				name = HIDDEN;
			used += snprintf(text + used, sizeof(text) - used,
					 "%s%s%s%s", used ? ", " : "",
					 event_name(ev->mask),
					 *name ? " " : "", name);
			CHECK(used < sizeof(text), "too many events");
		}
	}
	CHECK(errno == EAGAIN, "reading events: %m");
	close(fd);
	return text;
}

/*
 * Where the filesystem takes two steps for the replacement, the first of them is
 * seen too.
 */
static void expect_replaced_then(const char *seen, const char *rest)
{
	static const char two_steps[] =
		"CREATE " HIDDEN ", MOVED_FROM " HIDDEN ", ";
	const char *p = seen;
	char want[300];

	if (!strncmp(p, two_steps, strlen(two_steps)))
		p += strlen(two_steps);
	snprintf(want, sizeof(want), "MOVED_TO f%s", rest);
	CHECK(!strcmp(p, want), "expected '%s', got '%s'", want, seen);
}

static void inotify_of_an_open(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int watch = watch_begin("G1", IN_ALL_EVENTS);
	int fd = EXPECT_OK(open("G1/f", O_WRONLY));

	EXPECT_EQ(write(fd, "x", 1), 1);
	close(fd);
	expect_replaced_then(watch_end(watch),
			     ", OPEN f, MODIFY f, CLOSE_WRITE f");
	expect_broken(f, G1);
}

static void inotify_of_a_chmod(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int watch = watch_begin("G1", IN_ALL_EVENTS);

	EXPECT_OK(chmod("G1/f", 0600));
	expect_replaced_then(watch_end(watch), ", ATTRIB f");
	expect_broken(f, G1);
}

/* The file has lost a link, and nothing was done to it. */
static void inotify_of_the_file(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int other = watch_begin("G2/f", IN_ALL_EVENTS);
	int same = watch_begin("G1/f", IN_ALL_EVENTS);
	const char *seen, *p;
	int fd = EXPECT_OK(open("G1/f", O_RDWR)), i;

	EXPECT_EQ(write(fd, "x", 1), 1);
	close(fd);
	for (i = 0; i < 2; i++) {
		seen = watch_end(i ? same : other);
		for (p = seen; !strncmp(p, "ATTRIB", 6); )
			p += p[6] ? 8 : 6;
		CHECK(*seen && !*p, "expected ATTRIB only, got '%s'", seen);
	}
	expect_broken(f, G1);
}

static void inotify_of_other_directories(void)
{
	struct shared *f = mk_shared("f", SIZE);
	int g2 = watch_begin("G2", IN_ALL_EVENTS);
	int c = watch_begin("C", IN_ALL_EVENTS);
	const char *seen;
	int fd = EXPECT_OK(open("G1/f", O_RDWR));

	EXPECT_EQ(write(fd, "x", 1), 1);
	close(fd);
	EXPECT_OK(truncate("G1/f", 100));
	seen = watch_end(g2);
	CHECK(!*seen, "G2 saw '%s'", seen);
	seen = watch_end(c);
	CHECK(!*seen, "C saw '%s'", seen);
	expect_broken(f, G1);
}

static void inotify_of_a_refusal(void)
{
	int watch;
	const char *seen;

	mk_shared("f", SIZE);
	watch = watch_begin("G1", IN_ALL_EVENTS);
	AS_USER(STRANGER, STRANGER) {
		EXPECT_ERR(open("G1/f", O_RDWR), EACCES);
		EXPECT_ERR(chmod("G1/f", 0600), EPERM);
	}
	seen = watch_end(watch);
	CHECK(!*seen, "the directory saw '%s'", seen);
}

/* ---- fanotify ---------------------------------------------------------- */

static const char *info_name(struct fanotify_event_info_header *info)
{
	struct fanotify_event_info_fid *fid = (void *)info;
	struct file_handle *handle = (void *)fid->handle;

	return (char *)handle->f_handle + handle->handle_bytes;
}

/* The one FAN_RENAME in @buf: from the hidden name to "f". */
static bool has_rename(char *buf, ssize_t n)
{
	struct fanotify_event_metadata *ev = (void *)buf;
	const char *from = "", *to = "";

	for (; FAN_EVENT_OK(ev, n); ev = FAN_EVENT_NEXT(ev, n)) {
		char *p = (char *)(ev + 1), *end = (char *)ev + ev->event_len;

		while (p < end) {
			struct fanotify_event_info_header *info = (void *)p;

			if (info->info_type == FAN_EVENT_INFO_TYPE_OLD_DFID_NAME)
				from = info_name(info);
			if (info->info_type == FAN_EVENT_INFO_TYPE_NEW_DFID_NAME)
				to = info_name(info);
			p += info->len;
		}
	}
	return !strncmp(from, HIDDEN, strlen(HIDDEN)) && !strcmp(to, "f");
}

/*
 * How somebody who watches a whole filesystem knows a break for sure: a rename
 * from the hidden name, or a MOVED_TO without one.
 */
static void fanotify_tells_a_break(void)
{
	static char buf[8192] __attribute__((aligned(8)));
	struct shared *f = mk_shared("f", SIZE);
	int moved = watch_begin("G1", IN_MOVED_FROM | IN_MOVED_TO);
	ssize_t n;
	int fan;

	fan = fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_DFID_NAME |
			    FAN_NONBLOCK | FAN_CLOEXEC, O_RDONLY);
	if (fan < 0)
		skip("fanotify_init: %s", errno_name(errno));
	if (fanotify_mark(fan, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_RENAME,
			  AT_FDCWD, "."))
		skip("no FAN_RENAME here: %s", errno_name(errno));
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	n = read(fan, buf, sizeof(buf));
	if (!strcmp(watch_end(moved), "MOVED_TO f"))
		CHECK(n < 0, "a rename that was none");
	else
		CHECK(n > 0 && has_rename(buf, n),
		      "expected a rename from " HIDDEN "*");
	close(fan);
	expect_broken(f, G1);
}

static int permission_listener(unsigned int where, const char *path)
{
	int fan = fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC | FAN_NONBLOCK,
				O_RDONLY);

	if (fan < 0)
		skip("fanotify_init: %s", errno_name(errno));
	EXPECT_OK(fanotify_mark(fan, FAN_MARK_ADD | where, FAN_OPEN_PERM |
				(where ? 0 : FAN_EVENT_ON_CHILD), AT_FDCWD,
				path));
	return fan;
}

/*
 * A scanner that has to permit every open is asked once, about the copy: not
 * about what the kernel opens for itself, which could wait for ever.
 */
static void scanner_is_asked_once(void)
{
	struct shared *f = mk_shared("f", SIZE);
	struct fanotify_event_metadata ev;
	struct fanotify_response answer = { .response = FAN_ALLOW };
	struct pollfd wait = { .events = POLLIN };
	struct stat st;
	int fan, status;
	pid_t pid;

	fan = permission_listener(FAN_MARK_MOUNT, ".");
	pid = EXPECT_OK(fork());
	if (!pid) {
		EXPECT_OK(open("G1/f", O_RDWR));
		_exit(0);
	}
	wait.fd = fan;
	EXPECT_EQ(poll(&wait, 1, -1), 1);
	EXPECT_EQ(read(fan, &ev, sizeof(ev)), sizeof(ev));
	EXPECT_EQ(ev.mask, FAN_OPEN_PERM);
	EXPECT_OK(fstat(ev.fd, &st));
	CHECK(st.st_ino != f->before.st.st_ino, "asked about the old file");
	answer.fd = ev.fd;
	EXPECT_EQ(write(fan, &answer, sizeof(answer)), sizeof(answer));
	close(ev.fd);
	/* A second question would keep the child from its end. */
	EXPECT_OK(waitpid(pid, &status, 0));
	EXPECT_EQ(status, 0);
	EXPECT_EQ(poll(&wait, 1, 0), 0);
	close(fan);
	expect_broken(f, G1);
}

/* Denies every open until @pid has ended. Return: how many there were. */
static int deny_all(int fan, pid_t pid)
{
	struct fanotify_response answer = { .response = FAN_DENY };
	struct pollfd wait = { .fd = fan, .events = POLLIN };
	struct fanotify_event_metadata ev;
	siginfo_t info = { 0 };
	int denied = 0;

	while (!info.si_pid) {
		EXPECT_OK(poll(&wait, 1, 10));
		if (read(fan, &ev, sizeof(ev)) == sizeof(ev)) {
			answer.fd = ev.fd;
			EXPECT_EQ(write(fan, &answer, sizeof(answer)),
				  sizeof(answer));
			close(ev.fd);
			denied++;
		}
		EXPECT_OK(waitid(P_PID, pid, &info,
				 WEXITED | WNOHANG | WNOWAIT));
	}
	reap(pid);
	return denied;
}

static void expect_denied_open(unsigned int where, const char *path, int flags)
{
	static int serial;
	char name[20];
	struct shared *f;
	pid_t pid;
	int fan;

	snprintf(name, sizeof(name), "f%d", serial++);
	f = mk_shared(name, SIZE);
	fan = permission_listener(where, path);
	pid = EXPECT_OK(fork());
	if (!pid) {
		EXPECT_ERR(open(shared_path(f, G1), flags, 0644), EPERM);
		_exit(0);
	}
	CHECK(deny_all(fan, pid), "nobody was asked");
	close(fan);
	expect_broken(f, G1);
	EXPECT_SAME(shared_path(f, G1), &f->before, IGN_COPY);
}

/* O_TRUNC truncates what was opened; so there must be something to open. */
static void scanner_denies(void)
{
	static const int flags[] = {
		O_RDWR, O_WRONLY | O_TRUNC, O_RDONLY | O_TRUNC,
		O_RDWR | O_CREAT | O_TRUNC,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++) {
		expect_denied_open(FAN_MARK_MOUNT, ".", flags[i]);
		expect_denied_open(FAN_MARK_FILESYSTEM, ".", flags[i]);
		expect_denied_open(FAN_MARK_INODE, "G1", flags[i]);
	}
}

/* ---- who has the file -------------------------------------------------- */

static bool link_is_deleted(const char *path)
{
	static const char deleted[] = " (deleted)";
	char target[300];
	ssize_t n = readlink(path, target, sizeof(target) - 1);

	CHECK(n > 0, "readlink %s: %m", path);
	target[n] = '\0';
	return (size_t)n > strlen(deleted) &&
	       !strcmp(target + n - strlen(deleted), deleted);
}

static bool map_is_deleted(const void *addr)
{
	char line[600], start[40];
	bool found = false;
	FILE *maps = fopen("/proc/self/maps", "re");

	CHECK(maps, "/proc/self/maps: %m");
	snprintf(start, sizeof(start), "%lx-", (unsigned long)addr);
	while (!found && fgets(line, sizeof(line), maps))
		found = !strncmp(line, start, strlen(start)) &&
			strstr(line, " (deleted)");
	fclose(maps);
	return found;
}

static void descriptors_and_mappings(void)
{
	static unsigned char want[SIZE], got[SIZE];
	struct shared *f = mk_shared("f", SIZE);
	char path[40];
	void *map;
	int old, fd;

	pattern_fill(want, SIZE, 0, SHARED_SEED);
	old = EXPECT_OK(open("G1/f", O_RDONLY));
	map = mmap(NULL, SIZE, PROT_READ, MAP_SHARED, old, 0);
	CHECK(map != MAP_FAILED, "mmap: %m");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", old);
	CHECK(!link_is_deleted(path), "deleted before the break");

	fd = EXPECT_OK(open("G1/f", O_RDWR));
	pattern_write(fd, 0, SIZE, 99);
	EXPECT_EQ(pread(old, got, SIZE, 0), SIZE);
	CHECK(!memcmp(got, want, SIZE), "the descriptor shows the change");
	CHECK(!memcmp(map, want, SIZE), "the mapping shows the change");
	CHECK(link_is_deleted(path), "/proc shows the name as it was");
	CHECK(map_is_deleted(map), "/proc/self/maps shows the name");
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	CHECK(!link_is_deleted(path), "the copy is shown as deleted");
	close(fd);
	close(old);
	expect_broken(f, G1);
	pattern_check("G1/f", 0, SIZE, 99);
}

static void running_programs(void)
{
	struct shared *f;
	char path[40];
	int fd, status;
	pid_t pid;

	CHECK(!RUN("cp", "/bin/sleep", "C/prog"), "cannot copy a program");
	f = share("prog");
	pid = start_program("G1/prog");
	fd = EXPECT_OK(open("G1/prog", O_WRONLY));	/* no ETXTBSY */
	EXPECT_EQ(write(fd, "garbage", 7), 7);
	close(fd);
	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	CHECK(link_is_deleted(path), "/proc shows the name as it was");
	EXPECT_EQ(waitpid(pid, &status, WNOHANG), 0);
	EXPECT_OK(kill(pid, SIGKILL));
	EXPECT_OK(waitpid(pid, &status, 0));
	CHECK(WIFSIGNALED(status), "the program has ended by itself");
	expect_broken(f, G1);
	EXPECT_EQ(RUN("G2/prog", "0"), 0);
}

/*
 * A lease of the file is no business of who gets a copy. He would wait for the
 * time in lease-break-time, which is made longer than this test may take.
 */
static void leases(void)
{
	struct shared *f = mk_shared("f", SIZE);
	sigset_t set, pending;
	int lease[2], i;

	write_sysctl("/proc/sys/fs/lease-break-time", "1000");
	sigemptyset(&set);
	sigaddset(&set, SIGIO);
	EXPECT_OK(sigprocmask(SIG_BLOCK, &set, NULL));
	lease[0] = EXPECT_OK(open("G1/f", O_RDONLY));
	lease[1] = EXPECT_OK(open("G2/f", O_RDONLY));
	for (i = 0; i < 2; i++)
		EXPECT_OK(fcntl(lease[i], F_SETLEASE, F_RDLCK));
	close(EXPECT_OK(open("G1/f", O_RDWR)));
	expect_broken(f, G1);
	EXPECT_OK(sigpending(&pending));
	EXPECT_EQ(sigismember(&pending, SIGIO), 0);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(fcntl(lease[i], F_GETLEASE), F_RDLCK);
		close(lease[i]);
	}
	write_sysctl("/proc/sys/fs/lease-break-time", "45");
}

/* All who open the file would wait for the holder of a write lease. */
static void no_write_lease(void)
{
	int fd;

	mk_shared("f", SIZE);
	fd = EXPECT_OK(open("G1/f", O_RDONLY));
	EXPECT_ERR(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);
	EXPECT_OK(fcntl(fd, F_SETLEASE, F_RDLCK));
	EXPECT_ERR(fcntl(fd, F_SETLEASE, F_WRLCK), EAGAIN);
	close(fd);
	mk_file("plain", SIZE, 1);
	fd = EXPECT_OK(open("plain", O_RDONLY));
	EXPECT_OK(fcntl(fd, F_SETLEASE, F_WRLCK));
	close(fd);
}

static const struct test tests[] = {
	{ "inotify: MOVED_TO, then what the open does", inotify_of_an_open },
	{ "inotify: MOVED_TO, then what the chmod does", inotify_of_a_chmod },
	{ "inotify: the shared file has lost a link, no more",
	  inotify_of_the_file },
	{ "inotify: nothing in other directories",
	  inotify_of_other_directories },
	{ "inotify: nothing of what was refused", inotify_of_a_refusal },
	{ "fanotify: a break is told from a rename", fanotify_tells_a_break },
	{ "fanotify: a scanner is asked once, about the copy",
	  scanner_is_asked_once },
	{ "fanotify: a scanner denies, and the content stays",
	  scanner_denies },
	{ "descriptors and mappings keep the old file, as deleted",
	  descriptors_and_mappings },
	{ "running programs keep the old file, as deleted", running_programs },
	{ "read leases are not broken and delay nobody", leases },
	{ "write leases are refused", no_write_lease },
};

TEST_MAIN("observe", tests)
