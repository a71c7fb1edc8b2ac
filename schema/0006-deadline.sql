-- SPDX-License-Identifier: GPL-2.0-only
--
-- A run that came to its deadline before its end.

-- Files and trees it did not come to; a run that an error ended has such files too.
ALTER TABLE run ADD COLUMN unreached_files INTEGER NOT NULL DEFAULT 0
	CHECK (unreached_files >= 0);
ALTER TABLE run ADD COLUMN unreached_trees INTEGER NOT NULL DEFAULT 0
	CHECK (unreached_trees >= 0);

-- Diary. The next run begins with this guest, or with the one after it; one row or none.
CREATE TABLE resume (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	guest TEXT NOT NULL CHECK (length(guest) BETWEEN 1 AND 64)
) STRICT;
