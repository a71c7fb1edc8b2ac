/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * vhashify: find equal files in guests and templates, share them.
 *
 * The phases, one file each, in this order; all work on one struct run:
 *
 *	policy.c	what shall be shared at all
 *	trees.c		which trees
 *	scan-trees.c	walk them, several at once
 *	scan.c		... one of them: a candidate or a count for each file
 *	packages.c	... but not while a package manager is at work in it
 *	files.c		the candidates: a struct file for each
 *	scan-memo.c	what of that need not be looked at; memo.c: its format
 *	candidates.c	who could be equal to somebody: only those are read
 *	guess.c		whom need not be read: what lies at one path is mostly one file
 *	digest.c	read: the key of each of the others
 *	remember.c	what the last run read, what the next one need not
 *	mtimes.c	--ignore-mtime: keys as if times were equal
 *	groups.c	those of one key
 *	plan.c		... and what of them shall be shared under the rules
 *	share.c		engines that link: masters, one sync, ...
 *	exchange.c	... exchange of names
 *	foresee.c	--dry-run of the same: how many masters it would make
 *	extents.c	engine `reflink`: the same two phases for extents
 *	report.c	what was done, or with --dry-run would be
 *	explain.c	what would become of one file, and why
 *	deadline.c	what is left when the deadline comes
 *	undo.c		private copies again
 *	churn.c		what an earlier run shared and is private again
 *	history.c	what became of earlier runs
 *
 * What several of them use:
 *
 *	run.c		struct run as a whole, and who has a name of which master
 *	masters.c	masters that are there
 *	opener.c	opening candidates again
 *	set.c		sets of numbers
 *	threads.c	work by several threads at once
 *
 * A candidate's `reason` is SKIP_NONE as long as it is in the game; whatever phase
 * takes it out says why. In the end SKIP_NONE means shared. So every regular file
 * of every tree scanned has exactly one outcome, and --dry-run is the same code
 * without the last step.
 *
 * Memory: at most 150 bytes for each candidate (a private file), its name with them,
 * and nearly as much for a directory above it, however deep; nothing for a name that is
 * shared in a tree that has not changed, 60 bytes for each master (t2021).
 *
 * scan-trees.c, digest.c, share.c and exchange.c have several threads.
 */
#ifndef VHASHIFY_H
#define VHASHIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>

#include "catalog.h"
#include "cmd.h"
#include "err.h"
#include "hash.h"
#include "policy.h"
#include "pool.h"
#include "set.h"
#include "store.h"
#include "unify.h"
#include "walk.h"

/* --- masters that are there (masters.c) --- */

struct masters {
	struct object_row *rows;	/* by key, then replica */
	size_t count;
	size_t alloc;
	uint32_t *by_ino;		/* indexes of rows */
	struct set known;		/* their inode numbers */
};

int masters_load(struct masters *m, struct catalog *c, struct err *err);
const struct object_row *masters_by_ino(const struct masters *m, uint64_t ino);
/* The first of *@ret_count rows with @key; NULL when there is none. */
const struct object_row *masters_by_key(const struct masters *m,
					const struct digest *key,
					size_t *ret_count);
void masters_release(struct masters *m);

/* --- times of masters, for --ignore-mtime (mtimes.c) --- */

struct master_mtime {
	uint64_t meta;		/* file_meta() */
	int64_t sec;
	uint32_t nsec;
};

/* Zero is a valid empty list. */
struct mtimes {
	struct master_mtime *list;
	size_t count;
	size_t alloc;
};

/* --- trees and candidates --- */

struct churn_name;

enum tree_status {
	TREE_SCANNED,
	TREE_LOCKED,		/* another command has it */
	TREE_PACKAGES,		/* a package manager is at work in it */
	TREE_GONE,		/* destroyed since we made the list */
	TREE_BROKEN,		/* its directory is missing or cannot be read */
	TREE_DATABASE,		/* its list of conffiles cannot be read */
	TREE_NOT_REACHED,	/* the deadline came before */
};

struct tree {
	struct tree_row row;
	enum tree_status status;
	uint64_t files;		/* regular files seen */

	/* memo.h: what the scan saw; the bytes only where they are new */
	void *seen;
	size_t seen_size;
	uint64_t seen_check;
	bool seen_changed;
	size_t digests_size;	/* what is remembered of its files ... */
	uint64_t digests_check;	/* ... is these bytes */

