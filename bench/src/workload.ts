import { until, type EngineUnderTest } from './engine';
import { Meter, type MeteredUsage } from './process-usage';
import type { Figure } from './rows';

/** How much of each workload is done. */
export type Size = 'full' | 'quick' | 'smoke';

const endWithinMs = 600_000;

/** Looked at often enough to be exact, and seldom enough to cost next to nothing. */
const lookEveryMs = 10;

/** Until no run is open in the log. */
export function allEnded(engine: EngineUnderTest): Promise<void> {
  const ended = async () => !(await engine.log.isAnyOpen());
  return until(ended, 'all runs to end', { everyMs: lookEveryMs, withinMs: endWithinMs });
}

/** Starts a run and waits until it has ended. */
export async function runOne(engine: EngineUnderTest, workflowId: string): Promise<{ runId: string; ms: number }> {
  const began = performance.now();
  const runId = await engine.client.start(workflowId);
  const ended = () => engine.log.hasEnded(runId);
  await until(ended, `run ${runId} to end`, { everyMs: lookEveryMs, withinMs: endWithinMs });
  return { runId, ms: performance.now() - began };
}

/** Until the read models have seen all that is in the log: what they do is part of a workload's cost. */
export async function allProjected(engine: EngineUnderTest): Promise<void> {
  const last = await engine.log.lastPosition();
  const hasCome = async (reader: string) => (await engine.log.readerPosition(reader)) >= last;
  // One process relays nothing: nobody could listen to a broker in its memory.
  const readers = engine.mode === 'standalone' ? ['projections'] : ['projections', 'relay'];
  for (const reader of readers) await until(() => hasCome(reader), `${reader} to catch up`, { everyMs: 10 });
}

/**
 * Does the work, and answers what it took of CPU and memory until all of it was readable, after the figures that `judge` makes of
 * what was done. Judging reads and checks the whole log: nothing of it is counted.
 */
export async function metered<Done>(
  engine: EngineUnderTest,
  steps: number,
  work: () => Promise<Done>,
  judge: (done: Done) => Promise<readonly Figure[]>,
): Promise<Figure[]> {
  await allProjected(engine);
  const meter = new Meter(engine.groups);
  let usages: [string, MeteredUsage][] = [];
  let done: Done;
  try {
    done = await work();
    await allProjected(engine);
  } finally {
    usages = [...meter.stop()];
  }
  const cpuSeconds = usages.reduce((sum, [, usage]) => sum + usage.cpuSeconds, 0);
  return [
    ...(await judge(done)),
    { metric: 'cpu_us_per_step', unit: 'µs/step', value: (cpuSeconds * 1e6) / steps },
    ...usages.map(([name, usage]) => ({ metric: `cpu_s.${name}`, unit: 's', value: usage.cpuSeconds })),
    ...usages.map(([name, usage]) => ({ metric: `peak_rss_mib.${name}`, unit: 'MiB', value: usage.peakRssMib })),
  ];
}

/** Figures that say themselves of which workload they are. */
export function ofWorkload(workload: string, figures: readonly Figure[]): Figure[] {
  return figures.map((figure) => ({ workload, ...figure }));
}
