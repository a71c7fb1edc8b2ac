-- SPDX-License-Identifier: GPL-2.0-only

-- A diary: what each run of vhashify came to. Nothing is decided by it.
CREATE TABLE run (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	begun_ns INTEGER NOT NULL,
	ended_ns INTEGER NOT NULL,
	-- The exit status.
	status INTEGER NOT NULL CHECK (status BETWEEN 0 AND 255),
	trees INTEGER NOT NULL CHECK (trees >= 0),
	files INTEGER NOT NULL CHECK (files >= 0),
	hashed_files INTEGER NOT NULL CHECK (hashed_files >= 0),
	hashed_bytes INTEGER NOT NULL CHECK (hashed_bytes >= 0),
	shared_files INTEGER NOT NULL CHECK (shared_files >= 0),
	shared_bytes INTEGER NOT NULL CHECK (shared_bytes >= 0),
	new_masters INTEGER NOT NULL CHECK (new_masters >= 0),
	new_bytes INTEGER NOT NULL CHECK (new_bytes >= 0),
	failed_files INTEGER NOT NULL CHECK (failed_files >= 0)
) STRICT;
