-- SPDX-License-Identifier: GPL-2.0-only
--
-- What `vtemplate check --scrub` found, and how far it is.

-- Diary. Which masters are in quarantine is what lies in quarantine/; this tells why
-- and since when.
CREATE TABLE quarantine (
	name TEXT PRIMARY KEY,
	found_ns INTEGER NOT NULL,
	reason TEXT NOT NULL CHECK (reason IN ('changed', 'unreadable'))
) STRICT, WITHOUT ROWID;

-- Diary. A scrub that was interrupted goes on at this inode number; one row or none.
CREATE TABLE scrub (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	-- As the signed 64-bit integer with the same bits.
	next_ino INTEGER NOT NULL,
	begun_ns INTEGER NOT NULL
) STRICT;
