import { Fifo } from '../../../libs/broker/src/fifo';
import type { LogModel } from './log-model';
import type { Simulation } from './simulation';
import { Meter, Station, type Host } from './station';
import type { Costs } from './unit-costs';

export interface RunModel {
  readonly partition: number;
  readonly arrivedAt: number;
  readonly isCounted: boolean;
  readonly width: number;
  unscheduled: number;
  outstanding: number;
}

/** A message for the runner: a run to start, or an execution that has ended. */
export type RunnerItem =
  { readonly type: 'start'; readonly run: RunModel } | { readonly type: 'ended'; readonly execution: ExecutionModel };

export interface ExecutionModel {
  readonly run: RunModel;
  readonly isFirst: boolean;
  /** When the event that hands it out was committed. */
  scheduledAt: number;
  executor: number;
}

/** What one turn has brought about once it is committed. */
export interface Committed {
  readonly items: readonly RunnerItem[];
  readonly scheduled: readonly ExecutionModel[];
  readonly endedRuns: readonly RunModel[];
}

/**
 * A runner: one thread, one turn after the other. A turn takes what waits, decides it and appends it in one statement, for
 * which it waits; messages are taken and sent beside it on the same thread.
 */
export class RunnerModel {
  readonly thread: Station;
  /** Whether a turn is under way: full when turns follow each other, even where the thread waits for the log. */
  readonly turn: Meter;
  readonly batches: number[] = [];
  private readonly inbox = new Fifo<RunnerItem>();
  private isDeciding = false;

  constructor(
    simulation: Simulation,
    private readonly log: LogModel,
    private readonly costs: Costs,
    private readonly committed: (turn: Committed) => void,
    host?: Host,
  ) {
    this.thread = new Station(simulation, 1, host);
    this.turn = new Meter(simulation);
  }

  receive(items: readonly RunnerItem[]): void {
    this.thread.serve(this.costs.runnerUsPerMessage / 1e6, () => {
      for (const item of items) this.inbox.push(item);
      if (!this.isDeciding) this.decide();
    });
  }

  /** What waits, up to the most that is decided in one turn. */
  private takeBatch(): RunnerItem[] {
    const items: RunnerItem[] = [];
    while (items.length < this.costs.runnerBatchItems) {
      const item = this.inbox.shift();
      if (item === undefined) break;
      items.push(item);
    }
    return items;
  }

  private decide(): void {
    const items = this.takeBatch();
    if (items.length === 0) return;
    this.isDeciding = true;
    this.turn.enter();
    this.batches.push(items.length);
    const { runnerUsPerCycle, runnerUsPerItem } = this.costs;
    this.thread.serve((runnerUsPerCycle + items.length * runnerUsPerItem) / 1e6, () => {
      const scheduled: ExecutionModel[] = [];
      const endedRuns: RunModel[] = [];
      const events = items.reduce((sum, item) => sum + decideItem(item, scheduled, endedRuns), 0);
      this.log.append(events, () => {
        this.turn.leave();
        this.isDeciding = false;
        this.committed({ items, scheduled, endedRuns });
        this.decide();
      });
    });
  }
}

/** Answers the number of events: a run has one at its start and end, an execution when it is handed out and when it ends. */
function decideItem(item: RunnerItem, scheduled: ExecutionModel[], endedRuns: RunModel[]): number {
  const run = item.type === 'start' ? item.run : item.execution.run;
  const before = scheduled.length;
  if (item.type === 'ended') run.outstanding--;
  while (run.unscheduled > 0 && run.outstanding < run.width) {
    run.unscheduled--;
    run.outstanding++;
    scheduled.push({ run, isFirst: item.type === 'start', scheduledAt: 0, executor: 0 });
  }
  const hasEnded = run.outstanding === 0;
  if (hasEnded) endedRuns.push(run);
  return 1 + scheduled.length - before + (hasEnded ? 1 : 0);
}
