// SPDX-License-Identifier: GPL-2.0-only
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cgroup.h"
#include "cleanup.h"
#include "console.h"
#include "disk.h"
#include "fdio.h"
#include "fx.h"
#include "hooks.h"
#include "inside.h"
#include "keeper.h"
#include "mounts.h"
#include "net.h"
#include "rt.h"
#include "starter.h"
#include "userns.h"
#include "words.h"

#define GUEST_NAMESPACES \
	(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWUTS | CLONE_NEWIPC)

/* What is needed until the guest's first program runs. */
struct launch {
	struct guest *guest;
	struct cgroup cgroup;
	int run_fd;		/* directory of the records */
	int rootfs_fd;
	int userns_fd;
	int init_fd;
	int go[2];		/* we write a byte when the guest may go on */
	int status[2];		/* it writes what went wrong */
	struct keeper keeper;	/* the parent of the first process */
	pid_t pid;
	int pidfd;
};

#define LAUNCH_INIT                                                         \
	{ .cgroup = CGROUP_INIT, .run_fd = -1, .rootfs_fd = -1,             \
	  .userns_fd = -1, .init_fd = -1, .go = { -1, -1 },                 \
	  .status = { -1, -1 }, .keeper = KEEPER_INIT, .pidfd = -1 }

static void launch_release(struct launch *l)
{
	cgroup_release(&l->cgroup);
	cleanup_close(&l->run_fd);
	cleanup_close(&l->rootfs_fd);
	cleanup_close(&l->userns_fd);
	cleanup_close(&l->init_fd);
	cleanup_pair(l->go);
	cleanup_pair(l->status);
	keeper_release(&l->keeper);
	cleanup_close(&l->pidfd);
}

/* --- what has to hold -------------------------------------------------------------- */

static int refuse(const struct guest *g, struct err *err)
{
	_cleanup_running_ struct running other = RUNNING_INIT;
	const struct pool *p = g->pool;
	int r;

	if (g->runs)
		return err_set(err, -EBUSY, "guest '%s' is running already",
			       g->row.name);
	if (p->info.unprotected)
		return err_set(err, -EOPNOTSUPP,
			       "the pool is unprotected: what one guest writes "
			       "would be in all, so none can be started");
	if (!strcmp(g->row.engine, engine_name(ENGINE_KERNEL)) &&
	    !p->engine.kernel)
		return err_set(err, -EOPNOTSUPP,
			       "guest '%s' has shared files, which this kernel "
			       "does not know: boot the patched one",
			       g->row.name);
	r = running_by_context(g->row.context, &other, err);
	return r <= 0 ? r : err_set(err, -EBUSY,
				    "context %u is used by the running guest "
				    "'%s' of another pool",
				    g->row.context, other.name);
}

static int open_all(struct launch *l, struct err *err)
{
	struct guest *g = l->guest;
	struct tree_row row;
	int r = pool_open_tree(g->pool, TREE_GUEST, g->row.name, &row,
			       &l->rootfs_fd, err);

	if (!r)
		r = l->run_fd = running_dir(err);
	if (r >= 0)
		r = l->userns_fd = userns_open(g->row.context, err);
	if (r >= 0 && !strcmp(settings_get(&g->settings, "init.style"), "reap"))
		r = l->init_fd = words_open_helper("vserver-init", err);
	if (r < 0)
		return r;
	if (pipe2(l->go, O_CLOEXEC) < 0 || pipe2(l->status, O_CLOEXEC) < 0)
		return err_errno(err, -errno, "cannot make a pipe");
	return 0;
}

/* --- limits ------------------------------------------------------------------------ */

