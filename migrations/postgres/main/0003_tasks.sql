-- The queue is this table. A claim is one statement: it sets worker_id and lease_until and counts attempt up;
-- a late write of a former attempt finds no row.
CREATE TABLE tasks (
    id TEXT PRIMARY KEY,
    spider_id TEXT NOT NULL,
    spider_name TEXT NOT NULL,
    deployment_id TEXT,
    -- SHA-256 of the manifest (path, hash, size of each file) that the task runs; the manifest is a blob of that name.
    code_hash TEXT NOT NULL,
    status TEXT NOT NULL,
    trigger_type TEXT NOT NULL,
    is_test BOOLEAN NOT NULL,
    priority BIGINT NOT NULL,
    attempt BIGINT NOT NULL,
    retry_count BIGINT NOT NULL,
    max_retries BIGINT NOT NULL,
    next_attempt_at TIMESTAMPTZ,
    pending_reason TEXT,
    progress BIGINT NOT NULL,
    progress_message TEXT,
    total_count BIGINT NOT NULL,
    success_count BIGINT NOT NULL,
    failed_count BIGINT NOT NULL,
    exit_code BIGINT,
    error_category TEXT,
    error_message TEXT,
    worker_id TEXT,
    container_id TEXT,
    lease_until TIMESTAMPTZ,
    cancel_requested_at TIMESTAMPTZ,
    scheduled_at TIMESTAMPTZ NOT NULL,
    started_at TIMESTAMPTZ,
    finished_at TIMESTAMPTZ,
    last_heartbeat TIMESTAMPTZ,
    items_per_second DOUBLE PRECISION,
    peak_memory_mb DOUBLE PRECISION,
    params JSONB NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX tasks_queue ON tasks (status, priority DESC, id);
CREATE INDEX tasks_spider ON tasks (spider_id, id);

-- Files that a spider uploaded while it ran.
CREATE TABLE task_files (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    spider_id TEXT NOT NULL,
    filename TEXT NOT NULL,
    -- SHA-256 of the content, which is a blob of that name.
    hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX task_files_task ON task_files (task_id, id);

-- Where a spider was, for a later task to go on from: JSON of some megabytes, kept to the letter.
CREATE TABLE task_checkpoints (
    task_id TEXT PRIMARY KEY,
    spider_id TEXT NOT NULL,
    data BYTEA NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX task_checkpoints_spider ON task_checkpoints (spider_id, task_id);
