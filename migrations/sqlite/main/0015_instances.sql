-- Programs with a web page of their own: one container each, which keeps its files until it is deleted.
CREATE TABLE instances (
    id TEXT PRIMARY KEY NOT NULL,
    -- The first word of its host.
    prefix TEXT NOT NULL,
    user_id TEXT NOT NULL,
    -- What is to be: running, stopped, deleted.
    desired TEXT NOT NULL,
    -- What is: creating, running, stopped, error.
    status TEXT NOT NULL,
    -- Each step of its life adds one: what began on an older state does not end on a newer one.
    version BIGINT NOT NULL DEFAULT 0,
    -- The container engine that has it; other engines know nothing of it.
    engine TEXT,
    image TEXT NOT NULL,
    -- Words; none: the image's own.
    command TEXT,
    -- Names and values, encrypted.
    env BLOB NOT NULL,
    -- Where it listens in its container, and where that is published at the machine's loopback address.
    container_port BIGINT NOT NULL,
    port BIGINT NOT NULL,
    -- Whether its user named the port: then it takes no other.
    port_is_asked BOOLEAN NOT NULL,
    cpus REAL NOT NULL,
    memory_mb BIGINT NOT NULL,
    -- Whether everybody may come in.
    is_public BOOLEAN NOT NULL,
    container_id TEXT,
    -- host:port at which it answers.
    upstream TEXT,
    -- When the present step counts as failed.
    deadline_at TEXT,
    started_at TEXT,
    last_active_at TEXT NOT NULL,
    -- Why it was stopped: by_hand, idle, disk_full, user_gone.
    stop_reason TEXT,
    -- Why it does not run, or ended the last time; for people.
    error_message TEXT,
    -- How often it was started again after it had ended by itself, since when, and when the next time is.
    restarts BIGINT NOT NULL DEFAULT 0,
    restarts_since TEXT,
    restart_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX instances_prefix ON instances (prefix);
CREATE UNIQUE INDEX instances_port ON instances (port);
CREATE INDEX instances_by_user ON instances (user_id, id);

-- Who had a prefix last: bookmarks and cookies live on, so that nobody else gets it soon.
CREATE TABLE instance_prefixes (
    prefix TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    -- None while it is in use.
    released_at TEXT
);

-- Tokens that open a private instance, once each.
CREATE TABLE instance_tokens (
    hash TEXT PRIMARY KEY NOT NULL,
    instance_id TEXT NOT NULL REFERENCES instances (id) ON DELETE CASCADE,
    expires_at TEXT NOT NULL
);
