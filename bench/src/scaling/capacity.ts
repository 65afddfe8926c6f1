import { percentile } from '../rows';
import { Pipeline } from './pipeline';
import { sliceOf, type Scenario } from './scenario';
import { randomFrom, Simulation } from './simulation';
import type { Meter } from './station';
import type { Costs } from './unit-costs';

/** How much of one kind of part is used. */
export interface PartUse {
  readonly part: string;
  readonly count: number;
  /** Of the busiest one, from 0 to 1. */
  readonly utilisation: number;
  /** Steps/s at which this kind of part alone would be full, at what a step costs it here. */
  readonly carriesStepsPerS: number;
}

export interface Spread {
  readonly p50: number;
  readonly p99: number;
}

export interface ReaderResult {
  readonly lagMs: Spread;
  /** Of the events that were committed, those that were handled in the same time. */
  readonly keepsUp: number;
}

export interface Capacity {
  readonly scenario: Scenario;
  readonly slices: number;
  readonly reachedStepsPerS: number;
  readonly parts: readonly PartUse[];
  readonly stepMs: Spread;
  readonly startMs: Spread;
  readonly runMs: Spread;
  readonly itemsPerTurn: number;
  readonly messagesPerStep: number;
  /** What the log's tables and their indexes grow by. */
  readonly logBytesPerS: number;
  readonly projections: ReaderResult;
  readonly relay: ReaderResult;
}

export interface Extent {
  /** Steps that are simulated of a slice, about. */
  readonly steps: number;
  readonly leastS: number;
  readonly mostS: number;
}

/** Where all is full, runs begin and end in waves of about a second: as long as a few of them. */
const defaultExtent: Extent = { steps: 30_000, leastS: 4, mostS: 5 };
/** Runs under way for each runner, beyond which callers wait: enough to fill every turn of it. Slots are filled twice. */
const fillingRuns = 1_000;
/** A single run of very many executions need not end before it is looked at. */
const enoughSteps = 20_000;
/** Looked at so often, and at most for so long, whether what it began with has gone through. */
const warmUpS = { step: 0.25, most: 30 };

/** What a deployment makes of a load, by simulating one of its equal slices. */
export function simulateCapacity(scenario: Scenario, costs: Costs, extent: Extent = defaultExtent): Capacity {
  const { slices, slice } = sliceOf(scenario);
  const simulation = new Simulation();
  const random = randomFrom(1);
  const pipeline = new Pipeline(simulation, slice, costs, random);
  const { stepsPerS } = slice.load;
  const measuredS = Math.min(extent.mostS, Math.max(extent.leastS, extent.steps / stepsPerS));
  arrive(simulation, pipeline, slice, random);
  warmUp(simulation, pipeline, slice);
  const meters = metersOf(pipeline);
  for (const { of } of meters) for (const { meter } of of) meter.begin();
  pipeline.count();
  const endedBefore = pipeline.counts.ended;
  simulation.runUntil(simulation.now + measuredS);
  const steps = pipeline.counts.ended - endedBefore;
  const reached = steps / measuredS;
  const events = pipeline.logs.reduce((sum, log) => sum + log.events, 0);
  const parts = meters.map(({ part, of, handled }) => {
    const utilisation = Math.max(...of.map(({ meter, servers }) => meter.mean / servers));
    // A reader that is behind has done less than the steps that were made.
    const rate = handled === undefined || events === 0 ? reached : (reached * handled()) / events;
    const carries = utilisation === 0 ? Infinity : (slices * rate) / utilisation;
    return { part, count: slices * of.length, utilisation, carriesStepsPerS: carries };
  });
  const { times, broker, runners, stores } = pipeline;
  return {
    scenario,
    slices,
    reachedStepsPerS: slices * reached,
    parts,
    stepMs: spreadMs(times.steps),
    startMs: spreadMs(times.starts),
    runMs: spreadMs(times.runs),
    itemsPerTurn: mean(runners.flatMap(({ batches }) => batches)),
    messagesPerStep: broker.messages / Math.max(1, steps),
    logBytesPerS: (slices * events * (slice.load.eventBytes + costs.storedBytesPerEvent)) / measuredS,
    projections: readerResult(
      stores.map((store) => store.projections),
      events,
    ),
    relay: readerResult(
      stores.map((store) => store.relay),
      events,
    ),
  };
}

