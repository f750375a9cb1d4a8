CREATE TABLE items (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    spider_id TEXT NOT NULL,
    is_test BOOLEAN NOT NULL,
    -- As it was sent, to the letter: order of keys, digits of numbers.
    data JSON NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX items_task ON items (task_id, id);
CREATE INDEX items_spider ON items (spider_id, id);

-- Which batches of a task have been stored: the same one twice counts once.
CREATE TABLE item_batches (
    task_id TEXT NOT NULL,
    attempt BIGINT NOT NULL,
    batch BIGINT NOT NULL,
    PRIMARY KEY (task_id, attempt, batch)
);

-- Changed in the transaction that stores the items.
CREATE TABLE item_counts (
    task_id TEXT PRIMARY KEY,
    spider_id TEXT NOT NULL,
    received BIGINT NOT NULL,
    stored BIGINT NOT NULL,
    duplicate BIGINT NOT NULL,
    rejected BIGINT NOT NULL
);

-- A run of consecutive lines of one task.
CREATE TABLE log_chunks (
    task_id TEXT NOT NULL,
    first_seq BIGINT NOT NULL,
    last_seq BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    spider_id TEXT NOT NULL,
    -- A JSON list of [stream, milliseconds since 1970, text].
    body BYTEA NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (task_id, first_seq)
);
