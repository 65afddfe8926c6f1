import { checkRuns } from '../checks';
import { chain, type Step } from '../definitions';
import type { EngineUnderTest } from '../engine';
import { inFlight, submitsInFlight } from '../rest-client';
import type { Figure } from '../rows';
import { allEnded, metered } from '../workload';

const stepsPerRun = 3;

/** W2: many short runs, submitted one by one as fast as they are accepted, until all of them have ended. */
export async function throughputWorkload(engine: EngineUnderTest, step: Step, runs: number): Promise<Figure[]> {
  const graph = chain(`w2-${step}`, stepsPerRun, step);
  await engine.client.deploy(graph.definition);
  return metered(engine, runs * stepsPerRun, async () => {
    const began = performance.now();
    const runIds = await inFlight(runs, submitsInFlight, () => engine.client.start(graph.id));
    const acceptedMs = performance.now() - began;
    await allEnded(engine);
    const totalMs = performance.now() - began;
    await checkRuns(engine.log, graph, runIds);
    return [
      { metric: 'steps_per_s', unit: 'steps/s', value: (runs * stepsPerRun * 1000) / totalMs },
      { metric: 'runs_per_s', unit: 'runs/s', value: (runs * 1000) / totalMs },
      { metric: 'accepted_per_s', unit: 'runs/s', value: (runs * 1000) / acceptedMs },
    ];
  });
}
