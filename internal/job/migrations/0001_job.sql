-- Durable jobs, one row each. The package comment draws the states.
CREATE TABLE job (
	id TEXT PRIMARY KEY,                    -- grows with time, so its order is the order of arrival
	account TEXT NOT NULL,
	kind TEXT NOT NULL,
	unique_key TEXT,                        -- NULL: never the same as another
	priority BIGINT NOT NULL,
	state TEXT NOT NULL,                    -- queued, running, succeeded, failed, cancelled
	payload BYTEA NOT NULL,
	checkpoint BYTEA NOT NULL,
	turn BIGINT NOT NULL DEFAULT 0,         -- how often it was claimed; the fence against former holders
	attempt BIGINT NOT NULL DEFAULT 0,      -- attempts since the last new checkpoint
	owner TEXT NOT NULL DEFAULT '',         -- the queue that runs it
	lease_ms BIGINT NOT NULL DEFAULT 0,     -- running: until when it is the owner's
	cancel_ms BIGINT NOT NULL DEFAULT 0,    -- when cancelling was asked for; 0: not
	done BIGINT NOT NULL DEFAULT 0,
	total BIGINT NOT NULL DEFAULT 0,
	message TEXT NOT NULL DEFAULT '',
	error TEXT NOT NULL DEFAULT '',         -- what the last failed attempt said
	created_ms BIGINT NOT NULL,
	due_ms BIGINT NOT NULL,                 -- queued: not before
	started_ms BIGINT NOT NULL DEFAULT 0,   -- when it was last claimed
	finished_ms BIGINT NOT NULL DEFAULT 0   -- 0: not finished
);

CREATE UNIQUE INDEX job_unique_key ON job (account, kind, unique_key);

-- To claim: the first job of each account that waits, without reading the jobs behind it.
CREATE INDEX job_queued ON job (kind, account, priority DESC, id) WHERE state = 'queued';
-- To claim fairly: how much of an account runs, and when it was last served.
CREATE INDEX job_running ON job (account) WHERE state = 'running';
CREATE INDEX job_served ON job (account, started_ms);
-- To take over.
CREATE INDEX job_lease ON job (lease_ms) WHERE state = 'running';
-- To forget.
CREATE INDEX job_finished ON job (finished_ms) WHERE finished_ms > 0;
-- To list.
CREATE INDEX job_list ON job (account, kind, id);
