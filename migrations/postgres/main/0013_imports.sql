-- How far what is brought from elsewhere has come, so that it can be gone on with.
CREATE TABLE imports (
    -- Which database it comes from: hosts and name.
    source TEXT NOT NULL,
    part TEXT NOT NULL,
    -- As the part writes it.
    place JSONB NOT NULL,
    updated_at TIMESTAMPTZ NOT NULL,
    PRIMARY KEY (source, part)
);
