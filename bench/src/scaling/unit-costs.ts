/** How we know a figure. `derived`: from measured figures by a division of the cost that was not measured by itself. */
export type Basis = 'measured' | 'derived' | 'estimate';

export interface UnitCost {
  readonly value: number;
  readonly basis: Basis;
  readonly from: string;
}

/**
 * What each thing costs, in one place: put new measurements in here, or in a JSON file of {name: value} for `--costs`. CPU in
 * microseconds of one core of the measured machine (2 cores, Node 20, PostgreSQL and RabbitMQ beside it).
 */
export const unitCosts = {
  intakeUsPerRun: cost(345, 'derived', 'bench W2 5000: 114 µs a step of studio-intake, three for a request'),

  runnerUsPerCycle: cost(500, 'estimate', 'a turn, however little it decides'),
  runnerUsPerItem: cost(120, 'derived', 'bench W2 5000: 217 µs a step of the runner, less turns and messages'),
  runnerUsPerMessage: cost(
    60,
    'derived',
    'bench W2 5000: a fifth of the runner by its profile (docs/performance.md), 0.7 to 0.8 messages a step here',
  ),
  settledRestUs: cost(50_000, 'measured', 'setting: how long a runner gathers what is settled'),
  runnerBatchItems: cost(500, 'measured', 'default of RYAX_BATCH_MESSAGES'),

  appendUsPerBatch: cost(
    300,
    'derived',
    'an append of two events takes 0.95 ms, less events, flush, round trip and waiting',
  ),
  appendUsPerEvent: cost(30, 'measured', '29 µs of database CPU; 26 to 31 thousand events/s on one connection'),
  databaseRoundTripUs: cost(100, 'estimate', 'network and driver, there and back, besides what the database does'),
  flushUs: cost(140, 'measured', 'one fdatasync of the measured disk'),
  walBytesPerEvent: cost(680, 'measured', '870 bytes of write-ahead log for an event of 190'),
  storedBytesPerEvent: cost(450, 'measured', '640 bytes of table and index for an event of 190'),
  walMibPerS: cost(200, 'estimate', 'how fast one PostgreSQL can write its own log for long'),

  brokerUsPerMessage: cost(
    45,
    'derived',
    'bench W2 5000: 173 µs a step of RabbitMQ; alone 65 to 80: 14 to 17 thousand messages/s in and out with 1.1 cores',
  ),
  brokerUsPerItem: cost(4, 'estimate', 'copying of what is packed'),
  queueUsPerMessage: cost(33, 'measured', 'one queue is one process of the broker: about 30 thousand messages/s'),
  copyShare: cost(0.5, 'estimate', 'of the work for a message, for each further copy of a quorum queue'),
  hopUs: cost(300, 'estimate', 'network, sockets and turns of event loops from one process to the next'),

  executorUsPerMessage: cost(60, 'estimate', 'taking or sending one message: as the runner'),
  executorUsPerItem: cost(
    40,
    'derived',
    'bench W2 5000: 64 µs a step of the executor for a no-op of its own, less messages',
  ),

  tailUsPerPage: cost(300, 'estimate', 'one statement, whatever it finds'),
  tailUsPerEvent: cost(9, 'measured', 'the tail reads 90 to 125 thousand events/s'),
  projectUsPerPage: cost(1_500, 'estimate', 'CPU of the state store for a page of about ten statements'),
  projectUsPerEvent: cost(29, 'derived', 'bench W2 5000: 202 µs a step of the state store, less the relay and pages'),
  projectDatabaseUsPerPage: cost(
    2_500,
    'derived',
    'bench W2 5000: a third of the 179 µs a step of PostgreSQL by its profile, less reading and rows, at a page each 120 ms',
  ),
  projectDatabaseUsPerEvent: cost(8, 'measured', 'a row at each end of an execution: 17 µs a step'),
  projectPageEvents: cost(1_000, 'measured', 'setting: page of the projections'),
  projectRestUs: cost(50_000, 'measured', 'setting: pause of the projections after a page that was not full'),
  relayUsPerPage: cost(300, 'estimate', 'CPU of the state store for a page, whatever is in it'),
  relayUsPerEvent: cost(
    43,
    'derived',
    'bench W2 5000: 45 parts of 80 of the state store by its profile, 2.67 messages a step',
  ),
  relayPageEvents: cost(500, 'measured', 'setting: page of the relay'),
  relayRestUs: cost(20_000, 'measured', 'setting: pause of the relay after a page that was not full'),

  podsPerS: cost(100, 'estimate', 'pods that a large Kubernetes cluster makes, binds and removes each second'),
} as const satisfies Readonly<Record<string, UnitCost>>;

/**
 * What the benchmark measured, which the model has to give again: put new measurements in here, and bring the costs above in line.
 * Here: W2 5000, distributed, 2 cores with nothing else running, 26 November 2026: 15,000 steps.
 */
export const measuredReference = {
  /** Runs under way in W2: it submits 100 at once, and those accepted go on. */
  runsAtOnce: 200,
  stepsPerS: 1_886,
  /** CPU of the benchmark's own process, which the model does not have. */
  harnessUsPerStep: 40,
  cpuUsPerStep: {
    intake: 114,
    'runner thread': 217,
    'executor thread': 64,
    'state store thread': 202,
    'log database': 179,
    'broker nodes': 173,
  },
} as const;

export type CostName = keyof typeof unitCosts;
export type Costs = Readonly<Record<CostName, number>>;

/** The defaults, with some replaced by name. Throws with what was expected for a name or value of no sense. */
export function costsWith(replaced: Readonly<Record<string, unknown>> = {}): Costs {
  const costs = Object.fromEntries(Object.entries(unitCosts).map(([name, { value }]) => [name, value]));
  for (const [name, value] of Object.entries(replaced)) {
    if (!(name in costs)) throw new Error(`Expected one of ${Object.keys(costs).join(', ')}, found ${name}`);
    if (typeof value !== 'number' || !Number.isFinite(value) || value < 0) {
      throw new Error(`Expected ${name} to be a number from 0 on, found ${String(value)}`);
    }
    costs[name] = value;
  }
  return costs as Costs;
}

function cost(value: number, basis: Basis, from: string): UnitCost {
  return { value, basis, from };
}
