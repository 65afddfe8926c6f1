import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables of the log, and the triggers by which the database itself keeps events as they were appended. */
export class CreateEventLog implements MigrationInterface {
  /** TypeORM orders migrations by the number in the last thirteen characters. */
  readonly name = 'CreateEventLog0000000000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [events, defaultPartition, ...immutability, streamHeads, others].flat()) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Expected migrations to go forward only, found an attempt to undo one'));
  }
}

const events = [
  // No identity column: a partitioned table can have none before PostgreSQL 17. No cache: the tail relies on it that
  // every position below one that it has seen was handed out before.
  `CREATE SEQUENCE events_position AS bigint CACHE 1`,
  `CREATE TABLE events (
     position bigint NOT NULL DEFAULT nextval('events_position'),
     recorded_at bigint NOT NULL,
     version integer NOT NULL,
     schema integer NOT NULL,
     stream_id text COLLATE "C" NOT NULL,
     project text NOT NULL,
     type text NOT NULL,
     data text NOT NULL,
     metadata text NOT NULL,
     hash bytea NOT NULL,
     PRIMARY KEY (position)
   ) PARTITION BY RANGE (position)`,
  `ALTER SEQUENCE events_position OWNED BY events.position`,
  // Cannot be unique, as it lacks the partition key: the fence is the head's version.
  `CREATE INDEX events_by_stream ON events (stream_id, version)`,
];

const defaultPartition = `CREATE TABLE events_default PARTITION OF events DEFAULT`;

/**
 * For each statement, not for each row: so TRUNCATE is covered, a statement that matches nothing is refused too, and
 * an insert pays nothing. Such triggers are not inherited: every partition gets its own.
 */
const immutability = [
  `CREATE FUNCTION refuse_change_of_events() RETURNS trigger LANGUAGE plpgsql AS $$
   BEGIN
     RAISE EXCEPTION 'Expected events to stay as they were appended, found % on %', TG_OP, TG_TABLE_NAME
       USING ERRCODE = 'restrict_violation', HINT = 'Retention drops whole partitions.';
   END $$`,
  ...['events', 'events_default'].flatMap((table) => [
    `CREATE TRIGGER events_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON ${table}
       FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_events()`,
    // Also where triggers are off for the session, as during a restore.
    `ALTER TABLE ${table} ENABLE ALWAYS TRIGGER events_are_immutable`,
  ]),
];

/** Free space in each page, and no index on what an append changes, so that most updates are heap-only. */
const streamHeads = [
  `CREATE TABLE stream_heads (
     stream_id text COLLATE "C" NOT NULL PRIMARY KEY,
     wakeup_at bigint,
     partition integer NOT NULL,
     version integer NOT NULL,
     base integer NOT NULL,
     open boolean NOT NULL,
     project text NOT NULL,
     kind text NOT NULL,
     hash bytea NOT NULL,
     base_hash bytea NOT NULL
   ) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05)`,
  `CREATE INDEX stream_heads_by_wakeup ON stream_heads (partition, wakeup_at) WHERE open`,
  `CREATE INDEX stream_heads_open ON stream_heads (partition, stream_id) WHERE open`,
];

const others = [
  `CREATE TABLE members (
     incarnation text NOT NULL PRIMARY KEY,
     id text NOT NULL,
     kind text NOT NULL,
     site text NOT NULL,
     pools text NOT NULL,
     wanted text NOT NULL,
     schema_max integer NOT NULL,
     sent double precision NOT NULL,
     beat_at bigint NOT NULL
   ) WITH (fillfactor = 50)`,
  `CREATE TABLE readers (
     name text NOT NULL PRIMARY KEY,
     position bigint NOT NULL
   ) WITH (fillfactor = 50)`,
  `CREATE TABLE snapshots (
     stream_id text COLLATE "C" NOT NULL,
     schema integer NOT NULL,
     version integer NOT NULL,
     hash bytea NOT NULL,
     state text NOT NULL,
     PRIMARY KEY (stream_id, schema)
   )`,
  `CREATE TABLE settings (
     key text NOT NULL PRIMARY KEY,
     value text NOT NULL
   )`,
];
