import type { Failure, Outcome } from '@ryax/contracts';
import type { Clock } from '@ryax/platform';
import type { AttemptEnd, LogSink, RunningAttempt } from '../../launcher';
import { note } from '../../process/attempt';
import type { HandlerLaunch } from '../action/handler-task';

/** Of ours in an attempt's log while it waits. */
const mostNotes = 20;

/** One attempt that gets a warm pod: while it waits for one, and then as it runs there. */
export class WarmAttempt implements RunningAttempt {
  readonly ended: Promise<AttemptEnd | 'left'>;
  readonly sinceMs: number;
  private readonly lines = new Set<string>();
  private running: RunningAttempt | undefined;
  private isOver = false;
  private resolve: (end: AttemptEnd | 'left') => void = () => undefined;

  /** @param withdraw it does not wait for a pod any more */
  constructor(
    readonly launch: HandlerLaunch,
    readonly sink: LogSink,
    private readonly clock: Clock,
    private readonly withdraw: () => void,
  ) {
    this.sinceMs = clock.monotonicMs();
    this.ended = new Promise((resolve) => (this.resolve = resolve));
  }

  cancel(force: boolean): void {
    if (this.running !== undefined) return this.running.cancel(force);
    if (this.isOver) return;
    this.withdraw();
    this.end({ status: 'cancelled' });
  }

  /** What holds up the pod that it waits for; each line once. */
  say(text: Buffer): void {
    const line = text
      .toString('utf8')
      .replace(/^\[ryax\] /, '')
      .trimEnd();
    if (this.running !== undefined || this.lines.has(line) || this.lines.size >= mostNotes) return;
    this.lines.add(line);
    note(this.sink, line);
  }

  /** It has its pod. */
  runs(running: RunningAttempt): void {
    this.running = running;
    void running.ended.then((end) => this.finish(end));
  }

  /** There will be no pod for it. */
  fail(failure: Failure): void {
    this.end({ status: 'failed', failure });
  }

  /** This executor leaves: whoever asks for it is told that nobody has it. */
  leave(): void {
    if (this.running === undefined) this.finish('left');
  }

  private end(outcome: Outcome): void {
    this.finish({ outcome, durationMs: this.clock.monotonicMs() - this.sinceMs });
  }

  private finish(end: AttemptEnd | 'left'): void {
    this.isOver = true;
    this.resolve(end);
  }
}
