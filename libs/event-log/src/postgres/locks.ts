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
  private released: Promise<void> | undefined;

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

  /** Closes the connection: that frees the lock, whatever state the connection is in. */
  release(): Promise<void> {
    clearTimeout(this.timer);
    this.released ??= this.connection.release({ close: true });
    return this.released;
  }

  private askLater(): void {
    this.timer = setTimeout(() => void this.ask(), this.check.everyMs).unref();
  }

  private async ask(): Promise<void> {
    try {
      await this.connection.query({ ...ping, answerWithinMs: this.check.answerWithinMs });
      if (!this.released) this.askLater();
    } catch (error) {
      this.lose(error);
    }
  }

  private lose(cause: unknown): void {
    if (this.released || this.lost.aborted) return;
    this.log.warn('Lost a lock with its connection', { lock: this.name, error: cause });
    this.abort.abort(new Error(`Expected to hold lock ${this.name}, found its connection lost`, { cause }));
    this.release().catch((error: unknown) => this.log.warn('A lost connection did not close', { error }));
  }
}

const acquire: Statement = {
  name: 'acquire-lock',
  text: `SELECT pg_try_advisory_lock(hashtextextended('ryax/lock/' || $1, 0)) AS acquired`,
};

const ping: Statement = { name: 'ping', text: `SELECT 1` };