/** Callers come at random, and wait while too many runs are under way. */
function arrive(
  simulation: Simulation,
  pipeline: Pipeline,
  { load, deployment }: Scenario,
  random: () => number,
): void {
  const runsPerS = load.stepsPerS / load.executionsPerRun;
  const { runners, executors, slotsPerExecutor } = deployment;
  const filling = fillingRuns * runners + (load.serviceMs > 0 ? 2 * executors * slotsPerExecutor : 0);
  const most = load.runsAtOnce > 0 ? load.runsAtOnce : filling;
  const next = () => {
    const { asked, endedRuns } = pipeline.counts;
    if (asked - endedRuns < most) pipeline.ask();
    simulation.after(-Math.log(1 - random()) / runsPerS, next);
  };
  next();
}

/** Until what is under way is little beside what has gone through: what came at once has spread. */
function warmUp(simulation: Simulation, { counts }: Pipeline, { load }: Scenario): void {
  const leastS = 2 * warmUpS.step + (3 * load.serviceMs) / 1e3;
  do simulation.runUntil(simulation.now + warmUpS.step);
  while (simulation.now < warmUpS.most && (simulation.now < leastS || !isSettled(counts, load)));
}

function isSettled({ asked, endedRuns, ended }: Pipeline['counts'], { executionsPerRun }: Scenario['load']): boolean {
  const underWay = (asked - endedRuns) * executionsPerRun;
  return ended >= Math.min(2 * underWay, enoughSteps);
}

interface Metered {
  readonly part: string;
  readonly of: readonly { readonly meter: Meter; readonly servers: number }[];
  readonly handled?: () => number;
}

function metersOf(pipeline: Pipeline): readonly Metered[] {
  const { intakes, broker, runners, logs, readDatabases, executors, clusters, stores, host } = pipeline;
  const projected = () => stores.reduce((sum, { projections }) => sum + projections.handled, 0);
  const relayed = () => stores.reduce((sum, { relay }) => sum + relay.handled, 0);
  const all: Metered[] = [
    { part: 'intake', of: intakes },
    { part: 'broker nodes', of: broker.nodes },
    { part: 'broker, busiest queue', of: broker.queues.map(({ process }) => process) },
    { part: 'runner thread', of: runners.map(({ thread }) => thread) },
    { part: 'runner turns', of: runners.map(({ turn }) => ({ meter: turn, servers: 1 })) },
    { part: 'log database', of: logs.map(({ database }) => database) },
    { part: 'log disk', of: logs.map(({ disk }) => ({ meter: disk.meter, servers: 1 })) },
    { part: 'executor thread', of: executors.map(({ thread }) => thread) },
    { part: 'executor slots', of: executors.map(({ slots }) => slots) },
    { part: 'Kubernetes API', of: clusters },
    { part: 'state store thread', of: stores.map(({ thread }) => thread), handled: relayed },
    {
      part: 'projections',
      of: stores.map((store) => ({ meter: store.projections.meter, servers: 1 })),
      handled: projected,
    },
    { part: 'relay', of: stores.map((store) => ({ meter: store.relay.meter, servers: 1 })), handled: relayed },
    { part: 'read model database', of: readDatabases },
    { part: 'cores of the machine', of: host === undefined ? [] : [host] },
  ];
  return all.filter(({ of }) => of.length > 0);
}

function readerResult(readers: readonly { readonly lags: number[]; readonly handled: number }[], events: number) {
  const handled = readers.reduce((sum, reader) => sum + reader.handled, 0);
  return { lagMs: spreadMs(readers.flatMap(({ lags }) => lags)), keepsUp: events === 0 ? 1 : handled / events };
}

function spreadMs(seconds: readonly number[]): Spread {
  return { p50: 1e3 * percentile(seconds, 50), p99: 1e3 * percentile(seconds, 99) };
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
