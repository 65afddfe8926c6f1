import type { EngineUnderTest, EngineOptions } from './engine';
import type { Figure } from './rows';
import type { Step } from './definitions';
import type { Size } from './workload';
import { chainWorkload } from './workloads/chain';
import { fanWorkload } from './workloads/fan';
import { startWorkload } from './workloads/start';
import { throughputWorkload } from './workloads/throughput';

/** One workload in one form, on an engine that is fresh or has done the ones before it. */
export interface Planned {
  /** `W1` to `W9`: what `--only` names. */
  readonly code: string;
  readonly workload: string;
  readonly system: string;
  readonly run: (engine: EngineUnderTest) => Promise<readonly Figure[]>;
  /** It needs an engine of its own: one that it kills, or with other slots. */
  readonly engine?: EngineOptions;
}

export const ourName = 'ryax';
const systems: Readonly<Record<Step, string>> = { noop: ourName, handler: `${ourName} (nodejs handler)` };
const loads = { full: [1_000, 5_000], quick: [1_000, 5_000], smoke: [20] } as const;

/** What peers can be asked for, too. */
export function pairedPlan(size: Size, step: Step): Planned[] {
  const system = systems[step];
  return [
    { code: 'W1', workload: 'W1', system, run: (engine) => chainWorkload(engine, step, size) },
    ...loads[size].map((runs) => ({
      code: 'W2',
      workload: `W2 ${runs}`,
      system,
      run: (engine: EngineUnderTest) => throughputWorkload(engine, step, runs),
    })),
    { code: 'W3', workload: 'W3', system, run: (engine) => fanWorkload(engine, step, size) },
    { code: 'W4', workload: 'W4', system, run: (engine) => startWorkload(engine, step, size) },
  ];
}
