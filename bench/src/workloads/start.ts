import { setTimeout as wait } from 'node:timers/promises';
import { checkRuns } from '../checks';
import { chain, type Step } from '../definitions';
import { until, type EngineUnderTest } from '../engine';
import type { LoggedEvent } from '../log-view';
import { percentile, type Figure } from '../rows';
import { metered, type Size } from '../workload';

const submissions = { full: 200, quick: 100, smoke: 5 } as const;
/** Between two submissions, so that they fall into step with nothing that polls. */
const pauseMs = { least: 5, most: 25 } as const;

interface Submitted {
  readonly runId: string;
  /** On the machine's clock, and on its monotonic one. */
  readonly at: number;
  readonly atMonotonic: number;
}

/**
 * W4: from submitting over REST to the first action running, one submission after the other. A handler says itself when it was
 * called. The engine's own action takes no time, so it runs, at the latest, when its success is decided; that time is in the
 * log in whole milliseconds, rounded up here.
 */
export async function startWorkload(engine: EngineUnderTest, step: Step, size: Size): Promise<Figure[]> {
  const graph = chain(`w4-${step}`, 1, step);
  await engine.client.deploy(graph.definition);
  const count = submissions[size];
  await submit(engine, graph.id);
  const work = async () => {
    const submitted: Submitted[] = [];
    for (let index = 0; index < count; index++) submitted.push(await submit(engine, graph.id));
    return submitted;
  };
  return metered(engine, count, work, async (submitted) => {
    const runIds = submitted.map(({ runId }) => runId);
    await checkRuns(engine.log, graph, runIds);
    const successes = new Map(
      (await engine.log.events(runIds))
        .filter(({ type }) => type === 'ExecutionSucceeded')
        .map((event) => [event.runId, event]),
    );
    const delays = submitted.map((each) => delayOf(each, successes.get(each.runId), step));
    return [
      { metric: 'start_p50_ms', unit: 'ms', value: percentile(delays, 50) },
      { metric: 'start_p99_ms', unit: 'ms', value: percentile(delays, 99) },
    ];
  });
}

async function submit(engine: EngineUnderTest, workflowId: string): Promise<Submitted> {
  const at = performance.timeOrigin + performance.now();
  const atMonotonic = Number(process.hrtime.bigint()) / 1e6;
  const runId = await engine.client.start(workflowId);
  await until(() => engine.log.hasEnded(runId), `run ${runId} to end`);
  const { least, most } = pauseMs;
  await wait(least + Math.random() * (most - least));
  return { runId, at, atMonotonic };
}

function delayOf(submitted: Submitted, success: LoggedEvent | undefined, step: Step): number {
  if (success === undefined) throw new Error(`Expected a success of run ${submitted.runId}, found none`);
  if (step === 'noop') return success.recordedAt + 1 - submitted.at;
  return (success.data.outputs?.['called_at'] ?? Number.NaN) - submitted.atMonotonic;
}
