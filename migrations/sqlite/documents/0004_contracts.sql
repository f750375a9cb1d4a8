-- What the number of a batch was answered with, for whoever sends it again.
ALTER TABLE item_batches ADD COLUMN accepted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE item_batches ADD COLUMN duplicate BIGINT NOT NULL DEFAULT 0;
ALTER TABLE item_batches ADD COLUMN rejected BIGINT NOT NULL DEFAULT 0;

-- Of an item whose spider keeps all versions: its key.
ALTER TABLE items ADD COLUMN item_key TEXT;
CREATE INDEX items_key ON items (spider_id, item_key, id) WHERE item_key IS NOT NULL;

-- Items that their spider's contract refused, and why.
CREATE TABLE quarantine (
    id TEXT PRIMARY KEY,
    task_id TEXT NOT NULL,
    spider_id TEXT NOT NULL,
    is_test BOOLEAN NOT NULL,
    -- To the letter, and as text: it may be deeper than a JSON column takes.
    data TEXT NOT NULL,
    reason TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE INDEX quarantine_task ON quarantine (task_id, id);
CREATE INDEX quarantine_spider ON quarantine (spider_id, id);

-- What is known of an item by its key: within a spider, or within a test run alone.
CREATE TABLE item_keys (
    -- The spider, or the test run's task.
    scope TEXT NOT NULL,
    -- A hash of the fields that make the key.
    item_key TEXT NOT NULL,
    -- The fields as JSON, cut where they are long; empty where the key is the whole item.
    label TEXT NOT NULL,
    -- The task that saw it last.
    task_id TEXT NOT NULL,
    -- Its present item, which may have been deleted since.
    item_id TEXT NOT NULL,
    -- A hash of that item's content.
    content TEXT NOT NULL,
    -- How many contents it has had.
    version BIGINT NOT NULL,
    first_seen TEXT NOT NULL,
    last_seen TEXT NOT NULL,
    -- When it was first seen, or seen again after it was gone.
    appeared_at TEXT NOT NULL,
    -- When it last became new, other or gone.
    changed_at TEXT NOT NULL,
    gone_at TEXT,
    PRIMARY KEY (scope, item_key)
);
CREATE INDEX item_keys_changes ON item_keys (scope, changed_at, item_key);
CREATE INDEX item_keys_task ON item_keys (task_id);

-- Which fields the items of a task had as they arrived.
CREATE TABLE catalogues (
    task_id TEXT PRIMARY KEY,
    spider_id TEXT NOT NULL,
    is_test BOOLEAN NOT NULL,
    -- JSON: {items, truncated, fields: [{name, types: {type: count}, sample}]}.
    catalogue TEXT NOT NULL
);
CREATE INDEX catalogues_spider ON catalogues (spider_id, task_id);
