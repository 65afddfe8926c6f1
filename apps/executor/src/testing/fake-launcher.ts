import type { Outcome } from '@ryax/contracts';
import type { Launch, Launcher, LogSink, RunningAttempt } from '../launcher';

/** Work that runs until the test ends it. A cancel is noted, and ends it only when the test says so, or by force. */
export class FakeWork implements RunningAttempt {
  readonly ended: Promise<{ readonly outcome: Outcome; readonly durationMs: number }>;
  readonly cancels: ('asked' | 'forced')[] = [];
  private reject: (error: Error) => void = () => undefined;
  private resolve: (end: { readonly outcome: Outcome; readonly durationMs: number }) => void = () => undefined;

  constructor(
    readonly launch: Launch,
    readonly sink: LogSink,
  ) {
    this.ended = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  cancel(force: boolean): void {
    this.cancels.push(force ? 'forced' : 'asked');
    if (force) this.end({ status: 'cancelled' });
  }

  end(outcome: Outcome = { status: 'succeeded', outputs: {} }, durationMs = 5): void {
    this.resolve({ outcome, durationMs });
  }

  /** What a launcher promises never to do. */
  break(error: Error): void {
    this.reject(error);
  }
}

export class FakeLauncher implements Launcher {
  readonly works: FakeWork[] = [];
  closed = false;

  launch(launch: Launch, sink: LogSink): RunningAttempt {
    const work = new FakeWork(launch, sink);
    this.works.push(work);
    return work;
  }

  /** The newest work of an execution. */
  work(execution: string): FakeWork {
    const found = this.works.findLast(({ launch }) => launch.execution === execution);
    if (found === undefined) throw new Error(`Expected ${execution} to be launched, found ${this.launched.join(', ')}`);
    return found;
  }

  get launched(): string[] {
    return this.works.map(({ launch }) => launch.execution);
  }

  close(): Promise<void> {
    this.closed = true;
    for (const work of this.works) work.end({ status: 'cancelled' });
    return Promise.resolve();
  }
}