static int set_rlimits(const struct launch *l, struct err *err)
{
	const struct settings *s = &l->guest->settings;
	const struct setting_key *k;
	int r;

	for (k = setting_keys; k->name; k++) {
		const char *value = settings_get(s, k->name);
		struct rlimit limit;

		if ((k->kind != SETTING_RLIMIT && k->kind != SETTING_RT) ||
		    !value)
			continue;
		if ((k->kind == SETTING_RT ?
			     rt_limit(k, value, &limit) :
			     rlimit_parse(value, &limit)) < 0)
			return err_set(err, -EUCLEAN,
				       "the catalog's '%s' makes no sense",
				       k->name);
		r = userns_prlimit(l->guest->row.context, l->pid, k->number,
				   &limit, NULL);
		if (r < 0)
			return err_errno(err, r, "cannot set %s to '%s'",
					 k->name, value);
	}
	return 0;
}

static int enter_cgroup(struct launch *l, struct err *err)
{
	_cleanup_close_ int fd = cgroup_procs(&l->cgroup, "guest", err);
	char text[16];
	int r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = snprintf(text, sizeof(text), "%d", l->pid);
	r = fx_write(fd, text, r);
	return r < 0 ? err_errno(err, r, "cannot put the guest into its cgroup") :
		       0;
}

static int set_limits(struct launch *l, struct err *err)
{
	int r = cgroup_make(&l->guest->row, &l->cgroup, err);

	if (!r)
		r = disk_limits(l->guest, l->rootfs_fd, err);
	l->cgroup.pool_fd = l->guest->pool->fd;
	if (!r)
		cgroup_account(&l->cgroup);
	return r ? r : cgroup_limits(&l->cgroup, &l->guest->settings, err);
}

/* --- the first process --------------------------------------------------------------- */

/* In the keeper, which is the parent of the guest's first process. */
__attribute__((noreturn)) static void keep(struct launch *l,
					   const struct inside *in)
{
	uint64_t flags =
		GUEST_NAMESPACES | net_namespace(&l->guest->settings);
	int pidfd = -1;
	pid_t pid;

	/* or it would never see the end of its pipe, nor we that of ours */
	cleanup_close(&l->go[1]);
	starter_forget();
	pid = userns_be_owner(l->guest->row.context);
	if (!pid)
		pid = userns_clone(flags, &pidfd);
	if (!pid)
		inside_first(in);
	(void)userns_be_root();
	cleanup_close(&l->status[1]);
	keeper_stay(&l->keeper, pid);
}

static int spawn(struct launch *l, struct err *err)
{
	const struct settings *s = &l->guest->settings;
	const char *hostname = settings_get(s, "hostname");
	char uuid[64];
	const char *envp[] = { "container=cowlink", "TERM=linux", WORDS_PATH, uuid,
			       NULL };
	_cleanup_words_ struct words_list words = { 0 };
	struct inside in = { .hostname = hostname ? hostname :
						    l->guest->row.name,
			     .envp = envp,
			     .wait_fd = l->go[0],
			     .status_fd = l->status[1],
			     .init_fd = l->init_fd,
			     .userns_max = settings_get(s, "userns.max"),
			     .own_net = net_namespace(s) != 0,
			     .rule_net = net_mode_of(s) == NET_PRIVATE,
			     .tty_fd = l->keeper.tty[1] };
	int r = words_split(settings_get(s, "init"), l->init_fd >= 0, &words);

	if (r < 0)
		return err_errno(err, r, "cannot start guest '%s'",
				 l->guest->row.name);
	in.argv = words.argv;
	/* systemd makes its machine id of that, where the guest has none */
	(void)snprintf(uuid, sizeof(uuid), "container_uuid=%s",
		       l->guest->row.uuid);
	r = keeper_fork(&l->keeper, err);
	if (!r)
		keep(l, &in);
	return r < 0 ? r : keeper_meet(&l->keeper, &l->pid, &l->pidfd, err);
}

/* Let it go, and wait until its program runs or it says why not. */
static int let_go(struct launch *l, struct err *err)
{
	char text[512];
	size_t len = 0;
	ssize_t n = 0;
	int r;

	cleanup_close(&l->go[0]);
	cleanup_close(&l->status[1]);
	r = fx_write(l->go[1], "g", 1);
	if (r < 0)
		return err_errno(err, r, "the guest's first process is gone");
	while (len < sizeof(text) - 1 &&
	       (n = fdio_read(l->status[0], text + len, sizeof(text) - 1 - len)) > 0)
		len += n;
	if (n < 0)
		return err_errno(err, (int)n, "cannot hear of the guest");
	text[len] = '\0';
	return len ? err_set(err, -ECANCELED, "%s", text) : 0;
}

