// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "fdio.h"
#include "mmdebstrap.h"
#include "strbuf.h"

#define NOT_INSTALLED 127

/* The child's argument vector, each argument malloc'ed, NULL at the end. */
struct args {
	char **v;
	size_t count;
};

static int add_arg(struct args *a, const char *prefix, const char *value)
{
	char **v;

	if (!value || (*prefix && !*value))
		return 0;
	v = reallocarray(a->v, a->count + 2, sizeof(*v));
	if (!v)
		return -ENOMEM;
	a->v = v;
	if (asprintf(&v[a->count], "%s%s", prefix, value) < 0)
		return -ENOMEM;
	v[++a->count] = NULL;
	return 0;
}

static void args_release(struct args *a)
{
	size_t i;

	for (i = 0; i < a->count; i++)
		free(a->v[i]);
	free(a->v);
}
#define _cleanup_args_ _cleanup_(args_release)

/* Further options, separated by blanks. */
static int add_options(struct args *a, const char *options)
{
	_cleanup_free_ char *copy = options ? strdup(options) : NULL;
	char *rest = copy;
	char *word;
	int r = options && !copy ? -ENOMEM : 0;

	while (!r && rest && (word = strsep(&rest, " \t")))
		if (*word)
			r = add_arg(a, "", word);
	return r;
}

/* One line of what a command prints; "" when it fails. */
static int first_line(const char *command, struct strbuf *ret)
{
	_cleanup_free_ char *line = NULL;
	size_t alloc = 0;
	FILE *f = popen(command, "re");	/* allowed: a constant */
	int r = 0;

	if (f && getline(&line, &alloc, f) > 0) {
		line[strcspn(line, "\n")] = '\0';
		r = strbuf_addstr(ret, line);
	}
	if (f)
		(void)pclose(f); /* no answer is an answer too */
	return r;
}

/* Does the release belong to the suite: itself, its updates, its security? */
static bool is_of_suite(const char *release, const char *suite)
{
	size_t len = strlen(suite);

	return !strncmp(release, suite, len) &&
	       (!release[len] || !strcmp(release + len, "-updates") ||
		!strcmp(release + len, "-security"));
}

static int add_mirror(struct strbuf *mirrors, const char *uri,
		      const char *release, const char *components)
{
	size_t before = mirrors->len;
	_cleanup_free_ char *line = NULL;
	char *comma;

	if (asprintf(&line, "deb %s %s %s\n", uri, release, components) < 0)
		return -ENOMEM;
	while ((comma = strchr(line, ',')))
		*comma = ' ';
	if (before && strstr(mirrors->buf, line))
		return 0; /* apt has a target for each component */
	return strbuf_addstr(mirrors, line);
}

/*
 * The mirrors this machine's apt uses for the suite, as lines of sources.list;
 * empty when it does not use the suite itself.
 */
static int local_mirrors(const struct recipe *recipe, struct strbuf *ret)
{
	const char *suite = recipe->value[RECIPE_SUITE];
	_cleanup_free_ char *line = NULL;
	size_t alloc = 0;
	bool has_suite = false;
	FILE *f = popen("apt-get indextargets --format " /* allowed: constant */
			"'$(REPO_URI) $(RELEASE)' 'Created-By: Packages' "
			"2>/dev/null", "re");
	int r = 0;

	while (f && !r && getline(&line, &alloc, f) > 0) {
		char *release = strchr(line, ' ');

		if (!release)
			continue;
		*release++ = '\0';
		release[strcspn(release, "\n")] = '\0';
		if (!is_of_suite(release, suite))
			continue;
		has_suite |= !strcmp(release, suite);
		r = add_mirror(ret, line, release,
			       recipe->value[RECIPE_COMPONENTS]);
	}
	if (f)
		(void)pclose(f); /* a machine without apt has no mirrors */
	if (!has_suite)
		strbuf_setlen(ret, 0);
	return r;
}

