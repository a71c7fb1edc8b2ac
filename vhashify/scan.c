// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>

#include "churn.h"
#include "cleanup.h"
#include "conffiles.h"
#include "fdio.h"
#include "iattr.h"
#include "log.h"
#include "opener.h"
#include "progress.h"
#include "scan.h"
#include "store.h"

static bool has_attribute(const struct statx *stx, uint64_t attribute)
{
	return stx->stx_attributes_mask & stx->stx_attributes & attribute;
}

/*
 * With one link and immutable: an administrator's chattr +i, or what a run that
 * was killed has left marked. The mark of the latter is no obstacle.
 */
static bool is_leftover(const struct walk_entry *e)
{
	struct statx now;
	_cleanup_close_ int fd =
		unify_open(e->dirfd, e->name, e->stx, false, &now);
	unsigned int flags;

	return fd >= 0 && !iflags_get(fd, &flags) && iflags_is_shared(flags);
}

static enum skip_reason judge_single(const struct walk_entry *e)
{
	if (has_attribute(e->stx, STATX_ATTR_APPEND))
		return SKIP_SPECIAL;
	if (has_attribute(e->stx, STATX_ATTR_IMMUTABLE) && !is_leftover(e))
		return SKIP_SPECIAL;
	return SKIP_NONE;
}

enum skip_reason scan_judge_linked(struct scan *s, const struct walk_entry *e)
{
	struct pool *p = s->run->pool;
	int r;

	if (!s->run->links)
		return SKIP_HARDLINKED;
	if (p->engine.engine == ENGINE_UNPROTECTED)
		return masters_by_ino(&s->run->masters, e->stx->stx_ino) ?
			       SKIP_SHARED :
			       SKIP_HARDLINKED;
	if (!has_attribute(e->stx, STATX_ATTR_IMMUTABLE))
		return SKIP_HARDLINKED;
	/* known and immutable: spare the open */
	if (masters_by_ino(&s->run->masters, e->stx->stx_ino))
		return SKIP_SHARED;
	r = store_is_master(p, e->dirfd, e->name, e->stx, NULL);
	if (r < 0)
		return reason_of_errno(r);
	return r ? SKIP_SHARED : SKIP_HARDLINKED;
}

/* RULE_NONE: as the directory it is in. */
static int ask_rules(struct scan *s, const struct walk_entry *e,
		     enum rule_verdict *ret)
{
	const struct rules *rules = &s->run->policy.rules;
	int r;

	*ret = RULE_NONE;
	if (!rules->count)
		return 0;
	strbuf_setlen(&s->path, 0);
	r = strbuf_addstr(&s->path, "/");
	if (!r)
		r = strbuf_addstr(&s->path, e->path);
	if (!r)
		*ret = rules_match(rules, strbuf_str(&s->path));
	return r;
}

static int on_enter(const struct walk_entry *e, void *ctx)
{
	struct scan *s = ctx;
	enum rule_verdict verdict;
	int r = ask_rules(s, e, &verdict);

	if (r)
		return r;
	if (verdict == RULE_IGNORE) {
		explain_see(s->run, s->tree, e, SKIP_EXCLUDED);
		return WALK_SKIP;
	}
	if (verdict == RULE_NONE)
		verdict = e->depth ? s->verdicts[e->depth - 1] : RULE_TAKE;
	s->verdicts[e->depth] = verdict;
	return 0;
}

/* What the operator wants left alone. */
static int judge_policy(struct scan *s, const struct walk_entry *e,
			enum skip_reason *ret)
{
	const struct policy *p = &s->run->policy;
	enum rule_verdict verdict;
	int r = 0;

	*ret = SKIP_NONE;
	if (e->stx->stx_size < p->min_size_bytes) {
		*ret = SKIP_SMALL;
	} else if (e->stx->stx_size > p->max_size_bytes) {
		*ret = SKIP_LARGE;
	} else if (s->conffiles.size &&
		   set_has(&s->conffiles,
			   hash_bytes(e->path, strlen(e->path)))) {
		*ret = SKIP_CONFFILE;
	} else {
		r = ask_rules(s, e, &verdict);
		if (verdict == RULE_NONE)
			verdict = s->verdicts[e->depth - 1];
		if (verdict != RULE_TAKE)
			*ret = SKIP_EXCLUDED;
	}
	return r;
}

void scan_show_progress(const struct scan *s)
{
	const struct tree *t = &s->run->trees[s->tree];

	progress_show("scanning %s '%s' (%zu of %zu), %" PRIu64 " files",
		      tree_kind_name(t->row.kind), t->row.name, s->tree + 1,
		      s->run->tree_count, t->files);
}

static int on_file(const struct walk_entry *e, void *ctx)
{
	struct scan *s = ctx;
	enum skip_reason reason;
	int r;

	if (!S_ISREG(e->stx->stx_mode))
		return 0;
	s->run->trees[s->tree].files++;
	if (e->stx->stx_nlink > 1) {
		reason = scan_judge_linked(s, e);
	} else {
		r = judge_policy(s, e, &reason);
		if (r < 0)
			return r;
		if (reason == SKIP_NONE)
			reason = judge_single(e);
	}
	if (progress_due())
		scan_show_progress(s);
	if (reason == SKIP_NONE) {
		r = run_add_file(s->run, s->tree, e);
		if (!r)
			r = churn_see(s->run, s->tree, e,
				      s->run->file_count - 1);
		if (!r)
			explain_see(s->run, s->tree, e, reason);
		return r;
	}
	explain_see(s->run, s->tree, e, reason);
	s->run->outcome[reason]++;
	if (reason == SKIP_SHARED) {
		/* became a master where it was: the directory does not know */
		if (s->copies[e->depth - 1])
			memo_forget(&s->memo, s->copies[e->depth - 1]);
		return run_hold(s->run, e->stx->stx_ino, s->tree);
	}
	return churn_see(s->run, s->tree, e, SIZE_MAX);
}

