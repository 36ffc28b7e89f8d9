CREATE TABLE bucket (
	name TEXT PRIMARY KEY,
	owner TEXT NOT NULL,
	region TEXT NOT NULL,
	created_ms BIGINT NOT NULL
);

-- Keys are BLOBs: they are compared byte by byte, and any byte string can be searched for.
CREATE TABLE object (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	bucket TEXT NOT NULL REFERENCES bucket (name),
	key BLOB NOT NULL,
	size BIGINT NOT NULL,
	etag TEXT NOT NULL,
	modified_ms BIGINT NOT NULL,
	parts BIGINT NOT NULL,
	checksum TEXT NOT NULL,
	attributes TEXT NOT NULL,
	tags TEXT NOT NULL,
	UNIQUE (bucket, key)
);

-- A blob is a file. The triggers below count what refers to it.
CREATE TABLE blob (
	id TEXT PRIMARY KEY,
	refs BIGINT NOT NULL DEFAULT 0
) WITHOUT ROWID;

CREATE INDEX blob_unused ON blob (id) WHERE refs = 0;

-- An object's bytes are those of its segments, in order; an empty object has none.
CREATE TABLE segment (
	object BIGINT NOT NULL REFERENCES object (id) ON DELETE CASCADE,
	start BIGINT NOT NULL,
	size BIGINT NOT NULL,
	blob TEXT NOT NULL REFERENCES blob (id),
	PRIMARY KEY (object, start)
) WITHOUT ROWID;

CREATE TABLE upload (
	id TEXT PRIMARY KEY,
	bucket TEXT NOT NULL REFERENCES bucket (name),
	key BLOB NOT NULL,
	started_ms BIGINT NOT NULL,
	checksum TEXT NOT NULL,
	attributes TEXT NOT NULL,
	tags TEXT NOT NULL
);

CREATE INDEX upload_by_key ON upload (bucket, key, id);

-- A part without bytes has no blob.
CREATE TABLE part (
	upload TEXT NOT NULL REFERENCES upload (id) ON DELETE CASCADE,
	number BIGINT NOT NULL,
	size BIGINT NOT NULL,
	etag TEXT NOT NULL,
	modified_ms BIGINT NOT NULL,
	checksum TEXT NOT NULL,
	blob TEXT REFERENCES blob (id),
	PRIMARY KEY (upload, number)
) WITHOUT ROWID;

CREATE TRIGGER segment_made AFTER INSERT ON segment BEGIN UPDATE blob SET refs = refs + 1 WHERE id = NEW.blob; END;

CREATE TRIGGER segment_gone AFTER DELETE ON segment BEGIN UPDATE blob SET refs = refs - 1 WHERE id = OLD.blob; END;

CREATE TRIGGER part_made AFTER INSERT ON part BEGIN UPDATE blob SET refs = refs + 1 WHERE id = NEW.blob; END;

CREATE TRIGGER part_gone AFTER DELETE ON part BEGIN UPDATE blob SET refs = refs - 1 WHERE id = OLD.blob; END;
