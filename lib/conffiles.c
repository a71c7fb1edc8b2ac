// SPDX-License-Identifier: GPL-2.0-only
#include "conffiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "cleanup.h"
#include "fdio.h"

#define STATUS_FILE "var/lib/dpkg/status"

static bool is_field(const char *line, size_t len, const char *name)
{
	size_t name_len = strlen(name);

	return len > name_len && line[name_len] == ':' &&
	       !strncasecmp(line, name, name_len);
}

static bool is_last_word(const char *line, size_t len, const char *word)
{
	size_t word_len = strlen(word);

	return len > word_len && line[len - word_len - 1] == ' ' &&
	       !memcmp(line + len - word_len, word, word_len);
}

/*
 * " /etc/passwd 0123456789abcdef0123456789abcdef obsolete": a name may hold spaces,
 * so the words are taken off from the end.
 */
static int take_line(const char *line, size_t len, conffiles_fn *fn, void *ctx)
{
	const char *hash;

	while (len && (*line == ' ' || *line == '\t')) {
		line++;
		len--;
	}
	if (is_last_word(line, len, "remove-on-upgrade"))
		return 0;
	if (is_last_word(line, len, "obsolete"))
		len -= strlen(" obsolete");
	hash = memrchr(line, ' ', len);
	if (!hash || *line != '/')
		return 0;
	while (hash > line && *line == '/')
		line++;
	return hash > line ? fn(line, hash - line, ctx) : 0;
}

int conffiles_parse(const char *text, size_t len, conffiles_fn *fn, void *ctx)
{
	const char *end = text + len;
	bool inside = false;
	int r = 0;

	while (!r && text < end) {
		const char *eol = memchr(text, '\n', end - text);
		size_t line_len = (eol ? eol : end) - text;

		if (!line_len || (*text != ' ' && *text != '\t'))
			inside = is_field(text, line_len, "Conffiles");
		else if (inside)
			r = take_line(text, line_len, fn, ctx);
		text += line_len + 1;
	}
	return r;
}

int conffiles_load(int rootfs_fd, const char *path, size_t max, char **ret,
		   size_t *ret_len)
{
	/* it may be a fifo or a device: look at it before it is opened */
	_cleanup_close_ int handle =
		fdio_open_beneath(rootfs_fd, path, O_PATH | O_NOFOLLOW);
	_cleanup_close_ int fd = -1;
	_cleanup_free_ char *text = NULL;
	struct stat st;
	ssize_t n;

	if (handle == -ENOENT || handle == -ENOTDIR)
		return 0;
	if (handle < 0)
		return handle;
	if (fstat(handle, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if ((uint64_t)st.st_size > max)
		return -EFBIG;
	fd = fdio_reopen(handle, 0);
	if (fd < 0)
		return fd;
	text = malloc(st.st_size + 1);
	if (!text)
		return -ENOMEM;
	n = fdio_pread_full(fd, text, st.st_size, 0);
	if (n < 0)
		return n;
	text[n] = '\0';
	*ret = text;
	*ret_len = n;
	text = NULL;
	return 1;
}

static int read_dpkg(int rootfs_fd, conffiles_fn *fn, void *ctx)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = conffiles_load(rootfs_fd, STATUS_FILE, CONFFILES_MAX_BYTES, &text,
			       &len);

	return r <= 0 ? r : conffiles_parse(text, len, fn, ctx);
}

int conffiles_read(int rootfs_fd, conffiles_fn *fn, void *ctx)
{
	int r = read_dpkg(rootfs_fd, fn, ctx);

	if (!r)
		r = conffiles_read_apk(rootfs_fd, fn, ctx);
	if (!r)
		r = conffiles_read_rpm(rootfs_fd, fn, ctx);
	return r;
}
