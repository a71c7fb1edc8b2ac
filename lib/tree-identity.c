// SPDX-License-Identifier: GPL-2.0-only
#include "tree-identity.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <string.h>

#include "cleanup.h"
#include "fdio.h"

/* A list of hosts of its own that is longer has been made by a program, which will
 * make it again. */
#define HOSTS_MAX 65536

static const char *const gone[] = {
	"etc/ssh/ssh_host_*_key",
	"etc/ssh/ssh_host_*_key.pub",
	"etc/ssh/ssh_host_*_key-cert.pub",
	"var/lib/dbus/machine-id",
	"var/lib/systemd/random-seed",
	"var/lib/systemd/credential.secret",
	"var/lib/urandom/random-seed",
	"var/lib/random-seed",
};

#define COUNT_OF(array) (sizeof(array) / sizeof(*(array)))

static bool is_name(const char *s)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '.')
			return false;
	/* every system is this, too */
	return i > 0 && strncmp(s, "localhost", 9) != 0;
}

int tree_identity_begin(int src_fd, const char *name,
			struct tree_identity *ret, struct err *err)
{
	_cleanup_close_ int fd = fdio_open_beneath(src_fd, "etc/hostname",
						   O_RDONLY | O_NONBLOCK);
	struct statx stx;
	ssize_t n = 0;
	int r = 0;

	*ret = (struct tree_identity){ .name = name };
	/* there is none, or it is something else, or behind a symlink */
	if (fd == -ENOENT || fd == -ELOOP || fd == -ENOTDIR || fd == -ENXIO)
		return 0;
	r = fd < 0 ? fd : fdio_statx(fd, NULL, &stx);
	if (!r && S_ISREG(stx.stx_mode))
		n = fdio_pread_full(fd, ret->old, sizeof(ret->old) - 1, 0);
	if (r < 0 || n < 0)
		return err_errno(err, r < 0 ? r : (int)n,
				 "cannot read the template's etc/hostname");
	ret->old[n] = '\0';
	ret->old[strcspn(ret->old, "\n")] = '\0';
	if (!is_name(ret->old))
		*ret->old = '\0';
	return 0;
}

/* --- /etc/hosts ------------------------------------------------------------------------ */

/* Is @word the template's name, also with a domain? */
static bool is_old(const struct tree_identity *id, const char *word, size_t len)
{
	size_t old = strlen(id->old);

	return len >= old && !memcmp(word, id->old, old) &&
	       (len == old || word[old] == '.');
}

/* The line without its comment, word by word: the first one is the address. Returns
 * how many names were changed, or -errno. */
static int rename_in_line(const struct tree_identity *id, const char *line,
			  size_t len, struct strbuf *out)
{
	size_t words = 0;
	size_t i = 0;
	int changed = 0;
	int r = 0;

	while (!r && i < len && line[i] != '#') {
		size_t start = i;
		bool blank = isspace((unsigned char)line[i]);

		while (i < len && line[i] != '#' &&
		       !isspace((unsigned char)line[i]) != blank)
			i++;
		if (!blank && words++ && is_old(id, line + start, i - start)) {
			r = strbuf_addstr(out, id->name);
			start += strlen(id->old);
			changed++;
		}
		if (!r)
			r = strbuf_add(out, line + start, i - start);
	}
	if (!r)
		r = strbuf_add(out, line + i, len - i);
	return r ? r : changed;
}

static int rename_in(const struct tree_identity *id, const char *text,
		     size_t len, struct strbuf *out)
{
	int changed = 0;
	int r = 0;

	while (r >= 0 && len) {
		const char *end = memchr(text, '\n', len);
		size_t line = end ? (size_t)(end - text) + 1 : len;

		r = rename_in_line(id, text, line, out);
		changed += r > 0 ? r : 0;
		text += line;
		len -= line;
	}
	return r < 0 ? r : changed;
}

static int own_hosts(const struct tree_identity *id, const struct walk_entry *e,
		     struct strbuf *out)
{
	_cleanup_close_ int fd = -1;
	_cleanup_strbuf_ struct strbuf text = STRBUF_INIT;
	char buf[4096];
	ssize_t n;
	int r = 0;

	if (!*id->old || e->stx->stx_size > HOSTS_MAX)
		return IDENTITY_COMMON;
	fd = fdio_open(e->dirfd, e->name, O_RDONLY);
	if (fd < 0)
		return fd;
	while (!r && text.len <= HOSTS_MAX &&
	       (n = fdio_pread_full(fd, buf, sizeof(buf), (off_t)text.len)))
		r = n < 0 ? (int)n : strbuf_add(&text, buf, (size_t)n);
	if (!r)
		r = rename_in(id, strbuf_str(&text), text.len, out);
	return r < 0 ? r : r ? IDENTITY_OWN : IDENTITY_COMMON;
}

/* --- all of it --------------------------------------------------------------------------- */

int tree_identity_of(const struct tree_identity *id, const struct walk_entry *e,
		     struct strbuf *content)
{
	size_t i;
	int r;

	if (!strcmp(e->path, "etc/hostname")) {
		r = strbuf_addf(content, "%s\n", id->name);
		return r ? r : IDENTITY_OWN;
	}
	/* empty, not gone: systemd takes a missing one for a first boot */
	if (!strcmp(e->path, "etc/machine-id"))
		return IDENTITY_OWN;
	if (!strcmp(e->path, "etc/hosts"))
		return own_hosts(id, e, content);
	for (i = 0; i < COUNT_OF(gone); i++)
		if (!fnmatch(gone[i], e->path, FNM_PATHNAME))
			return IDENTITY_GONE;
	return IDENTITY_COMMON;
}
