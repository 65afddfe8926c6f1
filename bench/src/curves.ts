import type { EngineOptions, EngineUnderTest } from './engine';
import { ourName, type EnginePlan, type Planned } from './plan';
import type { Mode } from './rows';
import type { Size } from './workload';
import { throughputWorkload, type Load } from './workloads/throughput';

interface Points {
  readonly runs: readonly number[];
  readonly actions: readonly number[];
  readonly replicas: readonly number[];
  readonly partitions: readonly number[];
  /** Of each point of the curves that are not about the number of runs. */
  readonly steps: number;
}

const pointsOf: Readonly<Record<Size, Points>> = {
  full: {
    runs: [500, 1_000, 5_000, 20_000],
    actions: [1, 3, 30, 300],
    replicas: [1, 2, 4],
    partitions: [4, 16, 64],
    steps: 9_000,
  },
  quick: { runs: [500, 1_000], actions: [1, 3, 30], replicas: [1, 2], partitions: [4, 16], steps: 1_800 },
  smoke: { runs: [5, 10], actions: [1, 3], replicas: [1, 2], partitions: [4, 16], steps: 30 },
};
const shortRun = 3;

/**
 * What a step costs, in CPU of everything and in wall time, as one thing grows and all else stays as it is: the number of runs, the
 * actions of each (of as many steps in all), runners, partitions.
 */
export function curvePlan(mode: Mode, size: Size): EnginePlan[] {
  const { runs, actions, replicas, partitions, steps } = pointsOf[size];
  const fixed = { runs: steps / shortRun, steps: shortRun };
  const one = (workload: string, load: Load, options: EngineOptions): EnginePlan => ({
    options,
    workloads: [point(workload, load)],
  });
  const shared: EnginePlan = {
    options: {},
    workloads: [
      ...actions.map((count) => point(`actions=${count}`, { runs: Math.ceil(steps / count), steps: count })),
      ...runs.map((count) => point(`runs=${count}`, { runs: count, steps: shortRun })),
    ],
  };
  // One process has one runner.
  const scaled =
    mode === 'standalone'
      ? []
      : replicas.map((count) => one(`runners=${count}`, fixed, { replicas: `runner=${count}` }));
  return [shared, ...scaled, ...partitions.map((count) => one(`partitions=${count}`, fixed, { partitions: count }))];
}

function point(what: string, load: Load): Planned {
  const workload = `curve ${what}`;
  const run = (engine: EngineUnderTest) => throughputWorkload(engine, 'noop', load);
  return { code: 'curve', workload, system: ourName, step: 'noop', run };
}
