import type { Outcome, Prewarm } from '@ryax/contracts';
import { attemptName, type Addressed } from '../attempt-name';
import type { AttemptEnd, KeptWork, Keeper, Launch, Launcher, LogSink, RunningAttempt } from '../launcher';

/** Work that runs until the test ends it. A cancel is noted, and ends it only when the test says so, or by force. */
export class FakeWork implements RunningAttempt {
  readonly ended: Promise<AttemptEnd | 'left'>;
  readonly cancels: ('asked' | 'forced')[] = [];
  private reject: (error: Error) => void = () => undefined;
  private resolve: (end: AttemptEnd | 'left') => void = () => undefined;

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

  /** Somebody else answers for it from now on. */
  leave(): void {
    this.resolve('left');
  }

  /** What a launcher promises never to do. */
  break(error: Error): void {
    this.reject(error);
  }
}

/** Work that outlives its executor, as the test says. */
export class FakeKept implements KeptWork {
  /** Whom a runner has said to live, each time. */
  readonly said: (readonly string[])[] = [];
  /** Names of attempts whose work is there. */
  readonly there = new Set<string>();
  readonly forgotten: string[] = [];
  /** Names of attempts whose outcome the broker has, each time. */
  readonly safe: string[] = [];
  /** Names of attempts that were looked for, each time. */
  readonly lookedFor: string[] = [];
  /** The cluster does not answer yet. */
  isLooking: Promise<void> = Promise.resolve();
  keeper: Keeper | undefined;
  letGo: () => void = () => undefined;
  /** What there is has not been found yet. */
  isOpening: Promise<void> = Promise.resolve();

  async open(keeper: Keeper): Promise<void> {
    await this.isOpening;
    this.keeper = keeper;
  }

  alive(incarnations: readonly string[]): void {
    this.said.push(incarnations);
  }

  async exists(attempt: Omit<Addressed, 'reply_partition'>): Promise<boolean> {
    this.lookedFor.push(attemptName(attempt));
    const isThere = this.there.has(attemptName(attempt));
    await this.isLooking;
    return isThere;
  }

  reported(attempt: Omit<Addressed, 'reply_partition'>): void {
    this.safe.push(attemptName(attempt));
  }

  forget(attempt: Omit<Addressed, 'reply_partition'>): void {
    this.forgotten.push(attemptName(attempt));
  }

  leave(): Promise<void> {
    this.letGo();
    return Promise.resolve();
  }
}

export class FakeLauncher implements Launcher {
  readonly works: FakeWork[] = [];
  closed = false;
  /** What was to be made warm, where it makes anything. */
  readonly wanted: Prewarm[] = [];
  readonly prewarm: ((wanted: Prewarm) => void) | undefined;

  constructor(
    readonly kept?: FakeKept,
    makesAhead = false,
  ) {
    if (kept !== undefined) kept.letGo = () => this.works.forEach((work) => work.leave());
    this.prewarm = makesAhead ? (wanted) => this.wanted.push(wanted) : undefined;
  }

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