static int make_args(const struct recipe *recipe, bool has_mirrors,
		     struct args *a)
{
	_cleanup_strbuf_ struct strbuf proxy = STRBUF_INIT;
	int r = 0;

	r |= first_line("apt-config dump --format '%v%n' Acquire::http::Proxy "
			"2>/dev/null", &proxy);
	r |= add_arg(a, "", "mmdebstrap");
	r |= add_arg(a, "", "--mode=root");
	r |= add_arg(a, "", "--format=tar");
	r |= add_arg(a, "--variant=", recipe->value[RECIPE_VARIANT]);
	r |= add_arg(a, "--components=", recipe->value[RECIPE_COMPONENTS]);
	r |= add_arg(a, "--include=", recipe->value[RECIPE_INCLUDE]);
	r |= add_arg(a, "--architectures=", recipe->value[RECIPE_ARCHITECTURE]);
	if (proxy.len) {
		_cleanup_free_ char *opt = NULL;

		if (asprintf(&opt, "--aptopt=Acquire::http::Proxy \"%s\"",
			     proxy.buf) < 0)
			return -ENOMEM;
		r |= add_arg(a, "", opt);
	}
	r |= add_options(a, recipe->value[RECIPE_OPTIONS]);
	r |= add_arg(a, "", recipe->value[RECIPE_SUITE]);
	r |= add_arg(a, "", "-");
	if (has_mirrors)
		r |= add_arg(a, "", "-"); /* its standard input */
	return r ? -ENOMEM : 0;
}

/* An unnamed file with @text, to be somebody's standard input. */
static int input_file(const struct strbuf *text)
{
	_cleanup_close_ int fd = memfd_create("mirrors", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (text->len && write(fd, text->buf, text->len) != (ssize_t)text->len)
		return -EIO;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	return steal_fd(&fd);
}

static void run_child(struct args *a, int in, int out, pid_t parent)
{
	/* do not outlive who wanted it */
	(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent || dup2(in, 0) < 0 || dup2(out, 1) < 0)
		_exit(1);
	execvp(a->v[0], a->v);
	_exit(NOT_INSTALLED);
}

static int spawn(struct args *a, int in, struct mmdebstrap *ret)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	ret->pid = fork();
	if (ret->pid == 0)
		run_child(a, in, ends[1], parent);
	cleanup_close(&ends[1]);
	if (ret->pid < 0) {
		cleanup_close(&ends[0]);
		return -errno;
	}
	ret->tar_fd = ends[0];
	return 0;
}

int mmdebstrap_start(const struct recipe *recipe, struct mmdebstrap *ret,
		     struct err *err)
{
	_cleanup_strbuf_ struct strbuf mirrors = STRBUF_INIT;
	_cleanup_args_ struct args a = { 0 };
	_cleanup_close_ int in = -1;
	const char *mirror = recipe->value[RECIPE_MIRROR];
	int r;

	r = mirror && *mirror ? strbuf_addf(&mirrors, "%s\n", mirror) :
				local_mirrors(recipe, &mirrors);
	if (!r)
		r = make_args(recipe, mirrors.len > 0, &a);
	if (!r)
		r = in = input_file(&mirrors);
	if (r >= 0)
		r = spawn(&a, in, ret);
	return r < 0 ? err_errno(err, r, "cannot run mmdebstrap") : 0;
}

int mmdebstrap_finish(struct mmdebstrap *m, bool abandon, struct err *err)
{
	char rest[4096];
	int status;

	/* tar pads its end; a writer whose reader leaves would fail */
	while (!abandon && fdio_read(m->tar_fd, rest, sizeof(rest)) > 0)
		;
	cleanup_close(&m->tar_fd);
	if (abandon)
		(void)kill(m->pid, SIGTERM); /* it may be gone already */
	while (waitpid(m->pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, -errno, "cannot wait");
	if (abandon || (WIFEXITED(status) && !WEXITSTATUS(status)))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_INSTALLED)
		return err_set(err, -EOPNOTSUPP, "mmdebstrap is not installed");
	return err_set(err, -EIO, "mmdebstrap failed");
}
