-- How many items the task keeps now: changed in the transaction that stores or removes them.
ALTER TABLE item_counts ADD COLUMN items_kept BIGINT NOT NULL DEFAULT 0;
-- How many of them were ever removed or replaced: a file made of them cannot be made again then.
ALTER TABLE item_counts ADD COLUMN items_altered BIGINT NOT NULL DEFAULT 0;
ALTER TABLE item_counts ADD COLUMN is_test BOOLEAN NOT NULL DEFAULT FALSE;

UPDATE item_counts
   SET items_kept = (SELECT COUNT(*) FROM items WHERE items.task_id = item_counts.task_id),
       is_test = EXISTS (SELECT 1 FROM items WHERE items.task_id = item_counts.task_id AND items.is_test);
