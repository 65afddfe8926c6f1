import { until, type EngineUnderTest } from './engine';
import { Meter } from './process-usage';
import type { Figure } from './rows';

/** How much of each workload is done. */
export type Size = 'full' | 'quick' | 'smoke';

const endWithinMs = 600_000;

/** Until no run is open in the log. Looked at often enough to be exact, and seldom enough to cost nothing. */
export function allEnded(engine: EngineUnderTest): Promise<void> {
  return until(async () => (await engine.log.openRuns()) === 0, 'all runs to end', {
    everyMs: 10,
    withinMs: endWithinMs,
  });
}

/** Until the read models have seen all that is in the log: what they do is part of a workload's cost. */
export async function allProjected(engine: EngineUnderTest): Promise<void> {
  const last = await engine.log.lastPosition();
  const hasCome = async (reader: string) => (await engine.log.readerPosition(reader)) >= last;
  await until(async () => (await hasCome('projections')) && (await hasCome('relay')), 'readers to catch up', {
    everyMs: 10,
  });
}

/** Does the work, and answers with its figures what it took of CPU and memory until all of it was readable. */
export async function metered(
  engine: EngineUnderTest,
  steps: number,
  work: () => Promise<readonly Figure[]>,
): Promise<Figure[]> {
  await allProjected(engine);
  const meter = new Meter(engine.groups);
  let figures: readonly Figure[] = [];
  try {
    figures = await work();
    await allProjected(engine);
  } catch (error) {
    meter.stop();
    throw error;
  }
  const usages = [...meter.stop()];
  const cpuSeconds = usages.reduce((sum, [, usage]) => sum + usage.cpuSeconds, 0);
  return [
    ...figures,
    { metric: 'cpu_us_per_step', unit: 'µs/step', value: (cpuSeconds * 1e6) / steps },
    ...usages.map(([name, usage]) => ({ metric: `cpu_s.${name}`, unit: 's', value: usage.cpuSeconds })),
    ...usages.map(([name, usage]) => ({ metric: `peak_rss_mib.${name}`, unit: 'MiB', value: usage.peakRssMib })),
  ];
}
