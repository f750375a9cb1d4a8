-- Proxies that spiders may go through. Their status follows from these columns and the time; none is kept.
CREATE TABLE proxies (
    id TEXT PRIMARY KEY,
    protocol TEXT NOT NULL,
    host TEXT NOT NULL,
    port BIGINT NOT NULL,
    -- Empty: it asks for none.
    username TEXT NOT NULL,
    -- Encrypted; null: it has none.
    password BLOB,
    -- Somebody took it out of use.
    is_off BOOLEAN NOT NULL,
    -- A moving average of successes, from 0 to 1.
    success_rate DOUBLE PRECISION NOT NULL,
    -- Failures in a row.
    fail_count BIGINT NOT NULL,
    cooldown_until TEXT,
    last_used_at TEXT,
    last_check_at TEXT,
    -- Of the last check: why it failed; null where it did not.
    last_error TEXT,
    -- Of the last check that went well.
    latency_ms BIGINT,
    -- When it is to be checked; null: whenever checks are made.
    next_check_at TEXT,
    created_at TEXT NOT NULL,
    updated_at TEXT NOT NULL,
    UNIQUE (protocol, host, port, username)
);
CREATE INDEX proxies_next_check ON proxies (next_check_at);
