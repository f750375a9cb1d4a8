-- What people should hear of.
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    type TEXT NOT NULL,
    level TEXT NOT NULL,
    message TEXT NOT NULL,
    spider_id TEXT,
    task_id TEXT,
    -- The rule that raised it; null: the platform by itself.
    rule_id TEXT,
    is_read BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL
);
CREATE INDEX alerts_unread ON alerts (id) WHERE NOT is_read;
CREATE INDEX alerts_spider ON alerts (spider_id, id);

-- Where it can be told.
CREATE TABLE notification_channels (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    channel_type TEXT NOT NULL,
    -- A JSON object, encrypted: addresses of robots are secrets.
    config BYTEA NOT NULL,
    is_enabled BOOLEAN NOT NULL,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- When an alert is raised, and who hears of it.
CREATE TABLE alert_rules (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    rule_type TEXT NOT NULL,
    condition JSONB NOT NULL,
    -- Null: all spiders.
    spider_id TEXT REFERENCES spiders (id) ON DELETE CASCADE,
    -- Null: nobody is told, the alert is only listed.
    notification_channel_id TEXT REFERENCES notification_channels (id) ON DELETE SET NULL,
    is_enabled BOOLEAN NOT NULL,
    cooldown_minutes BIGINT NOT NULL,
    last_triggered_at TIMESTAMPTZ,
    created_at TIMESTAMPTZ NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL
);

-- What is told whom, and how far that came.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    -- Null: the webhook of the spider.
    channel_id TEXT REFERENCES notification_channels (id) ON DELETE CASCADE,
    spider_id TEXT,
    alert_id TEXT,
    -- Whose silence holds up whom: the host and port of an address, or "mail".
    receiver TEXT NOT NULL,
    event TEXT NOT NULL,
    payload JSONB NOT NULL,
    status TEXT NOT NULL,
    attempts BIGINT NOT NULL,
    next_attempt_at TIMESTAMPTZ NOT NULL,
    -- From then on it is not tried any more.
    give_up_at TIMESTAMPTZ NOT NULL,
    -- While a server tries: until when nobody else does.
    lease_until TIMESTAMPTZ,
    -- Of the last attempt.
    last_status BIGINT,
    last_error TEXT,
    created_at TIMESTAMPTZ NOT NULL,
    delivered_at TIMESTAMPTZ
);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE status = 'pending';
CREATE INDEX deliveries_receiver ON deliveries (receiver) WHERE status = 'pending';
CREATE INDEX deliveries_channel ON deliveries (channel_id, id);

-- Rules look at what ended of late.
CREATE INDEX tasks_finished ON tasks (finished_at) WHERE finished_at IS NOT NULL;
CREATE INDEX tasks_started ON tasks (spider_id, started_at) WHERE started_at IS NOT NULL;
