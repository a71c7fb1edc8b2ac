// SPDX-License-Identifier: GPL-2.0-only
/* What shall be shared at all: options, then the configuration file. */
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cleanup.h"
#include "clock.h"
#include "config-file.h"
#include "deadline.h"
#include "options.h"

static int add_rule(struct policy *p, const char *key, const char *value,
		    struct err *err)
{
	if (!strcmp(key, "rules"))
		return rules_add_file(&p->rules, value, err);
	return rules_add(&p->rules,
			 strcmp(key, "include") ? RULE_LEAVE : RULE_TAKE, value,
			 err);
}

static int take_number(const struct config_line *line, uint64_t *to,
		       struct err *err)
{
	uint64_t n;

	if (parse_number(line->value, &n) < 0)
		return err_usage(err, "%s:%u: '%s' is not a number", line->file,
				 line->number, line->value);
	if (!*to) /* not given on the command line */
		*to = n;
	return 0;
}

static int take_flag(const struct config_line *line, bool *to, struct err *err)
{
	bool yes;
	int r = config_bool(line, &yes, err);

	if (!r)
		*to |= yes;
	return r;
}

/* Not given on the command line: that counts, also when it is none. */
static int take_deadline(const struct config_line *line, struct policy *p,
			 struct err *err)
{
	int64_t left_ns;
	int r = deadline_parse(line->value, realtime_ns(), &left_ns, err);

	if (r < 0)
		return err_prefix(err, r, "%s:%u", line->file, line->number);
	if (p->deadline_ns == DEADLINE_NONE)
		p->deadline_ns = left_ns;
	return 0;
}

static int take_line(const struct config_line *line, void *ctx, struct err *err)
{
	struct policy *p = ctx;
	int r;

	if (!strcmp(line->key, "min-size"))
		return take_number(line, &p->min_size_bytes, err);
	if (!strcmp(line->key, "max-size"))
		return take_number(line, &p->max_size_bytes, err);
	if (!strcmp(line->key, "within-guest"))
		return take_flag(line, &p->within_guest, err);
	if (!strcmp(line->key, "skip-conffiles"))
		return take_flag(line, &p->skip_conffiles, err);
	if (!strcmp(line->key, "ignore-mtime"))
		return take_flag(line, &p->ignore_mtime, err);
	if (!strcmp(line->key, "deadline"))
		return take_deadline(line, p, err);
	if (strcmp(line->key, "include") && strcmp(line->key, "exclude") &&
	    strcmp(line->key, "rules"))
		return config_unknown(line, err);
	r = add_rule(p, line->key, line->value, err);
	return r < 0 ? err_prefix(err, r, "%s:%u", line->file, line->number) : 0;
}

/* A file that is named must be there. */
static int read_config(struct policy *p, const char *file, struct err *err)
{
	bool named = file != NULL;
	int r;

	if (!file)
		file = secure_getenv("COWLINK_VHASHIFY_CONFIG");
	r = config_file_each(file ? file : VHASHIFY_CONFIG, take_line, p, err);
	if (r == -ENOENT && named && !err->code)
		return err_errno(err, r, "cannot read '%s'", file);
	return r == -ENOENT && !err->code ? 0 : r;
}

int policy_load(struct policy *ret, const struct options *o, struct err *err)
{
	struct policy p = { .min_size_bytes = o->min_size_bytes,
			    .max_size_bytes = o->max_size_bytes,
			    .within_guest = o->within_guest,
			    .skip_conffiles = o->skip_conffiles,
			    .ignore_mtime = o->ignore_mtime,
			    .deadline_ns = DEADLINE_NONE };
	size_t i;
	int r = 0;

	for (i = 0; !r && i < o->rules.count; i++)
		r = add_rule(&p, o->rules.items[i].option,
			     o->rules.items[i].value, err);
	if (!r && o->deadline)
		r = deadline_parse(o->deadline, realtime_ns(), &p.deadline_ns,
				   err);
	if (!r)
		r = read_config(&p, o->config, err);
	if (!r && p.max_size_bytes && p.max_size_bytes < p.min_size_bytes)
		r = err_usage(err, "the maximum size is below the minimum size");
	if (r < 0) {
		policy_release(&p);
		return r;
	}
	/* empty files stay: there is nothing to share */
	p.min_size_bytes = p.min_size_bytes ?: 1;
	p.max_size_bytes = p.max_size_bytes ?: UINT64_MAX;
	*ret = p;
	return 0;
}

void policy_release(struct policy *p)
{
	rules_release(&p->rules);
}