/* From here on there is something to take back. */
static int run_first(struct launch *l, struct err *err)
{
	struct guest *g = l->guest;
	int r = userns_map(l->pid, g->row.context, err);

	if (!r)
		r = enter_cgroup(l, err);
	if (!r)
		r = set_rlimits(l, err);
	if (!r)
		r = net_join(g, &l->cgroup, l->pid, err);
	if (!r)
		r = running_write(l->run_fd, &g->row, l->pid, err);
	if (!r)
		r = let_go(l, err);
	return r ? r : keeper_leave(&l->keeper, err);
}

static void take_back(struct launch *l)
{
	keeper_abort(&l->keeper);
	/* should the keeper have gone before it could, its guest may run */
	if (l->pidfd >= 0 && guest_kill(l->pidfd) < 0)
		return;
	/* a failure is told already */
	if (l->run_fd >= 0)
		(void)guest_forget(&l->guest->row, l->run_fd, NULL);
	(void)net_down(&l->guest->row, &l->cgroup, NULL);
	(void)cgroup_remove(&l->cgroup, NULL);
}

/* What a start that was killed before it wrote a record has left: processes that are on
 * their way out, limits which may have been taken back since, and addresses, which stand
 * in the programs of the cgroup. */
static int clean_leftover(struct guest *g, struct err *err)
{
	_cleanup_cgroup_ struct cgroup old = CGROUP_INIT;
	int r = cgroup_open(&g->row, &old, err);

	return r < 0 || old.fd < 0 ? r : guest_clean(g, err);
}

static int begin(struct launch *l, struct err *err)
{
	struct guest *g = l->guest;
	int r = open_all(l, err);

	if (!r)
		r = set_limits(l, err);
	if (!r)
		r = net_up(g, &l->cgroup, err);
	if (!r)
		r = keeper_prepare(&l->keeper, g, &l->cgroup, l->run_fd, err);
	if (!r)
		r = mounts_build(l->rootfs_fd, l->userns_fd, g->row.context,
				 settings_get(&g->settings, "mount"), err);
	if (!r)
		r = spawn(l, err);
	return r ? r : run_first(l, err);
}

/* Hooks, and the next guest, need the host's files. */
static int go_home(const struct launch *l, struct err *err)
{
	int fd = l->keeper.mount_ns_fd;

	return fd >= 0 && setns(fd, CLONE_NEWNS) < 0 ?
		       err_errno(err, -errno, "cannot go back") :
		       0;
}

int guest_start(struct guest *g, struct err *err)
{
	_cleanup_(launch_release) struct launch l = LAUNCH_INIT;
	int r = refuse(g, err);
	int home;

	/* one that ended by itself is stopped first, with all that belongs to that */
	if (!r)
		r = running_recorded(&g->row, 0, err);
	if (r > 0)
		r = guest_stop(g, err);
	else if (!r)
		r = clean_leftover(g, err);
	if (!r)
		r = hooks_run(g, "pre-start", err);
	if (r < 0)
		return err_prefix(err, r, "cannot start guest '%s'",
				  g->row.name);
	l.guest = g;
	r = begin(&l, err);
	home = go_home(&l, r < 0 ? NULL : err);
	r = r < 0 ? r : home;
	if (r < 0) {
		take_back(&l);
		return err_prefix(err, r, "cannot start guest '%s'",
				  g->row.name);
	}
	g->run = (struct running){ .context = g->row.context,
				   .pid = l.pid,
				   .pidfd = steal_fd(&l.pidfd) };
	g->runs = true;
	hooks_tell(g, "post-start");
	return 0;
}
