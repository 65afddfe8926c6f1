/** What is asked of the engine. */
export interface Load {
  /** Executions that end each second. */
  readonly stepsPerS: number;
  readonly executionsPerRun: number;
  /** Executions of a run that may be under way at once. 1 is a chain. */
  readonly width: number;
  /** How long an execution holds its slot; each takes a random time with this mean. 0 is a no-op. */
  readonly serviceMs: number;
  /** Of one event as it is stored. */
  readonly eventBytes: number;
  /** Runs under way at most: callers beyond it wait. 0: as many as keep everything busy. */
  readonly runsAtOnce: number;
}

/** What there is to do it. */
export interface Deployment {
  readonly intakes: number;
  readonly runners: number;
  /** Of the runners' inbox, in all. */
  readonly partitions: number;
  /** Databases that the log is spread over by a hash of the stream. 1 is all that the engine can do today. */
  readonly logShards: number;
  readonly coresPerDatabase: number;
  /** State stores that each follow their share of the log. 1 is all that the engine can do today. */
  readonly projectionShards: number;
  /** Databases of read models only. 0: they are in the log's database, as today. */
  readonly readDatabases: number;
  readonly brokers: number;
  readonly coresPerBroker: number;
  /** Copies that a broker keeps of a message: 1 is a classic queue, 3 a quorum queue on three nodes. */
  readonly copies: number;
  readonly sites: number;
  /** In all sites. */
  readonly executors: number;
  readonly slotsPerExecutor: number;
  /** Pods made for an execution: 1 in `job` mode; in `warm` mode one over the executions that a pod lives for. */
  readonly podsPerStep: number;
  /** Cores that all processes share, as on one machine. 0: each process has its own. */
  readonly sharedCores: number;
}

export interface Scenario {
  readonly name: string;
  readonly load: Load;
  readonly deployment: Deployment;
}

/** 1x: about half of what the benchmark's W2 reaches on a machine with two cores. */
const stepsPerS = 1_000;

const shortRuns: Load = {
  stepsPerS,
  executionsPerRun: 3,
  width: 1,
  serviceMs: 0,
  eventBytes: 350,
  runsAtOnce: 0,
};

/** One process of each service on one machine. */
export const oneMachine: Deployment = {
  intakes: 1,
  runners: 1,
  partitions: 16,
  logShards: 1,
  coresPerDatabase: 2,
  projectionShards: 1,
  readDatabases: 0,
  brokers: 1,
  coresPerBroker: 2,
  copies: 1,
  sites: 1,
  executors: 1,
  slotsPerExecutor: 64,
  podsPerStep: 0,
  sharedCores: 2,
};

/** The same processes, each with cores of its own: what the architecture allows before anything is multiplied. */
export const apart: Deployment = {
  ...oneMachine,
  coresPerDatabase: 8,
  coresPerBroker: 4,
  sharedCores: 0,
};

const tenfold: Deployment = {
  ...apart,
  intakes: 4,
  runners: 6,
  partitions: 96,
  projectionShards: 6,
  executors: 6,
  coresPerBroker: 8,
};

const hundredfold: Deployment = {
  ...apart,
  intakes: 48,
  runners: 48,
  partitions: 768,
  logShards: 4,
  coresPerDatabase: 16,
  projectionShards: 48,
  readDatabases: 4,
  brokers: 8,
  coresPerBroker: 8,
  sites: 4,
  executors: 48,
};

const thousandfold: Deployment = {
  ...hundredfold,
  intakes: 480,
  runners: 480,
  partitions: 7_680,
  logShards: 40,
  projectionShards: 480,
  readDatabases: 40,
  brokers: 80,
  sites: 40,
  executors: 480,
};

/** Each load once on what carried the one before, to see what gives way, and once on what carries it. */
export const scales: readonly Scenario[] = [
  { name: '1x, one machine', load: shortRuns, deployment: oneMachine },
  { name: '10x, one machine', load: times(10), deployment: oneMachine },
  { name: '10x, one of each', load: times(10), deployment: apart },
  { name: '10x, one state store', load: times(10), deployment: { ...tenfold, projectionShards: 1 } },
  { name: '10x, scaled', load: times(10), deployment: tenfold },
  { name: '100x, as at 10x', load: times(100), deployment: tenfold },
  {
    name: '100x, one log and site',
    load: times(100),
    deployment: { ...hundredfold, logShards: 1, readDatabases: 1, sites: 1 },
  },
  { name: '100x, scaled', load: times(100), deployment: hundredfold },
  { name: '1000x, as at 100x', load: times(1_000), deployment: hundredfold },
  { name: '1000x, scaled', load: times(1_000), deployment: thousandfold },
];

