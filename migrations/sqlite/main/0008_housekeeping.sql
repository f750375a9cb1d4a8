-- What of a spider is kept how long, where it differs from the settings: {task_days?, tasks?, log_days?, item_days?,
-- versions?, quota_mb?}.
ALTER TABLE spiders ADD COLUMN retention TEXT NOT NULL DEFAULT '{}';
-- It keeps as much as it may, or all spiders together do: no task of it is started.
ALTER TABLE spiders ADD COLUMN over_quota BOOLEAN NOT NULL DEFAULT FALSE;

-- When retention took an ended task's log, and its items. What the task counted stays.
ALTER TABLE tasks ADD COLUMN logs_removed_at TEXT;
ALTER TABLE tasks ADD COLUMN items_removed_at TEXT;
CREATE INDEX tasks_ended ON tasks (spider_id, is_test, finished_at, id) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_with_log ON tasks (spider_id, finished_at, id) WHERE logs_removed_at IS NULL AND finished_at IS NOT NULL;
CREATE INDEX tasks_with_items ON tasks (spider_id, finished_at, id) WHERE items_removed_at IS NULL AND finished_at IS NOT NULL;
CREATE INDEX task_files_spider ON task_files (spider_id);
