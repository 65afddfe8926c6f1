import type { Owner } from '@ryax/platform';
import { pause, Wakes } from '../tail/wakes';

/** Something that grows and is waited for: a stream's version, a log's length. */
export interface HeadWatcherOptions<Key> {
  readonly name: string;
  readonly nameOf: (key: Key) => string;
  /** How far each of these has grown, by name; one statement for all of them. Absent ones count as 0. */
  readonly readHeads: (keys: readonly Key[]) => Promise<ReadonlyMap<string, number>>;
  /** Beyond it nobody waits: the answer comes at once, and the asker asks again. */
  readonly maxWaiters?: number;
}

interface Waiter<Key> {
  readonly key: Key;
  readonly seen: number;
  readonly done: (ending: WaitEnding) => void;
}

/** `refused`: nobody may wait now; asking again at once would spin. */
export type WaitEnding = 'grown' | 'timeout' | 'refused';

/** Without any hint; a hint comes with each wake of the log and each stored chunk. */
const pollMs = 1_000;
/** Hints may come thousands of times a second. */
const restMs = 20;
const defaultMaxWaiters = 2_000;

/**
 * Lets many askers wait for their streams to grow at the cost of one statement for all of them: on a hint, and each
 * second. Costs nothing while nobody waits.
 */
export class HeadWatcher<Key> {
  private readonly waiters = new Set<Waiter<Key>>();
  private readonly hints = new Wakes();
  private isWatching = false;
  private isClosed = false;

  constructor(
    private readonly options: HeadWatcherOptions<Key>,
    private readonly owner: Owner,
  ) {}

  get waiting(): number {
    return this.waiters.size;
  }

  /** Resolves when the key has grown beyond `seen`, after `waitMs`, or at once when too many wait. Never rejects. */
  async waitBeyond(key: Key, seen: number, waitMs: number): Promise<WaitEnding> {
    const { maxWaiters = defaultMaxWaiters } = this.options;
    if (this.isClosed || this.waiters.size >= maxWaiters) return 'refused';
    return new Promise((resolve) => {
      const done = (ending: WaitEnding) => {
        clearTimeout(timer);
        this.waiters.delete(waiter);
        resolve(ending);
      };
      const timer = setTimeout(() => done('timeout'), waitMs);
      const waiter = { key, seen, done };
      this.waiters.add(waiter);
      // It may have grown between the caller's look and now.
      this.hint();
      if (!this.isWatching) this.owner.run(this.options.name, (signal) => this.watch(signal));
    });
  }

  /** Something has grown; nobody says what. */
  hint(): void {
    if (this.waiters.size > 0) this.hints.wake();
  }

  /** Ends every wait, now and from now on: their askers get what there is. */
  close(): void {
    this.isClosed = true;
    for (const { done } of [...this.waiters]) done('refused');
    this.hints.wake();
  }

  /** Runs as long as somebody waits. */
  private async watch(signal: AbortSignal): Promise<void> {
    this.isWatching = true;
    try {
      while (this.waiters.size > 0 && !signal.aborted) {
        const seen = this.hints.last;
        await this.check();
        await pause(restMs, signal);
        await this.hints.sleep(seen, pollMs, signal);
      }
    } finally {
      this.isWatching = false;
    }
  }

  private async check(): Promise<void> {
    const waiters = [...this.waiters];
    const heads = await this.readHeads(waiters);
    for (const { key, seen, done } of waiters) {
      if ((heads.get(this.options.nameOf(key)) ?? 0) > seen) done('grown');
    }
  }

  private async readHeads(waiters: readonly Waiter<Key>[]): Promise<ReadonlyMap<string, number>> {
    const keys = new Map(waiters.map(({ key }) => [this.options.nameOf(key), key]));
    try {
      return await this.options.readHeads([...keys.values()]);
    } catch {
      // The database is away: whoever waits finds out by reading, at the latest when the wait has passed.
      return new Map();
    }
  }
}
