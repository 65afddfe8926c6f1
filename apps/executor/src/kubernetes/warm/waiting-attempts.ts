import type { Failure } from '@ryax/contracts';
import type { LogSink } from '../../launcher';
import type { WarmAttempt } from './warm-attempt';

interface Entry {
  readonly attempt: WarmAttempt;
  readonly key: string;
}

/** Attempts that have no pod yet. */
export class WaitingAttempts {
  private readonly entries = new Map<string, Entry>();

  /** @param key of the pods that it may have */
  add(id: string, attempt: WarmAttempt, key: string): void {
    this.entries.set(id, { attempt, key });
  }

  /** It waits no more. */
  take(id: string): WarmAttempt | undefined {
    const entry = this.entries.get(id);
    this.entries.delete(id);
    return entry?.attempt;
  }

  fail(id: string, failure: Failure): void {
    this.take(id)?.fail(failure);
  }

  leave(): void {
    for (const { attempt } of this.entries.values()) attempt.leave();
    this.entries.clear();
  }

  /** What holds up a pod is told to all that wait for one of its kind. */
  logsOf(key: string): LogSink {
    return {
      write: (bytes) => {
        for (const entry of this.entries.values()) if (entry.key === key) entry.attempt.say(bytes);
        return true;
      },
      drained: () => Promise.resolve(),
    };
  }
}
