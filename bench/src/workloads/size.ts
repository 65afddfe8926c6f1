import { checkRuns } from '../checks';
import { layers, type Graph } from '../definitions';
import type { EngineUnderTest } from '../engine';
import { median, type Figure } from '../rows';
import { metered, ofWorkload, runOne, type Size } from '../workload';

const sizes = { full: [1_000, 10_000, 100_000], quick: [1_000, 5_000], smoke: [10, 30] } as const;
const width = { full: 100, quick: 100, smoke: 5 } as const;
/** Small runs are over soon, and noise is a larger part of them. */
const repeatsOf = (actions: number) => (actions <= 1_000 ? 5 : 1);

/** W6: one run of more and more actions, in layers of equal width. What an action costs must not grow with the run. */
export async function sizeWorkload(engine: EngineUnderTest, size: Size): Promise<Figure[]> {
  const figures: Figure[] = [];
  for (const actions of sizes[size]) {
    const graph = layers(`w6-${actions}`, actions, width[size]);
    await engine.client.deploy(graph.definition);
    // The first run of an engine is slower than all others, and small.
    if (actions === sizes[size][0]) await runOne(engine, graph.id);
    figures.push(...ofWorkload(`W6 ${actions}`, await measure(engine, graph, repeatsOf(actions))));
  }
  return [
    ...figures,
    { workload: 'W6', metric: 'growth', unit: 'x', value: growthOf(figures, 'us_per_action') },
    { workload: 'W6', metric: 'cpu_growth', unit: 'x', value: growthOf(figures, 'cpu_us_per_step') },
  ];
}

function measure(engine: EngineUnderTest, graph: Graph, repeats: number): Promise<Figure[]> {
  const actions = graph.parents.size;
  const work = async () => {
    const done: { runId: string; ms: number }[] = [];
    for (let repeat = 0; repeat < repeats; repeat++) done.push(await runOne(engine, graph.id));
    return done;
  };
  return metered(engine, actions * repeats, work, async (done) => {
    await checkRuns(
      engine.log,
      graph,
      done.map(({ runId }) => runId),
    );
    return [{ metric: 'us_per_action', unit: 'µs', value: median(done.map(({ ms }) => (ms * 1000) / actions)) }];
  });
}

/** The largest size over the smallest. */
function growthOf(figures: readonly Figure[], metric: string): number {
  const values = figures.filter((figure) => figure.metric === metric).map(({ value }) => value);
  return (values.at(-1) ?? Number.NaN) / (values[0] ?? Number.NaN);
}