	struct churn_name *watched;	/* churn.h */
	size_t watched_count;

	int lock;		/* opener.h: while there are ... */
	unsigned int lockers;
};

/* A directory that candidates lie in or below; there is one for each. Not its whole path: a
 * guest can make that as long as it is deep, for each of them. */
struct file_dir {
	const char *name;	/* in its parent; "" for the root; owned by the run */
	uint64_t path;		/* a digest of its path */
	uint32_t parent;	/* index in run.dirs; its own for the root */
	uint32_t tree;		/* index in run.trees */
	uint32_t dev_major, dev_minor;
};

/* A candidate. There may be tens of millions: each byte here counts. */
struct file {
	const char *name;	/* in its directory; owned by the run */
	uint64_t ino;
	uint64_t size_bytes;
	int64_t mtime_sec, ctime_sec;
	uint32_t mtime_nsec, ctime_nsec;
	struct digest key;	/* of content and metadata; reflink: of content */
	uint32_t uid, gid;
	uint32_t dir;		/* index in run.dirs */
	uint16_t mode;
	uint8_t reason;		/* enum skip_reason */
	bool keyed : 1;		/* key is valid */
	bool located : 1;	/* run.places has where it is */
	bool tried : 1;		/* the share phase came to it */
	bool guessed : 1;	/* key is that of others at its path (guess.c) */
};

/* Members of one key, as indexes of run.files in run.order, ascending. */
struct group {
	uint32_t first;
	uint32_t count;
};

/* A name that an earlier run shared, found private again (churn.c). */
struct broken {
	const char *path;	/* as much as is counted by; owned by the run */
	uint32_t tree;
	size_t prefix_len;	/* of its path, that are counted together */
	uint64_t size_bytes;
	size_t file;		/* the candidate, or SIZE_MAX */
};

struct path_block;
struct json_object;
struct strbuf;

/* --explain; path NULL: not asked for. */
struct explain {
	const char *path;	/* in run.trees[tree] */
	size_t tree;
	bool seen;
	enum skip_reason reason;
	size_t file;		/* the candidate, or SIZE_MAX */
	uint32_t names;		/* links; 0: it was not looked at itself */
};

#define JOBS_MAX 64

struct run {
	struct pool *pool;
	struct policy policy;
	bool dry_run;
	bool links;		/* the engine shares inodes, not extents */
	bool no_cache;		/* do not use what an earlier run remembered */
	int64_t begun_ns;	/* CLOCK_REALTIME */
	unsigned int jobs;	/* threads, up to JOBS_MAX */

	struct tree *trees;
	size_t tree_count;
	bool all_trees;		/* no guest was named */

	struct file *files;
	size_t file_count;
	size_t file_alloc;
	struct digest *places;	/* file_place() */
	struct file_dir *dirs;
	size_t dir_count, dir_alloc;
	uint32_t *dirs_above;	/* by depth, of the last candidate */
	struct path_block *paths;

	struct masters masters;
	struct set confirmed;	/* masters that were seen to be some, by inode */
	struct mtimes mtimes;
	struct set holders;	/* run_hold() */

	uint32_t *order;
	struct group *groups;	/* what the plan wants shared */
	size_t group_count;

	/* outcomes of files that never became candidates */
	uint64_t outcome[SKIP_REASON_COUNT];
	uint64_t hashed_files, hashed_bytes;
	uint64_t dirs_read, dirs_remembered;
	uint64_t new_masters, new_bytes;

	struct explain explain;

	struct broken *broken;
	size_t broken_count, broken_alloc;

	bool cut;		/* the deadline came before the end */
	size_t cut_file;	/* the first candidate that was not read then */
};

/* --- candidates (files.c) --- */

/* Remember the entry as one. 0 or -errno. */
int run_add_file(struct run *run, size_t tree, const struct walk_entry *e);
/* Those of @from come after those of @to; @from has none then. What they are called stays
 * with @from: files_move_paths(). 0 or -errno. */
int files_move(struct run *to, struct run *from);
void files_move_paths(struct run *to, struct run *from);

static inline const struct file_dir *file_dir(const struct run *run,
					      const struct file *f)
{
	return &run->dirs[f->dir];
}

/* Its index in run.trees. */
static inline size_t file_tree(const struct run *run, const struct file *f)
{
	return file_dir(run, f)->tree;
}

