import {
  advanceReader,
  DatabaseUnavailableError,
  type Connection,
  type Database,
  type Readers,
  type Tail,
} from '@ryax/event-log';
import type { Log } from '@ryax/platform';
import { ReaderMovedError, type LogReader, type StepOutcome } from '../tail/log-reader';
import { projectionReader, Projections } from './projections';
import { liveSchema, shadowSchema, type ReadModelSchema } from './schema';

/** Raised with every change of what the projector makes of the same events: the read models are then built anew. */
export const readModelVersion = 1;

const rebuildReader = `${projectionReader}.rebuild`;
const tables = ['runs', 'run_labels', 'executions', 'observations', 'workflows', 'actions', 'tallies'];

/** How often one that has nothing to do looks whether somebody wants a rebuild. */
const lookEveryMs = 5_000;
/** Readers wait for the swap for so long at most; then it lets them through, and tries again. */
const swapWithinMs = 200;

/**
 * Builds the read models anew from position 0, beside the live ones, which go on serving and following; then swaps them
 * in one short transaction. Starts when the version that they were built by is not ours, goes on after a crash where it
 * stopped, and does nothing once they agree.
 *
 * The version is the comment on the schema, and so is swapped with it. Another than ours asks for a rebuild: that of an older
 * version, or none, which {@link requestRebuild} writes.
 */
export class Rebuild implements LogReader {
  readonly name = rebuildReader;
  readonly restMs = 0;
  private shadow: Projections | undefined;
  private lookedAt = -Infinity;

  constructor(
    private readonly tail: Tail,
    private readonly readers: Readers,
    private readonly database: Database,
    private readonly log: Log,
    /** The live ones are others now, at the same checkpoint perhaps. */
    private readonly onSwapped: () => void = () => undefined,
  ) {}

  async resume(): Promise<void> {
    this.shadow = undefined;
    await this.look();
  }

  /** With the next step, instead of some seconds later. */
  lookSoon(): void {
    this.lookedAt = -Infinity;
  }

  private async look(): Promise<void> {
    this.lookedAt = performance.now();
    const built = await builtVersion(this.database, liveSchema);
    if (built === readModelVersion) return;
    await this.database.transaction((connection) => this.prepare(connection));
    const { tail, readers, database, name } = this;
    this.shadow = new Projections(tail, readers, database, undefined, name, shadowSchema);
    await this.shadow.resume();
    this.log.info('Rebuilding the read models', { from_version: built, to_version: readModelVersion });
  }

  async step(): Promise<StepOutcome> {
    if (this.shadow === undefined && performance.now() - this.lookedAt >= lookEveryMs) await this.look();
    if (this.shadow === undefined) return 'idle';
    const outcome = await this.shadow.step();
    if (outcome === 'moved' || outcome === 'full') return outcome;
    // The live ones may have moved on meanwhile: then there is more to fold first.
    if (!(await this.trySwap())) return 'moved';
    this.shadow = undefined;
    this.onSwapped();
    this.log.info('Rebuilt the read models', { version: readModelVersion });
    return 'idle';
  }

  /** Keeps what an interrupted rebuild to the same version has done. */
  private async prepare(connection: Connection): Promise<void> {
    if ((await builtVersion(connection, shadowSchema)) !== readModelVersion) await this.createShadow(connection);
    await connection.query(stand, [this.name]);
  }

  private async createShadow(connection: Connection): Promise<void> {
    await connection.query(ddl(`DROP SCHEMA IF EXISTS ${shadowSchema} CASCADE`));
    await connection.query(ddl(`CREATE SCHEMA ${shadowSchema}`));
    await connection.query(ddl(`COMMENT ON SCHEMA ${shadowSchema} IS '${readModelVersion}'`));
    for (const table of tables) {
      await connection.query(ddl(`CREATE TABLE ${shadowSchema}.${table} (LIKE ${liveSchema}.${table} INCLUDING ALL)`));
    }
    await connection.query(forget, [this.name]);
  }

  /** A reader that uses one of several tables when we have locked another would wait for us, and we for it. */
  private async trySwap(): Promise<boolean> {
    try {
      return await this.database.transaction((connection) => this.swap(connection));
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      this.log.info('The read models were in use; they are swapped a moment later', { error });
      return false;
    }
  }

  /**
   * Checkpoints before tables, in the order of a projection's transaction: otherwise the two could deadlock. Ours first: another
   * who believes to be the active one may be at a page of the new tables, and they would be ahead of the checkpoint that we
   * read before its commit.
   */
  private async swap(connection: Connection): Promise<boolean> {
    const [row] = await connection.query<{ position: string }>(lockPosition, [this.name]);
    if (row === undefined) throw new ReaderMovedError(this.name, 0);
    const [live, rebuilt] = [await position(connection, projectionReader), Number(row.position)];
    if (rebuilt < live || (await advanceReader(connection, projectionReader, live, rebuilt)) === undefined)
      return false;
    await connection.query(ddl(`SET LOCAL lock_timeout = ${swapWithinMs}`));
    await connection.query(ddl(`LOCK TABLE ${tables.map((table) => `${liveSchema}.${table}`).join(', ')}`));
    await connection.query(forget, [this.name]);
    await connection.query(ddl(`DROP SCHEMA ${liveSchema} CASCADE`));
    await connection.query(ddl(`ALTER SCHEMA ${shadowSchema} RENAME TO ${liveSchema}`));
    return true;
  }
}

/** Asks whichever replica is active for a rebuild; one that is under way is not begun again. */
export async function requestRebuild(database: Database): Promise<void> {
  await database.query(ddl(`COMMENT ON SCHEMA ${liveSchema} IS '0'`));
}

export interface RebuildProgress {
  readonly isRebuilding: boolean;
  readonly position: number;
}

export async function readProgress(connection: Connection): Promise<RebuildProgress> {
  const isRebuilding = (await builtVersion(connection, liveSchema)) !== readModelVersion;
  return { isRebuilding, position: await position(connection, isRebuilding ? rebuildReader : projectionReader) };
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
const lockPosition = { name: 'rebuild.lock', text: `SELECT position FROM readers WHERE name = $1 FOR UPDATE` };
/** A row from the beginning, so that there is one to lock. */
const stand = {
  name: 'rebuild.stand',
  text: `INSERT INTO readers (name, position) VALUES ($1, 0) ON CONFLICT (name) DO NOTHING`,
};
const forget = { name: 'rebuild.forget', text: `DELETE FROM readers WHERE name = $1` };

/** Not prepared: runs once. */
function ddl(text: string) {
  return { name: '', text };
}

/** Of PostgreSQL, where a table or its schema is gone between the planning of a statement and its execution. */
const lostTable = /^(42P01|3F000|XX000)$/;

/** Whether a read failed because the tables that it was about to read were swapped; it may be repeated. */
export function hasLostItsTables(error: unknown): boolean {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' && lostTable.test(error.code);
}
