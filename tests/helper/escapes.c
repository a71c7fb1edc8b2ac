// SPDX-License-Identifier: GPL-2.0-only
/*
 * escapes: ways out of a guest that take more than one call, tried as its root. Prints a
 * line "NAME RESULT" for each, RESULT the name of the errno or "done"; "own-..." are the
 * same with what belongs to the guest, which have to work: then the call was right, and it
 * is what it was used on that refused it.
 *
 *	escapes mounts		what is mounted over something
 *	escapes overlay		overlays of what it has
 *	escapes cgroup		cgroups by mounts of its own; then "end", and it stays where
 *				it is until killed
 *	escapes slice FD OWN OTHER
 *				by a descriptor of all guests' cgroups, and the names of two
 *	escapes writable DIRECTORY...
 *				the files that can be opened for writing, but for those of
 *				processes and cgroups, and how many there were
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/magic.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

static void tell(const char *what, long result)
{
	const char *name = result < 0 ? strerrorname_np(errno) : "done";

	printf("%s %s\n", what, name ? name : "?");
}

static void must(long result, const char *what)
{
	if (result >= 0)
		return;
	perror(what);
	exit(1);
}

/* A directory to mount on. */
static const char *at(const char *path)
{
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		must(-1, path);
	return path;
}

/* Open for writing, and close without having done so. */
static int opens(int dir, const char *path)
{
	int fd = openat(dir, path,
			O_WRONLY | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW);

	return fd < 0 ? fd : close(fd);
}

static int writes(int dir, const char *path, const char *text)
{
	int fd = openat(dir, path, O_WRONLY);
	int r = fd < 0 ? fd : (int)write(fd, text, strlen(text));
	int e = errno;

	if (fd >= 0)
		(void)close(fd); /* what counts is the write */
	errno = e;
	return r;
}

/* --- mounts ----------------------------------------------------------------------- */

static int bind_to(const char *from, const char *to, unsigned long how)
{
	return mount(from, at(to), NULL, MS_BIND | how, NULL);
}

/* And nothing else: what is locked as well would refuse it. */
static int set_writable(const char *where)
{
	return mount(NULL, where, NULL,
		     MS_REMOUNT | MS_BIND | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		     NULL);
}

/* What a guest may do with mounts of its own ... */
static void own_mounts(void)
{
	must(mount("none", at("/tmp/own"), "tmpfs", 0, NULL), "tmpfs");
	must(mount("none", at("/tmp/own/below"), "tmpfs", MS_RDONLY, NULL),
	     "tmpfs");
	tell("own-writable", set_writable("/tmp/own/below"));
	tell("own-bind", bind_to("/tmp/own", "/tmp/bound", 0));
	tell("own-bind-all", bind_to("/tmp/own", "/tmp/all", MS_REC));
	tell("own-umount-bound", umount2("/tmp/all/below", MNT_DETACH));
	tell("own-move", mount("/tmp/own/below", at("/tmp/moved"), NULL,
			       MS_MOVE, NULL));
	tell("own-umount", umount2("/tmp/moved", MNT_DETACH));
}

/* ... and not with those that the host has locked. */
static void locked_mounts(void)
{
	tell("umount", umount2("/sys/kernel", 0));
	tell("umount-detach", umount2("/sys/kernel", MNT_DETACH));
	tell("umount-top", umount2("/sys", MNT_DETACH));
	tell("umount-root", umount2("/", MNT_DETACH));
	tell("move", mount("/sys/kernel", at("/tmp/sys"), NULL, MS_MOVE, NULL));
	tell("move-top", mount("/sys", at("/tmp/sys"), NULL, MS_MOVE, NULL));
	tell("move-root", mount("/", at("/tmp/root"), NULL, MS_MOVE, NULL));
	tell("writable", set_writable("/sys/kernel"));
	tell("writable-top", set_writable("/sys"));
	tell("bind-root", bind_to("/", "/tmp/root", 0));
	tell("bind-top", bind_to("/sys", "/tmp/sys", 0));
	must(bind_to("/sys/kernel", "/tmp/kernel", 0), "bind");
	tell("bound-writable", set_writable("/tmp/kernel"));
	must(bind_to("/sys", "/tmp/sys", MS_REC), "bind");
	tell("bound-umount", umount2("/tmp/sys/kernel", MNT_DETACH));
	tell("bound-top-writable", set_writable("/tmp/sys"));
	tell("bound-write", opens(AT_FDCWD, "/tmp/kernel/mm/ksm/run"));
}

