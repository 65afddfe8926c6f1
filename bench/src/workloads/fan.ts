import { checkRuns } from '../checks';
import { fan, type Step } from '../definitions';
import type { EngineUnderTest } from '../engine';
import { median, type Figure } from '../rows';
import { metered, runOne, type Size } from '../workload';

const widths = { full: 1_000, quick: 1_000, smoke: 10 } as const;
const repeats = { full: 5, quick: 3, smoke: 1 } as const;

/** W3: one run that forks into many actions at once and joins them again. The median of a few. */
export async function fanWorkload(engine: EngineUnderTest, step: Step, size: Size): Promise<Figure[]> {
  const width = widths[size];
  const graph = fan(`w3-${step}`, width, step);
  await engine.client.deploy(graph.definition);
  await runOne(engine, graph.id);
  const work = async () => {
    const done: { runId: string; ms: number }[] = [];
    for (let repeat = 0; repeat < repeats[size]; repeat++) done.push(await runOne(engine, graph.id));
    return done;
  };
  return metered(engine, repeats[size] * (width + 2), work, async (done) => {
    await checkRuns(
      engine.log,
      graph,
      done.map(({ runId }) => runId),
    );
    return [{ metric: 'total_ms', unit: 'ms', value: median(done.map(({ ms }) => ms)) }];
  });
}
