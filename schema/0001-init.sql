-- SPDX-License-Identifier: GPL-2.0-only
--
-- The catalog of one pool. schema/README.md says what is truth and what is a
-- cache. Times are nanoseconds since 1970 (CLOCK_REALTIME), sizes are bytes.

-- Truth. What `vtemplate init` decided; exactly one row.
CREATE TABLE pool (
	id INTEGER PRIMARY KEY CHECK (id = 1),
	uuid TEXT NOT NULL CHECK (length(uuid) = 36),
	unprotected INTEGER NOT NULL CHECK (unprotected IN (0, 1)),
	link_limit INTEGER NOT NULL CHECK (link_limit BETWEEN 2 AND 64000),
	created_ns INTEGER NOT NULL
) STRICT;

-- Truth. Templates and guests. An id is never given twice.
CREATE TABLE tree (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	kind TEXT NOT NULL CHECK (kind IN ('template', 'guest')),
	state TEXT NOT NULL CHECK (state IN ('creating', 'ready', 'destroying')),
	name TEXT NOT NULL CHECK (length(name) BETWEEN 1 AND 64
		AND name GLOB '[A-Za-z0-9]*'
		AND name NOT GLOB '*[^A-Za-z0-9._+-]*'),
	uuid TEXT NOT NULL UNIQUE CHECK (length(uuid) = 36),
	engine TEXT NOT NULL
		CHECK (engine IN ('copy', 'reflink', 'kernel', 'unprotected')),
	origin TEXT NOT NULL,
	-- Lineage outlives its template: no foreign key. NULL: from no tree.
	origin_uuid TEXT CHECK (length(origin_uuid) = 36),
	created_ns INTEGER NOT NULL,
	files INTEGER NOT NULL CHECK (files >= 0),
	dirs INTEGER NOT NULL CHECK (dirs >= 0),
	others INTEGER NOT NULL CHECK (others >= 0),
	size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
	UNIQUE (kind, name)
) STRICT;

-- Recovery asks for these at the start of every command that changes the pool.
CREATE INDEX tree_unfinished ON tree (kind, name) WHERE state <> 'ready';

-- Cache. The masters in store/, so that an inode can be recognised and a size
-- looked up without reading 256 directories.
CREATE TABLE object (
	key BLOB NOT NULL CHECK (length(key) = 16),
	replica INTEGER NOT NULL CHECK (replica BETWEEN 0 AND 4294967294),
	-- As the signed 64-bit integer with the same bits.
	ino INTEGER NOT NULL,
	size_bytes INTEGER NOT NULL CHECK (size_bytes >= 0),
	PRIMARY KEY (key, replica)
) STRICT, WITHOUT ROWID;

-- One inode is one master: adding a row for an inode that was used again after
-- its master was removed replaces the stale row.
CREATE UNIQUE INDEX object_by_ino ON object (ino);
