// SPDX-License-Identifier: GPL-2.0-only
/*
 * apk marks no file as configuration. What it does not overwrite when it was changed
 * is what lies below a protected path, and that is what counts as a conffile here.
 *
 * A line of a list is [+-@!]PATTERN: + (or nothing) and ! protect, @ protects symlinks
 * only and - nothing. A path is treated as the directory it is in, unless a pattern
 * matches itself; of several that match, the last one counts.
 */
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "conffiles.h"
#include "fdio.h"
#include "strbuf.h"

#define LISTS_DIR "etc/apk/protected_paths.d"
#define LISTS_MAX_BYTES 65536
#define LISTS_MAX 256
#define PATTERNS_MAX 256
/* More wildcards in one pattern take a path's length to that power. */
#define STARS_MAX 2
#define WORK_MAX (UINT64_C(1) << 32)

struct pattern {
	char text[256];
	size_t stars;
	bool protects;
};

struct apk {
	struct pattern patterns[PATTERNS_MAX];
	size_t count;
	uint64_t work;		/* characters looked at, about */
	char path[PATH_MAX];
	size_t dir_len;		/* of the directory, in path */
	bool dir_protected;
	bool dir_fits;
};

static int add_pattern(struct apk *a, const char *line, size_t len)
{
	struct pattern *p = &a->patterns[a->count];
	const char *s;
	char kind = '+';

	while (len && strchr(" \t\r", line[len - 1]))
		len--;
	if (!len || *line == '#')
		return 0;
	if (strchr("+-@!", *line)) {
		kind = *line++;
		len--;
	}
	while (len && *line == '/') {
		line++;
		len--;
	}
	while (len && line[len - 1] == '/')
		len--;
	if (!len)
		return 0;
	if (a->count == PATTERNS_MAX || len >= sizeof(p->text))
		return -EFBIG;
	memcpy(p->text, line, len);
	p->text[len] = '\0';
	p->protects = kind == '+' || kind == '!';
	p->stars = 0;
	for (s = p->text; *s; s++)
		p->stars += *s == '*';
	/* what it looks like to others does not matter, only how long it takes */
	if (p->stars > STARS_MAX || strchr(p->text, '['))
		return -EINVAL;
	a->count++;
	return 0;
}

static int each_line(struct apk *a, const char *text, size_t len,
		     int (*fn)(struct apk *a, const char *line, size_t len))
{
	const char *end = text + len;
	int r = 0;

	while (!r && text < end) {
		const char *eol = memchr(text, '\n', end - text);
		size_t line_len = (eol ? eol : end) - text;

		if (!memchr(text, '\0', line_len))
			r = fn(a, text, line_len);
		text += line_len + 1;
	}
	return r;
}

/* What the patterns say of exactly a->path. */
static int ask_patterns(struct apk *a, size_t path_len, bool *protected)
{
	size_t i;

	for (i = 0; i < a->count; i++) {
		const struct pattern *p = &a->patterns[i];
		uint64_t work = path_len + 1;

		if (p->stars > 1)
			work *= path_len + 1;
		a->work += work;
		if (a->work > WORK_MAX)
			return -EFBIG;
		if (!fnmatch(p->text, a->path, FNM_PATHNAME))
			*protected = p->protects;
	}
	return 0;
}

/* "F:etc/foo": the files that follow are in it. */
static int enter_dir(struct apk *a, const char *dir, size_t len)
{
	char *slash;
	int r = 0;

	while (len && *dir == '/') {
		dir++;
		len--;
	}
	a->dir_protected = false;
	a->dir_len = len;
	a->dir_fits = len < sizeof(a->path);
	if (!a->dir_fits)
		return 0;
	memcpy(a->path, dir, len);
	a->path[len] = '\0';
	for (slash = strchr(a->path, '/'); !r && slash;
	     slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		r = ask_patterns(a, slash - a->path, &a->dir_protected);
		*slash = '/';
	}
	return r ? r : len ? ask_patterns(a, len, &a->dir_protected) : 0;
}

/* "R:name"; 1 when a->path is a conffile now. */
static int add_name(struct apk *a, const char *name, size_t len, size_t *ret_len)
{
	bool protected = a->dir_protected;
	size_t at = a->dir_len;
	int r;

	if (!a->dir_fits || !len || memchr(name, '/', len) ||
	    at + len + 2 > sizeof(a->path))
		return 0;
	if (at)
		a->path[at++] = '/';
	memcpy(a->path + at, name, len);
	a->path[at + len] = '\0';
	*ret_len = at + len;
	r = ask_patterns(a, at + len, &protected);
	return r ? r : protected;
}

