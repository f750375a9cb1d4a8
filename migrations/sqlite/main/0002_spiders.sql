CREATE TABLE projects (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    description TEXT NOT NULL,
    git_url TEXT,
    git_branch TEXT,
    node_id TEXT,
    local_path TEXT,
    status TEXT NOT NULL,
    sync_error TEXT,
    last_sync_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

CREATE TABLE spiders (
    id TEXT PRIMARY KEY,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    start_url TEXT NOT NULL,
    source TEXT NOT NULL,
    entry_point TEXT NOT NULL,
    script_content TEXT NOT NULL,
    git_repo TEXT NOT NULL,
    cron_expr TEXT NOT NULL,
    timezone TEXT NOT NULL,
    is_active BOOLEAN NOT NULL,
    params TEXT NOT NULL,
    -- A JSON object of texts, encrypted.
    env_vars BLOB NOT NULL,
    requirements_txt TEXT NOT NULL,
    runner TEXT NOT NULL,
    node_id TEXT,
    image TEXT,
    timeout_seconds BIGINT NOT NULL,
    memory_limit_mb BIGINT,
    cpu_limit DOUBLE PRECISION,
    max_items BIGINT,
    max_retries BIGINT NOT NULL,
    retry_delay_seconds BIGINT NOT NULL,
    overlap TEXT NOT NULL,
    misfire TEXT NOT NULL,
    rate_limit_rps DOUBLE PRECISION,
    autothrottle_enabled BOOLEAN NOT NULL,
    proxy_enabled BOOLEAN NOT NULL,
    dedup_enabled BOOLEAN NOT NULL,
    dedup_fields TEXT NOT NULL,
    item_schema TEXT,
    webhook_url TEXT NOT NULL,
    active_deployment_id TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE INDEX spiders_project ON spiders (project_id);

CREATE TABLE spider_files (
    id TEXT PRIMARY KEY,
    spider_id TEXT NOT NULL REFERENCES spiders (id) ON DELETE CASCADE,
    path TEXT NOT NULL,
    -- SHA-256 of the content, which is a blob of that name.
    hash TEXT NOT NULL,
    size BIGINT NOT NULL,
    executable BOOLEAN NOT NULL,
    content_type TEXT NOT NULL,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (spider_id, path)
);
