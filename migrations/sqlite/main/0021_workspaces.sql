-- What was done, where method and path do not say it: the beginning of a command.
ALTER TABLE audit ADD COLUMN detail TEXT;

-- Places in which a user may run commands and keep files: one volume each, and a container while it is used.
CREATE TABLE workspaces (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL,
    name TEXT NOT NULL,
    -- persistent, ephemeral: how commands are run that do not say it.
    mode TEXT NOT NULL,
    -- The container engine that has its volume; null as long as there is none.
    engine TEXT,
    -- What its volume holds, as it was last measured.
    bytes BIGINT NOT NULL DEFAULT 0,
    files BIGINT NOT NULL DEFAULT 0,
    measured_at TEXT,
    last_used_at TEXT NOT NULL,
    created_at TEXT NOT NULL
);
CREATE UNIQUE INDEX workspaces_by_name ON workspaces (user_id, name);

-- What goes on in workspaces now: commands, terminals, work on files.
CREATE TABLE workspace_runs (
    id TEXT PRIMARY KEY NOT NULL,
    workspace_id TEXT NOT NULL REFERENCES workspaces (id) ON DELETE CASCADE,
    user_id TEXT NOT NULL,
    -- command, terminal, files.
    kind TEXT NOT NULL,
    -- By which its processes are known.
    mark BIGINT NOT NULL,
    -- Whoever sees to it says until when it counts as seen to.
    lease_until TEXT NOT NULL,
    started_at TEXT NOT NULL
);
CREATE INDEX workspace_runs_by_workspace ON workspace_runs (workspace_id);
