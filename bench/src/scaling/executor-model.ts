import type { RunnerItem, ExecutionModel } from './runner-model';
import type { Simulation } from './simulation';
import { Station, type Host } from './station';
import type { Costs } from './unit-costs';

export interface ExecutorParts {
  readonly simulation: Simulation;
  readonly costs: Costs;
  readonly slots: number;
  readonly serviceS: () => number;
  /** The API server of the executor's cluster, where pods are made. */
  readonly cluster: Station;
  readonly podS: number;
  /** Sends a packed report to a partition; says when the broker has it. */
  readonly report: (partition: number, items: readonly RunnerItem[], confirmed: () => void) => void;
}

/** Packs on their way to one partition before more gathers. */
const packsInFlight = 4;

/** An executor: one thread that takes starts and sends reports, and slots in which executions take their time. */
export class ExecutorModel {
  readonly thread: Station;
  readonly slots: Station;
  private readonly lanes = new Map<number, Lane>();

  constructor(
    private readonly parts: ExecutorParts,
    host?: Host,
  ) {
    this.thread = new Station(parts.simulation, 1, host);
    this.slots = new Station(parts.simulation, parts.slots);
  }

  receive(executions: readonly ExecutionModel[], started: (execution: ExecutionModel) => void): void {
    const { costs, cluster, podS } = this.parts;
    const { executorUsPerMessage, executorUsPerItem } = costs;
    this.thread.serve((executorUsPerMessage + executions.length * executorUsPerItem) / 1e6, () => {
      for (const execution of executions) {
        if (podS === 0) this.execute(execution, started);
        else cluster.serve(podS, () => this.execute(execution, started));
      }
    });
  }

  /** What the runner tells of executions that it need not hear of again. */
  settle(): void {
    this.thread.serve(this.parts.costs.executorUsPerMessage / 1e6, () => undefined);
  }

  private execute(execution: ExecutionModel, started: (execution: ExecutionModel) => void): void {
    started(execution);
    this.slots.serve(this.parts.serviceS(), () => {
      const { partition } = execution.run;
      let lane = this.lanes.get(partition);
      if (lane === undefined) this.lanes.set(partition, (lane = { items: [], inFlight: 0, isDue: false }));
      lane.items.push({ type: 'ended', execution });
      this.flushSoon(partition, lane);
    });
  }

  /** At the end of the turn: what one message has brought about travels together. */
  private flushSoon(partition: number, lane: Lane): void {
    if (lane.isDue || lane.inFlight >= packsInFlight) return;
    lane.isDue = true;
    this.parts.simulation.after(0, () => {
      lane.isDue = false;
      const items = lane.items.splice(0);
      if (items.length === 0) return;
      lane.inFlight++;
      this.thread.serve(this.parts.costs.executorUsPerMessage / 1e6, () => {
        this.parts.report(partition, items, () => {
          lane.inFlight--;
          if (lane.items.length > 0) this.flushSoon(partition, lane);
        });
      });
    });
  }
}

interface Lane {
  readonly items: RunnerItem[];
  inFlight: number;
  isDue: boolean;
}
