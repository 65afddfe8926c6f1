import { streamId, type RunEvent } from '@ryax/contracts';
import { createTestDatabase } from '@ryax/testing';
import { Projections } from '../projections/projections';
import { Rebuild } from '../projections/rebuild';
import { liveSchema, type ReadModelSchema } from '../projections/schema';
import { createWorld, silentLog, type World } from './stores';
import {
  cancelRequested,
  failed,
  runFailed,
  runStarted,
  runSucceeded,
  scheduled,
  succeeded,
  workflowDeployed,
} from './written-streams';

/** The tables of a schema of read models. */
export const readModelTables = ['runs', 'run_labels', 'executions', 'observations', 'workflows', 'actions', 'tallies'];

/** The read models of a world of its own. */
export class ReadModels {
  private constructor(readonly world: World) {}

  static async create(): Promise<ReadModels> {
    return new ReadModels(await createWorld(await createTestDatabase()));
  }

  projections(): Projections {
    const { tail, readers, database } = this.world.eventLog;
    return new Projections(tail, readers, database);
  }

  async catchUp(reader: Projections): Promise<void> {
    await reader.resume();
    await this.goOn(reader);
  }

  /** As {@link catchUp}, with what it knows of the batches before. */
  async goOn(reader: Projections): Promise<void> {
    while ((await reader.step()) === 'moved');
  }

  /** Every row of every read model, in an order of its own. */
  async contents(schema: ReadModelSchema = liveSchema): Promise<Record<string, readonly string[]>> {
    const read = async (table: string) => {
      const rows = await this.world.database.query<{ row: string }>(
        `SELECT t::text AS row FROM ${schema}.${table} t ORDER BY 1`,
      );
      return [table, rows.map(({ row }) => row)] as const;
    };
    return Object.fromEntries(await Promise.all(readModelTables.map(read)));
  }

  /** Some of everything, in several transactions. */
  async writeSomething(prefix: string): Promise<void> {
    const { streams } = this.world;
    await streams.append(streamId('workflow', 'default', `${prefix}w`), workflowDeployed(`${prefix}w`, 1));
    await streams.run(`${prefix}1`, runStarted(`${prefix}1`, { labels: { team: 'a', odd: '\0' } }), scheduled('fit.0'));
    await streams.run(`${prefix}2`, runStarted(`${prefix}2`), collectionOpened('fit', 3));
    await streams.run(
      `${prefix}1`,
      succeeded('fit.0', { duration_ms: 10 }),
      succeeded('fit.1', { duration_ms: 30 }),
      runSucceeded(),
    );
    await streams.run(`${prefix}2`, failed('fit.0'), cancelRequested(), runFailed());
    await streams.append(streamId('workflow', 'default', `${prefix}w`), workflowDeployed(`${prefix}w`, 2));
  }

  /** What a rebuild makes of the whole log; it takes the place of the live ones. */
  async rebuilt(): Promise<Record<string, readonly string[]>> {
    await this.world.database.query(`COMMENT ON SCHEMA read_models IS '0'`);
    const { tail, readers, database } = this.world.eventLog;
    const rebuild = new Rebuild(tail, readers, database, silentLog);
    await rebuild.resume();
    while ((await rebuild.step()) === 'moved');
    return this.contents();
  }
}

export function collectionOpened(execution: string, count: number): RunEvent {
  return { type: 'CollectionOpened', data: { execution, count } };
}
