import { backoffMs, wait, type Backoff, type Log } from '@ryax/platform';
import type { DeadLetter, DeadLetterHandler } from './broker';
import { saidOf } from './cloud-events/decode';

/** Letters in hand at once: a body may be many times what a message of ours may be, and all are in memory. */
export const deadLettersInHand = 5;
/** And handed out together: whoever keeps them has a copy or two. One is always handed out. */
const bytesTogether = 8 * 1024 * 1024;
const retryBackoff: Backoff = { initialMs: 200, maxMs: 5_000 };

/**
 * The half of reading `ryax.dead` that is the same over every transport. Nothing is judged, counted or parked here: whoever
 * reads keeps what it is given, or is given it again, in the same order, for as long as it takes.
 */
export class DeadLetterLoop<Taken extends { readonly letter: DeadLetter }> {
  private waiting: Taken[] = [];
  private handling: Promise<void> | undefined;
  private readonly stopping = new AbortController();

  constructor(
    private readonly handler: DeadLetterHandler,
    /** They are kept elsewhere now. */
    private readonly settle: (taken: readonly Taken[]) => void,
    private readonly log: Log,
  ) {}

  accept(taken: Taken): void {
    this.waiting.push(taken);
    this.handling ??= this.handleAll();
  }

  /** The connection is gone: what was not settled comes again over the next one. */
  discard(): void {
    this.waiting = [];
  }

  /** Hands out nothing more; resolves when the handler has ended, at the latest after the grace period. */
  async stop(graceMs: number): Promise<void> {
    this.stopping.abort();
    const patience = new AbortController();
    await Promise.race([this.handling, wait(graceMs, patience.signal).catch(() => undefined)]);
    patience.abort();
  }

  /** Never rejects. */
  private async handleAll(): Promise<void> {
    // After the turn, so that all that was read from the socket in it is one batch.
    await Promise.resolve();
    const { signal } = this.stopping;
    for (let failures = 0; this.waiting.length > 0 && !signal.aborted;) {
      const batch = firstOf(this.waiting);
      try {
        await this.handler(batch.map(({ letter }) => letter));
        failures = 0;
        this.waiting = this.waiting.filter((taken) => !batch.includes(taken));
        this.settle(batch);
      } catch (error) {
        this.log.warn('Dead letters could not be taken yet', { count: batch.length, error });
        await wait(backoffMs(failures++, retryBackoff), signal).catch(() => undefined);
      }
    }
    this.handling = undefined;
  }
}

function firstOf<Taken extends { readonly letter: DeadLetter }>(waiting: readonly Taken[]): readonly Taken[] {
  let bytes = 0;
  const tooMany = waiting.findIndex(({ letter }) => (bytes += letter.content.length) > bytesTogether);
  return tooMany === -1 ? [...waiting] : waiting.slice(0, Math.max(1, tooMany));
}

/** What a message says of itself, as far as it can be read: it may be none of ours, or nothing at all. */
export interface MessageAddress {
  readonly id: string | null;
  readonly type: string | null;
  readonly source: string | null;
  readonly subject: string | null;
}

export function addressOf(letter: Pick<DeadLetter, 'contentType' | 'headers' | 'content'>): MessageAddress {
  const said = saidOf(letter);
  const text = (name: string) => (typeof said[name] === 'string' ? said[name] : null);
  return { id: text('id'), type: text('type'), source: text('source'), subject: text('subject') };
}
