import type { Clock } from '@ryax/platform';

/**
 * For how long a server was not reached that is asked again and again: since it failed first, without the time in which something got on.
 * That it did is no answer: what stands between may take a lot for a server that is not there, but does not go on taking it.
 */
export class UnreachedTime {
  private totalMs = 0;
  private failedAtMs: number | undefined;
  /** In the try that goes on. */
  private moving: { readonly fromMs: number; readonly toMs: number } | undefined;

  constructor(private readonly clock: Pick<Clock, 'monotonicMs'>) {}

  /** The server has answered: what was before does not count any more. */
  answered(): void {
    this.totalMs = 0;
    this.failedAtMs = undefined;
    this.moving = undefined;
  }

  /** So much went through that it gets on. */
  readonly gotOn = (): void => {
    const nowMs = this.clock.monotonicMs();
    this.moving = { fromMs: this.moving?.fromMs ?? nowMs, toMs: nowMs };
  };

  /** Another try has failed. Answers for how long it was not reached by now. */
  failed(): number {
    const nowMs = this.clock.monotonicMs();
    const movingMs = this.moving === undefined ? 0 : this.moving.toMs - this.moving.fromMs;
    if (this.failedAtMs !== undefined) this.totalMs += nowMs - this.failedAtMs - movingMs;
    this.failedAtMs = nowMs;
    this.moving = undefined;
    return this.totalMs;
  }
}
