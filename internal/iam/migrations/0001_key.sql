-- Access keys and API keys. A revoked key stays as a record of who had access.
CREATE TABLE iam_key (
	id TEXT PRIMARY KEY,
	account TEXT NOT NULL,
	name TEXT NOT NULL,
	kind TEXT NOT NULL,                     -- root, sigv4 or bearer
	user_id TEXT NOT NULL,
	secret TEXT NOT NULL,                   -- sealed under the master key; of bearer keys, the token's SHA-256
	actions TEXT NOT NULL,                  -- JSON list
	resources TEXT NOT NULL,                -- JSON list
	created_ms BIGINT NOT NULL,
	expires_ms BIGINT NOT NULL DEFAULT 0,   -- 0: never
	revoked_ms BIGINT NOT NULL DEFAULT 0    -- 0: not revoked
);

-- A name is free again once its key is revoked. It also keeps an account to one root key.
CREATE UNIQUE INDEX iam_key_name ON iam_key (account, name) WHERE revoked_ms = 0;

-- One row, whose version grows with every change, so that other processes notice.
CREATE TABLE iam_change (
	id BIGINT PRIMARY KEY,
	version BIGINT NOT NULL
);
INSERT INTO iam_change (id, version) VALUES (1, 1);

-- One row: which master key the secrets are sealed under.
CREATE TABLE iam_master (
	id BIGINT PRIMARY KEY,
	fingerprint TEXT NOT NULL
);
