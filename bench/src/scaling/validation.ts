import { simulateCapacity } from './capacity';
import { oneMachine, scales } from './scenario';
import { measuredReference, type Costs } from './unit-costs';

export interface Compared {
  readonly figure: string;
  readonly measured: number;
  readonly simulated: number;
}

/** The benchmark's W2, simulated with the same machine and callers, beside what was measured. */
export function compareWithMeasured(costs: Costs): Compared[] {
  const [first] = scales;
  if (first === undefined) return [];
  const { runsAtOnce, stepsPerS, cpuUsPerStep, harnessUsPerStep } = measuredReference;
  const load = { ...first.load, stepsPerS: 10 * stepsPerS, runsAtOnce };
  const { parts, reachedStepsPerS } = simulateCapacity({ name: 'W2', load, deployment: oneMachine }, costs);
  const { coresPerDatabase, coresPerBroker, sharedCores } = oneMachine;
  const cores = new Map([
    ['log database', coresPerDatabase],
    ['broker nodes', coresPerBroker],
  ]);
  const cpu = (part: string) => {
    const utilisation = parts.find((each) => each.part === part)?.utilisation ?? 0;
    return (1e6 * utilisation * (cores.get(part) ?? 1)) / reachedStepsPerS;
  };
  // The callers' own work takes its part of the same cores.
  const withCallers = 1e6 / (1e6 / reachedStepsPerS + harnessUsPerStep / sharedCores);
  return [
    { figure: 'W2 5000, steps/s', measured: stepsPerS, simulated: withCallers },
    ...Object.entries(cpuUsPerStep).map(([part, measured]) => ({
      figure: `CPU µs a step: ${part}`,
      measured,
      simulated: cpu(part),
    })),
  ];
}
