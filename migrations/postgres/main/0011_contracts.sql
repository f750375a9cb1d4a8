-- What becomes of an item whose key is known: keep_first, keep_last or version.
ALTER TABLE spiders ADD COLUMN dedup_policy TEXT NOT NULL DEFAULT 'keep_first';

-- Of a task that completed: keys of its spider that were not seen since then are still to be told gone.
ALTER TABLE tasks ADD COLUMN gone_since TIMESTAMPTZ;
CREATE INDEX tasks_gone ON tasks (id) WHERE gone_since IS NOT NULL;
