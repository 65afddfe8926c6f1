import type { Clock } from '@ryax/platform';

/** A server that comes up, or whose own checks fail, refuses for a moment what it then takes again. */
const passingMs = 2_000;

/** Why one kind of request to the cluster cannot be made, where somebody has to see to it. Its answers to others say nothing of that. */
export class Trouble {
  /** Since when it was rejected, and nothing else. */
  private rejectedSinceMs: number | undefined;

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    private why?: string,
  ) {}

  /** Undefined where there is none. */
  get reason(): string | undefined {
    return this.why;
  }

  over(): void {
    this.why = undefined;
    this.rejectedSinceMs = undefined;
  }

  /** What is rejected for longer than a moment is rejected until somebody gives a right or credentials; all else passes by itself. */
  failed(why: string, isRejected: boolean): void {
    const nowMs = this.clock.monotonicMs();
    this.rejectedSinceMs = isRejected ? (this.rejectedSinceMs ?? nowMs) : undefined;
    const isLasting = this.rejectedSinceMs !== undefined && nowMs - this.rejectedSinceMs >= passingMs;
    if (isLasting || this.why !== undefined) this.why = why;
  }
}
