-- One day of the ledger. Times are nanoseconds since 1970, durations nanoseconds,
-- money thousand-millionths of a dollar.

-- What the calls of one caller to one model have in common. Rows may repeat: a
-- process that does not remember one writes it again.
CREATE TABLE source (
	id                INTEGER PRIMARY KEY,
	account           TEXT NOT NULL,
	region            TEXT NOT NULL,
	principal         TEXT NOT NULL,
	access_key_id     TEXT NOT NULL,
	service           TEXT NOT NULL,
	operation         TEXT NOT NULL,
	model             TEXT NOT NULL, -- as the caller wrote it
	model_id          TEXT NOT NULL, -- what it resolved to
	inference_profile TEXT NOT NULL,
	backend           TEXT NOT NULL,
	upstream_model    TEXT NOT NULL,
	fidelity          TEXT NOT NULL
);

CREATE TABLE invocation (
	seq                INTEGER PRIMARY KEY, -- segment * 2^24 + index in the segment
	time_ns            BIGINT NOT NULL,
	request_id         TEXT NOT NULL,
	source             BIGINT NOT NULL REFERENCES source (id),
	attempts           BIGINT NOT NULL,
	status             BIGINT NOT NULL,
	outcome            BIGINT NOT NULL, -- 0 success, 1 client error, 2 server error, 3 throttle
	error_code         TEXT,
	error_kind         BIGINT,
	error_message      TEXT,
	latency_ns         BIGINT NOT NULL,
	first_token_ns     BIGINT NOT NULL,
	input_tokens       BIGINT NOT NULL,
	output_tokens      BIGINT NOT NULL,
	cache_read_tokens  BIGINT NOT NULL,
	cache_write_tokens BIGINT NOT NULL,
	output_images      BIGINT NOT NULL,
	estimated          BIGINT NOT NULL,
	cost_nano_usd      BIGINT NOT NULL,
	stream             BIGINT NOT NULL,
	completeness       BIGINT NOT NULL, -- 0 complete, 1 client gone, 2 upstream cut, 3 error
	metadata           TEXT             -- a JSON object
);

CREATE INDEX invocation_time ON invocation (time_ns);
CREATE INDEX invocation_source ON invocation (source, time_ns);
CREATE INDEX invocation_failed ON invocation (time_ns) WHERE outcome <> 0;

-- Which request IDs may be among the records first to last: Bloom filters.
CREATE TABLE request_filter (
	first BIGINT PRIMARY KEY NOT NULL,
	last  BIGINT NOT NULL,
	bits  BLOB NOT NULL
);

-- For people: SELECT * FROM record WHERE model_id = '…' ORDER BY time_ns DESC LIMIT 10.
CREATE VIEW record AS
	SELECT datetime(i.time_ns / 1000000000, 'unixepoch') AS time, i.*, s.*
	FROM invocation i JOIN source s ON s.id = i.source;

-- Sums of the same records by the minute in which they ended. It may be a minute of
-- the next day.
CREATE TABLE minute (
	minute             BIGINT NOT NULL, -- minutes since 1970
	account            TEXT NOT NULL,
	region             TEXT NOT NULL,
	model              TEXT NOT NULL,
	model_id           TEXT NOT NULL,
	operation          TEXT NOT NULL,
	calls              BIGINT NOT NULL,
	client_errors      BIGINT NOT NULL,
	server_errors      BIGINT NOT NULL,
	throttles          BIGINT NOT NULL,
	input_tokens       BIGINT NOT NULL,
	output_tokens      BIGINT NOT NULL,
	cache_read_tokens  BIGINT NOT NULL,
	cache_write_tokens BIGINT NOT NULL,
	output_images      BIGINT NOT NULL,
	cost_nano_usd      BIGINT NOT NULL,
	latency            BLOB, -- histograms
	first_token        BLOB,
	PRIMARY KEY (minute, account, region, model, model_id, operation)
);

-- How much of a segment this day has: its records with a lower index.
CREATE TABLE progress (
	segment BIGINT PRIMARY KEY NOT NULL,
	next    BIGINT NOT NULL
);
