-- SPDX-License-Identifier: GPL-2.0-only
--
-- What runs a guest: its context id and its settings.

-- Truth while the catalog lives. Each guest has a context id of its own, which is
-- its project id too, and from which its range of 65536 user and group ids follows:
-- context * 65536. Nothing on disk depends on it: a guest's files belong to 0 to
-- 65535 there, and its mount translates. 28672 is the first range that neither
-- Debian's /etc/subuid nor systemd gives to anybody.
CREATE TABLE guest (
	tree_id INTEGER PRIMARY KEY REFERENCES tree (id) ON DELETE CASCADE,
	context INTEGER NOT NULL UNIQUE CHECK (context BETWEEN 2 AND 65534)
) STRICT;

INSERT INTO guest (tree_id, context)
	SELECT id, 28671 + row_number() OVER (ORDER BY id)
	FROM tree WHERE kind = 'guest';

-- Truth. What differs from the default; vserver(8) lists the keys.
CREATE TABLE setting (
	tree_id INTEGER NOT NULL REFERENCES guest (tree_id) ON DELETE CASCADE,
	key TEXT NOT NULL CHECK (length(key) BETWEEN 1 AND 31),
	value TEXT NOT NULL CHECK (length(value) BETWEEN 1 AND 1023),
	PRIMARY KEY (tree_id, key)
) STRICT, WITHOUT ROWID;
