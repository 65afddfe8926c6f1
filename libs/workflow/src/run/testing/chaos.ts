import * as fc from 'fast-check';
import { limits, type FailureKind, type Outcome } from '@ryax/contracts';
import type { RunMessage } from '../run-aggregate';
import { isOpen } from '../state';
import { nextWakeup } from '../timers';
import type { RunDriver } from './run-driver';

/** One thing that happens to a run; `pick` chooses among what there is at that moment. */
export type Step =
  | { readonly type: 'hand-out'; readonly pick: number; readonly count: number }
  | { readonly type: 'started'; readonly pick: number }
  | { readonly type: 'ended'; readonly pick: number; readonly outcome: 'succeeded' | 'cancelled' | FailureKind }
  | { readonly type: 'vanished'; readonly pick: number }
  | { readonly type: 'repeat'; readonly pick: number }
  | { readonly type: 'pass-time'; readonly ms: number }
  | { readonly type: 'cancel'; readonly force: boolean };

const pick = fc.nat({ max: 1_000 });
const outcome = fc.constantFrom<('succeeded' | 'cancelled' | FailureKind)[]>(
  ...([
    'succeeded',
    'succeeded',
    'succeeded',
    'succeeded',
    'crash',
    'lost',
    'user',
    'image',
    'timeout',
    'cancelled',
  ] as const),
);

function kind<T extends string, R extends object>(
  weight: number,
  type: T,
  more: { [K in keyof R]: fc.Arbitrary<R[K]> },
) {
  return { weight, arbitrary: fc.record(more).map((rest) => ({ type, ...rest })) };
}

const step: fc.Arbitrary<Step> = fc.oneof(
  kind(20, 'hand-out', { pick, count: fc.integer({ min: 1, max: 4 }) }),
  kind(4, 'started', { pick }),
  kind(25, 'ended', { pick, outcome }),
  kind(2, 'vanished', { pick }),
  kind(4, 'repeat', { pick }),
  kind(6, 'pass-time', { ms: fc.integer({ min: 0, max: 4_000 }) }),
  kind(1, 'cancel', { force: fc.boolean() }),
);

/** Whatever may happen while a run is under way, in any order. */
export const steps: fc.Arbitrary<Step[]> = fc.array(step, { maxLength: 80, size: 'max' });

/** Lets it happen. Every message is remembered, so that it may come again at any time. */
export class Chaos {
  private readonly sent: RunMessage[] = [];

  constructor(readonly run: RunDriver) {}

  apply(what: Step): void {
    switch (what.type) {
      case 'hand-out':
        return this.handOut(what.pick, what.count);
      case 'started':
        return this.toOutstanding(what.pick, (of) => ({ type: 'started', ...of, executor: 'e1', startedMsAgo: 1 }));
      case 'ended':
        return this.toOutstanding(what.pick, (of) => ({
          type: 'ended',
          ...of,
          executor: 'e1',
          durationMs: 5,
          outcome: outcomeOf(what.outcome, of.execution),
        }));
      case 'vanished':
        return this.toOutstanding(what.pick, (of) => ({ type: 'vanished', ...of, reason: 'its node is gone' }));
      case 'repeat': {
        const message = this.sent[what.pick % Math.max(1, this.sent.length)];
        if (message !== undefined) this.run.handle(message);
        return;
      }
      case 'pass-time':
        this.run.wakeAt(this.run.now + what.ms);
        return;
      case 'cancel':
        this.send({
          type: 'cancel',
          command: { run_id: 'r1', reason: 'enough', force: what.force, requested_by: null },
        });
        return;
      default:
        return what satisfies never;
    }
  }

  /** From here on everything goes well: what is ready is run, what is asked to stop says so, timers fire. */
  drain(): void {
    for (let round = 0; isOpen(this.run.state) && round < 10_000; round++) {
      this.run.handOut(...this.run.ready());
      for (const { execution, cancelling } of this.run.attempts()) {
        if (cancelling === null) this.run.succeed(execution, outputsOf(execution));
        else this.run.confirmCancelled(execution);
      }
      const wakeup = nextWakeup(this.run.state);
      if (this.run.ready().length === 0 && wakeup !== null) this.run.wakeAt(Math.max(this.run.now, wakeup));
    }
  }

  private send(message: RunMessage): void {
    this.sent.push(message);
    this.run.handle(message);
  }

  private handOut(from: number, count: number): void {
    const ready = this.run.ready();
    if (ready.length === 0) return;
    const chosen = Array.from({ length: count }, (_, index) => ready[(from + index) % ready.length] ?? '');
    this.send({ type: 'hand-out', executions: chosen.map((execution) => ({ execution, site: 's', pool: 'default' })) });
  }

  private toOutstanding(at: number, message: (of: { execution: string; attempt: number }) => RunMessage): void {
    const attempts = this.run.attempts();
    const chosen = attempts[at % Math.max(1, attempts.length)];
    if (chosen !== undefined) this.send(message({ execution: chosen.execution, attempt: chosen.attempt }));
  }
}

/** The same for every attempt of an execution, so that orders can be compared; of some, too large to stay in state. */
export function outputsOf(execution: string): { of: string } {
  return { of: execution.length % 2 === 0 ? execution : execution.padEnd(limits.stateValueBytes + 1) };
}

function outcomeOf(kind: 'succeeded' | 'cancelled' | FailureKind, execution: string): Outcome {
  if (kind === 'succeeded') return { status: 'succeeded', outputs: outputsOf(execution) };
  if (kind === 'cancelled') return { status: 'cancelled' };
  return { status: 'failed', failure: { kind, message: `${execution}: ${kind}` } };
}
