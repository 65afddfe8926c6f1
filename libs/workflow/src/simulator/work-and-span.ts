import type { Plan, PlanEntry, ScopePlan } from '../definition/plan';
import { poolNameOf } from '../placement';

/**
 * What a plan costs whatever the order: its work by pool, and its span, the longest chain that no number of slots makes
 * shorter. A greedy schedule on m slots takes no less than max(span, work / m) and no more than their sum (Graham,
 * "Bounds on Multiprocessing Timing Anomalies", 1969), which is as much as can be told of a plan too large to simulate.
 */
export interface WorkAndSpan {
  readonly spanMs: number;
  readonly workMsByPool: ReadonlyMap<string, number>;
  readonly executions: number;
}

export interface TaskCosts {
  readonly durationMs: (entry: PlanEntry) => number;
  /** Elements of an entry's `for_each`. */
  readonly count: (entry: PlanEntry) => number;
}

export function workAndSpan(plan: Plan, costs: TaskCosts): WorkAndSpan {
  const total = new Totals(plan, costs);
  const spanMs = total.scope(plan.main, 1) + total.scope(plan.finally, 1);
  return { spanMs, workMsByPool: total.workMsByPool, executions: total.executions };
}

class Totals {
  readonly workMsByPool = new Map<string, number>();
  executions = 0;

  constructor(
    private readonly plan: Plan,
    private readonly costs: TaskCosts,
  ) {}

  /** Adds a scope that is walked `times` times, and gives the span of one walk. */
  scope(scope: ScopePlan, times: number): number {
    const ends = new Map<number, number>();
    let span = 0;
    for (const number of scope.entries) {
      const entry = this.plan.entries[number];
      if (entry === undefined) continue;
      const begin = entry.dependencies.reduce((latest, dependency) => Math.max(latest, ends.get(dependency) ?? 0), 0);
      const end = begin + this.entry(entry, times);
      ends.set(number, end);
      span = Math.max(span, end);
    }
    return span;
  }

  private entry(entry: PlanEntry, times: number): number {
    const count = entry.forEach === null ? 1 : this.costs.count(entry);
    const rounds = entry.forEach === null ? 1 : Math.ceil(count / entry.forEach.concurrency);
    const span = entry.content === null ? this.action(entry, times * count) : this.scope(entry.content, times * count);
    return rounds * span;
  }

  private action(entry: PlanEntry, times: number): number {
    const durationMs = this.costs.durationMs(entry);
    this.executions += times;
    if (entry.action?.type !== 'builtin') {
      const pool = poolNameOf(entry.demand.lane);
      this.workMsByPool.set(pool, (this.workMsByPool.get(pool) ?? 0) + times * durationMs);
    }
    return durationMs;
  }
}

/** The least and the most that a greedy schedule takes. */
export function scheduleBounds(
  { spanMs, workMsByPool }: WorkAndSpan,
  slots: (pool: string) => number,
): [number, number] {
  let least = spanMs;
  let most = spanMs;
  for (const [pool, workMs] of workMsByPool) {
    const share = workMs / Math.max(1, slots(pool));
    least = Math.max(least, share);
    most += share;
  }
  return [least, most];
}
