import type { Answer, Attempt, Beat, Report } from '@ryax/contracts';
import type { Member } from '@ryax/event-log';
import { ExecutorRegistry } from '../executors';
import type { Outbox } from '../outbox';
import { Reconciliation } from '../reconciliation';
import { WorkIndex, type TrackedAttempt } from '../work-index';
import { trackedAttempt } from './tracked-attempt';
import { alone } from './alone';

const validityMs = 5_000;
const patienceMs = 10_000;

/** What reconciliation sees: the world around one attempt that was handed out at 0, in monotonic and database time alike. */
export class World {
  readonly index = new WorkIndex();
  readonly executors = new ExecutorRegistry({ patienceMs, maxGapMs: 2_000 }, alone);
  readonly asked: Attempt[] = [];
  /** By routing key. */
  readonly askedOf: string[] = [];
  readonly askedAt: number[] = [];
  readonly cancels: { readonly execution: string; readonly force: boolean }[] = [];
  readonly verdicts: string[] = [];
  remembered: Member[] = [];
  now = 0;
  private readonly reconciliation = new Reconciliation(
    this.index,
    this.executors,
    { rememberedExecutors: () => Promise.resolve(this.remembered) },
    { monotonicMs: () => this.now, wallMs: () => 0 },
    { now: () => this.now },
    { startValidityMs: validityMs },
  );

  constructor(overrides: Partial<TrackedAttempt> = {}) {
    this.index.track(trackedAttempt(overrides));
  }

  get attempt(): TrackedAttempt | undefined {
    return this.index.attempt('run:default:r', 'x', 1);
  }

  /** Beats of the executors arrive each second, and our own with them, until the time given. */
  passUntil(ms: number, ...alive: string[]): void {
    for (; this.now < ms; this.now += 1_000) {
      this.executors.heardSelf(this.now);
      for (const incarnation of alive) this.executors.heard(beatOf(incarnation));
    }
  }

  /** An answer: to the start that was sent last and to the question that was asked last, unless told otherwise. */
  hear(answer: Answer['answer'], incarnation: string, to: { since?: number; asked_at?: number | null } = {}): void {
    const attempt = this.tracked();
    const asked_at = attempt.inquiry?.since ?? null;
    const about = { run_id: 'r', execution: 'x', attempt: 1, executor: 'host', incarnation };
    const said = { answer, ...about, since: attempt.since, asked_at, reason: '', ...to };
    this.reconciliation.heard(attempt, said);
  }

  /** A report: it does not say what it answers. */
  hearReport(report: Report['report'], incarnation: string): void {
    const about = { run_id: 'r', execution: 'x', attempt: 1, executor: 'host', incarnation };
    const extra = { started_ms_ago: 0, reason: '', duration_ms: 0, outcome: { status: 'cancelled' } };
    this.reconciliation.heard(this.tracked(), { report, ...about, ...extra } as Report);
  }

  suspectAll(): void {
    this.reconciliation.suspectAll();
  }

  async tick(): Promise<void> {
    const outbox = {
      query: (to: string, attempt: Attempt, askedAt: number) => {
        this.asked.push(attempt);
        this.askedOf.push(to);
        this.askedAt.push(askedAt);
      },
      cancel: (_site: string, attempt: { execution: string; force: boolean }) => this.cancels.push(attempt),
    };
    await this.reconciliation.tick(outbox as unknown as Outbox, {
      vanished: (_attempt, reason) => this.verdicts.push(`vanished: ${reason}`),
      emitAgain: () => this.verdicts.push('emitted again'),
    });
  }

  private tracked(): TrackedAttempt {
    const { attempt } = this;
    if (attempt === undefined) throw new Error('no attempt');
    return attempt;
  }
}

function beatOf(incarnation: string): Beat {
  return { executor: 'host', incarnation, site: 'local', pools: [], sent: 0, schema_max: 1 };
}

export function memberOf(incarnation: string, beatAt: number): Member {
  const row = { pools: '[]', poolKinds: '[]', wanted: '{}', schemaMax: 1, lock: null, keepsWork: false, sent: 0 };
  return { id: `host of ${incarnation}`, incarnation, kind: 'executor', site: 'local', beatAt, ...row };
}
