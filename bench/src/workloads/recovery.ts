import { checkRuns } from '../checks';
import { chain } from '../definitions';
import { until, type EngineUnderTest } from '../engine';
import type { Figure } from '../rows';
import type { Size } from '../workload';
import { holdOpen, openRuns } from './open-runs';

/** Enough to fall into several partitions: some may have a new owner before others. */
const submitters = 16;
const recoveredWithinMs = 120_000;
const takenOver = /"Partitions were taken over"/;

/**
 * W7: with many open runs the process that decides is killed and comes again. Times are from the start of the new process: until
 * the first of several runs that were asked for since the kill is in the log, until all of them are, and until the heads of all
 * open runs have been read.
 */
export async function recoveryWorkload(engine: EngineUnderTest, size: Size): Promise<Figure[]> {
  await holdOpen(engine, openRuns[size]);
  const graph = chain('w7-after', 1, 'noop');
  await engine.client.deploy(graph.definition);
  const open = await engine.log.openRuns();
  const heads = countHeads(engine);
  try {
    const { startedAt, ready } = await engine.killAndRestart(engine.mode === 'standalone' ? 'engine' : 'runner-1');
    const submit = async (_: unknown, index: number) => {
      const runId = await engine.client.startUntilAccepted(graph.id, `w7-${index}`, recoveredWithinMs);
      return { runId, s: (performance.now() - startedAt) / 1000 };
    };
    const decided = await Promise.all(Array.from({ length: submitters }, submit));
    await until(() => heads.known() >= open, `${open} heads to be known`, { withinMs: recoveredWithinMs });
    await ready;
    const times = decided.map(({ s }) => s);
    const runIds = decided.map(({ runId }) => runId);
    await until(async () => (await engine.log.openRuns()) <= open, 'the runs since the kill to end');
    await checkRuns(engine.log, graph, runIds);
    const left = await engine.log.openRuns();
    if (left !== open) throw new Error(`Expected ${open} runs to be open after the kill as before it, found ${left}`);
    return [
      { metric: 'first_decision_s', unit: 's', value: Math.min(...times) },
      { metric: 'every_decision_s', unit: 's', value: Math.max(...times) },
      { metric: 'all_heads_s', unit: 's', value: (heads.lastAt() - startedAt) / 1000 },
      { metric: 'open_runs', unit: 'runs', value: open },
    ];
  } finally {
    heads.stop();
  }
}

interface Heads {
  known(): number;
  /** On the monotonic clock. */
  lastAt(): number;
  stop(): void;
}

/** Partitions come over in one go, or in several while others still count as living. */
function countHeads(engine: EngineUnderTest): Heads {
  let known = 0;
  let lastAt = Number.NaN;
  const stop = engine.onLine((line) => {
    if (!takenOver.test(line)) return;
    known += (JSON.parse(line) as { open_runs: number }).open_runs;
    lastAt = performance.now();
  });
  return { known: () => known, lastAt: () => lastAt, stop };
}
