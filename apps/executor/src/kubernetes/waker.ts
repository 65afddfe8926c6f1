import { longestTimerMs, type Clock } from '@ryax/platform';

/** Waits until it is woken, or for a time. Only one waits at once. */
export class Waker {
  private resolve: () => void = () => undefined;

  constructor(
    private readonly clock: Pick<Clock, 'monotonicMs'>,
    /** Wakes, too, when it is aborted. */
    private readonly signal: AbortSignal,
  ) {}

  readonly wake = (): void => this.resolve();

  async until(monotonicMs: number): Promise<void> {
    const { clock, signal, wake } = this;
    const ms = Math.min(longestTimerMs, Math.max(0, Math.ceil(monotonicMs - clock.monotonicMs())));
    let timer: NodeJS.Timeout | undefined;
    try {
      await new Promise<void>((resolve) => {
        this.resolve = resolve;
        timer = setTimeout(resolve, ms);
        signal.addEventListener('abort', wake, { once: true });
      });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      this.resolve = () => undefined;
    }
  }
}
