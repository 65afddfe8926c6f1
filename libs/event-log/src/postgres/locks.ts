import type { Log } from '@ryax/platform';
import type { Lock, Locks } from '../locks';
import type { Database, HeldConnection } from './database';
import type { Statement } from './sql';

/** How soon the holder of a lock must find that the database does not answer any more. */
export interface LockCheck {
  readonly everyMs: number;
  readonly answerWithinMs: number;
}

/**
 * Advisory locks, each on a connection of its own: the database frees a lock by itself when its connection ends. A
 * connection that has silently died is found by asking it.
 */
export class PostgresLocks implements Locks {
  constructor(
    private readonly database: Database,
    private readonly log: Log,
    private readonly check: LockCheck = { everyMs: 2_000, answerWithinMs: 3_000 },
  ) {}

  async tryAcquire(name: string): Promise<Lock | undefined> {
    const connection = await this.database.hold();
    try {
      const [row] = await connection.query<{ acquired: boolean }>(acquire, [name]);
      if (row?.acquired) return new PostgresLock(name, connection, this.log, this.check);
    } catch (error) {
      await connection.release({ close: true });
      throw error;
    }
    await connection.release();
    return undefined;
  }
}

class PostgresLock implements Lock {
  private readonly abort = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private asking: Promise<void> = Promise.resolve();
  private ended: Promise<void> | undefined;

  constructor(
    private readonly name: string,
    private readonly connection: HeldConnection,
    private readonly log: Log,
    private readonly check: LockCheck,
  ) {
    connection.onLost((cause) => this.lose(cause));
    this.askLater();
  }

  get lost(): AbortSignal {
    return this.abort.signal;
  }

  release(): Promise<void> {
    this.ended ??= this.unlock();
    return this.ended;
  }

  private async unlock(): Promise<void> {
    clearTimeout(this.timer);
    await this.asking;
    let unlocked = false;
    try {
      await this.connection.query(release, [this.name]);
      unlocked = true;
    } catch (error) {
      this.log.warn('A lock is left to end with its connection', { lock: this.name, error });
    } finally {
      await this.connection.release({ close: !unlocked });
    }
  }

  private askLater(): void {
    this.timer = setTimeout(() => (this.asking = this.ask()), this.check.everyMs).unref();
  }

  private async ask(): Promise<void> {
    try {
      await this.connection.query({ ...ping, answerWithinMs: this.check.answerWithinMs });
      if (!this.ended) this.askLater();
    } catch (error) {
      this.lose(error);
    }
  }

  private lose(cause: unknown): void {
    if (this.ended) return;
    clearTimeout(this.timer);
    this.ended = this.connection.release({ close: true });
    this.log.warn('Lost a lock with its connection', { lock: this.name, error: cause });
    this.abort.abort(new Error(`Expected to hold lock ${this.name}, found its connection lost`, { cause }));
  }
}

/** SQL: the number by which PostgreSQL knows the lock of this name. */
export function lockKey(name: string): string {
  return `hashtextextended('ryax/lock/' || ${name}, 0)`;
}

/** SQL: the keys of all locks that are held in this database, by whichever process. A key is shown there in two halves. */
export const heldLocks = `
      SELECT (classid::bigint << 32) | objid::bigint AS key
        FROM pg_locks
       WHERE locktype = 'advisory' AND objsubid = 1 AND granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`;

const acquire: Statement = {
  name: 'acquire-lock',
  text: `SELECT pg_try_advisory_lock(${lockKey('$1')}) AS acquired`,
};

const release: Statement = {
  name: 'release-lock',
  text: `SELECT pg_advisory_unlock(${lockKey('$1')})`,
};

const ping: Statement = { name: 'ping', text: `SELECT 1` };
