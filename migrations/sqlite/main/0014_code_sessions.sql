-- What tells this installation's containers from others' on the same engine; one row.
CREATE TABLE installation (
    one BIGINT PRIMARY KEY NOT NULL CHECK (one = 1),
    id TEXT NOT NULL
);

-- Editors: one container each.
CREATE TABLE code_sessions (
    id TEXT PRIMARY KEY NOT NULL,
    spider_id TEXT NOT NULL,
    user_id TEXT NOT NULL,
    status TEXT NOT NULL,
    -- Each step of its life adds one: what began on an older state does not end on a newer one.
    version BIGINT NOT NULL DEFAULT 0,
    -- The container engine that has it; other engines know nothing of it.
    engine TEXT,
    image TEXT NOT NULL,
    container_id TEXT,
    -- host:port at which the editor answers.
    upstream TEXT,
    -- When the present step counts as failed.
    deadline_at TEXT,
    ready_at TEXT,
    last_active_at TEXT NOT NULL,
    -- At the latest it is closed then.
    expires_at TEXT NOT NULL,
    -- Why it is to be closed, or was: closed, idle, expired, crashed, spider_deleted.
    end_reason TEXT,
    -- Of a failure, for people.
    error_message TEXT,
    -- When files were last brought into agreement, and what hindered the last attempt.
    synced_at TEXT,
    sync_error TEXT,
    sync_failures BIGINT NOT NULL DEFAULT 0,
    -- The next attempt to close it, where one failed.
    retry_at TEXT,
    -- How often its container was started again after it had ended by itself.
    revivals BIGINT NOT NULL DEFAULT 0,
    warned_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);
CREATE UNIQUE INDEX code_sessions_active ON code_sessions (user_id, spider_id)
    WHERE status IN ('pending', 'starting', 'ready', 'syncing');
CREATE INDEX code_sessions_by_status ON code_sessions (status, id);

-- The files that a session's container and the spider last agreed on: path, hash, executable.
CREATE TABLE code_session_bases (
    session_id TEXT PRIMARY KEY NOT NULL REFERENCES code_sessions (id) ON DELETE CASCADE,
    -- Each agreement adds one.
    version BIGINT NOT NULL,
    files TEXT NOT NULL
);

-- Tokens that open an editor, once each.
CREATE TABLE code_session_tokens (
    hash TEXT PRIMARY KEY NOT NULL,
    session_id TEXT NOT NULL REFERENCES code_sessions (id) ON DELETE CASCADE,
    expires_at TEXT NOT NULL
);

-- Editors that are started for nobody yet. The one that is taken gives its id to the session.
CREATE TABLE code_session_pool (
    id TEXT PRIMARY KEY NOT NULL,
    engine TEXT NOT NULL,
    image TEXT NOT NULL,
    container_id TEXT NOT NULL,
    created_at TEXT NOT NULL
);
