// SPDX-License-Identifier: GPL-2.0-only
/*
 * treesum [--inodes] DIR
 *
 * Print one line for each object below DIR, in a canonical order, so that two
 * trees are equal exactly when diff finds nothing: escaped path, type and mode,
 * owner, size, modification time, device, what a symlink points to or the hash
 * of the content, extended attributes (ACLs and capabilities are among them),
 * and the first path of this tree that is the same inode.
 *
 * Not compared: the size of directories and blocks used, which depend on the
 * filesystem, inode flags, and the trusted.cowlink attributes of DIR itself,
 * which are the identity of a tree. --inodes adds inode number and change time,
 * to prove that nothing was touched.
 *
 * It shares no code with the library: it is what the library is judged by.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>
#include <xxhash.h>

struct link_group {
	dev_t dev;
	ino_t ino;
	char *path;
};

static bool show_inodes;
static struct link_group *groups;
static size_t group_count;

static void *xrealloc(void *p, size_t size)
{
	p = realloc(p, size ? size : 1);
	if (!p)
		err(2, "memory");
	return p;
}

static char *join(const char *dir, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", dir, name) < 0)
		err(2, "memory");
	return path;
}

static void print_escaped(const void *data, size_t len)
{
	const unsigned char *p = data;

	for (; len; p++, len--) {
		if (*p > ' ' && *p < 0x7f && *p != '\\')
			putchar(*p);
		else
			printf("\\%03o", *p);
	}
}

static void print_hash(const void *data, size_t len)
{
	XXH128_hash_t h = XXH3_128bits(data, len);

	printf("%016llx%016llx", (unsigned long long)h.high64,
	       (unsigned long long)h.low64);
}

static void print_content(int dirfd, const char *name, const char *path)
{
	static char buf[1 << 18];
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t h;
	ssize_t n;
	int fd;

	fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || !state)
		err(2, "%s", path);
	XXH3_128bits_reset(state);
	while ((n = read(fd, buf, sizeof(buf))) > 0)
		XXH3_128bits_update(state, buf, (size_t)n);
	if (n < 0)
		err(2, "%s", path);
	close(fd);
	h = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	printf(" xxh3=%016llx%016llx", (unsigned long long)h.high64,
	       (unsigned long long)h.low64);
}

static void print_target(int dirfd, const char *name, const char *path)
{
	char target[65536];
	ssize_t n = readlinkat(dirfd, name, target, sizeof(target));

	if (n < 0)
		err(2, "%s", path);
	fputs(" target=", stdout);
	print_escaped(target, (size_t)n);
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_xattr(const char *file, const char *name, const char *path)
{
	static char value[65536];
	ssize_t n = lgetxattr(file, name, value, sizeof(value));

	if (n < 0)
		err(2, "%s: %s", path, name);
	putchar(' ');
	print_escaped(name, strlen(name));
	putchar('=');
	if (n > 40)
		print_hash(value, (size_t)n);
	else
		print_escaped(value, (size_t)n);
}

static void print_xattrs(int dirfd, const char *name, const char *path)
{
	static char list[65536];
	char *names[4096], file[64 + NAME_MAX];
	bool root = !strcmp(path, ".");
	size_t count = 0;
	ssize_t n;

	/* The path from the root may be longer than PATH_MAX. */
	snprintf(file, sizeof(file), "/proc/self/fd/%d/%s", dirfd, name);
	n = llistxattr(file, list, sizeof(list));
	if (n < 0 && errno != ENOTSUP)
		err(2, "%s", path);
	for (char *p = list; n > 0 && p < list + n; p += strlen(p) + 1)
		if (count < 4096)
			names[count++] = p;
	qsort(names, count, sizeof(*names), compare_strings);
	for (size_t i = 0; i < count; i++)
		/* XFS stores ACLs there, and shows them again */
		if (strncmp(names[i], "trusted.SGI_ACL_", 16) &&
		    (!root || strncmp(names[i], "trusted.cowlink.", 16)))
			print_xattr(file, names[i], path);
}