/* The path of a directory, relative to the rootfs, with a slash at its end, or "" for the
 * root. malloc'ed; NULL when memory is out. */
char *dir_path(const struct run *run, uint32_t dir);
/* Set @ret to the path of a candidate, relative to the rootfs. 0 or -ENOMEM. */
int file_path(const struct run *run, const struct file *f, struct strbuf *ret);
/* The same for messages: at least its name, if memory is out. @buf is the caller's. */
const char *file_text(const struct run *run, const struct file *f,
		      struct strbuf *buf);
/* "'PATH' in guest 'NAME'", likewise. */
const char *file_title(const struct run *run, const struct file *f,
		       struct strbuf *buf);

/* The status of the candidate as it was seen, for statx_unchanged(). */
void file_statx(const struct run *run, const struct file *f, struct statx *ret);

/* Where its bytes are (extents.c), or its key without a time (mtimes.c). There is room
 * for that once run_add_places() was called, when all are known; 0 or -ENOMEM. */
int run_add_places(struct run *run);
static inline struct digest *file_place(const struct run *run,
					const struct file *f)
{
	return &run->places[f - run->files];
}
/* The first @count of run.order by that, then by index. */
void sort_by_place(struct run *run, size_t count);

/* A digest of its size and metadata, without xattrs; --ignore-mtime: also without the
 * time (candidates.c). */
uint64_t file_meta(const struct run *run, const struct file *f);

/* Is it in the game, and not shared yet? */
static inline bool file_is_undecided(const struct file *f)
{
	return f->reason == SKIP_NONE && !f->tried;
}

/* Take a candidate out of the game. */
static inline void file_skip(struct file *f, enum skip_reason reason)
{
	f->reason = reason;
}

/* Member @i of a group. */
static inline struct file *file_of(const struct run *run, const struct group *g,
				   size_t i)
{
	return &run->files[run->order[g->first + i]];
}

/* A copy of @len bytes and a NUL that lives as long as @run; NULL when memory is out. */
const char *run_keep(struct run *run, const char *bytes, size_t len);

void files_release(struct run *run);

/* Remember nothing and look at everything: what is asked for needs each name. */
static inline bool run_looks_at_all(const struct run *run)
{
	return !run->links || run->explain.path;
}

/* Has the deadline come? Then there is something left that it cut off: ask only where
 * there is more to do. Any thread may. */
bool run_is_over(struct run *run);
/* It has: what is still in the game is not reached, and what an earlier run has read
 * stays known. */
void run_leave_rest(struct run *run);
/* Keep the guest that the next run begins with; 0 or -errno. */
int run_keep_place(const struct run *run, struct err *err);

/* Which tree has a name of which master already, by the master's inode. */
int run_hold(struct run *run, uint64_t ino, size_t tree); /* 0 or -ENOMEM */
bool run_holds(const struct run *run, uint64_t ino, size_t tree);

/* Call @work by @count threads at once, this one among them (threads.c). Returns when all
 * have ended. */
void run_threads(size_t count, void *(*work)(void *ctx), void *ctx);

/* How many are worth it for @work, of which a thread does @each in the time that it takes to
 * start one: no more than run->jobs. */
static inline size_t run_jobs(const struct run *run, size_t work, size_t each)
{
	size_t most = 1 + work / each;

	return most < run->jobs ? most : run->jobs;
}

void run_release(struct run *run);

/* NAME[/PATH] in a guest, or an absolute path to a tree's rootfs or below it. */
struct tree_target {
	enum tree_kind kind;
	char name[TREE_NAME_MAX + 1];
	const char *path;	/* in the text that was parsed; "" is the root */
};

int tree_target_parse(const struct pool *p, const char *text,
		      struct tree_target *ret, struct err *err);

/* --- phases; 0 or -errno with @err; reading cannot fail as a whole --- */

int trees_select(struct run *run, char **names, int count, struct err *err);
/* Add one that is READY; *@ret_index is its place in run.trees. */
int trees_add(struct run *run, const struct tree_row *row, size_t *ret_index,
	      struct err *err);
int scan_trees(struct run *run, struct err *err);
int choose_candidates(struct run *run, struct err *err);
void digest_candidates(struct run *run);
int remember_holders(struct run *run, struct err *err);
int plan_links(struct run *run, struct err *err); /* may read some more */
int share_links(struct run *run, struct err *err);
int foresee_links(struct run *run, struct err *err);
void digest_extents(struct run *run);
int plan_extents(struct run *run, struct err *err);
int share_extents(struct run *run, struct err *err);