/* Where nothing covers it. */
static void fresh(void)
{
	tell("own-proc", mount("none", at("/tmp/proc"), "proc", 0, NULL));
	tell("proc-sysrq", opens(AT_FDCWD, "/tmp/proc/sysrq-trigger"));
	tell("proc-pattern",
	     opens(AT_FDCWD, "/tmp/proc/sys/kernel/core_pattern"));
	tell("sysfs", mount("none", at("/tmp/sysfs"), "sysfs", 0, NULL));
	tell("debugfs", mount("none", at("/tmp/sysfs"), "debugfs", 0, NULL));
	tell("tracefs", mount("none", at("/tmp/sysfs"), "tracefs", 0, NULL));
	tell("securityfs",
	     mount("none", at("/tmp/sysfs"), "securityfs", 0, NULL));
	tell("devtmpfs", mount("none", at("/tmp/sysfs"), "devtmpfs", 0, NULL));
}

/* In a copy of the mounts, which has the same locks. */
static int mounts(void)
{
	must(unshare(CLONE_NEWNS), "unshare");
	own_mounts();
	locked_mounts();
	fresh();
	return 0;
}

static int overlay_of(const char *lower)
{
	char options[256];

	(void)snprintf(options, sizeof(options),
		       "lowerdir=%s,upperdir=/tmp/layers/upper,"
		       "workdir=/tmp/layers/work,userxattr",
		       lower);
	return mount("none", at("/tmp/merged"), "overlay", 0, options);
}

/* Where others are mounted below, these would not be in it. */
static int overlay(void)
{
	must(unshare(CLONE_NEWNS), "unshare");
	must(mount("none", at("/tmp/layers"), "tmpfs", 0, NULL), "tmpfs");
	(void)at("/tmp/layers/upper");
	(void)at("/tmp/layers/work");
	tell("root", overlay_of("/"));
	tell("sys", overlay_of("/sys"));
	tell("own-overlay", overlay_of("/etc"));
	tell("own-write", writes(AT_FDCWD, "/tmp/merged/file", "by overlay\n"));
	tell("own-mode", chmod("/tmp/merged/passwd", 06777));
	tell("device", open("/tmp/merged/device", O_RDONLY));
	tell("mknod", mknod("/tmp/merged/disk", S_IFBLK | 0600, makedev(7, 0)));
	return 0;
}

/* --- cgroups ------------------------------------------------------------------------ */

/* The files in @dir that can be opened for writing. */
static void list_writable(const char *what, int dir)
{
	DIR *d = fdopendir(dup(dir));
	const struct dirent *e;

	must(d ? 0 : -1, what);
	while ((e = readdir(d)))
		if (e->d_type == DT_REG && !opens(dir, e->d_name))
			printf("%s-writes %s\n", what, e->d_name);
	(void)closedir(d); /* read only */
}

/* Is what is above of the same kind? */
static void above(const char *what, int dir)
{
	int up = openat(dir, "..", O_PATH | O_DIRECTORY);
	struct statfs fs;

	must(up < 0 ? up : fstatfs(up, &fs), what);
	printf("%s-above %s\n", what,
	       fs.f_type == CGROUP2_SUPER_MAGIC || fs.f_type == CGROUP_SUPER_MAGIC ?
		       "cgroup" :
		       "outside");
	tell(what, writes(dir, "../cgroup.procs", "0"));
	(void)close(up);
}

static int mounted2(const char *path)
{
	int dir;

	must(mount("none", at(path), "cgroup2", 0, NULL), "cgroup2");
	dir = open(path, O_RDONLY | O_DIRECTORY);
	must(dir, path);
	return dir;
}

static void version_2(void)
{
	int dir = mounted2("/tmp/cgroup");
	struct stat st;
	int below;

	must(fstat(dir, &st), "cgroup2");
	printf("inode %lu\n", (unsigned long)st.st_ino);
	list_writable("fresh", dir);
	above("fresh", dir);
	must(mkdirat(dir, "below", 0755), "below");
	tell("own-below", writes(dir, "below/cgroup.procs", "0"));
	must(unshare(CLONE_NEWCGROUP), "unshare");
	below = mounted2("/tmp/cgroup-below");
	above("below", below);
	tell("own-up", writes(dir, "cgroup.procs", "0"));
	/* it was made before the namespace, and can still name what is above that */
	(void)close(below);
	(void)close(dir);
}

