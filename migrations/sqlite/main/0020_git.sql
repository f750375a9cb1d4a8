-- What opens a project's repository, encrypted each.
ALTER TABLE projects ADD COLUMN git_token BLOB;
ALTER TABLE projects ADD COLUMN git_key BLOB;
-- By what its host is known, as ssh writes it down.
ALTER TABLE projects ADD COLUMN git_host_keys TEXT;
-- The commit that was fetched last, the first line of its message, and the blob that lists what is in it.
ALTER TABLE projects ADD COLUMN git_commit TEXT;
ALTER TABLE projects ADD COLUMN git_subject TEXT;
ALTER TABLE projects ADD COLUMN git_listing TEXT;
-- What a forge's webhook proves itself by, encrypted.
ALTER TABLE projects ADD COLUMN webhook_secret BLOB;
-- How often a synchronisation was asked for, and up to which of these it was done: where they differ, one is due.
ALTER TABLE projects ADD COLUMN sync_wanted BIGINT NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN sync_done BIGINT NOT NULL DEFAULT 0;
-- Whether the next one is to throw away what users changed, and whether the present one is.
ALTER TABLE projects ADD COLUMN sync_force BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE projects ADD COLUMN sync_forced BOOLEAN NOT NULL DEFAULT FALSE;
-- Who is at it, until when unless it says more, and how far it is.
ALTER TABLE projects ADD COLUMN sync_holder TEXT;
ALTER TABLE projects ADD COLUMN sync_lease_until TEXT;
ALTER TABLE projects ADD COLUMN sync_progress TEXT;

-- The commit that a spider's files were last brought to, and what hindered the last attempt.
ALTER TABLE spiders ADD COLUMN git_commit TEXT;
ALTER TABLE spiders ADD COLUMN git_error TEXT;
-- The commit that a version was made from, and that a task runs.
ALTER TABLE deployments ADD COLUMN git_commit TEXT;
ALTER TABLE tasks ADD COLUMN git_commit TEXT;

-- What a spider and its repository last agreed on.
CREATE TABLE spider_repositories (
    spider_id TEXT PRIMARY KEY NOT NULL REFERENCES spiders (id) ON DELETE CASCADE,
    -- The folder of the repository; empty: all of it.
    folder TEXT NOT NULL,
    -- SHA-256 of what git knows of the files there: equal ones have equal files.
    tree TEXT NOT NULL,
    -- What the commit had there: path, hash, executable.
    files TEXT NOT NULL,
    -- What of it a spider cannot have, and where its own files stand that both had changed.
    left_out TEXT NOT NULL,
    conflicts TEXT NOT NULL,
    synced_at TEXT NOT NULL
);