/* Sort files that are in the game by key into run.order; groups of at least
 * @min members go to run.groups, members of smaller ones become `unique`. */
int group_by_key(struct run *run, size_t min, struct err *err);

/* Forget the members of @g that are out of the game; the number left. */
size_t group_compact(struct run *run, struct group *g);

/* Read one candidate; see digest.c. */
struct opener;
void digest_file(struct run *run, struct opener *o, struct file *f);

/* --- who need not be read (guess.c) --- */

/* These are alike in size and metadata; changes their order. */
void guess_alike(struct run *run, uint32_t *alike, size_t count);
/* After the others were read: true when some of whom it was hoped must be, too. */
bool guess_settle(struct run *run);
/* @f, which is guessed, shall become a master: read it. Else SKIP_DIFFERENT, or why it
 * could not be read. */
bool guess_holds(struct run *run, struct opener *o, struct file *f);
/* After the share phase: true when somebody turned out different. Then these are in the
 * game again. There are no guesses any more. */
bool guess_revise(struct run *run);
/* All that could be equal to them are in the game again, too. */
void guess_recall_lonely(struct run *run);

/* Give the candidates the keys that the last run found, where they have not changed
 * since; they are of one tree. @bytes may be NULL, or damaged. */
void remember_digests(struct run *run, const void *bytes, size_t size);

/* Leave to the next run what this one has seen. It is a cache: failure is none. */
void remember_run(struct run *run);

/* --- --ignore-mtime (mtimes.c); all do nothing without it --- */

/* While candidates are chosen: a master with @meta; then once, when all are known. */
int mtimes_note(struct run *run, uint64_t meta, const struct statx *master);
void mtimes_sort(struct run *run);
/* Give @f, which was read, the key of a master that differs in nothing else. Changes
 * nothing but @f: any number of threads may. */
int mtimes_adopt(const struct run *run, const struct iattr *attr,
		 const struct digest *content, struct file *f);
/* After all were read: those without a master get the first one's key. */
void mtimes_settle(struct run *run);
/* store_adopt() for @f, open as @fd. May change the time in @attr, and copies then; that
 * @f did not change meanwhile is seen when its name is replaced. */
int mtimes_intern(struct run *run, const struct file *f, int fd,
		  struct iattr *attr, const struct store_avoid *avoid,
		  struct master *ret, struct err *err);
void mtimes_release(struct mtimes *m);

/* --- package managers (packages.c) --- */

/* Is one at work in this tree? Its name ("dpkg"), or NULL. */
const char *packages_busy(int rootfs_fd);

/* --- one file (explain.c) --- */

/* @text: GUEST/PATH, or an absolute path below the pool; the trees are selected. */
int explain_begin(struct run *run, const char *text, struct err *err);
/* What the scan decides about an entry of @tree; SKIP_NONE: it was added as the last
 * candidate. */
void explain_see(struct run *run, size_t tree, const struct walk_entry *e,
		 enum skip_reason reason);
int explain_report(const struct run *run, bool json, struct err *err);

/* --- output (report.c) --- */

struct totals {
	uint64_t trees, files;
	uint64_t unreached_trees, broken_trees;
	bool cut;		/* then what was not reached is no failure */
	uint64_t outcome[SKIP_REASON_COUNT];
	uint64_t shared_bytes;
	int64_t saved_bytes;
	uint64_t failed;
};

bool totals_is_failure(const struct totals *t, enum skip_reason reason);
void totals_count(const struct run *run, struct totals *ret);
/* "KIND NAME/PATH" and a newline; a directory of kilobytes is cut. */
void report_print_file(const struct run *run, const struct file *f);
void report_skips(const struct totals *t);
int report_json_skips(struct json_object *doc, const struct totals *t);
int report_json_failures(struct json_object *doc, const struct run *run,
			 const struct totals *t);
/* json_finish() with @error, which may be NULL. */
int report_json_end(struct json_object *doc, const struct err *error, int r,
		    struct err *err);
void report_text(const struct run *run, const struct totals *t);
/* @error: what ended the run early, or NULL. */
int report_json(const struct run *run, const struct totals *t,
		const struct err *error, struct err *err);

#endif
