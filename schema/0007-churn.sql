-- SPDX-License-Identifier: GPL-2.0-only
--
-- What vhashify shares and is private again a day later.

-- Cache. Names of a tree that the last runs made links, so that the next one sees which
-- of them are private again; vhashify/churn.c tells the format and the bounds.
CREATE TABLE watch (
	tree_id INTEGER PRIMARY KEY REFERENCES tree (id) ON DELETE CASCADE,
	names BLOB NOT NULL
) STRICT;

-- Diary. How many of them a run found private again below a directory, how many of these
-- it shared again, and their size. Kept of the last 30 runs.
CREATE TABLE churn (
	run_id INTEGER NOT NULL REFERENCES run (id) ON DELETE CASCADE,
	tree_id INTEGER NOT NULL REFERENCES tree (id) ON DELETE CASCADE,
	-- Of any bytes: "/", "/var/log".
	prefix BLOB NOT NULL,
	files INTEGER NOT NULL CHECK (files > 0),
	again_files INTEGER NOT NULL CHECK (again_files BETWEEN 0 AND files),
	bytes INTEGER NOT NULL CHECK (bytes >= 0),
	PRIMARY KEY (run_id, tree_id, prefix)
) STRICT, WITHOUT ROWID;

CREATE INDEX churn_by_tree ON churn (tree_id);