/* One hierarchy of version 1, where the guest's processes are as the host's. */
static void version_1(const char *options)
{
	char what[80];
	int dir;

	(void)snprintf(what, sizeof(what), "v1-%s", options);
	if (mount("none", at("/tmp/v1"), "cgroup", 0, options) < 0) {
		tell(what, -1);
		return;
	}
	tell(what, 0);
	dir = open("/tmp/v1", O_RDONLY | O_DIRECTORY);
	must(dir, what);
	list_writable(what, dir);
	tell("v1-procs", writes(dir, "cgroup.procs", "0"));
	tell("v1-mkdir", mkdirat(dir, "below", 0755));
	tell("v1-agent", mount(NULL, "/tmp/v1", NULL, MS_REMOUNT,
			       "release_agent=/tmp/agent"));
	(void)close(dir);
	(void)umount2("/tmp/v1", MNT_DETACH); /* or the next is on top */
}

__attribute__((noreturn)) static void cgroup(void)
{
	char line[256];
	char name[64];
	FILE *f = fopen("/proc/cgroups", "r");

	must(unshare(CLONE_NEWNS), "unshare");
	version_2();
	while (f && fgets(line, sizeof(line), f))
		if (*line != '#' && sscanf(line, "%63s", name) == 1)
			version_1(name);
	version_1("none,name=systemd");
	version_1("none,name=denied");
	printf("end\n");
	must(fflush(stdout), "stdout");
	for (;;)
		(void)pause();
}

/* As if somebody had handed it all of them. */
static int slice(int dir, const char *own, const char *other)
{
	static const char *const names[] = { "cgroup.procs",
					     "supervisor/cgroup.procs",
					     "cgroup.subtree_control" };
	int its = openat(dir, own, O_RDONLY | O_DIRECTORY);
	char path[256];
	size_t i;

	must(its, own);
	list_writable("limits", its);
	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		tell(names[i], writes(its, names[i], "0"));
	tell("makes", mkdirat(its, "below", 0755));
	(void)snprintf(path, sizeof(path), "%s/guest/cgroup.procs", other);
	tell("other", writes(dir, path, "0"));
	tell("keepers", writes(dir, "keepers/cgroup.procs", "0"));
	tell("top", writes(dir, "cgroup.procs", "0"));
	tell("root", writes(dir, "../cgroup.procs", "0"));
	tell("own-makes", mkdirat(its, "guest/slice", 0755));
	tell("own-moves", writes(its, "guest/slice/cgroup.procs", "0"));
	return 0;
}

/* --- all files ------------------------------------------------------------------------ */

static int files;

static int visit(const char *path, const struct stat *st, int type,
		 struct FTW *ftw)
{
	const char *name = path + ftw->base;

	if (type == FTW_D && ftw->level == 1 &&
	    (strspn(name, "0123456789") == strlen(name)))
		return FTW_SKIP_SUBTREE;
	if (type == FTW_D && !strcmp(path, "/sys/fs/cgroup"))
		return FTW_SKIP_SUBTREE;
	if (type != FTW_F || !S_ISREG(st->st_mode))
		return FTW_CONTINUE;
	files++;
	if (!opens(AT_FDCWD, path))
		printf("%s\n", path);
	return FTW_CONTINUE;
}

static int writable(char **directories)
{
	for (; *directories; directories++)
		must(nftw(*directories, visit, 50, FTW_PHYS | FTW_ACTIONRETVAL),
		     *directories);
	printf("of %d\n", files);
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";

	if (argc == 2 && !strcmp(verb, "mounts"))
		return mounts();
	if (argc == 2 && !strcmp(verb, "overlay"))
		return overlay();
	if (argc == 2 && !strcmp(verb, "cgroup"))
		cgroup();
	if (argc == 5 && !strcmp(verb, "slice"))
		return slice((int)strtol(argv[2], NULL, 10), argv[3], argv[4]);
	if (argc >= 3 && !strcmp(verb, "writable"))
		return writable(argv + 2);
	fprintf(stderr, "usage: escapes mounts | overlay | cgroup | slice | writable\n");
	return 2;
}
