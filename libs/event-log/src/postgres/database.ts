import { Client, DatabaseError, type QueryConfig, type QueryResultRow } from 'pg';
import type { DataSource, QueryRunner } from 'typeorm';
import { ConnectionLostError, DatabaseUnavailableError } from '../errors';
import type { Statement } from './sql';

/** One connection, with errors told apart. */
export interface Connection {
  /**
   * Asked for while others are under way, a statement is sent at once and done after them, in the order asked. Only within a
   * transaction, where what follows a statement that was refused is refused as well; and not twice under one name, which
   * would be prepared twice.
   */
  query<Row extends QueryResultRow>(statement: Statement, values?: readonly unknown[]): Promise<Row[]>;
}

/** A connection taken out of the pool until it is released. */
export interface HeldConnection extends Connection {
  /** Called once, when the connection has ended by itself. */
  onLost(listener: (cause: unknown) => void): void;
  /** Gives it back, or closes it when it broke or when the caller knows that it must not be used again. */
  release(options?: { readonly close: boolean }): Promise<void>;
}

/**
 * Statements on the pool of a DataSource. A statement goes to the pooled client itself and not through TypeORM's
 * `query`, which can neither prepare a statement under a name nor tell a refused statement from a lost connection.
 */
export class Database implements Connection {
  constructor(readonly dataSource: DataSource) {}

  /** One statement as its own transaction. */
  async query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    const connection = await this.hold();
    try {
      return await connection.query<Row>(statement, values);
    } finally {
      await connection.release();
    }
  }

  /** Commits what `work` did if it resolves to what `isWanted`, otherwise rolls back. */
  transaction<T>(
    work: (connection: Connection) => Promise<T>,
    isWanted: (result: T) => boolean = () => true,
  ): Promise<T> {
    return this.within(begin, work, isWanted);
  }

  /**
   * The same for what is derived from the log together with its checkpoint, and from nothing else: a crash of the database
   * may take back the last moments of it, both alike, and they are derived again. So nobody waits for the disk.
   */
  derived<T>(work: (connection: Connection) => Promise<T>): Promise<T> {
    return this.within(beginDerived, work, () => true);
  }

  private async within<T>(
    opening: Statement,
    work: (connection: Connection) => Promise<T>,
    isWanted: (result: T) => boolean,
  ): Promise<T> {
    const connection = await this.hold();
    let ended = false;
    try {
      await connection.query(opening);
      const result = await work(connection);
      await connection.query(isWanted(result) ? commit : rollback);
      ended = true;
      return result;
    } finally {
      // After a failure: closing rolls back, and cannot itself fail as a ROLLBACK could.
      await connection.release({ close: !ended });
    }
  }

  async hold(): Promise<HeldConnection> {
    const runner = this.dataSource.createQueryRunner();
    try {
      return new PooledConnection(runner, asClient(await runner.connect()));
    } catch (error) {
      await runner.release();
      throw new DatabaseUnavailableError(`Expected a connection to the database, found: ${messageOf(error)}`, {
        cause: error,
      });
    }
  }
}

const begin: Statement = { name: 'begin', text: 'BEGIN' };
/** Without a name: two statements in one go cannot be prepared. */
const beginDerived: Statement = { name: '', text: 'BEGIN; SET LOCAL synchronous_commit TO off' };
const commit: Statement = { name: 'commit', text: 'COMMIT' };
const rollback: Statement = { name: 'rollback', text: 'ROLLBACK' };

class PooledConnection implements HeldConnection {
  private broken = false;
  private stopWatching: (() => void) | undefined;

  constructor(
    private readonly runner: QueryRunner,
    private readonly client: Client,
  ) {}

  async query<Row extends QueryResultRow>(statement: Statement, values: readonly unknown[] = []): Promise<Row[]> {
    try {
      return (await this.client.query<Row>(queryConfig(statement, values))).rows;
    } catch (error) {
      throw this.classify(error, statement);
    }
  }

  onLost(listener: (cause: unknown) => void): void {
    const onEnd = () => listener(undefined);
    this.client.once('error', listener).once('end', onEnd);
    this.stopWatching = () => this.client.off('error', listener).off('end', onEnd);
  }

  async release(options = { close: false }): Promise<void> {
    this.stopWatching?.();
    // The pool drops a client that is ending. Not awaited: a dead peer would never answer, and the pool awaits it.
    if (this.broken || options.close) void this.client.end();
    await this.runner.release();
  }

  /** A statement that the server refused has rolled back for certain; after anything else nothing is known. */
  private classify(error: unknown, statement: Statement): unknown {
    if (error instanceof DatabaseError && !endsConnection(error)) {
      const reason = transientReason(error.code ?? '');
      if (reason === undefined) return error;
      return new DatabaseUnavailableError(`Expected ${statement.name} to run, found: ${reason}`, { cause: error });
    }
    this.broken = true;
    return new ConnectionLostError(`Expected an answer to ${statement.name}, found: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * The last words of a connection can follow a commit: they refuse nothing. By SQLSTATE (connection exceptions, operator
 * intervention, idle in transaction), too, because the severity comes in the server's language.
 */
function endsConnection({ severity, code = '' }: DatabaseError): boolean {
  return severity === 'FATAL' || severity === 'PANIC' || /^(08|57P|25P03)/.test(code);
}

/** SQLSTATEs, or their class, after which the same statement may succeed. */
const transientRefusals = new Map([
  ['25006', 'a read-only database, as during a fail-over'],
  ['40', 'a transaction that was rolled back in favour of another'],
  ['53', 'a server out of memory, disk or connections'],
  ['55P03', 'a lock that was not to be had in time'],
  ['57014', 'a statement that was cancelled or took too long'],
  ['58', 'a failure of the system under the database'],
]);

function transientReason(code: string): string | undefined {
  return transientRefusals.get(code) ?? transientRefusals.get(code.slice(0, 2));
}

/** pg takes a time limit for each query, too, which its types do not know. */
function queryConfig({ name, text, answerWithinMs }: Statement, values: readonly unknown[]): QueryConfig {
  const config = { name, text, values: [...values] };
  return answerWithinMs === undefined ? config : Object.assign(config, { query_timeout: answerWithinMs });
}

function asClient(connection: unknown): Client {
  if (connection instanceof Client) return connection;
  throw new TypeError('Expected the DataSource to pool clients of pg, found something else');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
