-- Which attempt of a task may add to it: the newest, until it has ended.
CREATE TABLE attempt_fences (
    task_id TEXT PRIMARY KEY,
    attempt BIGINT NOT NULL,
    is_open BOOLEAN NOT NULL
);
