import { checkRuns } from '../checks';
import { chain, type Step } from '../definitions';
import type { EngineUnderTest } from '../engine';
import { inFlight, submitsInFlight } from '../rest-client';
import type { Figure } from '../rows';
import { allEnded, metered, runOne, type Size } from '../workload';

const shortRun = 3;
/** None where nothing is said about speed. Peers have the same. */
const warmUpRuns = {
  noop: { full: 2_000, quick: 1_000, smoke: 0 },
  // The engine is warm by then: only its workers and their path are not.
  handler: { full: 1_000, quick: 200, smoke: 0 },
} as const;
/** One step at a time takes other paths than hundreds at once, and its code is called seldom. */
const warmUpChains = {
  noop: { full: 25, quick: 8, smoke: 0 },
  handler: { full: 5, quick: 1, smoke: 0 },
} as const;
const warmUpChainSteps = 100;

/** How much is submitted, and what else wants to know of it. */
export interface Load {
  readonly runs: number;
  /** Sequential actions of each. Three when left out. */
  readonly steps?: number;
  /** One request for each run, many at once, when left out; otherwise so many runs in each call, one call after the other. */
  readonly batch?: number;
  readonly onAccepted?: (runId: string) => void;
  /** When all runs have ended, before anything is read to check them. */
  readonly onEnded?: () => Promise<void>;
}

/** W2: many short runs, submitted as fast as they are accepted, until all of them have ended. */
export async function throughputWorkload(engine: EngineUnderTest, step: Step, load: Load): Promise<Figure[]> {
  const { runs, steps = shortRun, onEnded } = load;
  const graph = chain(`w2-${step}-${steps}`, steps, step);
  await engine.client.deploy(graph.definition);
  const work = async () => {
    const began = performance.now();
    const runIds = await submitAll(engine, graph.id, load);
    const acceptedMs = performance.now() - began;
    await allEnded(engine);
    const totalMs = performance.now() - began;
    await onEnded?.();
    return { runIds, acceptedMs, totalMs };
  };
  return metered(engine, runs * steps, work, async ({ runIds, acceptedMs, totalMs }) => {
    await checkRuns(engine.log, graph, runIds);
    return [
      { metric: 'steps_per_s', unit: 'steps/s', value: (runs * steps * 1000) / totalMs },
      { metric: 'runs_per_s', unit: 'runs/s', value: (runs * 1000) / totalMs },
      { metric: 'wall_us_per_step', unit: 'µs/step', value: (totalMs * 1000) / (runs * steps) },
      { metric: 'accepted_per_s', unit: 'runs/s', value: (runs * 1000) / acceptedMs },
    ];
  });
}

async function submitAll(engine: EngineUnderTest, workflowId: string, load: Load): Promise<string[]> {
  const { runs, batch, onAccepted } = load;
  if (batch === undefined) {
    return inFlight(runs, submitsInFlight, async () => {
      const runId = await engine.client.start(workflowId);
      onAccepted?.(runId);
      return runId;
    });
  }
  const runIds: string[] = [];
  while (runIds.length < runs) {
    const accepted = await engine.client.startBatch(workflowId, Math.min(batch, runs - runIds.length));
    for (const runId of accepted) onAccepted?.(runId);
    runIds.push(...accepted);
  }
  return runIds;
}

/**
 * The loads of W2 and W1, of which nothing is reported: a process that has just been started takes twice the time for all that it
 * does, until its code is compiled, and ours are meant to live for weeks.
 */
export async function warmUp(engine: EngineUnderTest, step: Step, size: Size): Promise<void> {
  const runs = warmUpRuns[step][size];
  if (runs > 0) await throughputWorkload(engine, step, { runs });
  const graph = chain(`warm-up-${step}`, warmUpChainSteps, step);
  await engine.client.deploy(graph.definition);
  for (let run = 0; run < warmUpChains[step][size]; run++) await runOne(engine, graph.id);
}