/** Actions of a second, in pods: what the API server of a cluster has to do with it. */
export const podScales: readonly Scenario[] = [
  { name: '1x of 1 s, a pod each', load: { ...shortRuns, serviceMs: 1_000 }, deployment: inPods(1, 1) },
  { name: '1x of 1 s, warm pods', load: { ...shortRuns, serviceMs: 1_000 }, deployment: inPods(0.001, 1) },
  { name: '1x of 1 s, a pod each, 12 clusters', load: { ...shortRuns, serviceMs: 1_000 }, deployment: inPods(1, 12) },
];

function inPods(podsPerStep: number, sites: number): Deployment {
  return { ...apart, podsPerStep, sites, executors: sites, slotsPerExecutor: Math.ceil(1_800 / sites) };
}

function times(factor: number): Load {
  return { ...shortRuns, stepsPerS: factor * stepsPerS };
}

/**
 * Equal parts that do not touch each other, of which one is enough to simulate: a deployment of 40 logs with 12 runners each
 * behaves like one log with 12 runners at a fortieth of the load.
 */
export function sliceOf({ name, load, deployment }: Scenario): { readonly slices: number; readonly slice: Scenario } {
  const { intakes, runners, logShards, projectionShards, brokers, sites, executors, partitions, readDatabases } =
    deployment;
  const counts = [intakes, runners, logShards, projectionShards, brokers, sites, executors, partitions, readDatabases];
  const slices = deployment.sharedCores > 0 || load.runsAtOnce > 0 ? 1 : counts.reduce(commonDivisor);
  const shared = (count: number) => count / slices;
  const slice: Deployment = {
    ...deployment,
    intakes: shared(intakes),
    runners: shared(runners),
    partitions: shared(partitions),
    logShards: shared(logShards),
    projectionShards: shared(projectionShards),
    readDatabases: shared(readDatabases),
    brokers: shared(brokers),
    sites: shared(sites),
    executors: shared(executors),
  };
  return { slices, slice: { name, load: { ...load, stepsPerS: load.stepsPerS / slices }, deployment: slice } };
}

function commonDivisor(left: number, right: number): number {
  return right === 0 ? left : commonDivisor(right, left % right);
}

/** A scenario with some of its numbers replaced, by name. Throws with what was expected for a name or value of no sense. */
export function withNumbers(scenario: Scenario, numbers: Readonly<Record<string, unknown>>): Scenario {
  const load: Record<string, number> = { ...scenario.load };
  const deployment: Record<string, number> = { ...scenario.deployment };
  for (const [name, value] of Object.entries(numbers)) {
    const part = name in load ? load : name in deployment ? deployment : undefined;
    if (part === undefined) {
      throw new Error(`Expected one of ${Object.keys({ ...load, ...deployment }).join(', ')}, found ${name}`);
    }
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new Error(`Expected ${name} to be a number from 0 on, found ${String(value)}`);
    }
    part[name] = value;
  }
  const replaced = {
    name: scenario.name,
    load: load as unknown as Load,
    deployment: deployment as unknown as Deployment,
  };
  checkScenario(replaced);
  return replaced;
}

function checkScenario({ load, deployment }: Scenario): void {
  const counted = [
    'intakes',
    'runners',
    'partitions',
    'logShards',
    'projectionShards',
    'brokers',
    'executors',
  ] as const;
  for (const name of counted) {
    const value = deployment[name];
    if (!Number.isInteger(value) || value < 1) throw new Error(`Expected ${name} to be 1 or more, found ${value}`);
  }
  const atLeast = (name: string, value: number, least: number, of: string) => {
    if (value < least) throw new Error(`Expected ${name} to be at least ${of} (${least}), found ${value}`);
  };
  if (load.stepsPerS <= 0) throw new Error(`Expected stepsPerS above 0, found ${load.stepsPerS}`);
  atLeast('runners', deployment.runners, deployment.logShards, 'logShards');
  atLeast('partitions', deployment.partitions, deployment.runners, 'runners');
  atLeast('projectionShards', deployment.projectionShards, deployment.logShards, 'logShards');
  atLeast('executors', deployment.executors, deployment.sites, 'sites');
}
