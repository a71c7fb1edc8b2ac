// SPDX-License-Identifier: GPL-2.0-only
#include "hooks.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "log.h"

static const char *hooks_dir(void)
{
	const char *dir = secure_getenv("COWLINK_HOOKS");

	return dir && *dir ? dir : COWLINK_SYSCONFDIR "/cowlink/hooks";
}

/* 1 to run it, 0 when there is none. Who else can write it would be root by it. */
static int check(const char *path, struct err *err)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ?
			       0 :
			       err_errno(err, -errno, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode) || !(st.st_mode & 0111))
		return err_set(err, -ENOEXEC, "'%s' is no program", path);
	if (st.st_uid || st.st_mode & 022)
		return err_set(err, -EPERM,
			       "'%s' can be written by others than root", path);
	return 1;
}

__attribute__((noreturn)) static void run(const struct guest *g,
					  const char *stage, char *path)
{
	char context[16];
	char *argv[] = { path, (char *)stage, (char *)g->row.name, NULL };
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
	sigset_t none;

	(void)snprintf(context, sizeof(context), "%u", g->row.context);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (null < 0 || dup2(null, 0) < 0 ||
	    setenv("VSERVER_STAGE", stage, 1) < 0 ||
	    setenv("VSERVER_NAME", g->row.name, 1) < 0 ||
	    setenv("VSERVER_CONTEXT", context, 1) < 0 ||
	    setenv("VSERVER_POOL", g->pool->path, 1) < 0)
		_exit(126);
	(void)execv(path, argv);
	_exit(127);
}

static int run_one(const struct guest *g, const char *stage, char *path,
		   struct err *err)
{
	int r = check(path, err);
	int status;
	pid_t pid;

	if (r <= 0)
		return r;
	pid = fork();
	if (!pid)
		run(g, stage, path);
	if (pid < 0)
		return err_errno(err, -errno, "cannot run '%s'", path);
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return err_errno(err, -errno, "cannot wait for '%s'", path);
	if (!status)
		return 0;
	return WIFSIGNALED(status) ?
		       err_set(err, -ECANCELED, "'%s' was ended by signal %d",
			       path, WTERMSIG(status)) :
		       err_set(err, -ECANCELED, "'%s' ended with status %d", path,
			       WEXITSTATUS(status));
}

int hooks_run(const struct guest *g, const char *stage, struct err *err)
{
	char path[PATH_MAX];
	int r;

	(void)snprintf(path, sizeof(path), "%s/%s", hooks_dir(), stage);
	r = run_one(g, stage, path, err);
	if (r < 0)
		return r;
	(void)snprintf(path, sizeof(path), "%s/guests/%s/%s", hooks_dir(),
		       g->row.name, stage);
	return run_one(g, stage, path, err);
}

void hooks_tell(const struct guest *g, const char *stage)
{
	struct err err = { 0 };

	if (hooks_run(g, stage, &err) < 0)
		log_warning("%s: %s; going on", stage, err.msg);
}
