-- Databases of the users' own.
CREATE TABLE datasources (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    type TEXT NOT NULL,
    mode TEXT NOT NULL,
    status TEXT NOT NULL,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    username TEXT NOT NULL,
    -- Encrypted; empty: none.
    password BLOB NOT NULL,
    database_name TEXT NOT NULL,
    connection_options TEXT NOT NULL,
    last_check_at TEXT,
    last_error TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

-- Where the items of a spider are delivered, and how that fares.
CREATE TABLE spider_datasources (
    id TEXT PRIMARY KEY,
    spider_id TEXT NOT NULL REFERENCES spiders (id) ON DELETE CASCADE,
    datasource_id TEXT NOT NULL REFERENCES datasources (id),
    target_table TEXT NOT NULL,
    is_enabled BOOLEAN NOT NULL,
    create_table BOOLEAN NOT NULL,
    -- Items of before the link are delivered too.
    backfill BOOLEAN NOT NULL,
    -- Whether all tasks that concern it have a row in sink_positions; later ones get theirs as they start.
    is_enrolled BOOLEAN NOT NULL,
    delivered BIGINT NOT NULL,
    -- Items that were removed, or replaced, before they could be delivered.
    gone BIGINT NOT NULL,
    -- Since the last success.
    failures BIGINT NOT NULL,
    failing_since TEXT,
    -- Whether somebody was told of this outage.
    is_alerted BOOLEAN NOT NULL,
    last_error TEXT,
    last_delivered_at TEXT,
    next_attempt_at TEXT NOT NULL,
    -- While a server delivers: until when nobody else does, and the number of its claim.
    lease_until TEXT,
    claim BIGINT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (spider_id, datasource_id, target_table)
);
CREATE INDEX spider_datasources_datasource ON spider_datasources (datasource_id);

-- How far delivery has come in a task's items.
CREATE TABLE sink_positions (
    link_id TEXT NOT NULL REFERENCES spider_datasources (id) ON DELETE CASCADE,
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    -- The last item that was dealt with; null: none yet.
    last_item_id TEXT,
    -- How many were dealt with, and how many of those that the task counts are not there.
    passed BIGINT NOT NULL,
    gone BIGINT NOT NULL,
    -- Once more from the start: some that were counted were not found the first time.
    is_second BOOLEAN NOT NULL,
    -- The task has ended, and so has this.
    is_done BOOLEAN NOT NULL,
    PRIMARY KEY (link_id, task_id)
);
CREATE INDEX sink_positions_open ON sink_positions (link_id, task_id) WHERE NOT is_done;
CREATE INDEX sink_positions_task ON sink_positions (task_id);

-- Items that a table would not take.
CREATE TABLE sink_refusals (
    link_id TEXT NOT NULL REFERENCES spider_datasources (id) ON DELETE CASCADE,
    item_id TEXT NOT NULL,
    task_id TEXT NOT NULL REFERENCES tasks (id) ON DELETE CASCADE,
    reason TEXT NOT NULL,
    -- To be tried again.
    is_due BOOLEAN NOT NULL,
    refused_at TEXT NOT NULL,
    PRIMARY KEY (link_id, item_id)
);
CREATE INDEX sink_refusals_due ON sink_refusals (link_id, item_id) WHERE is_due;
CREATE INDEX sink_refusals_task ON sink_refusals (task_id);
