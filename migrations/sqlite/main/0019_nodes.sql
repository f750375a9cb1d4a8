-- Other machines that run spiders. Whether one is online follows from its last heartbeat and the time; it is not kept.
CREATE TABLE nodes (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    -- Where its agent is reached, if it is.
    hostname TEXT NOT NULL,
    agent_port BIGINT NOT NULL,
    labels TEXT NOT NULL,
    -- Tasks at once; null: as many as the agent offers.
    slots BIGINT,
    is_draining BOOLEAN NOT NULL,
    -- SHA-256 of its token, and the token itself, encrypted: the server calls the agent with it.
    token_hash TEXT NOT NULL UNIQUE,
    token BLOB NOT NULL,
    -- Holds for a while after it was replaced.
    former_token_hash TEXT,
    former_token_until TEXT,
    -- Of the last heartbeat.
    last_heartbeat TEXT,
    address TEXT,
    protocol BIGINT,
    clock_skew_ms BIGINT,
    report TEXT,
    -- The starts of its agent that were heard of in the last minute: instance, address, since, seen.
    instances TEXT NOT NULL,
    -- When two agents last used its name at once.
    doubled_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL
);

-- What a node must have, where `runner` is "node" and no single one is named.
ALTER TABLE spiders ADD COLUMN node_labels TEXT NOT NULL DEFAULT '[]';
-- How many lines former attempts left in the task's log: a node counts its own from one. Null where the server runs it.
ALTER TABLE attempts ADD COLUMN former_lines BIGINT;
