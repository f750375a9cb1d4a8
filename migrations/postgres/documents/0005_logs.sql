-- Which levels the chunk's lines have, a bit for each; 1: lines that name none. A search passes over the rest. The body is
-- compressed from now on; chunks of before stay as they are.
ALTER TABLE log_chunks ADD COLUMN levels BIGINT NOT NULL DEFAULT 1;
-- The place in the task's log up to which its errors were counted.
ALTER TABLE attempt_fences ADD COLUMN errors_upto BIGINT NOT NULL DEFAULT 0;

-- Errors in the logs of a spider's runs that are of one kind.
CREATE TABLE error_groups (
    spider_id TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    level TEXT NOT NULL,
    -- Of the newest of them, as its place is.
    title TEXT NOT NULL,
    sample TEXT NOT NULL,
    count BIGINT NOT NULL,
    first_seen TIMESTAMPTZ NOT NULL,
    last_seen TIMESTAMPTZ NOT NULL,
    first_task TEXT NOT NULL,
    last_task TEXT NOT NULL,
    last_seq BIGINT NOT NULL,
    -- The number of the deployment that ran, where one did.
    first_version BIGINT,
    last_version BIGINT,
    PRIMARY KEY (spider_id, fingerprint)
);
CREATE INDEX error_groups_newest ON error_groups (spider_id, last_seen, fingerprint);
