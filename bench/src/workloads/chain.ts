import { checkRuns } from '../checks';
import { chain, type Step } from '../definitions';
import type { EngineUnderTest } from '../engine';
import { percentile, type Figure } from '../rows';
import { metered, runOne, type Size } from '../workload';

const sizes = {
  full: { noop: 10, handler: 10, steps: 100 },
  quick: { noop: 10, handler: 5, steps: 100 },
  smoke: { noop: 1, handler: 1, steps: 5 },
} as const;

/** W1: how long one step takes when nothing else happens. One run after the other, each a chain. */
export async function chainWorkload(engine: EngineUnderTest, step: Step, size: Size): Promise<Figure[]> {
  const { [step]: runs, steps } = sizes[size];
  const graph = chain(`w1-${step}`, steps, step);
  await engine.client.deploy(graph.definition);
  await runOne(engine, graph.id);
  const work = async () => {
    const runIds: string[] = [];
    for (let run = 0; run < runs; run++) runIds.push((await runOne(engine, graph.id)).runId);
    return runIds;
  };
  return metered(engine, runs * steps, work, async (runIds) => {
    await checkRuns(engine.log, graph, runIds);
    const events = await engine.log.events(runIds);
    const perStep = runIds.map((runId) => {
      const times = events.filter((event) => event.runId === runId).map(({ recordedAt }) => recordedAt);
      return (Math.max(...times) - Math.min(...times)) / steps;
    });
    return [{ metric: 'ms_per_step', unit: 'ms', value: percentile(perStep, 50) }];
  });
}
