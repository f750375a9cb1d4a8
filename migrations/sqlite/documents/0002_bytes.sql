-- What the task keeps now, in bytes: changed in the transaction that stores or removes it.
ALTER TABLE item_counts ADD COLUMN item_bytes BIGINT NOT NULL DEFAULT 0;
ALTER TABLE item_counts ADD COLUMN log_bytes BIGINT NOT NULL DEFAULT 0;
CREATE INDEX item_counts_spider ON item_counts (spider_id);

INSERT INTO item_counts (task_id, spider_id, received, stored, duplicate, rejected)
SELECT DISTINCT task_id, spider_id, 0, 0, 0, 0 FROM log_chunks WHERE TRUE ON CONFLICT DO NOTHING;
UPDATE item_counts
   SET item_bytes = COALESCE((SELECT SUM(OCTET_LENGTH(CAST(data AS TEXT))) FROM items
                               WHERE items.task_id = item_counts.task_id), 0),
       log_bytes = COALESCE((SELECT SUM(OCTET_LENGTH(body)) FROM log_chunks
                              WHERE log_chunks.task_id = item_counts.task_id), 0);