/* The path under which this inode was printed before, or NULL. */
static const char *first_path(const struct stat *st, const char *path)
{
	struct link_group *g;

	for (size_t i = 0; i < group_count; i++)
		if (groups[i].ino == st->st_ino && groups[i].dev == st->st_dev)
			return groups[i].path;
	groups = xrealloc(groups, (group_count + 1) * sizeof(*groups));
	g = &groups[group_count++];
	g->dev = st->st_dev;
	g->ino = st->st_ino;
	g->path = strdup(path);
	if (!g->path)
		err(2, "memory");
	return NULL;
}

static const char *type_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG: return "file";
	case S_IFDIR: return "dir";
	case S_IFLNK: return "symlink";
	case S_IFIFO: return "fifo";
	case S_IFSOCK: return "socket";
	case S_IFCHR: return "char";
	case S_IFBLK: return "block";
	}
	return "unknown";
}

static void print_object(int dirfd, const char *name, const char *path,
			 const struct stat *st)
{
	const char *first = NULL;

	print_escaped(path, strlen(path));
	printf(" %s %04o %u:%u mtime=%lld.%09ld", type_name(st->st_mode),
	       st->st_mode & 07777, st->st_uid, st->st_gid,
	       (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
	if (S_ISREG(st->st_mode)) {
		printf(" size=%lld", (long long)st->st_size);
		print_content(dirfd, name, path);
	} else if (S_ISLNK(st->st_mode)) {
		print_target(dirfd, name, path);
	} else if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)) {
		printf(" dev=%u:%u", major(st->st_rdev), minor(st->st_rdev));
	}
	print_xattrs(dirfd, name, path);
	if (!S_ISDIR(st->st_mode) && st->st_nlink > 1)
		first = first_path(st, path);
	if (first) {
		fputs(" link=", stdout);
		print_escaped(first, strlen(first));
	}
	if (show_inodes)
		printf(" ino=%llu ctime=%lld.%09ld",
		       (unsigned long long)st->st_ino,
		       (long long)st->st_ctim.tv_sec, st->st_ctim.tv_nsec);
	putchar('\n');
}

/* The names in @fd, sorted by byte, without "." and "..". */
static char **read_names(int fd, const char *path, size_t *ret_count)
{
	DIR *dir = fdopendir(dup(fd));
	char **names = NULL;
	struct dirent *de;
	size_t count = 0;

	if (!dir)
		err(2, "%s", path);
	for (errno = 0; (de = readdir(dir)); errno = 0) {
		if (!strcmp(de->d_name, ".") || !strcmp(de->d_name, ".."))
			continue;
		names = xrealloc(names, (count + 1) * sizeof(*names));
		names[count] = strdup(de->d_name);
		if (!names[count++])
			err(2, "memory");
	}
	if (errno)
		err(2, "%s", path);
	closedir(dir);
	if (count)
		qsort(names, count, sizeof(*names), compare_strings);
	*ret_count = count;
	return names;
}

static void sum_object(int dirfd, const char *name, const char *path)
{
	struct stat st;
	size_t count;
	char **names;
	int fd;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW))
		err(2, "%s", path);
	print_object(dirfd, name, path, &st);
	if (!S_ISDIR(st.st_mode))
		return;
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", path);
	names = read_names(fd, path, &count);
	for (size_t i = 0; i < count; i++) {
		char *below = join(path, names[i]);

		sum_object(fd, names[i], below);
		free(below);
		free(names[i]);
	}
	free(names);
	close(fd);
}

int main(int argc, char **argv)
{
	struct rlimit limit;
	int fd;

	if (argc == 3 && !strcmp(argv[1], "--inodes")) {
		show_inodes = true;
		argv++;
		argc--;
	}
	if (argc != 2)
		errx(2, "usage: treesum [--inodes] DIR");
	/* One descriptor per level. */
	if (!getrlimit(RLIMIT_NOFILE, &limit)) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		err(2, "%s", argv[1]);
	sum_object(fd, ".", ".");
	if (fflush(stdout) || ferror(stdout))
		err(2, "standard output");
	return 0;
}
