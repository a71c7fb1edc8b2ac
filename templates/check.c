// SPDX-License-Identifier: GPL-2.0-only
#include "check.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "cleanup.h"

static const struct problem_kind kinds[PROBLEM_COUNT] = {
	[PROBLEM_CATALOG_DAMAGED] = {
		"catalog-damaged", SEVERITY_ERROR,
		"the catalog is damaged; run `vtemplate check --rebuild`",
		NULL },
	[PROBLEM_ROW_HALF_MADE] = {
		"row-half-made", SEVERITY_WARNING,
		"was interrupted while it was made or destroyed",
		"finish it, or remove what there is of it" },
	[PROBLEM_ROW_WITHOUT_TREE] = {
		"row-without-tree", SEVERITY_ERROR,
		"is in the catalog, but its files are gone",
		"forget it" },
	[PROBLEM_TREE_WITHOUT_ROW] = {
		"tree-without-row", SEVERITY_ERROR,
		"has its files, but is not in the catalog",
		"add it to the catalog again" },
	[PROBLEM_TREE_UNKNOWN] = {
		"tree-unknown", SEVERITY_ERROR,
		"was not made by cowlink; move it out of the pool",
		NULL },
	[PROBLEM_TREE_IDENTITY] = {
		"tree-identity", SEVERITY_ERROR,
		"does not carry the identity that the catalog has for it",
		"write it again as the catalog has it" },
	[PROBLEM_STAGING_LEFTOVER] = {
		"staging-leftover", SEVERITY_WARNING,
		"was left by an interrupted command",
		"remove it" },
	[PROBLEM_KEPT_FILE] = {
		"kept-file", SEVERITY_INFO,
		"was kept because it may hold data; look at it, then remove it",
		NULL },
	[PROBLEM_STAGING_FOREIGN] = {
		"staging-foreign", SEVERITY_INFO,
		"was not put there by cowlink; move it out of the pool",
		NULL },
	[PROBLEM_OBJECT_WITHOUT_FILE] = {
		"object-without-file", SEVERITY_WARNING,
		"is in the catalog, but not in the store",
		"forget it" },
	[PROBLEM_FILE_WITHOUT_OBJECT] = {
		"file-without-object", SEVERITY_WARNING,
		"is in the store, but not in the catalog",
		"add it to the catalog" },
	[PROBLEM_OBJECT_DIFFERS] = {
		"object-differs", SEVERITY_WARNING,
		"has another inode or size than the catalog says",
		"correct the catalog" },
	[PROBLEM_MASTER_UNPROTECTED] = {
		"master-unprotected", SEVERITY_ERROR,
		"is whole, but lacks the flags that protect it",
		"set them" },
	[PROBLEM_MASTER_CHANGED] = {
		"master-changed", SEVERITY_ERROR,
		"is no longer what its name says; run `vtemplate check --scrub`",
		NULL },
	[PROBLEM_STORE_FOREIGN] = {
		"store-foreign", SEVERITY_WARNING,
		"is in the store, but was not put there by cowlink",
		"move it to staging/kept-*" },
	[PROBLEM_SHARDS_OPEN] = {
		"shards-open", SEVERITY_WARNING,
		"have lost the flag that protects their names",
		"set it" },
	[PROBLEM_ORPHANS] = {
		"orphans", SEVERITY_INFO,
		"are used by no tree; `vtemplate gc` removes them",
		NULL },
	[PROBLEM_MASTER_DAMAGED] = {
		"master-damaged", SEVERITY_ERROR,
		"is damaged and could not be put in quarantine",
		NULL },
	[PROBLEM_QUARANTINED] = {
		"quarantined", SEVERITY_ERROR,
		"is damaged, and trees still share it",
		NULL },
	[PROBLEM_QUARANTINED_UNUSED] = {
		"quarantined-unused", SEVERITY_INFO,
		"is damaged and used by no tree; `vtemplate gc` removes it",
		NULL },
};

const struct problem_kind *problem_kind(enum problem_code code)
{
	return &kinds[code];
}

const char *severity_name(enum severity s)
{
	static const char *const names[] = { "info", "warning", "error" };

	return names[s];
}

int problems_add(struct problems *ps, enum problem_code code,
		 const struct problem_target *target, const char *fmt, ...)
{
	struct problem *pr;
	va_list ap;
	int n;

	if (array_room(&ps->list, ps->count, &ps->alloc))
		return -ENOMEM;
	pr = &ps->list[ps->count];
	*pr = (struct problem){ .code = code };
	if (target)
		pr->target = *target;
	va_start(ap, fmt);
	n = vasprintf(&pr->subject, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -ENOMEM;
	ps->count++;
	return 0;
}

static void release_names(struct problem *pr)
{
	size_t i;

	for (i = 0; i < pr->name_count; i++) {
		free(pr->names[i].tree);
		free(pr->names[i].path);
	}
	free(pr->names);
}

void problems_release(struct problems *ps)
{
	size_t i;

	for (i = 0; i < ps->count; i++) {
		free(ps->list[i].subject);
		release_names(&ps->list[i]);
	}
	free(ps->list);
	*ps = (struct problems){ 0 };
}

struct problem *problems_find(const struct problems *ps,
			      const struct problem *like)
{
	size_t i;

	for (i = 0; i < ps->count; i++)
		if (ps->list[i].code == like->code &&
		    !strcmp(ps->list[i].subject, like->subject))
			return &ps->list[i];
	return NULL;
}

int check_scan(struct pool *p, struct problems *ret, struct err *err)
{
	struct err why = { 0 };
	int r = catalog_verify(p->catalog, &why);

	if (r == -EUCLEAN)
		return problems_add(ret, PROBLEM_CATALOG_DAMAGED, NULL, "%s",
				    why.msg);
	if (r < 0) {
		if (err)
			*err = why;
		return r;
	}
	r = check_trees(p, ret, err);
	if (!r)
		r = check_staging(p, ret, err);
	if (!r)
		r = check_store(p, ret, err);
	if (!r)
		r = check_quarantine(p, ret, err);
	return r;
}
