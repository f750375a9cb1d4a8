-- When a spider is to run. A spider's own schedule, its cron_expr, has the spider's id.
CREATE TABLE schedules (
    id TEXT PRIMARY KEY,
    spider_id TEXT NOT NULL REFERENCES spiders (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    cron_expr TEXT NOT NULL,
    timezone TEXT NOT NULL,
    -- Beside the spider's own parameters, and before them where both name one.
    params TEXT NOT NULL,
    priority BIGINT NOT NULL,
    is_active BOOLEAN NOT NULL,
    -- What planned times before it were meant for: while it was paused, they are skipped.
    active_since TEXT NOT NULL,
    -- Null: as the spider is set.
    misfire TEXT,
    overlap TEXT,
    -- The version it is pinned to; null: as the spider is set.
    deployment_id TEXT,
    -- The first planned time that is not in the ledger; null where there is none any more. Also of a paused one.
    next_run_at TEXT,
    last_run_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX schedules_due ON schedules (next_run_at, id) WHERE is_active;
CREATE INDEX schedules_spider ON schedules (spider_id, id);
CREATE INDEX schedules_spider_due ON schedules (spider_id, next_run_at) WHERE is_active;

-- The ledger: what became of each planned time.
CREATE TABLE fires (
    schedule_id TEXT NOT NULL REFERENCES schedules (id) ON DELETE CASCADE,
    planned_at TEXT NOT NULL,
    outcome TEXT NOT NULL,
    task_id TEXT,
    -- From the planned time to the task's being queued.
    late_ms BIGINT,
    reason TEXT,
    -- Of very many that passed at once the newest have rows. The oldest of those: how many before it have none, at least,
    -- and the first of them.
    earlier BIGINT,
    earlier_from TEXT,
    PRIMARY KEY (schedule_id, planned_at)
);

-- What the task does beside others of its spider, by its schedule or its spider; null: as the spider is set.
ALTER TABLE tasks ADD COLUMN overlap TEXT;
