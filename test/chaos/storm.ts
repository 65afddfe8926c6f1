import { setTimeout as wait } from 'node:timers/promises';
import type { Cluster } from './cluster';
import { inject, NotPossibleError } from './faults';
import type { Made } from './report';
import type { Label } from './roster';
import { describeFault, type Fault, type Planned } from './schedule';

/**
 * Makes the faults one after the other. One that lasts does not hold up the next, unless that is for the same process: so
 * several go on at once, in the order of the schedule.
 */
export class Storm {
  readonly made: Made[] = [];
  private readonly busy = new Map<Label, Promise<void>>();
  private readonly lasting = new Set<Promise<void>>();

  constructor(
    private readonly cluster: Cluster,
    private readonly say: (line: string) => void,
  ) {}

  async run(planned: readonly Planned[], signal: AbortSignal): Promise<void> {
    for (const each of planned) {
      await wait(each.pauseMs, undefined, { signal });
      await this.make(each);
    }
    await Promise.all(this.lasting);
  }

  private async make({ number, fault }: Planned): Promise<void> {
    const target = targetOf(fault);
    if (target !== undefined) {
      await this.busy.get(target);
      await this.cluster.replica(target).waitUntilRunning();
    }
    const from = Date.now();
    this.say(`${String(number).padStart(4)}  ${describeFault(fault)}`);
    try {
      const end = await inject(this.cluster, fault);
      if (end === undefined || !('holdMs' in fault)) {
        this.made.push({ kind: fault.kind, from, to: Date.now() });
        return;
      }
      this.last(fault, target, this.hold(fault.kind, from, fault.holdMs, end));
    } catch (error) {
      if (!(error instanceof NotPossibleError)) throw error;
      this.say(`      not possible here: ${error.message}`);
      this.made.push({ kind: fault.kind, from, to: from, notPossible: error.message });
    }
  }

  private async hold(kind: Fault['kind'], from: number, holdMs: number, end: () => Promise<void>): Promise<void> {
    await wait(holdMs);
    await end().finally(() => this.made.push({ kind, from, to: Date.now() }));
  }

  private last(fault: Fault, target: Label | undefined, holding: Promise<void>): void {
    const over = holding
      .catch((error: unknown) => {
        this.say(`      ${describeFault(fault)} could not be ended: ${String(error)}`);
      })
      .finally(() => {
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
