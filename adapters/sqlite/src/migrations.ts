/**
 * What brings a file from one version of the schema to the next; the first makes version 1. Never change one that was released:
 * add another. Processes with older code refuse the new schema when they start; those that run already have to be able to go on.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- The row is made at the first writing: its place is the order of the list.
  CREATE TABLE documents (
    place INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    collection TEXT NOT NULL,
    id TEXT NOT NULL,
    version INTEGER NOT NULL,
    value TEXT NOT NULL,
    UNIQUE (scope, collection, id)
  ) STRICT;

  -- Each index costs every append a page. So there are few: the version of a stream is that of its last event, which is never
  -- removed. Neither is the last of all, and its position is not used again.
  CREATE TABLE events (
    position INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    category TEXT NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    schema_version INTEGER NOT NULL,
    time_ms REAL NOT NULL,
    data TEXT NOT NULL,
    metadata TEXT NOT NULL,
    UNIQUE (scope, stream, version)
  ) STRICT;

  -- An index with one entry for many: the blocks of 256 positions in which there is something of a category, or ('') of a scope.
  CREATE TABLE event_blocks (
    scope TEXT NOT NULL,
    category TEXT NOT NULL,
    block INTEGER NOT NULL,
    PRIMARY KEY (scope, category, block)
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER event_blocks_grow AFTER INSERT ON events BEGIN
    INSERT OR IGNORE INTO event_blocks (scope, category, block)
    VALUES (new.scope, new.category, new.position / 256), (new.scope, '', new.position / 256);
  END;

  -- An id is taken for ever.
  CREATE TABLE truncated_events (
    id TEXT PRIMARY KEY,
    scope TEXT NOT NULL,
    stream TEXT NOT NULL,
    version INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  CREATE TRIGGER truncated_events_grow AFTER DELETE ON events BEGIN
    INSERT INTO truncated_events (id, scope, stream, version) VALUES (old.id, old.scope, old.stream, old.version);
  END;

  -- Without AUTOINCREMENT the position of the last row would be used again once that row is gone.
  CREATE TABLE outbox (
    position INTEGER PRIMARY KEY AUTOINCREMENT,
    partition INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    key TEXT,
    body TEXT NOT NULL
  ) STRICT;

  -- The place keeps the order of what is due at the same time.
  CREATE TABLE schedule (
    place INTEGER PRIMARY KEY,
    scope TEXT NOT NULL,
    name TEXT NOT NULL,
    at_ms REAL NOT NULL,
    partition INTEGER NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    key TEXT,
    body TEXT NOT NULL,
    UNIQUE (scope, name)
  ) STRICT;

  CREATE INDEX schedule_by_time ON schedule (at_ms);

  CREATE TABLE inbox (
    consumer TEXT NOT NULL,
    message_id TEXT NOT NULL,
    handled INTEGER NOT NULL,
    started INTEGER NOT NULL,
    failed INTEGER NOT NULL,
    time_ms REAL NOT NULL,
    PRIMARY KEY (consumer, message_id)
  ) STRICT, WITHOUT ROWID;

  CREATE INDEX inbox_by_time ON inbox (time_ms);
  `,
];
