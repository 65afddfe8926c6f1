import { advanceReader, type Connection, type Database, type Readers, type Tail } from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import type { LogReader, StepOutcome } from '../tail/log-reader';
import { projectionReader, Projections } from './projections';
import { liveSchema, shadowSchema, type ReadModelSchema } from './schema';

/** Raised with every change of what the projector makes of the same events: the read models are then built anew. */
export const readModelVersion = 1;

const tables = ['runs', 'run_labels', 'executions', 'observations', 'workflows', 'actions', 'tallies'];

/**
 * Builds the read models anew from position 0, beside the live ones, which go on serving and following; then swaps them
 * in one short transaction. Starts when the version that they were built by is not ours, goes on after a crash where it
 * stopped, and does nothing once they agree.
 *
 * The version is the comment on the schema, and so is swapped with it. To force a rebuild, `COMMENT ON SCHEMA
 * read_models IS '0'` and restart the active replica.
 */
export class Rebuild implements LogReader {
  readonly name = `${projectionReader}.rebuild`;
  readonly restMs = 0;
  private shadow: Projections | undefined;

  constructor(
    private readonly tail: Tail,
    private readonly readers: Readers,
    private readonly database: Database,
    private readonly log: Log,
  ) {}

  async resume(): Promise<void> {
    this.shadow = undefined;
    const built = await builtVersion(this.database, liveSchema);
    if (built === readModelVersion) return;
    await this.database.transaction((connection) => this.prepare(connection));
    const { tail, readers, database, name } = this;
    this.shadow = new Projections(tail, readers, database, undefined, name, shadowSchema);
    await this.shadow.resume();
    this.log.info('Rebuilding the read models', { from_version: built, to_version: readModelVersion });
  }

  async step(): Promise<StepOutcome> {
    if (this.shadow === undefined) return 'idle';
    const outcome = await this.shadow.step();
    if (outcome === 'moved' || outcome === 'full') return outcome;
    // The live ones may have moved on meanwhile: then there is more to fold first.
    if (!(await this.database.transaction((connection) => this.swap(connection)))) return 'moved';
    this.shadow = undefined;
    this.log.info('Rebuilt the read models', { version: readModelVersion });
    return 'idle';
  }

  /** Keeps what an interrupted rebuild to the same version has done. */
  private async prepare(connection: Connection): Promise<void> {
    if ((await builtVersion(connection, shadowSchema)) === readModelVersion) return;
    await connection.query(ddl(`DROP SCHEMA IF EXISTS ${shadowSchema} CASCADE`));
    await connection.query(ddl(`CREATE SCHEMA ${shadowSchema}`));
    await connection.query(ddl(`COMMENT ON SCHEMA ${shadowSchema} IS '${readModelVersion}'`));
    for (const table of tables) {
      await connection.query(ddl(`CREATE TABLE ${shadowSchema}.${table} (LIKE ${liveSchema}.${table} INCLUDING ALL)`));
    }
    await connection.query(forget, [this.name]);
  }

  /** Checkpoint before tables, in the order of a projection's transaction: otherwise the two could deadlock. */
  private async swap(connection: Connection): Promise<boolean> {
    const [live, rebuilt] = [await position(connection, projectionReader), await position(connection, this.name)];
    if (rebuilt < live || !(await advanceReader(connection, projectionReader, live, rebuilt))) return false;
    await connection.query(forget, [this.name]);
    await connection.query(ddl(`DROP SCHEMA ${liveSchema} CASCADE`));
    await connection.query(ddl(`ALTER SCHEMA ${shadowSchema} RENAME TO ${liveSchema}`));
    return true;
  }
}

/** The version of the projector that fills a schema; undefined when there is no such schema. */
async function builtVersion(connection: Connection, schema: ReadModelSchema): Promise<number | undefined> {
  const [row] = await connection.query<{ version: string | null }>(selectVersion, [schema]);
  return row && Number(row.version ?? 0);
}

async function position(connection: Connection, reader: string): Promise<number> {
  const [row] = await connection.query<{ position: string }>(selectPosition, [reader]);
  return Number(row?.position ?? 0);
}

const selectVersion = {
  name: 'rebuild.version',
  text: `SELECT obj_description(oid, 'pg_namespace') AS version FROM pg_namespace WHERE nspname = $1`,
};

const selectPosition = { name: 'rebuild.position', text: `SELECT position FROM readers WHERE name = $1` };
const forget = { name: 'rebuild.forget', text: `DELETE FROM readers WHERE name = $1` };

/** Not prepared: runs once. */
function ddl(text: string) {
  return { name: '', text };
}
