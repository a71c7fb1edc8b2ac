-- SPDX-License-Identifier: GPL-2.0-only

-- Cache. What the last run of vhashify saw of a tree, so that the next one need not
-- look again; vhashify/memo.h tells the format. A row that is lost, old or damaged
-- costs that run time and nothing else.
CREATE TABLE scan (
	tree_id INTEGER PRIMARY KEY REFERENCES tree (id) ON DELETE CASCADE,
	dirs BLOB NOT NULL,
	digests BLOB NOT NULL
) STRICT;
