// SPDX-License-Identifier: GPL-2.0-only
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cleanup.h"
#include "fdio.h"
#include "fsinfo.h"
#include "fx.h"
#include "iattr.h"

#define PROBE_PREFIX "probe-"

static const char *const names[] = { [ENGINE_COPY] = "copy",
				     [ENGINE_REFLINK] = "reflink",
				     [ENGINE_KERNEL] = "kernel",
				     [ENGINE_UNPROTECTED] = "unprotected" };

const char *engine_name(enum engine e)
{
	return names[e];
}

int engine_parse(const char *name, enum engine *ret)
{
	size_t i;

	for (i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(names[i], name)) {
			*ret = i;
			return 0;
		}
	return -EINVAL;
}

bool engine_links(enum engine e)
{
	return e == ENGINE_KERNEL || e == ENGINE_UNPROTECTED;
}

/*
 * The file of the kernel probe has two names and no content: it costs no block, so
 * that a command that frees space works in a full pool, and its copy costs no
 * flush of the disk.
 */
struct probe {
	int dirfd;
	char a[32];
	char b[32];
	int fd;			/* read-only, what a and b were made as */
};

/* What the kernel said instead of what it should have, as the clause for people;
 * NULL when it did what it should. */
static const char *mark(struct probe *p)
{
	unsigned int flags = 0;
	int r = iflags_share(p->fd);

	if (r == -EOPNOTSUPP || r == -EINVAL)
		return "kernel has no IXUNLINK attribute here";
	if (r == -EPERM || r == -EACCES)
		return "no permission to set the IXUNLINK attribute";
	if (r < 0)
		return "setting the IXUNLINK attribute failed";
	if (iflags_get(p->fd, &flags) < 0 || !iflags_is_shared(flags))
		return "kernel forgot the IXUNLINK attribute";
	return NULL;
}

/* Open b for writing: must give a private copy, and leave a as it was. */
static const char *break_link(struct probe *p)
{
	_cleanup_close_ int fd = openat(p->dirfd, p->b,
					O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	struct statx old = { 0 };
	struct statx copy = { 0 };
	unsigned int flags = 0;
	int r;

	/* who has no room for a copy would have made one */
	if (fd < 0 && (errno == ENOSPC || errno == EDQUOT))
		return NULL;
	if (fd < 0)
		return "kernel has the attribute but no copy on write here";
	r = fx_write(fd, "x", 1);
	/* without room for a byte the inode numbers have to do */
	if (r < 0 && r != -ENOSPC && r != -EDQUOT)
		return "writing to a private copy failed";
	if (fdio_statx(fd, NULL, &copy) < 0 ||
	    fdio_statx(p->fd, NULL, &old) < 0 ||
	    iflags_get(p->fd, &flags) < 0)
		return "a private copy could not be examined";
	if (statx_same_inode(&old, &copy) || copy.stx_nlink != 1)
		return "a write gave no private copy";
	if (old.stx_size || old.stx_nlink != 1 || !iflags_is_shared(flags))
		return "a write through one name reached another";
	return NULL;
}

static const char *probe_kernel_with(struct probe *p)
{
	const char *trouble = mark(p);

	if (trouble)
		return trouble;
	if (fx_linkat(p->dirfd, p->a, p->dirfd, p->b) < 0)
		return "kernel has the attribute but no links of shared files";
	return break_link(p);
}

/* 0 with *@ret_trouble, or -errno when no file can be made. */
static int probe_kernel(int dirfd, const char *tag, const char **ret_trouble)
{
	struct probe p = { .dirfd = dirfd, .fd = -1 };

	(void)snprintf(p.a, sizeof(p.a), PROBE_PREFIX "%s.a", tag);
	(void)snprintf(p.b, sizeof(p.b), PROBE_PREFIX "%s.b", tag);
	p.fd = fx_create(dirfd, p.a, O_RDONLY, 0600);
	if (p.fd < 0)
		return p.fd;
	*ret_trouble = probe_kernel_with(&p);
	/* a kernel that has but half of the feature may not let it go marked */
	if (fx_unlinkat(dirfd, p.a, 0) < 0 && iflags_unshare(p.fd) == 0)
		(void)fx_unlinkat(dirfd, p.a, 0);
	(void)fx_unlinkat(dirfd, p.b, 0); /* not there when it got no link */
	cleanup_close(&p.fd);
	return 0;
}

/* FICLONE says EOPNOTSUPP before it looks at the files, so that an empty one will
 * do where there is no room for a byte. */
static int probe_reflink(int dirfd, bool *ret)
{
	_cleanup_close_ int src = fx_tmpfile(dirfd);
	_cleanup_close_ int dst = fx_tmpfile(dirfd);
	int r;

	if (src < 0 || dst < 0)
		return src < 0 ? src : dst;
	r = fx_write(src, "x", 1);
	if (r < 0 && r != -ENOSPC && r != -EDQUOT)
		return r;
	*ret = fx_clone(dst, src) == 0;
	return 0;
}

static void explain(int dirfd, const char *trouble, struct engine_probe *p)
{
	const char *fs = fsinfo_name(dirfd);

	switch (p->engine) {
	case ENGINE_KERNEL:
		(void)snprintf(p->why, sizeof(p->why),
			       "this kernel gives a private copy on write (%s)",
			       fs);
		break;
	case ENGINE_UNPROTECTED:
		(void)snprintf(p->why, sizeof(p->why),
			       "the pool was made with --unprotected");
		break;
	case ENGINE_REFLINK:
	case ENGINE_COPY:
		(void)snprintf(p->why, sizeof(p->why), "%s; %s %s reflink",
			       trouble, fs, p->reflink ? "can" : "cannot");
		break;
	}
}

void engine_full(bool shared_seen, bool unprotected, struct engine_probe *ret)
{
	*ret = (struct engine_probe){
		.engine = unprotected ? ENGINE_UNPROTECTED :
			  shared_seen ? ENGINE_KERNEL :
					ENGINE_COPY,
		.kernel = shared_seen,
	};
	(void)snprintf(ret->why, sizeof(ret->why), "the pool is full, %s",
		       shared_seen ?
			       "but this kernel knows its shared files" :
			       "so no other could be tried");
}

bool engine_probe_tag(const char *name, char ret[17])
{
	const char *tag = name + strlen(PROBE_PREFIX);

	if (strncmp(name, PROBE_PREFIX, strlen(PROBE_PREFIX)) ||
	    strspn(tag, "0123456789abcdef") != 16 ||
	    (strcmp(tag + 16, ".a") && strcmp(tag + 16, ".b")))
		return false;
	memcpy(ret, tag, 16);
	ret[16] = '\0';
	return true;
}

int engine_probe(int staging_fd, const char *tag, bool unprotected,
		 struct engine_probe *ret, struct err *err)
{
	struct engine_probe p = { 0 };
	const char *trouble = NULL;
	int r = probe_kernel(staging_fd, tag, &trouble);

	p.kernel = !r && !trouble;
	if (!r)
		r = probe_reflink(staging_fd, &p.reflink);
	/* it takes two files: without room for them it is not missed there */
	if (p.kernel && (r == -ENOSPC || r == -EDQUOT))
		r = 0;
	if (r < 0)
		return err_errno(err, r, "cannot make a file in the pool");
	if (unprotected)
		p.engine = ENGINE_UNPROTECTED;
	else if (p.kernel)
		p.engine = ENGINE_KERNEL;
	else
		p.engine = p.reflink ? ENGINE_REFLINK : ENGINE_COPY;
	explain(staging_fd, trouble, &p);
	*ret = p;
	return 0;
}
