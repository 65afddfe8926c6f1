import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * The read models, in a schema of their own so that a rebuild can fill a second one and swap them. Free text that a
 * user may write is kept as JSON text: PostgreSQL's `text` refuses U+0000, and one such label would stop the projection.
 */
export class CreateReadModels implements MigrationInterface {
  /** TypeORM orders migrations by the number in the last thirteen characters. */
  readonly name = 'CreateReadModels0000000000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of [...schema, ...runs, ...executions, ...others, logChunks, ...definitionEntries]) {
      await runner.query(statement);
    }
  }

  down(): Promise<void> {
    return Promise.reject(new Error('Expected migrations to go forward only, found an attempt to undo one'));
  }
}

/** The comment names the version of the projector that built them. */
const schema = [`CREATE SCHEMA read_models`, `COMMENT ON SCHEMA read_models IS '1'`];

/** Lists are in order of `position` (of the first event), newest first; each filter has the index that keeps it so. */
const runs = [
  `CREATE TABLE read_models.runs (
     project text NOT NULL,
     run_id text NOT NULL,
     workflow_id text NOT NULL,
     workflow_version integer NOT NULL,
     definition_hash text NOT NULL,
     state text NOT NULL,
     labels text NOT NULL,
     position bigint NOT NULL,
     created_at bigint NOT NULL,
     ended_at bigint,
     counts text,
     failure text,
     PRIMARY KEY (project, run_id)
   )`,
  `CREATE INDEX ON read_models.runs (project, position)`,
  `CREATE INDEX ON read_models.runs (project, state, position)`,
  `CREATE INDEX ON read_models.runs (project, workflow_id, position)`,
  `CREATE INDEX ON read_models.runs (project, workflow_id, state, position)`,
  `CREATE TABLE read_models.run_labels (
     project text NOT NULL,
     label text NOT NULL,
     position bigint NOT NULL,
     run_id text NOT NULL,
     PRIMARY KEY (project, label, position)
   )`,
];

const executions = [
  `CREATE TABLE read_models.executions (
     position bigint NOT NULL,
     project text NOT NULL,
     run_id text NOT NULL,
     execution text NOT NULL,
     state text NOT NULL,
     attempt integer,
     duration_ms double precision,
     executor text,
     ended_at bigint NOT NULL,
     failure text,
     PRIMARY KEY (project, state, position)
   )`,
];

const others = [
  `CREATE TABLE read_models.observations (
     project text NOT NULL,
     definition_hash text NOT NULL,
     entry text NOT NULL,
     subject text NOT NULL,
     seen bigint NOT NULL,
     mean double precision NOT NULL,
     variance double precision NOT NULL,
     position bigint NOT NULL,
     PRIMARY KEY (project, definition_hash, entry, subject)
   )`,
  `CREATE TABLE read_models.workflows (
     project text NOT NULL,
     workflow_id text COLLATE "C" NOT NULL,
     version integer NOT NULL,
     human_name text NOT NULL,
     definition_hash text NOT NULL,
     deployed boolean NOT NULL,
     deployed_at bigint NOT NULL,
     PRIMARY KEY (project, workflow_id)
   )`,
  `CREATE TABLE read_models.actions (
     project text NOT NULL,
     action_id text COLLATE "C" NOT NULL,
     version text COLLATE "C" NOT NULL,
     content_hash text NOT NULL,
     manifest text NOT NULL,
     PRIMARY KEY (project, action_id, version)
   )`,
  `CREATE TABLE read_models.tallies (
     subject text NOT NULL,
     project text NOT NULL,
     state text NOT NULL,
     count bigint NOT NULL,
     PRIMARY KEY (subject, project, state)
   )`,
];

/**
 * Output of attempts, as it came. No read model: the log does not hold it, so it is never rebuilt. `content` is the
 * text's UTF-8, since output may hold U+0000.
 */
const logChunks = `
  CREATE TABLE log_chunks (
    project text NOT NULL,
    run_id text NOT NULL,
    execution text NOT NULL,
    attempt integer NOT NULL,
    byte_offset bigint NOT NULL,
    bytes integer NOT NULL,
    content bytea NOT NULL,
    is_end boolean NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (project, run_id, execution, attempt, byte_offset)
  )`;

/**
 * Which action each entry of a definition runs, by content: how estimates find what other definitions have shown of it.
 * Copied from definitions in the filestore as estimates need them; may be emptied at any time.
 */
const definitionEntries = [
  `CREATE TABLE definition_entries (
     definition_hash text NOT NULL,
     entry text NOT NULL,
     action_key text NOT NULL,
     PRIMARY KEY (definition_hash, entry)
   )`,
  `CREATE INDEX ON definition_entries (action_key)`,
];
