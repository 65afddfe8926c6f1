import type { Health } from '@ryax/platform';
import { waitFor } from '@ryax/testing';
import type { KubernetesLauncher } from '../../apps/executor/src/kubernetes';
import type { Adoption, AttemptEnd, Keeper, Launch, LogSink, RunningAttempt } from '../../apps/executor/src/launcher';
import { patienceMs } from './target';

/** What an executor does with its launcher: launches, adopts, forgets. */
export class TestExecutor implements Keeper {
  readonly adopted: Watched[] = [];
  /** Something waits for room in its pool. */
  hasWaiting = false;

  constructor(
    readonly incarnation: string,
    readonly launcher: KubernetesLauncher,
    readonly health: Health,
    readonly mayBegin: () => boolean,
  ) {}

  mayMakeAhead(): boolean {
    return !this.hasWaiting;
  }

  launch(launch: Launch): Watched {
    const log = new RecordedOutput();
    return new Watched(this.launcher.launch(launch, log), log, launch.runId);
  }

  adopt(adoption: Adoption): void {
    const log = new RecordedOutput();
    this.adopted.push(new Watched(adoption.begin(log), log, adoption.of.run_id, adoption));
  }

  /** Runs it to its end, and forgets it as if its outcome had been recorded. */
  async run(launch: Launch): Promise<{ readonly end: AttemptEnd; readonly log: RecordedOutput }> {
    const { running, log } = this.launch(launch);
    const end = await running.ended;
    if (end === 'left') throw new Error('Expected an end, found that it is not ours any more');
    this.forget(launch);
    return { end, log };
  }

  async outcomeOf(launch: Launch): Promise<AttemptEnd['outcome']> {
    return (await this.run(launch)).end.outcome;
  }

  exists({ project, runId, execution, attempt }: Launch): Promise<boolean> {
    return this.launcher.exists({ project, run_id: runId, execution, attempt });
  }

  forget({ project, runId, execution, attempt }: Launch): void {
    this.launcher.forget({ project, run_id: runId, execution, attempt });
  }

  /** Leaves. More than once does no harm. */
  close(): Promise<void> {
    return this.launcher.close();
  }
}

/** One attempt that an executor has. */
export class Watched {
  constructor(
    readonly running: RunningAttempt,
    readonly log: RecordedOutput,
    readonly runId: string,
    readonly adoption?: Adoption,
  ) {}

  async outcome(): Promise<AttemptEnd['outcome']> {
    const end = await this.running.ended;
    if (end === 'left') throw new Error('Expected an end, found that it is not ours any more');
    return end.outcome;
  }
}

/** The output of an attempt. */
export class RecordedOutput implements LogSink {
  text = '';

  write(bytes: Buffer): boolean {
    this.text += bytes.toString('utf8');
    return true;
  }

  drained(): Promise<void> {
    return Promise.resolve();
  }

  /** Without what the executor itself has noted. */
  get lines(): string[] {
    return this.text.split('\n').filter((line) => line !== '' && !line.startsWith('[ryax]'));
  }

  async has(text: string): Promise<void> {
    const describe = () => `the output to have "${text}", found "${this.text.slice(-200)}"`;
    await waitFor(() => this.text.includes(text), { timeoutMs: patienceMs, describe });
  }
}

/** What a shutdown may take where something holds it up: a moment for each such thing. */
export const soonMs = 15_000;

/** A broker that is away: what is written stays, and nobody takes it before {@link release}. */
export class HeldOutput extends RecordedOutput {
  release: () => void = () => undefined;
  private readonly released = new Promise<void>((resolve) => (this.release = resolve));

  override write(bytes: Buffer): boolean {
    super.write(bytes);
    return false;
  }

  override drained(): Promise<void> {
    return this.released;
  }
}
