import { setTimeout as wait } from 'node:timers/promises';
import { answerWithin } from '@ryax/platform';
import { NotPossibleError } from './faults/ongoing';
import type { Tried } from './report';
import type { Label } from './roster';
import { describeFault, type Fault, type FaultKind, type Planned } from './schedule';

export interface StormParts {
  /** Makes a fault; answers what ends it, where it does not end by itself. */
  readonly inject: (fault: Fault) => Promise<(() => Promise<void>) | undefined>;
  /** A fault of another kind than these, if there is one. */
  readonly spare: (without: ReadonlySet<FaultKind>) => Planned | undefined;
  readonly say: (line: string) => void;
  /** So long a fault may take to begin, and to end: what it does to servers may leave it waiting for ever for an answer. */
  readonly patienceMs: number;
}

/**
 * Makes the faults one after the other. One that lasts does not hold up the next, unless that is for the same process: so
 * several go on at once, in the order of the schedule. For each that could not be made another is tried, once.
 */
export class Storm {
  readonly tried: Tried[] = [];
  /** Faults begun, with that which is being begun. */
  begun = 0;
  private readonly busy = new Map<Label, Promise<void>>();
  private readonly lasting = new Set<Promise<void>>();

  constructor(private readonly parts: StormParts) {}

  async run(planned: readonly Planned[], signal: AbortSignal): Promise<void> {
    for (const each of planned) await this.make(each, signal);
    await Promise.all(this.lasting);
    const missing = this.tried.filter(({ outcome }) => outcome !== 'made');
    for (let number = planned.length + 1; number <= planned.length + missing.length; number++) {
      const impossible = this.tried.filter(({ outcome }) => outcome === 'not possible').map(({ kind }) => kind);
      const spare = this.parts.spare(new Set(impossible));
      if (spare !== undefined) await this.make({ ...spare, number }, signal);
    }
    await Promise.all(this.lasting);
  }

  private async make({ number, fault, pauseMs }: Planned, signal: AbortSignal): Promise<void> {
    await wait(pauseMs, undefined, { signal });
    const target = targetOf(fault);
    if (target !== undefined) await this.busy.get(target);
    this.begun++;
    const from = Date.now();
    this.parts.say(`${String(number).padStart(4)}  ${describeFault(fault)}`);
    try {
      const end = await answerWithin(this.parts.patienceMs, () => this.parts.inject(fault));
      if (end === undefined || !('holdMs' in fault)) this.note(fault, from, 'made');
      else this.last(target, this.hold(fault, from, fault.holdMs, end));
    } catch (error) {
      this.note(fault, from, 'not begun', error as Error);
    }
  }

  /** Only what could be ended, too, was made: copies that were not sent, for one, have hurt nobody. */
  private async hold(fault: Fault, from: number, holdMs: number, end: () => Promise<void>): Promise<void> {
    await wait(holdMs);
    try {
      await answerWithin(this.parts.patienceMs, end);
      this.note(fault, from, 'made');
    } catch (error) {
      this.note(fault, from, 'not ended', error as Error);
    }
  }

  private note(fault: Fault, from: number, outcome: Tried['outcome'], error?: Error): void {
    const made = { kind: fault.kind, from, to: Date.now() };
    if (error === undefined) {
      this.tried.push({ ...made, outcome });
      return;
    }
    const told = error instanceof NotPossibleError ? 'not possible' : outcome;
    const reason = error.message;
    this.parts.say(`      ${describeFault(fault)}: ${told}: ${reason}`);
    this.tried.push({ ...made, outcome: told, reason });
  }

  private last(target: Label | undefined, holding: Promise<void>): void {
    const over = holding.finally(() => {
      this.lasting.delete(over);
      if (target !== undefined && this.busy.get(target) === over) this.busy.delete(target);
    });
    this.lasting.add(over);
    if (target !== undefined) this.busy.set(target, over);
  }
}

function targetOf(fault: Fault): Label | undefined {
  return 'target' in fault ? fault.target : undefined;
}
