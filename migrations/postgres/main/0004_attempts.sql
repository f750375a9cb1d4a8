-- Why a task waits is computed when it is read.
ALTER TABLE tasks DROP COLUMN pending_reason;
ALTER TABLE tasks ADD COLUMN schedule_id TEXT;

-- One row each time a task was started.
CREATE TABLE attempts (
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    attempt BIGINT NOT NULL,
    worker_id TEXT NOT NULL,
    started_at TIMESTAMPTZ NOT NULL,
    finished_at TIMESTAMPTZ,
    -- Null while it runs.
    status TEXT,
    exit_code BIGINT,
    error_category TEXT,
    error_message TEXT,
    -- The server stopped, or was lost: the spider did not fail by itself.
    is_interrupted BOOLEAN NOT NULL,
    -- Items that this attempt stored.
    items BIGINT NOT NULL,
    -- Items that it found and could not store.
    undelivered BIGINT NOT NULL,
    peak_memory_mb DOUBLE PRECISION,
    PRIMARY KEY (task_id, attempt)
);

-- SHA-256 of the manifest of the files as they are, which is a blob of that name; null until it is first needed.
ALTER TABLE spiders ADD COLUMN code_hash TEXT;
-- Tasks at once, where overlap is "allow"; null: no limit.
ALTER TABLE spiders ADD COLUMN max_concurrent BIGINT;
-- {category: retries}, where they differ from the defaults.
ALTER TABLE spiders ADD COLUMN retry_limits JSONB NOT NULL DEFAULT '{}';
-- [{exit_code?, pattern?, category}]: what a failure is taken for; the first that fits counts.
ALTER TABLE spiders ADD COLUMN error_rules JSONB NOT NULL DEFAULT '[]';
-- Tasks of its spiders at once; null: no limit.
ALTER TABLE projects ADD COLUMN max_concurrent BIGINT;

-- Facts for others to act on, written with what they tell of. Whoever has acted removes the row in the same
-- transaction.
CREATE TABLE events (
    id TEXT PRIMARY KEY,
    event JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);

-- How many of a spider's tasks wait and run.
CREATE INDEX tasks_spider_status ON tasks (spider_id, status);