/* A name the walk could not look at counts as a file, with its reason: outcomes add
 * up to the files of the run, whatever a guest does. */
static int on_error(const struct walk_entry *e, int code, void *ctx)
{
	struct scan *s = ctx;
	enum skip_reason reason = SKIP_UNREADABLE;

	if (code == -ENOMEM)
		return code;
	if (e->fd >= 0)
		memo_spoil(&s->memo); /* its names could not be read */
	if (code == -EXDEV)
		reason = SKIP_OTHER_FS;
	else if (code == -EMFILE || (code == -ELOOP && e->depth > WALK_DEPTH_MAX))
		reason = SKIP_TOO_DEEP;
	else if (code == -ELOOP || code == -ENOTDIR || code == -ENOENT)
		reason = SKIP_CHANGED;	/* a directory no longer */
	explain_see(s->run, s->tree, e, reason);
	s->run->trees[s->tree].files++;
	s->run->outcome[reason]++;
	if (reason == SKIP_UNREADABLE)
		log_warning("cannot read '%s' in %s '%s': %s, skipping it",
			    e->path,
			    tree_kind_name(s->run->trees[s->tree].row.kind),
			    s->run->trees[s->tree].row.name, strerror(-code));
	return 0;
}

static int open_scan(struct run *run, struct tree *t, int *ret_lock,
		     int *ret_root, struct err *err)
{
	struct tree_row now;
	int r;

	*ret_lock = pool_lock_name(run->pool, t->row.kind, t->row.name, false,
				   NULL);
	if (*ret_lock < 0)
		return *ret_lock;
	r = pool_open_tree(run->pool, t->row.kind, t->row.name, &now, ret_root,
			   err);
	if (!r && strcmp(now.uuid, t->row.uuid))
		r = -ENOENT;
	return r;
}

/* 0 when the tree is left out, for what @code says and @err, and the run goes on. */
static int leave_out(struct tree *t, int code, struct err *err)
{
	const char *kind = tree_kind_name(t->row.kind);

	if (code == -EBUSY) {
		t->status = TREE_LOCKED;
		log_notice("%s '%s' is in use by another command, skipping it",
			   kind, t->row.name);
	} else if (code == -ENOENT) {
		t->status = TREE_GONE;
		log_notice("%s '%s' was destroyed meanwhile", kind,
			   t->row.name);
	} else if (errno_is_damage(code)) {
		t->status = TREE_BROKEN;
		log_warning("%s, skipping it", err->msg);
	} else {
		return code;
	}
	err_clear(err);
	return 0;
}

static int add_conffile(const char *path, size_t len, void *ctx)
{
	return set_add(ctx, hash_bytes(path, len));
}

/* What is in the tree may be hostile; a database that cannot be read costs its
 * guest the run and nobody else. 1: left out. */
static int ask_packages(struct scan *s, int root)
{
	struct tree *t = &s->run->trees[s->tree];
	const char *kind = tree_kind_name(t->row.kind);
	const char *manager = packages_busy(root);
	int r = 0;

	if (manager) {
		t->status = TREE_PACKAGES;
		log_notice("%s is at work in %s '%s', skipping it", manager,
			   kind, t->row.name);
		return 1;
	}
	if (s->run->policy.skip_conffiles)
		r = conffiles_read(root, add_conffile, &s->conffiles);
	if (!r || r == -ENOMEM)
		return r;
	t->status = TREE_DATABASE;
	log_warning("cannot read which files of %s '%s' are configuration: %s, "
		    "skipping it",
		    kind, t->row.name, strerror(-r));
	return 1;
}

static int walk(struct scan *s, int root)
{
	static const struct walk_ops all = { .enter = on_enter,
					     .file = on_file,
					     .error = on_error };
	static const struct walk_ops new = { .enter = on_enter,
					     .file = on_file,
					     .error = on_error,
					     .pass = scan_pass,
					     .recall = scan_recall,
					     .name = scan_name };
	int r = ask_packages(s, root);

	if (!r)
		r = churn_begin(s->run, s->tree);
	if (!r && run_looks_at_all(s->run)) {
		r = walk_tree(root, &all, s, s->err);
	} else if (!r) {
		r = scan_memo_begin(s);
		if (!r)
			r = walk_tree(root, &new, s, s->err);
		r = scan_memo_end(s, r);
	}
	strbuf_release(&s->path);
	set_release(&s->conffiles);
	return r < 0 ? r : 0;
}

int scan_tree(struct run *part, size_t tree, struct err *err)
{
	struct scan s = { .run = part, .tree = tree, .err = err };
	struct tree *t = &part->trees[tree];
	const char *kind = tree_kind_name(t->row.kind);
	_cleanup_close_ int lock = -1;
	_cleanup_close_ int root = -1;
	int r;

	log_info("scanning %s '%s'", kind, t->row.name);
	r = open_scan(part, t, &lock, &root, err);
	/* what cannot be read below the root is counted, and no error */
	if (!r)
		r = walk(&s, root);
	if (r < 0 && !err->code)
		err_errno(err, r, "cannot open %s '%s'", kind, t->row.name);
	return r < 0 ? leave_out(t, r, err) : 0;
}
