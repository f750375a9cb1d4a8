-- Versions of a spider's code: immutable, as is what they refer to.
CREATE TABLE deployments (
    id TEXT PRIMARY KEY,
    spider_id TEXT NOT NULL REFERENCES spiders (id) ON DELETE CASCADE,
    version BIGINT NOT NULL,
    -- SHA-256 of the manifest, which is a blob of that name.
    code_hash TEXT NOT NULL,
    source TEXT NOT NULL,
    entry_point TEXT NOT NULL,
    requirements_txt TEXT NOT NULL,
    file_count BIGINT NOT NULL,
    -- Of all files together, in bytes.
    archive_size BIGINT NOT NULL,
    deploy_note TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (spider_id, version)
);

-- The number of the newest version there ever was: none is given twice.
ALTER TABLE spiders ADD COLUMN last_version BIGINT NOT NULL DEFAULT 0;
-- The version that a task runs; it stays when the deployment is removed.
ALTER TABLE tasks ADD COLUMN deployment_version BIGINT;
