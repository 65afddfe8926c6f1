import { sleeper } from '../definitions';
import { until, type EngineUnderTest } from '../engine';
import { usagesOf } from '../process-usage';
import { inFlight, submitsInFlight } from '../rest-client';
import type { Figure } from '../rows';
import { allProjected, ofWorkload, type Size } from '../workload';
import { startWorkload } from './start';

/** How many runs are held open, by size: what W5 and W7 have in common. */
export const openRuns = { full: 10_000, quick: 1_000, smoke: 10 } as const;

/** Longer than any measurement. */
const sleepSeconds = 86_400;
const allAsleepWithinMs = 600_000;

/**
 * W5: what it costs that many runs wait, each on a long sleep: memory, and how fast others start meanwhile, compared with the
 * same engine just before.
 */
export async function openRunsWorkload(engine: EngineUnderTest, size: Size): Promise<Figure[]> {
  const before = await startWorkload(engine, 'noop', size);
  const accepted = await holdOpen(engine, openRuns[size]);
  const memory = [...usagesOf(engine.groups)].map(([name, { rssMib }]) => ({
    metric: `rss_mib.${name}`,
    unit: 'MiB',
    value: rssMib,
  }));
  const after = await startWorkload(engine, 'noop', size);
  const ratio = valueOf(after, 'start_p50_ms') / valueOf(before, 'start_p50_ms');
  return [
    ...ofWorkload('W5 0', before),
    ...after,
    { metric: 'start_p50_ratio', unit: 'x', value: ratio },
    { metric: 'accepted_per_s', unit: 'runs/s', value: accepted },
    ...memory,
  ];
}

/** Makes so many runs wait, unless they do already; answers how many were accepted in a second. */
export async function holdOpen(engine: EngineUnderTest, wanted: number): Promise<number> {
  const missing = wanted - (await engine.log.openRuns());
  if (missing <= 0) return Number.NaN;
  const graph = sleeper('w5-sleeper', sleepSeconds);
  await engine.client.deploy(graph.definition);
  const position = await engine.log.lastPosition();
  const began = performance.now();
  await inFlight(missing, submitsInFlight, () => engine.client.start(graph.id));
  const acceptedMs = performance.now() - began;
  const asleep = async () => (await engine.log.countSince(position, 'ExecutionStarted')) >= missing;
  await until(asleep, `${missing} runs to sleep`, { everyMs: 200, withinMs: allAsleepWithinMs });
  await allProjected(engine);
  return (missing * 1000) / acceptedMs;
}

function valueOf(figures: readonly Figure[], metric: string): number {
  return figures.find((figure) => figure.metric === metric)?.value ?? Number.NaN;
}