static int parse_installed(struct apk *a, const char *text, size_t len,
			   conffiles_fn *fn, void *ctx)
{
	const char *end = text + len;
	int r = 0;

	while (!r && text < end) {
		const char *eol = memchr(text, '\n', end - text);
		size_t line_len = (eol ? eol : end) - text;
		size_t path_len = 0;

		if (!line_len)
			r = enter_dir(a, "", 0);	/* the next package */
		else if (line_len < 2 || text[1] != ':' ||
			 memchr(text, '\0', line_len))
			r = 0;
		else if (*text == 'F')
			r = enter_dir(a, text + 2, line_len - 2);
		else if (*text == 'R')
			r = add_name(a, text + 2, line_len - 2, &path_len);
		if (r > 0)
			r = fn(a->path, path_len, ctx);
		text += line_len + 1;
	}
	return r;
}

int conffiles_apk_parse(const char *text, size_t len, const char *lists,
			size_t lists_len, conffiles_fn *fn, void *ctx)
{
	struct apk *a = calloc(1, sizeof(*a));
	int r;

	if (!a)
		return -ENOMEM;
	a->dir_fits = true;
	r = add_pattern(a, "etc", 3);
	if (!r)
		r = each_line(a, lists, lists_len, add_pattern);
	if (!r)
		r = parse_installed(a, text, len, fn, ctx);
	free(a);
	return r;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_list(const char *name)
{
	size_t len = strlen(name);

	return len > 5 && *name != '.' && !strcmp(name + len - 5, ".list");
}

/* The names of the lists in their order. */
static int list_names(int rootfs_fd, char *names[LISTS_MAX], size_t *count)
{
	_cleanup_close_ int fd = fdio_open_beneath(
		rootfs_fd, LISTS_DIR, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
	_cleanup_dir_ DIR *d = NULL;
	const struct dirent *e;
	int r;

	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	r = fd < 0 ? fd : fdio_names_open(fd, ".", &d);
	while (!r && (e = fdio_names_next(d, &r))) {
		if (!is_list(e->d_name))
			continue;
		if (*count == LISTS_MAX)
			return -EFBIG;
		names[*count] = strdup(e->d_name);
		if (!names[(*count)++])
			return -ENOMEM;
	}
	if (!r)
		qsort(names, *count, sizeof(*names), by_name);
	return r;
}

static int load_list(int rootfs_fd, const char *name, struct strbuf *to)
{
	_cleanup_strbuf_ struct strbuf path = STRBUF_INIT;
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = strbuf_addstr(&path, LISTS_DIR "/");

	if (!r)
		r = strbuf_addstr(&path, name);
	if (!r)
		r = conffiles_load(rootfs_fd, strbuf_str(&path), LISTS_MAX_BYTES,
				   &text, &len);
	if (r <= 0)
		return r;
	/* ends at a NUL, which no list has */
	r = strbuf_addstr(to, text);
	return r ? r : strbuf_addstr(to, "\n");
}

static int load_lists(int rootfs_fd, struct strbuf *to)
{
	char *names[LISTS_MAX];
	size_t count = 0;
	size_t i;
	int r = list_names(rootfs_fd, names, &count);

	for (i = 0; i < count; i++) {
		if (!r)
			r = load_list(rootfs_fd, names[i], to);
		free(names[i]);
	}
	return r;
}

int conffiles_read_apk(int rootfs_fd, conffiles_fn *fn, void *ctx)
{
	static const char *const places[] = { "lib/apk/db/installed",
					      "usr/lib/apk/db/installed" };
	_cleanup_strbuf_ struct strbuf lists = STRBUF_INIT;
	size_t i;
	int r = 0;

	for (i = 0; !r && i < sizeof(places) / sizeof(*places); i++) {
		_cleanup_free_ char *text = NULL;
		size_t len;

		r = conffiles_load(rootfs_fd, places[i], CONFFILES_MAX_BYTES,
				   &text, &len);
		/* merged-usr: /lib is a symlink, which is not followed */
		if (r == -ELOOP)
			r = 0;
		if (r <= 0)
			continue;
		strbuf_setlen(&lists, 0);
		r = load_lists(rootfs_fd, &lists);
		if (!r)
			r = conffiles_apk_parse(text, len, strbuf_str(&lists),
						lists.len, fn, ctx);
	}
	return r;
}
