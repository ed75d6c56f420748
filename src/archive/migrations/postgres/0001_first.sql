-- Times are milliseconds since 1970 in UTC. `document` is a Release as JSON, whole.

CREATE TABLE releases (
    id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    namespace TEXT NOT NULL,
    name TEXT NOT NULL,
    plan TEXT NOT NULL,
    number BIGINT NOT NULL,
    revision TEXT NOT NULL,
    cause TEXT NOT NULL,
    reason TEXT,
    outcome TEXT NOT NULL,
    summary TEXT NOT NULL,
    message TEXT NOT NULL,
    wave_count BIGINT NOT NULL,
    service_count BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    started_ms BIGINT,
    ended_ms BIGINT,
    document TEXT NOT NULL,
    -- For the search; made by `words.rs`, so that both engines find the same.
    words TSVECTOR NOT NULL DEFAULT ''
);
CREATE INDEX releases_by_words ON releases USING gin (words);
CREATE INDEX releases_by_time ON releases (created_ms, id);
CREATE INDEX releases_by_namespace ON releases (namespace, created_ms, id);
CREATE INDEX releases_by_plan ON releases (namespace, plan, created_ms, id);
CREATE INDEX releases_by_name ON releases (namespace, name);

CREATE TABLE waves (
    release_id BIGINT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    wave BIGINT NOT NULL,
    started_ms BIGINT,
    ended_ms BIGINT,
    PRIMARY KEY (release_id, wave)
);

CREATE TABLE services (
    release_id BIGINT NOT NULL REFERENCES releases (id) ON DELETE CASCADE,
    step TEXT NOT NULL,
    service TEXT NOT NULL,
    wave BIGINT NOT NULL,
    action TEXT NOT NULL,
    state TEXT NOT NULL,
    from_revision TEXT NOT NULL,
    to_revision TEXT NOT NULL,
    new_ready BIGINT NOT NULL,
    new_wanted BIGINT NOT NULL,
    old_alive BIGINT NOT NULL,
    reason TEXT NOT NULL,
    message TEXT NOT NULL,
    since_ms BIGINT,
    started_ms BIGINT,
    ended_ms BIGINT,
    PRIMARY KEY (release_id, step)
);
CREATE INDEX services_by_name ON services (service, release_id);

CREATE TABLE events (
    release_uid TEXT NOT NULL,
    sequence BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    reason TEXT NOT NULL,
    step TEXT,
    message TEXT NOT NULL,
    PRIMARY KEY (release_uid, sequence)
);
CREATE INDEX events_by_time ON events (at_ms);

CREATE TABLE acts (
    release_uid TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    person TEXT NOT NULL,
    act TEXT NOT NULL,
    target TEXT NOT NULL,
    why TEXT NOT NULL,
    namespace TEXT NOT NULL,
    release_name TEXT NOT NULL,
    PRIMARY KEY (release_uid, at_ms, person, act, target)
);
CREATE INDEX acts_by_time ON acts (at_ms);

CREATE TABLE builds (
    release_uid TEXT NOT NULL,
    service TEXT NOT NULL,
    namespace TEXT NOT NULL,
    plan TEXT NOT NULL,
    input TEXT NOT NULL,
    engine TEXT NOT NULL,
    state TEXT NOT NULL,
    image TEXT,
    link TEXT,
    message TEXT NOT NULL,
    started_ms BIGINT,
    ended_ms BIGINT,
    PRIMARY KEY (release_uid, service)
);
CREATE INDEX builds_by_input ON builds (namespace, plan, service, input, ended_ms);

-- A log is a run of texts; `first_line` is the number of a text's first line, from 0.
CREATE TABLE logs (
    log TEXT NOT NULL,
    first_line BIGINT NOT NULL,
    line_count BIGINT NOT NULL,
    lines TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    PRIMARY KEY (log, first_line)
);
CREATE INDEX logs_by_time ON logs (at_ms);

CREATE TABLE deliveries (
    source TEXT NOT NULL,
    delivery TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    provider TEXT NOT NULL,
    event TEXT NOT NULL,
    revision TEXT,
    verdict TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (source, delivery)
);
CREATE INDEX deliveries_by_time ON deliveries (received_ms);

-- The key is a digest of what the browser holds.
CREATE TABLE sessions (
    digest TEXT NOT NULL PRIMARY KEY,
    document TEXT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX sessions_by_time ON sessions (expires_ms);
