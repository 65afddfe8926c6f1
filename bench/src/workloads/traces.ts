import { checkRuns } from '../checks';
import { definition, type Graph } from '../definitions';
import type { EngineUnderTest } from '../engine';
import type { LoggedEvent } from '../log-view';
import type { Figure } from '../rows';
import {
  graphOfTrace,
  listScheduleSeconds,
  lowerBoundSeconds,
  napAction,
  scaledTo,
  type ScheduleRule,
  type Trace,
} from '../traces';
import { allEnded, ofWorkload, type Size } from '../workload';

const boundSeconds = { full: 5, quick: 2, smoke: 0.2 } as const;
/** So long a worker naps at first, so that each of them has to be started; twice as long until that is enough. */
const firstNapMsPerWorker = 60;
const longestNapMs = 120_000;

/**
 * W8: recorded workflows with the times that their tasks took, scaled down, on an engine with so many slots, twice each, against the
 * shortest time that any schedule could take. Processes are warm: what starting one costs is no matter of scheduling.
 */
export async function tracesWorkload(
  engine: EngineUnderTest,
  size: Size,
  slots: number,
  traces: readonly Trace[],
): Promise<Figure[]> {
  const warm = await warmWorkers(engine, slots);
  const figures: Figure[] = [];
  for (const trace of traces) {
    const scaled = scaledTo(trace, slots, boundSeconds[size]);
    const graph = graphOfTrace(scaled, `w8-${trace.name}-${slots}`);
    const first = await runOnce(engine, graph);
    const second = await runOnce(engine, graph);
    const bound = lowerBoundSeconds(scaled, slots);
    const makespanRatio = (events: readonly LoggedEvent[]) => makespanMs(events) / (bound * 1000);
    const ratioOf = (rule: ScheduleRule) => listScheduleSeconds(scaled, slots, rule) / bound;
    const cold = [...workersOf([...first, ...second])].filter((worker) => !warm.has(worker));
    figures.push(
      ...ofWorkload(`W8 ${trace.name} k=${slots}`, [
        { metric: 'makespan_ratio', unit: 'x', value: makespanRatio(first) },
        // Now the runner has seen how long each task takes.
        { metric: 'makespan_again_ratio', unit: 'x', value: makespanRatio(second) },
        // What is possible without any overhead: the bound itself may be out of reach.
        { metric: 'first_ready_ratio', unit: 'x', value: ratioOf('first-ready') },
        { metric: 'most_tasks_first_ratio', unit: 'x', value: ratioOf('most-tasks-first') },
        { metric: 'longest_path_first_ratio', unit: 'x', value: ratioOf('longest-path-first') },
        { metric: 'makespan_ms', unit: 'ms', value: makespanMs(first) },
        { metric: 'cold_starts', unit: 'processes', value: cold.length },
      ]),
    );
    for (const worker of cold) warm.add(worker);
  }
  return figures;
}

/** Naps at once until every slot has a process that is warm; answers their numbers. */
async function warmWorkers(engine: EngineUnderTest, slots: number): Promise<Set<number>> {
  for (let ms = firstNapMsPerWorker * slots; ms <= longestNapMs; ms *= 2) {
    const workers = workersOf(await runOnce(engine, naps(`w8-warm-${slots}-${ms}`, slots, ms)));
    if (workers.size === slots) return workers;
  }
  throw new Error(
    `Expected ${slots} naps of ${longestNapMs} ms to run at once; does the system keep executions apart?`,
  );
}

function naps(id: string, count: number, ms: number): Graph {
  const names = Array.from({ length: count }, (_, index) => `nap_${index}`);
  const actions = names.map((name) => ({ id: name, action: napAction, inputs: { ms } }));
  return { id, definition: definition(id, actions), parents: new Map(names.map((name) => [name, []])) };
}

async function runOnce(engine: EngineUnderTest, graph: Graph): Promise<LoggedEvent[]> {
  await engine.client.deploy(graph.definition);
  const runId = await engine.client.start(graph.id);
  await allEnded(engine);
  await checkRuns(engine.log, graph, [runId]);
  return engine.log.events([runId]);
}

function workersOf(events: readonly LoggedEvent[]): Set<number> {
  const workers = events.map(({ data }) => data.outputs?.['worker']);
  return new Set(workers.filter((worker) => worker !== undefined));
}

/** By the log: from the first task that could start to the last that has ended. */
function makespanMs(events: readonly LoggedEvent[]): number {
  const times = (type: string) => events.filter((event) => event.type === type).map(({ recordedAt }) => recordedAt);
  return Math.max(...times('ExecutionSucceeded')) - Math.min(...times('ExecutionScheduled'));
}
